"""What the plugin's own variables mean to OMOP and FHIR, with codes of LOINC and units of UCUM; and those of tables.

This material contains content from LOINC (http://loinc.org). LOINC is copyright Regenstrief Institute, Inc. and the
Logical Observation Identifiers Names and Codes (LOINC) Committee, and is available at no cost under the license at
http://loinc.org/license.
"""

from __future__ import annotations

import re

from ...io.care import SEXES, Care
from .cohort.layout import Column, Layout
from .tidy import TABLES

LOINC = {
    "mean_arterial_pressure": "8478-0",
    "systolic_arterial_pressure": "8480-6",
    "noninvasive_systolic_pressure": "8480-6",
    "heart_rate": "8867-4",
    "temperature": "8310-5",
    "respiratory_rate": "9279-1",
    "glasgow_coma_scale": "9269-2",
    "glucose": "2345-7",
    "potassium": "2823-3",
    "sodium": "2951-2",
    "creatinine": "2160-0",
    "blood_urea_nitrogen": "3094-0",
    "haematocrit": "4544-3",
    "white_cells": "6690-2",
    "platelets": "777-3",
    "height": "8302-2",
    "body_weight": "29463-7",
}
UCUM = {
    "torr": "mm[Hg]",
    "min-1": "/min",
    "deg_C": "Cel",
    "1": "1",
    "mL": "mL",
    "mg/dL": "mg/dL",
    "mmol/L": "mmol/L",
    "%": "%",
    "1e9 L-1": "10*9/L",
    "cm": "cm",
    "kg": "kg",
}
CARE = Care(
    TABLES.once,
    TABLES.signs,
    age="age",
    sex="sex",
    ward="unit",
    outcome="outcome",
    died="died",
    loinc=LOINC,
    ucum=UCUM,
)
"""The plugin's own variables."""

_DEATH = re.compile(r"death|died|dead|mortality|deceased|expire", re.IGNORECASE)
_DEAD = ("died", "dead", "deceased", "death", "expired")
_YES = ("1", "yes", "y", "true", *_DEAD)


def care_of(layout: Layout, once: tuple, signs: tuple) -> Care:
    """What the columns of a pair of tables mean, as far as their names say it.

    Parameters
    ----------
    layout : Layout
    once, signs : tuple of Field
    """
    there = [column for column in layout.columns if column.kind != "ignore"]

    def one(pattern: str, categorical: bool) -> str:
        found = (
            c.name for c in there if re.match(pattern, c.column.lower()) and (c.kind == "categorical") is categorical
        )
        return next(found, "")

    sex = next(
        (
            c.name
            for c in there
            if c.column.lower() in ("sex", "gender") and all(label.lower() in SEXES for label in c.labels) and c.labels
        ),
        "",
    )
    return Care(
        once,
        signs,
        age=one(r"age\b|age_", categorical=False),
        sex=sex,
        ward=one(r"(unit|ward|icu_type|department|service)\b", categorical=True),
        outcome=layout.outcome.name if layout.outcome is not None else "",
        died=_death(layout.outcome) if layout.outcome is not None else "",
        ucum={unit: UCUM[unit] for unit in UCUM if unit != "1"},
    )


def _death(outcome: Column) -> str:
    """The label that means death, empty where none does."""
    words = _YES if _DEATH.search(outcome.column) else _DEAD
    return next((label for label in outcome.labels if label.lower() in words), "")
