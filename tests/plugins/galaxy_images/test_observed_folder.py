"""A folder of observed cutouts, written by astropy and Pillow, is read; what is wrong in it is said."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

pytest.importorskip("galsim")
fits = pytest.importorskip("astropy.io.fits")
Image = pytest.importorskip("PIL.Image")

from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.physics.galaxies.polar_gaussians import psf_spectrum  # noqa: E402
from surrogates.physics.galaxies.profile_fitting import profile_images  # noqa: E402
from surrogates.plugins.galaxy_images.cutout_images import (  # noqa: E402
    galaxy_zoo_class,
    psf_image,
    read_cutout,
    read_psf,
)
from surrogates.plugins.galaxy_images.observed_folder import Reading, read_observed  # noqa: E402

FWHM = 3.0  # pixels


def galaxy(
    size: int, radius: float, ellipticity: float, seed: int, sky: float = 0.0, noise: float = 1e-4
) -> np.ndarray:
    """A cube in g, r, i: an exponential disc of 1, 2 and 3 units of flux behind a Moffat PSF, with noise."""
    numbers = torch.tensor([[0.2, -0.1, np.log(radius), ellipticity, 0.0, 0.0]], dtype=torch.float32)
    psf = torch.tensor(psf_image("moffat", FWHM), dtype=torch.float32)[None, None]
    light = profile_images(numbers, psf_spectrum(psf, size + 16), size + 16, size)[0, 0].numpy()
    pixels = np.random.default_rng(seed).standard_normal((3, size, size))
    return np.array([1.0, 2.0, 3.0])[:, None, None] * light + noise * pixels + sky


def header(scale: float):
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-scale / 3600, scale / 3600]
    return wcs.to_header()


def table(folder, rows, name="objects.csv", columns=("target", "kind")):
    with open(folder / name, "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


OWN = Reading(identity="target", morphology="kind", psf_fwhm="0.6", zero_point=25.0)


@pytest.fixture
def folder(tmp_path):
    """Eight rows: cubes, extensions, one band, other sizes and scales, a damaged file, a row and a file too many."""
    stamps = tmp_path / "stamps"
    stamps.mkdir()
    for row, (size, scale) in enumerate([(48, 0.2), (64, 0.2), (40, 0.2), (48, 0.25)]):
        data = galaxy(size, 4.0, 0.2 * (row % 3), row, sky=-0.01 if row == 1 else 0.0)
        fits.PrimaryHDU(data, header(scale)).writeto(stamps / f"a{row}.fits")
    planes = galaxy(48, 3.0, 0.1, 9)
    named = [fits.ImageHDU(planes[k], header(0.2), name=band) for k, band in ((2, "I"), (0, "G"), (1, "R"))]
    fits.HDUList([fits.PrimaryHDU(), *named]).writeto(stamps / "a4.fits")
    fits.PrimaryHDU(planes[1], header(0.2)).writeto(stamps / "a5.fits")
    (stamps / "a6.fits").write_bytes((stamps / "a0.fits").read_bytes()[:5000])
    fits.PrimaryHDU(planes, header(0.2)).writeto(stamps / "stray.fits")
    kinds = ["spiral", "elliptical", "edge-on", "merger", "spiral", "elliptical", "spiral", "spiral", "blob"]
    table(tmp_path, [(f"a{row}" if row != 8 else "a3", kind) for row, kind in enumerate(kinds)])
    return tmp_path


def test_fits_cutouts_are_fitted_behind_their_psf(folder):
    data, report = read_observed(folder, OWN)
    assert data.sizes["sample"] == report.used == 6
    assert data["cutout_image"].shape == (6, 3, 48, 48)
    np.testing.assert_allclose(data["half_light_radius"].values[:3], 0.8, rtol=0.06)
    np.testing.assert_allclose(
        data["half_light_radius"].values[3], 1.0, rtol=0.25
    )  # 0.25 arcsec, its PSF assumed wider
    np.testing.assert_allclose(data["ellipticity"].values[:3], [0.0, 0.2, 0.4], atol=0.05)
    flux = 10.0 ** (-0.4 * (data["magnitude_r"].values - 25.0))
    np.testing.assert_allclose(flux[:3], 2.0, rtol=0.04)
    colour = data["magnitude_g"].values - data["magnitude_i"].values
    np.testing.assert_allclose(colour[:5], 2.5 * np.log10(3.0), atol=0.05)
    assert abs(colour[5]) < 1e-3
    np.testing.assert_allclose(data["cutout_image"].values[:3].sum((2, 3)), 1.0, atol=0.1)


def test_what_is_wrong_in_a_folder_is_named_and_counted(folder):
    text = "\n".join(read_observed(folder, OWN)[1].lines())
    for said in (
        "1 files without a catalogue row: stray.fits",
        "1 catalogue rows without a file: a7",
        "1 galaxies of no class: a3",
        "1 files that cannot be used: a6.fits (",
        "3 sizes (4 of 48 x 48",
        "pixel scales from 0.2 to 0.25 arcsec: each drawn at its own",
        "1 cutouts with a negative sky",
        "1 cutouts of one band",
        "noise not given: measured on each cutout's border",
        "few cutouts of ",
    ):
        assert said in text, text
    assert "PSF not given" not in text


def test_a_missing_psf_is_assumed_and_said_and_one_beside_the_catalogue_is_taken(folder):
    bare = Reading(identity="target", morphology="kind", zero_point=25.0)
    data, report = read_observed(folder, bare)
    assert any(
        line == "PSF not given: moffat of 3 pixels FWHM assumed; name it by --set psf_fwhm=, or psf.fits"
        for line in report.lines()
    )
    np.testing.assert_allclose(data["half_light_radius"].values[:3], 0.8, rtol=0.06)
    fits.PrimaryHDU(psf_image("gaussian", 1.0)).writeto(folder / "psf.fits")
    sharp, report = read_observed(folder, bare)
    assert not any("PSF" in line for line in report.lines())
    assert (sharp["half_light_radius"].values[:3] > 1.05 * data["half_light_radius"].values[:3]).all()
    fits.PrimaryHDU(np.zeros((40, 40))).writeto(folder / "psf.fits", overwrite=True)
    with pytest.raises(SchemaError, match=r"^psf.fits: a PSF of 40 x 40 pixels; expected a square, odd on a side"):
        read_observed(folder, bare)


def test_one_class_alone_is_said(folder):
    table(folder, [("a0", "spiral"), ("a4", "spiral")])
    assert any("one class alone, spiral" in line for line in read_observed(folder, OWN)[1].lines())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"identity": "nmae"}, r"^identity: objects.csv has no column 'nmae'; expected one of target, kind"),
        ({"identity": ""}, "^identity: objects.csv has none of the columns dr7objid"),
        ({"morphology": ""}, "^morphology: objects.csv has neither a column of classes"),
        ({"noise": "rms"}, "^noise: objects.csv has no column 'rms'"),
        ({"noise": "rms_{x}"}, "^noise: objects.csv has no column 'rms_{x}'"),
        ({"psf_fwhm": "0.7/0.8"}, "^psf_fwhm: 0.7/0.8; expected one value, or 3 apart by /"),
    ],
)
def test_columns_that_are_not_there_are_named(folder, changed, said):
    from dataclasses import replace

    with pytest.raises(SchemaError, match=said):
        read_observed(folder, replace(OWN, **changed))


def test_a_folder_without_anything_to_use_says_why(tmp_path):
    with pytest.raises(SchemaError, match="has no catalogue; expected a folder with a catalogue"):
        read_observed(tmp_path, OWN)
    table(tmp_path, [("a0", "spiral")])
    with pytest.raises(SchemaError, match="nothing to use .*1 catalogue rows without a file: a0"):
        read_observed(tmp_path, OWN)


def test_galaxy_zoo_2_is_read_as_it_is_published(tmp_path):
    """gz2_hart16.csv beside the mapping of objid to asset_id, pictures of 424 pixels of a fiftieth of R90."""
    columns = ("dr7objid", "ra", "dec", "gz2_class", "total_votes", "petror90_r")
    classes = ["Sc?t", "Er", "Ser", "Ei(m)", "A"]
    table(
        tmp_path, [(1000 + k, 160.0, 1.0, kind, 40, 8.0) for k, kind in enumerate(classes)], "gz2_hart16.csv", columns
    )
    rows = [(1000 + k, "original", 7 + k) for k in range(len(classes))]
    table(tmp_path, rows, "gz2_filename_mapping.csv", ("objid", "sample", "asset_id"))
    (tmp_path / "images").mkdir()
    for k in range(len(classes)):
        cube = galaxy(424, 40.0, 0.3, k, noise=1e-6)
        picture = np.clip(8 + 200 * cube / cube.max(), 0, 255)[::-1].transpose(1, 2, 0)[::-1]
        Image.fromarray(picture.round().astype(np.uint8)).save(tmp_path / "images" / f"{7 + k}.jpg", quality=98)
    data, report = read_observed(tmp_path, Reading())
    assert [int(code) for code in data["morphology"].values] == [0, 1, 3, 2]
    text = "\n".join(report.lines())
    assert "1 galaxies of no class: 11" in text
    assert "PSF not given: moffat of 1.3 arcsec FWHM assumed" in text
    assert "angles divided by " in text
    ratio = data.attrs["angles_divided_by"]
    scale = data["cutout_scale"].values * ratio
    np.testing.assert_allclose(scale, 0.02 * 8.0 * 8, rtol=1e-5)  # blocks of 8 pixels
    radius = data["half_light_radius"].values * ratio
    assert (radius > 0.6 * 40 * 0.16).all() and (radius < 1.2 * 40 * 0.16).all()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Ei", "elliptical"),
        ("SBc2m", "spiral"),
        ("Ser", "edge_on"),
        ("Sb?t(m)", "merger"),
        ("Sc(d)", "spiral"),
        ("Sc+t", "spiral"),
        ("A", ""),
        ("Star", ""),
        ("Smooth", ""),
        ("Edge-on disk", ""),
    ],
)
def test_strings_of_galaxy_zoo_2(text, kind):
    assert galaxy_zoo_class(text) == kind


def test_what_is_said_of_a_pictures_pixels_holds_for_the_blocks_that_are_summed(tmp_path):
    for row in range(2):
        cube = galaxy(96, 8.0, 0.2, row, noise=1e-6)
        picture = np.clip(8 + 200 * cube / cube.max(), 0, 255)[::-1].transpose(1, 2, 0)[::-1]
        Image.fromarray(picture.round().astype(np.uint8)).save(tmp_path / f"a{row}.png")
    table(tmp_path, [("a0", "spiral"), ("a1", "spiral")])
    fits.PrimaryHDU(psf_image("moffat", FWHM)).writeto(tmp_path / "psf.fits")
    asked = Reading(identity="target", morphology="kind", pixel_scale="0.1", noise="1.5", zero_point=31.0)
    data, _ = read_observed(tmp_path, asked)
    np.testing.assert_allclose(data["cutout_scale"].values, 0.2)
    np.testing.assert_allclose(data["half_light_radius"].values, 0.8, rtol=0.06)
    flux = 10.0 ** (-0.4 * (data["magnitude_r"].values - 31.0))
    np.testing.assert_allclose(data["cutout_noise"].values[:, 1] * flux, 2**0.5 * 2 * 1.5, rtol=1e-4)
    coarse, fine = read_psf(tmp_path / "psf.fits", "gri", 2)[0], psf_image("moffat", FWHM)
    assert coarse.sum() == pytest.approx(1.0)
    assert coarse[20, 20] == pytest.approx(fine[20, 20] + 2 * fine[19, 20] + fine[19, 19], rel=1e-6)


def test_a_cutout_with_bad_pixels_keeps_the_others(tmp_path):
    cube = galaxy(48, 4.0, 0.0, 1)
    cube[:, 5, 7], cube[0, 40, 3] = np.nan, np.inf
    fits.PrimaryHDU(cube).writeto(tmp_path / "a.fits")
    cutout = read_cutout(tmp_path / "a.fits", ("g", "r", "i"), 48)
    assert (~cutout.known).sum() == 2 and not cutout.known[5, 7] and np.isfinite(cutout.image).all()
    np.testing.assert_allclose(cutout.noise, 1e-4, rtol=0.25)
    fits.PrimaryHDU(cube[:2]).writeto(tmp_path / "two.fits")
    with pytest.raises(ValueError, match="2 planes; expected 3: bands=g,r,i"):
        read_cutout(tmp_path / "two.fits", ("g", "r", "i"), 48)
    fits.PrimaryHDU(np.full((3, 48, 48), np.nan)).writeto(tmp_path / "nan.fits")
    with pytest.raises(ValueError, match="0 of 2304 pixels are finite"):
        read_cutout(tmp_path / "nan.fits", ("g", "r", "i"), 48)
