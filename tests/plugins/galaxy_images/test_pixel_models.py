"""The GAN and the diffusion model of galaxies: recipes as published, samples by identity, training that learns."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from test_pixels import asked, gaussian_galaxies
from torch import Tensor, nn

from surrogates.contract.recipe import Batch
from surrogates.models.diffusion import Sampler
from surrogates.noise import Noise
from surrogates.plugins.galaxy_images import gan as gan_module
from surrogates.plugins.galaxy_images import pixel_recipes
from surrogates.plugins.galaxy_images.ddpm import GalaxyDiffusion, flux_error, learn
from surrogates.plugins.galaxy_images.gan import GalaxyGAN, play, pretrain
from surrogates.plugins.galaxy_images.pixels import MEASURABLE, PixelCodec
from surrogates.training.pools import Batches, Pool, encode_pool

Tensors = dict[str, Tensor]
N = 48


@pytest.fixture(scope="module")
def data() -> tuple[PixelCodec, Pool]:
    conditions = asked(N, seed=5)
    conditions = {k: v for k, v in conditions.items() if k[:5] not in ("blend", "noise", "psf_i")}
    pool = Pool(gaussian_galaxies(conditions), conditions)
    codec = PixelCodec()
    codec.fit([pool.physical])
    return codec, encode_pool(pool, codec, torch.float32)


@pytest.fixture
def gan() -> GalaxyGAN:
    torch.manual_seed(0)
    return GalaxyGAN(width=8)


@pytest.fixture
def diffusion(data: tuple[PixelCodec, Pool]) -> GalaxyDiffusion:
    torch.manual_seed(0)
    model = GalaxyDiffusion(data[0], width=8)
    nn.init.normal_(model.network.exit.weight, std=0.1)
    return model


def batch(data: tuple[PixelCodec, Pool], step: int = 0) -> Batch:
    return Batches([data[1]], 16, 0, 0)[step]


def fit(model: nn.Module, steps, data: tuple[PixelCodec, Pool], updates: int, rate: float = 2e-3) -> dict[str, float]:
    """Train with a plain loop; the mean losses of the last 5 updates."""
    optimisers = {name: torch.optim.Adam(child.parameters(), rate) for name, child in model.named_children()
                  if list(child.parameters())}  # fmt: skip
    losses: dict[str, list[float]] = {}
    for step in range(updates):
        for name, loss in steps(model, batch(data, step)):
            optimisers[name].zero_grad()
            loss.mean().backward(inputs=list(model.get_submodule(name).parameters()))
            optimisers[name].step()
            losses.setdefault(name, []).append(float(loss.detach().mean()))
    return {name: sum(values[-5:]) / len(values[-5:]) for name, values in losses.items()}


def test_the_recipe_is_the_published_one() -> None:
    recipe = pixel_recipes.gan()
    assert len(recipe.phases) == 2 and gan_module.LATENT == 100 and gan_module.LAMBDA == 3.0
    assert set(recipe.phases[0].optimisers) >= {"predictor"} and "predictor" not in recipe.phases[1].optimisers
    for settings in recipe.phases[1].optimisers.values():
        assert (settings.learning_rate, settings.betas, settings.clip) == (1.5e-4, (0.5, 0.999), 1.0)
    game = gan_module.GAME
    assert (game.loss, 1 - game.smoothing, game.fake_smoothing) == ("logistic", 0.9, 0.1)
    schedule = GalaxyDiffusion(PixelCodec(), width=8).schedule
    added = 1.0 - schedule.kept / torch.cat((torch.ones(1).double(), schedule.kept[:-1]))
    assert torch.allclose(added, torch.linspace(1e-4, 0.02, 1000).double(), atol=1e-7)


def test_released_networks_hold_at_most_15_megabytes() -> None:
    for model in (GalaxyGAN(), GalaxyDiffusion(PixelCodec())):
        shipped = sum(p.numel() for name in model.ships for p in model.get_submodule(name).parameters())
        assert 1e5 < shipped < 15e6 / 4


def test_pretraining_teaches_the_predictor_the_generator_and_the_missing_flux(gan: GalaxyGAN, data) -> None:
    before = fit(copy.deepcopy(gan), pretrain, data, 2)
    after = fit(gan, pretrain, data, 25, 4e-3)
    assert after["predictor"] < 0.5 * before["predictor"]
    assert after["generator"] < 0.5 * before["generator"]
    assert after["enclosed"] < 0.8 * before["enclosed"]


def test_the_game_updates_discriminator_and_generator_and_logs_balance_and_attributes(gan: GalaxyGAN, data) -> None:
    drawn = batch(data)
    names = [name for name, loss in play(gan, drawn) if loss.shape == (16,) and bool(torch.isfinite(loss).all())]
    assert names == ["discriminator", "generator"]
    assert 0.0 <= float(drawn.notes["separation"]) <= 1.0 and float(drawn.notes["attribute_error"]) > 0.0


def test_the_attribute_error_is_that_of_the_asked_numbers_and_moves_the_generator(gan: GalaxyGAN, data) -> None:
    drawn = batch(data)
    gan.predict = lambda images: drawn.conditions["attributes"][:, :MEASURABLE] + 0.1  # type: ignore[method-assign]
    error = gan_module.attribute_error(gan, drawn, drawn.encoded["image"])
    assert torch.allclose(error, torch.full((16,), 0.01), atol=1e-6)
    del gan.predict
    loss = gan_module.attribute_error(gan, drawn, gan_module.generate(gan, drawn, "test")).mean()
    loss.backward()
    assert all(bool(p.grad.any()) for p in gan.generator.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", ["gan", "diffusion"])
def test_a_sample_depends_on_its_identity_and_condition_alone(kind: str, data, request) -> None:
    model, codec = request.getfixturevalue(kind).eval(), data[0]
    if kind == "diffusion":
        model.options = Sampler(3)
    conditions = asked(8)
    plain = codec.encode(conditions)
    with torch.no_grad():
        first = model.sample(plain, Noise(1, torch.arange(8)))
        other = model.sample(plain, Noise(2, torch.arange(8)))
        conditions["blend_with"][2], conditions["blend_fraction"][2], conditions["noise_r"][5] = 1, 0.4, 10.0
        mixed = model.sample(codec.encode(conditions), Noise(1, torch.arange(8)))
    assert torch.equal(first["image"], mixed["image"])
    assert not torch.allclose(first["image"], other["image"])
    assert "second_image" in mixed and "second_image" not in first
    decoded, plainly = codec.decode(mixed, conditions), codec.decode(first, asked(8))
    changed = (decoded["image"] != plainly["image"]).flatten(1).any(1)
    assert changed.tolist() == [row in (2, 5) for row in range(8)]


def test_diffusion_passes_the_network_as_often_as_its_sampler_says(diffusion: GalaxyDiffusion, data) -> None:
    calls = []
    diffusion.network.register_forward_hook(lambda *_: calls.append(1))
    encoded = data[0].encode(asked(2))
    for options in (Sampler(2), Sampler(5), Sampler(5, "ancestral")):
        calls.clear()
        diffusion.options = options
        with torch.no_grad():
            diffusion.sample(encoded, Noise(0, torch.arange(2)))
        assert len(calls) == options.steps
    assert {field.name for field in dataclasses.fields(diffusion.options)} == {"steps", "method"}


def test_the_flux_law_holds_on_the_reference_and_fails_on_brighter_images(diffusion: GalaxyDiffusion, data) -> None:
    drawn = batch(data)
    assert float(flux_error(diffusion, drawn, drawn.encoded["image"]).max()) < 1e-3
    assert float(flux_error(diffusion, drawn, drawn.encoded["image"] + 0.2).min()) > 0.01
    images = (drawn.encoded["image"] + 0.1).requires_grad_()
    flux_error(diffusion, drawn, images).sum().backward()
    assert images.grad is not None and bool(images.grad.any())


def test_diffusion_learns_to_find_the_noise(data) -> None:
    torch.manual_seed(0)
    after = fit(GalaxyDiffusion(data[0], width=32, multipliers=(1,)), learn, data, 25, 4e-3)
    assert after["network"] < 0.85  # 1 is a network that finds nothing
