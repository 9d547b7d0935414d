"""What no molecule is: properties that are infeasible together, judged by the molecules of both data sets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from ...contract.schema import Limit
from ...physics.molecules.descriptors import DESCRIPTORS
from ...physics.molecules.text import from_codes
from .library import clean
from .packaged import NAMES, data_set
from .variables import SIMILAR

NAMED = tuple(DESCRIPTORS)
CELL = 0.5
"""Side of a cell in ZINC's standard deviations; feasible is what lies in a molecule's cell or one beside it."""
_MOST = 200


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Properties of the test molecules of all data sets, and the spread of each among ZINC's."""
    found = [data_set(name).properties for name in NAMES]
    return np.concatenate(found), found[0].std(axis=0)


@cache
def _occupied(asked: tuple[int, ...]) -> np.ndarray:
    """Sorted codes of the cells, in the columns `asked`, that hold a molecule or stand beside one that does."""
    table, spread = _table()
    cells = np.unique(_cells(table[:, asked] / spread[list(asked)]), axis=0)
    for column in range(len(asked)):
        step = np.zeros(len(asked), dtype=np.int64)
        step[column] = 1
        cells = np.unique(np.concatenate([cells - step, cells, cells + step]), axis=0)
    return np.unique(_codes(cells))


def _cells(scores: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(scores / CELL), -_MOST + 2, _MOST - 2).astype(np.int64)


def _codes(cells: np.ndarray) -> np.ndarray:
    code = np.zeros(len(cells), dtype=np.int64)
    for column in cells.T:
        code = code * (2 * _MOST) + column + _MOST
    return code


def feasible(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Rows whose asked properties some molecule has together, nearly; one property alone is left to its bounds.

    Parameters
    ----------
    values : mapping
        Property -> (n,); NaN is not asked.

    Returns
    -------
    ndarray
        (n,) bool.
    """
    rows = np.stack([np.asarray(values[name], dtype=np.float64) for name in NAMED], axis=-1)
    found = np.ones(len(rows), dtype=bool)
    given = np.isfinite(rows)
    spread = _table()[1]
    for pattern in np.unique(given, axis=0):
        asked = np.flatnonzero(pattern)
        if len(asked) < 2:
            continue
        chosen = (given == pattern).all(axis=1)
        occupied = _occupied(tuple(int(i) for i in asked))
        codes = _codes(_cells(rows[chosen][:, asked] / spread[asked]))
        found[chosen] = occupied[np.minimum(np.searchsorted(occupied, codes), len(occupied) - 1)] == codes
    return found


def nearest_feasible(values: Mapping[str, Any]) -> dict[str, float]:
    """The molecule nearest to one row of asked properties: the largest deviation, in spreads, is smallest."""
    asked = [place for place, name in enumerate(NAMED) if np.isfinite(values[name])]
    wanted = np.array([float(values[NAMED[place]]) for place in asked])
    table, spread = _table()
    distance = np.abs((table[:, asked] - wanted) / spread[asked]).max(axis=1)
    row = table[int(distance.argmin())]
    return {NAMED[place]: float(row[place]) for place in asked}


def _expected(values: Mapping[str, Any]) -> str:
    found = ", ".join(f"{name} = {value:.3g}" for name, value in nearest_feasible(values).items())
    return f"properties that a molecule can have; the nearest known has {found}"


def readable(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Rows whose molecule to vary is one that the vocabulary can write, or is not given; (n,) bool."""
    codes, place = np.unique(values[SIMILAR], axis=0, return_inverse=True)
    good = np.array([not text or not clean(text).reason for text in from_codes(codes)], dtype=bool)
    return good[place.reshape(-1)]


def _readable(values: Mapping[str, Any]) -> str:
    reason = clean(from_codes(values[SIMILAR][None])[0]).reason
    return f"a SMILES that RDKit reads, of elements and length that training molecules have; this one: {reason}"


LIMITS: tuple[Limit, ...] = (Limit(NAMED, feasible, _expected), Limit((SIMILAR,), readable, _readable))
