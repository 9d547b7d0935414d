"""A folder in the layout of Galaxy Zoo 2 becomes stamps and conditions, and says what it left out."""

from __future__ import annotations

import csv
import time

import numpy as np
import pytest
import xarray as xr

pytest.importorskip("galsim")
pytest.importorskip("photutils")
Image = pytest.importorskip("PIL.Image")

from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.counting import Counter  # noqa: E402
from surrogates.plugins.galaxy_images import cutouts  # noqa: E402
from surrogates.plugins.galaxy_images.cutouts import read_picture, to_stamp  # noqa: E402
from surrogates.plugins.galaxy_images.galaxy_zoo import VOTES, classify, read_folder  # noqa: E402
from surrogates.plugins.galaxy_images.variables import CONDITIONS, MORPHOLOGIES  # noqa: E402

MERGER, EDGE_ON, SMOOTH, FEATURES = (question + "_debiased" for _, question, _ in VOTES)
ROWS = [
    ("1001", {SMOOTH: 0.9, FEATURES: 0.1}, "0.05"),
    ("1002", {SMOOTH: 0.2, FEATURES: 0.8}, "0.11"),
    ("1003", {SMOOTH: 0.3, FEATURES: 0.7, EDGE_ON: 0.9}, ""),
    ("1004", {SMOOTH: 0.7, MERGER: 0.5, EDGE_ON: 0.6}, "-1"),
    ("1005", {SMOOTH: 0.5, FEATURES: 0.45}, "0.07"),
    ("1006", {SMOOTH: 0.9}, "0.08"),
    ("1007", {SMOOTH: 0.8}, "0.09"),
]


def galaxy(size: int, ratio: float, angle: float) -> np.ndarray:
    """A red exponential disc of a third of the picture's half side, row 0 at the bottom."""
    y, x = np.indices((size, size)) - (size - 1) / 2
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    radius = np.hypot(c * x + s * y, (-s * x + c * y) / ratio)
    light = 200 * np.exp(-radius / (size / 20))
    return np.stack([light, 0.7 * light, 0.4 * light], axis=-1) + 8


@pytest.fixture
def folder(tmp_path):
    """Seven rows and seven pictures: one picture damaged, one row without a picture, one picture without a row."""
    pictures = tmp_path / "images"
    pictures.mkdir()
    with open(tmp_path / "gz2_hart16.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["dr7objid", "ra", MERGER, EDGE_ON, SMOOTH, FEATURES, "redshift", "petroMag_r"])
        for identity, votes, redshift in ROWS:
            fractions = [votes.get(name, 0.0) for name in (MERGER, EDGE_ON, SMOOTH, FEATURES)]
            writer.writerow([identity, "160.0", *fractions, redshift, "17.5"])
    with open(tmp_path / "gz2_filename_mapping.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["objid", "sample", "asset_id"])
        writer.writerows([identity, "original", str(int(identity) - 1000)] for identity, _, _ in ROWS)
    for asset, (ratio, angle) in enumerate([(0.9, 0), (0.6, 30), (0.3, 120), (0.7, 60), (0.8, 10)], start=1):
        picture = galaxy(128, ratio, angle)[::-1].round().astype(np.uint8)
        Image.fromarray(picture).save(pictures / f"{asset}.{'png' if asset < 3 else 'jpg'}", quality=95)
    (pictures / "6.jpg").write_bytes((pictures / "3.jpg").read_bytes()[:300])
    Image.fromarray(galaxy(80, 0.5, 0).astype(np.uint8)).save(pictures / "99.png")
    return tmp_path


def test_votes_decide_in_order_of_priority():
    kinds = ("merger", "edge_on", "elliptical", "spiral")
    votes = np.array([[0.41, 0.9, 0.9, 0.9], [0.4, 0.51, 0.9, 0.9], [0, 0.5, 0.61, 0.9], [0, 0, 0.6, 0.51], [0] * 4]).T
    codes = classify(dict(zip(kinds, votes, strict=True)))
    assert [MORPHOLOGIES[code] if code >= 0 else "" for code in codes] == [*kinds, ""]


def test_a_folder_becomes_stamps_and_names_what_it_left_out(folder):
    data, report = read_folder(folder, seed=1)
    assert [MORPHOLOGIES[code] for code in data["morphology"].values] == ["elliptical", "spiral", "edge_on", "merger"]
    assert data["image"].shape == (4, 3, 64, 64)
    assert report.used == 4
    assert [name for name, _ in report.unreadable] == ["6.jpg"]
    assert report.without_image == ("1007",)
    assert report.without_row == ("99.png",)
    assert report.unclassified == ("1005",)
    text = "\n".join(report.lines())
    assert "1 unreadable images, skipped: 6.jpg (" in text
    assert "1 catalogue rows without an image: 1007" in text
    assert "1 images without a catalogue row: 99.png" in text


def test_conditions_are_the_catalogues_the_stamps_or_the_priors(folder):
    data, _ = read_folder(folder, seed=1)
    np.testing.assert_allclose(data["redshift"].values[:2], [0.05, 0.11])
    assert {"redshift", "bulge_fraction"} <= set(data.attrs["filled"].split())
    np.testing.assert_allclose(data["magnitude_r"].values, 17.5)
    flux = data["image"].values.sum(axis=(2, 3), dtype=np.float64)
    np.testing.assert_allclose(flux[:, 1], 10 ** (-0.4 * (17.5 - 31.4)), rtol=1e-3)
    np.testing.assert_allclose(data["magnitude_i"].values, 31.4 - 2.5 * np.log10(flux[:, 2]), rtol=1e-4)
    assert np.all(data["magnitude_g"].values > data["magnitude_r"].values)
    red = galaxy(128, 0.9, 0).round()[..., ::-1].sum((0, 1)) - 8 * 128**2  # g, r, i of the first picture
    seen = data["magnitude_g"].values[0] - data["magnitude_r"].values[0]
    assert seen == pytest.approx(-2.5 * np.log10(red[0] / red[1]), abs=0.05)
    assert data["position_angle"].values[1:4] == pytest.approx([30, 120, 60], abs=3)
    for variable in CONDITIONS:
        if variable.bounds is not None:
            variable.check(data[variable.name].values)


def test_images_have_the_magnitudes_that_are_stated_also_beyond_the_range_and_for_sentinels():
    images = np.random.default_rng(0).random((4, 3, 64, 64)) * np.array([1.0, 2.0, 3.0])[:, None, None]
    table = {"petromag_r": np.array(["15.0", "-99", "20.0", "nan"]), "mag_i": np.array(["14.5", "19.0", "99", "-9999"])}
    magnitudes, calibrated = cutouts._calibrated(images, table)
    low, high = CONDITIONS["magnitude_r"].bounds
    assert (magnitudes >= low).all() and (magnitudes <= high).all()
    flux = calibrated.sum(axis=(2, 3))
    np.testing.assert_allclose(31.4 - 2.5 * np.log10(flux), magnitudes, atol=1e-9)
    np.testing.assert_allclose(magnitudes[:, 1], [17.5, 19.0 + 2.5 * np.log10(1.5), 20.0, 21.0], atol=0.05)
    np.testing.assert_allclose(magnitudes[:, 0] - magnitudes[:, 1], 2.5 * np.log10(2.0), atol=0.05)


def test_a_picture_without_light_is_left_out(tmp_path):
    Image.fromarray(np.full((128, 128, 3), 9, np.uint8)).save(tmp_path / "dark.png")
    found = cutouts.part([tmp_path / "dark.png"], {}, None, Counter("cutouts read", 1))
    assert not found["readable"].any() and len(found["image"]) == 0
    assert found["reasons"].tolist() == ["no light above its border in one of the bands"]


def test_fits_cutouts_keep_their_values(tmp_path):
    from astropy.io import fits

    image = np.random.default_rng(0).random((3, 128, 96))
    fits.PrimaryHDU(image).writeto(tmp_path / "a.fits")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.fits"), image)
    stamp = to_stamp(image)
    square = image[:, 16:112]
    assert stamp.shape == (3, 64, 64)
    np.testing.assert_allclose(np.diff(stamp.mean(axis=(1, 2))), np.diff(square.mean(axis=(1, 2))), atol=0.05)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("column", "gz2_hart16.csv: missing columns t08_odd_feature_a24_merger_debiased"),
        ("catalogue", "has no catalogue"),
        ("pictures", "has no pictures"),
        ("ragged", "line 3 has 2 cells, the header 8"),
        ("latin", "gz2_hart16.csv: does not read as a table .*expected CSV in UTF-8"),
    ],
)
def test_an_incomplete_folder_is_refused(folder, broken, message):
    catalogue = folder / "gz2_hart16.csv"
    if broken == "column":
        catalogue.write_text(catalogue.read_text().replace(MERGER, "t08_merger"))
    elif broken == "catalogue":
        catalogue.unlink()
    elif broken == "ragged":
        lines = catalogue.read_text().splitlines()
        catalogue.write_text("\n".join([*lines[:2], "1002,160"]))
    elif broken == "latin":
        catalogue.write_bytes(catalogue.read_bytes() + "é".encode("latin-1"))
    else:
        for path in (folder / "images").iterdir():
            path.unlink()
    with pytest.raises(SchemaError, match=message):
        read_folder(folder)


def test_stamps_are_kept_and_read_again_until_a_picture_changes(folder, tmp_path_factory, monkeypatch):
    kept = tmp_path_factory.mktemp("kept")
    calls = []
    monkeypatch.setattr(cutouts, "read_picture", lambda path: calls.append(path.name) or read_picture(path))
    first, report = read_folder(folder, seed=1, kept=kept)
    assert len(calls) == 5
    again, same = read_folder(folder, seed=1, kept=kept)
    assert len(calls) == 5 and same == report
    xr.testing.assert_identical(first, again)
    Image.fromarray(galaxy(128, 0.2, 45)[::-1].round().astype(np.uint8)).save(folder / "images" / "1.png")
    changed, _ = read_folder(folder, seed=1, kept=kept)
    assert len(calls) == 10
    assert changed["ellipticity"].values[0] > first["ellipticity"].values[0] + 0.2


def test_a_picture_of_424_pixels_is_averaged_in_milliseconds_and_as_the_sum_says():
    image = np.random.default_rng(1).random((3, 424, 424))
    weights = cutouts._averaging(424)
    start = time.process_time()
    for _ in range(10):
        stamp = to_stamp(image)
    assert (time.process_time() - start) / 10 < 0.1  # 5 s where the sum over both axes runs unfactored
    row = np.einsum("bij,i,j->b", image, weights[7], weights[50])
    corner = np.einsum("bij,i,j->b", image, weights[0], weights[0])
    np.testing.assert_allclose(stamp[:, 7, 50] - stamp[:, 0, 0], row - corner, atol=1e-12)


def test_reading_says_at_once_how_much_there_is(folder, capsys):
    read_folder(folder)
    assert capsys.readouterr().err.startswith("cutouts read: 0 of 5")
