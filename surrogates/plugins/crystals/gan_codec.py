"""What the GAN of crystals reads and writes: primitive reduced cells of up to 20 atoms, and five properties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from ...contract.schema import Schema, Variable
from ...physics.crystals.cells import lengths_and_angles
from ...physics.crystals.distances import reduced_cell
from ...physics.crystals.elements import order
from ...physics.crystals.standard import Standard, StandardError, standardised, tidied
from .codec import OUTPUT_NAMES, CrystalCodec, crystals_of, together
from .separation import separated
from .variables import CONDITIONS, OUTPUTS

Tensors = dict[str, Tensor]

MOST_SLOTS = 20
"""Most atoms of a primitive cell that the GAN has room for."""
TOLERANCE = 0.1
"""Displacement [angstrom] within which symmetry that a drawn crystal nearly has is imposed."""
THINNEST = 1.0
"""Least singular value [angstrom] of a cell that symmetry is looked for in."""

ASKED = Schema(
    variables=(
        Variable("formation_energy", "formation energy an atom", units="eV", bounds=(-6.0, 6.0), optional=True),
        CONDITIONS["energy_above_hull"],
        CONDITIONS["band_gap"],
        Variable("density", "density", units="g/cm3", bounds=(0.05, 30.0), optional=True),
        Variable("volume_per_atom", "volume an atom", units="angstrom3", bounds=(2.0, 250.0), optional=True),
    )
)
"""The five properties that the literature's GAN is asked for, less hardness, of which there are no data."""

STATED = ASKED.names


def schemas(pools: Sequence[object]) -> tuple[Schema, Schema]:
    """Conditions and outputs of the GAN."""
    del pools
    return ASKED, OUTPUTS


class GanCodec(CrystalCodec):
    """Crystals as slots of atoms in their primitive reduced cell; conditions as standard scores and marks."""

    middle: Tensor
    width: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(len(STATED)))
        self.register_buffer("width", torch.ones(len(STATED)))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Moments of the properties that the pool has."""
        for k, name in enumerate(STATED):
            values = curved(name, pools[0].get(name, torch.zeros(0)).double())
            values = values[values.isfinite()]
            if len(values) > 1:
                self.middle[k], self.width[k] = values.mean(), values.std().clamp_min(1e-3)

    def encode(self, physical: Tensors) -> Tensors:
        """``edges`` (n, 6), ``points`` (n, slot, 3), ``kinds`` (n, slot) atomic numbers; ``asked`` (n, 10)."""
        encoded: Tensors = {}
        if "group_number" in physical:
            arrays = {name: physical[name].numpy() for name in OUTPUT_NAMES}
            encoded |= slots(crystals_of(arrays))
        if set(STATED) & set(physical):
            encoded["asked"] = self.told(physical)
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Conventional cells; atoms that overlap are moved apart, and symmetry that is nearly there is imposed.

        ``count`` (n,) atoms are the model's own; energies are not estimated.
        """
        cells = lattices(encoded["edges"].double(), encoded["count"].double()).detach().numpy()
        points, kinds = encoded["points"].double().detach().numpy(), encoded["kinds"].numpy()
        found = []
        for row, many in enumerate(encoded["count"].tolist()):
            elements = tuple(kinds[row, :many].tolist())
            drawn = Standard(1, lengths_and_angles(cells[row]), elements, (0,) * many, points[row, :many])
            found.append((finished(drawn), math.nan, math.nan))
        return super().decode(together(found), conditions)

    def told(self, physical: Tensors) -> Tensor:
        """(n, 10) standard scores, 0 where not asked, then marks of what is asked."""
        n = len(next(iter(physical.values())))
        nothing = torch.full((n,), torch.nan, dtype=torch.float64)
        values = torch.stack([curved(name, physical.get(name, nothing).double()) for name in STATED], dim=1)
        scores = ((values - self.middle) / self.width).clamp(-4.0, 4.0)
        there = scores.isfinite()
        return torch.cat((torch.where(there, scores, 0.0), there.double()), dim=1).float()


def finished(crystal: Standard) -> Standard:
    """A drawn crystal, parted where atoms overlap, with the symmetry that it nearly has."""
    crystal = separated(crystal, restarts=1)
    if np.linalg.svd(crystal.vectors, compute_uv=False)[-1] >= THINNEST:
        points, numbers, _ = crystal.sites()
        with suppress(StandardError, ValueError):  # it stays P1
            crystal = separated(standardised(crystal.vectors, points, numbers.tolist(), TOLERANCE), restarts=1)
    return tidied(crystal)


def curved(name: str, values: Tensor) -> Tensor:
    """Properties on the scale on which they are standardised: roots of what piles up at 0, logarithms of sizes."""
    if name in ("energy_above_hull", "band_gap"):
        return values.clamp_min(0.0).sqrt()
    return values if name == "formation_energy" else values.clamp_min(1e-3).log()


def primitive(crystal: Standard) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reduced lattice (3, 3) with rows in lower-triangular form, fractional positions and atomic numbers.

    Atoms by electronegativity, then orbit.
    """
    points, numbers, orbit = crystal.sites()
    here = crystal.group
    generators = np.concatenate((np.eye(3), here.centrings[(here.centrings % 1.0).any(axis=1)] % 1.0))
    for chosen in combinations(range(len(generators)), 3):
        basis = generators[list(chosen)]
        if abs(abs(np.linalg.det(basis)) * here.cells - 1.0) < 1e-6:
            break
    else:
        raise ArithmeticError(f"group {crystal.number}: no primitive cell")
    vectors = basis @ crystal.vectors
    reduced, change = reduced_cell(vectors)
    if np.linalg.det(reduced) < 0:
        reduced, change = -reduced, -change
    own = points @ np.linalg.inv(change @ basis) % 1.0
    kept: list[int] = []
    for k in range(len(own)):
        gap = own[kept] - own[k]
        if not len(kept) or np.abs(gap - np.round(gap)).max(axis=1).min() > 1e-3:
            kept.append(k)
    kept.sort(key=lambda k: (order(int(numbers[k])), orbit[k]))
    return np.linalg.cholesky(reduced @ reduced.T), own[kept] % 1.0, numbers[kept]


def slots(crystals: Sequence[Standard]) -> Tensors:
    """Crystals of at most `MOST_SLOTS` atoms as tensors; larger ones stand empty."""
    n = len(crystals)
    edges = np.zeros((n, 6), dtype=np.float32)
    points, kinds = np.zeros((n, MOST_SLOTS, 3), dtype=np.float32), np.zeros((n, MOST_SLOTS), dtype=np.int64)
    for row, crystal in enumerate(crystals):
        if crystal.atoms > MOST_SLOTS:
            continue
        lattice, own, numbers = primitive(crystal)
        count = len(numbers)
        edges[row] = (lattice / np.cbrt(count))[LOWER]
        points[row, :count], kinds[row, :count] = own, numbers
    return {"edges": torch.from_numpy(edges), "points": torch.from_numpy(points), "kinds": torch.from_numpy(kinds)}


LOWER = ([0, 1, 2, 1, 2, 2], [0, 1, 2, 0, 0, 1])
"""Rows and columns of a lower-triangular lattice's numbers: the diagonal first."""


def lattices(edges: Tensor, count: Tensor) -> Tensor:
    """(n, 3, 3) lower-triangular lattices of numbers (n, 6) an atom's share, and atoms (n,)."""
    whole = edges.new_zeros(len(edges), 3, 3)
    whole[:, LOWER[0], LOWER[1]] = edges
    return whole * count.clamp_min(1.0).pow(1.0 / 3.0)[:, None, None]
