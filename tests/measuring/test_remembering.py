"""A reduction is made once for a Dataset that lives on, by itself for each way it is asked, and not kept beyond it."""

import gc
import weakref

import xarray as xr

from surrogates.measuring.remembering import REMEMBERED, remembered

CALLS = []


@remembered("reduced")
def reduce(dataset: xr.Dataset, factor: float = 1.0) -> xr.Dataset:
    """The values times a factor."""
    CALLS.append(factor)
    return xr.Dataset({"reduced": dataset["value"] * factor})


def made(value: float) -> xr.Dataset:
    return xr.Dataset({"value": ("sample", [value])})


def test_a_dataset_is_reduced_once_for_each_way_it_is_asked():
    CALLS.clear()
    one, other = made(1.0), made(1.0)
    assert reduce(one) is reduce(one)
    assert float(reduce(one, factor=2.0)["reduced"][0]) == 2.0 and float(reduce(one)["reduced"][0]) == 1.0
    assert reduce(one, 1.0) is reduce(one) and reduce(one, factor=1.0) is reduce(one)
    assert reduce(other) is not reduce(one)
    assert CALLS == [1.0, 2.0, 1.0]


def test_what_is_reduced_comes_back_as_it_is():
    CALLS.clear()
    found = reduce(made(3.0))
    assert reduce(found) is found and CALLS == [1.0]


def test_nothing_is_kept_beyond_the_latest_or_beyond_the_dataset():
    CALLS.clear()
    alive = [made(float(k)) for k in range(REMEMBERED + 2)]
    results = [weakref.ref(reduce(dataset)) for dataset in alive]
    reduce(alive[0])
    assert CALLS == [1.0] * (REMEMBERED + 3)
    alive.clear()
    reduce(made(9.0))
    gc.collect()
    assert all(result() is None for result in results)
