"""Checks that samples survive every format, and that a folder of shards reads back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from ..sampling.parallel import joined
from .subject import Skipped, Subject, differing, same_attribute

if TYPE_CHECKING:
    import xarray as xr

EXACT = ("netcdf", "hdf5")


def formats(subject: Subject):
    """The registry of NetCDF, HDF5 and the plugin's native formats."""
    from ..io import HDF5, NETCDF, Formats

    return Formats((NETCDF, HDF5, *subject.plugin.formats))


def check_suffixes_are_distinct(subject: Subject) -> None:
    """No two formats claim one suffix."""
    assert len(formats(subject)) == 2 + len(dict.fromkeys(subject.plugin.formats))


def check_round_trip(subject: Subject, name: str) -> None:
    """What was written reads back: bit for bit in NetCDF and HDF5, within 1e-6 of the spread in a native format.

    A native format that rounds, as pictures of 8 bits do, says by how much.
    """
    kind = formats(subject).named(name)
    if kind.read is None:
        raise Skipped(f"{name} is written alone and never read")
    written = _some(subject)
    if kind.holds is not None:
        written = written.isel(sample=np.flatnonzero(kind.holds(written)))
    middle = written.sizes["sample"] // 2
    pieces = [written.isel(sample=slice(0, middle)), written.isel(sample=slice(middle, None))]
    if kind.one_sample_a_file:
        written = written.isel(sample=slice(0, 1))
        pieces = [written]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"samples{kind.suffixes[0]}"
        kind.write(iter(pieces), path)
        again = joined(list(kind.read(path)))
    if name in EXACT:
        found = differing(again[list(written.data_vars)], written)
        assert not found, f"{name}: {found}"
        _same_attributes(written, again, name)
        return
    assert again.sizes["sample"] == written.sizes["sample"], (
        f"{name}: {again.sizes['sample']} of {written.sizes['sample']} samples"
    )
    shared = [str(variable) for variable in written.data_vars if variable in again]
    assert shared, f"{name}: no variable comes back"
    kept = _kept_dimensions(subject, written, again)
    for variable in shared:
        assert again[variable].attrs.get("units") == written[variable].attrs["units"], (
            f"{name}: {variable} has other units"
        )
        if set(written[variable].dims) <= kept and written[variable].dtype.kind == "f":
            finite = written[variable].values[np.isfinite(written[variable].values)]
            spread = max(float(finite.std()) if finite.size else 0.0, 1e-30)
            worst = float(np.nanmax(np.abs(written[variable].values - again[variable].values), initial=0.0))
            assert worst <= 1e-6 * spread + kind.rounding, f"{name}: {variable} comes back {worst:.3g} away"


def _kept_dimensions(subject: Subject, written: xr.Dataset, again: xr.Dataset) -> set[str]:
    """Dimensions of equal length and counts; a format may hold a part of a set, such as the hard process alone."""
    kept = {str(name) for name in written.sizes if written.sizes[name] == again.sizes.get(name)}
    for dimension in subject.plugin.outputs.dimensions:
        count = dimension.count
        if count is not None and (count not in again or not np.array_equal(written[count].values, again[count].values)):
            kept.discard(dimension.name)
    return kept


def check_empty_round_trip(subject: Subject, name: str) -> None:
    """A file without samples is valid."""
    kind = formats(subject).named(name)
    if kind.one_sample_a_file:
        raise Skipped(f"a file of {name} holds one sample")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"samples{kind.suffixes[0]}"
        kind.write(iter([_some(subject).isel(sample=slice(0, 0))]), path)
        if kind.read is not None:
            assert sum(block.sizes["sample"] for block in kind.read(path)) == 0, f"{name}: an empty file gives samples"


def _some(subject: Subject) -> xr.Dataset:
    n = min(100, subject.truth_samples)
    samples = subject.sampled(subject.released[0]) if subject.released else subject.truth
    return samples.isel(sample=slice(0, n))


def _same_attributes(written: xr.Dataset, again: xr.Dataset, name: str) -> None:
    for key, value in written.attrs.items():
        assert key in again.attrs and np.array_equal(again.attrs[key], value), (
            f"{name}: attribute {key} is {again.attrs.get(key)!r}"
        )
    for variable in written.data_vars:
        for key, value in written[variable].attrs.items():
            found = again[variable].attrs.get(key)
            assert same_attribute(found, value), f"{name}: {variable}: attribute {key} is {found!r}; expected {value!r}"
