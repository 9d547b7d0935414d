"""FITS stamps are read back by astropy: images with their WCS, and a table with units and the AB zero point."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from surrogates.io import FITS, FileFormatError, FormatError, concatenate
from surrogates.io.fits import read_fits, write_fits

CLASSES = ("spiral", "elliptical", "merger", "edge_on")


def stamps(n: int, first: int = 40, seed: int = 0) -> xr.Dataset:
    """Galaxy stamps in the layout of the galaxy-images plugin."""
    rng = np.random.default_rng(seed)
    flags = {"flag_values": np.arange(4, dtype=np.int8), "flag_meanings": " ".join(CLASSES)}
    variables = {
        "morphology": ("sample", rng.integers(-1, 4, n).astype(np.int8), {"units": "1", "long_name": "class", **flags}),
        "half_light_radius": ("sample", rng.uniform(0.3, 1.5, n), {"units": "arcsec", "long_name": "radius"}),
        "magnitude_r": ("sample", np.where(rng.random(n) < 0.2, np.nan, 21.0), {"units": "mag", "long_name": "AB"}),
        "pixel_scale": ("sample", rng.uniform(0.05, 0.4, n), {"units": "arcsec", "long_name": "side of a pixel"}),
        "psf_image": (
            ("sample", "psf_y", "psf_x"),
            rng.random((n, 5, 7)).astype(np.float32),
            {"units": "1", "long_name": "PSF"},
        ),
        "image": (
            ("sample", "band", "y", "x"),
            rng.normal(size=(n, 3, 16, 12)).astype(np.float32),
            {"units": "nJy", "long_name": "flux in a pixel"},
        ),
        "enclosed_flux_fraction": (("sample", "band"), rng.random((n, 3)), {"units": "1", "long_name": "enclosed"}),
    }
    identity = {"sample": ("sample", np.arange(first, first + n), {"units": "1", "long_name": "identity"})}
    return xr.Dataset(variables, identity, {"plugin": "galaxy-images", "seed": 3, "history": "drawn"})


def test_stamps_come_back_bit_for_bit(tmp_path):
    made, path = stamps(9), tmp_path / "stamps.fits"
    FITS.write([made.isel(sample=slice(0, 4)), made.isel(sample=slice(4, 9))], path)
    xr.testing.assert_identical(concatenate(read_fits(path, block_rows=2)), made)


def test_no_stamps_make_a_valid_file(tmp_path):
    empty = stamps(3).isel(sample=slice(0, 0))
    write_fits([empty], tmp_path / "none.fits")
    xr.testing.assert_identical(concatenate(read_fits(tmp_path / "none.fits")), empty)


def test_astropy_reads_images_table_units_and_zero_point(tmp_path):
    made, path = stamps(4), tmp_path / "stamps.fits"
    write_fits([made], path)
    with fits.open(path) as file:
        file.verify("exception")
        assert file[0].header["MAGZERO"] == 31.4
        np.testing.assert_array_equal(file["IMAGE", 3].data, made["image"].values[2])
        assert file["IMAGE", 3].header["BUNIT"] == "nJy"
    table = Table.read(path, hdu="CATALOG")
    assert str(table["half_light_radius"].unit) == "arcsec"
    np.testing.assert_array_equal(table["sample"], made["sample"])
    labels = [CLASSES[code] if code >= 0 else "" for code in made["morphology"].values]
    assert fits.getdata(path, "CATALOG")["morphology_label"].tolist() == labels


def test_each_stamp_has_its_own_wcs(tmp_path):
    made, path = stamps(3), tmp_path / "stamps.fits"
    placed = made.assign(
        right_ascension=("sample", np.array([10.0, 150.0, 210.0]), {"units": "deg", "long_name": "RA"}),
        declination=("sample", np.array([-5.0, 2.0, 54.0]), {"units": "deg", "long_name": "Dec"}),
    )
    write_fits([placed], path)
    with fits.open(path) as file:
        for row in range(3):
            wcs = WCS(file[1 + row].header).celestial
            centre = wcs.pixel_to_world((12 - 1) / 2, (16 - 1) / 2)
            assert centre.ra.deg == pytest.approx(placed["right_ascension"].values[row])
            above = wcs.pixel_to_world((12 - 1) / 2, (16 - 1) / 2 + 1)
            assert centre.separation(above).arcsec == pytest.approx(made["pixel_scale"].values[row], rel=1e-6)
            assert above.dec > centre.dec


def test_measured_values_become_columns(tmp_path):
    def measured(block: xr.Dataset) -> xr.Dataset:
        flux = block["image"].values[:, 1].sum(axis=(1, 2), dtype=np.float64)
        return block.assign(flux_r=("sample", flux, {"units": "nJy", "long_name": "sum of the stamp"}))

    made, path = stamps(5), tmp_path / "stamps.fits"
    write_fits([made.isel(sample=slice(0, 2)), made.isel(sample=slice(2, 5))], path, measure=measured)
    table = Table.read(path, hdu="CATALOG")
    np.testing.assert_allclose(table["flux_r"], made["image"].values[:, 1].sum(axis=(1, 2)), rtol=1e-4)
    assert str(table["flux_r"].unit) == "nJy"


def test_a_foreign_table_gives_its_columns(tmp_path):
    path = tmp_path / "catalogue.fits"
    Table({"morphology": ["spiral", "merger"], "redshift": [0.1, 0.2]}).write(path)
    found = concatenate(read_fits(path))
    assert found["morphology"].values.tolist() == ["spiral", "merger"]
    np.testing.assert_allclose(found["redshift"], [0.1, 0.2])
    with pytest.raises(FileFormatError, match="the table lacks half_light_radius; found morphology, redshift"):
        list(read_fits(path, columns=("redshift", "half_light_radius")))


def test_missing_columns_images_and_tables_are_named(tmp_path):
    path = tmp_path / "stamps.fits"
    write_fits([stamps(3)], path)
    with fits.open(path) as file:
        kept = [column for column in file["CATALOG"].columns if column.name != "half_light_radius"]
        table = fits.BinTableHDU.from_columns(fits.ColDefs(kept), name="CATALOG")
        fits.HDUList([*file[:-2], table, file[-1]]).writeto(tmp_path / "less.fits", checksum=True)
        fits.HDUList([*file[:2], *file[3:]]).writeto(tmp_path / "fewer.fits", checksum=True)
        fits.HDUList(file[:3]).writeto(tmp_path / "images.fits", checksum=True)
    for name, message in (
        ("less", "the table lacks half_light_radius"),
        ("fewer", "2 images for 3 rows"),
        ("images", "expected a binary table 'CATALOG'; found PRIMARY, IMAGE, IMAGE"),
    ):
        with pytest.raises(FileFormatError, match=message):
            list(read_fits(tmp_path / f"{name}.fits"))


def test_truncated_and_other_files_are_refused(tmp_path):
    path = tmp_path / "stamps.fits"
    write_fits([stamps(3)], path)
    content = path.read_bytes()
    (tmp_path / "cut.fits").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.fits").write_text("not a FITS file")
    for name in ("cut", "text", "absent"):
        with pytest.raises(FileFormatError, match=f"{name}.fits"):
            list(read_fits(tmp_path / f"{name}.fits"))


def test_a_dataset_without_images_is_refused(tmp_path):
    with pytest.raises(FormatError, match="image: no such variable"):
        write_fits([stamps(2).drop_vars("image")], tmp_path / "none.fits")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "int64"])
def test_astropy_finds_codes_as_integers_that_index_labels(tmp_path, kind):
    made = stamps(6)
    made["morphology"] = made["morphology"].astype(kind if kind != "uint8" else "int8").clip(0).astype(kind)
    write_fits([made], tmp_path / "a.fits")
    codes = Table.read(tmp_path / "a.fits", hdu="CATALOG")["morphology"]
    assert codes.dtype.kind in "iu"
    np.testing.assert_array_equal(np.array(CLASSES)[codes], np.array(CLASSES)[made["morphology"].values])
    assert concatenate(FITS.read(tmp_path / "a.fits"))["morphology"].dtype == kind
