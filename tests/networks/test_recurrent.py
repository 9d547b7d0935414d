"""A reader of sequences depends on a sequence alone: not on padding, nor on what stands beside it."""

import torch
from torch import nn

from surrogates.networks.recurrent import GatedCell, SequenceReader


def reader(width=16, layers=2):
    torch.manual_seed(1)
    return SequenceReader(9, width=width, layers=layers).eval()


def test_a_cell_is_the_gated_recurrent_unit_of_torch():
    torch.manual_seed(0)
    cell, other = GatedCell(5, nn.Linear(3, 15)), nn.GRUCell(3, 5)
    other.load_state_dict(
        {
            "weight_ih": cell.enter.weight,
            "bias_ih": cell.enter.bias,
            "weight_hh": cell.recur.weight,
            "bias_hh": cell.recur.bias,
        }
    )
    seen, state = torch.randn(7, 3), torch.randn(7, 5)
    torch.testing.assert_close(cell(seen, state), other(seen, state))


def test_a_sequence_has_one_vector_whatever_stands_beside_it():
    network = reader()
    tokens = torch.zeros(4, 30, dtype=torch.int64)
    tokens[0, :5] = torch.tensor([2, 3, 4, 5, 6])
    tokens[1, :30] = 2
    tokens[2, :1] = 7
    with torch.no_grad():
        among = network(tokens)
        tokens[1, 12:] = 0
        beside_shorter = network(tokens)
    assert among.shape == (4, network.size)
    assert torch.equal(among[[0, 2, 3]], beside_shorter[[0, 2, 3]])
    assert not torch.equal(among[1], beside_shorter[1])


def test_order_and_length_matter_from_both_ends():
    network = reader()
    rows = [[2, 3, 4], [4, 3, 2], [2, 3, 4, 4], [2, 2, 3, 4]]
    tokens = torch.zeros(4, 4, dtype=torch.int64)
    for row, values in enumerate(rows):
        tokens[row, : len(values)] = torch.tensor(values)
    with torch.no_grad():
        found = network(tokens)
    for first in range(4):
        for second in range(first):
            assert (found[first] - found[second]).abs().max() > 1e-3


def test_no_tokens_and_no_rows_have_vectors_too():
    network = reader()
    with torch.no_grad():
        assert network(torch.zeros(3, 8, dtype=torch.int64)).shape == (3, network.size)
        assert network(torch.zeros(0, 8, dtype=torch.int64)).shape == (0, network.size)


def test_gradients_reach_every_parameter():
    network = reader()
    network(torch.randint(1, 9, (5, 6))).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
