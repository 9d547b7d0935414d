"""Subjets and the jet codec: assignment, exact moments, laws."""

import math

import numpy as np
import torch

from surrogates.physics.jets import observables
from surrogates.physics.jets.subjets import SUBJETS, assign, one_hot, whiten
from surrogates.plugins.jets.codec import VECTOR, JetCodec, describe, from_uniform, subjet_counts, to_uniform, with_mass
from surrogates.plugins.jets.plugin import LAWS

AXES = np.array([[0.0, 0.0], [0.3, 0.1], [-0.1, 0.35]])


def pronged_jets(n: int, seed: int = 3, least: int = 31) -> dict[str, torch.Tensor]:
    """Jets of three sprays with `least` to 60 constituents, the leading 30 kept."""
    rng = np.random.default_rng(seed)
    number = rng.integers(least, 61, n)
    share = np.sort(rng.dirichlet(np.full(60, 0.3), n), axis=1)[:, ::-1][:, :30]
    kept = np.minimum(number, 30)
    share = share * (np.arange(30) < kept[:, None])
    share *= (rng.uniform(0.85, 0.99, n) / share.sum(1))[:, None]
    which = rng.integers(0, 3, (n, 30))
    position = AXES[which] + rng.normal(0, 0.02, (n, 30, 2))
    position -= (share[..., None] * position).sum(1, keepdims=True) / share.sum(1)[:, None, None]
    filled = np.arange(30) < kept[:, None]
    values = {
        "jet_type": np.arange(n) % 3,
        "jet_pt": rng.uniform(700, 1300, n),
        "jet_eta": rng.normal(0, 0.8, n),
        "n_constituents": kept,
        "n_constituents_all": number,
        "constituent_eta_rel": position[..., 0] * filled,
        "constituent_phi_rel": position[..., 1] * filled,
        "constituent_pt_rel": share,
    }
    jets = {name: torch.tensor(value) for name, value in values.items()}
    array = np.stack([values[f"constituent_{name}_rel"] for name in ("eta", "phi", "pt")], axis=-1)
    mass = observables.relative_mass(array) * values["jet_pt"]
    jets["jet_mass"] = torch.tensor(mass * rng.uniform(1.01, 1.3, n) + 1.0)
    return jets


def test_constituents_of_three_separate_sprays_go_to_their_own_subjets():
    positions = np.repeat(AXES, 4, axis=0) + 0.01 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]] * 3)
    pt = np.array([0.30, 0.02, 0.03, 0.01, 0.20, 0.02, 0.02, 0.01, 0.10, 0.02, 0.01, 0.01])
    jet = np.concatenate([positions, pt[:, None]], axis=1)[None]
    assert assign(jet)[0].tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_subjets_are_ordered_by_momentum():
    jets = pronged_jets(200)
    array = torch.stack([jets[f"constituent_{name}_rel"] for name in ("eta", "phi", "pt")], dim=-1).numpy()
    label = assign(array)
    sums = np.stack([(array[..., 2] * (label == k)).sum(1) for k in range(SUBJETS)], axis=1)
    assert (np.diff(sums, axis=1) <= 1e-12).all()


def test_membership_fills_slots_subjet_by_subjet():
    member = one_hot(torch.tensor([[2, 1, 0], [1, 1, 2]]), 5)
    assert member.argmax(-1)[1, :4].tolist() == [0, 1, 2, 2]
    assert member.sum((1, 2)).tolist() == [3.0, 4.0]


def test_whitened_subjets_have_unit_moments():
    draw = torch.Generator().manual_seed(0)
    member = one_hot(torch.tensor([[9, 6, 4]] * 50), 30).double()
    x, y, share = whiten(torch.randn((50, 30, 3), generator=draw, dtype=torch.float64), member)
    for values, expected in ((share, 1.0), (share * x, 0.0), (share * y, 0.0), (share * (x**2 + y**2), 1.0)):
        found = (values[..., None] * member).sum(1)
        assert torch.allclose(found, torch.full_like(found, expected), atol=1e-9)


def test_codec_gives_back_the_jets_up_to_their_orientation():
    jets = pronged_jets(600)
    codec = JetCodec()
    codec.fit([jets])
    encoded = codec.encode(jets)
    draw = torch.Generator().manual_seed(1)
    turned = {
        "angle": 2 * math.pi * torch.rand(600, generator=draw, dtype=torch.float64),
        "mirror": torch.ones(600, dtype=torch.float64),
    }
    again = codec.decode({**encoded, **turned}, jets)
    assert torch.equal(again["n_constituents"], jets["n_constituents"].long())
    before, after = (
        torch.stack([side[f"constituent_{name}_rel"].double() for name in ("eta", "phi", "pt")], dim=-1).numpy()
        for side in (jets, again)
    )
    assert np.allclose(observables.pt_sum(after), observables.pt_sum(before), rtol=1e-6)
    assert np.allclose(observables.n_subjettiness(after), observables.n_subjettiness(before), rtol=0.02)
    assert np.allclose(observables.relative_mass(after), observables.relative_mass(before), rtol=1e-3)
    assert torch.allclose(again["jet_mass"], jets["jet_mass"].double(), rtol=5e-3)
    assert torch.equal(again["n_constituents_all"], jets["n_constituents_all"].long())


def test_any_point_of_the_hypercube_decodes_to_a_jet_that_keeps_the_laws():
    jets = pronged_jets(400, least=2)
    codec = JetCodec()
    codec.fit([jets])
    draw = torch.Generator().manual_seed(2)
    encoded = {
        "vector": torch.rand((400, len(VECTOR)), generator=draw, dtype=torch.float64),
        "points": 1.5 * torch.randn((400, 30, 3), generator=draw, dtype=torch.float64),
        "angle": 2 * math.pi * torch.rand(400, generator=draw, dtype=torch.float64),
        "mirror": torch.ones(400, dtype=torch.float64),
    }
    made = codec.decode(encoded, jets)
    for law in LAWS:
        assert law.residual(made, jets).abs().max() <= law.tolerance, law.name
    assert torch.isfinite(made["jet_mass"]).all()


def test_counts_survive_the_quantile_tables():
    jets = pronged_jets(500, least=2)
    codec = JetCodec()
    codec.fit([jets])
    vector, _, member, _, _ = describe(jets)
    uniform = to_uniform(vector, codec.quantiles, jets["jet_type"])
    assert ((uniform >= 0) & (uniform <= 1)).all()
    counts = subjet_counts(from_uniform(uniform, codec.quantiles, jets["jet_type"]))
    assert (counts != member.sum(1).long()).any(-1).double().mean() < 0.02


def test_asked_mass_holds_and_constituents_stay_inside_the_jet():
    draw = torch.Generator().manual_seed(4)
    eta, phi = (torch.randn((50, 30), generator=draw, dtype=torch.float64) for _ in range(2))
    weight = torch.softmax(torch.randn((50, 30), generator=draw, dtype=torch.float64), dim=-1)
    asked = torch.linspace(0.02, 0.25, 50, dtype=torch.float64)
    eta, phi = (side - (weight * side).sum(-1, keepdim=True) for side in (eta, phi))
    centre = torch.full((50,), 0.01, dtype=torch.float64), torch.full((50,), -0.02, dtype=torch.float64)
    array = torch.stack((*with_mass(eta, phi, weight, centre, asked), weight), dim=-1).numpy()
    assert np.allclose(observables.relative_mass(array), asked.numpy(), rtol=1e-4)
    wide = torch.stack((*with_mass(eta, phi, weight, centre, 3.0 * asked), weight), dim=-1).numpy()
    assert np.hypot(wide[..., 0], wide[..., 1]).max() <= 0.8 + 1e-12


def test_each_training_phase_has_finite_gradients_for_jets_of_any_size():
    from surrogates.contract.recipe import Batch
    from surrogates.noise import Noise
    from surrogates.plugins.jets.network import JetModel, calibrate, distil, learn_set, learn_vector, match

    jets = pronged_jets(24, least=2)
    codec = JetCodec()
    codec.fit([jets])
    encoded = codec.encode(jets)
    model = JetModel(codec, width=8, layers=2)
    conditions = {"context": encoded.pop("context")}
    for phase in (learn_vector, calibrate, learn_set, distil, match):
        for name, loss in phase(model, Batch(encoded, conditions, Noise(1, torch.arange(24)), 0)):
            assert loss.shape == (24,)
            model.zero_grad()
            loss.mean().backward()
            gradients = [p.grad for p in model.get_submodule(name).parameters() if p.grad is not None]
            assert gradients and all(torch.isfinite(gradient).all() for gradient in gradients)
