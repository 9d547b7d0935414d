"""Which samples share a batch: sample i always runs in slot i mod B, whatever else is asked beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

Index: TypeAlias = "slice | np.ndarray"


def packed(samples: np.ndarray, batch: int, part: int | None = None) -> Iterator[tuple[Index, Index, Index]]:
    """Pack samples into full batches in which only the slot of each is fixed.

    Rows whose slots differ share a batch, wherever they come from, so that n scattered samples take about n / B
    batches; unused slots repeat a row of the batch.

    Parameters
    ----------
    samples : numpy.ndarray
        Identities, (n,) int64 in any order; repeats are allowed.
    batch : int
        Number of slots B.
    part : int, optional
        A divisor of B: a batch ends after the first multiple of it that holds all used slots.

    Yields
    ------
    rows : slice or int array of length B, or less where `part` is given
        Row of `samples` that each slot computes.
    slots, targets : slice or int array
        Where the batch's results stand, and the rows that they belong to.
    """
    n = len(samples)
    whole = 0
    if n and samples[0] % batch == 0 and np.array_equal(samples, np.arange(samples[0], samples[0] + n)):
        whole = n - n % batch
        for start in range(0, whole, batch):
            yield slice(start, start + batch), slice(0, batch), slice(start, start + batch)
    slot = samples[whole:] % batch
    order = np.argsort(slot, kind="stable")
    ordered = slot[order]
    position = np.arange(len(ordered))
    opens = np.ones(len(ordered), dtype=bool)
    opens[1:] = ordered[1:] != ordered[:-1]
    turn = position - np.maximum.accumulate(np.where(opens, position, 0))
    by_turn = np.argsort(turn, kind="stable")
    bounds = np.searchsorted(turn[by_turn], np.arange(turn.max(initial=-1) + 2))
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        chosen = by_turn[start:stop]
        targets = order[chosen] + whole
        part = part or batch
        rows = np.full((ordered[chosen[-1]] // part + 1) * part, targets[0])
        rows[ordered[chosen]] = targets
        yield rows, ordered[chosen], targets
