"""The literature's methods on the learned generator's frames: shapes, bits, and training that lowers what it should."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from surrogates.models.diffusion import Sampler
from surrogates.models.scoring import energy_score
from surrogates.noise import Noise
from surrogates.plugins.galaxy_images import parts, parts_diffusion, parts_gan
from surrogates.plugins.galaxy_images.latents import UNIFORMS, structure
from surrogates.plugins.galaxy_images.learned import NOISE, LearnedGalaxies, PartsCodec
from surrogates.plugins.galaxy_images.learned_training import learn, pools_of
from surrogates.plugins.galaxy_images.parts import HIGHEST, MERGER_NUMBERS, REFERENCE, RINGS
from surrogates.plugins.galaxy_images.parts_diffusion import COMPONENTS, PartsDiffusion, ScoresCodec
from surrogates.plugins.galaxy_images.parts_gan import PartsGAN
from surrogates.plugins.galaxy_images.plugin import PLUGIN
from surrogates.plugins.galaxy_images.prior import prior
from surrogates.plugins.galaxy_images.variables import CONDITIONS
from surrogates.training.pools import Batches, Pool, encode_pool

pytest.importorskip("galsim", reason="the parts need the extra `galaxies`")

Tensors = dict[str, Tensor]
N = 40
NUMBERS = 2 * HIGHEST * len(RINGS)


@pytest.fixture(scope="module")
def pools() -> list[Pool]:
    """A few parts of each kind, as `part_pools` has them."""
    found = structure(np.random.default_rng(2).random((N, UNIFORMS)))
    edge_on = np.stack([parts.edge_on_disc(angle) for angle in (82.0, 90.0)])
    arrays = (
        parts.profiles(np.resize([1.0, 2.0, 4.0], N)),
        {"part_edge_on": np.resize(edge_on, (N, *edge_on.shape[1:])), "inclination": np.resize([82.0, 90.0], N)},
        parts.spiral_discs(found),
        {"part_merger": parts.merger_numbers(found)},
    )
    return [Pool({name: torch.tensor(value) for name, value in of.items()}, {}) for of in arrays]


def fitted(codec: PartsCodec, pools: list[Pool]) -> tuple[PartsCodec, Batches]:
    codec.fit([pool.physical for pool in pools])
    return codec, Batches([encode_pool(pool, codec, torch.float32) for pool in pools], 32, 0, 0)


@pytest.fixture(scope="module")
def gan(pools: list[Pool]) -> tuple[PartsGAN, PartsCodec, Batches]:
    codec, batches = fitted(PartsCodec(), pools)
    torch.manual_seed(0)
    return PartsGAN(codec, width=32), codec, batches


@pytest.fixture(scope="module")
def diffusion(pools: list[Pool]) -> tuple[PartsDiffusion, PartsCodec, Batches]:
    codec, batches = fitted(ScoresCodec(), pools)
    assert isinstance(codec, ScoresCodec)
    torch.manual_seed(0)
    return PartsDiffusion(codec, width=32), codec, batches


def trained(
    model: LearnedGalaxies, steps, batches: Batches, pool: int, updates: int, rate: float, only: str
) -> list[float]:
    """Losses of one submodule, by which it alone is updated, in steps of one pool."""
    weights = list(model.get_submodule(only).parameters())
    optimiser = torch.optim.Adam(weights, rate, betas=(0.5, 0.99))
    losses = []
    for step in range(updates):
        torch.manual_seed(step)
        loss = next(loss for name, loss in steps(model, pools_of(batches[step])[pool]) if name == only).mean()
        optimiser.zero_grad()
        loss.backward(inputs=weights)
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def test_the_learned_recipe_learns_as_it_did(pools: list[Pool]) -> None:
    """The loss of `learned`, stated again on its own: shared code changed none of its numbers."""
    codec, batches = fitted(PartsCodec(), pools)
    torch.manual_seed(0)
    model, batch, other = LearnedGalaxies(codec, width=32), batches[3], batches[3]
    found = dict(learn(model, batch))
    assert list(found) == ["profile", "edge_on", "arms", "disc", "knots", "merger"]
    arms, truth = other.encoded["2/arms"], other.encoded["2/disc"].float()
    told = functional.one_hot(arms, HIGHEST).float()
    light = torch.tensor(np.sqrt(RINGS**2 * np.exp(-RINGS))).float()

    def views(numbers: Tensor) -> list[Tensor]:
        weighted = (numbers * codec.disc_spread.float()).reshape(-1, 2 * HIGHEST, len(RINGS)) * light
        amplitude, phase = model.harmonics(numbers)
        waves = torch.stack((amplitude * torch.cos(phase), amplitude * torch.sin(phase)), dim=2) * light
        return [weighted.flatten(1), weighted, waves.flatten(1), weighted.mean(-1, keepdim=True)]

    drawn = [model.disc(other.noise.normal((NOISE,), f"disc {k}").float(), told) for k in (1, 2)]
    wanted = sum(energy_score(*view) for view in zip(*(views(side) for side in (*drawn, truth)), strict=True))
    assert torch.allclose(found["disc"], torch.as_tensor(wanted), rtol=1e-5)

    def merger_views(numbers: Tensor) -> list[Tensor]:
        whole = numbers * codec.merger_spread.float() + codec.merger_mean.float()
        light, x, y = whole[:, 6:].reshape(len(whole), 3, -1).unbind(1)
        share = torch.exp(light.clamp(max=0.0)) / torch.exp(light.clamp(max=0.0)).sum(1, keepdim=True)
        moments = torch.stack([(share * p).sum(1) for p in (x, y, x * x, x * y, y * y)], dim=-1)
        return [numbers / math.sqrt(MERGER_NUMBERS), numbers[..., None], numbers[:, :6], torch.cat((x, y), 1), moments]

    drawn = [model.merger(other.noise.normal((NOISE,), f"merger {k}").float()) for k in (1, 2)]
    sides = [merger_views(side) for side in (*drawn, other.encoded["3/merger"].float())]
    wanted = sum(energy_score(*view) for view in zip(*sides, strict=True))
    assert torch.allclose(found["merger"], torch.as_tensor(wanted), rtol=1e-4)
    wanted = -torch.log_softmax(model.arms[0], 0)[arms]
    assert torch.allclose(found["arms"], wanted)


@pytest.mark.parametrize("kind", ["gan", "diffusion"])
def test_parts_and_their_bits_belong_to_the_sample(kind: str, request: pytest.FixtureRequest) -> None:
    """A galaxy's light is the same whatever the others in its batch are, and differs from sample to sample."""
    model, codec, _ = request.getfixturevalue(kind)
    model.eval()
    drawn = prior(CONDITIONS, 8, 3)
    asked = codec.encode({name: torch.tensor(drawn[name].values) for name in CONDITIONS.names})
    with torch.no_grad():
        made = model.parts(Noise(1, torch.arange(8)))
        first = model.sample(asked, Noise(1, torch.arange(8)))["light"]
        mixed = torch.tensor([0, 21, 2, 33, 4, 5, 36, 7])
        again = model.sample(asked, Noise(1, mixed))["light"]
    assert made["amplitude"].shape == made["phase"].shape == (8, HIGHEST, len(RINGS))
    assert made["merger"].shape == (8, MERGER_NUMBERS) and float(made["amplitude"].min()) >= 0.0
    assert made["merger"].std(0).max() > 0.0 and made["amplitude"].std(0).max() > 0.0
    for row in range(8):
        same = int(mixed[row]) == row
        assert torch.equal(first[row], again[row]) or not same
    reference = torch.tensor(RINGS)
    inside = int(torch.searchsorted(reference, torch.tensor(REFERENCE)))
    numbers = torch.zeros(1, NUMBERS)
    assert abs(float(model.harmonics(numbers)[1][0, 0, inside - 1 : inside + 1].mean())) < 1.0


def test_critics_see_what_the_scores_compare_and_both_sides_learn(gan) -> None:
    model, _, batches = gan
    pool = pools_of(batches[0])
    disc, merger = pool[2].encoded["disc"], pool[3].encoded["merger"].float()
    assert parts_gan.seen_disc(model, disc).shape == (32, 2 * NUMBERS + 2 * HIGHEST)
    assert parts_gan.seen_merger(model, merger).shape[1] == model.merger_critic.entry.in_features
    assert 0.2 < float(parts_gan.seen_disc(model, disc).square().mean().sqrt()) < 5.0
    assert not {"disc_critic", "merger_critic"} & set(model.ships)

    critic = trained(model, parts_gan.play_merger, batches, 3, 16, 4e-3, only="merger_critic")
    assert np.mean(critic[-3:]) < 0.7 * math.log(2.0)  # it tells truth from what an untrained network draws
    made = trained(model, parts_gan.play_merger, batches, 3, 12, 4e-3, only="merger")
    assert np.mean(made[-3:]) < 0.8 * np.mean(made[:3])  # and the network learns to pass


def test_the_disc_critic_is_told_the_number_of_arms(gan) -> None:
    model, _, batches = gan
    batch = pools_of(batches[1])[2]
    names = [name for name, loss in parts_gan.play_disc(model, batch) if bool(torch.isfinite(loss).all())]
    assert names == ["disc_critic", "disc"]
    seen = parts_gan.seen_disc(model, batch.encoded["disc"].float())
    scores = [model.disc_critic(seen, functional.one_hot(torch.full((32,), k), HIGHEST).float()) for k in (1, 2)]
    assert not torch.allclose(*scores)


def test_scores_of_components_hold_the_numbers(diffusion) -> None:
    model, codec, batches = diffusion
    pool = pools_of(batches[0])
    for name, row in (("disc", 2), ("merger", 3)):
        numbers = pool[row].encoded[name].float()
        kind = pool[row].encoded["arms"] if name == "disc" else torch.zeros(len(numbers), dtype=torch.int64)
        found = model.scores(name, numbers, kind)
        assert found.shape == (32, COMPONENTS[name]) and float(found.abs().max()) < 10.0
        back = getattr(codec, f"{name}_middle")[kind] + torch.einsum(
            "nk,nik->ni", found.double(), getattr(codec, f"{name}_axes")[kind]
        )
        assert float((back - numbers).square().mean()) < 1e-3 * float(numbers.square().mean())


def test_diffusion_learns_to_find_the_noise(diffusion) -> None:
    model, _, batches = diffusion

    def missed() -> float:
        """Error of the noise found in discs, at times and noise that no update sees."""
        with torch.no_grad():
            torch.manual_seed(1_000)
            losses = [dict(parts_diffusion.disc_steps(model, pools_of(batches[k])[2]))["disc"] for k in range(8)]
        return float(torch.cat(losses).mean())

    before = missed()
    trained(model, parts_diffusion.disc_steps, batches, 2, 40, 1e-2, "disc")
    assert missed() < 0.85 * before
    (name,) = dict(parts_diffusion.merger_steps(model, pools_of(batches[0])[3]))
    assert name == "merger"
    few, many = (PLUGIN.recipes[name] for name in ("parts-gan", "parts-ddpm"))
    assert few.baseline and many.baseline
    noise = Noise(3, torch.arange(16))
    model.options = Sampler(steps=4)
    with torch.no_grad():
        made = model.draw_merger(noise)
    assert made.shape == (16, MERGER_NUMBERS) and 0.2 < float(made.std()) < 3.0
