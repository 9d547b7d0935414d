"""Datasets in pieces along `sample`: joining, slicing, and checking that pieces share one schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from .formats import FormatError

if TYPE_CHECKING:
    import xarray as xr

SAMPLE = "sample"


def opened(blocks: Iterable[xr.Dataset]) -> tuple[xr.Dataset, Iterator[xr.Dataset]]:
    """The first block, which says what a file holds, and the blocks after it.

    Raises
    ------
    FormatError
        No block came, not even one of zero length.
    """
    stream = iter(blocks)
    first = next(stream, None)
    if first is None:
        raise FormatError("nothing to write: not even a zero-length block came")
    return first, stream


def rows(block: xr.Dataset) -> int:
    """Return the number of samples in `block`.

    Raises
    ------
    FormatError
        Where the Dataset has no dimension `sample`.
    """
    if SAMPLE not in block.sizes:
        found = ", ".join(map(str, block.sizes)) or "none"
        raise FormatError(f"the Dataset has no dimension {SAMPLE!r} (its dimensions: {found})")
    return block.sizes[SAMPLE]


def check_same_schema(first: xr.Dataset, block: xr.Dataset) -> None:
    """Raise FormatError where `block` cannot follow `first` in one file; names the variable that differs."""
    rows(block)
    if set(first.variables) != set(block.variables):
        differing = ", ".join(sorted(map(str, set(first.variables) ^ set(block.variables))))
        raise FormatError(f"the blocks do not hold the same variables: {differing} is not in all of them")
    for name, variable in first.variables.items():
        other = block.variables[name]
        shape = tuple(size for dim, size in variable.sizes.items() if dim != SAMPLE)
        other_shape = tuple(size for dim, size in other.sizes.items() if dim != SAMPLE)
        if variable.dims != other.dims or shape != other_shape:
            raise FormatError(
                f"{name}: a block has dimensions {dict(other.sizes)}, the first had {dict(variable.sizes)}"
            )
        if variable.dtype != other.dtype and not (variable.dtype.kind in "UO" and other.dtype.kind in "UO"):
            raise FormatError(f"{name}: a block has type {other.dtype}, the first had {variable.dtype}")


def concatenate(blocks: Iterable[xr.Dataset]) -> xr.Dataset:
    """Join blocks along `sample`; attributes are the first block's.

    Parameters
    ----------
    blocks : iterable of Dataset
        At least one; all share one schema. Zero-length blocks are welcome.

    Raises
    ------
    FormatError
        Where there is no block, or two differ in schema.
    """
    import xarray as xr

    pieces = list(blocks)
    if not pieces:
        raise FormatError("nothing to join: not even a zero-length block came")
    first = pieces[0]
    rows(first)
    if len(pieces) == 1:
        return first
    for piece in pieces[1:]:
        check_same_schema(first, piece)

    def joined(name: object) -> xr.Variable:
        variable = first.variables[name]  # type: ignore[index]
        if SAMPLE not in variable.dims:
            return variable
        axis = variable.dims.index(SAMPLE)
        values = np.concatenate([piece.variables[name].values for piece in pieces], axis=axis)  # type: ignore[index]
        return xr.Variable(variable.dims, values, variable.attrs)

    data = {name: joined(name) for name in first.data_vars}
    coordinates = {name: joined(name) for name in first.coords}
    return xr.Dataset(data, coordinates, first.attrs)


def slices(block: xr.Dataset, size: int) -> Iterator[xr.Dataset]:
    """Cut `block` into pieces of at most `size` samples; a zero-length block gives itself."""
    n = rows(block)
    if n <= size:
        yield block
        return
    for start in range(0, n, size):
        yield block.isel({SAMPLE: slice(start, start + size)})


def gather(blocks: Iterator[xr.Dataset], at_least: int) -> tuple[xr.Dataset, bool]:
    """Take blocks until `at_least` samples have come; return them joined, and whether the blocks ran out."""
    taken: list[xr.Dataset] = []
    n = 0
    for block in blocks:
        taken.append(block)
        n += rows(block)
        if n >= at_least:
            return concatenate(taken), False
    return concatenate(taken), True


def count_variables(dataset: xr.Dataset) -> dict[str, str]:
    """Return, for each ragged dimension, the integer variable over (sample) that counts its real entries.

    A count names its dimension in the CF attribute `sample_dimension`; without it, a variable called `n_<dimension>s`
    counts `<dimension>`.
    """
    found: dict[str, str] = {}
    for dim in map(str, dataset.sizes):
        for name, variable in dataset.variables.items():
            if variable.dims == (SAMPLE,) and variable.dtype.kind in "iu":
                if variable.attrs.get("sample_dimension") == dim:
                    found[dim] = str(name)
                    break
        else:
            name = f"n_{dim}s"
            if name in dataset.variables and dataset[name].dims == (SAMPLE,) and dataset[name].dtype.kind in "iu":
                if "sample_dimension" not in dataset[name].attrs:
                    found[dim] = name
    return found
