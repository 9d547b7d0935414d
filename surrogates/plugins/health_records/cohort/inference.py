"""What the columns of two tables are: numbers, ordinal ones, labels, an outcome; and what no generator should learn."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ....contract.errors import SchemaError
from .layout import MOST_LABELS, Bins, Column, Layout, Split
from .pair import Table, is_gap, patient_column, special_columns

OUTCOMES = re.compile(r"outcome|death|dead|died|mortality|deceased|expire|readmi|label|target|event", re.IGNORECASE)
SPLITS = ("split", "partition", "subset")
TRAINS = ("train", "training")
EVALUATES = ("test", "testing", "valid", "validation", "val", "held_out", "evaluation")
CODES = (-1.0, -9.0, -99.0, -999.0, -9999.0)
"""Numbers that stand for a missing value where all others are 0 or more."""
MOST_ORDINAL = 20
"""Whole numbers of which there are no more are ordinal."""
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 24.0, 48.0, 72.0, 168.0, 336.0, 720.0)
MOST_BINS, MOST_TIMES = 12, 24
"""Bins that are looked for; up to so many evenly spaced times are bins themselves."""
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T]\d.*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( \d.*)?|\d{1,2}:\d{2}(:\d{2})?"
)
_DECIMALS = re.compile(r"[-+]?\d*(?:\.(\d*))?")


@dataclass(frozen=True)
class Refused:
    """A column that cannot be learned.

    Attributes
    ----------
    column : str
    why : str
        One line without what to do.
    """

    column: str
    why: str


def infer(static: Table, temporal: Table) -> tuple[Layout, list[Refused]]:
    """The layout of two tables, and the columns that it ignores because nothing can be learned of them.

    Raises
    ------
    SchemaError
        Texts among numbers, times that are dates, or no column that names the patient in both.
    """
    patient = patient_column(static, temporal)
    special = special_columns(temporal, patient)
    refused: list[Refused] = []
    names = {"sample", "bin"}
    split = _split(static, patient)
    columns = []
    for header in static.headers:
        if header not in (patient, split.column):
            columns.append(_column(header, static.texts(header), static.where, static.name, names, refused))
    columns = _with_outcome(columns)
    signs = []
    if special["variable"]:
        variables, values = temporal.texts(special["variable"]), temporal.texts(special["value"])
        units = temporal.texts(special["unit"]) if special["unit"] else None
        for name in dict.fromkeys(variables.tolist()):
            rows = np.flatnonzero(variables == name)
            if name == "":
                raise SchemaError.about(special["variable"], f"empty in {temporal.where(int(rows[0]))}", "a name")

            def where(row: int, rows: np.ndarray = rows) -> str:
                return temporal.where(int(rows[row]))

            sign = _column(name, values[rows], where, temporal.name, names, refused)
            signs.append(replace(sign, units=_one_unit(name, units[rows], temporal.name) if units is not None else ""))
    else:
        for header in temporal.headers:
            if header not in (patient, special["time"]):
                signs.append(_column(header, temporal.texts(header), temporal.where, temporal.name, names, refused))
    signs = [replace(s, aggregate="last") if s.kind in ("categorical", "ordinal") else s for s in signs]
    layout = Layout(
        static=static.name,
        temporal=temporal.name,
        patient=patient,
        temporal_patient=patient,
        columns=tuple(columns),
        signs=tuple(signs),
        bins=_bins(temporal, special["time"]),
        split=split,
        **special,
    )
    return layout, refused


def _split(static: Table, patient: str) -> Split:
    for header in static.headers:
        if header != patient and header.lower() in SPLITS:
            words = {text.lower() for text in static.texts(header).tolist()}
            if words <= {*TRAINS, *EVALUATES}:
                return Split(header)
    return Split()


def numbers(texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of texts, (n,) float64, NaN where there is none, and which of them are none though not missing."""
    values, bad = np.full(len(texts), np.nan), np.zeros(len(texts), dtype=bool)
    for row, text in enumerate(texts.tolist()):
        try:
            values[row] = float(text)
        except ValueError:
            bad[row] = True
    values[np.isinf(values)] = np.nan
    gaps = is_gap(texts)
    return values, (bad | ~np.isfinite(values)) & ~gaps


def variable_name(header: str, taken: set[str]) -> str:
    """A header as the name of a variable that is not taken yet; it is then."""
    name = re.sub(r"\W+", "_", header.strip().lower(), flags=re.ASCII).strip("_") or "column"
    name = f"n_{name}" if name[0].isdigit() else name
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    taken.add(found)
    return found


def _column(
    header: str,
    texts: np.ndarray,
    where: Callable[[int], str],
    table: str,
    taken: set[str],
    refused: list[Refused],
) -> Column:
    name = variable_name(header, taken)
    known = np.flatnonzero(~is_gap(texts))

    def no(why: str) -> Column:
        refused.append(Refused(header, f"{header}: {why}"))
        return Column(header, name, "ignore")

    if not len(known):
        return no(f"nothing but gaps in {table}")
    there = texts[known]
    values, bad = numbers(there)
    if bad.any() and bad.mean() < 0.5:
        row = int(np.flatnonzero(bad)[0])
        raise SchemaError.about(
            header,
            f"{there[row]!r} among numbers in {where(int(known[row]))} ({int(bad.sum())} of {len(there)} values)",
            "numbers, or nothing where a value is missing",
            value=there[row],
        )
    if not bad.any():
        coded = np.isin(values, CODES)
        if coded.any() and (values[~coded] >= 0.0).all() and (~coded).any():
            found = _number(header, name, there[~coded], values[~coded])
            return replace(found, missing=tuple(sorted(set(there[coded].tolist()))))
        return _number(header, name, there, values)
    labels = sorted(dict.fromkeys(there.tolist()))
    if np.mean([_DATE.fullmatch(text) is not None for text in labels[:1000]]) > 0.5:
        return no(f"dates ({there[0]!r} in {where(int(known[0]))}), from which a patient may be known")
    if len(labels) > MOST_LABELS or (len(labels) > 2 and len(labels) > 0.2 * len(there)):
        return no(f"free text, {len(labels)} different ones among {len(there)} in {table}, which may name a patient")
    return Column(header, name, "categorical", labels=tuple(labels))


def _number(header: str, name: str, texts: np.ndarray, values: np.ndarray) -> Column:
    distinct = np.unique(values)
    whole = bool((distinct == np.round(distinct)).all())
    if len(distinct) == 2 and set(distinct) == {0.0, 1.0}:
        labels = sorted(dict.fromkeys(texts.tolist()), key=float)
        if len(labels) == 2:
            return Column(header, name, "categorical", labels=tuple(labels))
    if len(distinct) == 1 or (whole and len(distinct) <= MOST_ORDINAL):
        return Column(header, name, "ordinal", values=tuple(float(value) for value in distinct))
    low, high = float(distinct[0]), float(distinct[-1])
    room = 0.1 * (high - low)
    digits = 2 - math.floor(math.log10(high - low))
    bounds = (round(low - room, digits), round(high + room, digits))
    return Column(
        header,
        name,
        "continuous",
        bounds=(max(bounds[0], 0.0) if low >= 0.0 else bounds[0], bounds[1]),
        decimals=_decimals(texts),
    )


def _decimals(texts: np.ndarray) -> int | None:
    most = 0
    for text in texts.tolist():
        found = _DECIMALS.fullmatch(text)
        if found is None:
            return None
        most = max(most, len(found[1] or ""))
    return most if most <= 6 else None


def _with_outcome(columns: list[Column]) -> list[Column]:
    """The first column of two labels whose name says so is the outcome."""
    for k, column in enumerate(columns):
        if column.kind == "categorical" and len(column.labels) == 2 and OUTCOMES.search(column.column):
            return [*columns[:k], replace(column, role="outcome"), *columns[k + 1 :]]
    return columns


def _one_unit(name: str, units: np.ndarray, table: str) -> str:
    found = sorted({unit for unit in units.tolist() if unit})
    if len(found) > 1:
        raise SchemaError.about(name, f"in {' and in '.join(found[:3])} in {table}", "one unit for each variable")
    return found[0] if found else ""


def _bins(temporal: Table, column: str) -> Bins:
    times = time_values(temporal, column)
    distinct = np.unique(times)
    word = column.lower()
    units = "min" if "min" in word else "d" if "day" in word else "s" if "sec" in word else "h"
    gaps = np.diff(distinct)
    if 1 < len(distinct) <= MOST_TIMES and np.allclose(gaps, gaps[0], rtol=1e-6):
        return Bins(round(float(distinct[0] - gaps[0] / 2), 9), round(float(gaps[0]), 9), len(distinct), units)
    low, high = float(distinct[0]), float(distinct[-1])
    for width in (*WIDTHS, *(10.0**k * m for k in range(3, 12) for m in (1.0, 2.0, 5.0))):
        start = math.floor(low / width) * width
        count = math.floor((high - start) / width) + 1
        if count <= MOST_BINS:
            return Bins(start, width, count, units)
    raise SchemaError.about(column, f"from {low:g} to {high:g} in {temporal.name}", "times since admission")


def time_values(temporal: Table, column: str) -> np.ndarray:
    """Times of a table, (n,) float64.

    Raises
    ------
    SchemaError
        Dates, other texts, or an empty cell.
    """
    texts = temporal.texts(column)
    values, bad = numbers(texts)
    bad |= np.isnan(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        date = _DATE.fullmatch(texts[row]) is not None
        shown = "empty" if not texts[row] else f"{'the date ' if date else ''}{texts[row]!r}"
        expected = "a number, the time since the patient's admission"
        raise SchemaError.about(column, f"{shown} in {temporal.where(row)}", expected, value=texts[row])
    return values
