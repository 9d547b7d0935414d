"""Native formats of crystals: CIF, POSCAR, extended XYZ, pymatgen's and OPTIMADE's JSON, and a table of CIFs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...io.atomic import byte_stream
from ...io.formats import FileFormatError, Format, FormatError, missing_library
from ...io.seals import check_seal
from ...physics.crystals.elements import SYMBOLS, formula
from ...physics.crystals.groups import group
from .convert import cif, from_structures, rows_of, to_ase, to_pymatgen

if TYPE_CHECKING:
    import xarray as xr

CONDITIONS_LEFT = "what was asked"


def _pymatgen(what: str) -> Any:
    try:
        import pymatgen.core
    except ImportError:
        raise missing_library("pymatgen", "crystals", what) from None
    return pymatgen.core


def _write(
    text_of: Any,
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    overwrite: bool,
    single: str = "",
    line: str | None = None,
) -> None:
    written = 0
    with byte_stream(target, overwrite=overwrite, line=line) as stream:
        for block in blocks:
            for text in text_of(block):
                if single and written:
                    raise FormatError(f"{target}: a file of {single} holds one crystal; name a folder")
                stream.write(text.encode("utf-8"))
                written += 1


# CIF and POSCAR ----------------------------------------------------------------------------------------------------


def write_cif(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write one crystal as a CIF with its symmetry."""
    _write(lambda block: map(cif, rows_of(block)), blocks, target, overwrite, "CIF", "# {}")


def read_cif(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the crystals of a CIF, by pymatgen; disordered ones are left out with a warning."""
    _pymatgen(".cif")
    from pymatgen.io.cif import CifParser

    try:
        check_seal(Path(path))
        text = Path(path).read_text(encoding="utf-8")
        found = CifParser.from_str(text, site_tolerance=1e-5).parse_structures(primitive=False, on_error="raise")
    except FileFormatError:
        raise
    except Exception as error:
        raise FileFormatError(f"{path}: no CIF with atoms; {str(error).splitlines()[0]}") from None
    yield from_structures(found, where=str(path))


def write_poscar(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write one crystal as VASP's POSCAR, atoms sorted by element."""
    _pymatgen(".vasp")
    from pymatgen.io.vasp import Poscar

    def texts(block: xr.Dataset) -> Iterator[str]:
        for structure in to_pymatgen(block):
            structure.remove_site_property("wyckoff")
            plain = structure.get_sorted_structure()
            yield Poscar(plain, comment=plain.composition.reduced_formula).get_str(significant_figures=14)

    _write(texts, blocks, target, overwrite, "POSCAR")


def read_poscar(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the crystal of a POSCAR."""
    _pymatgen(".vasp")
    from pymatgen.io.vasp import Poscar

    try:
        found = Poscar.from_str(Path(path).read_text(encoding="utf-8")).structure
    except Exception as error:
        raise FileFormatError(f"{path}: no POSCAR; {str(error).splitlines()[0]}") from None
    yield from_structures([found], where=str(path))


# Extended XYZ ------------------------------------------------------------------------------------------------------


def write_extxyz(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write extended XYZ of the conventional cells, by ASE."""

    def texts(block: xr.Dataset) -> Iterator[str]:
        atoms = to_ase(block)
        from ase.io import write

        for one in atoms:
            text = io.StringIO()
            write(text, one, format="extxyz")
            yield text.getvalue()

    _write(texts, blocks, target, overwrite)


def read_extxyz(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the crystals of an extended XYZ file."""
    core = _pymatgen(".extxyz")
    try:
        from ase.io import iread
    except ImportError:
        raise missing_library("ase", "crystals", ".extxyz") from None
    structures, identities = [], []
    try:
        for k, atoms in enumerate(iread(str(path), index=":", format="extxyz")):
            if not all(atoms.pbc):
                raise ValueError(f"frame {k} is not periodic")
            symbols = atoms.get_chemical_symbols()
            structures.append(core.Structure(np.array(atoms.cell), symbols, atoms.get_scaled_positions(wrap=False)))
            identities.append(int(atoms.info.get("sample", k)))
    except Exception as error:
        raise FileFormatError(f"{path}: no extended XYZ of crystals; {str(error).splitlines()[0]}") from None
    unique = len(set(identities)) == len(identities)
    yield from_structures(structures, identities if unique else None, where=str(path))


# JSON --------------------------------------------------------------------------------------------------------------


def write_json(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write a JSON list of pymatgen's Structures."""
    with byte_stream(target, overwrite=overwrite) as stream:
        begun = False
        stream.write(b"[")
        for block in blocks:
            for structure in to_pymatgen(block):
                stream.write(b",\n" if begun else b"\n")
                stream.write(json.dumps(structure.as_dict()).encode("utf-8"))
                begun = True
        stream.write(b"\n]\n")


def read_json(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the Structures of a JSON file: one, or a list."""
    core = _pymatgen(".json")
    try:
        loaded = json.loads(Path(path).read_text(encoding="utf-8"))
        listed = loaded if isinstance(loaded, list) else [loaded]
        found = [core.Structure.from_dict(item) for item in listed]
        identities = [int(item.get("properties", {}).get("sample", k)) for k, item in enumerate(listed)]
    except Exception as error:
        raise FileFormatError(f"{path}: no JSON of pymatgen structures; {str(error).splitlines()[0]}") from None
    yield from_structures(found, identities if len(set(identities)) == len(found) else None, where=str(path))


def write_optimade(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write OPTIMADE JSON lines: a header, then a structure entry a line (OPTIMADE 1.2)."""

    def texts(block: xr.Dataset) -> Iterator[str]:
        for row in rows_of(block):
            yield json.dumps(optimade(row)) + "\n"

    with byte_stream(target, overwrite=overwrite) as stream:
        stream.write(b'{"x-optimade": {"meta": {"api_version": "1.2.0"}}}\n')
        for block in blocks:
            for text in texts(block):
                stream.write(text.encode("utf-8"))


def optimade(row: dict[str, Any]) -> dict[str, Any]:
    """OPTIMADE's structure entry of one of `rows_of`."""
    names = [SYMBOLS[k - 1] for k in row["atomic_number"]]
    elements = sorted(set(names))
    counts = [names.count(element) for element in elements]
    divisor = int(np.gcd.reduce(counts))
    shares = sorted((count // divisor for count in counts), reverse=True)
    anonymous = "".join(f"{_nth(k)}{share if share > 1 else ''}" for k, share in enumerate(shares))
    reduced = "".join(f"{e}{n // divisor if n > divisor else ''}" for e, n in zip(elements, counts, strict=True))
    attributes = {
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": [count / len(names) for count in counts],
        "chemical_formula_reduced": reduced,
        "chemical_formula_descriptive": reduced,
        "chemical_formula_anonymous": anonymous,
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": row["lattice"].tolist(),
        "space_group_it_number": row["group_number"],
        "cartesian_site_positions": (row["position"] @ row["lattice"]).tolist(),
        "nsites": len(names),
        "species": [{"name": e, "chemical_symbols": [e], "concentration": [1.0]} for e in elements],
        "species_at_sites": names,
        "structure_features": [],
        "last_modified": None,
    }
    return {"id": str(row["sample"]), "type": "structures", "attributes": attributes}


def _nth(k: int) -> str:
    return chr(ord("A") + k % 26) + ("" if k < 26 else chr(ord("a") + k // 26 - 1))


def read_optimade(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the structures of OPTIMADE JSON lines; formulas that contradict the sites are refused."""
    core = _pymatgen(".jsonl")
    found, identities = [], []
    try:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line) if line.strip() else {}
            if entry.get("type") != "structures":
                continue
            about = entry["attributes"]
            made = core.Structure(
                about["lattice_vectors"],
                about["species_at_sites"],
                about["cartesian_site_positions"],
                coords_are_cartesian=True,
            )
            if made.composition.reduced_composition != core.Composition(about["chemical_formula_reduced"]):
                raise ValueError(f"entry {entry['id']}: its formula is not that of its sites")
            found.append(made)
            identities.append(int(entry["id"]) if str(entry["id"]).isdigit() else len(identities))
    except Exception as error:
        raise FileFormatError(f"{path}: no OPTIMADE JSON lines; {str(error).splitlines()[0]}") from None
    yield from_structures(found, identities if len(set(identities)) == len(found) else None, where=str(path))


# Table -------------------------------------------------------------------------------------------------------------

HEADER = ("sample", "formula", "space_group_number", "space_group", "n_sites", "cif_string")


def write_table(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write a CSV with a column `cif_string`, as leaderboards take it."""

    def line(cells: Iterable[Any]) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue()

    with byte_stream(target, overwrite=overwrite) as stream:
        stream.write(line(HEADER).encode("utf-8"))
        for block in blocks:
            for row in rows_of(block):
                kinds, counts = np.unique(row["atomic_number"], return_counts=True)
                name = formula(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))
                symbol = group(row["group_number"]).symbol
                cells = (row["sample"], name, row["group_number"], symbol, int(counts.sum()), cif(row))
                stream.write(line(cells).encode("utf-8"))


def read_table(path: str | Path) -> Iterator[xr.Dataset]:
    """Yield the crystals of a CSV with a column `cif_string` or `cif`."""
    core = _pymatgen(".csv")
    found, identities = [], []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for k, cells in enumerate(csv.DictReader(file)):
                text = cells.get("cif_string") or cells.get("cif")
                if not text:
                    raise ValueError("no column cif_string")
                found.append(core.Structure.from_str(text, fmt="cif", primitive=False, site_tolerance=1e-5))
                identities.append(int(cells.get("sample") or k))
    except Exception as error:
        raise FileFormatError(f"{path}: no table of CIFs; {str(error).splitlines()[0]}") from None
    yield from_structures(found, identities, where=str(path))


def _format(name: str, suffixes: tuple[str, ...], description: str, write: Any, read: Any, **more: Any) -> Format:
    return Format(name, suffixes, description, write, read, extra="crystals", leaves_out=CONDITIONS_LEFT, **more)


FORMATS = (
    _format(
        "cif",
        (".cif",),
        "CIF with symmetry, a folder of one crystal a file",
        write_cif,
        read_cif,
        one_sample_a_file=True,
    ),
    _format(
        "poscar",
        (".vasp", ".poscar"),
        "VASP's POSCAR, a folder of one crystal a file",
        write_poscar,
        read_poscar,
        one_sample_a_file=True,
    ),
    _format("extxyz", (".extxyz",), "extended XYZ of conventional cells", write_extxyz, read_extxyz, streams=True),
    _format("pymatgen", (".json",), "JSON list of pymatgen's Structures", write_json, read_json, streams=True),
    _format("optimade", (".jsonl",), "OPTIMADE JSON lines", write_optimade, read_optimade, streams=True),
    _format("cif-table", (".csv",), "CSV with a column cif_string", write_table, read_table, streams=True),
)
