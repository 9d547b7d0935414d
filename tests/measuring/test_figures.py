"""A figure is declared once: measure and target follow, whole and in parts, and weights count."""

import pickle

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.contract.errors import PluginError, SchemaError
from surrogates.measuring.distances import (
    Known,
    Worst,
    difference_of_means,
    kolmogorov_smirnov_distance,
    kuiper_distance,
    mean_absolute_error,
    wasserstein_distance,
)
from surrogates.measuring.figures import Figure, Figures, Together, bins, by, classes, counts

SPECIES = ("cat", "dog")


def spread(samples, truth, training):
    return {"spread": abs(float(samples["mass"].std() - truth["mass"].std())), "seen": float(training is not None)}


def logarithm(dataset):
    return np.log(dataset["mass"].values)


FIGURES = Figures(
    (
        Figure("mass", "mass", wasserstein_distance, floors=2.0, text="mass of the animal", units="kg"),
        by(
            classes("species", SPECIES),
            Figure("mass", "mass", wasserstein_distance, at_most=0.3, text="mass"),
            by(bins("age", (0, 5, 10), units="a"), Figure("log", logarithm, difference_of_means, n=50, text="ln mass")),
        ),
        by(counts("legs", ((1, 3), (4, 4)), "legs"), Figure("mass", "mass", wasserstein_distance)),
        Together(spread, (Figure("spread", text="spread"), Figure("seen"))),
    ),
    n=100,
    least=5,
)


def animals(n=200, seed=0, heavier=0.0):
    generator = np.random.default_rng(seed)
    species = generator.integers(0, 2, n)
    return xr.Dataset(
        {
            "species": ("sample", species),
            "age": ("sample", generator.integers(0, 11, n).astype(float)),
            "legs": ("sample", np.full(n, 4)),
            "mass": ("sample", generator.gamma(4.0, 1.0, n) + heavier * species),
        }
    )


def test_measure_and_targets_have_one_declaration():
    targets = FIGURES.targets
    assert list(targets) == [
        "mass",
        "cat/mass", "cat/0-5/log", "cat/5-10/log",
        "dog/mass", "dog/0-5/log", "dog/5-10/log",
        "1-3 legs/mass", "4 legs/mass",
        "spread", "seen",
    ]  # fmt: skip
    found = FIGURES(animals(), animals(seed=1))
    assert set(targets) - set(found) == {"1-3 legs/mass"}, "a part that no animal falls in has no figure"
    assert targets["mass"].floors == 2.0 and targets["mass"].units == "kg" and targets["mass"].n == 100
    assert targets["cat/0-5/log"].n == 50
    assert targets["cat/0-5/log"].description == "ln mass, 0-5 a"
    assert targets["4 legs/mass"].description == "4 legs"


def test_a_figure_of_a_part_is_that_of_its_rows_alone():
    samples, truth = animals(heavier=2.0), animals(seed=1)
    found = FIGURES(samples, truth)
    dogs = [side["mass"].values[side["species"].values == 1] for side in (samples, truth)]
    assert found["dog/mass"] == wasserstein_distance(*dogs)
    assert found["dog/mass"] > 1.5 > 0.6 > found["cat/mass"]
    old = [side["mass"].values[(side["species"] == 0) & (side["age"] >= 5)] for side in (samples, truth)]
    assert found["cat/5-10/log"] == pytest.approx(abs(np.log(old[0]).mean() - np.log(old[1]).mean()))


def test_the_last_upper_edge_counts_where_bins_are_closed():
    ages = xr.Dataset({"age": ("sample", [0.0, 5.0, 10.0])})
    for closed, expected in ((True, [[0], [1, 2]]), (False, [[0], [1]])):
        split = bins("age", (0, 5, 10), closed=closed)
        assert [part.chosen(ages["age"].values).tolist() for part in split.parts] == expected


def test_training_reaches_figures_that_are_taken_together():
    assert FIGURES(animals(), animals(), animals())["seen"] == 1.0
    assert FIGURES(animals(), animals())["seen"] == 0.0


def test_a_sample_of_weight_two_counts_as_two():
    samples, truth = animals(50), animals(60, seed=1)
    weighted = samples.assign(weight=("sample", np.where(np.arange(50) < 10, 2.0, 1.0)))
    twice = xr.concat([samples, samples.isel(sample=slice(0, 10))], dim="sample")
    figures = Figures(
        (
            Figure("mass", "mass", wasserstein_distance),
            Figure("gap", "mass", kolmogorov_smirnov_distance),
            Figure("mean", "mass", difference_of_means),
            Figure("known", "mass", Known(wasserstein_distance)),
            by(classes("species", SPECIES), Figure("mass", "mass", wasserstein_distance)),
        ),
        n=50,
    )
    assert figures(weighted, truth) == pytest.approx(figures(twice, truth))
    assert figures(weighted, truth)["mass"] != pytest.approx(figures(samples, truth)["mass"])


def test_weights_are_never_dropped_without_a_word():
    blind = Figures((Figure("mass", "mass", lambda first, second: 0.0),), n=10)
    with pytest.raises(PluginError, match="figure 'mass': samples have weights and its distance takes none"):
        blind(animals().assign(weight=("sample", np.ones(200))), animals())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 40), st.integers(2, 40))
def test_equal_weights_change_nothing(seed, n, m):
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=n), generator.normal(size=m)
    ones = np.full(n, 3.0), np.full(m, 0.5)
    for distance in (wasserstein_distance, kolmogorov_smirnov_distance, kuiper_distance, difference_of_means):
        assert distance(first, second, weights=ones) == pytest.approx(distance(first, second))
    assert wasserstein_distance(first, first, weights=(None, np.ones(n))) == pytest.approx(0.0)


def test_values_that_a_sample_does_not_have_are_left_out():
    first, second = np.array([1.0, np.nan, 3.0]), np.array([np.nan, 2.0, 5.0])
    assert Known(wasserstein_distance)(first, second) == 1.5
    assert Known(wasserstein_distance, in_spreads=True)(first, second) == 1.0
    assert Known(wasserstein_distance, least=3)(first, second) is None
    assert Known(wasserstein_distance)(first, second, weights=(np.array([1.0, 9.0, 1.0]), None)) == 1.5
    assert mean_absolute_error(first, second) == 2.0
    assert np.isnan(mean_absolute_error(first, second * np.nan))


def test_the_worst_column_counts():
    first, second = np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[1.0, 2.0], [3.0, 6.0]])
    assert Worst(wasserstein_distance)(first, second) == 4.0
    assert Worst(difference_of_means)(first, second, weights=(None, np.array([1.0, 0.0]))) == 2.0


def test_rows_that_must_match_are_compared_first():
    paired = Figures((Figure("mass", "mass", mean_absolute_error),), n=10, paired=("species",))
    assert paired(animals(), animals()) == {"mass": 0.0}
    with pytest.raises(SchemaError, match="species: samples and truth differ; expected the same rows"):
        paired(animals(), animals(seed=1))


def test_a_declaration_that_cannot_be_meant_is_refused():
    with pytest.raises(PluginError, match=r"figures: \['mass'\] declared twice"):
        Figures((Figure("mass", "mass", wasserstein_distance), Figure("mass", "age", wasserstein_distance)), n=10)
    with pytest.raises(PluginError, match="figure 'mass': no n; give it here or to Figures"):
        Figures((Figure("mass", "mass", wasserstein_distance),))
    with pytest.raises(PluginError, match="figure 'mass': no quantity or no distance"):
        Figures((Figure("mass"),), n=10)(animals(), animals())


def test_figures_travel_to_another_process():
    again = pickle.loads(pickle.dumps(FIGURES))
    assert again(animals(), animals(seed=1)) == FIGURES(animals(), animals(seed=1))
