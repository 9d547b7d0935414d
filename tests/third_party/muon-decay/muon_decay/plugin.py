"""muon-decay: positrons from mu+ -> e+ nu nubar in flight, with the muon's spin along its momentum.

The rest-frame spectrum is Michel's, d2N/(dx dcos) ~ x^2 [3 - 2x + P cos (2x - 1)] with x = E/E_max (PDG review "Muon
decay parameters" with the standard model's rho, delta and xi, electron mass neglected in the spectrum).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from surrogates.contract.findings import Target
from surrogates.contract.laws import Law
from surrogates.contract.plugin import Features, Plugin
from surrogates.contract.recipe import Adam, Phase, Recipe
from surrogates.contract.schema import Schema, Variable

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
        u = uniform(seed, samples, 3, "decay")
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


def uniform(seed: int, samples: np.ndarray, count: int, draw: str) -> np.ndarray:
    """(n, count) draws in (0, 1) that depend on (seed, sample, draw) alone."""
    import torch

    from surrogates.noise import Noise

    return Noise(seed, torch.tensor(np.asarray(samples, dtype=np.int64))).uniform((count,), draw).numpy()


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Conditions drawn evenly over the bounds of `schema`."""
    u = uniform(seed, np.arange(n), len(schema.names), "prior")
    ranges = np.array([schema[name].bounds for name in schema.names])
    return schema.dataset(dict(zip(schema.names, (ranges[:, 0] + (ranges[:, 1] - ranges[:, 0]) * u).T, strict=True)))


def truth(n: int, seed: int) -> xr.Dataset:
    """Decays under conditions from the prior."""
    return MichelDecay().sample(prior(CONDITIONS, n, seed), seed=seed)


def rest_frame(data: xr.Dataset) -> np.ndarray:
    """Polarisation, x, cos(angle to the spin axis) and proper time in lifetimes, (n, 4), in the muon's rest frame."""
    momentum, energy, pz = (data[name].values for name in ("muon_momentum", "positron_energy", "positron_pz"))
    gamma, drift = np.hypot(momentum, MUON_MASS) / MUON_MASS, momentum / MUON_MASS
    own = gamma * energy - drift * pz
    cosine = (gamma * pz - drift * energy) / np.maximum(np.sqrt(np.maximum(own**2 - POSITRON_MASS**2, 0)), 1e-12)
    lifetimes = data["decay_time"].values / (gamma * MUON_LIFETIME)
    return np.stack((data["polarisation"].values, own / LARGEST_ENERGY, cosine, lifetimes), axis=1)


def measure(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Wasserstein distances of spectra, and differences of the two spin correlations."""
    ours, theirs = rest_frame(samples), rest_frame(truth)
    grid = (np.arange(1000) + 0.5) / 1000
    spectra = np.abs(np.quantile(ours, grid, axis=0) - np.quantile(theirs, grid, axis=0)).mean(axis=0)
    spin = [np.array([np.mean(p * c), np.mean(p * c * x)]) for p, x, c, _ in (ours.T, theirs.T)]
    asymmetry = np.abs(spin[0] - spin[1])
    return {
        "energy_w1": float(spectra[1]),
        "lifetime_w1": float(spectra[3]),
        "asymmetry": float(asymmetry[0]),
        "energy_asymmetry": float(asymmetry[1]),
    }


def features(data: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the two-sample classifiers look at."""
    return rest_frame(data), ("polarisation", "x", "cosine", "lifetimes")


def unpolarised(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The impostor: decays that ignore the spin."""
    blind = truth[list(CONDITIONS.names)].assign(polarisation=truth["polarisation"] * 0)
    return MichelDecay().sample(blind, seed=seed + 1).assign(polarisation=truth["polarisation"])


def figure(samples: xr.Dataset, truth: xr.Dataset | None = None):
    """Energy spectra in the rest frame, forward and backward of the spin."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(5, 3.5), layout="constrained")
    axes = drawn.subplots()
    for data, name in ((samples, "samples"), (truth, "reference")):
        if data is not None:
            p, x, cosine, _ = rest_frame(data).T
            for sign, side in ((1, "along"), (-1, "against")):
                label = f"{name}, {side} the spin"
                axes.hist(x[sign * p * cosine > 0], 40, range=(0, 1), density=True, histtype="step", label=label)
    axes.set(xlabel="x = E / E_max", ylabel="density")
    axes.legend(fontsize="small")
    return drawn


def mass_shell(outputs, conditions):
    """(E^2 - p^2 - m^2) / E^2 of the positron, one value a sample."""
    energy, pz, pt = (outputs[f"positron_{part}"] for part in ("energy", "pz", "pt"))
    return (energy**2 - pz**2 - pt**2 - POSITRON_MASS**2) / energy**2


def data(folder) -> tuple[xr.Dataset, ...]:
    """The training pool."""
    return (truth(100_000, seed=1),)


def codec():
    """The change of frame."""
    from .network import RestFrame

    return RestFrame()


def model(codec):
    """The spline flow."""
    from .network import SpectrumFlow

    return SpectrumFlow()


def likelihood(model, batch):
    """Maximum likelihood of energy and angle, given the polarisation."""
    yield "flow", -model.flow.log_prob(batch.encoded["spectrum"], batch.conditions["polarisation"])


TRAINING = Phase(likelihood, updates=1500, optimisers={"flow": Adam(3e-3)}, average=0.99)

PLUGIN = Plugin(
    name="muon-decay",
    title="positrons from polarised antimuons decaying in flight",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    reference=MichelDecay,
    codec=codec,
    recipes={"flow": Recipe(data, model, (TRAINING,), batch_size=2000)},
    constraints=(Law("mass_shell", mass_shell, 1e-9),),
    measure=measure,
    features=Features(high_level=features),
    targets={
        "energy_w1": Target(20_000, at_most=0.01),
        "lifetime_w1": Target(20_000, at_most=0.05),
        "asymmetry": Target(20_000, at_most=0.015),
        "energy_asymmetry": Target(20_000, at_most=0.012),
    },
    figure=figure,
    impostors={"unpolarised": unpolarised},
)
