"""The literature's GAN of crystals: its validity loss, its primitive cells, and what it is asked."""

import numpy as np
import pytest
import torch

from surrogates import registry
from surrogates.noise import Noise
from surrogates.physics.crystals.distances import nearest_distances, reduced_cell
from surrogates.physics.crystals.elements import RADIUS
from surrogates.physics.crystals.periodic import changes_of_basis, shortest_images, shortfall
from surrogates.plugins.crystals.gan_codec import ASKED, MOST_SLOTS, GanCodec, lattices, primitive, slots
from surrogates.plugins.crystals.packaged import library
from surrogates.plugins.crystals.truth import prior, stated


def test_cells_are_reduced_in_batches():
    vectors = np.random.default_rng(0).normal(size=(200, 3, 3)).cumsum(axis=1)
    change = changes_of_basis(vectors)
    assert (np.abs(np.round(np.linalg.det(change))) == 1).all()
    for one, whole in zip(change @ vectors, vectors, strict=True):
        lengths = [np.sort(np.linalg.norm(basis, axis=1)) for basis in (one, reduced_cell(whole)[0])]
        assert np.allclose(*lengths)


def test_nearest_images_are_those_of_a_large_supercell():
    generator = np.random.default_rng(1)
    vectors, points = generator.normal(size=(5, 3, 3)).cumsum(axis=1) * 3, generator.random((5, 4, 3))
    found = shortest_images(torch.tensor(vectors), torch.tensor(points)).numpy()
    span = np.arange(-9, 10)
    images = np.stack(np.meshgrid(span, span, span), axis=-1).reshape(-1, 3)
    for row in range(5):
        gap = points[row][None] - points[row][:, None]
        far = np.linalg.norm((gap[:, :, None] + images) @ vectors[row], axis=-1)
        far[far < 1e-9] = np.inf  # an atom itself, but not its images
        assert np.allclose(far.min(axis=-1), found[row])


def test_too_near_pairs_cost_by_their_elements_and_self_images_count():
    there = torch.ones(1, 2)
    cell = torch.diag(torch.tensor([8.0, 8.0, 8.0]))[None]
    points = torch.tensor([[[0.0, 0.0, 0.0], [0.2, 0.0, 0.0]]])  # 1.6 angstrom across the edge's fifth
    hydrogen, caesium = torch.full((1, 2), RADIUS[0]), torch.full((1, 2), RADIUS[54])
    assert shortfall(shortest_images(cell, points).float(), hydrogen, there) == 0
    assert shortfall(shortest_images(cell, points).float(), caesium, there) > 0
    thin = cell.clone()
    thin[0, 1, 1] = 1.0
    alone = torch.tensor([[1.0, 0.0]])
    assert shortfall(shortest_images(thin, points).float(), caesium, alone) > 0
    moved = points.clone().requires_grad_()
    shortfall(shortest_images(cell, moved).float(), caesium, there).sum().backward()
    assert moved.grad is not None and moved.grad[0, 1, 0] < 0  # further away costs less


def test_primitive_cells_keep_atoms_volume_and_distances():
    for crystal in library("valid").crystals[:40]:
        lattice, points, numbers = primitive(crystal)
        assert len(numbers) == crystal.atoms and not np.triu(lattice, 1).any() and (np.diag(lattice) > 0).all()
        assert np.isclose(np.linalg.det(lattice) * crystal.group.cells, np.linalg.det(crystal.vectors))
        whole, _, orbit = crystal.sites()
        firsts = np.flatnonzero(np.diff(orbit, prepend=-1))
        near = nearest_distances(crystal.vectors, whole, firsts).min()
        assert np.isclose(near, nearest_distances(lattice, points, np.arange(len(points))).min(), atol=1e-2)


def test_slots_hold_what_fits():
    held = library("valid").crystals
    crystals = [next(c for c in held if c.atoms <= MOST_SLOTS), next(c for c in held if c.atoms > MOST_SLOTS)]
    found = slots(crystals)
    count = (found["kinds"] > 0).sum(1)
    assert count.tolist() == [crystals[0].atoms, 0]
    volume = float(torch.linalg.det(lattices(found["edges"], count.float()))[0])
    assert np.isclose(volume * crystals[0].group.cells, np.linalg.det(crystals[0].vectors), rtol=1e-4)


def test_the_five_properties_are_asked_in_part():
    asked = prior(ASKED, 200, 1)
    assert tuple(asked.data_vars) == ASKED.names
    there = [float(np.isfinite(asked[name]).mean()) for name in ("density", "formation_energy")]
    assert all(0.4 < share < 0.8 for share in there)
    known = stated(library("valid"), np.arange(50))
    assert all(ASKED[name].bounds[0] <= np.nanmin(known[name]) for name in ASKED.names)


@pytest.mark.parametrize("training", [True, False])
def test_the_game_moves_both_players_and_its_crystals_keep_the_laws(training):
    from surrogates.contract.recipe import Batch
    from surrogates.plugins.crystals.gan import CrystalGAN, play

    codec = GanCodec()
    torch.manual_seed(0)
    model = CrystalGAN(codec, width=16)
    encoded = slots([c for c in library("valid").crystals[:40] if c.atoms <= MOST_SLOTS][:12])
    told = {"asked": torch.zeros(12, 10)}
    noise = Noise(1, torch.arange(12))
    if training:
        for name, loss in play(model, Batch(encoded, told, noise, 0)):
            assert loss.shape == (12,) and loss.isfinite().all()
            loss.mean().backward()
            assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in getattr(model, name).parameters())
        return
    drawn = model.sample(told, noise)
    made = codec.decode(drawn, {})
    outputs = {name: value for name, value in made.items() if name != "estimated_formation_energy"}
    for law in registry.plugin("crystals").constraints:
        assert float(law.residual(outputs, {}).abs().max()) <= law.tolerance
    assert (made["n_sites"] >= drawn["count"]).all()


def test_elements_are_drawn_by_their_chances_and_pass_gradients():
    from surrogates.plugins.crystals.gan import drawn

    logits = torch.tensor([[0.0, 1.0, -1.0]]).expand(20_000, 3).clone().requires_grad_()
    found = drawn(logits, torch.rand(20_000, generator=torch.Generator().manual_seed(1)))
    assert torch.equal(found.detach().sum(-1), torch.ones(20_000)) and bool((found.detach().max(-1).values == 1).all())
    assert torch.allclose(found.detach().mean(0), logits[0].softmax(-1), atol=0.015)
    found[:, 1].sum().backward()
    assert logits.grad is not None and float(logits.grad[:, 1].sum()) > 0


def test_a_batch_that_repeats_one_composition_is_seen():
    from surrogates.plugins.crystals.gan import company

    kinds = torch.nn.functional.one_hot(torch.arange(8)[:, None] % 8, 10).float()
    assert float(company(kinds).abs().max()) == 0.0
    same = company(kinds[:1].expand(8, -1, -1))
    assert torch.allclose(same, torch.ones(8, 2), atol=1e-5)
