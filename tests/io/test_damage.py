"""Readers meet foreign, truncated and mutated files with one line, writers meet full disks without a partial file."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import resource

import h5py
import numpy as np
import pytest
import xarray as xr
from io_samples import jets, particle_events

from surrogates.io import (
    FITS,
    HDF5,
    HEPMC3,
    JETNET,
    LHE,
    NETCDF,
    ROOT,
    FileFormatError,
    OutputError,
    carries_digest,
    concatenate,
    verify,
    write_shards,
)

FEW = particle_events(6)[["energy", "n_particles", "px", "pdg_id", "tau_decay"]]
SMALL = {NETCDF: FEW, HDF5: FEW, JETNET: jets(6), ROOT: FEW}
TEXT = {HEPMC3: particle_events(4), LHE: particle_events(4)}
HDF5_MUTANTS, ROOT_MUTANTS, TEXT_MUTANTS = 150, 60, 60


def unsealed(content: bytes) -> bytes:
    """A file's content without the seal, as a program would leave it that wrote the file anew."""
    return re.sub(rb"\n[^\n]*surrogates sealed by sha256 [0-9a-f]{64}[^\n]*\n\Z", b"", content)


def mutant(content: bytes, chance: random.Random) -> bytes:
    """Return the content with a few bytes changed, a piece cut out, doubled, zeroed or cut off."""
    changed = bytearray(content)
    kind = chance.randrange(6)
    start = chance.randrange(len(changed))
    length = chance.randrange(1, 64)
    if kind < 2:
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif kind == 2:
        del changed[start : start + length]
    elif kind == 3:
        changed[start:start] = changed[start : start + length]
    elif kind == 4:
        changed[start : start + length] = bytes(len(changed[start : start + length]))
    else:
        del changed[start:]
    return bytes(changed)


def read_mutants(file_format, made, folder, number, seed, results) -> None:
    """Read `number` mutants; report how many gave a Dataset and how many a clean error, or what went wrong."""
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    path = folder / f"original{file_format.suffixes[0]}"
    file_format.write([made], path)
    content = unsealed(path.read_bytes())
    chance = random.Random(seed)
    opened = refused = 0
    for i in range(number):
        path.write_bytes(mutant(content, chance))
        try:
            dataset = concatenate(file_format.read(path))
            assert isinstance(dataset, xr.Dataset) and "sample" in dataset.dims
            opened += 1
        except FileFormatError as error:
            assert str(path) in str(error) and "\n" not in str(error), f"mutant {i}: {error!r}"
            refused += 1
        except BaseException as error:
            results.put(f"mutant {i}: {error!r}")
            return
    results.put((opened, refused))


@pytest.mark.parametrize(
    ("file_format", "number"),
    [(NETCDF, HDF5_MUTANTS), (HDF5, HDF5_MUTANTS), (JETNET, HDF5_MUTANTS), (ROOT, ROOT_MUTANTS)]
    + [(HEPMC3, TEXT_MUTANTS), (LHE, TEXT_MUTANTS)],
    ids=lambda value: getattr(value, "name", None),
)
def test_mutated_files_open_or_are_refused_in_one_line(tmp_path, file_format, number):
    """In a process of its own, so that a crash of a library counts as a failure too."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    made = (SMALL | TEXT)[file_format]
    process = context.Process(target=read_mutants, args=(file_format, made, tmp_path, number, 20261122, results))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    outcome = results.get()
    assert not isinstance(outcome, str), outcome
    assert sum(outcome) == number and outcome[1] > number // 10


STAMPS = xr.Dataset(
    {
        "image": (("sample", "y", "x"), np.arange(4 * 8 * 8, dtype=np.float32).reshape(4, 8, 8), {"units": "nJy"}),
        "redshift": ("sample", np.linspace(0.1, 0.4, 4), {"units": "1"}),
    },
    {"sample": np.arange(4)},
    {"plugin": "galaxy-images", "history": "made for a test"},
)


@pytest.mark.parametrize("file_format", [*SMALL, *TEXT, FITS], ids=lambda entry: entry.name)
def test_one_flipped_bit_anywhere_is_found_or_changes_nothing(tmp_path, file_format):
    """In header, attribute, index or value; a bit of the seal itself or of unused padding may go unnoticed."""
    path = tmp_path / f"a{file_format.suffixes[0]}"
    file_format.write([({FITS: STAMPS} | SMALL | TEXT)[file_format]], path)
    whole, content, chance = concatenate(file_format.read(path)), path.read_bytes(), random.Random(5)
    assert carries_digest(path)
    unnoticed = 0
    for _ in range(150):
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            found = concatenate(file_format.read(path))
        except FileFormatError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            continue
        unnoticed += 1
        xr.testing.assert_identical(found, whole)
    assert unnoticed < 15


@pytest.mark.parametrize("file_format", [NETCDF, HDF5, JETNET, ROOT, HEPMC3, LHE], ids=lambda entry: entry.name)
def test_a_file_that_another_program_wrote_anew_has_no_digest(tmp_path, file_format):
    path = tmp_path / f"a{file_format.suffixes[0]}"
    file_format.write([(SMALL | TEXT)[file_format]], path)
    path.write_bytes(unsealed(path.read_bytes()))
    assert not carries_digest(path)
    assert verify(path, file_format=file_format) == []


def test_a_file_that_a_program_changed_in_place_has_no_digest_and_is_read(tmp_path):
    path = tmp_path / "a.nc"
    NETCDF.write([FEW], path)
    with h5py.File(path, "r+") as file:
        file.attrs["comment"] = "weighed again"
        file["energy"][0] = 12.5
    assert not carries_digest(path)
    found = concatenate(NETCDF.read(path))
    assert found.attrs["comment"] == "weighed again" and found["energy"].values[0] == 12.5


def test_a_sealed_file_opens_in_xarray_and_is_saved_again_without_the_seal(tmp_path):
    NETCDF.write([FEW], tmp_path / "a.nc", ragged=False)
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as opened:
        np.testing.assert_array_equal(opened["energy"], FEW["energy"])
        opened.drop_encoding().to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    assert carries_digest(tmp_path / "a.nc") and not carries_digest(tmp_path / "b.nc")
    np.testing.assert_array_equal(concatenate(NETCDF.read(tmp_path / "b.nc"))["energy"], FEW["energy"])


@pytest.mark.parametrize("file_format", [NETCDF, HDF5, JETNET, HEPMC3, LHE, ROOT], ids=lambda entry: entry.name)
@pytest.mark.parametrize(
    "content", [b"", b"hello", bytes(5000), os.urandom(3000)], ids=["empty", "text", "zeros", "noise"]
)
def test_foreign_files_are_refused(tmp_path, file_format, content):
    path = tmp_path / f"foreign{file_format.suffixes[0]}"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as error:
        list(file_format.read(path))
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("file_format", [NETCDF, HDF5, JETNET, HEPMC3, LHE, ROOT], ids=lambda entry: entry.name)
def test_a_missing_file_is_named(tmp_path, file_format):
    with pytest.raises(FileFormatError, match="does not exist"):
        list(file_format.read(tmp_path / f"nothing{file_format.suffixes[0]}"))


def test_hdf5_of_another_kind_says_what_was_found(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(FileFormatError, match="expected a file with a dimension 'sample'; found images"):
        list(HDF5.read(tmp_path / "a.h5"))


def test_a_heap_that_the_library_would_walk_for_ever_is_refused(tmp_path):
    """HDF5 itself never returns from opening this file's attributes."""
    path = tmp_path / "a.nc"
    NETCDF.write([FEW], path)
    content = bytearray(unsealed(path.read_bytes()))
    start = content.index(b"GCOL")
    content[start + 16 : start + 32] = bytes(16)
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="the heap at byte .* is damaged"):
        list(NETCDF.read(path))


def test_netcdf_that_xarray_wrote_is_read(tmp_path):
    made = particle_events(5)
    made.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    xr.testing.assert_equal(concatenate(NETCDF.read(tmp_path / "a.nc")), made)


def limited(write, limit: int, results) -> None:
    """Write under a limit on the size of files, which the system reports as it does a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        write()
        results.put("it was written")
    except OutputError as error:
        results.put(str(error))
    except BaseException as error:
        results.put(repr(error))


@pytest.mark.parametrize("file_format", [NETCDF, HDF5, JETNET, HEPMC3, LHE, ROOT], ids=lambda entry: entry.name)
@pytest.mark.parametrize("limit", [1_000, 60_000])
def test_a_full_disk_leaves_nothing_behind(tmp_path, file_format, limit):
    made = jets(400) if file_format is JETNET else particle_events(200)
    path = tmp_path / f"a{file_format.suffixes[0]}"
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=limited, args=(lambda: file_format.write([made], path), limit, results))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    message = results.get()
    assert message.startswith(f"cannot write {path}: ") and "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_parts_that_were_finished(tmp_path):
    def write():
        write_shards(lambda index: [jets(20 if index < 2 else 2_000)], 3, tmp_path / "run", provenance={})

    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=limited, args=(write, 200_000, results))
    process.start()
    process.join(60)
    assert "part-00002.nc" in results.get()
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == ["manifest.json", "part-00000.json", "part-00000.nc", "part-00001.json", "part-00001.nc"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied; choose a folder that you may write to"):
        NETCDF.write([particle_events(3)], tmp_path / "a.nc")


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(OutputError, match="does not exist; create it first"):
        NETCDF.write([particle_events(3)], tmp_path / "no" / "a.nc")


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "a.nc").mkdir()
    with pytest.raises(OutputError, match="it is a folder; give a file name"):
        NETCDF.write([particle_events(3)], tmp_path / "a.nc", overwrite=True)
