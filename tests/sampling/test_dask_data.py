"""Samples within Dask are those that the simulator gives, whatever the partition."""

import numpy as np
import pytest

import surrogates
from surrogates.contract.errors import SchemaError

pytest.importorskip("dask.bag", reason="the extra `cluster` is not installed")

MUONS = {"muon_momentum": "3.094 GeV", "polarisation": -0.9}
N = 2500


@pytest.fixture(scope="module")
def surrogate():
    return surrogates.load("muon-decay")


@pytest.fixture(scope="module")
def whole(surrogate):
    return surrogate.sample(N, seed=3, first=5, **MUONS)


def test_delayed_datasets_are_the_samples_in_order(surrogate, whole):
    import dask

    parts = surrogates.as_dask_delayed(surrogate, N, seed=3, first=5, partition=1000, **MUONS)
    assert len(parts) == 3  # whole batches of 1,024
    blocks = dask.compute(*parts, scheduler="threads")
    for name in ("sample", *whole.data_vars):
        assert np.array_equal(np.concatenate([block[name].values for block in blocks]), whole[name].values)


def test_a_bag_has_a_dictionary_a_sample(surrogate, whole):
    bag = surrogates.as_dask_bag(surrogate, N, seed=3, first=5, partition=1024, **MUONS)
    records = bag.compute(scheduler="sync")
    assert [record["sample"] for record in records] == list(range(5, 5 + N))
    assert [record["positron_energy"] for record in records] == whole["positron_energy"].values.tolist()
    mean = bag.pluck("positron_energy").mean().compute(scheduler="threads")
    assert np.isclose(mean, float(whole["positron_energy"].mean()))


def test_an_array_is_one_variable(surrogate, whole):
    array = surrogates.as_dask_array(surrogate, "positron_energy", N, seed=3, first=5, partition=1024, **MUONS)
    assert array.shape == (N,) and array.chunks == ((1024, 1024, N - 2048),)
    assert np.array_equal(array.compute(scheduler="sync"), whole["positron_energy"].values)
    rows = whole[list(surrogate.conditions.names)]
    array = surrogates.as_dask_array(surrogate, "positron_energy", rows, seed=3, partition=1024)
    assert np.array_equal(array.compute(scheduler="sync"), whole["positron_energy"].values)
    with pytest.raises(SchemaError, match="variable: speed; expected one of"):
        surrogates.as_dask_array(surrogate, "speed", N, seed=3, **MUONS)
