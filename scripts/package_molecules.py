"""Make what the plugin `molecules` packages of QM9 and ZINC: ``--qm9 FILE --zinc FILE``.

QM9 and ZINC are files of SMILES (.smi, .csv or .sdf, also .xz). A data set that is not given keeps its file. Some ten
milliseconds a molecule on one core; descriptors are kept beside the files.
"""

from __future__ import annotations

import argparse
import lzma
from pathlib import Path

import numpy as np
from rdkit import Chem

from surrogates.counting import Counter
from surrogates.physics.molecules.chemnet import activations, summary
from surrogates.physics.molecules.structure import inchi_key
from surrogates.plugins.molecules.library import clean, collect, described, splits
from surrogates.plugins.molecules.packaged import FOLDER, QM9, DataSet, key, qm9_smiles, save_data_set, save_labels


def contents(smiles: tuple[str, ...], folder: Path) -> DataSet:
    """What recomputes the figures of a data set."""
    parts = splits(smiles)
    training = [smiles[i] for i in parts["training"]]
    keys = []
    with Counter("InChIKeys", len(training)) as progress:
        for text in training:
            keys.append(key(inchi_key(Chem.MolFromSmiles(text)), text))
            progress.advance()
    test = [smiles[i] for i in parts["test"]]
    found = []
    with Counter("ChemNet activations", len(test)) as progress:
        for start in range(0, len(test), 512):
            found.append(activations(test[start : start + 512]))
            progress.advance(len(found[-1]))
    mean, covariance = summary(np.concatenate(found))
    sorted_keys = np.unique(np.array(keys, dtype=np.int64))
    return DataSet(described(test, folder), sorted_keys, mean, covariance)


def labelled(folder: Path, smiles: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Gap and dipole of molecules from ``*.npz`` of `smiles`, `status`, `gap`, `dipole`; NaN where there is none."""
    place = {text: row for row, text in enumerate(smiles)}
    found = np.full((2, len(smiles)), np.nan)
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as shard:
            arrays = (shard[name] for name in ("smiles", "status", "gap", "dipole"))
            for text, status, gap, dipole in zip(*arrays, strict=True):
                row = place.get(clean(str(text)).smiles)
                if row is not None and status == 0:
                    found[:, row] = gap, dipole
    return found[0], found[1]


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qm9", type=Path, help="QM9's SMILES")
    parser.add_argument("--zinc", type=Path, help="ZINC's SMILES")
    parser.add_argument("--labels", type=Path, help="folder of GFN2-xTB labels of QM9")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for name, path in (("qm9", arguments.qm9), ("zinc", arguments.zinc)):
        if path is None:
            continue
        found = collect(path)
        print(f"{name}: {len(found.smiles)} molecules, skipped {found.skipped}, {found.desalted} desalted")
        if name == "qm9":
            text = "\n".join(found.smiles) + "\n"
            QM9.write_bytes(lzma.compress(text.encode("ascii"), preset=9 | lzma.PRESET_EXTREME))
            print(f"{QM9}: {QM9.stat().st_size} bytes")
        written = save_data_set(name, contents(found.smiles, path.with_name(f"{path.name}.test")))
        print(f"{written}: {written.stat().st_size} bytes")
    if arguments.labels is not None:
        gap, dipole = labelled(arguments.labels, qm9_smiles())
        written = save_labels(gap, dipole)
        print(f"{written}: {np.isfinite(gap).sum()} of {len(gap)} labelled, {written.stat().st_size} bytes")


if __name__ == "__main__":
    main()
