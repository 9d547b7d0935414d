"""Images of mock surveys: light in the right place, of the right amount and shape, and noise of the stated depth."""

import numpy as np
import pytest

from surrogates.cli.entry import run
from surrogates.io import OutputError
from surrogates.survey import Survey, SurveyError, catalogues, images
from surrogates.survey.galaxies import columns
from surrogates.survey.stamps import stamps, zooms

SURVEY = Survey(area=0.0004, depth=24.0, bands="gi", seed=3, max_redshift=0.35)


def some(sizes: list[float], magnitude: float = 20.0, angle: float = 45.0, ratio: float = 0.6) -> dict[str, np.ndarray]:
    n = len(sizes)
    galaxies = {name: np.zeros(n, kind) for name, (kind, _, _) in columns("gi").items()}
    galaxies["galaxy_id"] = np.arange(n)
    galaxies["size_true"] = np.array(sizes)
    galaxies["size_minor_true"] = ratio * np.array(sizes)
    galaxies["ellipticity_true"] = np.full(n, (1 - ratio) / (1 + ratio))
    galaxies["position_angle_true"] = np.full(n, angle)
    galaxies["angle"] = np.full(n, angle + 90.0)
    galaxies["morphology"] = np.ones(n, np.int8)
    galaxies["redshift_true"] = np.full(n, 0.4)
    galaxies["mag_true_g_lsst"] = np.full(n, magnitude + 1)
    galaxies["mag_true_i_lsst"] = np.full(n, magnitude)
    return galaxies


@pytest.mark.parametrize("size", [0.1, 0.25, 0.6, 3.0])
def test_a_galaxy_has_its_flux_place_and_angle(size):
    tile = images.tiles(SURVEY, 128)[0]
    x, y = np.array([60.3]), np.array([66.8])
    strips = list(images.draw(SURVEY, tile, some([size]), x, y, noise=False))
    image = np.concatenate(strips, axis=1)
    flux = 10 ** (-0.4 * (np.array([21.0, 20.0]) - 31.4))
    assert image.sum((1, 2)) / flux == pytest.approx(1.0, abs=0.06 if size > 1 else 0.01)
    rows, column = np.mgrid[:128, :128]
    weight = image[1] * np.exp(-((column - 60.3) ** 2 + (rows - 66.8) ** 2) / 2 / 6.0**2)
    assert (weight * column).sum() / weight.sum() == pytest.approx(60.3, abs=0.05)
    assert (weight * rows).sum() / weight.sum() == pytest.approx(66.8, abs=0.05)
    dx, dy = column - 60.3, rows - 66.8
    angle = 0.5 * np.degrees(np.arctan2(2 * (weight * dx * dy).sum(), (weight * (dx**2 - dy**2)).sum())) % 180
    assert angle == pytest.approx(135.0, abs=3.0)  # north-east is up and to the left
    assert image.min() > -1e-4 * image.max()


def test_sizes_join_where_the_zoom_changes():
    """Between two zooms the same galaxy looks the same."""
    for size in (0.125, 0.25):
        radius = size / np.sqrt(0.6)
        pictures = []
        for factor in (0.999, 1.001):
            canvas = np.zeros((96, 96))
            for image, column, row in stamps(some([radius * factor]), np.array([48.2]), np.array([47.9]), "gi", 1):
                canvas[row : row + image.shape[1], column : column + image.shape[2]] += image[1]
            pictures.append(canvas)
        assert np.abs(pictures[0] - pictures[1]).max() < 0.03 * pictures[0].max()


def test_zooms_serve_every_size():
    radius, ratio = np.meshgrid(np.geomspace(0.07, 3.0, 60), np.linspace(0.15, 1, 20))
    zoom = zooms(radius.ravel(), ratio.ravel())
    drawn = radius.ravel() / 2.0**zoom
    assert (drawn >= 0.25 - 1e-9).all()
    assert (drawn <= 1.40 + 1e-9).all()
    assert (drawn / np.sqrt(ratio.ravel()) <= 2.1 + 1e-9).all()


def test_the_noise_is_that_of_the_depth():
    tile = images.tiles(SURVEY, 128)[0]
    image = np.concatenate(list(images.draw(SURVEY, tile, some([]), np.empty(0), np.empty(0))), axis=1)[1]
    rms = images.pixel_noise(SURVEY, "i")
    assert image.std() == pytest.approx(rms, rel=0.03)
    psf = images.point_spread(images.FWHM["i"], 65)
    flux = 10 ** (-0.4 * (SURVEY.depth_of("i") - 31.4))
    assert flux / (rms / np.sqrt((psf**2).sum())) == pytest.approx(5.0, rel=1e-6)
    assert psf.sum() == pytest.approx(1.0, abs=1e-3)


def test_a_tile_holds_what_stands_in_the_sky(tmp_path):
    from astropy.io import fits
    from astropy.wcs import WCS

    assert catalogues.write(SURVEY, tmp_path) > 0
    tile = images.tiles(SURVEY, 448)[0]
    first = images.write(SURVEY, tmp_path, [tile])[0]
    with fits.open(first, checksum=False) as file:
        file.verify("exception")
        assert [hdu.name for hdu in file] == ["PRIMARY", "IMAGE_G", "IMAGE_I", "TRUTH", "PSF"]
        truth, wcs = file["TRUTH"].data, WCS(file["IMAGE_I"].header)
        x, y = wcs.all_world2pix(truth["ra"], truth["dec"], 1)
        assert np.abs(x - truth["x"]).max() < 1e-6 and np.abs(y - truth["y"]).max() < 1e-6
        bright = truth["mag_true_i_lsst"] < 22.5
        assert bright.any()
        image = file["IMAGE_I"].data
        at = image[np.round(truth["y"][bright]).astype(int) - 1, np.round(truth["x"][bright]).astype(int) - 1]
        assert np.median(at) > 5 * file["IMAGE_I"].header["SKYRMS"]
    before = first.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        images.write(SURVEY, tmp_path, [tile])
    images.write(SURVEY, tmp_path, [tile], resume=True)
    images.write(SURVEY, tmp_path, [tile], overwrite=True)
    assert first.read_bytes() == before


def test_a_tile_is_the_same_however_many_strips_it_has():
    tile = images.tiles(SURVEY, 640)[0]
    galaxies = some([0.5, 0.7, 0.3])
    x, y = np.array([100.0, 300.2, 511.0]), np.array([505.0, 512.5, 530.0])  # about the border of two strips
    whole = np.concatenate(list(images.draw(SURVEY, tile, galaxies, x, y, noise=False)), axis=1)
    assert whole.shape == (2, 640, 640)
    flux = 3 * 10 ** (-0.4 * (20.0 - 31.4))
    assert whole[1].sum() == pytest.approx(flux, rel=0.01)
    border = whole[1][508:516, 296:305]
    assert np.abs(np.diff(border, axis=0)).max() < 0.35 * border.max()


@pytest.mark.parametrize("centre", [(150.0, 2.2), (0.0, 0.0), (30.0, 89.8), (200.0, -90.0)])
def test_tiles_cover_the_field(centre):
    survey = Survey(area=1.0, centre=centre)
    tiles = images.tiles(survey)
    assert len(tiles) == 25
    from surrogates.survey.sky import Field

    field = Field(1.0, survey.centre)
    longitude, latitude = field.half_side * (2 * np.random.default_rng(1).random((2, 2000)) - 1)
    vectors = np.stack((np.cos(longitude), np.sin(longitude), np.tan(latitude)), -1)
    held, within = np.zeros(2000, bool), 0
    for tile in tiles:
        x, y = tile.wcs.all_world2pix(*field.to_sky(vectors), 0)
        on = (np.abs(x - 2047.5) < 2049) & (np.abs(y - 2047.5) < 2049)
        held |= on
        within += on.sum()
    assert held.all()
    assert within == pytest.approx(2000 * 25 * (4096 * 0.2 / 3600) ** 2, rel=0.1)  # no tile lies beside the field


@pytest.mark.parametrize("centre", [(0.0, 0.0), (80.0, 89.95)])
def test_position_angles_run_from_north_through_east(centre):
    tile = images.tiles(Survey(area=0.01, centre=centre), 512)[0]
    x, y = np.array([30.0, 250.0, 480.0]), np.array([480.0, 100.0, 260.0])
    right_ascension, declination = tile.wcs.all_pix2world(x, y, 0)
    galaxies = {"ra": right_ascension, "dec": declination}
    north = np.radians(images._north(tile, galaxies, x, y))
    for turn, change in ((0.0, (0.0, 2e-4)), (90.0, (2e-4, 0.0))):  # a step along a galaxy of this position angle
        step = (right_ascension + change[0] / np.cos(np.radians(declination)), declination + change[1])
        ahead = np.array(tile.wcs.all_world2pix(*step, 0)) - (x, y)
        along = np.array([np.cos(north + np.radians(turn)), np.sin(north + np.radians(turn))])
        assert (ahead * along).sum(0) / np.linalg.norm(ahead, axis=0) == pytest.approx(np.ones(3), abs=1e-3)


def test_a_tile_that_is_asked_twice_is_one():
    from surrogates.cli.surveying import _chosen

    tiles = images.tiles(SURVEY, 128)
    assert _chosen(tiles, ((0, 1), (0, 0), (0, 1))) == [tiles[1], tiles[0]]


def test_bad_tiles_are_one_line(tmp_path, capsys):
    with pytest.raises(SurveyError, match="tile_pixels: 100; expected a multiple of 64"):
        images.tiles(SURVEY, 100)
    words = ["survey", "--area", "0.001", "--depth", "20", "--max-redshift", "0.03", "-o", str(tmp_path / "b")]
    assert run([*words, "--tile", "9,9"]) == 2
    assert "--tile: 9,9; expected rows 0 to 0 and columns 0 to 0 of this field" in capsys.readouterr().err
    assert run([*words, "--tile", "x"]) == 2
    assert "is not ROW,COLUMN" in capsys.readouterr().err
