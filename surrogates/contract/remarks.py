"""What a user should hear of samples: how many have a label that means trouble, and which ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .variables import texts

if TYPE_CHECKING:
    import xarray as xr

_NAMED = 3


@dataclass(frozen=True)
class Remark:
    """Labels of an output that are worth a warning.

    Attributes
    ----------
    variable : str
        An output with categories.
    labels : tuple of str
        Of these.
    named_by : str
        A condition of text by which a sample is called; its identity otherwise.
    """

    variable: str
    labels: tuple[str, ...]
    named_by: str = "sample"


@dataclass
class Heard:
    """Samples with a label that means trouble, counted through blocks.

    Attributes
    ----------
    remarks : sequence of Remark
    samples : int
        All that were looked at.
    counts : dict
        By label.
    first : dict
        Names of the first few, by label.
    """

    remarks: Sequence[Remark]
    samples: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, list[str]] = field(default_factory=dict)

    def look(self, block: xr.Dataset) -> None:
        """Count those of a block."""
        self.samples += int(block.sizes.get("sample", 0))
        for remark in self.remarks:
            if remark.variable not in block:
                continue
            labels = str(block[remark.variable].attrs.get("flag_meanings", "")).split()
            codes = np.asarray(block.variables[remark.variable].values)
            for label in remark.labels:
                rows = np.flatnonzero(codes == labels.index(label)) if label in labels else ()
                if len(rows):
                    self.counts[label] = self.counts.get(label, 0) + len(rows)
                    names = self.first.setdefault(label, [])
                    names += _names(block, remark.named_by, rows[: _NAMED - len(names)])

    def absorb(self, other: Heard) -> None:
        """Add what was counted elsewhere."""
        self.samples += other.samples
        for label, count in other.counts.items():
            self.counts[label] = self.counts.get(label, 0) + count
            self.first[label] = [*self.first.get(label, []), *other.first[label]][:_NAMED]

    def lines(self) -> Iterator[str]:
        """One line for each label that occurred."""
        for label, count in self.counts.items():
            named = ", ".join(self.first[label]) + (", …" if count > len(self.first[label]) else "")
            yield f"{count:,} of {self.samples:,} samples {label.replace('_', ' ')}: {named}"


def _names(block: xr.Dataset, name: str, rows: Any) -> list[str]:
    if name not in block.variables or not len(rows):
        return [str(identity) for identity in block["sample"].values[rows].tolist()] if len(rows) else []
    return [repr(str(text)) for text in texts(np.asarray(block.variables[name].values)[rows])]
