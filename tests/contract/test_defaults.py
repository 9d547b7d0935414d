"""What a plugin does not write follows from what it does: prior, truth, targets and a page of figures."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from surrogates.contract.defaults import histograms, uniform_prior
from surrogates.contract.errors import PluginError
from surrogates.contract.plugin import Plugin
from surrogates.contract.schema import Dimension, Schema, Variable
from surrogates.measuring.distances import wasserstein_distance
from surrogates.measuring.figures import Figure, Figures
from surrogates.noise import Noise, draws

CONDITIONS = Schema(
    (
        Variable("kind", "kind", dtype="int8", categories=("a", "b", "c")),
        Variable("energy", "energy", "GeV", bounds=(10.0, 30.0)),
        Variable("count", "count", dtype="int64", bounds=(1, 4)),
        Variable("gain", "gain", default=2.0),
        Variable("mask", "mask", dims=("y",), optional=True),
    ),
    dimensions=(Dimension("y", size=3),),
)
OUTPUTS = Schema((Variable("mass", "mass", "GeV"),))


class Doubling:
    conditions, outputs = CONDITIONS, OUTPUTS

    def sample(self, conditions, *, seed):
        noise = draws(seed, conditions["sample"].values).normal((), "noise")
        values = {"mass": 2 * conditions["energy"].values + noise}
        return conditions.merge(OUTPUTS.dataset(values, conditions["sample"].values))


FIGURES = Figures((Figure("mass_w1", "mass", wasserstein_distance, floors=2.0),), n=100)


def plugin(**declared):
    told = {"name": "doubling", "conditions": CONDITIONS, "outputs": OUTPUTS, "codec": lambda: None, "recipes": {}}
    return Plugin(**{**told, "measure": FIGURES, "reference": Doubling, **declared})


def test_the_prior_is_even_over_the_bounds_that_it_is_given():
    found = uniform_prior(CONDITIONS, 3000, 1)
    assert np.bincount(found["kind"].values).tolist() == pytest.approx([1000] * 3, abs=120)
    assert sorted(set(found["count"].values.tolist())) == [1, 2, 3, 4]
    assert np.quantile(found["energy"].values, [0.25, 0.75]) == pytest.approx([15, 25], abs=0.6)
    assert (found["gain"].values == 2.0).all() and np.isnan(found["mask"].values).all()
    narrow = uniform_prior(CONDITIONS.narrowed({"energy": (12.0, 13.0)}), 100, 1)["energy"].values
    assert narrow.min() >= 12.0 and narrow.max() <= 13.0
    assert uniform_prior(CONDITIONS, 10, 1).equals(found.isel(sample=slice(0, 10)))
    assert uniform_prior(CONDITIONS, 0, 1).sizes["sample"] == 0


def test_a_condition_that_no_default_prior_can_draw_is_named():
    with pytest.raises(PluginError, match="age: no bounds and no default; declare one of them"):
        uniform_prior(Schema((Variable("age", "age", "s"),)), 3, 1)


def test_truth_is_the_reference_under_the_prior():
    declared = plugin()
    truth = declared.truth(200, 3)
    assert truth[list(CONDITIONS.names)].equals(uniform_prior(CONDITIONS, 200, 3))
    assert np.abs(truth["mass"] - 2 * truth["energy"]).max() < 5.0
    assert declared.targets == FIGURES.targets
    with pytest.raises(PluginError, match="plugin 'doubling': neither truth nor reference"):
        plugin(reference=None)
    with pytest.raises(PluginError, match="plugin 'doubling': no targets; declare them, or a measure made of Figures"):
        plugin(measure=lambda samples, truth, training=None: {})


def test_a_plugin_without_a_page_shows_every_number():
    truth = plugin().truth(50, 1)
    page = plugin().figure(truth, truth)
    shown = [axes.get_xlabel() for axes in page.axes if axes.get_xlabel()]
    assert "energy [GeV]" in shown and "mass [GeV]" in shown
    assert histograms(truth[["kind"]]).axes


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3)])
def test_draws_in_numpy_are_those_of_the_noise_of_models(shape):
    samples = np.array([0, 1, 7, 2**40 + 3])
    noise, drawn = Noise(-5, torch.from_numpy(samples)), draws(-5, samples)
    assert np.array_equal(drawn.uniform(shape, "a", 1), noise.uniform(shape, "a", 1).numpy())
    assert np.allclose(drawn.normal(shape, "b"), noise.normal(shape, "b").numpy(), rtol=1e-12, atol=1e-12)
    assert np.array_equal(draws(-5, samples[2:]).uniform(shape, "a", 1), drawn.uniform(shape, "a2")[2:]) is False
    assert np.array_equal(draws(-5, samples[2:]).normal(shape, "b"), draws(-5, samples).normal(shape, "b")[2:])
    with pytest.raises(RuntimeError, match="was used twice"):
        drawn.uniform(shape, "a", 1)


def test_draws_need_no_torch():
    code = "import sys, numpy; from surrogates.noise import draws; draws(1, numpy.arange(3)).normal((2,), 'x'); "
    run = subprocess.run([sys.executable, "-c", code + "print('torch' in sys.modules)"], capture_output=True, text=True)
    assert run.stdout.strip() == "False"
