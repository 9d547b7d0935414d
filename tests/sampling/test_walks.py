"""Samples between samples: at the ends they are the samples, between them they keep the law."""

import numpy as np
import pytest

import surrogates
from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.sampling.walks import between, mixed

MUONS = {"muon_momentum": "3.094 GeV", "polarisation": -0.9}


@pytest.fixture(scope="module")
def surrogate():
    return surrogates.load("muon-decay", threads=1)


def conditions(samples, surrogate):
    return samples[list(surrogate.conditions.names)]


def test_a_walk_begins_and_ends_with_the_samples(surrogate):
    whole = surrogate.sample(6, seed=3, muon_momentum=np.linspace(2.0, 4.0, 6), polarisation=0.2)
    asked = conditions(whole, surrogate)
    way = between(
        surrogate, asked.isel(sample=[1, 1, 1]), asked.isel(sample=[4, 4, 4]), fractions=[0.0, 0.5, 1.0], seed=3
    )
    for name in (*surrogate.conditions.names, *surrogate.outputs.names):
        np.testing.assert_allclose(way[name].values[[0, 2]], whole[name].values[[1, 4]], rtol=1e-5)
    assert way["muon_momentum"].values[1] == pytest.approx(whole["muon_momentum"].values[[1, 4]].mean())
    assert way["sample"].values.tolist() == [0, 1, 2]


def test_samples_between_others_have_the_law_of_samples(surrogate):
    from scipy.stats import ks_2samp

    n = 4000
    asked = conditions(surrogate.sample(n, seed=1, **MUONS), surrogate)
    fresh = surrogate.sample(n, seed=2, **MUONS)
    way = between(surrogate, asked, fractions=np.full(n, 0.4), seed=1, others=np.arange(n) + n)
    for name in ("positron_energy", "decay_time"):
        assert ks_2samp(way[name].values, fresh[name].values).pvalue > 1e-3
        own = surrogate.sample(asked, seed=1)[name].values
        assert np.corrcoef(np.argsort(np.argsort(own)), np.argsort(np.argsort(way[name].values)))[0, 1] > 0.3


def test_a_difference_of_two_is_added_to_a_third(surrogate):
    asked = conditions(surrogate.sample(2, seed=1, **MUONS), surrogate)
    parts = [asked.isel(sample=[0]).assign_coords(sample=[k]) for k in (0, 1, 1)]
    nothing = mixed(surrogate, parts, weights=np.array([[1.0, 1.0, -1.0]]), shares=np.array([[1.0, 0.0, 0.0]]), seed=1)
    own = surrogate.sample(asked.isel(sample=[0]), seed=1)
    assert nothing["positron_energy"].values[0] == pytest.approx(own["positron_energy"].values[0], rel=1e-5)


def test_what_has_nothing_between_its_samples_is_named(surrogate):
    asked = conditions(surrogate.sample(2, seed=1, **MUONS), surrogate)
    with pytest.raises(SchemaError, match="fractions"):
        between(surrogate, asked, fractions=np.array([0.5, 1.5]), seed=1)
    fixed = surrogates.load("molecule-properties")
    with pytest.raises(SurrogatesError, match="draws nothing"):
        between(fixed, asked, fractions=np.array([0.5, 0.5]), seed=1)
    chain = surrogates.load("hadron-interactions")
    rows = chain.plugin.prior(chain.conditions, 1, 1)
    with pytest.raises(SurrogatesError, match="keys draws of its own"):
        between(chain, rows, fractions=np.array([0.5]), seed=1, others=np.array([7]))
