"""The figures of tau-pair events: sizes of disagreement between samples and truth, and the classifiers' features.

Every figure is >= 0 and small when the samples are as good as the truth. Names start with the initial-state radiation
of the events they are taken from, ``off/`` or ``on/``; where a file forces the decays of both taus, ``pi_pi/``,
``pi_rho/`` or ``rho_rho/`` follows. Spectra are compared by the 1-Wasserstein distance in units of the truth's standard
deviation, spectra of single taus as the mean over tau- and tau+, energy-dependent quantities as the root mean square
difference over bins of sqrt(s), weighted by events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...contract.findings import Target
from ...measuring.distances import kuiper_distance, wasserstein_distance
from ...physics.particle_events import ENERGY_EDGES, observables, spin_observables
from ...physics.particle_events.spin import decay_pairs

Columns = Mapping[str, np.ndarray]

N_EVENTS = 100_000
LEAST_EVENTS = 100
LARGEST_MODES = (4, 2, 3, 0, 10, 9, 21, 22, 7, 1)
"""Channel indices of the ten largest branching fractions in Pythia 8.317."""

EVENT_SPECTRA = {
    "charged_multiplicity": "charged particles from the taus",
    "visible_multiplicity": "visible particles from the taus",
    "photon_multiplicity": "photons from the taus' decays",
    "visible_energy_fraction": "visible energy / sqrt(s)",
    "missing_mass_fraction": "mass that recoils against the visible products / sqrt(s)",
    "acoplanarity": "acoplanarity of the visible tau systems",
    "acollinearity": "acollinearity of the visible tau systems",
    "pair_mass_fraction": "m(tau tau) / sqrt(s)",
    "cosine_tau_minus": "polar angle of the tau- in the pair's rest frame",
    "radiation_multiplicity": "radiation photons above 0.001 sqrt(s)",
    "radiated_fraction": "energy radiated before the decays / sqrt(s)",
    "log_hardest_radiation": "logarithm of the hardest radiation photon's energy / sqrt(s)",
    "cosine_hardest_radiation": "polar angle of the hardest radiation photon",
}
TAU_SPECTRA = {
    "x_electron": "x of tau -> e nu nu",
    "x_muon": "x of tau -> mu nu nu",
    "x_pi": "x of tau -> pi nu",
    "x_rho": "x of tau -> pi pi0 nu",
    "x_other": "x of every other tau decay",
    "hadronic_mass": "visible mass of hadronic decays",
    "mass_rho": "pi pi0 mass",
    "mass_three_pion_one_prong": "pi 2pi0 mass",
    "mass_three_pion_three_prong": "3pi mass",
    "mass_opposite_pions": "mean mass of the two pi+ pi- pairs in tau -> 3pi nu",
    "mass_four_pion": "3pi pi0 mass",
    "rho_asymmetry": "(E_pi - E_pi0) / (E_pi + E_pi0) in tau -> pi pi0 nu",
    "photon_energy": "energy in photons of a tau / beam energy",
    "hardest_photon": "hardest photon of a tau / beam energy",
}
ENERGY_DEPENDENT = {
    "forward_backward_asymmetry": "A_FB of the tau- in bins of sqrt(s)",
    "polarisation": "tau polarisation 3 <2 x_pi - 1> in bins of sqrt(s), tau- and tau+ together",
    "mean_charged_multiplicity": "mean charged multiplicity in bins of sqrt(s)",
    "mean_visible_energy": "mean visible energy / sqrt(s) in bins of sqrt(s)",
}
CORRELATIONS = {
    "energy_correlation": "Pearson correlation of x- and x+, all decays",
    "spin/energy_correlation": "Pearson correlation of x- and x+ where both taus decay to pi or rho",
    "spin/energy_profile": "mean x+ in bins of x-, about its mean, both taus to pi or rho",
    "spin/correlation_matrix": "spin correlations 9 <h-_i h+_j> of the analysers (3 x 3), both to pi or rho",
    "spin/azimuth_sum": "first two harmonics of the decay planes' azimuth sum about the tau axis, both to pi or rho",
    "spin/azimuth_difference": "first two harmonics of the decay planes' azimuth difference, both to pi or rho",
}
FORCED = {
    "energy_correlation": "Pearson correlation of x- and x+",
    "energy_profile": "mean x+ in bins of x-, about its mean",
    "correlation_matrix": "spin correlations 9 <h-_i h+_j> of the analysers (3 x 3)",
    "azimuth_sum": "first two harmonics of the decay planes' azimuth sum about the tau axis",
    "azimuth_difference": "first two harmonics of the decay planes' azimuth difference",
    "azimuth_sum_spectrum": "decay planes' azimuth sum, Kuiper distance",
    "azimuth_difference_spectrum": "decay planes' azimuth difference, Kuiper distance",
}
RHO_PLANE = {"rho_plane_angle": "angle between the two rho -> pi pi0 planes"}


def _targets() -> dict[str, Target]:
    """Every figure within twice its truth-against-truth floor; classifiers as stated."""
    figures = EVENT_SPECTRA | TAU_SPECTRA | ENERGY_DEPENDENT | CORRELATIONS
    figures |= {"branching_fractions": "root mean square error of the ten largest branching fractions"}
    targets = {
        f"{radiation}/{name}": Target(N_EVENTS, floors=2.0, description=text)
        for radiation in ("off", "on")
        for name, text in figures.items()
    }
    for pair in ("pi_pi", "pi_rho", "rho_rho"):
        named = FORCED | (RHO_PLANE if pair == "rho_rho" else {})
        targets |= {f"off/{pair}/{name}": Target(20_000, floors=2.0, description=text) for name, text in named.items()}
    targets["auc_high_level"] = Target(
        N_EVENTS, at_most=0.53, description="two-sample classifier, gradient boosting on high-level observables"
    )
    targets["auc_low_level_boosting"] = Target(
        N_EVENTS, at_most=0.55, description="two-sample classifier, gradient boosting on particle four-momenta"
    )
    targets["auc_low_level_set_network"] = Target(
        N_EVENTS, at_most=0.55, description="two-sample classifier, permutation-invariant network on particles"
    )
    return targets


TARGETS: Mapping[str, Target] = _targets()


@dataclass(frozen=True)
class TauPairMeasure:
    """The figures of tau-pair events.

    `reduce` computes the observables of every event once; calling accepts events or reduced events, so that floors and
    errors can be resampled from the reduced ones.
    """

    def reduce(self, dataset: xr.Dataset) -> xr.Dataset:
        """Observables along `sample` (see `surrogates.physics.particle_events`); reduced events come back unchanged."""
        if "visible_energy_fraction" in dataset:
            return dataset
        events = {str(name): np.asarray(variable.values) for name, variable in dataset.data_vars.items()}
        with np.errstate(divide="ignore", invalid="ignore"):
            found = observables(events) | spin_observables(events)
        return xr.Dataset({name: ("sample", array) for name, array in found.items()})

    def __call__(self, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
        """Sizes of disagreement by figure name; figures with fewer than 100 events on a side are left out."""
        figures: dict[str, float] = {}
        ours, theirs = _columns(self.reduce(samples)), _columns(self.reduce(truth))
        for code, radiation in enumerate(("off", "on")):
            parts = [_take(columns, columns["initial_state_radiation"] == code) for columns in (ours, theirs)]
            if min(len(part["energy"]) for part in parts) >= LEAST_EVENTS:
                figures |= {f"{radiation}/{name}": value for name, value in _figures(*parts).items()}
        return figures


measure = TauPairMeasure()


def _columns(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    return {str(name): dataset[name].values for name in dataset.data_vars}


def _take(columns: Columns, mask: np.ndarray) -> dict[str, np.ndarray]:
    return {name: array[mask] for name, array in columns.items()}


def _figures(ours: Columns, theirs: Columns) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in EVENT_SPECTRA:
        _spectrum(found, name, (name,), ours, theirs)
    for name in TAU_SPECTRA:
        _spectrum(found, name, (f"{name}_minus", f"{name}_plus"), ours, theirs)
    found["branching_fractions"] = float(np.sqrt(np.mean((_fractions(ours) - _fractions(theirs)) ** 2)))
    for name in ENERGY_DEPENDENT:
        found[name] = _over_energy(name, ours, theirs)
    found["energy_correlation"] = _distance([_pearson(columns) for columns in (ours, theirs)])
    _spin(found, ours, theirs)
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _spectrum(found: dict[str, float], name: str, columns: tuple[str, ...], ours: Columns, theirs: Columns) -> None:
    distances = []
    for column in columns:
        mine, true = (values[np.isfinite(values)] for values in (ours[column], theirs[column]))
        if min(len(mine), len(true)) >= LEAST_EVENTS and true.std() > 0:
            distances.append(wasserstein_distance(mine, true) / true.std())
    if distances:
        found[name] = float(np.mean(distances))


def _fractions(columns: Columns) -> np.ndarray:
    """Fractions of the ten largest modes among all taus."""
    modes = np.concatenate([columns["decay_minus"], columns["decay_plus"]])
    return np.array([(modes == mode).mean() for mode in LARGEST_MODES])


def _asymmetry(columns: Columns) -> np.ndarray:
    return np.sign(columns["cosine_tau_minus"])


def _polarisation(columns: Columns) -> np.ndarray:
    """Per-event estimate 3 (2 x_pi - 1), averaged over the taus that decay to pi nu."""
    return 3.0 * (2.0 * np.stack([columns["x_pi_minus"], columns["x_pi_plus"]], -1) - 1.0)


_QUANTITIES: Mapping[str, Callable[[Columns], np.ndarray]] = {
    "forward_backward_asymmetry": _asymmetry,
    "polarisation": _polarisation,
    "mean_charged_multiplicity": lambda columns: columns["charged_multiplicity"],
    "mean_visible_energy": lambda columns: columns["visible_energy_fraction"],
}


def energy_profile(quantity: str, columns: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, its standard error and the number of entries of a quantity in the bins of `ENERGY_EDGES`."""
    values = _QUANTITIES[quantity](columns)
    values = values.reshape(len(values), int(np.prod(values.shape[1:])))
    bins = np.broadcast_to(np.digitize(columns["energy"], ENERGY_EDGES)[:, None] - 1, values.shape)
    kept = np.isfinite(values) & (bins >= 0) & (bins < len(ENERGY_EDGES) - 1)
    bins, values = bins[kept], values[kept]
    size = len(ENERGY_EDGES) - 1
    count = np.bincount(bins, minlength=size)
    divisor = np.maximum(count, 1)
    mean = np.bincount(bins, values, minlength=size) / divisor
    variance = np.maximum(np.bincount(bins, values**2, minlength=size) / divisor - mean**2, 0.0)
    return np.where(count > 0, mean, np.nan), np.sqrt(variance / divisor), count


def _over_energy(quantity: str, ours: Columns, theirs: Columns) -> float:
    mine, _, n_mine = energy_profile(quantity, ours)
    true, _, n_true = energy_profile(quantity, theirs)
    usable = (n_mine >= LEAST_EVENTS) & (n_true >= LEAST_EVENTS)
    if not usable.any():
        return np.nan
    return float(np.sqrt(np.average((mine - true)[usable] ** 2, weights=n_true[usable])))


def _pearson(columns: Columns) -> np.ndarray:
    return np.array([np.corrcoef(columns["x_minus"], columns["x_plus"])[0, 1]])


def _energy_profile_of_x(columns: Columns) -> np.ndarray:
    """Mean x+ in ten bins of x-, less the mean of all, weighted by the bins' shares of events."""
    bins = np.clip((columns["x_minus"] * 10).astype(np.int64), 0, 9)
    count = np.bincount(bins, minlength=10)
    mean = np.bincount(bins, columns["x_plus"], minlength=10) / np.maximum(count, 1)
    return np.where(count > 0, mean - columns["x_plus"].mean(), 0.0) * np.sqrt(count / len(bins))


def _correlation_matrix(columns: Columns) -> np.ndarray:
    sides = [np.stack([columns[f"analyser_{axis}_{side}"] for axis in "xyz"], -1) for side in ("minus", "plus")]
    return 9.0 * (sides[0].T @ sides[1]).ravel() / len(sides[0])


def _harmonics(name: str) -> Callable[[Columns], np.ndarray]:
    def harmonics(columns: Columns) -> np.ndarray:
        return np.array([turn(order * columns[name]).mean() for order in (1, 2) for turn in (np.cos, np.sin)])

    return harmonics


_SPIN: Mapping[str, Callable[[Columns], np.ndarray]] = {
    "energy_correlation": _pearson,
    "energy_profile": _energy_profile_of_x,
    "correlation_matrix": _correlation_matrix,
    "azimuth_sum": _harmonics("azimuth_sum"),
    "azimuth_difference": _harmonics("azimuth_difference"),
}


def _distance(vectors: list[np.ndarray]) -> float:
    return float(np.sqrt(((vectors[0] - vectors[1]) ** 2).sum()))


def _spin(found: dict[str, float], ours: Columns, theirs: Columns) -> None:
    """Spin figures where both taus decay to pi or rho, and of the one pair of decays that a file forces."""
    masks = [decay_pairs(columns["decay_minus"], columns["decay_plus"]) for columns in (ours, theirs)]
    either = [np.logical_or.reduce(list(mask.values())) for mask in masks]
    parts = [_take(columns, mask) for columns, mask in zip((ours, theirs), either, strict=True)]
    forced = [pair for pair in masks[1] if min(mask[pair].mean() for mask in masks) > 0.5]
    if min(len(part["energy"]) for part in parts) < LEAST_EVENTS:
        return
    prefix = "spin"
    if forced:
        prefix = forced[0]
        parts = [_take(columns, mask[prefix]) for columns, mask in zip((ours, theirs), masks, strict=True)]
        for name in ("azimuth_sum", "azimuth_difference"):
            found[f"{prefix}/{name}_spectrum"] = kuiper_distance(parts[0][name], parts[1][name])
        if prefix == "rho_rho":
            _spectrum(found, f"{prefix}/rho_plane_angle", ("rho_plane_angle",), *parts)
    for name, quantity in _SPIN.items():
        found[f"{prefix}/{name}"] = _distance([quantity(part) for part in parts])
