"""Galaxy images are measured as published tools measure them, and fakes do not pass."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

galsim = pytest.importorskip("galsim")
pytest.importorskip("photutils")

from surrogates.contract.findings import Finding  # noqa: E402
from surrogates.io import FormatError  # noqa: E402
from surrogates.plugins.galaxy_images import measure as figures  # noqa: E402
from surrogates.plugins.galaxy_images.catalogue import GALAXY_FITS, MEASURED  # noqa: E402
from surrogates.plugins.galaxy_images.figure import picture_grid  # noqa: E402
from surrogates.plugins.galaxy_images.impostors import IMPOSTORS  # noqa: E402
from surrogates.plugins.galaxy_images.measure import QUANTITIES, measure, quantity, reduce  # noqa: E402
from surrogates.plugins.galaxy_images.photometry import photometry  # noqa: E402
from surrogates.plugins.galaxy_images.pictures import PNG  # noqa: E402
from surrogates.plugins.galaxy_images.prior import prior  # noqa: E402
from surrogates.plugins.galaxy_images.reference import GalaxyReference, truth  # noqa: E402
from surrogates.plugins.galaxy_images.statmorph_figures import statmorph_findings, statmorph_values  # noqa: E402
from surrogates.plugins.galaxy_images.structure import gini, structure  # noqa: E402
from surrogates.plugins.galaxy_images.targets import TARGETS  # noqa: E402
from surrogates.plugins.galaxy_images.variables import CONDITIONS, MORPHOLOGIES  # noqa: E402

SPIRAL, ELLIPTICAL, MERGER, _ = range(len(MORPHOLOGIES))
N = 150


@pytest.fixture(scope="module")
def galaxies() -> xr.Dataset:
    return truth(2 * N, 5)


@pytest.fixture(scope="module")
def halves(galaxies) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Galaxies to fake, and two reduced truths."""
    source, other = galaxies.isel(sample=slice(0, N)), galaxies.isel(sample=slice(N, None))
    return source, reduce(source), reduce(other)


def drawn(profile, scale: float = 0.1) -> np.ndarray:
    seen = galsim.Convolve(profile, galsim.Gaussian(fwhm=0.2))
    return seen.drawImage(nx=64, ny=64, scale=scale, method="no_pixel", dtype=float).array


@pytest.mark.slow
def test_structure_agrees_with_statmorph(galaxies):
    statmorph = pytest.importorskip("statmorph")
    chosen = [row for code in (SPIRAL, MERGER) for row in np.flatnonzero(galaxies["morphology"].values == code)[:4]]
    some = galaxies.isel(sample=chosen)
    _, segments = photometry(some)
    images = some["image"].values[:, 1].astype(np.float64)
    mine = structure(images, segments)
    tolerance = {"concentration": 0.08, "asymmetry": 0.06, "gini": 0.03, "m20": 0.08}
    for row, (image, segment) in enumerate(zip(images, segments, strict=True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = statmorph.SourceMorphology(image, segment.astype(int), 1, gain=1.0)
            values = {name: getattr(theirs, name) for name in tolerance}
            sky = max(theirs._sky_asymmetry, 0.0)
        if theirs.flag == 4 or theirs.rpetro_circ > 30 or sky > 0:
            values.pop("asymmetry")  # the galaxy fills its stamp: statmorph takes its outskirts for the sky
        for name, value in values.items():
            assert mine[name][row] == pytest.approx(value, abs=tolerance[name]), (row, name)


def test_a_point_symmetric_galaxy_has_no_asymmetry_and_two_have():
    single = drawn(galsim.Sersic(2.0, half_light_radius=0.6, flux=1e4).shear(g=0.3, beta=40 * galsim.degrees))
    pair = single + drawn(galsim.Sersic(2.0, half_light_radius=0.5, flux=6e3).shift(1.0, 0.4))
    images = np.stack([single, pair])
    found = structure(images, images > 0.5)
    assert found["asymmetry"][0] < 1e-6
    assert found["asymmetry"][1] > 0.2
    assert found["m20"][1] > found["m20"][0] + 0.3


def test_gini_of_equal_and_of_single_pixels():
    assert gini(np.ones(50)) == pytest.approx(0.0, abs=1e-12)
    assert gini(np.eye(1, 50).ravel()) == pytest.approx(1.0)


def test_measured_shape_follows_what_was_asked(galaxies):
    reduced = reduce(galaxies.isel(sample=np.flatnonzero(galaxies["morphology"].values == ELLIPTICAL)[:25]))
    shape, asked = quantity(reduced, "ellipticity"), reduced["asked"].values[:, 4]
    assert np.corrcoef(shape, asked)[0, 1] > 0.95
    assert np.abs(quantity(reduced, "position_angle")[asked > 0.1]).max() < 1.0


def test_the_truth_meets_every_bound_on_a_median(halves):
    _, first, second = halves
    found = measure(first, second)
    assert {name.split("/")[0] for name in found} >= {"spiral", "elliptical"}
    assert set(found) <= set(TARGETS)
    assert all(np.isfinite(value) for value in found.values())
    assert found["spiral/uncovered"] < TARGETS["spiral/uncovered"].at_most
    assert found["elliptical/unmeasured"] == 0.0


@pytest.mark.parametrize("name", IMPOSTORS)
def test_an_impostor_is_caught(halves, name):
    source, first, second = halves
    floors, found = measure(first, second), measure(reduce(IMPOSTORS[name](source, 3)), second)
    verdicts = {
        key: Finding.against(key, value, TARGETS[key], n=N, floor=floors[key])
        for key, value in found.items()
        if key in floors
    }
    worst = max((item.value / item.limit for item in verdicts.values() if item.passed is False), default=0.0)
    assert worst > 2.0, f"{name} passes"


def test_shifts_below_the_resolution_do_not_count():
    values = np.random.default_rng(0).normal(size=400)
    floor = 0.5 * np.sqrt(2 / 400)
    assert figures.resolved_distance(values, values + 0.009, 0.01) == pytest.approx(floor)
    assert figures.resolved_distance(values, values + 1.0, 0.01) > 0.3
    assert figures.resolved_distance(np.zeros(400), np.full(400, 1e-4), 0.01) == pytest.approx(floor)


@pytest.mark.slow
def test_draws_at_fixed_conditions_see_a_bias_and_a_scatter():
    asked = prior(CONDITIONS, 40, 3)
    spirals = asked.isel(sample=np.flatnonzero(asked["morphology"].values == SPIRAL)[:5])
    repeated = spirals.isel(sample=np.repeat(np.arange(5), 20)).assign_coords(sample=np.arange(100))
    reference = GalaxyReference()
    first, second = (reduce(reference.sample(repeated, seed=seed)) for seed in (1, 2))
    found = measure(first, second)
    assert found["spiral/draws_flux"] < 0.01
    assert found["spiral/draws_radius"] < 0.03
    changed = first["measured"].values.copy()
    changed[:, QUANTITIES.index("flux")] += 0.05
    changed[:, QUANTITIES.index("ellipticity")] = changed[:, QUANTITIES.index("ellipticity")].mean()
    biased = measure(first.assign(measured=(("sample", "quantity"), changed)), second)
    assert biased["spiral/draws_flux"] == pytest.approx(0.05, abs=0.01)
    assert biased["spiral/draws_ellipticity_scatter"] > 1.0


def test_what_cannot_be_measured_is_a_figure(halves):
    source, _, second = halves
    blank = source.assign(image=source["image"] * 0.0)
    found = measure(blank, second)
    assert found["spiral/unmeasured"] == pytest.approx(1.0)
    assert found["spiral/flux"] == found["spiral/ks_gini"] == 1.0


def test_fits_holds_the_measured_values(galaxies, tmp_path):
    from astropy.table import Table

    some = galaxies.isel(sample=slice(0, 4))
    GALAXY_FITS.write([some.isel(sample=slice(0, 2)), some.isel(sample=slice(2, 4))], tmp_path / "galaxies.fits")
    table = Table.read(tmp_path / "galaxies.fits", hdu="CATALOG")
    assert {name for name, _, _ in MEASURED} <= set(table.colnames)
    assert str(table["measured_flux_r"].unit) == "nJy"
    np.testing.assert_allclose(
        np.log(np.asarray(table["measured_flux_r"]) / 10 ** (-0.4 * (some["magnitude_r"].values - 31.4))),
        quantity(reduce(some), "flux"),
    )


def test_the_picture_grid_shows_both_sides_of_every_class(galaxies):
    grid = picture_grid(galaxies, galaxies, count=3)
    assert grid.shape == (4 * 64, 2 * 3 * 64 + 8, 3)
    np.testing.assert_array_equal(grid[:, : 3 * 64], grid[:, 3 * 64 + 8 :])
    assert grid[: 3 * 64].max() > 150


def test_a_png_grid_shows_the_first_galaxies(galaxies, tmp_path):
    from matplotlib.image import imread

    PNG.write([galaxies.isel(sample=slice(0, 4)), galaxies.isel(sample=slice(4, 7))], tmp_path / "grid.png")
    picture = imread(tmp_path / "grid.png")
    assert picture.shape[:2] == (3 * 64, 3 * 64)
    assert picture[128:, 64:, :3].min() == 1.0  # two places are left empty
    assert picture[20:44, 20:44, :3].max() > 0.3
    with pytest.raises(FormatError, match="image: no galaxy images"):
        PNG.write([galaxies.drop_vars("image")], tmp_path / "none.png")


def test_statmorph_values_are_kept_with_statmorphs_own_flags(galaxies):
    statmorph = pytest.importorskip("statmorph")
    some = galaxies.isel(sample=np.flatnonzero(galaxies["morphology"].values == MERGER)[:4])
    images = some["image"].values.copy()
    images[3] = 0.0  # nothing to measure
    some = some.assign(image=(some["image"].dims, images))
    found = statmorph_values(some)
    _, segments = photometry(some)
    for row in range(3):
        image = images[row, 1].astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            weight = np.full(image.shape, np.abs(image).max() * 1e-3)
            theirs = statmorph.SourceMorphology(image, segments[row].astype(int), 1, weightmap=weight)
        assert (found["flag"][row], found["flag_sersic"][row]) == (theirs.flag, theirs.flag_sersic)
        assert found["gini"][row] == theirs.gini and np.isfinite(found["asymmetry"][row])
        assert np.isfinite(found["sersic_n"][row]) == (theirs.flag_sersic == 0)
    assert (found["flag"][:3] > 0).any()  # two galaxies in one stamp are flagged, and measured all the same
    assert found["flag"][3] == -1 and all(np.isnan(found[name][3]) for name in ("gini", "m20", "sersic_n"))


@pytest.mark.slow
def test_statmorph_passes_the_truth_and_tells_spirals_from_ellipticals(galaxies):
    pytest.importorskip("statmorph")
    of = [galaxies.isel(sample=np.flatnonzero(galaxies["morphology"].values == code)) for code in (SPIRAL, ELLIPTICAL)]
    first, second, third = (of[1].isel(sample=slice(start, None, 3)) for start in range(3))
    fake = of[0].assign(morphology=("sample", np.full(of[0].sizes["sample"], ELLIPTICAL)))
    name = "statmorph/elliptical/asymmetry"
    found = {
        side: {item.name: item for item in statmorph_findings(samples, second, third, n=16)}[name]
        for side, samples in {"truth": first, "spirals": fake}.items()
    }
    assert found["truth"].passed and not found["spirals"].passed
    assert found["truth"].n == 16 and found["truth"].limit == pytest.approx(2 * found["truth"].floor)
