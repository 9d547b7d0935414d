"""Cheap fakes of jets, made from the truth, which the figures must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.jets.simulation import JET_TYPES

if TYPE_CHECKING:
    import xarray as xr

_COORDINATES = ("constituent_eta_rel", "constituent_phi_rel", "constituent_pt_rel")


def shuffled_constituents(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Constituents dealt anew at each rank within type and multiplicity: right spectra, no substructure.

    Every one-constituent distribution is the truth's own, so that W1P sees nothing; masses and shapes are wrong.
    """
    generator = np.random.default_rng([seed, 21])
    values = {name: truth[name].values.copy() for name in _COORDINATES}
    group = truth["jet_type"].values.astype(np.int64) * 1000 + truth["n_constituents"].values
    for rows in _groups(group):
        for rank in range(values[_COORDINATES[0]].shape[1]):
            dealt = rows[generator.permutation(len(rows))]
            for name in _COORDINATES:
                values[name][rows, rank] = truth[name].values[dealt, rank]
    order = np.argsort(-values["constituent_pt_rel"], axis=1, kind="stable")
    return _with(truth, {name: np.take_along_axis(array, order, axis=1) for name, array in values.items()})


def gaussian_jets(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Constituents drawn from one Gaussian in (eta_rel, phi_rel, ln pt_rel) at each rank and type."""
    generator = np.random.default_rng([seed, 22])
    values = {name: truth[name].values.copy() for name in _COORDINATES}
    filled = values["constituent_pt_rel"] > 0
    for code in range(len(JET_TYPES)):
        of_type = truth["jet_type"].values == code
        for rank in range(filled.shape[1]):
            rows = np.flatnonzero(of_type & filled[:, rank])
            if len(rows) < 2:
                continue
            for name in _COORDINATES:
                known = truth[name].values[rows, rank]
                known = np.log(known) if name == "constituent_pt_rel" else known
                drawn = generator.normal(known.mean(), known.std(), len(rows))
                values[name][rows, rank] = np.exp(drawn) if name == "constituent_pt_rel" else drawn
    order = np.argsort(-values["constituent_pt_rel"], axis=1, kind="stable")
    return _with(truth, {name: np.take_along_axis(array, order, axis=1) for name, array in values.items()})


def _groups(labels: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []


def _with(truth: xr.Dataset, values: dict[str, np.ndarray]) -> xr.Dataset:
    return truth.assign({name: truth[name].copy(data=array) for name, array in values.items()})


IMPOSTORS = {"shuffled constituents": shuffled_constituents, "class-conditional Gaussian": gaussian_jets}
"""Name -> maker of the domain's own impostors."""
