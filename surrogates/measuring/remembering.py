"""What was read off a Dataset that lives on is not computed again."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    Reduce = Callable[..., xr.Dataset]

REMEMBERED = 8
"""Datasets whose reductions are kept, the latest ones."""


def remembered(mark: str) -> Callable[[Reduce], Reduce]:
    """Decorate (Dataset, …) -> reduced Dataset: reduced ones come back as they are, recent ones are remembered.

    Parameters
    ----------
    mark : str
        A variable that reduced Datasets have, and others have not.
    """

    def decorate(reduce: Reduce) -> Reduce:
        signature = inspect.signature(reduce)
        recent: list[tuple[weakref.ref[xr.Dataset], Any, xr.Dataset]] = []

        @wraps(reduce)
        def found(dataset: xr.Dataset, *asked: Any, **named: Any) -> xr.Dataset:
            if mark in dataset:
                return dataset
            bound = signature.bind(dataset, *asked, **named)
            bound.apply_defaults()  # what is left out is the same as its default
            how = (bound.args[1:], sorted(bound.kwargs.items()))
            recent[:] = [entry for entry in recent if entry[0]() is not None][-REMEMBERED:]
            for kept, way, made in recent:
                if kept() is dataset and way == how:
                    return made
            made = reduce(dataset, *asked, **named)
            recent.append((weakref.ref(dataset), how, made))
            return made

        return found

    return decorate
