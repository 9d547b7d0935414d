"""Conditions and outputs of crystals: any subset of formula, elements, group, size and properties in; cells out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Dimension, Schema, Variable
from ...physics.crystals.feasible import MOST_ATOMS

SITES, ORBITS = 160, MOST_ATOMS
"""Most atoms of a conventional cell, and most orbits."""
FORMULA, SYSTEM, SYMBOL = 40, 24, 16
NUMBERS = ("n_atoms", "energy_above_hull", "band_gap")


def symbol_text(given: Any) -> Any:
    """A space group as text: an integer is its International Tables number."""
    if hasattr(given, "values") or getattr(given, "dtype", None) == np.uint8:
        return given
    array = np.asarray(given)
    if array.dtype.kind == "b" or array.dtype.kind == "f":
        raise SchemaError.about("space_group", f"{given!r}", "a number from 1 to 230, or a symbol", value=given)
    return array.astype(np.str_) if array.dtype.kind in "iu" else given


CONDITIONS = Schema(
    variables=(
        Variable(
            "formula",
            "chemical formula, reduced or not",
            dims=("formula_character",),
            dtype="uint8",
            text=True,
            optional=True,
        ),
        Variable(
            "chemical_system",
            "elements, all of them and no others, as Ba-Ti-O",
            dims=("system_character",),
            dtype="uint8",
            text=True,
            optional=True,
        ),
        Variable(
            "space_group",
            "space group: International Tables number, or Hermann-Mauguin symbol in any setting",
            dims=("symbol_character",),
            dtype="uint8",
            text=True,
            optional=True,
            brought="surrogates.plugins.crystals.variables:symbol_text",
        ),
        Variable("n_atoms", "atoms in the primitive cell", dtype="int64", bounds=(1, MOST_ATOMS), optional=True),
        Variable(
            "energy_above_hull", "energy an atom above the convex hull", units="eV", bounds=(0.0, 5.2), optional=True
        ),
        Variable("band_gap", "band gap (PBE)", units="eV", bounds=(0.0, 17.0), optional=True),
    ),
    dimensions=(
        Dimension("formula_character", size=FORMULA),
        Dimension("system_character", size=SYSTEM),
        Dimension("symbol_character", size=SYMBOL),
    ),
)

OUTPUTS = Schema(
    variables=(
        Variable("group_number", "space group, International Tables number", dtype="int64", bounds=(1, 230)),
        Variable("n_sites", "atoms in the conventional cell", dtype="int64", bounds=(0, SITES)),
        Variable("lattice", "lattice vectors of the conventional cell", units="angstrom", dims=("vector", "axis")),
        Variable("atomic_number", "atomic number", dims=("site",), dtype="int64", bounds=(0, 94)),
        Variable("position", "fractional coordinates in the conventional cell", dims=("site", "axis")),
        Variable("wyckoff", "place of the Wyckoff letter, 0 for a", dims=("site",), dtype="int64", bounds=(0, 26)),
        Variable("orbit", "which orbit an atom belongs to", dims=("site",), dtype="int64", bounds=(0, ORBITS)),
        Variable(
            "estimated_formation_energy",
            "formation energy an atom as the ranking network estimates it",
            units="eV",
            optional=True,
        ),
        Variable(
            "estimated_energy_above_hull",
            "energy an atom above the hull as the ranking network estimates it",
            units="eV",
            optional=True,
        ),
    ),
    dimensions=(
        Dimension("vector", size=3),
        Dimension("axis", size=3),
        Dimension("site", size=SITES, count="n_sites"),
    ),
)
