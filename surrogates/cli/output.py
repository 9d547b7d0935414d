"""Results on stdout, as text for people or as JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO


def announce(text: str, facts: Mapping[str, Any], *, as_json: bool, stream: TextIO | None = None) -> None:
    """Print one result: `text`, or `facts` as JSON."""
    print(json.dumps(plain(facts), indent=1) if as_json else text, file=stream or sys.stdout, flush=True)


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in plain text; columns of numbers stand to the right."""
    table = [[str(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    right = [all(_numeric(row[column]) for row in table[1:]) and len(table) > 1 for column in range(len(headings))]
    lines = []
    for row in table:
        cells = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def plain(value: Any) -> Any:
    """What JSON can hold: numpy scalars become numbers, numbers that are not finite null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist") and not isinstance(value, str):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _numeric(cell: str) -> bool:
    try:
        float(cell.replace(",", "").partition(" ")[0] or "0")
    except ValueError:
        return False
    return True
