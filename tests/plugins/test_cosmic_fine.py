"""Particles 1 Mpc/h apart: what is exact before anything is learned, and that learning helps."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from surrogates.contract.recipe import Batch
from surrogates.noise import Noise
from surrogates.physics.cosmology.background import Cosmology
from surrogates.physics.cosmology.initial_fields import linear_density, white_noise
from surrogates.plugins.cosmic_web.fine import codec, network
from surrogates.plugins.cosmic_web.fine.serving import fine_reference
from surrogates.plugins.cosmic_web.plugin import PLUGIN
from surrogates.plugins.cosmic_web.prior import complete
from surrogates.plugins.cosmic_web.reference import training_boxes
from surrogates.plugins.cosmic_web.variables import CONDITIONS, FINE_SPACING, conditions, outputs, spacing_of

SIDE = 32


@pytest.fixture(scope="module")
def asked():
    """One box of 32^3 particles 1 Mpc/h apart, today."""
    field = linear_density(white_noise(SIDE, 1, 0), SIDE * FINE_SPACING, Cosmology(0.3, 0.8))
    numbers = {"omega_m": [0.3], "sigma_8": [0.8], "redshift": [0.0]}
    return conditions(FINE_SPACING).dataset({**numbers, "initial_density": field[None]})


@pytest.fixture(scope="module")
def evolved(asked):
    return fine_reference().sample(asked, seed=0)


@pytest.fixture(scope="module")
def model() -> network.FineWeb:
    """A network with random weights everywhere, so that nothing holds because it is 0."""
    torch.manual_seed(0)
    made = network.FineWeb(width=4)
    for parameter in made.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


def tensors(dataset, names):
    return {name: torch.tensor(dataset[name].values).double() for name in names}


def waves(points: np.ndarray, side: float) -> np.ndarray:
    """Two plane waves that a lattice of half the points resolves."""
    x, y = points[:, None, None], points[None, :, None]
    return (np.cos(2 * np.pi * 3 * x / side) + np.sin(2 * np.pi * 5 * y / side) + 0 * points).astype(np.float32)


def test_the_weights_serve_a_finer_lattice():
    served = PLUGIN.with_schemas(conditions(FINE_SPACING), outputs(FINE_SPACING))
    assert served == PLUGIN.with_schemas(conditions(FINE_SPACING), outputs(FINE_SPACING))
    assert spacing_of(served.conditions) == 1.0 and spacing_of(PLUGIN.conditions) == 2.0
    assert "1 Mpc/h apart" in served.conditions["initial_density"].long_name
    assert served.conditions.dimension("x").multiple == 64
    again = type(served.conditions).from_json(served.conditions.to_json())
    assert again == served.conditions and spacing_of(again.narrowed({"redshift": (0.0, 1.0)})) == 1.0


def test_fields_that_are_not_given_have_the_finer_lattice(monkeypatch):
    monkeypatch.setattr("surrogates.plugins.cosmic_web.prior.SIDE", 32)
    values = {name: [value] for name, value in (("omega_m", 0.3), ("sigma_8", 0.8), ("redshift", 0.0))}
    unasked = CONDITIONS.dataset({**values, "initial_density": np.full((1, 1, 1, 1), np.nan)})
    fine = complete(conditions(FINE_SPACING), unasked, 1)
    assert fine["initial_density"].shape == (1, 64, 64, 64)
    expected = linear_density(white_noise(64, 1, 0), 64.0, Cosmology(0.3, 0.8))
    assert np.array_equal(fine["initial_density"].values[0], expected)


def test_coarse_points_lie_at_the_middles_of_cubes_and_small_scales_are_what_is_left():
    fine, coarse = np.arange(SIDE, dtype=float), 2 * np.arange(SIDE // 2) + 0.5
    assert np.allclose(codec.coarsened(waves(fine, SIDE)), waves(coarse, SIDE), atol=1e-5)
    assert np.abs(codec.beyond(waves(fine, SIDE))).max() < 1e-5
    noise = white_noise(SIDE, 2, 0)
    short = codec.beyond(noise)
    assert np.abs(codec.coarsened(short)).max() < 1e-5
    kept = (SIDE // 2 - 1) ** 3 / SIDE**3
    assert short.var() == pytest.approx(1 - kept, abs=0.02)


def test_interpolation_keeps_constants_and_follows_slow_waves():
    fine, coarse = np.arange(SIDE, dtype=float), 2 * np.arange(SIDE // 2) + 0.5
    slow = partial(np.multiply, 2 * np.pi / SIDE)
    found = codec.refined(np.cos(slow(coarse))[:, None, None, None] * np.ones((SIDE // 2,) * 3 + (2,), np.float32))
    assert np.allclose(found[:, 3, 4, 1], np.cos(slow(fine)), atol=0.02)
    assert np.allclose(codec.refined(np.full((4, 4, 4, 1), 3.0, np.float32)), 3.0)


def test_cubes_side_by_side_come_back():
    fine = np.random.default_rng(0).normal(size=(8, 8, 8, 6)).astype(np.float32)
    together = torch.from_numpy(codec.gathered(fine)).unflatten(-1, (8, 2, 3))
    made = together.transpose(-3, -2).flatten(-3)  # as the network makes them: eight displacements, then velocities
    assert np.array_equal(network.by_particle(made).numpy(), fine)


def test_the_reference_comes_back_from_its_encoding(evolved):
    fine = codec.FineCodec()
    physical = tensors(evolved, (*CONDITIONS.names, "displacement", "velocity"))
    encoded = fine.encode(physical)
    decoded = fine.decode({"particles": encoded["cheap"] + encoded["missing"]}, physical)
    for name in PLUGIN.outputs.names:
        assert np.allclose(decoded[name].numpy(), evolved[name].values, atol=2e-3 * np.abs(evolved[name].values).max())


def test_every_law_holds_and_a_moved_box_gets_the_moved_answer(model: network.FineWeb, asked):
    fine, physical = codec.FineCodec(), tensors(asked, CONDITIONS.names)
    found = fine.decode(model.sample(fine.encode(physical), None), physical)
    for law in PLUGIN.constraints:
        assert float(law.residual(found, physical).max()) <= law.tolerance
    encoded = fine.encode(physical)
    moved = {**encoded, "cheap": encoded["cheap"].roll(6, 2), "features": encoded["features"].roll(3, 2)}
    here, there = model.sample(encoded, None)["particles"], model.sample(moved, None)["particles"]
    assert torch.allclose(here.roll(6, 2), there, atol=1e-4)


def test_training_lowers_the_loss_of_a_box(evolved, monkeypatch):
    monkeypatch.setattr(network, "CROP", 8)
    torch.manual_seed(0)
    model, fine = network.FineWeb(width=8), codec.FineCodec()
    encoded = fine.encode(tensors(evolved, (*CONDITIONS.names, "displacement", "velocity")))
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    losses = []
    for step in range(12):
        given = {name: encoded[name] for name in ("cheap", "features", "context")}
        batch = Batch({"missing": encoded["missing"]}, given, Noise(0, torch.arange(1)), step)
        ((name, loss),) = network.learn(model, batch)
        assert name == "correction"
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(float(loss.detach().mean()))
    assert losses[-1] < losses[0] - 0.1


def test_fine_training_boxes_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("surrogates.plugins.cosmic_web.prior.SIDE", 16)
    boxes = training_boxes(1, 5, tmp_path, fine_reference())
    assert [path.name for path in tmp_path.iterdir()] == ["fine-5-00000.npz"]
    assert boxes["displacement"].shape == (1, 32, 32, 32, 3)
