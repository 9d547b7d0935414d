"""Measuring: distances by hand, classifiers with a known answer, floors that are no luck, impostors that are caught."""

from dataclasses import dataclass, replace
from math import erf

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.contract.findings import Target
from surrogates.contract.laws import Law
from surrogates.contract.plugin import Features, Plugin
from surrogates.contract.schema import Schema, Variable
from surrogates.measuring import (
    area_under_curve,
    auc_error,
    boosting,
    by_condition,
    kolmogorov_smirnov_distance,
    kuiper_distance,
    memorisation,
    residuals,
    set_network,
    validate,
    wasserstein_distance,
)

CONDITIONS = Schema((Variable("slope", "slope", "m", bounds=(1.0, 3.0)),))
OUTPUTS = Schema((Variable("x", "x", "m"), Variable("y", "y", "m")))


def draw(n, seed, shift=0.0):
    """A truth whose y follows slope * x."""
    generator = np.random.default_rng([seed, n])
    slope, x = generator.uniform(1, 3, n), generator.normal(size=n)
    y = slope * x + 0.3 * generator.normal(size=n) + shift
    return Schema(CONDITIONS.variables + OUTPUTS.variables).dataset({"slope": slope, "x": x, "y": y})


def figures(samples, truth, training=None):
    one, two = ((side["y"] - side["slope"] * side["x"]).values for side in (samples, truth))
    return {
        "x": wasserstein_distance(samples["x"].values, truth["x"].values),
        "rest": wasserstein_distance(one, two) / two.std(),
    }


def square(outputs, conditions):
    """y^2 with a known largest residual."""
    return (outputs["y"] ** 2).clamp(max=conditions["slope"])


def high_level(dataset):
    return np.stack([dataset[name].values for name in ("slope", "x", "y")], -1), ("slope", "x", "y")


def low_level(dataset):
    array = np.stack([dataset[["slope", "x"]].to_array().values.T, dataset[["slope", "y"]].to_array().values.T], 1)
    return array, np.ones(array.shape[:2], dtype=bool)


TOY = Plugin(
    name="toy",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=lambda schema, n, seed: draw(n, seed)[["slope"]],
    truth=draw,
    codec=lambda: None,  # type: ignore[arg-type,return-value]
    recipes={},
    constraints=(Law("square", square, 1.0, "penalty", "m2"),),
    measure=figures,
    targets={
        "x": Target(1500, floors=2.0),
        "rest": Target(1500, floors=2.0),
        "auc_high_level": Target(1500, at_most=0.55),
    },
    figure=lambda samples, truth=None: None,  # type: ignore[arg-type,return-value]
    features=Features(high_level, low_level),
    impostors={"shifted": lambda truth, seed: truth.assign(y=truth["y"] + 1.0)},
)


def test_wasserstein_distance_by_hand():
    assert wasserstein_distance([0.0, 1.0, 3.0], [5.0, 6.0, 8.0]) == 5.0
    assert wasserstein_distance([0.0, 1.0], [0.0, 0.0, 1.0, 3.0]) == 0.5  # a quarter of the mass moves by 2
    assert wasserstein_distance([0.0], [0.0, 1.0]) == 0.5


samples_of_floats = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


@given(samples_of_floats, st.integers(1, 3), st.floats(-10, 10))
@settings(max_examples=50, deadline=None)
def test_wasserstein_distance_of_a_shift_is_the_shift(values, copies, shift):
    moved = np.tile(np.array(values) + shift, copies)
    assert wasserstein_distance(values, moved) == pytest.approx(abs(shift), abs=1e-9)


def test_kolmogorov_smirnov_distance_by_hand():
    assert kolmogorov_smirnov_distance(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert kolmogorov_smirnov_distance(np.array([1.0, 3.0]), np.array([2.0, 3.0])) == 0.5


def test_kuiper_distance_does_not_depend_on_where_angles_start():
    generator = np.random.default_rng(0)
    one, two = generator.uniform(0, 2 * np.pi, 300), generator.vonmises(0, 1, 300) % (2 * np.pi)
    turned = [(angles + 1.234) % (2 * np.pi) for angles in (one, two)]
    assert kuiper_distance(*turned) == pytest.approx(kuiper_distance(one, two), abs=1e-12)


def test_area_under_curve_by_hand():
    scores, labels = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    assert area_under_curve(scores, labels) == 0.75
    assert area_under_curve(np.zeros(4), labels) == 0.5
    assert auc_error(0.5, 100, 100) == pytest.approx(np.sqrt(201 / 12 / 100**2), rel=0.01)


def test_boosting_reaches_the_area_of_two_shifted_gaussians():
    generator = np.random.default_rng(1)
    one, two = generator.normal(0, 1, (3000, 1)), generator.normal(1, 1, (3000, 1))
    found = boosting(one, two, iterations=40)
    assert found.auc == pytest.approx(0.5 * (1 + erf(0.5)), abs=4 * found.error + 0.01)
    assert abs(boosting(one, generator.normal(0, 1, (3000, 1)), iterations=40).auc - 0.5) < 4 * found.error


def test_boosting_is_not_misled_by_samples_at_the_truth_s_own_conditions():
    conditions = np.random.default_rng(2).uniform(size=(3000, 1))
    assert boosting(conditions, conditions, iterations=40).auc == pytest.approx(0.5, abs=1e-12)


def sets(n, seed, correlated):
    """Pairs of elements whose signs agree or not: no element alone tells."""
    generator = np.random.default_rng(seed)
    sign = generator.choice([-1.0, 1.0], n)
    other = sign if correlated else generator.choice([-1.0, 1.0], n)
    array = np.stack([sign * generator.uniform(0.5, 1, n), other * generator.uniform(0.5, 1, n)], 1)[..., None]
    return np.concatenate([array, np.full((n, 1, 1), 99.0)], 1), np.tile([True, True, False], (n, 1))


def test_set_network_sees_relations_between_elements():
    first = sets(2400, 0, True)
    turned = np.random.default_rng(4).random(2400) < 0.5
    first[0][turned] = first[0][turned][:, [1, 0, 2]]
    assert set_network(first, sets(2400, 1, False), epochs=12, batch=64, width=24).auc > 0.65


def test_set_network_finds_nothing_between_equal_sets():
    found = set_network(sets(2000, 2, False), sets(2000, 3, False), epochs=2, width=16)
    assert abs(found.auc - 0.5) < 4 * found.error


def test_memorisation_is_half_for_a_copier_and_nothing_for_the_truth():
    generator = np.random.default_rng(3)
    training, held_out, fresh = generator.normal(size=(3, 1500, 4))
    assert memorisation(training[:300], training, held_out) == 0.5
    assert memorisation(fresh, training, held_out) < 0.05


@pytest.fixture(scope="module")
def validation():
    return validate(
        TOY, draw(1500, 1), draw(1500, 2), second_truth=draw(1500, 3), training=draw(1500, 4), splits=8, resamples=8
    )


def by_name(validation):
    return {finding.name: finding for finding in validation.findings}


def test_the_truth_meets_its_limits_and_every_impostor_is_caught(validation):
    assert validation.unmet == ()
    assert validation.uncaught == ()
    assert {"memoriser of 30", "wrong condition", "independent variables", "noise", "shifted"} == set(
        validation.baselines
    )


def test_findings_carry_floor_error_limit_and_size(validation):
    found = by_name(validation)["rest"]
    assert found.n == 1500
    assert found.limit == pytest.approx(2 * found.floor)
    assert 0 < found.error < found.value * 3
    assert found.floor == pytest.approx(0.04, abs=0.03)
    assert by_name(validation)["auc_low_level_set_network"].limit is None
    assert by_name(validation)["memorisation"].value < 0.05
    assert validation.floor_quantiles["rest"] >= found.floor


def test_validation_is_reproducible(validation):
    again = validate(
        TOY,
        draw(1500, 1),
        draw(1500, 2),
        second_truth=draw(1500, 3),
        splits=8,
        resamples=8,
        classifiers=False,
        impostors=False,
    )
    assert by_name(again)["rest"] == by_name(validation)["rest"]


def test_a_shifted_generator_misses_its_limit_and_is_told_apart():
    found = validate(TOY, draw(1500, 1, shift=1.0), draw(1500, 2), second_truth=draw(1500, 3), impostors=False)
    assert {"rest", "auc_high_level"} <= {finding.name for finding in found.unmet}


def test_one_truth_file_halves_figure_and_floor_and_says_so():
    found = validate(TOY, draw(1500, 1), draw(1500, 2), classifiers=False, impostors=False, splits=3, resamples=3)
    assert {finding.n for finding in found.findings} == {750}
    assert any("one truth file only" in note for note in found.notes)


def test_residuals_are_the_largest_over_blocks():
    dataset = draw(50, 1)
    expected = np.minimum(dataset["y"].values ** 2, dataset["slope"].values).max()
    assert residuals(TOY, dataset, block=7) == {"square": expected}


def test_figures_by_condition_are_those_of_the_bin():
    samples, truth = draw(3000, 1), draw(3000, 2)
    found = by_condition(TOY, samples, truth, "slope", (1.0, 2.0, 3.0, 4.0), least=100)
    assert set(found) == {(1.0, 2.0), (2.0, 3.0)}
    low = [side.isel(sample=np.flatnonzero(side["slope"].values < 2.0)) for side in (samples, truth)]
    assert found[(1.0, 2.0)] == figures(*low)


def test_a_measure_s_reduction_is_what_gets_resampled():
    seen = []

    @dataclass(frozen=True)
    class Reduced:
        def reduce(self, dataset):
            seen.append(dataset.sizes["sample"])
            rest = dataset["y"] - dataset["slope"] * dataset["x"]
            return xr.Dataset({"rest": rest})

        def __call__(self, samples, truth, training=None):
            return {"rest": wasserstein_distance(samples["rest"].values, truth["rest"].values)}

    plugin = replace(TOY, measure=Reduced())
    found = validate(plugin, draw(400, 1), draw(400, 2), classifiers=False, impostors=False, splits=4, resamples=4)
    assert seen == [400, 400]
    assert len(found.findings) == 1


def test_too_few_samples_are_named():
    with pytest.raises(ValueError, match="samples: 1 samples; expected 2 or more"):
        validate(TOY, draw(1, 1), draw(100, 2))


def answers(n, seed, error=0.0):
    """A plugin's one answer y = 2 slope for each slope, with an error of the reference or of a surrogate."""
    generator = np.random.default_rng([7, n])
    slope = generator.uniform(1, 3, n)
    y = 2 * slope + error * np.random.default_rng([seed, 8]).normal(size=n)
    return Schema(CONDITIONS.variables + OUTPUTS.variables).dataset({"slope": slope, "x": slope, "y": y})


def errors_by_row(samples, truth, training=None):
    return {"error": float(np.abs(samples["y"].values - truth["y"].values).mean())}


def constant(truth, seed):
    return truth.assign(y=truth["y"] * 0 + truth["y"].mean())


CERTAIN = replace(
    TOY,
    constraints=(),
    features=None,
    measure=errors_by_row,
    targets={"error": Target(300, at_most=0.1)},
    impostors={"constant": constant},
    stochastic=False,
)


def test_one_answer_for_each_condition_is_compared_row_by_row():
    truth, second = answers(400, 1, 0.01), answers(400, 2, 0.01)
    found = validate(CERTAIN, answers(400, 3, 0.05), truth, second_truth=second, resamples=10)
    (finding,) = found.findings
    assert finding.n == 300
    assert finding.value == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.15)  # mean size of a Gaussian error
    assert finding.floor == pytest.approx(0.01 * np.sqrt(2) * np.sqrt(2 / np.pi), rel=0.15)
    assert finding.error == pytest.approx(0.05 * np.sqrt(1 - 2 / np.pi) / np.sqrt(300), rel=0.7)
    assert finding.passed and found.uncaught == ()
    assert {"constant", "wrong condition", "noise", "memoriser of 30"} <= set(found.baselines)


def test_one_truth_of_certain_answers_has_no_floor_but_is_used_whole():
    found = validate(CERTAIN, answers(300, 3, 0.05), answers(300, 1), resamples=3)
    assert found.findings[0].n == 300 and found.findings[0].floor is None
    assert "there are no floors" in found.notes[0]


def test_certain_answers_at_other_conditions_are_refused():
    truth = answers(300, 1)
    with pytest.raises(ValueError, match="^samples: slope differs from the truth's; expected the same conditions"):
        validate(CERTAIN, answers(301, 3), truth)
    with pytest.raises(ValueError, match="^second_truth: slope differs"):
        validate(CERTAIN, answers(300, 3), truth, second_truth=answers(301, 1))
