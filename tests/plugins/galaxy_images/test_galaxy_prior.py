"""The joint law of galaxies, its completion of any asked subset, and the geometry and colours that it stands on."""

import numpy as np
import pytest
import xarray as xr

from surrogates.plugins.galaxy_images import colours, geometry, latents
from surrogates.plugins.galaxy_images.geometry import EDGE_ON, ELLIPTICAL, MERGER, SPIRAL
from surrogates.plugins.galaxy_images.limits import LIMITS
from surrogates.plugins.galaxy_images.prior import complete, prior
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS
from surrogates.sampling.request import check_limits, condition_dataset, outside

KINDS = (SPIRAL, ELLIPTICAL, MERGER, EDGE_ON)


@pytest.fixture(scope="module")
def many() -> xr.Dataset:
    return prior(CONDITIONS, 4000, 3)


def asked(n: int, **values) -> xr.Dataset:
    return condition_dataset(CONDITIONS, n=n, **values)


def median(data: xr.Dataset, name: str, kind: int) -> float:
    return float(np.median(data[name].values[data["morphology"].values == kind]))


def test_the_prior_is_inside_its_bounds_and_limits_with_rare_classes_rare(many):
    assert not outside(CONDITIONS, many).any()
    check_limits(LIMITS, many)
    shares = np.bincount(many["morphology"].values, minlength=4) / 4000
    np.testing.assert_allclose(shares, [0.58, 0.28, 0.06, 0.08], atol=0.03)
    assert all(not np.isnan(many[name]).any() for name in CONDITIONS.names if name != "psf_image")


def test_a_row_depends_on_seed_and_identity_alone(many):
    np.testing.assert_array_equal(prior(CONDITIONS, 10, 3)["magnitude_g"], many["magnitude_g"][:10])
    assert not np.array_equal(prior(CONDITIONS, 10, 4)["magnitude_g"], many["magnitude_g"][:10])
    rows = asked(40, magnitude_r=22.0)
    whole = complete(CONDITIONS, rows, 5)
    xr.testing.assert_identical(complete(CONDITIONS, rows.isel(sample=[31, 2, 7]), 5), whole.isel(sample=[31, 2, 7]))
    xr.testing.assert_identical(complete(CONDITIONS, whole, 6), whole)


def test_physical_relations_of_the_prior(many):
    assert median(many, "magnitude_g", ELLIPTICAL) - median(many, "magnitude_r", ELLIPTICAL) > 1.2
    assert median(many, "sersic_index", ELLIPTICAL) > 3 and median(many, "bulge_fraction", SPIRAL) < 0.3
    magnitude, redshift = many["magnitude_r"].values, many["redshift"].values
    assert np.corrcoef(magnitude, redshift)[0, 1] > 0.5  # farther is fainter
    colour = many["magnitude_g"].values - magnitude
    spirals = many["morphology"].values == SPIRAL
    assert np.corrcoef(colour[spirals], many["bulge_fraction"].values[spirals])[0, 1] > 0.3  # bulges are red
    discs = spirals | (many["morphology"].values == EDGE_ON)
    shown = geometry.ellipticity_of(many["inclination"].values, many["morphology"].values)
    np.testing.assert_allclose(shown[discs], many["ellipticity"].values[discs], atol=1e-9)


@pytest.mark.parametrize(
    "given",
    [
        {"morphology": "merger"},
        {"redshift": 1.2},
        {"magnitude_g": 23.0, "magnitude_i": 21.5},
        {"half_light_radius": 1.2, "position_angle": 45.0},
        {"inclination": 30.0},
        {"sersic_index": 5.0},
        {"bulge_fraction": 0.9, "morphology": "spiral"},
        {"ellipticity": 0.3, "redshift": 0.1, "magnitude_r": 19.0, "half_light_radius": 0.4},
    ],
)
def test_any_subset_is_kept_and_the_rest_filled(given):
    rows = asked(200, **given)
    full = complete(CONDITIONS, rows, 1)
    for name in given:
        np.testing.assert_array_equal(full[name], rows[name])
    check_limits(LIMITS, full)
    assert not outside(CONDITIONS, full).any()
    assert not np.isnan(full.drop_vars("psf_image").to_array()).any() and (full["morphology"] >= 0).all()
    for name in ("half_light_radius", "magnitude_r", "position_angle", "redshift"):
        if name not in given:
            assert len(np.unique(full[name])) > 20, name


def test_a_narrower_schema_bounds_what_is_filled_and_not_what_is_asked():
    narrow = CONDITIONS.narrowed({"redshift": (0.4, 0.6), "noise_r": (2.0, 5.0), "ellipticity": (0.2, 0.5)})
    drawn = prior(narrow, 200, 1)
    assert not outside(narrow, drawn).any() and (drawn["noise_r"] == 2.0).all()
    full = complete(narrow, asked(200, redshift=1.0, noise_r=0.0), 1)
    assert (full["redshift"] == 1.0).all() and (full["noise_r"] == 0.0).all()
    assert not narrow["ellipticity"].outside(full["ellipticity"].values).any()


def test_asked_values_tell_of_the_others():
    flat = complete(CONDITIONS, asked(300, ellipticity=0.75), 1)
    assert (flat["morphology"].values == EDGE_ON).mean() > 0.9
    red = complete(CONDITIONS, asked(300, magnitude_g=24.0, magnitude_r=22.1, magnitude_i=21.0), 1)
    blue = complete(CONDITIONS, asked(300, magnitude_g=22.4, magnitude_r=22.1, magnitude_i=21.9), 1)
    assert (red["morphology"].values == ELLIPTICAL).mean() > 0.8 > (blue["morphology"].values == ELLIPTICAL).mean()
    faint, bright = (complete(CONDITIONS, asked(300, magnitude_r=m), 1)["redshift"].median() for m in (24.5, 18.5))
    assert faint > bright + 0.3
    large, small = (
        complete(CONDITIONS, asked(300, half_light_radius=r), 1)["magnitude_r"].median() for r in (1.3, 0.3)
    )
    assert large < small - 1.0


def test_mixed_rows_are_completed_each_for_itself():
    rows = asked(3, magnitude_r=[22.0, np.nan, np.nan], redshift=[np.nan, 0.4, np.nan], morphology=["", "", "merger"])
    full = complete(CONDITIONS, rows, 9)
    assert full["magnitude_r"][0] == 22.0 and full["redshift"][1] == 0.4 and full["morphology"][2] == MERGER
    assert not np.isnan(full[["magnitude_r", "redshift"]].to_array()).any()


def test_surface_brightness_dims_with_the_fourth_power_of_distance():
    """The same galaxy, its K-correction taken off: flux over angular area goes as (1 + z)^-4."""
    z = np.array([0.1, 0.5, 1.0, 1.9])
    flux = 10.0 ** (-0.4 * colours.distance_modulus(z))
    area = colours.kpc_per_arcsec(z) ** -2.0
    np.testing.assert_allclose(flux / area * (1 + z) ** 4, (flux / area * (1 + z) ** 4)[0], rtol=2e-3)


def test_the_table_is_that_of_galsim_and_astropy():
    pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")
    fresh = colours.tabulate(3)
    z = np.array(fresh["redshift"])
    np.testing.assert_allclose(colours.distance_modulus(z), fresh["distance_modulus"], atol=1e-4)
    np.testing.assert_allclose(colours.kpc_per_arcsec(z), fresh["kpc_per_arcsec"], rtol=1e-4)
    expected = [[[fresh["correction"][sed][band][k] for band in BANDS] for sed in colours.SEDS] for k in range(3)]
    np.testing.assert_allclose(colours.correction(z), expected, atol=5e-3)
    between = np.sqrt(z[1:] * z[:-1])  # off the grid of 128
    from astropy.cosmology import Planck18

    np.testing.assert_allclose(colours.distance_modulus(between), Planck18.distmod(between).value, atol=1e-3)


def test_bulges_are_redder_than_discs():
    share = colours.bulge_fractions(np.array([0.3, 0.3, 0.0, 1.0]), np.array([0.1, 0.8, 0.5, 0.5]))
    np.testing.assert_allclose(share[:, 1], [0.3, 0.3, 0.0, 1.0])
    assert (share[:2, 0] < 0.3).all() and (share[:2, 2] > 0.3).all()
    np.testing.assert_allclose(share[2:], [[0, 0, 0], [1, 1, 1]])


# Geometry ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_inclination_and_ellipticity_are_inverse(kind):
    inclination = np.linspace(1.0, 90.0, 40)
    ellipticity = geometry.ellipticity_of(inclination, kind)
    np.testing.assert_allclose(geometry.inclination_of(ellipticity, kind), inclination, atol=1e-4)
    assert geometry.axis_ratio(ellipticity[-1]) == pytest.approx(0.12 if kind == EDGE_ON else 0.2)


def test_the_shear_is_that_of_galsim_and_keeps_areas():
    galsim = pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")
    generator = np.random.default_rng(0)
    for g, angle in zip(generator.uniform(0, 0.9, 20), generator.uniform(0, 180, 20), strict=True):
        matrix = geometry.shear(g, angle)
        np.testing.assert_allclose(matrix, galsim.Shear(g=g, beta=angle * galsim.degrees).getMatrix(), atol=1e-12)
        assert np.linalg.det(matrix) == pytest.approx(1.0)
        along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        values = np.linalg.norm(matrix @ along), np.linalg.norm(matrix @ along[::-1] * [-1, 1])
        assert values[0] == pytest.approx(np.sqrt((1 + g) / (1 - g)))


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5, 0.9])
def test_bulge_and_disc_together_have_the_half_light_radius(fraction):
    galsim = pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")
    bulge = galsim.DeVaucouleurs(half_light_radius=float(geometry.bulge_radius(fraction, SPIRAL)))
    disc = galsim.Exponential(half_light_radius=float(geometry.disc_radius(fraction, SPIRAL)))
    assert fraction * _within(bulge) + (1 - fraction) * _within(disc) == pytest.approx(0.5, abs=2e-3)


def _within(profile) -> float:
    """Light of a round profile within a radius of 1, by its Hankel transform."""
    radius = np.linspace(1e-4, 1.0, 20001) ** 3
    brightness = np.array([profile.xValue(float(r), 0.0) for r in radius[1:]])
    return float(np.trapezoid(2 * np.pi * radius[1:] * brightness, radius[1:]))


def test_the_stamp_a_galaxy_needs_grows_with_size_flattening_and_psf():
    needed = geometry.stamp_needed(np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.6, 0.0]), np.array([0.0, 0.0, 1.0]))
    assert needed[0] == pytest.approx(4.5) and needed[1] == pytest.approx(6.0) and 4.5 < needed[2] < 6.0
    np.testing.assert_allclose(geometry.stamp_side(np.array([0.05, 0.1, 0.2])), [3.2, 6.4, 6.4])


# Structure ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def structures() -> dict:
    return latents.structure(np.random.default_rng(1).random((3000, latents.UNIFORMS)))


def test_structure_has_the_stated_ranges(structures):
    assert set(np.unique(structures["arms"])) == {2.0, 3.0, 4.0}
    pitch = np.degrees(np.abs(structures["pitch"]))
    assert 12 <= pitch.min() < 13 and 29 < pitch.max() <= 30 and abs((structures["pitch"] > 0).mean() - 0.5) < 0.04
    assert 0.3 <= structures["contrast"].min() and structures["contrast"].max() <= 0.9
    assert 0.3 <= structures["flux_ratio"].min() and structures["flux_ratio"].max() <= 1.0
    assert 0.8 <= structures["separation"].min() and structures["separation"].max() <= 2.0


def test_knots_follow_the_disc_and_its_arms(structures):
    radius = np.hypot(*np.moveaxis(structures["knots"], -1, 0))
    assert np.median(radius) == pytest.approx(geometry.DISC_HALF_LIGHT, rel=0.03)
    theta = np.arctan2(structures["knots"][..., 1], structures["knots"][..., 0])
    m, pitch, phase, contrast = (structures[name][:, None] for name in latents.SPIRAL_LATENTS)
    wave = np.cos(m * theta - latents.arm_phase(radius, m, pitch, phase))
    amplitude = latents.arm_contrast(radius, contrast)
    assert np.mean(wave) == pytest.approx(np.mean(amplitude) / 2, rel=0.05)  # <cos psi> under 1 + A cos psi
    theta_bins = np.histogram(theta, bins=8, range=(-np.pi, np.pi))[0] / theta.size
    np.testing.assert_allclose(theta_bins, 1 / 8, atol=0.01)


def test_parts_of_a_merger_hold_its_flux_about_its_centre(structures):
    parts = latents.merger_parts(structures)
    np.testing.assert_allclose(parts["fluxes"].sum(1) + parts["tail_fluxes"].sum(1), 1.0)
    np.testing.assert_allclose((parts["fluxes"][..., None] * parts["centres"]).sum(1), 0.0, atol=1e-12)
    distance = np.linalg.norm(parts["centres"][:, 1] - parts["centres"][:, 0], axis=-1)
    np.testing.assert_allclose(distance, structures["separation"])
    gaps = np.linalg.norm(np.diff(parts["tail_centres"], axis=1), axis=-1)
    assert (gaps < 1.2 * structures["tail_width"][:, None]).all()  # a chain without gaps


@pytest.mark.parametrize(
    ("kind", "largest", "psf"),
    [(None, 1.42, 0.0), ("spiral", 1.42, 0.0), ("merger", 1.42, 0.0), ("edge_on", 0.97, 0.0), (None, 1.25, 1.2)],
)
def test_what_is_filled_in_fits_what_is_asked(kind, largest, psf):
    radius = np.linspace(0.25, largest, 3000)
    given = {} if kind is None else {"morphology": kind}
    given |= {"psf": "kolmogorov", **{f"psf_fwhm_{band}": psf for band in BANDS}} if psf else {}
    for seed in range(3):
        found = complete(CONDITIONS, asked(3000, half_light_radius=radius, **given), seed)
        check_limits(LIMITS, found)
        np.testing.assert_array_equal(
            found["half_light_radius"], asked(3000, half_light_radius=radius)["half_light_radius"]
        )


def test_a_size_that_is_filled_in_fits_the_asked_shape_and_pixels():
    ellipticity = np.linspace(0.0, 0.89, 2000)
    found = complete(CONDITIONS, asked(2000, ellipticity=ellipticity, magnitude_r=17.0, redshift=0.02), 3)
    check_limits(LIMITS, found)
    np.testing.assert_allclose(found["ellipticity"], ellipticity, rtol=1e-6)
