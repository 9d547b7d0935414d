"""Molecules as pictures and as RDKit objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SurrogatesError
from ...physics.molecules.descriptors import DESCRIPTORS, parse
from .measure import texts
from .variables import CONDITIONS, PROPERTIES

if TYPE_CHECKING:
    import xarray as xr

_SHORT = {"log_p": "log P", "qed": "QED", "molecular_weight": "MW", "polar_surface_area": "TPSA"}
_SHORT |= {"synthetic_accessibility": "SA", "gap": "gap", "dipole": "dipole"}


def to_rdkit(samples: xr.Dataset) -> list[Any]:
    """RDKit molecules of a Dataset of samples, None where RDKit cannot sanitise the SMILES.

    Each has its identity as the property ``_Name``, and ``asked_<property>`` where one was asked.
    """
    molecules = [parse(text).molecule for text in texts(samples)]
    asked = {name: samples[name].values for name in PROPERTIES if name in samples}
    for row, molecule in enumerate(molecules):
        if molecule is None:
            continue
        molecule.SetProp("_Name", str(int(samples["sample"].values[row])))
        for name, values in asked.items():
            if np.isfinite(values[row]):
                molecule.SetDoubleProp(f"asked_{name}", float(values[row]))
    return molecules


def legend(molecule: Any) -> str:
    """Found properties, a line each, the asked ones in brackets: "MW 312 (310)"."""
    parts = []
    for name in PROPERTIES:
        asked = molecule.GetDoubleProp(f"asked_{name}") if molecule.HasProp(f"asked_{name}") else None
        shown = name in ("log_p", "qed", "molecular_weight") or asked is not None
        if name in DESCRIPTORS and shown:
            digits = 0 if CONDITIONS[name].units in ("g/mol", "angstrom2") else 2
            told = "" if asked is None else f" ({asked:.{digits}f})"
            parts.append(f"{_SHORT[name]} {DESCRIPTORS[name](molecule):.{digits}f}{told}")
    return "\n".join(parts[:3])


def picture(samples: xr.Dataset, *, most: int = 24, columns: int = 6, side: int = 220) -> Any:
    """A grid of the first valid molecules with found and asked properties, as a PIL image.

    Parameters
    ----------
    samples : Dataset
    most, columns : int
        Molecules, and how many stand in a row.
    side : int
        Pixels a molecule.

    Raises
    ------
    SurrogatesError
        No molecule is valid.
    """
    import io

    from PIL import Image

    return Image.open(io.BytesIO(_grid(samples, most, columns, side, vector=False)))


def save_grid(samples: xr.Dataset, path: str | Path, *, most: int = 24, columns: int = 6, side: int = 220) -> None:
    """Write a grid of molecules as ``.png`` or ``.svg``; see `picture`.

    Raises
    ------
    SurrogatesError
        Another suffix, or no molecule is valid.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg"):
        raise SurrogatesError(f"path: {path.name} has the suffix {path.suffix!r}; expected .png or .svg")
    path.write_bytes(_grid(samples, most, columns, side, vector=path.suffix.lower() == ".svg"))


def _grid(samples: xr.Dataset, most: int, columns: int, side: int, *, vector: bool) -> bytes:
    from rdkit.Chem.Draw import rdMolDraw2D

    start = samples.isel(sample=slice(0, 4 * most))
    molecules = [molecule for molecule in to_rdkit(start) if molecule is not None][:most]
    if not molecules:
        raise SurrogatesError(f"samples: none of the first {start.sizes['sample']} molecules is valid; nothing to draw")
    rows = -(-len(molecules) // columns)
    columns = min(columns, len(molecules))
    kind = rdMolDraw2D.MolDraw2DSVG if vector else rdMolDraw2D.MolDraw2DCairo
    canvas = kind(columns * side, rows * side, side, side)
    canvas.drawOptions().legendFraction = 0.3
    canvas.drawOptions().legendFontSize = max(side // 12, 6)
    canvas.DrawMolecules(molecules, legends=[legend(molecule) for molecule in molecules])
    canvas.FinishDrawing()
    text = canvas.GetDrawingText()
    return text.encode() if isinstance(text, str) else text
