"""The conformance kit passes a sound plugin and names what a broken one breaks."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from unittest import SkipTest

import pytest
import torch
from torch import nn

from surrogates import registry
from surrogates.contract.laws import Law
from surrogates.contract.schema import Schema
from surrogates.release.cards import Card
from surrogates.testing import check_plugin, checks, plugin_checks
from surrogates.training.loop import TrainingError

SOUND = registry.plugin("muon-decay")


@pytest.mark.parametrize("check", plugin_checks("muon-decay"))
def test_the_third_party_plugin_keeps_every_promise(check):
    check()


def check_named(name: str, plugin, **settings):
    """The check called `name`, of a plugin with the released weights."""
    settings = {"weights": registry.entry("muon-decay").weights, **settings}
    return next(check for check in checks(plugin, **settings) if check.name == name)


def in_other_units(plugin, units):
    first, *rest = plugin.outputs
    return replace(plugin, outputs=Schema((replace(first, units=units), *rest)))


def changed_truth(plugin, change):
    return replace(plugin, truth=lambda n, seed: change(plugin.truth(n, seed)))


def blunt_prior(schema, n, seed):
    return SOUND.prior(SOUND.conditions, n, seed)


def drifting(n, seed, calls=[0]):  # noqa: B006
    calls[0] += 1
    return SOUND.truth(n, seed + calls[0])


def massless(outputs, conditions):
    return outputs["positron_energy"] ** 2 - outputs["positron_pz"] ** 2 - outputs["positron_pt"] ** 2


SLEEPING = Law("sleeping", lambda outputs, conditions: outputs["positron_energy"] * 0, 1e-9)
"""A law that notices nothing."""

MASSLESS = Law("massless", massless, 1e-9)
"""A law that the truth does not keep."""


def spectrum_alone(samples, truth, training=None):
    """Figures that are blind to the conditions."""
    means = [data["positron_energy"].values.mean() for data in (samples, truth)]
    return {"energy": float(abs(means[0] - means[1]))}


def restless(samples, truth, training=None, calls=[0]):  # noqa: B006
    calls[0] += 1
    return {"energy_w1": float(calls[0])}


BROKEN = [
    ("check_schema_units", lambda: in_other_units(SOUND, "GeVV"), "positron_energy: units 'GeVV'"),
    ("check_prior_is_inside_its_schema", lambda: replace(SOUND, prior=blunt_prior), "prior ignores the schema"),
    (
        "check_truth_follows_schema",
        lambda: changed_truth(SOUND, lambda data: data.drop_vars("decay_time")),
        "decay_time: missing",
    ),
    (
        "check_truth_follows_schema",
        lambda: changed_truth(SOUND, lambda data: data.astype("float32")),
        "muon_momentum: dtype float32",
    ),
    (
        "check_truth_follows_schema",
        lambda: changed_truth(SOUND, lambda data: data.assign(decay_time=data["decay_time"] / 0)),
        "decay_time: ",
    ),
    ("check_truth_is_deterministic", lambda: replace(SOUND, truth=drifting), "truth differs for equal seeds"),
    ("check_residuals_vanish_on_truth", lambda: replace(SOUND, constraints=(MASSLESS,)), "massless: .* on the truth"),
    (
        "check_residuals_notice_a_violation",
        lambda: replace(SOUND, constraints=(SLEEPING,)),
        "the law notices nothing",
    ),
    ("check_measure_is_deterministic", lambda: replace(SOUND, measure=restless), "for the same samples"),
    (
        "check_measure_fails_wrong_conditions",
        lambda: replace(SOUND, measure=spectrum_alone),
        "wrong conditions: passes",
    ),
    (
        "check_measure_fails_impostor[unpolarised]",
        lambda: replace(SOUND, impostors={"unpolarised": lambda truth, seed: truth}),
        "unpolarised: passes",
    ),
    ("check_targets_are_measured", lambda: replace(SOUND, targets={}), "targets: none"),
    ("check_figure_draws", lambda: replace(SOUND, figure=lambda samples, truth: 3), "figure returns a int"),
]


@pytest.mark.parametrize(
    ("name", "plugin", "said"), BROKEN, ids=[f"{name}-{k}" for k, (name, _, _) in enumerate(BROKEN)]
)
def test_a_broken_promise_is_named(name, plugin, said):
    with pytest.raises(AssertionError, match=said):
        check_named(name, plugin())()


class Sociable(nn.Module):
    """A flow whose samples look at the others of their batch."""

    def __init__(self, flow) -> None:
        super().__init__()
        self.flow = flow

    def sample(self, conditions, noise):
        drawn = self.flow.sample(conditions, noise)
        return {**drawn, "lifetimes": drawn["lifetimes"] * (1 + 0.1 * drawn["lifetimes"].mean())}


class Forgetful(Sociable):
    """A flow that draws from torch's global generator."""

    def sample(self, conditions, noise):
        drawn = self.flow.sample(conditions, noise)
        return {**drawn, "lifetimes": -torch.rand(len(noise), dtype=torch.float64).log()}


def with_model(check, wrap):
    """The same check of a surrogate with another model."""
    whole = check.subject.surrogate("flow")
    check.subject._opened["flow"] = replace(whole, model=wrap(whole.model))
    return check


@pytest.mark.parametrize(
    ("name", "model", "said"),
    [
        ("check_subset_gives_equal_bits[flow]", Sociable, "decay_time: .* values differ"),
        ("check_shuffle_gives_equal_bits[flow]", Sociable, "decay_time: .* values differ"),
        ("check_split_gives_equal_bits[flow]", Sociable, "decay_time: .* values differ"),
        ("check_stream_equals_sample[flow]", Sociable, "stream and sample differ: decay_time: .* values differ"),
        ("check_samples_are_deterministic[flow]", Forgetful, "samples differ for equal seeds"),
    ],
)
def test_a_model_that_looks_beside_is_found(name, model, said):
    with pytest.raises(AssertionError, match=said):
        with_model(check_named(name, SOUND, samples=1500), model)()


class Deaf(nn.Module):
    """A codec by which whatever is asked is the same."""

    def __init__(self, codec) -> None:
        super().__init__()
        self.inner = codec

    def encode(self, physical):
        return self.inner.encode({name: 0.0 * tensor + 0.5 for name, tensor in physical.items()})

    def decode(self, encoded, conditions):
        return self.inner.decode(encoded, {name: 0.0 * tensor + 0.5 for name, tensor in conditions.items()})


@pytest.mark.parametrize("samples", [20, 600])
def test_outputs_that_hang_on_no_condition_are_found(samples):
    check = check_named("check_conditions_matter[flow]", SOUND, samples=samples)
    whole = check.subject.surrogate("flow")
    check.subject._opened["flow"] = replace(whole, codec=Deaf(whole.codec))
    with pytest.raises(AssertionError, match="outputs do not depend on the conditions"):
        check()


def test_a_codec_that_loses_numbers_is_found():
    class Rounding(nn.Module):
        def __init__(self, codec) -> None:
            super().__init__()
            self.inner = codec

        def encode(self, physical):
            return self.inner.encode(physical)

        def decode(self, encoded, conditions):
            return self.inner.decode({**encoded, "lifetimes": encoded["lifetimes"].round()}, conditions)

    check = check_named("check_codec_round_trip[flow]", SOUND)
    whole = check.subject.surrogate("flow")
    check.subject._opened["flow"] = replace(whole, codec=Rounding(whole.codec))
    with pytest.raises(AssertionError, match="decay_time: .* come back changed"):
        check()


def test_a_card_that_does_not_recount_is_found(tmp_path):
    for file in registry.entry("muon-decay").weights.iterdir():
        shutil.copy(file, tmp_path)
    card = Card.read(tmp_path / "flow.json")
    replace(card, parameters=card.parameters + 1).write(tmp_path / "flow.json")
    with pytest.raises(AssertionError, match="parameters is .*; a recount gives"):
        check_named("check_card_recomputed[flow]", SOUND, weights=tmp_path)()


def test_check_plugin_reports_every_broken_promise_at_once():
    broken = replace(SOUND, targets={}, prior=blunt_prior, recipes={})
    with pytest.raises(AssertionError) as error:
        check_plugin(broken, measured_samples=200)
    lines = str(error.value).splitlines()
    assert any(line.startswith("check_prior_is_inside_its_schema: prior ignores") for line in lines)
    assert any(line.startswith("check_targets_are_measured: targets: none") for line in lines)


SMALLEST = Path(__file__).parent / "third_party" / "smallest" / "thermal_speeds.py"


@pytest.fixture(scope="module")
def smallest():
    spec = importlib.util.spec_from_file_location("thermal_speeds", SMALLEST)
    module = sys.modules["thermal_speeds"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["thermal_speeds"]


def test_the_smallest_plugin_takes_sixty_lines_and_keeps_every_promise(smallest):
    assert len(SMALLEST.read_text().splitlines()) <= 60
    report = check_plugin(smallest.PLUGIN)
    assert "check_recipe_trains_releases_and_samples[flow]" in report.passed
    assert "check_reference_keeps_the_call" in report.passed


def test_what_is_skipped_is_said(smallest):
    report = check_plugin(smallest.PLUGIN, trains=False)
    assert report.skipped["check_completion_keeps_what_was_asked"] == "the plugin completes no conditions"
    assert report.skipped["check_residuals_vanish_on_truth"] == "the plugin declares no laws"
    assert "surrogates train thermal-speeds --model flow --release" in report.skipped["check_card_recomputed[flow]"]
    assert "Subject(trains=True)" in report.skipped["check_recipe_trains_releases_and_samples[flow]"]
    assert "declares no impostor" in report.skipped["check_measure_fails_impostor"]
    assert str(report).startswith(f"{len(report.passed)} checks passed, {len(report.skipped)} skipped")


def test_pytest_counts_a_skipped_check_as_skipped(smallest):
    check = next(check for check in checks(smallest.PLUGIN) if check.name == "check_residuals_vanish_on_truth")
    with pytest.raises(SkipTest, match="the plugin declares no laws"):
        check()


def broken_recipe(smallest, what):
    """The smallest plugin with a recipe that fails when it is used: in training, when released, or when it samples."""

    class Mute(smallest.Flow):
        def sample(self, conditions, noise):
            return {"speed": super().sample(conditions, noise)["values"]}

    class Unshipped(smallest.Flow):
        ships = ()

    def stray(model, batch):
        yield "network", -model.flow.log_prob(batch.encoded["values"], batch.conditions["context"])

    model = {"samples": Mute, "ships": Unshipped}.get(what, smallest.Flow)
    phases = smallest.RECIPE.phases
    if what == "steps":
        phases = (replace(phases[0], steps=stray),)
    recipe = replace(smallest.RECIPE, model=model, phases=phases)
    return replace(smallest.PLUGIN, recipes={"flow": recipe})


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        ("samples", KeyError, "values"),
        ("ships", AssertionError, "flow: the released weights are empty; name in `ships` what `sample` needs"),
        ("steps", TrainingError, "steps: yielded 'network'; the phase optimises flow"),
    ],
)
def test_a_recipe_that_fails_when_it_is_used_does_not_pass(smallest, what, error, said):
    name = "check_recipe_trains_releases_and_samples[flow]"
    check = next(check for check in checks(broken_recipe(smallest, what)) if check.name == name)
    with pytest.raises(error, match=said):
        check()


def test_a_law_by_construction_holds_before_anything_is_learned(smallest):
    kinetic = Law("slow", lambda outputs, conditions: (outputs["along"] - 500.0).clamp(min=0.0), 1.0)
    name = "check_recipe_trains_releases_and_samples[flow]"
    check = next(c for c in checks(replace(smallest.PLUGIN, constraints=(kinetic,))) if c.name == name)
    with pytest.raises(AssertionError, match="slow: .* after 2 updates, and its tolerance is 1; a law by construction"):
        check()
