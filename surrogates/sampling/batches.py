"""Which samples share a batch: sample i always runs in slot i mod B, whatever else is asked beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

if TYPE_CHECKING:
    from ..contract.recipe import Tensors
    from ..contract.schema import Variable
    from ..noise import Noise

Index: TypeAlias = "slice | np.ndarray"

Way: TypeAlias = "Callable[[Tensors, Index], tuple[Tensors, Noise]]"
"""(encoded conditions of a batch, its rows) -> the conditions and the noise that the model is given."""


def packed(samples: np.ndarray, batch: int, part: int | None = None) -> Iterator[tuple[Index, Index, Index]]:
    """Pack samples into batches in which only the slot of each is fixed.

    Rows whose slots differ share a batch, wherever they come from, so that n scattered samples take about n / B
    batches; unused slots repeat a row of the batch.

    Parameters
    ----------
    samples : numpy.ndarray
        Identities, (n,) int64 in any order; repeats are allowed.
    batch : int
        Number of slots B.
    part : int, optional
        A divisor P of B: sample i runs in slot ``i % P`` of any part of a batch, and a batch has as few parts as hold
        its samples.

    Yields
    ------
    rows : slice or int array of length B, or of fewer parts
        Row of `samples` that each slot computes.
    slots, targets : slice or int array
        Where the batch's results stand, and the rows that they belong to.
    """
    n = len(samples)
    part = part or batch
    whole = 0
    if n and samples[0] % part == 0 and np.array_equal(samples, np.arange(samples[0], samples[0] + n)):
        whole = n - n % batch
        for start in range(0, whole, batch):
            yield slice(start, start + batch), slice(0, batch), slice(start, start + batch)
    slot = samples[whole:] % part
    order = np.argsort(slot, kind="stable")
    ordered = slot[order]
    position = np.arange(len(ordered))
    opens = np.ones(len(ordered), dtype=bool)
    opens[1:] = ordered[1:] != ordered[:-1]
    turn = position - np.maximum.accumulate(np.where(opens, position, 0))
    by_turn = np.argsort(turn, kind="stable")
    turns = batch // part  # in a batch
    last = int(turn.max(initial=-1))
    firsts = np.arange(0, last + 1, turns)
    bounds = np.searchsorted(turn[by_turn], np.append(firsts, last + 1))
    for first, start, stop in zip(firsts, bounds[:-1], bounds[1:], strict=True):
        chosen = by_turn[start:stop]
        targets = order[chosen] + whole
        slots = (turn[chosen] - first) * part + ordered[chosen]
        rows = np.full((int(turn[chosen].max()) - first + 1) * part, targets[0])
        rows[slots] = targets
        yield rows, slots, targets


def interleaved(own: np.ndarray, simulated: np.ndarray, routed: np.ndarray) -> np.ndarray:
    """Rows of both in their places: the simulated ones where `routed`."""
    whole = np.empty((len(routed), *own.shape[1:]), dtype=own.dtype)
    whole[~routed] = own
    whole[routed] = simulated
    return whole


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """So many torch threads for a while; None leaves them."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def condition_dtype(variable: Variable) -> torch.dtype:
    """How a condition reaches codec and model."""
    kind = np.dtype(variable.dtype).kind
    return torch.int64 if variable.categories is not None or kind in "iub" else torch.float64
