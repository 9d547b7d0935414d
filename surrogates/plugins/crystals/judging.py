"""CHGNet as the judge of crystals: its energies on the scale of formation energies, and the hull of the package's rows.

Deng et al. 2023, "CHGNet as a pretrained universal neural network potential for charge-informed atomistic modelling",
Nature Machine Intelligence 5, 1031. It is no network of ours, and none of ours learned from it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...io.atomic import replacing
from ...io.formats import missing_library
from ...physics.crystals.elements import MOST, SYMBOLS
from ...physics.crystals.standard import Standard
from .packaged import library
from .truth import counts_of

LARGEST, STEPS, FORCE = 8, 150, 0.1
"""Most atoms of structures that are fitted to; steps of a relaxation, and the force [eV/angstrom] where it ends."""
SEED = 97
REFERENCES = 400
"""Training structures that references are fitted to."""
STABLE = 0.1
"""Energy above the hull [eV an atom] up to which a candidate counts as near it."""


class Judge:
    """CHGNet, its energies on the scale of MP's formation energies by references that are fitted to them.

    Parameters
    ----------
    folder : Path
        Keeps the fitted references.
    """

    def __init__(self, folder: Path) -> None:
        import torch

        try:
            from chgnet.model import CHGNet, StructOptimizer  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise missing_library("chgnet", "crystals-energy", "energies") from None
        torch.set_num_threads(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = CHGNet.load(use_device="cpu", verbose=False)
            self.optimiser = StructOptimizer(model=self.model, use_device="cpu")
        found = kept_arrays(folder / "references.npz", self._fitted)
        self.references, self.error = found["references"], float(found["error"])

    def _fitted(self) -> dict[str, np.ndarray]:
        """References of the elements, and the mean error on structures that they were not fitted to."""
        held, test = library("train"), library("test")
        small = [r for r, c in enumerate(held.crystals) if c.atoms <= LARGEST]
        rows = _covering(held.crystals, np.random.default_rng(SEED).permutation(small))
        x = np.stack([shares_of(held.crystals[row]) for row in rows])
        y = np.array([self.energy(held.crystals[row]) - held.formation[row] for row in rows])
        found = np.linalg.lstsq(np.concatenate((x, 1e-2 * np.eye(MOST))), np.append(y, np.zeros(MOST)), rcond=None)[0]
        others = [r for r, c in enumerate(test.crystals) if c.atoms <= LARGEST][:60]
        wrong = [
            self.energy(test.crystals[r]) - shares_of(test.crystals[r]) @ found - test.formation[r] for r in others
        ]
        return {"references": found, "error": np.array(np.abs(wrong).mean())}

    def energy(self, crystal: Standard) -> float:
        """Energy an atom [eV] of a crystal as it is."""
        return float(self.model.predict_structure(structure_of(crystal))["e"])

    def relaxed(self, crystal: Standard) -> tuple[float, Any]:
        """Formation energy an atom [eV] after a relaxation, and the structure then."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self.optimiser.relax(structure_of(crystal), fmax=FORCE, steps=STEPS, verbose=False)
        structure = found["final_structure"]
        energy = float(found["trajectory"].energies[-1]) / len(structure)
        return energy - float(shares_of(crystal) @ self.references), structure


def kept_arrays(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays of a file; made and written whole where it is not there, so that a killed run leaves none behind."""
    if not path.exists():
        made = make()
        with replacing(path, overwrite=True) as partial, partial.open("wb") as stream:
            np.savez(stream, **made)  # type: ignore[arg-type]
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def _covering(crystals: tuple[Standard, ...], order: np.ndarray) -> list[int]:
    """Rows in which every element stands three times where it can, then others up to `REFERENCES`."""
    seen = np.zeros(MOST)
    first, rest = [], []
    for row in order.tolist():
        elements = [e - 1 for e in counts_of(crystals[row])]
        (first if seen[elements].min() < 3 else rest).append(row)
        seen[elements] += 1
    return (first + rest)[: max(REFERENCES, len(first))]


def shares_of(crystal: Standard) -> np.ndarray:
    """Shares of the elements (MOST,)."""
    out = np.zeros(MOST)
    for element, count in counts_of(crystal).items():
        out[element - 1] = count / crystal.atoms
    return out


def structure_of(crystal: Standard) -> Any:
    """The primitive cell as pymatgen's Structure."""
    from pymatgen.core import Lattice, Structure

    points, numbers, _ = crystal.sites()
    whole = Structure(Lattice(crystal.vectors), [SYMBOLS[k - 1] for k in numbers], points)
    return whole.get_primitive_structure() if crystal.group.cells > 1 else whole


@cache
def _rows() -> tuple[np.ndarray, np.ndarray]:
    parts = [library(split) for split in ("train", "valid", "test")]
    shares = np.stack([shares_of(crystal) for part in parts for crystal in part.crystals])
    return shares, np.concatenate([part.formation for part in parts])


def hull(shares: np.ndarray, without: np.ndarray | None = None) -> float:
    """Formation energy an atom [eV] of the hull at a composition (MOST,), elements at 0.

    Parameters
    ----------
    shares : ndarray
    without : ndarray, optional
        A composition whose rows are left out.
    """
    from scipy.optimize import linprog

    known, energies = _rows()
    inside = (known[:, shares == 0] == 0).all(axis=1)
    if without is not None:
        inside &= np.abs(known - without).max(axis=1) > 1e-6
    there = np.flatnonzero(shares)
    points = np.concatenate((known[inside][:, there], np.eye(len(there))))
    cost = np.concatenate((energies[inside], np.zeros(len(there))))
    return float(linprog(cost, A_eq=points.T, b_eq=shares[there], bounds=(0, None), method="highs").fun)


def false_stable(judge: Judge, most: int = 60) -> tuple[int, int]:
    """Held-out structures above MP's hull that ours calls near it without their own rows, and how many there are."""
    held = library("test")
    rows = [r for r, c in enumerate(held.crystals) if c.atoms <= LARGEST and held.hull[r] > STABLE][:most]
    hits = 0
    for row in rows:
        shares = shares_of(held.crystals[row])
        energy = judge.energy(held.crystals[row]) - shares @ judge.references
        hits += bool(energy - hull(shares, without=shares) < STABLE)
    return hits, len(rows)
