"""A user's own structures as training data: tables with a column of CIFs, and folders of CIFs.

One in five is held out, by a digest of its text, whatever else is in the file: `held_out` has them as truth.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import lzma
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SurrogatesError
from ...contract.schema import Schema
from ...counting import Counter
from ...io.atomic import replacing
from ...io.formats import missing_library
from ...physics.crystals.elements import formula, system
from ...physics.crystals.feasible import MOST_ATOMS
from ...physics.crystals.standard import Standard, StandardError, standardised
from .packaged import Library
from .truth import counts_of, outputs_of, own_conditions
from .variables import CONDITIONS, FORMULA, NUMBERS, OUTPUTS, SITES, SYSTEM

if TYPE_CHECKING:
    import xarray as xr

LAYOUT = "a CSV with a column `cif` or `cif_string` (also .gz or .xz), or a folder of CIFs"
FILES = (".csv", ".gz", ".xz")
_IN_FOLDERS = (".cif", (".csv", ".csv.gz", ".csv.xz"))
COLUMNS = ("cif", "cif_string")
LABELS = {
    "formation": ("formation_energy_per_atom", "formation_energy"),
    "hull": ("e_above_hull", "energy_above_hull"),
    "gap": ("band_gap",),
}
"""What is read of each structure beside its CIF [eV, eV an atom], by the names that columns have."""
HELD_OUT = 0.2
MOST_LEFT = 0.5
"""Share of structures that may be left out; more is an error."""
TOLERANCE = 0.1
"""Displacement [angstrom] within which symmetry is found."""
FEWEST = 20
_READING = b"2"
"""Of what is kept; another way to read counts on."""


class StructuresError(SurrogatesError):
    """Structures that cannot be learned from; names the file and what was expected."""


def read(path: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """Training structures of a file or folder with what is known of them; what does not vary is no condition.

    Parameters
    ----------
    path : Path
        See `LAYOUT`.
    kept : Path
        Folder of ours, in which the structures by symmetry are kept.
    """
    held, out = structures(path, kept)
    return (known(held, np.flatnonzero(~out), described(held)),)


def schemas(pools: Any) -> tuple[Schema, Schema]:
    """Conditions that the pools have, and outputs; the number of atoms within what they hold."""
    (pool,) = pools
    return narrowed(tuple(name for name in CONDITIONS.names if name in pool), pool), OUTPUTS


def narrowed(names: tuple[str, ...], data: Any = None) -> Schema:
    """The conditions of these names; `n_atoms` within what `data` hold."""
    from dataclasses import replace

    variables = []
    for name in names:
        variable = CONDITIONS[name]
        if name == "n_atoms" and data is not None:
            sizes = np.asarray(data[name])
            variable = replace(variable, bounds=(int(sizes.min()), int(sizes.max())))
        variables.append(variable)
    used = {dimension for variable in variables for dimension in variable.dims}
    return Schema(tuple(variables), tuple(d for d in CONDITIONS.dimensions if d.name in used))


def held_out(path: Path, kept: Path, n: int, seed: int) -> xr.Dataset:
    """Structures that training does not see, drawn without replacement; of each, half of the conditions are asked.

    Parameters
    ----------
    path, kept : Path
        As for `read`.
    n : int
        At most those that are held out; they come in another order for another seed.
    seed : int
    """
    held, out = structures(path, kept)
    rows = np.random.default_rng([seed, 53]).permutation(np.flatnonzero(out))[:n]
    found = known(held, rows, described(held))
    asked = np.random.default_rng([seed, 54]).random((len(rows), len(CONDITIONS.names))) < 0.5
    for k, name in enumerate(CONDITIONS.names):
        if name in found:
            found[name].values[~asked[:, k]] = 0 if CONDITIONS[name].text else CONDITIONS[name].missing
    return found.assign_coords(sample=np.arange(len(rows))).assign_attrs(seed=seed, reference=path.name)


def described(held: Library) -> tuple[str, ...]:
    """Conditions that vary among the structures."""
    found = own_conditions(held, np.arange(len(held)))
    names = []
    for name in CONDITIONS.names:
        values = found[name]
        there = values[np.isfinite(values)] if name in NUMBERS else values
        if len(np.unique(there, axis=0)) > 1:
            names.append(name)
    return tuple(names)


def known(held: Library, rows: np.ndarray, names: tuple[str, ...]) -> xr.Dataset:
    """Some structures with the named conditions."""
    outputs = outputs_of([held.crystals[row] for row in rows], held.formation[rows], held.hull[rows])
    conditions = own_conditions(held, rows)
    asked = narrowed(names).dataset({name: conditions[name] for name in names}, rows)
    return OUTPUTS.dataset(outputs, rows).merge(asked)


# Reading -----------------------------------------------------------------------------------------------------------


def structures(path: Path, kept: Path) -> tuple[Library, np.ndarray]:
    """The structures of a file or folder, and which are held out."""
    files = [path]
    if path.is_dir():
        there = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith(".")]
        files = [file for ends in _IN_FOLDERS for file in there if file.name.lower().endswith(ends)]
    digest = hashlib.sha256(_READING)
    for file in files:
        digest.update(str(file.relative_to(path) if path.is_dir() else file.name).encode())
        digest.update(file.read_bytes())
    cache = kept / f"structures-{digest.hexdigest()[:16]}.npz"
    if not cache.exists():
        arrays = _arrays([row for file in files for row in _rows(file)], path)
        with replacing(cache, overwrite=True) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    with np.load(cache) as stored:
        arrays = {name: stored[name] for name in stored.files}
    ends = np.cumsum(arrays["orbits"])
    spans = [slice(end - count, end) for end, count in zip(ends, arrays["orbits"], strict=True)]
    crystals = tuple(
        Standard(
            int(number),
            cell,
            tuple(arrays["element"][span].tolist()),
            tuple(arrays["place"][span].tolist()),
            arrays["free"][span],
        )
        for number, cell, span in zip(arrays["number"], arrays["lattice"], spans, strict=True)
    )
    formation, hull, gap = (arrays[name] for name in LABELS)
    return Library(crystals, formation, hull, gap, np.arange(len(crystals))), arrays["held"]


def _rows(file: Path) -> Iterator[dict[str, str]]:
    """CIF and labels of each structure of a file."""
    if file.suffix.lower() == ".cif":
        yield {"cif": file.read_text(encoding="utf-8", errors="replace")}
        return
    opened = {".gz": gzip.open, ".xz": lzma.open}.get(file.suffix.lower(), open)
    try:
        with opened(file, "rb") as stream:
            text = stream.read().decode("utf-8-sig")  # as spreadsheets write it
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise StructuresError(f"data: {file} does not read ({error}); expected {LAYOUT}") from None
    limit = csv.field_size_limit(1 << 26)
    try:
        table = csv.DictReader(io.StringIO(text, newline=""))
        column = next((name for name in COLUMNS if name in (table.fieldnames or ())), None)
        if column is None:
            shown = ", ".join((table.fieldnames or ["none"])[:6])[:80]
            raise StructuresError(f"data: {file} has the columns {shown}; expected {LAYOUT}")
        for row in table:
            found = {name: next((row[c] for c in cs if row.get(c)), "") for name, cs in LABELS.items()}
            yield {"cif": row[column] or "", **found}
    except csv.Error as error:
        raise StructuresError(f"data: {file} is no table ({error}); expected {LAYOUT}") from None
    finally:
        csv.field_size_limit(limit)


def _arrays(rows: list[dict[str, str]], path: Path) -> dict[str, np.ndarray]:
    names = ("number", "lattice", "orbits", "element", "place", "free", "held", *LABELS)
    out: dict[str, list[Any]] = {name: [] for name in names}
    left: dict[str, int] = {}
    with Counter("structures read", len(rows)) as counter:
        for k, row in enumerate(rows):
            counter.update(k)
            try:
                found = _standard(row["cif"])
            except StandardError as error:
                reason = str(error).partition("\n")[0][:60]
                left[reason] = left.get(reason, 0) + 1
                continue
            out["number"].append(found.number)
            out["lattice"].append(found.parameters)
            out["orbits"].append(len(found.elements))
            out["element"] += list(found.elements)
            out["place"] += list(found.places)
            out["free"] += list(found.free)
            draw = int.from_bytes(hashlib.sha256(row["cif"].encode()).digest()[:4], "big") / 2**32
            out["held"].append(draw < HELD_OUT)
            for name in LABELS:
                out[name].append(_number(row.get(name, "")))
    read = len(out["number"])
    why = "; ".join(f"{count} {reason}" for reason, count in sorted(left.items(), key=lambda item: -item[1])[:3])
    if read < FEWEST or read < (1.0 - MOST_LEFT) * len(rows):
        raise StructuresError(
            f"data: {path}: {read} of {len(rows)} structures can be learned ({why or 'there are no more'}); "
            f"expected {FEWEST} or more of up to {MOST_ATOMS} atoms, in {LAYOUT}"
        )
    if left:
        warnings.warn(f"{path}: {sum(left.values())} of {len(rows)} structures left out ({why})", stacklevel=2)
    return {name: np.array(values) for name, values in out.items()}


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _standard(text: str) -> Standard:
    try:
        from pymatgen.io.cif import CifParser
    except ImportError:
        raise missing_library("pymatgen", "crystals", "CIFs") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (structure,) = CifParser.from_str(text, site_tolerance=1e-5).parse_structures(primitive=False)
    except Exception as error:  # pymatgen's errors of texts that are no CIF are of many kinds
        raise StandardError(f"no CIF of one structure: {error}") from None
    if not structure.is_ordered:
        raise StandardError("disordered or partly occupied")
    if not len(structure) or not abs(structure.lattice.volume) > 1e-3:
        raise StandardError("a cell without atoms or volume")
    numbers = [site.specie.Z for site in structure]
    found = standardised(structure.lattice.matrix, structure.frac_coords, numbers, TOLERANCE)
    if found.atoms > MOST_ATOMS or len(found.sites()[0]) > SITES:
        raise StandardError(f"more than {MOST_ATOMS} atoms")
    counts = counts_of(found)
    if len(formula(counts)) > FORMULA or len(system(counts)) > SYSTEM:
        raise StandardError(f"too many elements: formulas have {FORMULA} letters, chemical systems {SYSTEM}")
    return found
