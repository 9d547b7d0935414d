"""What the variables of patients' records mean to the formats of health care: who, when, which code and unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import SAMPLE
from .formats import FormatError
from .patient_tables import Field

if TYPE_CHECKING:
    import xarray as xr

ADMISSION = datetime(2000, 1, 1, tzinfo=UTC)
"""When every stay begins: generated records have times since admission and no dates."""
SEXES = {"male": "male", "m": "male", "man": "male", "female": "female", "f": "female", "woman": "female"}
HOURS = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}


@dataclass(frozen=True)
class Care:
    """The part that each variable plays.

    Attributes
    ----------
    once, signs : tuple of Field
        Over (sample), and over (sample, bin).
    age, sex, ward, outcome : str
        Variables; empty where there is none.
    died : str
        The label of `outcome` that means death; empty where the outcome is something else.
    loinc : mapping
        Variable -> code of LOINC.
    ucum : mapping
        Units as they are written -> code of UCUM.
    """

    once: tuple[Field, ...]
    signs: tuple[Field, ...]
    age: str = ""
    sex: str = ""
    ward: str = ""
    outcome: str = ""
    died: str = ""
    loinc: Mapping[str, str] = field(default_factory=dict)
    ucum: Mapping[str, str] = field(default_factory=dict)

    def stays(self, block: xr.Dataset) -> Iterator[Stay]:
        """The stays of a block, one at a time."""
        for one in (*self.once, *self.signs):
            if one.name not in block:
                raise FormatError(f"{one.name}: not in the Dataset; expected records with {one.header!r}")
        columns = {one.name: one.texts(block[one.name].values) for one in self.once}
        values = {one.name: block[one.name].values for one in self.signs}
        place = block["bin"]
        hours = place.values * HOURS.get(str(place.attrs.get("units", "h")), 1.0)
        width = float(np.diff(hours).mean()) if len(hours) > 1 else 0.0
        times = tuple(ADMISSION + timedelta(hours=float(hour)) for hour in hours)
        stop = ADMISSION + timedelta(hours=float(hours[-1]) + width / 2)
        for row, identity in enumerate(block[SAMPLE].values.tolist()):
            own = {name: texts[row] for name, texts in columns.items()}
            yield Stay(self, identity, own, {name: array[row] for name, array in values.items()}, times, stop)


@dataclass(frozen=True)
class Stay:
    """One stay.

    Attributes
    ----------
    care : Care
    identity : int
    once : mapping
        Variable -> text, empty where missing.
    values : mapping
        Variable -> values or codes, (bin,).
    times : tuple of datetime
        Of the bins.
    stop : datetime
        End of the last bin.
    """

    care: Care
    identity: int
    once: Mapping[str, str]
    values: Mapping[str, np.ndarray]
    times: tuple[datetime, ...]
    stop: datetime

    @property
    def sex(self) -> str:
        """male, female, or unknown."""
        return SEXES.get(self.once.get(self.care.sex, "").lower(), "unknown")

    @property
    def born(self) -> int | None:
        """Year of birth, where an age is known."""
        age = self.once.get(self.care.age, "")
        return ADMISSION.year - int(float(age)) if age else None

    @property
    def ward(self) -> str:
        """Where the stay is."""
        return self.once.get(self.care.ward, "")

    @property
    def outcome(self) -> str:
        """How it ended."""
        return self.once.get(self.care.outcome, "")

    @property
    def died(self) -> bool | None:
        """Whether the patient died, where the outcome says so."""
        return self.outcome == self.care.died if self.care.died and self.outcome else None

    def measured(self) -> Iterator[tuple[Field, int, float | str]]:
        """What was measured: field, bin, and a number or a label; what stands once, as numbers do, in bin 0."""
        for bin_number in range(len(self.times)):
            for one in self.care.signs:
                value = self.values[one.name][bin_number]
                if one.there(value[None])[0]:
                    yield one, bin_number, one.labels[int(value)] if one.labels else _number(one, value)

    def about(self) -> Iterator[tuple[Field, float | str]]:
        """What stands once for a stay and is neither age nor sex nor ward: a number or a label."""
        for one in self.care.once:
            text = self.once[one.name]
            if text and one.name not in (self.care.age, self.care.sex, self.care.ward):
                yield one, text if one.labels else float(text)


def _number(one: Field, value: Any) -> float:
    return float(one.texts(value[None])[0])
