"""Attributes as CF wants them in files: units that UDUNITS knows, flag meanings of CF's characters.

In memory a variable keeps the field's own words (`nJy`, `mag`, `eta_K*-`); a file states the same in CF's and keeps the
words beside it (`units_name`, `flag_names`), from which reading restores them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

UDUNITS = {
    "": "1",
    "deg": "degree",
    "nJy": "1e-35 W m-2 Hz-1",
    "uJy": "1e-32 W m-2 Hz-1",
    "mJy": "1e-29 W m-2 Hz-1",
    "Jy": "1e-26 W m-2 Hz-1",
    "mag": "1",
    "debye": "3.33564095198152e-30 C m",
    "D": "3.33564095198152e-30 C m",
    "solMass": "1.98840987e30 kg",
    "dex": "1",
    "Mpc/h": "1",
}
"""Units of a field -> the same for UDUNITS-2; a logarithmic unit becomes a pure number, and so does one that
depends on a parameter (h). 1 D = 1e-21 / c C m."""
UNITS_NAME, FLAG_NAMES = "units_name", "flag_names"
TEXT_COMMENT = "text: ASCII codes, padded with 0"
"""The attribute `comment` that marks text in a Dataset."""


def cf_label(label: str) -> str:
    """A flag's meaning in CF's characters (letters, digits and "_-.+@", section 3.5): as in "Kstar-" of "K*-"."""
    return re.sub(r"[^A-Za-z0-9_\-.+@]", "_", label.replace("*", "star").replace("(", "_").replace(")", ""))


def cf_labels(meanings: str) -> str:
    """The labels of `flag_meanings` by :func:`cf_label`, told apart by a number where two become one."""
    made: list[str] = []
    for label in meanings.split():
        legal = cf_label(label)
        made.append(legal if legal not in made else f"{legal}_{len(made)}")
    return " ".join(made)


def in_file(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """A variable's attributes as a file holds them."""
    stored = dict(attrs)
    units = stored.get("units")
    if isinstance(units, str) and units in UDUNITS:
        stored |= {"units": UDUNITS[units], UNITS_NAME: units}
    meanings = stored.get("flag_meanings")
    if isinstance(meanings, str) and cf_labels(meanings) != meanings:
        stored |= {"flag_meanings": cf_labels(meanings), FLAG_NAMES: meanings}
    return stored


def in_memory(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """A variable's attributes as they were before :func:`in_file`."""
    found = dict(attrs)
    if UNITS_NAME in found:
        found["units"] = found.pop(UNITS_NAME)
    if FLAG_NAMES in found:
        found["flag_meanings"] = found.pop(FLAG_NAMES)
    return found
