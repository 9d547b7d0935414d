"""The figures of the jets domain: JetNet's distances and jet shapes per type and bin of pT, and classifier features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...physics.jets import energy_flow, measures, observables
from .simulation import JET_TYPES

if TYPE_CHECKING:
    import xarray as xr

PT_BINS: tuple[tuple[float, float], ...] = ((700.0, 850.0), (850.0, 1000.0), (1000.0, 1300.0))
"""Bins of jet pT in GeV, lower edge included, upper edge included in the last."""

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


@dataclass(frozen=True)
class JetMeasure:
    """JetNet's figures and jet shapes per type, and the W1 figures per bin of pT.

    Attributes
    ----------
    bins : tuple of (float, float)
        Bins of jet pT, GeV.
    fpd_batches : int
        Bootstrap batches at each of the ten sizes of the FPD; JetNet takes 20.
    seed : int
        Of the FPD's and the coverage's draws.

    Notes
    -----
    Keys are `type/figure` and `type/low-high/figure`:

    - `w1_mass` (W1M, relative mass of the constituents), `w1_constituents` (W1P), `w1_energy_flow` (W1EFP): JetNet's
      distances on all jets once. JetNet averages over bootstrap batches, which raises a value and its floor alike;
      those are `surrogates.physics.jets.measures.w1_mass` and its neighbours.
    - `fpd`: Frechet physics distance of 36 energy flow polynomials, extrapolated.
    - `uncovered`: 1 - coverage (Naeem et al. 2020) of the high-level observables among up to 2,000 jets.
    - `w1_jet_mass` in GeV, `w1_n_constituents_all`, and `w1_` of N-subjettiness ratios, D2, pT dispersion, girth.

    Types and bins with fewer than `LEAST` jets on a side have no figures.
    """

    bins: tuple[tuple[float, float], ...] = PT_BINS
    fpd_batches: int = 2
    seed: int = 0

    @staticmethod
    def reduce(dataset: xr.Dataset) -> xr.Dataset:
        """See `reduce`."""
        return reduce(dataset)

    def __call__(self, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
        """Figures of `samples` against `truth`; reduced Datasets are taken as they are."""
        first, second = reduce(samples), reduce(truth)
        figures: dict[str, float] = {}
        for prefix, a, b in self._parts(first, second):
            in_bin = prefix.count("/") == 2
            figures |= {f"{prefix}{name}": value for name, value in self._distances(a, b).items()}
            if not in_bin:
                figures |= {f"{prefix}{name}": value for name, value in self._type_figures(a, b).items()}
        return figures

    def _parts(self, samples: xr.Dataset, truth: xr.Dataset) -> Iterator[tuple[str, xr.Dataset, xr.Dataset]]:
        for code, name in enumerate(JET_TYPES):
            sides = [side.isel(sample=np.flatnonzero(side["jet_type"].values == code)) for side in (samples, truth)]
            if min(side.sizes["sample"] for side in sides) < LEAST:
                continue
            yield f"{name}/", sides[0], sides[1]
            for low, high in self.bins:
                last = high == self.bins[-1][1]
                inside = []
                for side in sides:
                    pt = side["jet_pt"].values
                    inside.append(
                        side.isel(sample=np.flatnonzero((pt >= low) & ((pt <= high) if last else (pt < high))))
                    )
                if min(side.sizes["sample"] for side in inside) >= LEAST:
                    yield f"{name}/{low:g}-{high:g}/", inside[0], inside[1]

    def _distances(self, samples: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
        masses = [_observable(side, "constituent_relative_mass") for side in (samples, truth)]
        points = [measures.features(side["momentum"].values) for side in (samples, truth)]
        columns = [energy_flow.PRIME.index(name) for name in energy_flow.JETNET_W1]
        polynomials = [side["polynomial"].values[:, columns].T for side in (samples, truth)]
        return {
            "w1_mass": measures.wasserstein(*masses),
            "w1_constituents": float(np.mean([measures.wasserstein(a, b) for a, b in zip(*points, strict=True)])),
            "w1_energy_flow": float(np.mean([measures.wasserstein(a, b) for a, b in zip(*polynomials, strict=True)])),
        }

    def _type_figures(self, samples: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
        fpd, _ = measures.frechet_physics_distance(
            truth["polynomial"].values, samples["polynomial"].values, batches=self.fpd_batches, seed=self.seed
        )
        covered = measures.neighbourhood_coverage(
            truth["observable"].values, samples["observable"].values, seed=self.seed
        )
        named = ("n_constituents_all", *SHAPES)
        shapes = {f"w1_{name}": [_observable(side, name) for side in (samples, truth)] for name in named}
        return {
            "fpd": fpd,
            "uncovered": 1.0 - covered,
            "w1_jet_mass": measures.wasserstein(samples["jet_mass"].values, truth["jet_mass"].values),
            **{name: measures.wasserstein(*pair) for name, pair in shapes.items()},
        }


measure = JetMeasure()
"""The figures that the plugin declares."""


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


def _observable(reduced: xr.Dataset, name: str) -> np.ndarray:
    return reduced["observable"].values[:, OBSERVABLES.index(name)]
