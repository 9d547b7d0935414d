"""The list of checks, and how to run them: all at once, or as one test each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..registry import resolve
from . import declaration, files, inputs, measures, sampling, training
from .subject import Skipped, Subject

if TYPE_CHECKING:
    from ..contract.plugin import Plugin

ONCE: tuple[Callable[[Subject], None], ...] = (
    declaration.check_schema_units,
    declaration.check_schema_ranges,
    declaration.check_schema_survives_json,
    declaration.check_prior_is_inside_its_schema,
    declaration.check_completion_keeps_what_was_asked,
    declaration.check_truth_follows_schema,
    declaration.check_truth_is_deterministic,
    declaration.check_residuals_vanish_on_truth,
    declaration.check_residuals_are_differentiable,
    declaration.check_residuals_notice_a_violation,
    declaration.check_targets_are_measured,
    declaration.check_figure_draws,
    inputs.check_bad_inputs_are_named,
    sampling.check_reference_keeps_the_call,
    files.check_suffixes_are_distinct,
    measures.check_measure_is_deterministic,
    measures.check_measure_fails_noise,
    measures.check_measure_fails_a_memoriser,
    measures.check_measure_fails_wrong_conditions,
)
EACH_RECIPE: tuple[Callable[[Subject, str], None], ...] = (
    declaration.check_codec_round_trip,
    training.check_recipe_trains_releases_and_samples,
)
EACH_RELEASE: tuple[Callable[[Subject, str], None], ...] = (
    sampling.check_samples_follow_schema,
    sampling.check_laws_hold_on_samples,
    sampling.check_samples_are_deterministic,
    sampling.check_conditions_matter,
    sampling.check_split_gives_equal_bits,
    sampling.check_shuffle_gives_equal_bits,
    sampling.check_subset_gives_equal_bits,
    sampling.check_stream_equals_sample,
    sampling.check_empty_sample,
    sampling.check_spawned_process_gives_equal_bits,
    sampling.check_out_of_range_is_refused,
    sampling.check_unseen_conditions_are_refused,
    sampling.check_extrapolation_is_marked,
    sampling.check_fallback_is_routed_and_marked,
    sampling.check_card_recomputed,
    sampling.check_altered_weights_are_refused,
    inputs.check_surrogate_refuses_bad_inputs,
)
EACH_IMPOSTOR: tuple[Callable[[Subject, str], None], ...] = (measures.check_measure_fails_impostor,)
EACH_FORMAT: tuple[Callable[[Subject, str], None], ...] = (files.check_round_trip, files.check_empty_round_trip)


_LONG = ("trains", "bits")
"""Parts of the names of checks of baselines that are left to the complete suite."""


@dataclass(frozen=True)
class Check:
    """One check of one plugin; call it, and it raises AssertionError with what is missing."""

    function: Callable[..., None]
    subject: Subject
    of: str | None = None

    @property
    def name(self) -> str:
        """Readable identity, e.g. ``check_stream_equals_sample[flow]``."""
        function = self.function
        named = function.args[0] if isinstance(function, partial) else function.__name__
        return named if self.of is None else f"{named}[{self.of}]"

    @property
    def slow(self) -> bool:
        """Whether it takes long: the plugin says so, or it trains a baseline or compares a baseline's bits."""
        recipe = self.subject.plugin.recipes.get(self.of or "")
        parts = (*self.subject.slow, *(_LONG if recipe is not None and recipe.baseline else ()))
        return any(part in self.name for part in parts)

    def __call__(self) -> None:
        if self.of is None:
            self.function(self.subject)
        else:
            served = self.subject.trained(self.of) if self.of in self.subject.plugin.recipes else self.subject
            self.function(served, self.of)


def checks(plugin_or_name: Plugin | str, **settings: Any) -> tuple[Check, ...]:
    """All checks of a plugin.

    Parameters
    ----------
    plugin_or_name : Plugin or str
    **settings
        Fields of `Subject`: sample sizes, seed, and the folder of the weights; in place of the plugin's `checked`.
    """
    plugin = resolve(plugin_or_name)
    subject = Subject(plugin, **{**plugin.checked, **settings})
    named = (
        (EACH_RECIPE, tuple(subject.plugin.recipes)),
        (EACH_RELEASE, subject.released),
        (EACH_IMPOSTOR, tuple(subject.plugin.impostors)),
        (EACH_FORMAT, tuple(kind.name for kind in files.formats(subject))),
    )
    found = [Check(function, subject) for function in ONCE]
    for functions, names in named:
        found += [Check(function, subject, name) for name in names for function in functions]
    for recipe in subject.plugin.recipes:
        if recipe not in subject.released:
            found += [Check(partial(_unreleased, function.__name__), subject, recipe) for function in EACH_RELEASE]
    if not subject.plugin.impostors:
        found.append(Check(partial(_no_impostor, measures.check_measure_fails_impostor.__name__), subject))
    return tuple(found)


def _unreleased(check: str, subject: Subject, recipe: str) -> None:
    raise Skipped(f"no weights are released: surrogates train {subject.plugin.name} --model {recipe} --release")


def _no_impostor(check: str, subject: Subject) -> None:
    raise Skipped("the plugin declares no impostor of its own; add the domain's cheapest fake to `impostors`")


@dataclass(frozen=True)
class Report:
    """What `check_plugin` found of a plugin that keeps every promise.

    Attributes
    ----------
    passed : tuple of str
        Names of checks.
    skipped : mapping
        Name of a check that the plugin gives nothing to -> why.
    """

    passed: tuple[str, ...]
    skipped: Mapping[str, str]

    def __str__(self) -> str:
        lines = [f"{len(self.passed)} checks passed, {len(self.skipped)} skipped"]
        return "\n".join([*lines, *(f"skipped {name}: {why}" for name, why in self.skipped.items())])


def check_plugin(plugin_or_name: Plugin | str, **settings: Any) -> Report:
    """Run all checks and report every broken promise at once.

    Parameters
    ----------
    plugin_or_name : Plugin or str
    **settings
        Fields of `Subject`.

    Returns
    -------
    Report
        Checks that passed, and those that were skipped with the reason.

    Raises
    ------
    AssertionError
        One line for each check that failed.
    """
    found, broken = checks(plugin_or_name, **settings), []
    passed, skipped = [], {}
    for check in found:
        try:
            check()
            passed.append(check.name)
        except Skipped as reason:
            skipped[check.name] = str(reason)
        except Exception as error:
            lines = str(error).splitlines() or [""]
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            broken.append(f"{check.name}: {kind}{lines[0]}")
    if broken:
        raise AssertionError(f"{len(broken)} of {len(found)} checks failed:\n" + "\n".join(broken))
    return Report(tuple(passed), skipped)


def plugin_checks(plugin_or_name: Plugin | str, **settings: Any) -> list[Any]:
    """All checks as pytest parameters with readable ids, long ones marked `slow`; see `checks`."""
    import pytest

    return [
        pytest.param(check, id=check.name, marks=[pytest.mark.slow] if check.slow else [])
        for check in checks(plugin_or_name, **settings)
    ]
