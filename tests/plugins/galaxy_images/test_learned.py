"""The learned generator: light kept by every frame, magnitudes as asked, training that learns each part."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogates.noise import Noise
from surrogates.plugins.galaxy_images import geometry, learned, learned_scene, parts
from surrogates.plugins.galaxy_images.colours import bulge_fractions
from surrogates.plugins.galaxy_images.latents import UNIFORMS, structure
from surrogates.plugins.galaxy_images.learned import LearnedGalaxies, PartsCodec
from surrogates.plugins.galaxy_images.learned_training import learn
from surrogates.plugins.galaxy_images.observation import fluxes, with_defaults
from surrogates.plugins.galaxy_images.prior import prior
from surrogates.plugins.galaxy_images.scene import draw_light
from surrogates.plugins.galaxy_images.variables import CONDITIONS, MORPHOLOGIES
from surrogates.training.pools import Batches, Pool, encode_pool

galsim = pytest.importorskip("galsim", reason="the parts need the extra `galaxies`")

Tensors = dict[str, torch.Tensor]
N = 24


@pytest.fixture(scope="module")
def pools() -> list[Pool]:
    """A few parts of each kind, as `part_pools` has them."""
    found = structure(np.random.default_rng(1).random((N, UNIFORMS)))
    edge_on = np.stack([parts.edge_on_disc(angle) for angle in (81.0, 86.0, 90.0)])
    arrays = (
        parts.profiles(np.resize([1.0, 2.0, 4.0], N)),
        {"part_edge_on": np.resize(edge_on, (N, *edge_on.shape[1:])), "inclination": np.resize([81.0, 86.0, 90.0], N)},
        parts.spiral_discs(found),
        {"part_merger": parts.merger_numbers(found)},
    )
    return [Pool({name: torch.tensor(value) for name, value in of.items()}, {}) for of in arrays]


@pytest.fixture(scope="module")
def trained(pools: list[Pool]) -> tuple[PartsCodec, LearnedGalaxies, dict[str, list[float]]]:
    torch.manual_seed(0)
    codec = PartsCodec()
    codec.fit([pool.physical for pool in pools])
    model = LearnedGalaxies(codec, width=32)
    batches = Batches([encode_pool(pool, codec, torch.float32) for pool in pools], 16, 0, 0)
    rates = {"edge_on": 3e-2, "arms": 1e-2}
    optimisers = {
        name: torch.optim.Adam(model.get_submodule(name).parameters(), rates.get(name, 3e-3)) for name in model.ships
    }
    losses: dict[str, list[float]] = {name: [] for name in model.ships}
    for step in range(60):
        for name, loss in learn(model, batches[step]):
            optimisers[name].zero_grad()
            loss.mean().backward(inputs=list(model.get_submodule(name).parameters()))
            optimisers[name].step()
            losses[name].append(float(loss.detach().mean()))
    return codec, model, losses


def galaxies(n: int, seed: int = 3) -> Tensors:
    drawn = prior(CONDITIONS, n, seed)
    return {name: torch.tensor(drawn[name].values) for name in CONDITIONS.names}


def test_every_part_is_learned(trained) -> None:
    for name, values in trained[2].items():
        assert np.mean(values[-5:]) < (0.9 if name != "knots" else 0.97) * values[0], name


def test_magnitudes_are_those_asked_whatever_the_networks_make(trained) -> None:
    """Light inside the stamp over the enclosed fraction is the asked flux in each band."""
    codec, model, _ = trained
    asked = galaxies(16)
    with torch.no_grad():
        made = codec.decode(model.sample(codec.encode(asked), Noise(1, torch.arange(16))), asked)
    found = made["image"].sum((-1, -2)) / made["enclosed_flux_fraction"]
    assert torch.allclose(found, fluxes(asked), rtol=1e-9)
    assert float(made["enclosed_flux_fraction"].min()) > 0.7
    assert float(made["image"].min()) > -1e-3 * float(made["image"].max())


def test_components_have_their_own_seds(trained) -> None:
    """A spiral's bulge is of the old template, its disc of the younger, at the asked redshift: no speckle can arise."""
    _, model, _ = trained
    asked = with_defaults(galaxies(4)) | {
        "morphology": torch.zeros(4, dtype=torch.int64),
        "bulge_fraction": torch.tensor([0.0, 0.3, 0.6, 1.0], dtype=torch.float64),
    }
    arrays = {name: asked[name].numpy() for name in ("bulge_fraction", "redshift", "half_light_radius", "ellipticity",
                                                     "position_angle", "sersic_index")}  # fmt: skip
    scene = learned_scene.build(geometry.SPIRAL, arrays, made(model, 4))
    shares = torch.tensor(bulge_fractions(arrays["bulge_fraction"], arrays["redshift"]))
    smooth = scene.gaussians[0].fluxes
    widths = len(learned_scene.PROFILE_WIDTHS)
    assert torch.allclose(smooth[..., :widths].sum(-1), shares, atol=1e-6)
    assert scene.round is not None
    assert torch.allclose(smooth.sum(-1) + scene.round.fluxes.sum(-1), torch.ones(4, 3).double(), atol=1e-6)
    light = scene.draw(0, 64, 0.1)  # all disc: one colour everywhere
    assert float((light - light[:1]).abs().max()) < 1e-6 * float(light.max())


def made(model: LearnedGalaxies, n: int) -> dict[str, np.ndarray]:
    with torch.no_grad():
        return {
            name: value.numpy()
            for name, value in model.arrays(torch.full((n,), 2.5), Noise(2, torch.arange(n))).items()
        }


def test_a_turn_and_a_shear_of_the_frame_keep_the_light(trained) -> None:
    """The same parts at another angle, size and shape hold the same light, wherever it stays inside the stamp."""
    _, model, _ = trained
    drawn = made(model, 1)
    for kind in range(len(MORPHOLOGIES)):
        low, high = geometry.ellipticity_range(kind)
        for angle, share in ((0.0, 0.0), (37.0, 0.5)):
            asked = with_defaults(galaxies(1)) | {
                "morphology": torch.tensor([kind]),
                "sersic_index": torch.tensor([1.0]).double(),
                "bulge_fraction": torch.tensor([0.0]).double(),
                "half_light_radius": torch.tensor([0.25]).double(),
                "ellipticity": torch.tensor([low + share * (min(high, 0.6) - low)]).double(),
                "position_angle": torch.tensor([angle]).double(),
                "psf": torch.tensor([1]),
            }
            light, _ = draw_light(asked, drawn, build=learned_scene.build)
            assert light.shape[-1] == 128 and light[0].sum((-1, -2)).numpy() == pytest.approx(np.ones(3), abs=0.03)


def test_parts_of_the_truth_come_back_through_the_codec(pools: list[Pool]) -> None:
    codec = PartsCodec()
    codec.fit([pool.physical for pool in pools])
    model = LearnedGalaxies(codec, width=8)
    physical = pools[2].physical
    amplitude, phase = model.harmonics(codec.encode(physical)["disc"].float())
    rows = torch.arange(N)
    strongest = physical["part_arms"]
    assert torch.allclose(amplitude.double(), physical["part_amplitude"], atol=1e-5)
    difference = (phase.double() - physical["part_phase"])[rows, strongest][:, 16:]
    assert float(difference.abs().max()) < 0.1


def test_galaxies_without_parts_do_not_train_it(pools: list[Pool]) -> None:
    codec = PartsCodec()
    batch = Batches([Pool({"light": torch.zeros(4)}, {})], 4, 0, 0)[0]
    with pytest.raises(ValueError, match="part_profile: missing"):
        next(learn(LearnedGalaxies(codec, width=8), batch))


def test_knots_fall_where_the_disc_is_bright(trained) -> None:
    _, model, _ = trained
    drawn = made(model, 12)["knots"]
    radius = np.hypot(drawn[..., 0], drawn[..., 1])
    assert drawn.shape == (12, 30, 2) and 0.04 < radius.min() and radius.max() < 6.6
    cells = learned.knot_cells(
        torch.tensor(np.stack((np.log(radius), np.arctan2(drawn[..., 1], drawn[..., 0]) % (2 * np.pi)), -1))
    )
    assert 0 <= int(cells.min()) and int(cells.max()) < learned.CELLS * learned.ANGLES
