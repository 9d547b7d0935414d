"""The plugin for the columns of a pair of tables: codec, laws, figures, and what else depends on the columns."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ....contract.defaults import uniform_prior
from ....contract.deferred import deferred
from ....contract.errors import SchemaError
from ....contract.findings import Target
from ....contract.laws import Law
from ....contract.plugin import Features, Plugin
from ....io.fhir import fhir_format
from ....io.formats import Format
from ....io.omop import omop_format
from ....io.patient_tables import Field, PatientTables, pair_format
from ....measuring.distances import wasserstein_distance
from ....measuring.figures import Figure, Figures, Together
from ....physics.records.laws import ranges
from ..attacks import nearest_neighbour_attack
from ..measure import (
    changes,
    informative_gaps,
    joint_missingness,
    marginals,
    missingness_transitions,
    mortality,
    outcome_gap,
    relations,
    transitions,
)
from ..prediction import usefulness
from ..standards import care_of
from .layout import Column, Layout
from .view import View

if TYPE_CHECKING:
    import xarray as xr

N_PATIENTS = 500
"""Patients on each side at which figures are asked; fewer where fewer are held out."""

_codec = deferred("surrogates.plugins.health_records.cohort.codec:TableCodec")
_figure = deferred("surrogates.plugins.health_records.cohort.figure:figure")


def described(plugin: Plugin) -> Plugin:
    """The plugin for the tables whose layout its outputs bring along; the same where they bring none."""
    if not plugin.outputs.source:
        return plugin
    layout = Layout.from_text(plugin.outputs.source)
    view = View(layout)
    measure = figures(view)
    bounds = {c.name: c.bounds for c in (*layout.drawn, *layout.measured) if c.bounds and c.aggregate != "sum"}
    limit = Target(
        N_PATIENTS, at_most=0.80, description="two-sample classifier, gradient boosting on the full table with its gaps"
    )
    return replace(
        plugin,
        title=f"Records as in {layout.static} and {layout.temporal}",
        prior=uniform_prior,
        complete=None,
        truth=_truth,
        reference=None,
        codec=partial(_codec, layout),
        constraints=(Law("ranges", partial(ranges, bounds=bounds), 0.0),) if bounds else (),
        measure=measure,
        targets={"auc_high_level": limit, **measure.targets},
        features=Features(high_level=view.features),
        impostors={},
        figure=partial(_figure, view=view),
        formats=_formats(layout),
    )


def _formats(layout: Layout) -> tuple[Format, ...]:
    tables = patient_tables(layout)
    care = care_of(layout, tables.once, tables.signs)
    return pair_format(tables), omop_format(care), fhir_format(care)


def patient_tables(layout: Layout) -> PatientTables:
    """How records of a layout are written: with the names, the columns and the labels of the tables they come from."""

    def fields(columns: tuple[Column, ...]) -> tuple[Field, ...]:
        return tuple(Field(c.name, c.column, c.labels, c.units, _digits(c)) for c in columns if c.kind != "ignore")

    return PatientTables(
        fields(layout.columns),
        fields(layout.signs),
        layout.static.removesuffix(".gz"),
        layout.temporal.removesuffix(".gz"),
        layout.patient,
        layout.temporal_patient,
        layout.time,
        layout.variable,
        layout.value,
        layout.unit,
    )


def _digits(column: Column) -> int | None:
    """Decimals that a number is written with; ordinal ones as they are."""
    return column.decimals if column.kind == "continuous" else None


def _truth(n: int, seed: int) -> xr.Dataset:
    del n, seed
    raise SchemaError(
        "truth: weights learned from tables bring none; expected patients that were held out, as the run keeps them in "
        "data/held_out.nc"
    )


def figures(view: View) -> Figures:
    """The figures of records of a layout: those of the plugin that need no particular sign."""
    found: list[Any] = [
        Figure(
            "joint_missingness", view.there, joint_missingness, floors=2.0, text="shares of cells measured together"
        ),
        Figure(
            "missingness_transitions",
            view.there,
            missingness_transitions,
            floors=2.0,
            text="shares measured now and next",
        ),
        Figure(
            "measured_w1", view.measured, wasserstein_distance, floors=2.0, text="W1 of the share of cells measured"
        ),
        Figure("transitions", view.cells, transitions, floors=2.0, text="total variation of a level now and next"),
        Figure("marginals", view.cells, marginals, floors=2.0, text="mean KS distance of values"),
        Figure("changes", view.cells, changes, floors=2.0, text="mean KS distance of changes to the next bin"),
        Figure("relations", view.cells, relations, floors=2.0, text="correlations between stays' means"),
        Figure("informative_gaps", view.cells, informative_gaps, floors=2.0, text="values before gaps and before none"),
    ]
    if view.layout.of("output"):
        found += [
            Figure("columns", view.about, marginals, floors=2.0, text="mean KS distance of what stands once a stay"),
            Figure(
                "columns_together", view.about, _tied, floors=2.0, text="correlations of what stands once for a stay"
            ),
        ]
    if view.layout.outcome is not None:
        name = view.layout.outcome.column
        found += [
            Figure("outcome", view.outcomes, mortality, floors=3.0, text=f"difference of the shares of {name}"),
            Figure("outcome_gap", view.by_outcome, outcome_gap, floors=2.0, text=f"signs with and without {name}"),
            Together(
                partial(usefulness, looked_at=view.summaries),
                (
                    Figure("tstr_ratio", at_least=0.97, text=f"AUROC of {name}, trained on samples, over on truth"),
                    Figure("trts_ratio", at_least=0.97, text=f"AUROC of {name} on samples over on truth"),
                ),
            ),
        ]
    attack = Figure("membership", at_most=0.02, text="true positives at 1 % false ones")
    return Figures((*found, Together(partial(_membership, view=view), (attack,))), n=N_PATIENTS, least=40)


def _tied(samples: np.ndarray, truth: np.ndarray) -> float:
    return relations(samples, truth) if truth.shape[2] > 1 else 0.0


def _membership(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None, *, view: View) -> dict[str, float]:
    """The attack, where the training records are at hand."""
    if training is None:
        return {}
    return {"membership": nearest_neighbour_attack(view.flat(samples), view.flat(training), view.flat(truth))}
