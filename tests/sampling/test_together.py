"""Calls computed together: each is its own call to rounding, and alone it has the bits of `sample`."""

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

import surrogates
from surrogates.contract.errors import SchemaError
from surrogates.noise import Noise, NoiseOfSeveral
from surrogates.sampling.together import BESIDE, RELATIVE, call, most_together, together


@pytest.fixture(scope="module")
def muons():
    return surrogates.load("muon-decay")


def calls_of(surrogate, count):
    asked = [
        (1 + k % 3, {"seed": 11 * k, "first": 5 * k % 7, "muon_momentum": 0.5 + 0.1 * k % 2}) for k in range(count)
    ]
    return asked, [call(surrogate, n, **given) for n, given in asked]


@pytest.mark.parametrize("few", [True, False])
def test_rows_of_several_seeds_draw_what_they_draw_alone(few):
    seeds = [3, 3, 8, 2**63, 8] * (1 if few else 4000)  # few words are drawn by numpy, many by torch
    identities = torch.tensor([4, -1, 4, 2**40, 4] * (1 if few else 4000))
    mixed = NoiseOfSeveral(seeds, identities)
    drawn = [mixed.uniform((5,), "a", 1), mixed.normal((3,), "b"), mixed.choice(torch.zeros(len(seeds), 7), "c")]
    for row in range(5):
        own = Noise(seeds[row], identities[row : row + 1])
        alone = [own.uniform((5,), "a", 1), own.normal((3,), "b"), own.choice(torch.zeros(1, 7), "c")]
        assert all(torch.equal(whole[row], one[0]) for whole, one in zip(drawn, alone, strict=True))
    assert mixed.samples[:5].tolist() == [0, 1, 2, 3, 2]  # equal numbers for one sample, of which a row repeats
    with pytest.raises(RuntimeError, match="was used twice"):
        mixed.normal((2,), "b")


def test_calls_together_are_each_what_sample_gives(muons):
    asked, calls = calls_of(muons, 40)
    found = together(muons, calls)
    spread = {name: float(np.std(np.concatenate([d[name].values for d in found]))) for name in muons.outputs.names}
    for (n, given), data in zip(asked, found, strict=True):
        own = muons.sample(n, **given)
        assert data.attrs[BESIDE] == sum(n for n, _ in asked) - n
        assert set(own.attrs) == set(data.attrs) - {BESIDE}
        assert data.attrs["seed"] == given["seed"]
        xr.testing.assert_equal(own[list(muons.conditions.names)], data[list(muons.conditions.names)])
        for name in muons.outputs.names:
            assert np.abs(own[name].values - data[name].values).max() <= RELATIVE * spread[name]
            assert own[name].attrs == data[name].attrs and own[name].dtype == data[name].dtype
    assert not np.array_equal(found[0]["decay_time"].values[0], found[3]["decay_time"].values[0])


def test_a_call_alone_has_the_bits_of_sample(muons):
    _, calls = calls_of(muons, 2)
    xr.testing.assert_identical(
        together(muons, calls[1:])[0], muons.sample(2, seed=11, first=5, muon_momentum=0.5 + 0.1)
    )


def test_calls_that_do_not_fit_one_batch_take_several(muons):
    small = dataclasses.replace(
        muons,
        plugin=dataclasses.replace(
            muons.plugin,
            recipes={name: dataclasses.replace(r, sample_batch=4) for name, r in muons.plugin.recipes.items()},
        ),
    )
    _, calls = calls_of(small, 5)  # of 1, 2, 3, 1, 2 samples
    found = together(small, calls)
    assert [data.sizes["sample"] for data in found] == [1, 2, 3, 1, 2]
    assert [data.attrs.get(BESIDE, 0) for data in found] == [2, 1, 1, 3, 0]
    assert most_together(small) == 2


def test_a_call_is_checked_as_sample_checks_it(muons):
    with pytest.raises(SchemaError, match="^muon_momentum: 50 GeV is out of range"):
        call(muons, 1, seed=1, muon_momentum="50 GeV")
    with pytest.raises(SchemaError, match="^seed: -1 is out of range"):
        call(muons, 1, seed=-1, muon_momentum=1.0)
