"""Networks of periodic volumes: what a moved latent field makes, and what the condition does."""

from __future__ import annotations

import pytest
import torch

from surrogates.networks.volumes import VolumeDiscriminator, VolumeGenerator, shuffled, unshuffled


@pytest.fixture(scope="module")
def generator() -> VolumeGenerator:
    torch.manual_seed(0)
    return VolumeGenerator(4, 3, width=4, doublings=3).eval().requires_grad_(False)


def normals(generator: VolumeGenerator, side: int, n: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(n, *shape) for shape in generator.shapes(side)]


def test_cubes_as_channels_come_back():
    volumes = torch.randn(2, 3, 8, 12, 4)
    seen = unshuffled(volumes, 2)
    assert seen.shape == (2, 24, 4, 6, 2)
    assert torch.equal(shuffled(seen, 2), volumes)
    assert torch.equal(seen[0, :8, 1, 2, 0], volumes[0, 0, 2:4, 4:6, 0:2].flatten())


def test_a_moved_latent_field_makes_the_moved_volume(generator: VolumeGenerator):
    drawn, context = normals(generator, 16), torch.randn(2, 3)
    coarse = drawn[0].shape[-1]
    moved = [field.roll(field.shape[-1] // coarse, -2) for field in drawn]
    expected = generator(drawn, context).roll(16 // coarse, -2)
    assert torch.allclose(generator(moved, context), expected, atol=1e-5)


@pytest.mark.parametrize("side", [16, 32])
def test_one_network_makes_boxes_of_several_sizes(generator: VolumeGenerator, side: int):
    assert generator(normals(generator, side, 1), torch.zeros(1, 3)).shape == (1, 1, side, side, side)


def test_rows_do_not_depend_on_each_other_and_depend_on_their_condition(generator: VolumeGenerator):
    drawn, context = normals(generator, 16), torch.randn(2, 3)
    both = generator(drawn, context)
    alone = generator([field[1:] for field in drawn], context[1:])
    assert torch.allclose(both[1:], alone, atol=1e-5)
    other = generator(drawn, context + torch.tensor([[1.0, 0, 0], [0, 0, 0]]))
    assert (both[0] - other[0]).abs().max() > 1e-3 and torch.allclose(both[1], other[1], atol=1e-6)


def test_the_finest_noise_reaches_the_volume(generator: VolumeGenerator):
    drawn, context = normals(generator, 16, 1), torch.zeros(1, 3)
    other = [*drawn[:-1], drawn[-1] + 1.0]
    assert (generator(drawn, context) - generator(other, context)).abs().max() > 1e-3


def test_scores_do_not_depend_on_where_a_box_begins():
    torch.manual_seed(2)
    judge = VolumeDiscriminator(1, 3, width=4).eval().requires_grad_(False)
    volumes, context = torch.randn(2, 1, 16, 16, 16), torch.randn(2, 3)
    scores = judge(volumes, context)
    assert scores.shape == (2,)
    assert torch.allclose(judge(volumes.roll(8, 3), context), scores, atol=1e-5)
    assert not torch.allclose(judge(volumes, context + 1.0), scores, atol=1e-4)
