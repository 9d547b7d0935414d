"""muon-decay: positrons from mu+ -> e+ nu nubar in flight, with the muon's spin along its momentum.

The rest-frame spectrum is Michel's, d2N/(dx dcos) ~ x^2 [3 - 2x + P cos (2x - 1)] with x = E/E_max (PDG review "Muon
decay parameters" with the standard model's rho, delta and xi, electron mass neglected in the spectrum).
"""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from surrogates.contract.deferred import deferred
from surrogates.contract.laws import Law
from surrogates.contract.plugin import Features, Plugin
from surrogates.contract.recipe import Adam, Phase, Recipe
from surrogates.contract.schema import Schema, Variable
from surrogates.measuring.figures import Figure, Figures
from surrogates.noise import draws
from surrogates.plotting.panels import ratio_axes, ratio_histogram, styled

MUON_MASS, POSITRON_MASS = 0.1056583755, 0.51099895e-3  # GeV (PDG 2024)
MUON_LIFETIME = 2.1969811  # us (PDG 2024)
LARGEST_ENERGY = (MUON_MASS**2 + POSITRON_MASS**2) / (2 * MUON_MASS)  # GeV, in the muon's rest frame

CONDITIONS = Schema(
    (
        Variable("muon_momentum", "momentum of the muon", "GeV", bounds=(0.0, 10.0)),
        Variable("polarisation", "spin polarisation along the momentum", bounds=(-1.0, 1.0), default=-1.0),
    )
)
OUTPUTS = Schema(
    (
        Variable("positron_energy", "energy of the positron", "GeV"),
        Variable("positron_pz", "momentum of the positron along the muon's", "GeV"),
        Variable("positron_pt", "momentum of the positron across the muon's", "GeV"),
        Variable("decay_time", "time of the decay in the laboratory", "us"),
    )
)


class MichelDecay:
    """The reference: exact draws from the spectrum, boosted to the laboratory."""

    conditions, outputs = CONDITIONS, OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Decay one muon a row."""
        samples = conditions["sample"].values
        u = draws(seed, samples).uniform((3,), "decay")
        knots = np.linspace(0.0, 1.0, 20001)
        x = np.interp(u[:, 0], 2 * knots**3 - knots**4, knots)
        slope = conditions["polarisation"].values * (2 * x - 1) / (3 - 2 * x)
        root = np.sqrt((1 - slope) ** 2 + 4 * slope * u[:, 1])
        cosine = 4 * u[:, 1] / (1 - slope + root) - 1  # the root of (1 - slope) w + slope w^2 = u, w = (1 + cosine) / 2
        momentum = conditions["muon_momentum"].values
        gamma, drift = np.hypot(momentum, MUON_MASS) / MUON_MASS, momentum / MUON_MASS
        energy = np.maximum(x * LARGEST_ENERGY, POSITRON_MASS)
        size = np.sqrt(energy**2 - POSITRON_MASS**2)
        values = {
            "positron_energy": gamma * energy + drift * size * cosine,
            "positron_pz": gamma * size * cosine + drift * energy,
            "positron_pt": size * np.sqrt(1 - cosine**2),
            "decay_time": -np.log(u[:, 2]) * gamma * MUON_LIFETIME,
        }
        return OUTPUTS.dataset(values, samples).assign({name: conditions[name] for name in CONDITIONS.names})


def rest_frame(data: xr.Dataset) -> np.ndarray:
    """Polarisation, x, cos(angle to the spin axis) and proper time in lifetimes, (n, 4), in the muon's rest frame."""
    momentum, energy, pz = (data[name].values for name in ("muon_momentum", "positron_energy", "positron_pz"))
    gamma, drift = np.hypot(momentum, MUON_MASS) / MUON_MASS, momentum / MUON_MASS
    own = gamma * energy - drift * pz
    cosine = (gamma * pz - drift * energy) / np.maximum(np.sqrt(np.maximum(own**2 - POSITRON_MASS**2, 0)), 1e-12)
    lifetimes = data["decay_time"].values / (gamma * MUON_LIFETIME)
    return np.stack((data["polarisation"].values, own / LARGEST_ENERGY, cosine, lifetimes), axis=1)


def column(data: xr.Dataset, *, number: int) -> np.ndarray:
    """One of the quantities of `rest_frame`."""
    return rest_frame(data)[:, number]


def correlations(data: xr.Dataset) -> tuple[float, float]:
    """Means of P cos and of P cos x: how much the spin turns the positron, and how much more at high energy."""
    p, x, cosine, _ = rest_frame(data).T
    return float(np.mean(p * cosine)), float(np.mean(p * cosine * x))


def difference(ours: tuple[float, float], theirs: tuple[float, float], *, number: int) -> float:
    """Size of the difference of one correlation."""
    return abs(ours[number] - theirs[number])


def spectra_apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """1-Wasserstein distance from a thousand quantiles."""
    grid = (np.arange(1000) + 0.5) / 1000
    return float(np.abs(np.quantile(ours, grid) - np.quantile(theirs, grid)).mean())


FIGURES = Figures(
    (
        Figure("energy_w1", partial(column, number=1), spectra_apart, at_most=0.01),
        Figure("lifetime_w1", partial(column, number=3), spectra_apart, at_most=0.05),
        Figure("asymmetry", correlations, partial(difference, number=0), at_most=0.015),
        Figure("energy_asymmetry", correlations, partial(difference, number=1), at_most=0.012),
    ),
    n=20_000,
)


def features(data: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the two-sample classifiers look at."""
    return rest_frame(data), ("polarisation", "x", "cosine", "lifetimes")


def unpolarised(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The impostor: decays that ignore the spin."""
    blind = truth[list(CONDITIONS.names)].assign(polarisation=truth["polarisation"] * 0)
    return MichelDecay().sample(blind, seed=seed + 1).assign(polarisation=truth["polarisation"])


@styled
def figure(samples: xr.Dataset, truth: xr.Dataset | None = None):
    """Energy spectra in the rest frame, forward and backward of the spin, with their ratios."""
    from matplotlib.figure import Figure

    def spectra(data: xr.Dataset, sign: int) -> np.ndarray:
        p, x, cosine, _ = rest_frame(data).T
        return x[sign * p * cosine > 0]

    drawn = Figure(figsize=(5, 4), layout="constrained")
    (pair,) = ratio_axes(drawn, 1, 1, ratios=truth is not None)
    sides = [(spectra(samples, sign), None if truth is None else spectra(truth, sign)) for sign in (1, -1)]
    names = ("along the spin", "against the spin")
    ratio_histogram(pair, sides, np.linspace(0, 1, 41), "x = E / E_max", names=names)
    pair[0].legend()
    return drawn


def mass_shell(outputs, conditions):
    """(E^2 - p^2 - m^2) / E^2 of the positron, one value a sample."""
    energy, pz, pt = (outputs[f"positron_{part}"] for part in ("energy", "pz", "pt"))
    return (energy**2 - pz**2 - pt**2 - POSITRON_MASS**2) / energy**2


def data(folder) -> tuple[xr.Dataset, ...]:
    """The training pool."""
    return (PLUGIN.truth(100_000, 1),)


def likelihood(model, batch):
    """Maximum likelihood of energy and angle, given the polarisation."""
    yield "flow", -model.flow.log_prob(batch.encoded["spectrum"], batch.conditions["polarisation"])


TRAINING = Phase(likelihood, updates=1500, optimisers={"flow": Adam(3e-3)}, average=0.99)

PLUGIN = Plugin(
    name="muon-decay",
    title="positrons from polarised antimuons decaying in flight",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    reference=MichelDecay,
    codec=deferred("muon_decay.network:RestFrame"),
    recipes={"flow": Recipe(data, deferred("muon_decay.network:SpectrumFlow"), (TRAINING,), batch_size=2000)},
    constraints=(Law("mass_shell", mass_shell, 1e-9),),
    measure=FIGURES,
    features=Features(high_level=features),
    figure=figure,
    impostors={"unpolarised": unpolarised},
)
