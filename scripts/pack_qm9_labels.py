"""Pack simulated labels of QM9 into the file that molecule-properties ships: `labels.txt.xz` beside its plugin.

``python scripts/pack_qm9_labels.py FOLDER`` reads what the reference made in FOLDER: a folder of parts of
``surrogates reference molecule-properties --conditions qm9.csv -o FOLDER/ --resume``, or every ``shard-*.npz`` (arrays
index, smiles, status, gap [eV], dipole [debye], as `simulate` finds them). It adds RDKit's properties and
writes the columns, molecules in the order of QM9. Run again when more is there; what is packed already is not computed
anew.
"""

from __future__ import annotations

import argparse
import lzma
from pathlib import Path

import numpy as np

from surrogates.counting import counted
from surrogates.io import concatenate
from surrogates.io.hdf5_reading import read_hdf5
from surrogates.physics.molecules.descriptors import canonical, describe
from surrogates.physics.molecules.simulation import STATUSES
from surrogates.physics.molecules.text import from_codes
from surrogates.plugins.molecule_properties.labels import COLUMNS, DECIMALS, PACKED, packed
from surrogates.plugins.molecule_properties.variables import LEARNED, SIMULATED

DESCRIBED = tuple(name for name in LEARNED if name not in SIMULATED)


def rows(folder: Path, known: dict[str, list[str]]) -> list[list[str]]:
    """One row of text a molecule in the order of `COLUMNS`; a molecule that comes twice keeps its first row."""
    whole = labels(folder)
    found: dict[str, list[str]] = {}
    order = np.argsort(whole["index"], kind="stable")
    for row in counted(order, "molecules", len(order)):
        written = str(whole["smiles"][row])
        smiles = canonical(written) or written
        if smiles in found:
            continue
        simulated = [cell(name, float(whole[name][row])) for name in SIMULATED]
        described = known.get(smiles)
        if described is None:
            values = describe([smiles], DESCRIBED)[0]
            described = [cell(name, value) for name, value in zip(DESCRIBED, values, strict=True)]
        found[smiles] = [smiles, STATUSES[int(whole["status"][row])], *simulated, *described]
    return list(found.values())


def labels(folder: Path) -> dict[str, np.ndarray]:
    """Index in QM9, SMILES, status, gap and dipole of every molecule that the folder holds."""
    names = ("index", "smiles", "status", *SIMULATED)
    shards = [dict(np.load(path)) for path in sorted(folder.glob("shard-*.npz"))]
    for path in sorted(folder.glob("part-*.nc")):
        data = concatenate(read_hdf5(path))
        values = {name: data[name].values for name in ("status", *SIMULATED)}
        shards.append({"index": data["sample"].values, "smiles": np.array(from_codes(data["smiles"].values)), **values})
    if not shards:
        raise SystemExit(f"{folder}: no part-*.nc and no shard-*.npz; expected a folder of simulated labels")
    return {name: np.concatenate([shard[name] for shard in shards]) for name in names}


def cell(name: str, value: float) -> str:
    """A number as short as its decimals allow."""
    text = f"{value:.{DECIMALS[name]}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def packed_already() -> dict[str, list[str]]:
    """RDKit's columns of the molecules in the packed file."""
    if not PACKED.exists():
        return {}
    columns = packed()
    described = zip(*(columns[name] for name in DESCRIBED), strict=True)
    return {smiles: list(values) for smiles, values in zip(columns["smiles"], described, strict=True)}


def main() -> None:
    """Pack the shards of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", type=Path)
    found = rows(parser.parse_args().shards, packed_already())
    lines = [" ".join(column) for column in zip(COLUMNS, *found, strict=True)]
    content = lzma.compress("\n".join(lines).encode("ascii"), preset=9 | lzma.PRESET_EXTREME)
    partial = PACKED.with_name(f".{PACKED.name}.partial")
    partial.write_bytes(content)
    partial.replace(PACKED)
    print(f"{PACKED}: {len(found):,} molecules, {len(content):,} bytes")


if __name__ == "__main__":
    main()
