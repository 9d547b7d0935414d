"""Pictures in tiles: what the whole gives, in any size, and the eight ways to hold a picture."""

from __future__ import annotations

import pytest
import torch

from surrogates.networks.inpainting import ContextEncoder
from surrogates.networks.tiles import in_tiles, over_turns, turned, turned_back
from surrogates.networks.upscaling import LAYERS, Upscaler


def shaken(network):
    """Weights that are nowhere 0, so that nothing agrees because it is."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("size", [(40, 23), (17, 64), (5, 5), (1, 1)])
def test_tiles_leave_no_seam(kind, size):
    network = shaken(Upscaler(3, scale=2, width=8, layers=3, kind=kind))
    picture = torch.rand(1, 3, *size)
    whole = network(picture)
    tiled = in_tiles(network, picture, tile=16, halo=network.halo, scale=2)
    assert tiled.shape == (1, 3, 2 * size[0], 2 * size[1])
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=1e-4)


def test_a_halo_that_is_too_small_leaves_one():
    """So the test above can fail."""
    network = shaken(Upscaler(3, scale=2, width=8, layers=3))
    picture = torch.rand(1, 3, 40, 40)
    tiled = in_tiles(network, picture, tile=16, halo=network.halo - 3, scale=2)
    assert float((tiled - network(picture)).abs().max()) > 1e-4


def test_a_context_encoder_in_tiles_gives_the_whole():
    network = shaken(ContextEncoder(3, width=8, dilations=(1, 2, 1)))
    both = torch.rand(1, 4, 96, 64)
    run = lambda part: network(part[:, :3], part[:, 3:])  # noqa: E731
    tiled = in_tiles(run, both, tile=32, halo=network.halo, multiple=4)
    torch.testing.assert_close(tiled, run(both), atol=1e-5, rtol=1e-4)


def test_tiles_that_break_the_network_s_places_are_refused():
    with pytest.raises(ValueError, match="multiples of 4"):
        in_tiles(lambda part: part, torch.rand(1, 1, 64, 64), tile=30, halo=4, multiple=4)


@pytest.mark.parametrize("way", range(8))
def test_a_turned_picture_turns_back(way):
    picture = torch.arange(12.0).reshape(1, 1, 3, 4)
    torch.testing.assert_close(turned_back(turned(picture, way), way), picture)


def test_the_eight_ways_differ_and_their_mean_knows_none():
    picture = torch.rand(1, 1, 4, 4)
    assert len({tuple(turned(picture, way).flatten().tolist()) for way in range(8)}) == 8
    slope = lambda part: part * torch.arange(4.0)  # noqa: E731
    found = over_turns(slope, torch.ones(1, 1, 4, 4))
    torch.testing.assert_close(found, found.transpose(2, 3))
    torch.testing.assert_close(found, torch.full((1, 1, 4, 4), 1.5))


def test_an_untrained_network_adds_nothing():
    assert not Upscaler(3, scale=4, width=8, layers=2)(torch.rand(1, 3, 9, 7)).any()
    assert not ContextEncoder(3, width=8)(torch.rand(1, 3, 16, 8), torch.ones(1, 1, 16, 8)).any()
