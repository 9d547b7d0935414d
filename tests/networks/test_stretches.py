"""Stretches of tokens: they know order and not padding."""

import torch

from surrogates.networks.stretches import FragmentEncoder, stretches


def test_an_encoder_knows_order_and_not_padding():
    torch.manual_seed(2)
    network = FragmentEncoder(8).eval()
    tokens = torch.tensor([[2, 3, 4, 0, 0, 0], [4, 3, 2, 0, 0, 0], [2, 3, 4, 5, 6, 7]])
    points = network(tokens)
    assert torch.allclose(points.norm(dim=1), torch.full((3,), 8.0**0.5))
    torch.testing.assert_close(points[0], network(tokens[:1, :3])[0])
    assert not torch.allclose(points[0], points[1], atol=1e-3)


def test_a_stretch_ends_where_its_last_token_stands():
    found = stretches(torch.tensor([[5, 6, 7, 0], [6, 7, 0, 0]]), 3, 1000)
    assert found.shape == (2, 4, 3) and (found[:, 3] == 1000).all()
    assert (found[0, 0, 1:] == 1000).all() and found[0, 1, 2] == 1000
    assert found[0, 2, 1] == found[1, 1, 1] and found[0, 2, 0] == found[1, 1, 0]
    assert len(set(found[0][found[0] < 1000].tolist())) == 6
