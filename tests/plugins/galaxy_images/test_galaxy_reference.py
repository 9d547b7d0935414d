"""GalSim behind the surrogate's call: fluxes, shapes, PSF, noise, blends, identities, kept shards and bad input."""

import numpy as np
import pytest
import xarray as xr

from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.contract.plugin import Plugin
from surrogates.plugins.galaxy_images import geometry, latents, reference
from surrogates.plugins.galaxy_images.limits import LIMITS
from surrogates.plugins.galaxy_images.prior import complete, prior
from surrogates.plugins.galaxy_images.reference import GalaxyReference, total_flux, truth
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS, MORPHOLOGIES, OUTPUTS
from surrogates.sampling.reference import ReferenceSimulator

galsim = pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")

PLUGIN = Plugin(
    name="galaxies", conditions=CONDITIONS, outputs=OUTPUTS, prior=prior, truth=truth, codec=lambda: None,
    recipes={}, constraints=(), measure=lambda samples, truth, training=None: {}, targets={},
    figure=lambda *sides: None,
    limits=LIMITS, complete=complete, reference=GalaxyReference,
)  # fmt: skip
MODEST = {"half_light_radius": 0.5, "magnitude_g": 22.5, "magnitude_r": 22.0, "magnitude_i": 21.8, "redshift": 0.5}


@pytest.fixture(scope="module")
def simulator() -> ReferenceSimulator:
    return ReferenceSimulator.open(PLUGIN)


def moments(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centroid and second moments of a stamp about it, in pixels from its centre."""
    y, x = np.indices(image.shape) - (image.shape[0] - 1) / 2
    total = image.sum()
    centre = np.array([(image * x).sum(), (image * y).sum()]) / total
    dx, dy = x - centre[0], y - centre[1]
    second = [[(image * dx * dx).sum(), (image * dx * dy).sum()], [(image * dx * dy).sum(), (image * dy * dy).sum()]]
    return centre, np.array(second) / total


def measured_shape(image: np.ndarray) -> tuple[float, float]:
    """|e| and position angle in deg by second moments, the Gaussian of 0.2 arcsec taken off."""
    second = moments(image)[1] - np.eye(2) * (0.2 / 0.1 / np.sqrt(8 * np.log(2))) ** 2
    (small, large), axes = np.linalg.eigh(second)
    q = np.sqrt(small / large)
    return (1 - q) / (1 + q), np.degrees(np.arctan2(axes[1, 1], axes[0, 1])) % 180


def test_flux_is_the_enclosed_share_of_the_asked_one(simulator):
    data = simulator.sample(12, seed=3)
    asked = total_flux(np.stack([data[f"magnitude_{band}"].values for band in BANDS], -1))
    enclosed = data["enclosed_flux_fraction"].values
    np.testing.assert_allclose(data["image"].values.sum(axis=(2, 3)), asked * enclosed, rtol=1e-5)
    assert (enclosed > 0.7).all() and (enclosed <= 1 + 1e-3).all()
    assert total_flux(np.array(31.4)) == 1.0
    assert total_flux(np.array(8.9)) == pytest.approx(1e9, rel=1e-6)  # 1 Jy


@pytest.mark.parametrize("morphology", ["elliptical", "edge_on"])
def test_shape_and_position_angle_are_those_asked(simulator, morphology):
    ellipticity = {"elliptical": [0.1, 0.4, 0.3], "edge_on": [0.70, 0.75, 0.78]}[morphology]
    angles = [20.0, 75.0, 130.0]
    data = simulator.sample(
        3, seed=1, morphology=morphology, ellipticity=ellipticity, position_angle=angles, bulge_fraction=0.0,
        sersic_index=1.0, **{**MODEST, "half_light_radius": 0.35},
    )  # fmt: skip
    for image, e, angle in zip(data["image"].values[:, 1], ellipticity, angles, strict=True):
        found, at = measured_shape(image)
        assert at == pytest.approx(angle, abs=0.5) and found == pytest.approx(e, abs=0.02)
        np.testing.assert_allclose(moments(image)[0], 0.0, atol=1e-3)


def test_a_spiral_is_inclined_along_its_position_angle_on_average(simulator):
    data = simulator.sample(24, seed=2, morphology="spiral", inclination=65, position_angle=150, **MODEST)
    second = np.mean([moments(image)[1] for image in data["image"].values[:, 1]], axis=0)
    along = 0.5 * np.degrees(np.arctan2(2 * second[0, 1], second[0, 0] - second[1, 1])) % 180
    assert along == pytest.approx(150, abs=4)
    np.testing.assert_allclose(data["ellipticity"], geometry.ellipticity_of(65.0, 0))


@pytest.mark.parametrize(("morphology", "tolerance"), [("spiral", 0.05), ("elliptical", 0.02), ("merger", 0.06)])
def test_half_light_radii_are_those_asked(morphology, tolerance):
    """On a stamp of 20 arcsec, in apertures of the asked shape about the centroid; r band."""
    from surrogates.plugins.galaxy_images.profiles import parts

    code = MORPHOLOGIES.index(morphology)
    structure = reference.galaxy_structure(np.arange(6), 4)
    scenes = latents.merger_parts(structure)
    ratios = []
    for row in range(6):
        asked = {"half_light_radius": 1.0, "ellipticity": 0.1 * row if morphology != "merger" else 0.2,
                 "position_angle": 40.0, "bulge_fraction": 0.1 * row, "sersic_index": 1.0 + 0.5 * row,
                 "redshift": 0.4}  # fmt: skip
        found = {name: values[row] for name, values in structure.items()}
        found["merger"] = {name: values[row] for name, values in scenes.items()}
        image = sum(
            part.shares[1]
            * galsim.Convolve(part.profile, galsim.Gaussian(fwhm=0.1))
            .drawImage(nx=400, ny=400, scale=0.05, method="no_pixel", dtype=float)
            .array
            for part in parts(code, asked, found)
        )
        ratios.append(half_light(image, 0.05, 0.0 if morphology == "merger" else asked["ellipticity"]))
    assert np.mean(ratios) == pytest.approx(1.0, abs=tolerance)
    assert np.std(ratios) < 0.06


def half_light(image: np.ndarray, step: float, ellipticity: float) -> float:
    y, x = (np.indices(image.shape) - (image.shape[0] - 1) / 2) * step
    cx, cy = (image * x).sum() / image.sum(), (image * y).sum() / image.sum()
    inverse = np.linalg.inv(geometry.shear(ellipticity, 40.0))
    x, y = x - cx, y - cy
    radius = np.hypot(inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y).ravel()
    order = np.argsort(radius)
    return float(np.interp(0.5, np.cumsum(image.ravel()[order]), radius[order]))


def test_a_row_depends_on_seed_and_identity_alone(simulator):
    rows = prior(CONDITIONS, 30, 6)
    noisy = rows.assign(noise_r=rows["noise_r"] + 3.0)
    whole = simulator.sample(noisy, seed=7)
    part = simulator.sample(noisy.isel(sample=[23, 4]), seed=7)
    np.testing.assert_array_equal(part["image"], whole["image"].isel(sample=[23, 4]))
    spiral = int(np.flatnonzero(rows["morphology"].values == 0)[0])
    other = simulator.sample(rows.isel(sample=[spiral]), seed=8)["image"]
    assert not np.array_equal(other, simulator.sample(rows.isel(sample=[spiral]), seed=7)["image"])


def test_noise_has_the_asked_deviation_in_its_band_alone(simulator):
    quiet = simulator.sample(2, seed=1, morphology="elliptical", **MODEST)
    noisy = simulator.sample(2, seed=1, morphology="elliptical", noise_g=5.0, **MODEST)
    difference = (noisy["image"] - quiet["image"]).values
    assert difference[:, 0].std() == pytest.approx(5.0, rel=0.03)
    assert not difference[:, 1:].any() and not np.array_equal(difference[0, 0], difference[1, 0])
    np.testing.assert_array_equal(noisy["enclosed_flux_fraction"], quiet["enclosed_flux_fraction"])


def test_a_psf_given_as_an_image_is_the_same_as_given_by_name(simulator):
    kernel = galsim.Gaussian(fwhm=0.6).drawImage(nx=41, ny=41, scale=0.1, method="no_pixel").array
    asked = {"morphology": "spiral", **MODEST}
    named = simulator.sample(2, seed=1, psf="gaussian", psf_fwhm_g=0.6, psf_fwhm_r=0.6, psf_fwhm_i=0.6, **asked)
    given = simulator.sample(2, seed=1, psf="image", psf_image=7.0 * kernel, **asked)
    scale = named["image"].max(("y", "x")).values[..., None, None]
    np.testing.assert_allclose(given["image"] / scale, named["image"] / scale, atol=2e-3)


@pytest.mark.parametrize("psf", ["gaussian", "moffat", "kolmogorov"])
def test_each_band_has_its_own_psf(simulator, psf):
    data = simulator.sample(
        1, seed=1, psf=psf, psf_fwhm_g=1.0, psf_fwhm_r=0.6, psf_fwhm_i=0.6, morphology="elliptical",
        **{**MODEST, "half_light_radius": 0.3},
    )  # fmt: skip
    peaks = data["image"].max(("y", "x")).values[0] / data["image"].sum(("y", "x")).values[0]
    assert peaks[0] < 0.7 * peaks[1] and peaks[1] == pytest.approx(peaks[2])


def test_a_coarser_pixel_shows_more_sky(simulator):
    asked = {"morphology": "elliptical", "sersic_index": 4.0, "ellipticity": 0.0, **MODEST}
    fine, coarse = (simulator.sample(1, seed=1, pixel_scale=scale, **asked) for scale in (0.1, 0.2))
    assert coarse["enclosed_flux_fraction"].values[0, 1] > fine["enclosed_flux_fraction"].values[0, 1] + 0.02
    ratio = coarse["image"].values[0, 1, 31:33, 31:33].sum() / fine["image"].values[0, 1, 30:34, 30:34].sum()
    assert 0.5 < ratio < 2.0


def test_a_blend_is_the_flux_weighted_sum(simulator):
    asked = {"ellipticity": 0.2, "position_angle": 30.0, "bulge_fraction": 0.3, "sersic_index": 2.0, **MODEST}
    first, second = (simulator.sample(2, seed=1, morphology=name, **asked)["image"] for name in ("spiral", "merger"))
    both = simulator.sample(2, seed=1, morphology="spiral", blend_with="merger", blend_fraction=0.4, **asked)["image"]
    np.testing.assert_allclose(both, 0.6 * first + 0.4 * second, rtol=2e-5, atol=1e-4)


def test_arms_wind_and_knots_shine():
    structure = {name: values[0] for name, values in reference.galaxy_structure(np.arange(1), 1).items()}
    from surrogates.plugins.galaxy_images.profiles import DISC_STEP, arms_image

    image = arms_image({**structure, "arms": 2.0, "pitch": np.radians(20), "phase": 0.0, "contrast": 0.8})
    assert image.sum() == pytest.approx(1.0) and image.min() > 0
    np.testing.assert_allclose(image, image[::-1, ::-1], rtol=1e-9, atol=1e-15)  # two arms
    at = (np.arange(128) - 63.5) * DISC_STEP
    x, y = np.meshgrid(at, at)
    radius, theta = np.hypot(x, y), np.arctan2(y, x)
    for length in (1.0, 2.0, 3.0):
        ring = np.abs(radius - length) < 0.1
        crest = theta[ring][np.argmax(image[ring] * np.exp(radius[ring]))]
        expected = np.log(length) / np.tan(np.radians(20))
        assert abs((crest - expected + np.pi / 2) % np.pi - np.pi / 2) < 0.2


# Truth -------------------------------------------------------------------------------------------------------------


def test_truth_is_kept_in_shards_and_continues(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "SHARD", 4)
    fresh = truth(6, 11)
    kept = truth(6, 11, tmp_path)
    xr.testing.assert_equal(kept, fresh)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shard-00000.h5", "shard-00001.h5"]
    monkeypatch.setattr(reference.GalaxyReference, "sample", None)  # what is there needs no simulation
    xr.testing.assert_equal(truth(7, 11, tmp_path).isel(sample=slice(0, 6)), fresh)
    with pytest.raises(SurrogatesError, match="^seed of .*shard-00000.h5 is 11: expected 12; choose another folder"):
        truth(3, 12, tmp_path)


def test_a_training_pool_has_structure_and_no_constant_conditions():
    pool = reference.training_pool(3, 5)
    assert pool["latent_knots"].shape == (3, latents.KNOTS, 2)
    structure = reference.galaxy_structure(np.arange(3), 5)
    np.testing.assert_array_equal(pool["latent_pitch"], structure["pitch"])
    assert not set(pool.data_vars) & set(reference.DEFAULTS)
    assert {"image", "morphology", "redshift", "latent_separation"} <= set(pool.data_vars)


# Bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"half_light_radius": -1}, "^half_light_radius: -1 arcsec is out of range; expected 0.25 to 1.5 arcsec$"),
        ({"ellipticity": 1.0}, "^ellipticity: 1 is out of range; expected 0 to 0.9$"),
        ({"magnitude_r": float("nan")}, "^magnitude_r: nan is not finite; expected 17 to 28 mag, or leave it out$"),
        ({"morphology": "sprial"}, r"^morphology: 'sprial' is unknown; .* \(did you mean 'spiral'\?\)$"),
        ({"half_light_radius": "5 kpc"}, "^half_light_radius: 5.0 kpc has units of length; expected arcsec$"),
        (
            {"half_light_radius": 1.45},
            r"needs 6.5\d arcsec \(66 pixels of 0.1\), the stamp shows 6.40 .* smaller galaxy, or size=128$",
        ),
        ({"half_light_radius": 1.0, "pixel_scale": 0.05}, r"needs 4.50 arcsec .*; ask a pixel scale of 0.071 arcsec"),
        ({"half_light_radius": 1.3, "psf": "moffat", "psf_fwhm_i": 2.0}, "needs 7.38 arcsec"),
        ({"half_light_radius": 0.5, "ellipticity": 0.9}, r"needs 6.54 arcsec \(66 pixels of 0.1\)"),
        (
            {"morphology": "spiral", "inclination": 60, "ellipticity": 0.1},
            r"^morphology = spiral, ellipticity = 0.1, inclination = 60: .* = 0.308 .* 35.9 deg .* give one of them$",
        ),
        ({"morphology": "edge_on", "ellipticity": 0.3}, r"expected \|e\| of 0.653 to 0.786 for edge_on"),
        ({"morphology": "spiral", "ellipticity": 0.8}, r"expected \|e\| of 0.000 to 0.667 for spiral"),
        ({"blend_fraction": 0.3}, "^blend_fraction = 0.3, blend_with = none: .*expected blend_with"),
        ({"psf": "image"}, "^psf = image, psf_image = .* expected a psf_image of finite pixels whose sum is above 0$"),
        ({"psf": "image", "psf_image": np.ones((21, 21))}, "^psf_image: 21 along psf_y; expected 41$"),
        ({"psf": "airy"}, "^psf: 'airy' is unknown"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(simulator, asked, said):
    with pytest.raises(SchemaError, match=said) as error:
        simulator.sample(2, seed=1, **asked)
    assert "\n" not in str(error.value) and isinstance(error.value, SchemaError | SurrogatesError)


def test_an_agreeing_inclination_and_ellipticity_are_taken(simulator):
    data = simulator.sample(1, seed=1, morphology="spiral", inclination=60.0, ellipticity=0.31, **MODEST)
    assert data["ellipticity"].item() == 0.31 and data["inclination"].item() == 60.0
