"""Small calls: the bits of a large one, at the cost of a small one."""

from importlib import metadata

import numpy as np
import pytest

import surrogates
from surrogates import provenance, registry

IN_PARTS = [
    (item.name, recipe)
    for item in registry.plugins()
    if item.package == "surrogates" and item.name in ("galaxy-images", "jets", "molecule-properties", "particle-events")
    for recipe, declared in item.load().recipes.items()
    if declared.sample_part is not None
]
ROWS = {"galaxy-images": 80}  # of the others 640


@pytest.mark.parametrize(("name", "recipe"), IN_PARTS)
def test_bits_of_a_sample_do_not_depend_on_how_many_parts_a_batch_has(name, recipe):
    surrogate = surrogates.load(name, model=recipe)
    n = ROWS.get(name, 640)
    conditions = surrogate.plugin.prior(surrogate.conditions, n, 3)
    whole = surrogate.sample(conditions, seed=7)
    order = np.random.default_rng(1).permutation(n)
    for rows in ([n - 1], order[:3], order[:70], np.arange(n // 7, n - n // 16), order):
        few = surrogate.sample(conditions.isel(sample=rows), seed=7)
        for variable in whole.data_vars:
            expected = whole[variable].values[rows]
            assert np.array_equal(few[variable].values, expected, equal_nan=expected.dtype.kind == "f"), variable


def test_versions_are_read_once_a_process(monkeypatch):
    surrogate = surrogates.load("muon-decay")
    surrogate.sample(1, seed=1, muon_momentum="3 GeV", polarisation=0.0)
    monkeypatch.setattr(metadata, "version", lambda package: pytest.fail(f"{package} read again"))
    assert provenance.package_version("surrogates")
    surrogate.sample(1, seed=1, muon_momentum="3 GeV", polarisation=0.0)


RELEASED = [
    (item.name, path.stem)
    for item in registry.plugins()
    if item.package == "surrogates"
    for path in sorted(item.weights.glob("*.safetensors"))
    if path.with_suffix(".json").is_file()  # ratios of weighted samples have no card of their own
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "recipe"), RELEASED)
def test_a_sample_alone_has_the_bits_that_it_has_among_others(name, recipe):
    surrogate = surrogates.load(name, model=recipe)
    conditions = surrogate.plugin.prior(surrogate.conditions, 4, 5)
    among = surrogate.sample(conditions, seed=3)
    for row in (0, 3):
        alone = surrogate.sample(conditions.isel(sample=[row]), seed=3)
        for variable in among.data_vars:
            expected = among[variable].values[[row]]
            assert np.array_equal(alone[variable].values, expected, equal_nan=expected.dtype.kind == "f"), variable
