"""A map of hidden units shows what leaving them out does, and a model without pictures says that it has none."""

import numpy as np
import pytest
from click.testing import CliRunner

import surrogates
from surrogates.cli.entry import surrogates as commands
from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.reporting.ablation import SAMPLES, SHOWN, ablation_figure
from surrogates.sampling.ablation import effects, layers, spread_over, without

LAYER = "generator.exit"


@pytest.fixture(scope="module")
def surrogate():
    return surrogates.load("galaxy-images", model="gan", threads=1)


@pytest.fixture(scope="module")
def rows(surrogate):
    return surrogate.plugin.prior(surrogate.conditions, SAMPLES, 3)[list(surrogate.conditions.names)]


def test_effects_are_those_of_the_surrogate_without_a_unit(surrogate, rows):
    found = effects(surrogate, rows, "image", LAYER, [1, 9], seed=3)
    whole = surrogate.sample(rows, seed=3)["image"].values.astype(np.float64)
    other = without(surrogate, {LAYER: [9]}).sample(rows, seed=3)["image"].values
    apart = np.abs(other - whole)
    assert found.change[1] == pytest.approx(np.sqrt((apart**2).mean()) / whole.std())
    np.testing.assert_allclose(found.where[1], apart.reshape(-1, *apart.shape[-2:]).mean(axis=0))
    np.testing.assert_array_equal(found.without[1], other[0])
    assert found.units.tolist() == [1, 9] and found.change.min() > 0
    again = surrogate.sample(rows, seed=3)["image"].values
    np.testing.assert_array_equal(again, whole)  # the surrogate itself stays as it is


def test_a_unit_that_is_off_already_changes_nothing(surrogate, rows):
    dead = without(surrogate, {LAYER: [9]})
    found = effects(dead, rows, "image", LAYER, [9, 4], seed=3)
    assert found.change[0] == 0.0 == found.where[0].max() and found.change[1] > 0


def test_the_figure_shows_the_units_that_change_most(surrogate, rows):
    figure = ablation_figure(surrogate, seed=3, chosen=[LAYER])
    known = effects(surrogate, rows, "image", LAYER, seed=3)
    order = np.argsort(-known.change)[:SHOWN]
    titles = [axes.get_title() for axes in figure.axes]
    assert [title for title in titles if title.startswith("unit ")] == [f"unit {k}" for k in order]
    (curve,) = (axes for axes in figure.axes if axes.lines)
    np.testing.assert_allclose(curve.lines[0].get_ydata(), np.sort(known.change)[::-1])
    first = figure.axes[titles.index(f"unit {order[0]}")].images[0].get_array().data
    np.testing.assert_allclose(first, known.where[order[0]])


def test_layers_are_taken_from_the_first_to_the_last(surrogate):
    known = layers(surrogate)
    some = spread_over(known, 3)
    assert len(some) == 3 and some[0] == next(iter(known)) and some[-1] == list(known)[-1]
    assert spread_over(known, 100) == list(known)


def test_what_cannot_be_shown_is_one_line(surrogate):
    with pytest.raises(SurrogatesError, match="jets: no output is a picture"):
        ablation_figure(surrogates.load("jets"))
    with pytest.raises(SchemaError, match=r"--layer: 'generator.exits' is no layer; expected .*generator.exit"):
        ablation_figure(surrogate, chosen=["generator.exits"])
    for words in (["a.nc", "--ablation"], ["--walk", "--ablation"], ["a.nc", "--layer", "x"]):
        found = CliRunner().invoke(commands, ["plot", "jets", *words, "-o", "a.png"])
        assert found.exit_code == 2 and "--ablation" in found.output
