"""Readers of volumes, pictures, crystals, boxes of particles and daily fields meet mutants with one line each."""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from test_damage import mutant, unsealed

from surrogates.io import FileFormatError, FormatError, carries_digest

Read = Callable[[Path], object]


def daily_fields() -> xr.Dataset:
    """Two samples of three days on a small Gaussian grid."""
    shape, axes = (2, 3, 8, 16), ("sample", "day", "lat", "lon")
    values = np.random.default_rng(1).uniform(1.0, 2.0, shape).astype("f4")
    fields = {name: (axes, values, {"units": "1"}) for name in ("tas", "pr", "ps")}
    return xr.Dataset({"day_of_year": ("sample", [335.0, 335.0]), **fields}, {"sample": np.arange(2)})


def image(n: int) -> xr.Dataset:
    """Slices of Hounsfield units."""
    values = np.random.default_rng(2).uniform(-1000, 2000, (n, 8, 6)).astype("f4")
    return xr.Dataset({"ct": (("sample", "y", "x"), values, {"units": "HU"})}, {"sample": np.arange(n)})


def saved_picture(kind: str, *channels: int) -> bytes:
    from PIL import Image

    stream, values = io.BytesIO(), np.random.default_rng(3).integers(0, 256, (12, 10, *channels), dtype=np.uint8)
    Image.fromarray(values).save(stream, format=kind)
    return stream.getvalue()


def crystals(folder: Path, suffix: str) -> tuple[bytes, Read]:
    from surrogates.plugins.crystals.formats import FORMATS
    from surrogates.plugins.crystals.truth import truth

    form = next(entry for entry in FORMATS if suffix in entry.suffixes)
    made = truth(1 if form.one_sample_a_file else 2, 3)
    form.write([made], folder / f"whole{suffix}")
    assert form.read is not None
    return (folder / f"whole{suffix}").read_bytes(), drained(form.read)


def drained(read: Callable[[Path], Iterator[xr.Dataset]]) -> Read:
    """A reader of blocks, read to its end."""
    return lambda path: [block.load() for block in read(path)]


def of(what: str, folder: Path) -> tuple[bytes, Read]:
    """Content of a harmless small file, and what reads it."""
    if what in (".cif", ".vasp", ".extxyz", ".json", ".jsonl", ".csv"):
        return crystals(folder, what)
    if what in ("PNG", "JPEG", "WEBP", "TIFF"):
        from surrogates.io.pictures import read_picture

        return saved_picture(what, 3), read_picture
    if what in ("grey.png", "grey of a folder"):
        from surrogates.io.grey_png import read_grey_image
        from surrogates.io.image_folders import read_grey

        return saved_picture("PNG"), read_grey_image if what == "grey.png" else read_grey
    path = folder / "whole.nii"
    if what in ("nifti samples", "nifti field"):
        from surrogates.io.nifti import nifti_format

        nifti = nifti_format("ct", units="HU", spacing=(3.0, 2.0, 1.5))
        nifti.write([image(3)], path)
        assert nifti.read is not None and nifti.read_field is not None
        return path.read_bytes(), drained(nifti.read) if what == "nifti samples" else nifti.read_field
    if what == "dicom":
        from surrogates.io.dicom import dicom_format, read_dicom_field

        dicom_format("ct", modality="CT", spacing=(3.0, 2.0, 1.5)).write([image(1)], path)
        return path.read_bytes(), read_dicom_field
    if what == "gadget":
        from test_gadget import boxes

        from surrogates.io import GADGET

        GADGET.write([boxes(1)], path)
        assert GADGET.read is not None
        return path.read_bytes(), drained(GADGET.read)
    if what == "cf":
        from surrogates.io.cf_fields import CF_FIELDS

        CF_FIELDS.write([daily_fields()], path)
        assert CF_FIELDS.read is not None
        return path.read_bytes(), drained(CF_FIELDS.read)
    from surrogates.io.fields import read_fits_image, read_hdf5_fields, read_numpy

    if what == "numpy field":
        np.save(folder / "whole.npy", np.arange(64.0).reshape(8, 8))
        return (folder / "whole.npy").read_bytes(), read_numpy
    if what == "hdf5 field":
        daily_fields()[["tas"]].to_netcdf(path, engine="h5netcdf")
        return path.read_bytes(), read_hdf5_fields
    from astropy.io import fits

    fits.PrimaryHDU(np.arange(64.0).reshape(8, 8)).writeto(path)
    return path.read_bytes(), read_fits_image


NEEDS = {
    "nibabel": ("nifti samples", "nifti field"),
    "pydicom": ("dicom",),
    "PIL": ("PNG", "JPEG", "WEBP", "TIFF", "grey.png", "grey of a folder"),
    "pymatgen": (".cif", ".vasp", ".extxyz", ".json", ".jsonl", ".csv"),
    "astropy": ("fits field",),
    "h5py": ("gadget", "cf", "hdf5 field", "numpy field"),
}
LIBRARY = {what: library for library, several in NEEDS.items() for what in several}
TIMES = int(os.environ.get("SURROGATES_MUTANTS", "1"))
MUTANTS = {what: TIMES * (60 if library == "pymatgen" else 200) for what, library in LIBRARY.items()}
LONG = {"cf": 30, "hdf5 field": 60}
"""Readers of a tenth of a second a file, and as many mutants as the quick suite gives them; the whole one gives all."""
CASES = [pytest.param(what, LONG.get(what, number), id=what) for what, number in MUTANTS.items()]
CASES += [pytest.param(what, MUTANTS[what], id=f"{what} long", marks=pytest.mark.slow) for what in LONG]


def read_mutants(folder: Path, what: str, number: int, seed: int, results) -> None:
    """Read `number` mutants; report how many were read and how many refused, or what went wrong."""
    warnings.simplefilter("ignore")
    whole, read = of(what, folder)
    suffix = what if what.startswith(".") else ".nii" if what.startswith("nifti") else ".png"
    content, chance, path = unsealed(whole), random.Random(seed), folder / f"mutant{suffix}"
    opened = refused = 0
    for i in range(number):
        path.write_bytes(mutant(content, chance))
        try:
            read(path)
            opened += 1
        except (FileFormatError, FormatError) as error:
            if str(path) not in str(error) or "\n" in str(error):
                results.put(f"mutant {i}: {error!r}")
                return
            refused += 1
        except BaseException as error:
            results.put(f"mutant {i}: {error!r}")
            return
    results.put((opened, refused))


@pytest.mark.parametrize(("what", "number"), CASES)
def test_mutants_open_or_are_refused_in_one_line(what, number, tmp_path):
    """In a process of its own, so that a crash or a hang of a library counts as a failure too."""
    pytest.importorskip(LIBRARY[what])
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=read_mutants, args=(tmp_path, what, number, 20261129, results))
    process.start()
    process.join(120 * TIMES)
    hung = process.is_alive()
    process.kill()
    assert not hung
    outcome = results.get() if not results.empty() else f"the process ended with {process.exitcode}"
    assert not isinstance(outcome, str), outcome
    print(what, *outcome)
    assert sum(outcome) == number and outcome[1] > 0


@pytest.mark.parametrize("what", ["nifti samples", "gadget", "cf", ".cif"])
def test_one_flipped_bit_anywhere_is_refused(what, tmp_path):
    """Header, attribute or value: the digest at the end is over every byte."""
    pytest.importorskip(LIBRARY[what])
    content, read = of(what, tmp_path)
    path, chance = tmp_path / ("a.nii" if what.startswith("nifti") else f"a{what}"), random.Random(7)
    path.write_bytes(content)
    read(path)
    assert carries_digest(path)
    end = content.rindex(b"surrogates sealed by sha256")
    for _ in range(60):
        changed = bytearray(content)
        changed[chance.randrange(end - 8)] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(FileFormatError, match="altered or damaged") as caught:
            read(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
