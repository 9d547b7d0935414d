"""Samples within a torch pipeline: each item is the sample that the simulator gives, and a transform keeps the rest."""

import numpy as np
import pytest
import torch

import surrogates
from surrogates.contract.errors import SchemaError
from surrogates.sampling.torch_data import Drawn, SampleDataset


@pytest.fixture(scope="module")
def surrogate():
    return surrogates.load("muon-decay", threads=1)


MUONS = {"muon_momentum": "3.094 GeV", "polarisation": -0.9}


def test_an_item_is_the_sample_of_its_place_in_any_order(surrogate):
    data = SampleDataset(surrogate, 11, seed=3, block=4, **MUONS)
    whole = surrogate.sample(11, seed=3, **MUONS)
    for place in (10, 0, 5, -2):
        item = data[place]
        assert set(item) <= set(whole.data_vars)
        for name, value in item.items():
            assert np.array_equal(value.numpy(), whole[name].values[place], equal_nan=True)
    assert len(data) == 11 and len(list(torch.utils.data.DataLoader(data, batch_size=4))) == 3
    with pytest.raises(IndexError, match="11 of 11"):
        data[11]


def test_rows_of_conditions_are_kept(surrogate):
    rows = surrogate.sample(5, seed=1, **MUONS)[list(surrogate.conditions.names)]
    data = SampleDataset(surrogate, rows, seed=9, block=2, variables=surrogate.outputs.names)
    whole = surrogate.sample(rows, seed=9)
    name = surrogate.outputs.names[0]
    assert all(np.array_equal(data[k][name].numpy(), whole[name].values[k], equal_nan=True) for k in range(5))


def test_a_transform_draws_outputs_and_leaves_the_rest(surrogate):
    item = {"muon_momentum": 3.0, "polarisation": torch.tensor(0.5), "label": "real"}
    name = surrogate.outputs.names[0]
    always, never = Drawn(surrogate, share=1.0, seed=2), Drawn(surrogate, share=0.0)
    first, second = always(item), always(item)
    assert first["label"] == "real" and not np.array_equal(first[name], second[name])
    assert never(item) == item
    again = always.set_random_state(2)(item)
    assert np.array_equal(again[name], first[name])
    renamed = Drawn(surrogate, share=1.0, keys={name: "made"})(item)
    assert "made" in renamed and name not in renamed


def test_what_cannot_be_drawn_is_named(surrogate):
    with pytest.raises(SchemaError, match="variables: speed"):
        SampleDataset(surrogate, 3, seed=1, variables=("speed",))
    with pytest.raises(SchemaError, match="share"):
        Drawn(surrogate, share=1.5)
    with pytest.raises(SchemaError, match="item: an item of weight"):
        Drawn(surrogate, share=1.0)({"weight": 1.0})
