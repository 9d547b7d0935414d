"""What a pair of tables holds, as an editable JSON file: columns and their kinds, the bins of time, the split.

One table has a row a patient. The other has a row a measurement (patient, time, variable, value) or a row a time with a
column a variable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ....contract.errors import SchemaError, nearest
from ....contract.schema import Coordinate, Dimension, Schema, Variable

FORMAT = "surrogates pair of tables, 1"
NAME = "schema.json"
KINDS = ("continuous", "ordinal", "categorical", "ignore")
ROLES = ("output", "condition", "outcome")
AGGREGATES = ("mean", "median", "minimum", "maximum", "first", "last", "sum")
MOST_LABELS = 32
"""Labels of a categorical column, and values of an ordinal one, at the most."""


@dataclass(frozen=True)
class Column:
    """One column of a table, or one variable of a long one.

    Attributes
    ----------
    column : str
        As the table's header, or its column of variables, has it.
    name : str
        Of the variable in a Dataset.
    kind : {"continuous", "ordinal", "categorical", "ignore"}
        Ordinal are numbers of which there are few; what is ignored is neither learned nor written.
    role : {"output", "condition", "outcome"}
        Of a column with a row a patient; conditions are asked of the surrogate, and one binary label is the outcome.
    units : str
        As they are written in the table.
    bounds : (float, float), optional
        Of a number: values beyond are refused.
    labels : tuple of str
        Of a category, in the order of their codes.
    values : tuple of float
        Of an ordinal number.
    decimals : int, optional
        To which numbers are rounded; None leaves them as they are.
    aggregate : str
        What several values in one bin of time become.
    missing : tuple of str
        What counts as missing beside an empty cell: codes such as -1.
    """

    column: str
    name: str
    kind: str
    role: str = "output"
    units: str = ""
    bounds: tuple[float, float] | None = None
    labels: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    decimals: int | None = None
    aggregate: str = "mean"
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key, value, known in (
            ("kind", self.kind, KINDS),
            ("role", self.role, ROLES),
            ("aggregate", self.aggregate, AGGREGATES),
        ):
            if value not in known:
                raise _wrong(f"{self.column}: {key} {value!r}", ", ".join(known), nearest(str(value), known))
        if not self.name.isidentifier():
            raise _wrong(f"{self.column}: name {self.name!r}", "letters, digits and underscores, no digit first")
        if self.kind == "categorical" and not 1 <= len(self.labels) <= MOST_LABELS:
            raise _wrong(f"{self.column}: {len(self.labels)} labels", f"1 to {MOST_LABELS}")
        if self.kind == "ordinal" and not 1 <= len(self.values) <= MOST_LABELS:
            raise _wrong(f"{self.column}: {len(self.values)} values", f"1 to {MOST_LABELS}")
        if len(set(self.codes)) < len(self.labels):
            raise _wrong(f"{self.column}: labels {', '.join(self.labels)}", "labels that differ when blanks count as _")
        if self.kind == "continuous" and (self.bounds is None or not self.bounds[0] < self.bounds[1]):
            raise _wrong(f"{self.column}: bounds {self.bounds}", "two numbers, the lower one first")
        if self.role == "outcome" and (self.kind != "categorical" or len(self.labels) != 2):
            raise _wrong(f"{self.column}: an outcome of kind {self.kind}", "a categorical column of two labels")

    @property
    def codes(self) -> tuple[str, ...]:
        """Labels as flags of a Dataset have them: without blanks."""
        return tuple("_".join(label.split()) for label in self.labels)

    def variable(self, dims: tuple[str, ...] = ()) -> Variable:
        """The variable of a Dataset; a gap is NaN, or -1 of a label."""
        if self.kind == "categorical":
            gaps = self.role != "outcome"
            return Variable(self.name, self.column, dims=dims, dtype="int8", categories=self.codes, optional=gaps)
        bounds = self.bounds or (min(self.values), max(self.values))
        return Variable(self.name, self.column, self.units or "1", dims, bounds=bounds, optional=True)


@dataclass(frozen=True)
class Bins:
    """Equal bins of time: their start, width and number, and what becomes of times outside them."""

    start: float
    width: float
    count: int
    units: str = "h"
    outside: str = "refuse"

    def __post_init__(self) -> None:
        if not (self.width > 0.0 and 1 <= self.count <= 200):
            raise _wrong(f"bins: width {self.width:g}, count {self.count}", "a width above 0 and 1 to 200 bins")
        if self.outside not in ("refuse", "drop"):
            raise _wrong(f"bins: outside {self.outside!r}", "refuse or drop")

    @property
    def stop(self) -> float:
        """End of the last bin."""
        return self.start + self.width * self.count

    @property
    def centres(self) -> tuple[float, ...]:
        """Middle of each bin."""
        return tuple(round(self.start + self.width * (k + 0.5), 9) for k in range(self.count))


@dataclass(frozen=True)
class Split:
    """Who trains: by a column of the static table that says so, or all but a share drawn by hashes of identities.

    Attributes
    ----------
    column : str
        Column of "train" and other words; empty where hashes decide.
    group : str
        Column that names the person where a row is a stay; all rows of a person then fall on one side.
    held_out : float
        Share that never trains where hashes decide.
    """

    column: str = ""
    group: str = ""
    held_out: float = 0.2

    def __post_init__(self) -> None:
        if not 0.0 <= self.held_out < 1.0:
            raise _wrong(f"split: held_out {self.held_out:g}", "a share from 0 to below 1")


@dataclass(frozen=True)
class Layout:
    """A pair of tables.

    Attributes
    ----------
    static, temporal : str
        File names.
    patient, temporal_patient : str
        Their columns that name the patient.
    time : str
        Column of times since admission.
    variable, value, unit : str
        Columns of a long table; all empty of a wide one, `unit` also where there is none.
    columns, signs : tuple of Column
        Of the static and of the temporal table.
    """

    static: str
    temporal: str
    patient: str
    temporal_patient: str
    time: str
    columns: tuple[Column, ...]
    signs: tuple[Column, ...]
    bins: Bins
    variable: str = ""
    value: str = ""
    unit: str = ""
    split: Split = field(default_factory=Split)

    def __post_init__(self) -> None:
        names = [column.name for column in (*self.columns, *self.signs) if column.kind != "ignore"]
        twice = [name for k, name in enumerate(names) if name in names[:k]]
        if twice or {"sample", "bin"} & set(names):
            raise _wrong(f"{(twice or ['sample, bin'])[0]}: a name that is taken", "one name for each column")
        if not any(sign.kind != "ignore" for sign in self.signs):
            raise _wrong(f"{self.temporal}: no column to learn", "one that is not ignored")
        if sum(column.role == "outcome" for column in self.columns) > 1:
            raise _wrong("outcome: several columns", "one at the most")

    @property
    def long(self) -> bool:
        """Whether the temporal table has a row a measurement."""
        return bool(self.variable)

    def of(self, role: str) -> tuple[Column, ...]:
        """Columns of the static table with that role that are not ignored."""
        return tuple(column for column in self.columns if column.role == role and column.kind != "ignore")

    @property
    def outcome(self) -> Column | None:
        """The outcome, where there is one."""
        found = self.of("outcome")
        return found[0] if found else None

    @property
    def drawn(self) -> tuple[Column, ...]:
        """Columns of the static table that are drawn, the outcome first."""
        return (*self.of("outcome"), *self.of("output"))

    @property
    def measured(self) -> tuple[Column, ...]:
        """Columns of the temporal table that are drawn."""
        return tuple(sign for sign in self.signs if sign.kind != "ignore")

    def schemas(self) -> tuple[Schema, Schema]:
        """Conditions and outputs; the outputs bring this layout along."""
        place = Coordinate(self.bins.centres, self.bins.units, f"{self.time}, middle of the bin")
        variables = (*(c.variable() for c in self.drawn), *(c.variable(("bin",)) for c in self.measured))
        outputs = Schema(variables, (Dimension("bin", size=self.bins.count, coordinate=place),), self.to_text())
        return Schema(tuple(column.variable() for column in self.of("condition"))), outputs

    def to_text(self) -> str:
        """The editable file."""
        data = {"format": FORMAT, **asdict(self)}
        for key in ("columns", "signs"):
            data[key] = [_brief(row) for row in data[key]]
        lines = []
        for key, value in data.items():
            if key in ("columns", "signs"):
                rows = ",\n".join(f"  {_json(row)}" for row in value)
                lines.append(f" {_json(key)}: [\n{rows}\n ]")
            else:
                lines.append(f" {_json(key)}: {_json(value)}")
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_text(cls, text: str, where: str = NAME) -> Layout:
        """Read what `to_text` wrote, edited or not.

        Raises
        ------
        SchemaError
            No such file, or an entry that is missing, unknown or of another kind than expected.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise SchemaError(f"{where}: {error}; expected JSON as `surrogates train` writes it") from None
        if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
            raise SchemaError(f"{where}: no schema of a pair of tables; expected JSON with format {FORMAT!r}")
        try:
            parts: dict[str, Any] = {key: _made(Column, rows, key) for key, rows in _lists(data)}
            parts["bins"] = _made(Bins, [data["bins"]], "bins")[0]
            parts["split"] = _made(Split, [data.get("split", {})], "split")[0]
            return _made(cls, [{**data, **parts}], "schema")[0]
        except SchemaError as error:
            raise error.reworded(f"{where}: {error}") from None
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise SchemaError(f"{where}: {error}; expected the entries that `surrogates train` writes") from None

    @classmethod
    def read(cls, path: Path) -> Layout:
        """Read the file at `path`."""
        try:
            return cls.from_text(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise SchemaError(f"{path}: does not read ({error}); expected a {NAME}") from None

    def ignoring(self, columns: Sequence[str]) -> Layout:
        """The same with these columns ignored."""

        def changed(found: tuple[Column, ...]) -> tuple[Column, ...]:
            return tuple(replace(c, kind="ignore", role="output") if c.column in columns else c for c in found)

        return replace(self, columns=changed(self.columns), signs=changed(self.signs))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lists(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, data[key]) for key in ("columns", "signs")]


def _made(kind: Any, rows: Any, where: str) -> tuple[Any, ...]:
    known = {item.name for item in fields(kind)}
    found = []
    for row in rows:
        unknown = [key for key in row if key not in known]
        if unknown:
            raise _wrong(f"{where}: entry {unknown[0]!r}", ", ".join(sorted(known)), nearest(unknown[0], known))
        found.append(kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}))
    return tuple(found)


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """A column without the entries that say nothing."""
    plain = asdict(Column("", "x", "ignore"))
    return {key: value for key, value in row.items() if key in ("column", "name", "kind") or value != plain[key]}


def _wrong(found: str, expected: str, hint: str = "") -> SchemaError:
    return SchemaError(f"{found}; expected {expected}{hint}")
