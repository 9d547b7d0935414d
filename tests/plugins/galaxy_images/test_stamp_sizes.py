"""Stamps of other sizes: the same galaxy on more sky or on finer pixels, by GalSim and by the surrogates."""

import numpy as np
import pytest

import surrogates
from surrogates.contract.errors import SchemaError
from surrogates.physics.galaxies.optics import crop
from surrogates.plugins.galaxy_images import structure
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS, STAMP

pytest.importorskip("galsim")


@pytest.fixture(scope="module")
def learned():
    return surrogates.load("galaxy-images", model="learned")


@pytest.fixture(scope="module")
def asked(learned):
    """Conditions of four galaxies, one of each class, as a 64-pixel call fills them."""
    made = learned.sample(4, seed=3, morphology=["spiral", "elliptical", "merger", "edge_on"], half_light_radius=0.5)
    return made[list(CONDITIONS.names)]


def test_a_larger_stamp_shows_the_same_galaxy_and_more_sky(learned, asked):
    small, large = learned.sample(asked, seed=3), learned.sample(asked.assign(size=asked["size"] * 2), seed=3)
    assert large["image"].shape == (4, len(BANDS), 128, 128)
    images = small["image"].values
    middle = large["image"].values[..., 32:96, 32:96]
    np.testing.assert_allclose(middle, images, atol=1e-5 * images.max(axis=(-1, -2), keepdims=True).max())
    assert (large["enclosed_flux_fraction"].values >= small["enclosed_flux_fraction"].values - 1e-6).all()


def test_finer_pixels_hold_the_same_light(learned, asked):
    coarse = learned.sample(asked, seed=3)
    fine = learned.sample(asked.assign(size=asked["size"] * 2, pixel_scale=asked["pixel_scale"] / 2), seed=3)
    total = fine["image"].values.sum((-1, -2))
    np.testing.assert_allclose(total, coarse["image"].values.sum((-1, -2)), rtol=0.02)


@pytest.mark.parametrize("model", ["learned", "decoder"])
def test_smooth_galaxies_agree_with_galsim_on_128_pixels_under_a_psf(asked, model):
    rows = asked.isel(sample=[1, 3]).assign(size=("sample", np.array([128, 128], dtype=np.int32)))
    rows = rows.assign(psf=("sample", np.full(2, 3, dtype=np.int8)))
    drawn = surrogates.load("galaxy-images", model=model).sample(rows, seed=3)["image"].values
    truth = surrogates.reference("galaxy-images").sample(rows, seed=3)["image"].values
    assert np.abs(drawn - truth).max() < 0.01 * truth.max()


def test_noise_fills_the_larger_stamp(learned, asked):
    rows = asked.assign(size=asked["size"] * 2, noise_r=asked["noise_r"] + 5.0)
    drawn = learned.sample(rows, seed=3)["image"].values[:, BANDS.index("r")]
    edges = np.concatenate([drawn[:, :8].ravel(), drawn[:, -8:].ravel()])
    assert edges.std() == pytest.approx(5.0, rel=0.1)


def test_one_call_has_stamps_of_one_size(learned):
    with pytest.raises(SchemaError, match="^size: 64 and 128 in one call; expected one value for all samples"):
        learned.sample(2, seed=1, size=[64, 128])
    with pytest.raises(SchemaError, match="^size: 100; expected a multiple of 32"):
        learned.sample(2, seed=1, size=100)


@pytest.mark.parametrize("model", ["gan", "ddpm"])
def test_models_of_64_pixels_refuse_other_stamps(model):
    with pytest.raises(SchemaError, match="^size: 128 is out of range; expected 64"):
        surrogates.load("galaxy-images", model=model).sample(1, seed=1, size=128)
    with pytest.raises(SchemaError, match="^size: 128; expected 64: this model draws no other stamp"):
        surrogates.load("galaxy-images", model=model, extrapolate=True).sample(1, seed=1, size=128)


def test_a_galaxy_too_large_for_64_pixels_is_told_of_128(learned):
    with pytest.raises(SchemaError, match="a smaller galaxy, or size=128$"):
        learned.sample(1, seed=1, half_light_radius=1.45)
    assert learned.sample(1, seed=1, half_light_radius=1.45, size=128).sizes["y"] == 128


def test_structure_of_a_galaxy_does_not_depend_on_the_sky_about_it(learned, asked):
    rows = asked.isel(sample=[1]).assign(size=asked["size"][[1]] * 2)
    large = learned.sample(rows, seed=3)["image"].values[:, 1].astype(np.float64)
    small = np.stack([crop_of(image) for image in large])
    found = [structure.structure(side, side > 0.02 * side.max((1, 2), keepdims=True)) for side in (small, large)]
    np.testing.assert_allclose(found[1]["gini"], found[0]["gini"], rtol=0.02)
    np.testing.assert_allclose(found[1]["concentration"], found[0]["concentration"], rtol=0.02)
    assert structure.radii(128)[-1] > structure.radii(STAMP)[-1] > 45.0


def crop_of(image):
    import torch

    return crop(torch.from_numpy(image), STAMP).numpy()
