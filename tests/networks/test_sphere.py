"""Statements about convolutions on the sphere: no seam in longitude, and none at the poles."""

import pytest
import torch

from surrogates.networks.sphere import SphereCritic, SphereNet, SphericalConvolution, padded


def test_a_convolution_has_no_seam_in_longitude():
    layer = SphericalConvolution(2, 3)
    maps = torch.randn(2, 2, 8, 16)
    torch.testing.assert_close(layer(maps.roll(5, -1)), layer(maps).roll(5, -1))


def test_the_row_beyond_a_pole_is_the_last_row_half_a_turn_away():
    maps = torch.arange(4.0 * 8).reshape(1, 1, 4, 8)
    wide = padded(maps, 2)
    assert wide.shape == (1, 1, 8, 12)
    assert torch.equal(wide[0, 0, 1, 2:10], maps[0, 0, 0].roll(4))
    assert torch.equal(wide[0, 0, 0, 2:10], maps[0, 0, 1].roll(4))
    assert torch.equal(wide[0, 0, 7, 2:10], maps[0, 0, 2].roll(4))
    assert torch.equal(wide[0, 0, :, :2], wide[0, 0, :, 8:10])


@pytest.mark.parametrize("patch", [1, 2])
def test_the_network_has_no_seam_in_longitude(patch):
    network = SphereNet(3, 2, width=8, coarse_width=16, patch=patch)
    maps = torch.randn(1, 3, 16, 32)
    turn = 2 * patch
    torch.testing.assert_close(network(maps.roll(turn, -1)), network(maps).roll(turn, -1), atol=1e-5, rtol=1e-4)


def test_a_map_does_not_change_with_what_stands_beside_it():
    network = SphereNet(3, 2, width=8, coarse_width=16).eval()
    maps = torch.randn(3, 3, 16, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(maps)[1:2], network(maps[1:2]), atol=1e-5, rtol=1e-4)


def test_a_critic_scores_maps():
    assert SphereCritic(3, width=8)(torch.randn(5, 3, 16, 32)).shape == (5,)
