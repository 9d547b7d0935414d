"""The decoder of galaxy images: the same galaxies as GalSim draws, the same samples whatever their batch."""

import numpy as np
import pytest
import torch

import surrogates
from surrogates.contract.recipe import Batch
from surrogates.noise import Noise
from surrogates.plugins.galaxy_images import closed_scene, codec, latents, network, observation
from surrogates.plugins.galaxy_images.reference import GalaxyReference, draw, training_pool
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS, MORPHOLOGIES, PSFS
from surrogates.sampling.request import condition_dataset

galsim = pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")

GALAXY = {
    "half_light_radius": 0.6,
    "magnitude_g": 22.0,
    "magnitude_r": 21.0,
    "magnitude_i": 20.5,
    "ellipticity": 0.3,
    "position_angle": 30.0,
    "bulge_fraction": 0.2,
    "sersic_index": 2.5,
    "redshift": 0.3,
    "inclination": 50.0,
}
EDGE_ON = {"ellipticity": 0.7, "inclination": 87.0}


def asked(**conditions):
    morphology = conditions.get("morphology", "spiral")
    shape = EDGE_ON if morphology == "edge_on" else {}
    given = {"morphology": morphology, **GALAXY, **shape, **conditions}
    return condition_dataset(CONDITIONS, n=1, **given)


def tensors(rows):
    kinds = {str(name): torch.int64 if rows[name].dtype.kind == "i" else torch.float64 for name in rows.data_vars}
    return {name: torch.tensor(rows[name].values, dtype=kind) for name, kind in kinds.items()}


def both(rows, seed: int = 3):
    """Noise-free stamps of one galaxy by the decoder's closed forms and by GalSim, of one structure."""
    uniforms = np.random.default_rng(seed).random((1, latents.UNIFORMS))
    structure = latents.structure(uniforms)
    conditions = tensors(rows)
    light, scale = closed_scene.draw_light(conditions, structure)
    ours = codec.GalaxyCodec().decode({"light": light, "scale": scale}, conditions)
    found = {name: values[0] for name, values in structure.items()}
    found["merger"] = {name: values[0] for name, values in latents.merger_parts(structure).items()}
    image, enclosed = draw({name: rows[name].values[0] for name in rows.data_vars}, found)
    return ours["image"][0].numpy(), image, ours["enclosed_flux_fraction"][0].numpy(), enclosed


def compare(rows, worst: float, seed: int = 3) -> None:
    ours, theirs, ours_enclosed, enclosed = both(rows, seed)
    assert np.abs(ours - theirs).max(axis=(1, 2)) == pytest.approx(np.zeros(3), abs=worst * theirs.max())
    assert ours_enclosed == pytest.approx(enclosed, abs=5e-3)
    shapes = [galsim.hsm.FindAdaptiveMom(galsim.Image(image[1] / image.max())) for image in (ours, theirs)]
    assert shapes[0].moments_sigma == pytest.approx(shapes[1].moments_sigma, rel=2e-3)
    assert abs(shapes[0].observed_shape.g1 - shapes[1].observed_shape.g1) < 1e-3
    assert abs(shapes[0].observed_shape.g2 - shapes[1].observed_shape.g2) < 1e-3


@pytest.mark.parametrize("morphology", MORPHOLOGIES)
@pytest.mark.parametrize("pixel_scale", [0.1, 0.07])
def test_closed_forms_draw_what_galsim_draws(morphology, pixel_scale):
    compare(asked(morphology=morphology, pixel_scale=pixel_scale), 5e-3)


@pytest.mark.parametrize("seed", range(4))
def test_arms_are_drawn_as_galsim_draws_them(seed):
    compare(asked(half_light_radius=0.9, bulge_fraction=0.05), 1e-2, seed=10 + seed)


@pytest.mark.parametrize("psf", PSFS[1:4])
@pytest.mark.parametrize("morphology", ["spiral", "elliptical"])
def test_the_psf_acts_as_galsims(psf, morphology):
    widths = {"psf_fwhm_g": 0.8, "psf_fwhm_r": 0.7, "psf_fwhm_i": 0.6}
    compare(asked(morphology=morphology, psf=psf, **widths), 2e-3)


def test_a_wide_psf_acts_as_galsims():
    widths = {f"psf_fwhm_{band}": 1.8 for band in BANDS}
    compare(asked(morphology="elliptical", psf="kolmogorov", **widths), 2e-3)


@pytest.mark.parametrize("pixel_scale", [0.05, 0.2, 0.25])
def test_a_psf_and_another_pixel_scale_act_as_galsims(pixel_scale):
    compare(asked(morphology="elliptical", psf="kolmogorov", pixel_scale=pixel_scale, half_light_radius=0.45), 3e-3)


def test_a_psf_image_acts_as_galsims():
    at = np.arange(41) - 20.0
    image = np.exp(-0.5 * (at / 3.0) ** 2) * np.exp(-0.5 * (at[:, None] / 3.5) ** 2)
    compare(asked(psf="image", psf_image=image.astype(np.float32)), 3e-3)


def test_a_blend_is_the_weighted_sum_of_two_classes():
    compare(asked(blend_with="merger", blend_fraction=0.3), 5e-3)


@pytest.fixture(scope="module")
def surrogate():
    return surrogates.load("galaxy-images")


def test_one_identity_at_two_conditions_is_drawn_at_each(surrogate):
    rows = surrogate.sample(2, seed=4, morphology="elliptical", half_light_radius=[0.3, 1.2])[list(CONDITIONS.names)]
    together = surrogate.sample(rows.assign_coords(sample=[7, 7]), seed=4)["image"].values
    for row in range(2):
        alone = surrogate.sample(rows.isel(sample=[row]).assign_coords(sample=[7]), seed=4)["image"].values[0]
        np.testing.assert_allclose(together[row], alone, rtol=1e-4, atol=1e-4 * alone.max())


def test_samples_do_not_depend_on_what_is_asked_beside_them(surrogate):
    whole = surrogate.sample(12, seed=4)
    some = surrogate.sample(3, seed=4, first=5)
    assert np.array_equal(whole["image"].values[5:8], some["image"].values)


def test_a_psf_of_one_galaxy_does_not_touch_its_neighbours(surrogate):
    rows = surrogate.sample(4, seed=4)[list(CONDITIONS.names)]
    seen = rows.copy(deep=True)
    seen["psf"].values[1] = PSFS.index("moffat")
    seen["noise_r"].values[1] = 3.0
    before, after = surrogate.sample(rows, seed=4), surrogate.sample(seen, seed=4)
    changed = (before["image"].values != after["image"].values).any(axis=(1, 2, 3))
    assert changed.tolist() == [False, True, False, False]


def test_noise_has_the_asked_deviation_and_leaves_the_enclosed_flux(surrogate):
    clean = surrogate.sample(6, seed=9)
    noisy = surrogate.sample(6, seed=9, noise_g=5.0, noise_i=20.0)
    difference = (noisy["image"] - clean["image"]).values
    assert difference[:, 0].std() == pytest.approx(5.0, rel=0.03)
    assert not difference[:, 1].any()
    assert difference[:, 2].std() == pytest.approx(20.0, rel=0.03)
    assert np.array_equal(noisy["enclosed_flux_fraction"].values, clean["enclosed_flux_fraction"].values)


def test_flux_is_exact_and_structure_varies(surrogate):
    shape = {name: value for name, value in GALAXY.items() if name != "inclination"}
    spirals = surrogate.sample(5, seed=2, morphology="spiral", **shape)
    assert max(spirals.attrs[f"residual_{law}"] for law in ("flux", "enclosed_flux")) < 1e-9
    flux = 10 ** (-0.4 * (np.array([22.0, 21.0, 20.5]) - 31.4))
    held = spirals["image"].values.astype(float).sum(axis=(2, 3)) / flux
    assert held == pytest.approx(spirals["enclosed_flux_fraction"].values, rel=1e-5)
    differences = np.abs(np.diff(spirals["image"].values, axis=0)).sum(axis=(1, 2, 3))
    assert (differences > 0.05 * spirals["image"].values[0].sum()).all()


def test_spirals_hold_the_light_that_galsims_hold(surrogate):
    rows = surrogate.sample(30, seed=6, morphology="spiral", half_light_radius=0.4)[list(CONDITIONS.names)]
    ours, theirs = surrogate.sample(rows, seed=6), GalaxyReference().sample(rows, seed=6)
    difference = ours["enclosed_flux_fraction"].values.mean() - theirs["enclosed_flux_fraction"].values.mean()
    assert abs(difference) < 2e-3


def test_repeated_rows_are_drawn_once():
    asked = {"redshift": torch.tensor([0.1, 0.2, 0.1, 0.1, 0.3])}
    assert observation.first_rows(torch.tensor([5, 6, 5, 7, 6]), asked).tolist() == [0, 1, 0, 3, 4]


def test_defaults_are_those_of_the_schema():
    for name, value in observation.DEFAULTS.items():
        variable = CONDITIONS[name]
        expected = variable.missing if variable.default is None else variable.convert(variable.default)
        assert value == pytest.approx(expected)


def test_the_grid_has_room_for_psf_and_stamp():
    assert observation.grid(0, 0.7, 0.1) == (64, 0.1)
    assert observation.grid(0, 0.7, 0.05) == (64, 0.05)
    assert observation.grid(1, 0.7, 0.1) == (128, 0.1)
    assert observation.grid(1, 2.0, 0.1) == (160, 0.1)
    assert observation.grid(1, 0.7, 0.2) == (160, 0.1)
    assert observation.grid(3, 0.7, 0.4) == (256, 0.1)


def test_training_learns_the_light_of_spirals():
    pool = training_pool(12, 5)
    physical = {str(name): torch.tensor(pool[name].values) for name in pool.data_vars}
    physical["morphology"] = physical["morphology"].long()
    encoder = codec.GalaxyCodec()
    encoded = encoder.encode(physical)
    assert float((encoded["drawn_flux"] / encoded["flux"] - 1).abs().max()) < 5e-3
    conditions = encoder.encode({name: physical[name] for name in CONDITIONS.names if name in physical})
    batch = Batch(
        {name: value.float() for name, value in encoded.items()},
        {name: value.float() for name, value in conditions.items()},
        Noise(0, torch.arange(12)),
        0,
    )
    model = network.GalaxyDecoder()
    optimiser = torch.optim.Adam(model.calibration.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        ((name, loss),) = network.learn(model, batch)
        assert name == "calibration" and loss.shape == (12,)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(float(loss.detach().mean()))
    assert losses[-1] < 0.5 * losses[0]


def test_galaxies_without_structure_do_not_train_the_decoder():
    batch = Batch({"light": torch.zeros(1)}, {"context": torch.zeros(1)}, Noise(0, torch.arange(1)), 0)
    with pytest.raises(ValueError, match="latent_arms: missing"):
        next(network.learn(network.GalaxyDecoder(), batch))


def test_every_band_has_its_own_share_of_the_bulge():
    found = both(asked(bulge_fraction=0.5))[0]
    relative = found / found.sum(axis=(1, 2), keepdims=True)
    core = relative[:, 30:34, 30:34].sum(axis=(1, 2))
    assert core[BANDS.index("i")] > core[BANDS.index("g")] * 1.02
