"""Crystals of a Dataset as pymatgen's Structures, ASE's Atoms, or CIF text; and structures of any program back."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ...io.formats import missing_library
from ...physics.crystals.cells import lengths_and_angles
from ...physics.crystals.elements import SYMBOLS, formula
from ...physics.crystals.groups import LETTERS, STEPS, group
from ...physics.crystals.standard import Standard, StandardError, as_given, standardised
from .variables import OUTPUTS, SITES

if TYPE_CHECKING:
    import xarray as xr


def rows_of(data: xr.Dataset) -> Iterator[dict[str, Any]]:
    """Each crystal without padding: output name -> value, `sample`, and the energies that are known."""
    columns = {name: data[name].values for name in OUTPUTS.names if name in data}
    for row, identity in enumerate(data["sample"].values.tolist()):
        count = int(columns["n_sites"][row])
        found: dict[str, Any] = {"sample": identity, "group_number": int(columns["group_number"][row])}
        found["lattice"] = columns["lattice"][row]
        for name in ("atomic_number", "position", "wyckoff", "orbit"):
            found[name] = columns[name][row][:count]
        for name in ("estimated_formation_energy", "estimated_energy_above_hull"):
            if name in columns and np.isfinite(columns[name][row]):
                found[name] = float(columns[name][row])
        yield found


def to_pymatgen(data: xr.Dataset) -> list[Any]:
    """pymatgen Structures of the conventional cells; `properties` hold sample, space group and estimated energies."""
    try:
        from pymatgen.core import Lattice, Structure
    except ImportError:
        raise missing_library("pymatgen", "crystals", "structures") from None
    return [
        Structure(
            Lattice(row["lattice"]),
            [SYMBOLS[k - 1] for k in row["atomic_number"]],
            row["position"],
            site_properties={"wyckoff": [LETTERS[k] for k in row["wyckoff"]]},
            properties=_properties(row),
        )
        for row in rows_of(data)
    ]


def to_ase(data: xr.Dataset) -> list[Any]:
    """ASE Atoms of the conventional cells, periodic; `info` holds sample, space group and estimated energies."""
    try:
        from ase import Atoms
    except ImportError:
        raise missing_library("ase", "crystals", "atoms") from None
    return [
        Atoms(
            numbers=row["atomic_number"],
            scaled_positions=row["position"],
            cell=row["lattice"],
            pbc=True,
            info=_properties(row),
        )
        for row in rows_of(data)
    ]


def _properties(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if isinstance(value, int | float)}
    return {**kept, "space_group": group(row["group_number"]).symbol}


# CIF ---------------------------------------------------------------------------------------------------------------


def _operation(rotation: np.ndarray, shift: np.ndarray) -> str:
    parts = []
    for k in range(3):
        text = ""
        for column, name in enumerate("xyz"):
            if rotation[k, column]:
                sign = "-" if rotation[k, column] < 0 else "+" if text else ""
                text += f"{sign}{name}"
        step = Fraction(round(float(shift[k]) * STEPS) % STEPS, STEPS)
        parts.append(text + (f"+{step}" if step else ""))
    return ", ".join(parts)


def cif(row: dict[str, Any]) -> str:
    """CIF 1.1 of one of `rows_of`: the group's operations, and one atom an orbit to twelve digits."""
    here = group(row["group_number"])
    a, b, c, alpha, beta, gamma = lengths_and_angles(row["lattice"])
    kinds, counts = np.unique(row["atomic_number"], return_counts=True)
    composition = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    total = " ".join(f"{SYMBOLS[k - 1]}{count}" for k, count in composition.items())
    lines = [
        f"data_{formula(composition)}_{row['sample']}",
        f"_symmetry_space_group_name_H-M   '{here.symbol}'",
        f"_symmetry_Int_Tables_number   {here.number}",
        *(f"_cell_length_{name}   {value:.10f}" for name, value in zip("abc", (a, b, c), strict=True)),
        f"_cell_angle_alpha   {alpha:.10f}",
        f"_cell_angle_beta   {beta:.10f}",
        f"_cell_angle_gamma   {gamma:.10f}",
        f"_chemical_formula_structural   {formula(composition)}",
        f"_chemical_formula_sum   '{total}'",
        f"_cell_volume   {abs(np.linalg.det(row['lattice'])):.8f}",
        "loop_",
        " _symmetry_equiv_pos_site_id",
        " _symmetry_equiv_pos_as_xyz",
    ]
    operations = zip(here.rotations, here.shifts, strict=True)
    lines += [f"  {k}  '{_operation(*operation)}'" for k, operation in enumerate(operations, 1)]
    lines += [
        "loop_",
        *(f" _atom_site_{name}" for name in ("type_symbol", "label", "symmetry_multiplicity", "Wyckoff_symbol")),
        *(f" _atom_site_{name}" for name in ("fract_x", "fract_y", "fract_z", "occupancy")),
    ]
    orbit = row["orbit"]
    for place in np.flatnonzero(np.diff(orbit, prepend=-1)):
        symbol, letter = SYMBOLS[row["atomic_number"][place] - 1], LETTERS[row["wyckoff"][place]]
        x, y, z = row["position"][place]
        many = int((orbit == orbit[place]).sum())
        lines.append(f"  {symbol}  {symbol}{orbit[place]}  {many}  {letter}  {x:.12f}  {y:.12f}  {z:.12f}  1")
    return "\n".join(lines) + "\n"


# Back --------------------------------------------------------------------------------------------------------------


def from_structures(structures: Iterable[Any], identities: Sequence[int] | None = None, where: str = "") -> xr.Dataset:
    """A Dataset of pymatgen Structures in the standard setting; what cannot be is left out, and a warning says why.

    Left out are disordered structures, elements beyond plutonium, cells of no volume, and cells of more atoms than the
    outputs have room for.
    """
    found: list[Standard] = []
    kept: list[int] = []
    left: list[str] = []
    for k, structure in enumerate(structures):
        identity = k if identities is None else int(identities[k])
        try:
            found.append(standard(structure))
            kept.append(identity)
        except StandardError as error:
            left.append(f"{identity}: {error}")
    if left:
        warnings.warn(f"{where or 'structures'}: {len(left)} left out ({'; '.join(left[:3])})", stacklevel=2)
    from .truth import outputs_of

    unknown = np.full(len(found), np.nan)
    return OUTPUTS.dataset(outputs_of(found, unknown, unknown), np.array(kept, dtype=np.int64))


def standard(structure: Any, tolerance: float = 0.01) -> Standard:
    """A pymatgen Structure by symmetry.

    Raises
    ------
    StandardError
        Why it cannot be.
    """
    if not structure.is_ordered:
        raise StandardError("disordered or partly occupied")
    if len(structure) == 0 or not abs(structure.lattice.volume) > 1e-3:
        raise StandardError("a cell without atoms or volume")
    numbers = [site.specie.Z for site in structure]
    made = standardised(structure.lattice.matrix, structure.frac_coords, numbers, tolerance)
    with suppress(StandardError):  # a cell that is conventional already is kept, its origin too
        made = as_given(structure.lattice.matrix, structure.frac_coords, numbers, made.number)
    if len(made.sites()[0]) > SITES:
        raise StandardError(f"{len(made.sites()[0])} atoms in the conventional cell; at most {SITES}")
    return made
