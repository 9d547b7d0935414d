"""The model of light behind cutouts: what is exact in it, what training sees, and that it learns."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

pytest.importorskip("galsim")

import surrogates  # noqa: E402
from surrogates import registry  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.contract.recipe import Batch  # noqa: E402
from surrogates.noise import Noise  # noqa: E402
from surrogates.physics.galaxies import polar_gaussians as polar  # noqa: E402
from surrogates.physics.galaxies import profile_fitting
from surrogates.plugins.galaxy_images import observed, observed_views  # noqa: E402
from surrogates.plugins.galaxy_images.cutout_images import psf_image  # noqa: E402
from surrogates.plugins.galaxy_images.observed import CutoutCodec, LightBehindCutouts, learn  # noqa: E402
from surrogates.plugins.galaxy_images.observed_fits import fitted_pool  # noqa: E402
from surrogates.plugins.galaxy_images.variables import CONDITIONS, MORPHOLOGIES  # noqa: E402


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    made = LightBehindCutouts(CutoutCodec(), width=32)
    with torch.no_grad():  # as if it had learned something
        made.light.structure.exit.weight.mul_(10.0)
    return made


@pytest.fixture(scope="module")
def asked():
    rows = registry.plugin("galaxy-images").prior(CONDITIONS, 8, 3)
    rows["morphology"].values[:] = np.arange(8) % 4
    rows["ellipticity"].values[:] = [0.2, 0.2, 0.2, 0.7] * 2
    rows["half_light_radius"].values[:] = 0.5
    return rows


def told(rows) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(rows[name].values) for name in CONDITIONS.names}


def parts_of(model, rows):
    n = rows.sizes["sample"]
    noise = Noise(5, torch.arange(n))
    given = {
        "morphology": torch.tensor(rows["morphology"].values.astype(np.int64)),
        "radius": torch.full((n,), 0.5),
        "ellipticity": torch.tensor(rows["ellipticity"].values).float(),
        "index": torch.tensor(rows["sersic_index"].values).float(),
    }
    normal = noise.normal((observed.NOISE,), "x").float()
    return model.parts(given, normal, torch.zeros(n), torch.zeros(n, dtype=torch.bool)), given


def test_flux_is_one_in_each_band_and_the_smooth_light_has_the_asked_radius(model, asked):
    made, given = parts_of(model, asked)
    spectrum = observed.spectra(made, torch.full((8,), 5.0), given["ellipticity"], torch.zeros(8), 64)
    np.testing.assert_allclose(spectrum[..., 0, 0].real.detach().numpy(), 1.0, atol=1e-4)
    widths = torch.tensor(polar.WIDTHS).expand(8, -1) / made["unit"][:, None]
    smooth = polar.half_light(
        made["share"][:, 1:2] * made["inner"] + (1 - made["share"][:, 1:2]) * made["outer"], widths
    )
    assert float(torch.log(smooth[:2]).abs().max().detach()) < 0.3  # but for spots


def test_a_turn_of_the_structure_turns_the_image(model, asked):
    n = 8
    given = parts_of(model, asked)[1] | {"ellipticity": torch.zeros(n)}
    normal = Noise(5, torch.arange(n)).normal((observed.NOISE,), "x").float()
    still = torch.zeros(n, dtype=torch.bool)
    images = []
    for turn in (0.0, math.pi / 2):
        made = model.parts(given, normal, torch.full((n,), turn), still)
        light = observed.spectra(made, torch.full((n,), 4.0), given["ellipticity"], torch.zeros(n), 64)
        ky, kx = polar.frequency_grid(64)
        blurred = light * torch.exp(-0.5 * (kx**2 + ky**2) * 1.5**2)
        images.append(polar.centred(blurred, 64, 48)[:, 1].detach().numpy())
    turned = np.rot90(images[0], k=-1, axes=(1, 2))  # rows run upwards: counter-clockwise on the sky
    np.testing.assert_allclose(turned, images[1], atol=2e-5)


def test_samples_obey_the_laws_and_do_not_depend_on_their_neighbours(model, asked):
    codec = CutoutCodec()
    rows = told(asked)
    with torch.no_grad():
        outputs = codec.decode(model.sample(codec.encode(rows), Noise(7, torch.arange(8))), rows)
        some = {name: value[2:5] for name, value in rows.items()}
        again = codec.decode(model.sample(codec.encode(some), Noise(7, torch.arange(2, 5))), some)
    image = outputs["image"]
    assert image.shape == (8, 3, 64, 64) and float(image.min()) >= 0.0
    peak = image.amax((-1, -2), keepdim=True)
    assert float(((image[2:5] - again["image"]) / peak[2:5]).abs().max()) < 1e-5
    for law in registry.plugin("galaxy-images").constraints:
        assert float(law.residual(outputs, rows).abs().max()) <= law.tolerance
    assert (outputs["enclosed_flux_fraction"] > 0.7).all()


def simulated_pool(n: int, signal: float = 200.0, deconvolve: bool = True, single: bool = False):
    """Cutouts of a model's own galaxies: mergers without spots, ellipticals of index 1.5."""
    generator = np.random.default_rng(0)
    radius = generator.uniform(2.5, 4.0, n)
    numbers = np.zeros((n, 6))
    numbers[:, 2], numbers[:, 3], numbers[:, 5] = np.log(radius), generator.uniform(-0.3, 0.3, n), np.log(1.5)
    from surrogates.physics.galaxies.profile_fitting import profile_images

    psf = np.broadcast_to(psf_image("gaussian", 3.0).astype(np.float32), (n, 3, 41, 41))
    transfer = polar.psf_spectrum(torch.tensor(psf), 56)
    light = profile_images(torch.tensor(numbers, dtype=torch.float32), transfer, 56, 40).numpy().astype(np.float64)
    noise = np.repeat(0.5 / (signal * np.sqrt(np.pi * (radius**2 + 2.0)))[:, None], 3, axis=1)
    images = light + noise[..., None, None] * generator.standard_normal(light.shape)
    images[:] = images[:, 1:2] if single else images
    codes = (np.arange(n) % len(MORPHOLOGIES)).astype(np.int8)
    return fitted_pool(
        images, np.ones((n, 40, 40), dtype=bool), noise, psf, np.full(n, 0.2), codes, np.full(n, np.nan),
        zero_point=23.0, deconvolve=deconvolve, seed=1, single=np.full(n, single),
    )  # fmt: skip


@pytest.fixture(scope="module")
def pool():
    return simulated_pool(24)[0]


def batch_of(pool, step: int = 0) -> Batch:
    from surrogates.training.pools import encode_pool, pool_from_dataset

    encoded = encode_pool(pool_from_dataset(pool, CONDITIONS.names), CutoutCodec(), torch.float32)
    return Batch(dict(encoded.outputs), dict(encoded.conditions), Noise(step, torch.arange(len(encoded))), step)


def test_noise_is_taken_apart_into_independent_halves():
    noisy, _ = simulated_pool(12, signal=8.0)
    whole, _ = simulated_pool(12, signal=8.0, deconvolve=False)
    deviation = noisy["cutout_noise"].values[:, 1]
    assert np.median(deviation / whole["cutout_noise"].values[: len(deviation), 1]) == pytest.approx(2**0.5, rel=0.1)
    edge = noisy["cutout_image"].values[:, 1, :5].std(axis=(1, 2))
    np.testing.assert_allclose(edge / deviation, 1.0, atol=0.3)


def test_noise_of_one_band_that_stands_for_all_is_one(monkeypatch):
    monkeypatch.setattr(profile_fitting, "ITERATIONS", 3)
    three, _ = simulated_pool(3, signal=40.0)
    one, _ = simulated_pool(3, signal=40.0, single=True)
    np.testing.assert_allclose(one["cutout_signal"] / three["cutout_signal"], 3**-0.5, rtol=0.2)
    assert np.ptp(one["cutout_image"].values, axis=1).max() < 1e-3 * one["cutout_image"].values.max()
    batch = batch_of(one)
    known, frame = batch.encoded, observed_views.frame_of(batch.encoded, batch.conditions, 40)
    transfer = polar.psf_spectrum(known["cutout_psf"].float(), 56)
    model = LightBehindCutouts(CutoutCodec(), width=16)
    loud, quiet = (
        observed.observed(
            model, {**known, "cutout_noise": size * known["cutout_noise"]}, batch.conditions, frame, transfer,
            Noise(1, torch.arange(3)), "a",
        )[0]
        for size in (1.0, 0.0)
    )  # fmt: skip
    grain = (loud - quiet).detach()
    torch.testing.assert_close(grain[:, 0], grain[:, 2], rtol=1e-3, atol=1e-5)
    reddened = known["cutout_image"] * torch.tensor([0.99, 1.0, 1.01])[:, None, None]
    value = observed_views.score(reddened, reddened, known["cutout_image"], known["cutout_weight"], frame)
    assert float(value.mean()) < 3.0  # colours that no cutout has do not outweigh the rest


def test_learning_lowers_the_score_and_keeps_light_positive(pool):
    torch.manual_seed(0)
    model = LightBehindCutouts(CutoutCodec(), width=32)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    encoded, losses = batch_of(pool), []
    for _ in range(7):
        batch = dataclasses.replace(encoded, noise=Noise(1, torch.arange(24)))  # the same draws each time
        for name, loss in learn(model, batch):
            assert name == "light" and loss.shape == (24,)
            optimiser.zero_grad()
            loss.mean().backward()
            optimiser.step()
        losses.append(float(batch.notes["energy_score"]))
    assert losses[-1] < 0.95 * losses[0]
    assert float(batch.notes["negative_light"]) < 0.02


def test_the_score_is_lower_for_the_right_psf(pool):
    batch = batch_of(pool)
    frame = observed_views.frame_of(batch.encoded, batch.conditions, 40)
    torch.manual_seed(0)
    model = LightBehindCutouts(CutoutCodec(), width=32)
    values = []
    for transfer in (polar.psf_spectrum(batch.encoded["cutout_psf"].float(), 56), torch.ones(24, 3, 56, 29)):
        sides = [
            observed.observed(model, batch.encoded, batch.conditions, frame, transfer, Noise(k, torch.arange(24)), "a")[
                0
            ]
            for k in (1, 2)
        ]
        truth, weight = batch.encoded["cutout_image"], batch.encoded["cutout_weight"]
        values.append(float(observed_views.score(sides[0], sides[1], truth, weight, frame).mean().detach()))
    assert values[0] < 0.8 * values[1]


def test_it_learns_from_cutouts_alone_and_has_no_released_weights():
    plugin = registry.plugin("galaxy-images")
    recipe = plugin.recipes["cutouts"]
    assert recipe.data is None and recipe.learns is not None
    for name, value, said in (
        ("psf", "airy", "psf: 'airy'; expected gaussian, moffat or kolmogorov"),
        ("size", "50", "size: 50 pixels; expected a multiple of 8"),
        ("bands", "u,g,r", "bands: u,g,r; expected the planes' names"),
    ):
        with pytest.raises(SchemaError, match=said):
            recipe.using(**{name: value})
    with pytest.raises(surrogates.WeightsError):
        surrogates.load("galaxy-images", model="cutouts")
