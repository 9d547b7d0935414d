"""The adversarial recipe: phases that run, a latent point that matters, and only the generator shipped."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

import torch
from rdkit import Chem

from surrogates.contract.recipe import Batch
from surrogates.noise import Noise
from surrogates.plugins.molecules.gan import LATENT, MoleculeGAN
from surrogates.plugins.molecules.measure import texts

UPDATES = (60, 5, 8)


@pytest.fixture(scope="module")
def short(plugin):
    """The recipe with networks that train in seconds, on a user's file."""
    recipe, learned = plugin.recipes["gan"], plugin.recipes["zinc"]
    phases = tuple(replace(phase, updates=n) for phase, n in zip(recipe.phases, UPDATES, strict=True))
    recipe = replace(
        recipe,
        data=learned.data,
        learns=learned.learns,
        reads=learned.reads,
        phases=phases,
        model=lambda codec: MoleculeGAN(48, 1, 32),
        batch_size=32,
        sample_batch=16,
        sample_part=None,
    )
    return replace(plugin, recipes={"gan": recipe})


@pytest.fixture(scope="module")
def run(short, library, tmp_path_factory):
    from surrogates.training.train import train

    folder = tmp_path_factory.mktemp("run")
    train(short, "gan", folder, data=library, device="cpu", progress=False, figure=lambda model, codec: None)
    return folder


@pytest.fixture(scope="module")
def surrogate(short, library, run, tmp_path_factory):
    from surrogates.release.made import new_card
    from surrogates.release.weights import save_release
    from surrogates.sampling.surrogate import Surrogate
    from surrogates.training.train import trained

    folder = tmp_path_factory.mktemp("weights")
    card = new_card(short, "gan", data=library, run=run, seed=0)
    save_release(*trained(short, "gan", run), card, folder / "gan.safetensors")
    return Surrogate.open(short, folder=folder)


@pytest.fixture
def model():
    torch.manual_seed(4)
    return MoleculeGAN(32, 2, 16)


def test_likelihood_then_the_discriminator_then_the_game(run):
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    records = [record for record in records if "losses" in record]
    trained = [[set(r["losses"]) for r in records if r["phase"] == phase] for phase in range(3)]
    assert tuple(map(len, trained)) == UPDATES
    assert all(names == {"generator"} for names in trained[0])
    assert all(names == {"discriminator"} for names in trained[1])
    assert all(names == {"generator", "discriminator"} for names in trained[2])
    assert all({"separation", "distinct", "reward"} <= set(r["notes"]) for r in records if r["phase"] == 2)


def test_the_generator_alone_ships(surrogate):
    from safetensors import safe_open

    (path,) = surrogate.path.parent.glob("*.safetensors") if surrogate.path.is_file() else surrogate.path.glob("*")
    with safe_open(path, "pt") as file:
        assert {name.split(".")[0] for name in file.keys()} == {"generator", "codec"}  # noqa: SIM118


def test_molecules_come_by_request_and_by_seed(surrogate):
    found = surrogate.sample(12, seed=1, qed=0.5)
    assert texts(found) == texts(surrogate.sample(12, seed=1, qed=0.5)) != texts(surrogate.sample(12, seed=2, qed=0.5))
    assert texts(surrogate.sample(10, seed=1, qed=0.5)) == texts(found)[:10]
    begun = texts(surrogate.using(prefix="FCCC", max_atoms=9, guidance=2.0).sample(5, seed=1))
    wanted = Chem.MolFromSmarts("F~[#6]~[#6]~[#6]")
    assert all(Chem.MolFromSmiles(text).HasSubstructMatch(wanted) for text in begun)


def test_the_latent_point_changes_what_is_written(model):
    tokens = torch.ones((2, 1), dtype=torch.int64)
    context = torch.cat((torch.zeros(2, 14), torch.randn(2, LATENT)), dim=-1)
    first, second = model.generator(tokens, context)[:, 0]
    assert not torch.allclose(first, second, atol=1e-4)
    again, other = model.generator(tokens, context[[0, 0]])[:, 0]  # bits are promised for equal slots, not across them
    assert torch.equal(first, again)
    torch.testing.assert_close(again, other)


@pytest.mark.parametrize("gradients", [False, True])
def test_steps_go_on_as_the_whole_sequence_does(model, gradients):
    tokens, context = torch.randint(2, 20, (3, 5)), torch.randn(3, 14 + LATENT)
    with torch.set_grad_enabled(gradients):
        whole, state, parts = model.generator(tokens, context), None, []
        for place in range(5):
            logits, state = model.generator.step(tokens[:, place : place + 1], context, state)
            parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)


def batch_of(n, step=0):
    tokens = torch.zeros((n, 80), dtype=torch.int64)
    tokens[:, :4] = torch.tensor([3, 4, 3, 5])
    return Batch({"tokens": tokens}, {"context": torch.zeros(n, 14)}, Noise(step, torch.arange(n)), step)


@pytest.mark.parametrize("phase", [1, 2])
def test_each_loss_reaches_its_own_network_only(plugin, model, phase):
    for name, loss in plugin.recipes["gan"].phases[phase].steps(model, batch_of(8)):
        assert loss.shape == (8,)
        model.zero_grad()
        loss.mean().backward()
        other = {"generator": model.discriminator, "discriminator": model.generator}[name]
        assert all(p.grad is None for p in other.parameters())
        assert any(p.grad is not None and bool(p.grad.any()) for p in model.get_submodule(name).parameters())


def test_the_discriminator_learns_to_tell(plugin, model):
    optimiser, apart = torch.optim.Adam(model.discriminator.parameters(), 1e-2), []
    for step in range(12):
        batch = batch_of(16, step)
        ((_, loss),) = plugin.recipes["gan"].phases[1].steps(model, batch)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        apart.append(float(batch.notes["separation"]))
    assert np.mean(apart[-3:]) > 0.95
