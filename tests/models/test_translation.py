"""Paired and unpaired steps update what they say, and learn a map that is known."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from surrogates.contract.recipe import Batch
from surrogates.models import translation
from surrogates.noise import Noise


def batch(n=4, step=0, size=8):
    generator = torch.Generator().manual_seed(step)
    first = torch.rand(n, 1, size, size, generator=generator)
    second = torch.rand(n, 1, size, size, generator=generator)
    noise = Noise(step, torch.arange(n))
    return Batch({"target": 1.0 - first, "second": 1.0 - second}, {"source": first}, noise, step)


def fit(model, steps, optimisers, updates):
    for step in range(updates):
        for name, loss in steps(model, batch(step=step)):
            assert loss.ndim == 1
            optimisers[name].zero_grad()
            loss.mean().backward(inputs=list(model.get_submodule(name).parameters()))
            optimisers[name].step()


def source(model, data):
    return data.conditions["source"]


def test_paired_steps_learn_the_negative():
    model = nn.Module()
    model.generator = nn.Conv2d(1, 1, 1)
    steps = translation.paired_steps(
        lambda model, data: data.encoded["target"], lambda model, data, draw: model.generator(source(model, data))
    )
    fit(model, steps, {"generator": torch.optim.Adam(model.parameters(), 0.05)}, 150)
    assert float(model.generator.weight.detach()) == pytest.approx(-1.0, abs=0.1)


def test_paired_steps_with_a_critic_update_both():
    model = nn.Module()
    model.generator, model.discriminator = nn.Conv2d(1, 1, 1), nn.Conv2d(2, 1, 3)
    steps = translation.paired_steps(
        lambda model, data: data.encoded["target"],
        lambda model, data, draw: model.generator(source(model, data)),
        judge=lambda model, data, image: model.discriminator(torch.cat((source(model, data), image), 1)),
    )
    assert [name for name, _ in steps(model, batch())] == ["discriminator", "generator"]


def unpaired():
    model = nn.Module()
    model.generators = nn.ModuleDict({way: nn.Conv2d(1, 1, 1) for way in ("forth", "back")})
    model.discriminators = nn.ModuleDict({way: nn.Conv2d(1, 1, 3) for way in ("forth", "back")})
    model.pools = nn.ModuleDict({way: translation.ImagePool((1, 8, 8), 6) for way in ("forth", "back")})
    return model


def test_unpaired_steps_close_the_cycle():
    torch.manual_seed(0)
    model = unpaired()
    steps = translation.unpaired_steps(
        source, lambda model, data: data.encoded["second"], translation.Cycle(identity=0.0, adversarial=0.0)
    )
    optimisers = {
        name: torch.optim.Adam(model.get_submodule(name).parameters(), 0.02)
        for name in ("generators", "discriminators")
    }
    fit(model, steps, optimisers, 200)
    image = batch().conditions["source"]
    again = model.generators["back"](model.generators["forth"](image))
    assert float((again - image).detach().abs().mean()) < 0.05


def test_the_pool_gives_old_images_and_travels_with_the_state():
    pool = translation.ImagePool((1, 2, 2), 2)
    filled = torch.stack([torch.full((1, 2, 2), float(k)) for k in range(2)])
    assert torch.equal(pool(filled, torch.ones(2), torch.zeros(2)), filled)
    newer = torch.full((1, 1, 2, 2), 9.0)
    assert torch.equal(pool(newer, torch.zeros(1), torch.full((1,), 0.7)), filled[1:])
    other = translation.ImagePool((1, 2, 2), 2)
    other.load_state_dict(pool.state_dict())
    assert torch.equal(other.images[1], newer[0])


def test_soft_dice_is_0_for_the_truth_and_passes_over_absent_classes():
    labels = torch.tensor([[[0, 1], [1, 0]]])
    logits = 50.0 * nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    assert float(translation.soft_dice(logits, labels)) == pytest.approx(0.0, abs=1e-3)
    assert float(translation.soft_dice(-logits, labels)) > 0.5
    assert float(translation.cross_entropy(logits, labels)) == pytest.approx(0.0, abs=1e-3)


def test_names_of_steps_are_the_callers():
    model = SimpleNamespace(net=nn.Conv2d(1, 1, 1))
    steps = translation.paired_steps(
        lambda model, data: data.encoded["target"],
        lambda model, data, draw: model.net(source(model, data)),
        generator="net",
    )
    assert next(iter(steps(model, batch())))[0] == "net"
