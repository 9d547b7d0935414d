"""The figures of hadron-interactions: multiplicity, spectra by family, elasticity; by beam, target and energy."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from ...contract.findings import Target
from ...contract.plugin import Features
from ...measuring.distances import wasserstein_distance
from ...measuring.figures import Figure, Figures, bins, by, classes
from ...physics.hadrons.beams import TARGETS
from ...physics.hadrons.observables import FAMILIES, spectra, summary
from .variables import CONDITIONS

N = 5_000
"""Interactions on each side of a figure: UrQMD makes some 80 in a CPU-second."""

LEAST = 100
BEAMS = ("nucleons", "pions", "kaons")
ENERGY_EDGES = (20.0, 200.0, 2_000.0, 10_000.0)


def beam_class(dataset: xr.Dataset) -> np.ndarray:
    """Index into `BEAMS` of the projectile."""
    return dataset["projectile"].values.astype(np.int64) // 2


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """Conditions, numbers of each interaction, and its entries in bins of Feynman x and transverse momentum."""
    if "feynman" in dataset:
        return dataset
    record = {str(name): variable.values for name, variable in dataset.data_vars.items()}
    feynman, momentum = spectra(record)
    found = {name: ("sample", record[name]) for name in (*CONDITIONS.names, "weight") if name in record}
    found |= {name: ("sample", values.astype(np.float64)) for name, values in summary(record).items()}
    whole = xr.Dataset(found, coords={"sample": dataset["sample"].values} if "sample" in dataset.coords else None)
    return whole.assign(
        feynman=(("sample", "family", "x"), feynman.astype(np.float32)),
        momentum=(("sample", "family", "pt"), momentum.astype(np.float32)),
    )


def apart(
    first: np.ndarray, second: np.ndarray, *, weights: tuple[np.ndarray | None, np.ndarray | None] | None = None
) -> float | None:
    """Sum of the differences of two mean spectra over the sum of the second, mean of the families; None without any.

    Parameters
    ----------
    first, second : ndarray
        (n, …, bin) counts.
    weights : tuple of ndarray, optional
    """
    sides = [
        np.average(side.reshape(len(side), -1, side.shape[-1]), axis=0, weights=own)
        for side, own in zip((first, second), weights or (None, None), strict=True)
    ]
    whole = sides[1].sum(-1)
    if not (whole > 0).all():
        return None
    return float((np.abs(sides[0] - sides[1]).sum(-1) / whole).mean())


def _one(dataset: xr.Dataset, name: str, index: int) -> np.ndarray:
    return dataset[name].values[:, index]


_WORDS = {"feynman": "dn/dx_F", "momentum": "dn/dp_T"}
_SHORT = {"feynman": "x_f", "momentum": "p_t"}
_IN_PARTS = (
    Figure("charged", "charged", wasserstein_distance, floors=2.0, text="W1 of the charged multiplicity"),
    Figure(
        "elasticity", "elasticity", wasserstein_distance, floors=2.0, text="W1 of the leading particle's elasticity"
    ),
    *(
        Figure(_SHORT[name], name, apart, floors=2.0, text=f"difference of {_WORDS[name]}, mean of four families")
        for name in _WORDS
    ),
)
FIGURES = Figures(
    (
        by(classes(beam_class, BEAMS), *_IN_PARTS),
        by(classes("target", TARGETS), *_IN_PARTS),
        by(bins("energy", ENERGY_EDGES, units="GeV"), *_IN_PARTS),
        *(
            Figure(
                f"{_SHORT[name]}_{kind}",
                partial(_one, name=name, index=k),
                apart,
                floors=2.0,
                text=f"difference of {_WORDS[name]} of {kind}",
            )
            for name in _WORDS
            for k, kind in enumerate(FAMILIES)
        ),
        Figure(
            "neutral_energy", "neutral_energy", wasserstein_distance, floors=2.0, text="W1 of the energy in pi0, eta"
        ),
        Figure("left", "left", wasserstein_distance, floors=2.0, text="W1 of the remnant's nucleons"),
    ),
    reduce=reduce,
    n=N,
    least=LEAST,
)
"""The plugin's measure."""

TARGETS_OF_FIGURES = {
    "auc_high_level": Target(N, description="two-sample classifier, gradient boosting on numbers of an interaction"),
    **FIGURES.targets,
}

_FEATURES = (
    *("pions", "kaons", "nucleons", "others", "charged", "neutral", "strange", "antibaryons", "elasticity", "leading"),
    *("leading_pt", "mean_pt", "pion_energy", "neutral_energy", "left", "forward"),
)


def features(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Conditions and the 16 numbers of an interaction, see `observables.summary`: (n, 19)."""
    reduced = reduce(dataset)
    names = (*CONDITIONS.names, *_FEATURES)
    return np.stack([reduced[name].values.astype(np.float64) for name in names], axis=-1), names


FEATURES = Features(high_level=features)
