"""Samples within a torch pipeline: each item is the sample that the simulator gives, and a transform keeps the rest."""

import itertools

import numpy as np
import pytest
import torch

import surrogates
from surrogates.contract.errors import SchemaError
from surrogates.sampling.torch_data import Drawn, SampleDataset, SampleStream, as_torch_dataset


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


def identities(stream: SampleStream, count: int, workers: int = 0) -> list[int]:
    loader = torch.utils.data.DataLoader(stream, batch_size=None, num_workers=workers)
    return [int(item["sample"]) for item in itertools.islice(loader, count)]


def test_readers_of_a_stream_share_the_identities(surrogate):
    streams = [SampleStream(surrogate, seed=3, block=4, rank=rank, ranks=2, **MUONS) for rank in (0, 1)]
    read = [identities(stream, 12) for stream in streams]
    assert read == [[*range(4), *range(8, 12), *range(16, 20)], [*range(4, 8), *range(12, 16), *range(20, 24)]]
    assert identities(streams[0], 3) != read[0][:3]  # it went on
    again = SampleStream(surrogate, seed=3, block=4, rank=1, ranks=2, **MUONS)
    assert identities(again, 12) == read[1]


def test_an_item_of_a_stream_is_the_sample_of_its_identity(surrogate):
    stream = iter(SampleStream(surrogate, seed=3, block=5, first=7, **MUONS))
    whole = surrogate.sample(12, seed=3, first=7, **MUONS)
    for place in range(12):
        item = next(stream)
        assert int(item["sample"]) == 7 + place
        for name in whole.data_vars:
            assert np.array_equal(item[str(name)].numpy(), whole[name].values[place], equal_nan=True)


def test_a_stream_goes_on_from_its_state_and_draws_conditions_anew(surrogate):
    stream = SampleStream(surrogate, seed=3, block=4, prior=True, variables=("muon_momentum", "positron_energy"))
    first = [float(item["muon_momentum"]) for item in itertools.islice(stream, 6)]
    assert len(set(first)) == 6
    state, resumed = stream.state_dict(), SampleStream(surrogate, seed=3, block=4, prior=True)
    resumed.load_state_dict(state)
    following = [(int(item["sample"]), float(item["positron_energy"])) for item in itertools.islice(stream, 5)]
    assert following[0][0] == 6
    assert following == [(int(item["sample"]), float(item["positron_energy"])) for item in itertools.islice(resumed, 5)]


def test_workers_of_a_loader_on_two_ranks_never_repeat_an_identity(surrogate, monkeypatch):
    seen: list[int] = []
    for rank in ("0", "1"):  # as torchrun says it
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        seen += identities(as_torch_dataset(surrogate, seed=3, block=4, **MUONS), 16, workers=2)
    assert sorted(seen) == list(range(32))


def test_a_dataset_is_asked_for_by_what_it_holds(surrogate):
    assert isinstance(as_torch_dataset(surrogate, 5, seed=1, **MUONS), SampleDataset)
    assert isinstance(as_torch_dataset(surrogate, seed=1, **MUONS), SampleStream)
    with pytest.raises(SchemaError, match="rank: 2 of 2; expected 0 to ranks - 1"):
        SampleStream(surrogate, seed=1, rank=2, ranks=2, **MUONS)
    with pytest.raises(SchemaError, match="block: 0; expected 1 or more"):
        SampleStream(surrogate, seed=1, block=0, **MUONS)
