"""Real and generated items in one Dataset: labels are right, items are always the same, rare labels are brought up."""

import numpy as np
import pytest
import torch

import surrogates
from surrogates.contract.errors import SchemaError
from surrogates.sampling.augmentation import Augmented, Interpolated, balancing, label_of, labelled_rows

SOME = {"gluon": 2, "top": 5}


@pytest.fixture(scope="module")
def jets():
    return surrogates.load("jets", threads=1)


@pytest.fixture(scope="module")
def real(jets):
    rows = labelled_rows(jets, "jet_type", {"gluon": 6, "light_quark": 2, "top": 1}, seed=9)
    return jets.sample(rows, seed=9)


def test_balancing_brings_every_label_up_to_the_most_frequent():
    assert balancing(np.array([0, 0, 0, 2]), ("a", "b", "c")) == {"a": 0, "b": 3, "c": 2}
    assert balancing(np.array([0, 0, 0, 2]), ("a", "b", "c"), at_least=5) == {"a": 2, "b": 5, "c": 4}


def test_rows_of_a_label_take_turns(jets):
    rows = labelled_rows(jets, "jet_type", SOME, seed=1)
    assert rows["jet_type"].values.tolist() == [0, 2, 0, 2, 2, 2, 2]
    assert rows["sample"].values.tolist() == list(range(7))


@pytest.mark.parametrize("mix", ["none", "noise"])
def test_items_are_real_ones_and_then_generated_ones_of_the_asked_labels(jets, real, mix):
    data = Augmented(real, jets, balancing(real["jet_type"].values, ("gluon", "light_quark", "top")), seed=2, mix=mix)
    told = [int(data[place]["jet_type"]) for place in range(len(data))]
    assert told[:9] == real["jet_type"].values.tolist() and np.bincount(told).tolist() == [6, 6, 6]
    assert np.array_equal(data[3]["jet_mass"].numpy(), real["jet_mass"].values[3])
    one, again = data[12], Augmented(real, jets, {"light_quark": 4, "top": 5}, seed=2, mix=mix)[12]
    assert all(np.array_equal(one[name].numpy(), again[name].numpy(), equal_nan=True) for name in one)
    with pytest.raises(IndexError, match="18 of 18"):
        data[18]


def test_workers_read_what_one_process_reads(jets, real):
    data = Augmented(real, jets, SOME, seed=2, variables=("jet_type", "jet_mass"))
    alone, shared = (
        torch.cat([batch["jet_mass"] for batch in torch.utils.data.DataLoader(data, batch_size=5, num_workers=workers)])
        for workers in (0, 2)
    )
    assert len(alone) == 16 and torch.equal(alone, shared)


def test_mixed_labels_are_shares_of_both_ends(jets, real):
    data = Augmented(real, jets, {"gluon": 8, "top": 8}, seed=3, mix="labels", variables=("jet_type", "jet_mass"))
    shares = torch.stack([data[place]["jet_type"] for place in range(len(data))]).numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-6)
    assert np.array_equal(shares[:9].argmax(axis=1), real["jet_type"].values) and shares[:9].max(axis=1).min() == 1.0
    assert np.any((shares[9:] > 0.05) & (shares[9:] < 0.95)) and not shares[9:, 1].any()


def test_an_interpolated_sample_is_the_same_in_any_company(jets):
    between = Interpolated(jets)
    rows = labelled_rows(jets, "jet_type", {"top": 6}, seed=4)
    whole, part = between.sample(rows, seed=5), between.sample(rows.isel(sample=[4, 1]), seed=5)
    np.testing.assert_allclose(part["jet_mass"].values, whole["jet_mass"].values[[4, 1]], rtol=1e-4)
    assert part["sample"].values.tolist() == [4, 1]
    own = jets.sample(rows, seed=5)
    assert not np.allclose(own["jet_mass"].values, whole["jet_mass"].values)


def test_what_cannot_be_labelled_or_mixed_is_named(jets, real):
    galaxies = surrogates.load("galaxy-images")
    with pytest.raises(SchemaError, match="3 conditions with labels"):
        label_of(galaxies.conditions)
    with pytest.raises(SchemaError, match="label: 'shape'"):
        label_of(galaxies.conditions, "shape")
    with pytest.raises(SchemaError, match="joint limits"):
        Augmented(real, galaxies, {}, seed=1, label="morphology", mix="labels")
    with pytest.raises(SchemaError, match="'topp'.*did you mean 'top'"):
        Augmented(real, jets, {"topp": 1}, seed=1)
    with pytest.raises(SchemaError, match="counts: -1 of top"):
        Augmented(real, jets, {"top": -1}, seed=1)
    with pytest.raises(SchemaError, match="mix: 'noice'"):
        Augmented(real, jets, {"top": 1}, seed=1, mix="noice")  # type: ignore[arg-type]
