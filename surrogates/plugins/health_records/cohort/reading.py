"""A pair of tables to Datasets of those who train and those who are held out, by a layout that is inferred or given."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....contract.errors import SchemaError
from ....contract.schema import Schema, nearest
from ....io.atomic import replacing
from .inference import EVALUATES, TRAINS, infer, numbers, time_values
from .layout import NAME, Column, Layout
from .pair import Table, is_gap, open_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import xarray as xr

LEAST = 100
"""Patients who train, at the least."""
RARE = 5
"""Patients of whom a label that fewer have may be known."""
LAYOUT = "a folder (or zip archive) of two CSV tables, one row a patient and one row a measurement"
TEXT = "layout"
"""Attribute of a pool that holds its layout."""
TRAINING, HELD_OUT = "training.nc", "held_out.nc"
"""What a run keeps of the tables, for `surrogates validate`."""


def read(path: Path, kept: Path, *, schema: str = "") -> tuple[xr.Dataset, ...]:
    """The patients who train, as training asks for them; those held out are kept beside them as a file.

    Parameters
    ----------
    path : Path
        See `LAYOUT`; a ``schema.json`` in the folder is the layout.
    kept : Path
        Gets the layout, and both sides as NetCDF.
    schema : str
        A file that is the layout, in place of the folder's own.

    Raises
    ------
    SchemaError
        Whatever in the tables or the layout nothing can be learned from.
    """
    tables, layout = opened(Path(path), kept, schema)
    sides = kept_sides(*cohort(*tables, layout), kept)
    _check_labels(layout, sides[0])
    return (sides[0],)


def kept_sides(everyone: xr.Dataset, trains: np.ndarray, kept: Path) -> tuple[xr.Dataset, xr.Dataset]:
    """Who trains and who is held out, both kept as files; raises SchemaError where too few train."""
    sides = (everyone.isel(sample=np.flatnonzero(trains)), everyone.isel(sample=np.flatnonzero(~trains)))
    if sides[0].sizes["sample"] < LEAST:
        raise SchemaError(
            f"patients: {sides[0].sizes['sample']} who train ({sides[1].sizes['sample']} held out); expected {LEAST} "
            "or more, for a generator learns fewer by heart: gather more, or hold out fewer (split in the schema)"
        )
    for name, side in zip((TRAINING, HELD_OUT), sides, strict=True):
        with replacing(kept / name, overwrite=True) as partial:
            side.drop_attrs(deep=False).to_netcdf(partial, engine="h5netcdf")
    return sides


def opened(path: Path, kept: Path, schema: str = "") -> tuple[tuple[Table, Table], Layout]:
    """Both tables, and their layout: that of `schema`, of a ``schema.json`` in the folder, or inferred and written."""
    given = Path(schema) if schema else path / NAME
    if schema or given.is_file():
        layout = Layout.read(given)
        tables = open_pair(path, (layout.static, layout.temporal))
        _write(layout, kept)
        return tables, layout
    tables = open_pair(path)
    layout, refused = infer(*tables)
    target, before = kept / NAME, _text(kept / NAME)
    _write(layout, kept)
    if refused:
        others = f" (also {', '.join(found.column for found in refused[1:])})" if len(refused) > 1 else ""
        raise SchemaError(
            f"{refused[0].why}{others}; expected numbers or a few labels: take it out of the table, or copy {target}, "
            "which ignores it, and give --set schema=COPY",
            variable=refused[0].column,
        )
    if before != layout.to_text():
        for column in (*layout.columns, *layout.signs):
            if column.missing:
                codes = ", ".join(column.missing)
                print(f"note: {column.column}: {codes} counts as missing, as the schema says", file=sys.stderr)
        print(f"schema: inferred, {target}; to change it, edit a copy and give --set schema=COPY", file=sys.stderr)
    return tables, layout


def _write(layout: Layout, kept: Path) -> None:
    with replacing(kept / NAME, overwrite=True) as partial:
        partial.write_text(layout.to_text(), encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def cohort(static: Table, temporal: Table, layout: Layout) -> tuple[xr.Dataset, np.ndarray]:
    """Everybody as a Dataset numbered by rows, and who trains, (n,) bool.

    Raises
    ------
    SchemaError
        Names the column, the value and its line.
    """
    patients = static.texts(layout.patient)
    trains = _trains(static, layout, patients)
    _check_once(static, layout.patient, patients)
    values = {
        c.name: _parsed(c, static.texts(c.column), static.where) for c in (*layout.drawn, *layout.of("condition"))
    }
    outcome = layout.outcome
    if outcome is not None and (values[outcome.name] < 0).any():
        row = int(np.flatnonzero(values[outcome.name] < 0)[0])
        raise SchemaError.about(outcome.column, f"empty in {static.where(row)}", "the outcome of every patient")
    values |= _binned(temporal, layout, {name: row for row, name in enumerate(patients.tolist())})
    conditions, outputs = layout.schemas()
    data = outputs.dataset({name: values[name] for name in outputs.names}, np.arange(len(patients)))
    data = data.assign(conditions.labelled({name: values[name] for name in conditions.names}))
    return data.assign_attrs({TEXT: layout.to_text()}), trains


def found(pools: Sequence[xr.Dataset]) -> tuple[Schema, Schema]:
    """Conditions and outputs of training data that `read` made."""
    return Layout.from_text(pools[0].attrs[TEXT]).schemas()


def _check_once(static: Table, column: str, patients: np.ndarray) -> None:
    first: dict[str, int] = {}
    for row, name in enumerate(patients.tolist()):
        if not name:
            raise SchemaError.about(column, f"empty in {static.where(row)}", "the name of a patient")
        if name in first:
            raise SchemaError.about(
                column,
                f"{name!r} stands in {static.name} twice, in lines {first[name] + 2} and {row + 2}",
                "each once; name each stay, and the person in a column that the schema's split has as its group",
                value=name,
            )
        first[name] = row


def _trains(static: Table, layout: Layout, patients: np.ndarray) -> np.ndarray:
    """Who trains; all rows of one person on one side."""
    split = layout.split
    people = static.texts(split.group) if split.group else patients
    if not split.column:
        return np.array([_share(name) >= split.held_out for name in people.tolist()], dtype=bool)
    words = np.array([text.lower() for text in static.texts(split.column).tolist()], dtype=object)
    trains = np.isin(words.astype(str), TRAINS)
    unknown = np.flatnonzero(~trains & ~np.isin(words.astype(str), EVALUATES))
    if len(unknown):
        row = int(unknown[0])
        expected = f"{', '.join((*TRAINS, *EVALUATES))}"
        raise SchemaError.about(split.column, f"{words[row]!r} in {static.where(row)}", expected, value=words[row])
    side: dict[str, int] = {}
    for row, name in enumerate(people.tolist()):
        other = side.setdefault(name, row)
        if trains[other] != trains[row]:
            raise SchemaError.about(
                split.column,
                f"{name!r} is on both sides, in lines {other + 2} and {row + 2} of {static.name}",
                "all of a patient on one side",
                value=name,
            )
    return trains


def _share(name: str) -> float:
    """A number from 0 to 1 that a name has for good."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2.0**64


def _parsed(column: Column, texts: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Values (NaN where missing) or codes (-1) of a column."""
    gaps = is_gap(texts, column.missing)
    if column.kind == "categorical":
        table = {label: code for code, label in enumerate(column.labels)}
        codes = np.array([table.get(text, -2) for text in texts.tolist()], dtype=np.int64)
        codes[gaps & (codes == -2)] = -1
        if (codes == -2).any():
            row = int(np.flatnonzero(codes == -2)[0])
            raise SchemaError.about(
                column.column,
                f"{texts[row]!r} in {where(row)} is none of the schema's labels",
                f"one of {', '.join(column.labels)}",
                value=texts[row],
                hint=nearest(texts[row], column.labels),
            )
        return codes
    values, bad = numbers(texts)
    values, bad = np.where(gaps, np.nan, values), bad & ~gaps
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        expected = "a number, or nothing where it is missing"
        raise SchemaError.about(column.column, f"{texts[row]!r} in {where(row)}", expected, value=texts[row])
    if column.kind == "ordinal":
        beyond, expected = ~np.isin(values, column.values), f"one of {', '.join(f'{v:g}' for v in column.values)}"
    else:
        low, high = column.bounds or (-np.inf, np.inf)
        beyond, expected = (values < low) | (values > high), f"{low:g} to {high:g} {column.units}".rstrip()
    beyond &= np.isfinite(values)
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0])
        found = f"{values[row]:g} in {where(row)}"
        raise SchemaError.about(column.column, found, f"{expected}, as the schema says", value=values[row])
    return values


def _binned(temporal: Table, layout: Layout, rows: dict[str, int]) -> dict[str, np.ndarray]:
    """Each sign by patient and bin, (n, bin)."""
    _check_repeats(temporal, layout)
    patients = temporal.texts(layout.temporal_patient)
    known = np.array([rows.get(name, -1) for name in patients.tolist()])
    if (known < 0).any():
        row = int(np.flatnonzero(known < 0)[0])
        expected = f"one of the patients of {layout.static}"
        found = f"{patients[row]!r} in {temporal.where(row)} has no row in {layout.static}"
        raise SchemaError.about(layout.temporal_patient, found, expected, value=patients[row])
    times, bins = time_values(temporal, layout.time), layout.bins
    outside = (times < bins.start) | (times >= bins.stop)
    if outside.any() and bins.outside == "refuse":
        row = int(np.flatnonzero(outside)[0])
        raise SchemaError.about(
            layout.time,
            f"{times[row]:g} in {temporal.where(row)} lies outside the bins, as {int(outside.sum()):,} rows do",
            f"{bins.start:g} to below {bins.stop:g} {bins.units}; widen the schema's bins or set their outside to drop",
            value=times[row],
        )
    place = np.clip(np.floor((times - bins.start) / bins.width), 0, bins.count - 1).astype(int)
    found, shape = {}, (len(rows), bins.count)
    variables = temporal.texts(layout.variable) if layout.long else None
    if variables is not None:
        _check_variables(temporal, layout, variables)
    for sign in layout.measured:
        mine = np.flatnonzero(~outside if variables is None else ~outside & (variables == sign.column))
        texts = temporal.texts(layout.value if layout.long else sign.column)[mine]
        values = _parsed(sign, texts, lambda row, mine=mine: temporal.where(int(mine[row]))).astype(np.float64)
        if sign.kind == "categorical":
            values = np.where(values < 0, np.nan, values)
        found[sign.name] = _cells(sign, values, known[mine], place[mine], times[mine], shape)
    return found


def _check_repeats(temporal: Table, layout: Layout) -> None:
    again = temporal.cells.duplicated()
    if again.any():
        row = int(np.flatnonzero(again.to_numpy())[0])
        first = int(np.flatnonzero((temporal.cells == temporal.cells.iloc[row]).all(axis=1).to_numpy())[0])
        name = temporal.texts(layout.temporal_patient)[row]
        raise SchemaError(
            f"{temporal.name}: {int(again.sum())} rows stand there twice, first line {row + 2} as line {first + 2} "
            f"(patient {name}); expected each measurement once"
        )


def _check_variables(temporal: Table, layout: Layout, variables: np.ndarray) -> None:
    listed = [sign.column for sign in layout.signs]
    unknown = [name for name in dict.fromkeys(variables.tolist()) if name not in listed]
    if unknown:
        row = int(np.flatnonzero(variables == unknown[0])[0])
        found = f"{unknown[0]!r} in {temporal.where(row)} is none of the schema's variables"
        raise SchemaError.about(layout.variable, found, ", ".join(listed), hint=nearest(unknown[0], listed))


def _cells(
    sign: Column, values: np.ndarray, rows: np.ndarray, place: np.ndarray, times: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    import pandas as pd

    order = np.argsort(times, kind="stable")
    order = order[np.isfinite(values[order])]
    grouped = pd.Series(values[order]).groupby(rows[order] * shape[1] + place[order])
    pandas_name = {"minimum": "min", "maximum": "max"}.get(sign.aggregate, sign.aggregate)
    made = grouped.agg(pandas_name)
    cells = np.full(shape, np.nan)
    cells.flat[made.index.to_numpy(dtype=np.int64)] = made.to_numpy()
    if sign.kind == "categorical":
        return np.where(np.isnan(cells), -1, cells)
    if sign.kind == "ordinal":  # a mean of two values is none of them: the nearest is
        known = np.array(sign.values)
        nearest_value = known[np.abs(np.nan_to_num(cells)[..., None] - known).argmin(axis=-1)]
        return np.where(np.isnan(cells), np.nan, nearest_value)
    return cells if sign.decimals is None else np.round(cells, sign.decimals)


def _check_labels(layout: Layout, training: xr.Dataset) -> None:
    """Say which columns and labels nobody who trains has, or few have; a condition has to have some."""
    for column in (*layout.drawn, *layout.of("condition"), *layout.measured):
        values = training[column.name].values
        there = values[values >= 0] if column.kind == "categorical" else values[np.isfinite(values)]
        if not len(there):
            raise SchemaError.about(
                column.column, "nothing but gaps among those who train", "some values; or have the schema ignore it"
            )
        for code, label in enumerate(column.labels):
            having = int((values == code).reshape(len(values), -1).any(axis=1).sum())
            if having:
                if having < RARE:
                    told = f"{having} who train have {label!r} and may be known by it; merge it with another"
                    print(f"note: {column.column}: {told}", file=sys.stderr)
                continue
            if column.role == "condition":
                expected = "some for each label of a condition; drop the label or merge it with another"
                raise SchemaError.about(column.column, f"nobody who trains has {label!r}", expected, value=label)
            print(f"note: {column.column}: nobody who trains has {label!r}, so it is never drawn", file=sys.stderr)
