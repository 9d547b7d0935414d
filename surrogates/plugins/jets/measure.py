"""The figures of the jets domain: JetNet's distances and jet shapes per type and bin of pT, and classifier features."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...contract.findings import Target
from ...contract.plugin import Features
from ...measuring.distances import wasserstein_distance
from ...measuring.figures import Figure, Figures, bins, by, classes
from ...physics.jets import energy_flow, measures, observables
from ...physics.jets.simulation import JET_TYPES

if TYPE_CHECKING:
    import xarray as xr

N_JETS = 150_000
"""Jets on each side of a figure, 50,000 a type."""

PT_EDGES = (700.0, 850.0, 1000.0, 1300.0)
"""Edges of the bins of jet pT, GeV."""

LEAST = 50
"""Jets that a bin needs on each side to have figures."""

OBSERVABLES: tuple[str, ...] = (
    "relative_mass",
    "constituent_relative_mass",
    "n_constituents_all",
    "n_constituents",
    "pt_sum",
    "tau1",
    "tau2",
    "tau3",
    "tau21",
    "tau32",
    "e2",
    "e3",
    "d2",
    "pt_dispersion",
    "girth",
    "les_houches_angularity",
    "jet_eta",
)
"""High-level observables, the columns of `observe`."""

SHAPES: tuple[str, ...] = ("tau21", "tau32", "d2", "pt_dispersion", "girth")
"""Observables whose 1-Wasserstein distance is a figure of its own."""


def constituents(dataset: xr.Dataset) -> np.ndarray:
    """eta_rel, phi_rel, pt_rel of a jets Dataset; (n, 30, 3) float64."""
    names = ("constituent_eta_rel", "constituent_phi_rel", "constituent_pt_rel")
    return np.stack([np.asarray(dataset[name].values, dtype=np.float64) for name in names], axis=-1)


def observe(dataset: xr.Dataset, prime: np.ndarray | None = None) -> np.ndarray:
    """High-level observables of a jets Dataset; (n, 17) in the order of `OBSERVABLES`.

    Parameters
    ----------
    dataset : Dataset
        Conditions and outputs.
    prime : ndarray, optional
        Prime energy flow polynomials of the same jets, where they are at hand.
    """
    jets = constituents(dataset)
    tau1, tau2, tau3 = observables.n_subjettiness(jets).T
    columns = (
        dataset["jet_mass"].values / dataset["jet_pt"].values,
        observables.relative_mass(jets),
        dataset["n_constituents_all"].values,
        dataset["n_constituents"].values,
        observables.pt_sum(jets),
        tau1,
        tau2,
        tau3,
        observables.ratio(tau2, tau1),
        observables.ratio(tau3, tau2),
        *energy_flow.energy_correlators(jets, prime).T,
        observables.pt_dispersion(jets),
        observables.girth(jets),
        observables.les_houches_angularity(jets),
        dataset["jet_eta"].values,
    )
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=-1)


def features(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """High-level features of the two-sample classifiers: conditions, observables and log EFPs.

    Parameters
    ----------
    dataset : Dataset
        Conditions and outputs.

    Returns
    -------
    ndarray
        (n, 24) float64.
    tuple of str
        Their names.
    """
    reduced = reduce(dataset)
    columns = [energy_flow.PRIME.index(name) for name in energy_flow.JETNET_W1]
    polynomials = np.log(np.maximum(reduced["polynomial"].values[:, columns], 1e-30))
    asked = np.stack([reduced["jet_type"].values, reduced["jet_pt"].values], axis=-1)
    names = ("jet_type", "jet_pt", *OBSERVABLES, *(f"log efp {name}" for name in energy_flow.JETNET_W1))
    return np.concatenate([asked, reduced["observable"].values, polynomials], axis=-1), names


def low_level(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Constituents for the permutation-invariant classifier.

    Returns
    -------
    ndarray
        (n, 30, 6) float64: eta_rel, phi_rel, ln pt_rel, then the jet's type (two indicators) and pT in TeV, the same
        for every constituent: without its conditions a jet of the wrong type or pT would pass.
    ndarray
        (n, 30) booleans of the filled slots.
    """
    jets = constituents(dataset)
    mask = np.arange(jets.shape[1]) < dataset["n_constituents"].values[:, None]
    jets[..., 2] = np.log(np.where(mask, np.maximum(jets[..., 2], 1e-12), 1.0))
    code = dataset["jet_type"].values
    asked = np.stack([code == 1, code == 2, dataset["jet_pt"].values / 1000.0], axis=-1)
    array = np.concatenate([jets, np.repeat(asked[:, None, :], jets.shape[1], axis=1)], axis=-1)
    return np.where(mask[..., None], array, 0.0), mask


def flat_low_level(dataset: xr.Dataset) -> np.ndarray:
    """Constituents by decreasing pT in fixed slots for gradient boosting, empty ones NaN, then conditions; (n, 94)."""
    array, mask = low_level(dataset)
    slots = np.where(mask[..., None], array[..., :3], np.nan).reshape(len(array), -1)
    jet = [dataset[name].values for name in ("jet_type", "jet_pt", "jet_mass", "jet_eta")]
    return np.concatenate([slots, np.stack(jet, axis=-1)], axis=-1)


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """What the figures need of each jet, computed once: constituents, observables, energy flow polynomials."""
    if "polynomial" in dataset:
        return dataset
    import xarray as xr

    jets = constituents(dataset)
    polynomials = energy_flow.energy_flow_polynomials(jets)
    return xr.Dataset(
        {
            "jet_type": dataset["jet_type"],
            "jet_pt": dataset["jet_pt"],
            "jet_mass": dataset["jet_mass"],
            "momentum": (("sample", "constituent", "coordinate"), jets.astype(np.float32)),
            "observable": (
                ("sample", "name"),
                observe(dataset, polynomials[:, : len(energy_flow.PRIME)]),
            ),
            "polynomial": (("sample", "graph"), polynomials),
        }
    )


def _column(reduced: xr.Dataset, *, name: str) -> np.ndarray:
    return reduced["observable"].values[:, OBSERVABLES.index(name)]


def _features(reduced: xr.Dataset) -> np.ndarray:
    return measures.features(reduced["momentum"].values)


def _polynomials(reduced: xr.Dataset) -> np.ndarray:
    return reduced["polynomial"].values[:, [energy_flow.PRIME.index(name) for name in energy_flow.JETNET_W1]].T


def _mean_distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.mean([wasserstein_distance(a, b) for a, b in zip(first, second, strict=True)]))


def _frechet(samples: np.ndarray, truth: np.ndarray) -> float:
    return measures.frechet_physics_distance(truth, samples, batches=2, seed=0)[0]


def _uncovered(samples: np.ndarray, truth: np.ndarray) -> float:
    return 1.0 - measures.neighbourhood_coverage(truth, samples, seed=0)


def _w1(name: str, text: str, floors: float | None = None) -> Figure:
    words = f"1-Wasserstein distance of {text}"
    return Figure(f"w1_{name}", partial(_column, name=name), wasserstein_distance, floors=floors, text=words)


def figures(edges: tuple[float, ...] = PT_EDGES) -> Figures:
    """JetNet's figures and jet shapes for each type, and its W1 distances in bins of pT.

    W1M, W1P and W1EFP are taken on all jets once: JetNet averages over bootstrap batches, which raises a value and its
    floor alike (`surrogates.physics.jets.measures.w1_mass` and its neighbours). The FPD takes 2 bootstrap batches at
    each of its ten sizes, JetNet 20; coverage (Naeem et al. 2020) is among up to 2,000 jets.

    Parameters
    ----------
    edges : tuple of float
        Of the bins of jet pT, GeV.
    """
    mass = partial(_column, name="constituent_relative_mass")
    text = "1-Wasserstein distance of"
    distances = (
        Figure("w1_mass", mass, wasserstein_distance, floors=2.0, text=f"{text} the constituents' relative mass (W1M)"),
        Figure(
            "w1_constituents",
            _features,
            _mean_distance,
            floors=2.0,
            text=f"{text} constituent features, mean of three (W1P)",
        ),
        Figure(
            "w1_energy_flow", _polynomials, _mean_distance, text=f"{text} five energy flow polynomials, mean (W1EFP)"
        ),
    )
    whole = (
        Figure("fpd", "polynomial", _frechet, text="Frechet physics distance of energy flow polynomials"),
        Figure("uncovered", "observable", _uncovered, text="truth jets without a near neighbour among the samples"),
        Figure("w1_jet_mass", "jet_mass", wasserstein_distance, text=f"{text} the jet mass", units="GeV"),
        _w1("n_constituents_all", "the multiplicity"),
        *(_w1(name, name) for name in SHAPES),
    )
    in_bins = by(bins("jet_pt", edges, units="GeV"), *distances)
    parts = by(classes("jet_type", JET_TYPES), *distances, *whole, in_bins)
    return Figures((parts,), reduce=reduce, n=N_JETS, least=LEAST)


FIGURES = figures()
"""The plugin's measure."""

_SEEN = "two-sample classifier,"
TARGETS = {
    "auc_high_level": Target(N_JETS, at_most=0.65, description=f"{_SEEN} gradient boosting on high-level observables"),
    "auc_low_level_boosting": Target(N_JETS, description=f"{_SEEN} gradient boosting on constituents"),
    "auc_low_level_set_network": Target(N_JETS, description=f"{_SEEN} permutation-invariant network on constituents"),
    **FIGURES.targets,
}

FEATURES = Features(high_level=features, low_level=low_level, flat_low_level=flat_low_level)
"""Inputs of the shared two-sample classifiers."""


def matching_figures(
    samples: xr.Dataset, truth: xr.Dataset, *, batches: int = 10, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """JetNet's coverage and minimum matching distance by energy mover's distance, per type: (mean, deviation).

    Apart from `measure`, since 100,000 transport problems take half a minute a type.
    """
    found: dict[str, tuple[float, float]] = {}
    for code, name in enumerate(JET_TYPES):
        a, b = (constituents(side)[side["jet_type"].values == code] for side in (truth, samples))
        if min(len(a), len(b)):
            coverage, matching = measures.coverage_and_matching(a, b, batches=batches, seed=seed)
            found |= {f"{name}/coverage": coverage, f"{name}/minimum_matching_distance": matching}
    return found
