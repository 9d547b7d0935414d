"""Image networks keep shapes, see their context, and treat every sample of a batch apart."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from surrogates.networks.convolutions import (
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    spread_of_groups,
    stages_of,
)
from surrogates.networks.unet import ContextUNet


def woken(network: nn.Module) -> nn.Module:
    """The network with the weights that start at 0 drawn instead."""
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("size", "patch", "maps"), [(16, 1, 0), (32, 2, 1), (64, 4, 2)])
def test_generator_and_discriminator_meet_in_shape(size: int, patch: int, maps: int) -> None:
    generator = ConvolutionalGenerator(5, 3, size=size, width=8, maps=maps, patch=patch)
    discriminator = ConvolutionalDiscriminator(3, 2, size=size, width=8, context=4, maps=maps, minibatch=2, patch=patch)
    known = torch.randn(4, maps, size, size) if maps else None
    image = generator(torch.randn(4, 5), known)
    assert image.shape == (4, 3, size, size)
    assert discriminator(image, torch.randn(4, 4), known).shape == (4, 2)


def test_sizes_that_no_doubling_reaches_are_refused() -> None:
    assert [stages_of(size) for size in (8, 16, 64)] == [1, 2, 4]
    for size in (4, 24, 65):
        with pytest.raises(ValueError, match=f"size: {size}"):
            stages_of(size)


def test_a_generated_image_does_not_depend_on_its_batch() -> None:
    generator = ConvolutionalGenerator(6, 3, size=32, width=8)
    vectors = torch.randn(5, 6)
    assert torch.allclose(generator(vectors)[2:3], generator(vectors[2:3]), atol=1e-5)


def test_every_pixel_of_a_patch_hears_its_own_map() -> None:
    generator = ConvolutionalGenerator(3, 1, size=16, width=8, maps=1, patch=2)
    vector, maps = torch.randn(1, 3), torch.zeros(1, 1, 16, 16)
    changed = maps.clone()
    changed[..., 5, 6] = 1.0
    changed[..., 5, 7] = -1.0  # the mean over the patch stays 0: only the finest stage can tell
    difference = (generator(vector, changed) - generator(vector, maps)).abs()[0, 0]
    assert difference[5, 6] > 1e-4 and difference[13, 13] < 1e-6


def test_discriminator_scores_depend_on_the_condition_and_on_the_spread_of_its_group() -> None:
    discriminator = ConvolutionalDiscriminator(1, size=16, width=8, context=3, minibatch=2)
    images, context = torch.randn(4, 1, 16, 16), torch.randn(4, 3)
    scores = discriminator(images, context)
    assert not torch.allclose(scores, discriminator(images, context.flip(0)))
    alike = images.clone()
    alike[2] = images[0]  # samples 0 and 2 form a group
    assert not torch.allclose(discriminator(alike, context)[0], scores[0])
    assert torch.allclose(discriminator(alike, context)[1], scores[1])


def test_spread_of_groups_is_the_standard_deviation_and_0_where_all_are_alike() -> None:
    features = torch.randn(6, 7)
    features[4] = features[1]
    spread = spread_of_groups(features, 2)
    expected = torch.stack((features[0], features[3])).std(dim=0, unbiased=False).mean()
    assert float(spread[0]) == pytest.approx(float(expected), rel=1e-3) and torch.equal(spread[0], spread[3])
    assert float(spread[1]) < 1e-3
    with pytest.raises(ValueError, match="no multiple of 4"):
        spread_of_groups(features, 4)


def context(n: int, size: int = 16) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    classes = torch.nn.functional.one_hot(torch.arange(n) % 3, 3).float()
    return (
        torch.randn(n, 2, size, size),
        torch.rand(n),
        classes,
        torch.randn(n, 4),
        torch.randn(n, 1, size, size),
    )


@pytest.mark.parametrize(("patch", "multipliers"), [(1, (1, 2)), (2, (1, 2, 4)), (4, (1,))])
def test_unet_keeps_the_shape_and_hears_every_part_of_its_context(patch: int, multipliers: tuple[int, ...]) -> None:
    network = ContextUNet(2, classes=3, attributes=4, maps=1, width=8, multipliers=multipliers, patch=patch, filters=2)
    given = context(3)
    assert not network(*given).any()  # a fresh network predicts 0
    woken(network)
    image = network(*given)
    assert image.shape == given[0].shape
    for k, part in enumerate(given):
        other = [*given[:k], part.roll(1, 0), *given[k + 1 :]]
        assert float((network(*other) - image).detach().abs().mean()) > 1e-4
    image.square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


def test_unet_treats_samples_apart_and_without_context_where_it_has_none() -> None:
    network = woken(ContextUNet(2, width=8, multipliers=(1, 2)))
    x, time, *_ = context(4)
    assert torch.allclose(network(x, time)[1:2], network(x[1:2], time[1:2]), atol=1e-5)
    with pytest.raises(ValueError, match="classes: some given; expected none"):
        network(x, time, torch.ones(4, 3))
    with pytest.raises(ValueError, match="maps: some given"):
        network(x, time, maps=x)
    with pytest.raises(ValueError, match="15, 16.*multiples of 2"):
        network(x[..., :15, :], time)
