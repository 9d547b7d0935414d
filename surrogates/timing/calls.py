"""What one call costs: both sides called with few samples and many, and from how many the surrogate is the cheaper."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.simulator import ELSEWHERE

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.simulator import Simulator

Conditions = Callable[[int, int], "xr.Dataset"]

SIZES = (1, 10, 100, 1000)
STRIDE = 1 << 20


@dataclass(frozen=True)
class CallCosts:
    """CPU-seconds of a call by its number of samples.

    Attributes
    ----------
    side : str
    cold : float
        The first call in the process, of one sample.
    warm : mapping
        Samples a call -> median over later calls.
    """

    side: str
    cold: float
    warm: Mapping[int, float]

    def cost(self, n: float) -> float:
        """CPU-seconds of a call of n samples, linear between the sizes that were timed and beyond the largest.

        Where a single size was timed it stands for larger ones too, which cannot cost less.
        """
        sizes = sorted(self.warm)
        if n <= sizes[-1] or len(sizes) < 2:
            return float(np.interp(n, sizes, [self.warm[size] for size in sizes]))
        slope = (self.warm[sizes[-1]] - self.warm[sizes[-2]]) / (sizes[-1] - sizes[-2])
        return self.warm[sizes[-1]] + slope * (n - sizes[-1])


def worthwhile_from(surrogate: CallCosts, reference: CallCosts) -> int | None:
    """Fewest samples a call from which the surrogate takes less CPU time than the reference; None for never.

    Parameters
    ----------
    surrogate, reference : CallCosts
        Of warm calls on the same core in one run.

    Notes
    -----
    Calls of more samples than were timed on the surrogate's side are not looked at.
    """
    found = None
    for n in range(max(surrogate.warm), 0, -1):
        if surrogate.cost(n) >= reference.cost(n):
            break
        found = n
    return found


def call_costs(
    sides: Mapping[str, Simulator | Any],
    conditions: Conditions,
    *,
    sizes: Sequence[int] = SIZES,
    calls: int = 9,
    patience: float = 20.0,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
) -> tuple[CallCosts, ...]:
    """Time calls of every size on every side, in turns.

    Parameters
    ----------
    sides : mapping
        Name -> simulator.
    conditions : callable
        (n, first sample identity) -> conditions of n samples.
    sizes : sequence of int
        Samples a call.
    calls : int
        Calls of each size, fewer where they are long.
    patience : float
        CPU-seconds for one size of one side, at most about; a size of which a single call would take longer is left
        out, and `CallCosts.cost` goes on in a straight line. The smallest size is always timed.
    """
    cold = {name: _called(simulator, conditions(1, 0), seed) for name, simulator in sides.items()}
    warm: dict[str, dict[int, list[float]]] = {name: {} for name in sides}
    for place, size in enumerate(sorted(sizes)):
        expected = {name: _expected(found, size, cold[name]) for name, found in warm.items()}
        kept = [name for name in sides if not place or expected[name] <= patience]
        for turn in range(calls):
            for name in kept if turn % 2 else kept[::-1]:
                spent = sum(warm[name].get(size, ()))
                if turn < 2 and spent <= patience or spent + expected[name] <= patience:
                    first = STRIDE * (1 + place * calls + turn)
                    warm[name].setdefault(size, []).append(_called(sides[name], conditions(size, first), seed))
        if tell is not None:
            tell(", ".join(f"{name} {size}: {1e3 * np.median(warm[name][size]):.3g} ms" for name in kept))
    return tuple(
        CallCosts(name, cold[name], {size: float(np.median(spent)) for size, spent in warm[name].items()})
        for name in sides
    )


def _expected(found: Mapping[int, list[float]], size: int, cold: float) -> float:
    if not found:
        return cold
    largest = max(found)
    return float(np.median(found[largest])) * size / largest


def _called(simulator: Simulator | Any, conditions: xr.Dataset, seed: int) -> float:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        start, elsewhere = time.process_time(), ELSEWHERE.seconds
        simulator.sample(conditions, seed=seed)
        return time.process_time() - start + ELSEWHERE.seconds - elsewhere
    finally:
        torch.set_num_threads(before)
