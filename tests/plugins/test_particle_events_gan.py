"""The GAN baseline of tau-pair events keeps every law, whatever its network makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.contract.recipe import Batch
from surrogates.noise import Noise
from surrogates.plugins.particle_events import gan_codec
from surrogates.plugins.particle_events.gan import EventGAN, generate
from surrogates.plugins.particle_events.particles import channels
from surrogates.plugins.particle_events.plugin import PLUGIN

RECIPE = PLUGIN.recipes["gan"]


def conditions(n: int, energy: float, radiation: int = 0, minus: int = -1, plus: int = -1) -> dict[str, torch.Tensor]:
    return {
        "energy": torch.full((n,), energy, dtype=torch.float64),
        "initial_state_radiation": torch.full((n,), radiation),
        "asked_decay_minus": torch.full((n,), minus),
        "asked_decay_plus": torch.full((n,), plus),
    }


def toy_events() -> dict[str, torch.Tensor]:
    """Two events by hand: pi- nu with pi+ nubar, and rho- nu with e+ nu nubar and a radiated photon."""
    ids = torch.zeros((2, 40), dtype=torch.int64)
    parent = torch.zeros_like(ids)
    p = torch.zeros((2, 40, 3), dtype=torch.float64)
    ids[0, :4] = torch.tensor([16, -211, -16, 211])
    parent[0, :4] = torch.tensor([-1, -1, 1, 1])
    p[0, :4] = torch.tensor([[3.0, 0.2, 20.0], [2.5, -0.2, 19.0], [-3.5, 0.3, -25.0], [-2.0, -0.3, -14.0]])
    ids[1, :8] = torch.tensor([16, -211, 22, 22, -16, -11, 12, 22])
    parent[1, :8] = torch.tensor([-1, -1, -1, -1, 1, 1, 1, 0])
    p[1, :8] = torch.randn(8, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 5.0
    energy = torch.sqrt((p**2).sum(-1) + gan_codec.mass_of(ids) ** 2)
    return {
        **conditions(2, 91.2),
        "n_particles": torch.tensor([4, 8]),
        "pdg_id": ids,
        "parent": parent,
        "px": p[..., 0],
        "py": p[..., 1],
        "pz": p[..., 2],
        "E": energy,
        "tau_decay": torch.tensor([[0, 0], [4, 2]]),
    }


@pytest.fixture
def fitted() -> tuple[EventGAN, gan_codec.EventGANCodec]:
    torch.manual_seed(0)
    codec = gan_codec.EventGANCodec()
    codec.fit([toy_events()])
    return EventGAN(codec, hidden=32, layers=2), codec


@pytest.mark.parametrize("energy", [10.6, 91.2, 250.0])
@pytest.mark.parametrize("radiation", [0, 1])
def test_every_law_holds_for_an_untrained_network(fitted, energy: float, radiation: int) -> None:
    model, codec = fitted
    asked = conditions(300, energy, radiation)
    with torch.no_grad():
        outputs = codec.decode(model.sample(asked, Noise(5, torch.arange(300))), asked)
    for law in PLUGIN.constraints:
        assert float(law.residual(outputs, asked).abs().max()) <= law.tolerance, law.name


def test_every_asked_channel_is_made_though_training_events_lack_it(fitted) -> None:
    model, codec = fitted
    n = len(channels())
    asked = conditions(n, 40.0)
    asked["asked_decay_minus"], asked["asked_decay_plus"] = torch.arange(n), torch.arange(n).flip(0)
    with torch.no_grad():
        outputs = codec.decode(model.sample(asked, Noise(1, torch.arange(n))), asked)
    assert torch.equal(outputs["tau_decay"], torch.stack((torch.arange(n), torch.arange(n).flip(0)), dim=1))
    for law in PLUGIN.constraints:
        assert float(law.residual(outputs, asked).abs().max()) <= law.tolerance, law.name


def test_free_channels_follow_the_branching_fractions(fitted) -> None:
    model, codec = fitted
    n = 20_000
    with torch.no_grad():
        made = model.sample(conditions(n, 91.2), Noise(2, torch.arange(n)))
    found = torch.bincount(gan_codec.contents_of(codec.code)[1][made["content"]].flatten(), minlength=len(channels()))
    expected = np.array([channel.branching_fraction for channel in channels()])
    spread = np.sqrt(expected / (2 * n))
    assert (np.abs(found.numpy() / (2 * n) - expected / expected.sum()) < 5.0 * spread).all()


def test_outputs_fill_the_schema(fitted) -> None:
    model, codec = fitted
    asked = conditions(8, 91.2)
    with torch.no_grad():
        outputs = codec.decode(model.sample(asked, Noise(2, torch.arange(8))), asked)
    made = PLUGIN.outputs.dataset({name: tensor.numpy() for name, tensor in outputs.items()})
    assert set(PLUGIN.outputs.names) <= set(made.data_vars)
    assert (made["n_particles"].values == (made["pdg_id"].values != 0).sum(axis=1)).all()


def test_decay_vertices_lie_along_the_taus(fitted) -> None:
    model, codec = fitted
    asked = conditions(64, 91.2)
    with torch.no_grad():
        outputs = codec.decode(model.sample(asked, Noise(2, torch.arange(64))), asked)
    for axis in "xyz":
        flown = outputs[f"tau_v{axis}"] * outputs["tau_E"]
        assert torch.allclose(flown, outputs["tau_vt"] * outputs[f"tau_p{axis}"], rtol=1e-9, atol=1e-12)
    assert bool((outputs["tau_vt"] > 0).all())


def test_coordinates_give_the_momenta_back_up_to_a_turn_about_the_beam() -> None:
    events = toy_events()
    _, momenta, fits = gan_codec.slots_of(events)
    assert bool(fits.all())
    beam = events["energy"] / 2.0
    scaled = momenta / beam[:, None, None]
    back = gan_codec.momenta_of(gan_codec.coordinates_of(scaled, beam), beam)
    assert torch.allclose(back, gan_codec.event_frame(scaled)[0], atol=1e-9)


def test_content_codes_name_channel_and_products() -> None:
    usual = gan_codec.usual_content(7)
    kinds = gan_codec.kind_of(torch.tensor(usual + [0] * gan_codec.SIDE)[: gan_codec.SIDE])
    ids, channel = gan_codec.contents_of(gan_codec.content_code(kinds, torch.tensor(7))[None])
    assert ids[0, : len(usual)].tolist() == usual
    assert channel.tolist() == [7]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(10.6, 250.0), st.integers(2, 20))
def test_projection_reaches_the_beams_from_any_momenta(seed: int, energy: float, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    p = torch.randn(16, count, 3, generator=generator, dtype=torch.float64)
    mass = torch.rand(16, count, generator=generator, dtype=torch.float64) * 0.5
    present = torch.ones(16, count, dtype=torch.bool)
    total = torch.full((16,), energy, dtype=torch.float64)
    out = gan_codec.project(gan_codec.on_shell(p, mass, present), mass, total)
    assert float(out[..., :3].sum(1).abs().max()) <= 1e-9 * energy
    assert float((out[..., 3].sum(1) - energy).abs().max()) <= 1e-9 * energy
    assert torch.allclose(out[..., 3] ** 2 - (out[..., :3] ** 2).sum(-1), mass**2, atol=1e-9 * energy**2)


def test_projection_has_the_gradient_that_differences_show() -> None:
    torch.manual_seed(1)
    p = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    mass = torch.rand(2, 4, dtype=torch.float64)
    present = torch.ones(2, 4, dtype=torch.bool)
    total = torch.full((2,), 20.0, dtype=torch.float64)

    def projected(q: torch.Tensor) -> torch.Tensor:
        return gan_codec.project(gan_codec.on_shell(q, mass, present), mass, total)

    assert torch.autograd.gradcheck(projected, (p,))


def test_training_steps_lower_the_four_momentum_violation(fitted) -> None:
    model, codec = fitted
    encoded = codec.encode(toy_events())
    asked = {name: encoded.pop(name) for name in PLUGIN.conditions.names}
    parts = {name: list(getattr(model, name).parameters()) for name in ("generator", "discriminator")}
    optimisers = {name: torch.optim.Adam(parameters, lr=2e-3) for name, parameters in parts.items()}
    violation = []
    for step in range(60):
        batch = Batch(encoded, asked, Noise(step, torch.arange(2)), step)
        torch.manual_seed(step)
        for name, loss in RECIPE.phases[0].steps(model, batch):
            optimisers[name].zero_grad()
            loss.mean().backward(inputs=parts[name])
            optimisers[name].step()
        with torch.no_grad():
            violation.append(float(generate(model, batch, "probe")[:, gan_codec.WIDTH].mean()))
    assert np.mean(violation[-10:]) < 0.8 * np.mean(violation[:10])
