"""NetCDF-4 and HDF5 give back what they were given, in whatever pieces it came."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from io_samples import jets, particle_events

from surrogates.io import HDF5, NETCDF, FormatError, OutputError, concatenate, verify

FORMATS = pytest.mark.parametrize("file_format", [NETCDF, HDF5], ids=lambda entry: entry.name)


def read(file_format, path, **options):
    return concatenate(file_format.read(path, **options))


def split(dataset: xr.Dataset, *at: int) -> list[xr.Dataset]:
    edges = [0, *at, dataset.sizes["sample"]]
    return [dataset.isel(sample=slice(*edge)) for edge in zip(edges[:-1], edges[1:], strict=True)]


@FORMATS
@pytest.mark.parametrize("ragged", [True, False])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_events_come_back_bit_for_bit(tmp_path, events, file_format, ragged, compression):
    path = tmp_path / f"events{file_format.suffixes[0]}"
    file_format.write(split(events, 20, 20, 150), path, ragged=ragged, compression=compression)
    back = read(file_format, path, block_rows=77)
    xr.testing.assert_identical(back, events)
    assert {name: variable.dtype for name, variable in back.variables.items()} == {
        name: variable.dtype for name, variable in events.variables.items()
    }


@FORMATS
def test_jets_come_back_bit_for_bit(tmp_path, jet_sample, file_format):
    path = tmp_path / f"jets{file_format.suffixes[0]}"
    file_format.write([jet_sample], path)
    xr.testing.assert_identical(read(file_format, path), jet_sample.assign_attrs(Conventions="CF-1.12"))


@FORMATS
def test_no_samples_make_a_valid_empty_file(tmp_path, events, file_format):
    path = tmp_path / f"empty{file_format.suffixes[0]}"
    empty = events.isel(sample=slice(0, 0))
    file_format.write([empty], path)
    xr.testing.assert_identical(read(file_format, path), empty)


def test_a_count_found_by_its_name_gains_no_attribute(tmp_path, events):
    del (unmarked := events.copy())["n_particles"].attrs["sample_dimension"]
    NETCDF.write([unmarked], tmp_path / "events.nc")
    xr.testing.assert_identical(read(NETCDF, tmp_path / "events.nc"), unmarked)
    with h5py.File(tmp_path / "events.nc") as file:
        assert file["px"].shape == (int(events.n_particles.sum()),)
        assert file["n_particles"].attrs["sample_dimension"] == "particle"


def test_ragged_events_take_less_than_a_third_of_padded_ones(tmp_path, events):
    for ragged in (True, False):
        NETCDF.write([events], tmp_path / f"{ragged}.nc", ragged=ragged)
    assert (tmp_path / "True.nc").stat().st_size < (tmp_path / "False.nc").stat().st_size / 3


def test_xarray_opens_padded_files_with_its_own_engine(tmp_path, events):
    HDF5.write([events], tmp_path / "events.h5")
    with xr.open_dataset(tmp_path / "events.h5", engine="h5netcdf") as opened:
        xr.testing.assert_equal(opened.load(), events)
        assert opened["px"].attrs["units"] == "GeV"


def test_xarray_opens_ragged_files_as_contiguous_arrays(tmp_path, events):
    NETCDF.write([events], tmp_path / "events.nc")
    with xr.open_dataset(tmp_path / "events.nc", engine="h5netcdf") as opened:
        n = int(events.n_particles[0])
        np.testing.assert_array_equal(opened["px"].values[:n], events["px"].values[0, :n])


def test_h5py_finds_padded_arrays_and_dimension_names(tmp_path, events):
    HDF5.write([events], tmp_path / "events.h5")
    with h5py.File(tmp_path / "events.h5") as file:
        np.testing.assert_array_equal(file["px"][3], events["px"].values[3])
        assert [dim[0].name for dim in file["px"].dims] == ["/sample", "/particle"]
        assert file["px"].fletcher32


@given(data=st.data(), n=st.integers(0, 12), at=st.integers(0, 12))
@settings(max_examples=25, deadline=None)
def test_any_dataset_survives(tmp_path_factory, data, n, at):
    """Types, text, coordinates, static variables and attributes, split anywhere."""
    kinds = st.sampled_from(["f4", "f8", "i1", "i8", "u1", "?", "U"])
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
    attr = (
        text
        | st.integers(-(2**60), 2**60)
        | st.floats(allow_nan=False)
        | st.lists(st.integers(0, 9), min_size=2, max_size=3).map(
            np.array
        )  # netCDF knows no scalars beside arrays of one
    )
    attrs = st.dictionaries(st.sampled_from(["units", "long_name", "valid_range", "note"]), attr, max_size=3)

    def array(shape: tuple[int, ...]) -> np.ndarray:
        kind = data.draw(kinds)
        size = int(np.prod(shape))
        if kind == "U":
            return np.array(data.draw(st.lists(text, min_size=size, max_size=size)), dtype=np.str_).reshape(shape)
        raw = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 2**63, size)
        if kind in ("f4", "f8"):
            return (raw / 2**40).astype(kind).reshape(shape)
        return raw.astype(kind).reshape(shape)

    made = xr.Dataset(
        {
            "a": (("sample",), array((n,)), data.draw(attrs)),
            "b": (("sample", "x"), array((n, 3)), data.draw(attrs)),
            "static": (("x",), array((3,)), data.draw(attrs)),
            "scalar": ((), 2.5, data.draw(attrs)),
        },
        {"sample": np.arange(5, 5 + n), "label": (("sample",), array((n,)))},
        {"Conventions": "CF-1.12", **data.draw(attrs)},
    )
    for file_format in (NETCDF, HDF5):
        path = tmp_path_factory.mktemp("any") / f"a{file_format.suffixes[0]}"
        file_format.write(split(made, min(at, n)), path)
        xr.testing.assert_identical(read(file_format, path, block_rows=5), made)


@given(counts=st.lists(st.integers(0, 4), max_size=9), ragged=st.booleans())
@settings(max_examples=30, deadline=None)
def test_any_counts_survive(tmp_path_factory, counts, ragged):
    n = len(counts)
    real = np.arange(4) < np.array(counts, int).reshape(n, 1)
    made = xr.Dataset(
        {
            "n_atoms": ("sample", np.array(counts, np.int32)),
            "position": (("sample", "atom", "xyz"), np.random.default_rng(0).normal(size=(n, 4, 3)) * real[..., None]),
            "symbol": (("sample", "atom"), np.where(real, "He", "")),
        },
        {"sample": np.arange(n)},
        {"Conventions": "CF-1.12"},
    )
    path = tmp_path_factory.mktemp("counts") / "a.nc"
    NETCDF.write([made], path, ragged=ragged)
    xr.testing.assert_identical(read(NETCDF, path, block_rows=4), made)


def test_more_samples_than_one_chunk_survive(tmp_path):
    blocks = [jets(9_000, seed).assign_coords(sample=np.arange(9_000) + 9_000 * seed) for seed in range(5)]
    NETCDF.write(iter(blocks), tmp_path / "jets.nc")
    back = read(NETCDF, tmp_path / "jets.nc", block_rows=10_001)
    xr.testing.assert_equal(back, xr.concat(blocks, "sample"))


@FORMATS
def test_the_same_blocks_give_the_same_bytes(tmp_path, events, file_format):
    paths = [tmp_path / f"{i}{file_format.suffixes[0]}" for i in range(2)]
    for path in paths:
        file_format.write(split(events, 50), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@FORMATS
def test_an_existing_file_is_kept_unless_overwriting(tmp_path, events, file_format):
    path = tmp_path / f"events{file_format.suffixes[0]}"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        file_format.write([events], path)
    assert path.read_text() == "precious"
    file_format.write([events], path, overwrite=True)
    assert read(file_format, path).sizes["sample"] == 200


def test_a_failing_generator_leaves_nothing_behind(tmp_path, events):
    def blocks():
        yield events
        raise KeyError("the simulator stopped")

    with pytest.raises(KeyError, match="the simulator stopped"):
        NETCDF.write(blocks(), tmp_path / "events.nc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.rename(sample="row"), "no dimension 'sample'"),
        (lambda d: d.transpose("particle", "tau", "sample"), "'sample' must come first"),
        (lambda d: d.assign(px=d.px + 1), "px: entries beyond the count are not zero"),
        (lambda d: d.assign(n_particles=d.n_particles + 40), "n_particles = .* expected 0 to 40"),
        (lambda d: d.assign(px=d.px.astype(complex)), "px: type complex128 cannot be stored"),
        (lambda d: d.assign_attrs(card={"a": 1}), "global: attribute 'card' is dict"),
        (lambda d: d.assign_attrs(note=None), "global: attribute 'note' is NoneType"),
        (lambda d: d.assign_attrs(note="x" * 70_000), "attribute 'note' has 70000 bytes"),
    ],
)
def test_what_cannot_be_stored_is_named(tmp_path, events, spoil, message):
    with pytest.raises(FormatError, match=message) as error:
        NETCDF.write([spoil(events)], tmp_path / "events.nc")
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.drop_vars("px"), "px is not in all of them"),
        (lambda d: d.assign(px=d.px.astype("f4")), "px: a block has type float32, the first had float64"),
        (lambda d: d.isel(particle=slice(0, 9)), "a block has dimensions"),
    ],
)
def test_blocks_of_different_schemas_are_refused(tmp_path, events, spoil, message):
    blocks = [particle_events(20_000 // 100).isel(sample=np.zeros(17_000, int)), spoil(events)]
    with pytest.raises(FormatError, match=message):
        NETCDF.write(blocks, tmp_path / "events.nc")
    assert list(tmp_path.iterdir()) == []


def test_no_blocks_at_all_is_an_error(tmp_path):
    with pytest.raises(FormatError, match="not even a zero-length block"):
        NETCDF.write([], tmp_path / "events.nc")


def test_final_attributes_are_added_at_the_end(tmp_path, events):
    seen: list[int] = []

    def blocks():
        for block in split(events, 100):
            seen.append(block.sizes["sample"])
            yield block

    NETCDF.write(blocks(), tmp_path / "a.nc", final_attrs=lambda: {"samples_seen": sum(seen)})
    assert read(NETCDF, tmp_path / "a.nc").attrs["samples_seen"] == 200


# Files of ours that other programs wrote again ----------------------------------------------------------------------

COPIES = {
    "xarray with h5netcdf": """
import sys, xarray
xarray.open_dataset(sys.argv[1], engine="h5netcdf").to_netcdf(sys.argv[2], engine="h5netcdf")
""",
    "xarray with netcdf4": """
import sys, xarray
xarray.open_dataset(sys.argv[1], engine="netcdf4").to_netcdf(sys.argv[2], engine="netcdf4")
""",
    "netCDF4": """
import sys, netCDF4
with netCDF4.Dataset(sys.argv[1]) as old, netCDF4.Dataset(sys.argv[2], "w") as new:
    new.setncatts({key: old.getncattr(key) for key in old.ncattrs()})
    for name, dimension in old.dimensions.items():
        new.createDimension(name, None if dimension.isunlimited() else len(dimension))
    for name, variable in old.variables.items():
        copy = new.createVariable(name, variable.dtype, variable.dimensions)
        copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs()})
        copy[:] = variable[:]
""",
}


ANOTHER = [
    pytest.param(entry, copy, id=f"{entry.name}-{copy}", marks=() if number % 2 == place % 2 else pytest.mark.slow)
    for number, entry in enumerate((NETCDF, HDF5))
    for place, copy in enumerate(COPIES)
]
"""Each program and each format in the quick suite, all pairs in the whole one."""


@pytest.mark.parametrize(("file_format", "copy"), ANOTHER)
def test_a_file_that_another_program_wrote_again_holds_the_same_samples(tmp_path, events, file_format, copy):
    """The other program runs in a process of its own: netCDF4 beside h5py breaks the latter's filters."""
    if "netcdf4" in copy.lower():
        pytest.importorskip("cftime", reason="netCDF4 is not installed")
    made = events.assign_coords(beam=("sample", events["energy"].values / 2, {"units": "GeV", "long_name": "beam"}))
    made["flown"] = ("sample", made["tau_vt"].values[:, 0] > 1, {"units": "1", "long_name": "flew over 1 mm"})
    made["side"] = ("tau", ["minus", "plus"], {"long_name": "side"})
    made = made.assign_attrs(versions=["a", "b"], range=np.array([1.0, 2.0]))
    ours, theirs = (tmp_path / f"{name}{file_format.suffixes[0]}" for name in ("ours", "theirs"))
    file_format.write([made], ours)
    ended = subprocess.run([sys.executable, "-c", COPIES[copy], ours, theirs], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    xr.testing.assert_identical(read(file_format, theirs), made)
    assert verify(theirs) == []


def test_what_the_default_writes_xarray_saves_again(tmp_path, events):
    NETCDF.write([events], tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as opened:
        opened.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    xr.testing.assert_identical(read(NETCDF, tmp_path / "b.nc"), events)


def test_zstd_files_save_again_without_their_encoding(tmp_path, events):
    """xarray takes a filter that it read for an option that it cannot write; the docstring says to drop it."""
    NETCDF.write([events], tmp_path / "a.nc", compression="zstd")
    assert "drop_encoding" in (NETCDF.write.__doc__ or "")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as opened:
        with pytest.raises(ValueError, match="Compression filter"):
            opened.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
        opened.drop_encoding().to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    xr.testing.assert_identical(read(NETCDF, tmp_path / "c.nc"), events)
