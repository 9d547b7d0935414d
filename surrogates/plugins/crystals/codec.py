"""Crystals as sequences, conditions as numbers; and sequences back to cells whose symmetry holds by construction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...contract.variables import texts
from ...counting import Counter
from ...physics.crystals.distances import SHELL_FEATURES, surroundings
from ...physics.crystals.elements import MOST, parse_formula, parse_system, reduced
from ...physics.crystals.groups import group, number_of, parameters
from ...physics.crystals.standard import Standard
from .tokens import LONGEST, NO_STEP, START, sequence
from .variables import CONDITIONS, ORBITS, OUTPUTS, SITES

Tensors = dict[str, Tensor]


class CrystalCodec(nn.Module):
    """Codec of crystals; fitted are means and spreads of the cell's free parameters."""

    centre: Tensor
    scale: Tensor
    shell_centre: Tensor
    shell_spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(6))
        self.register_buffer("scale", torch.ones(6))
        self.register_buffer("shell_centre", torch.zeros(SHELL_FEATURES))
        self.register_buffer("shell_spread", torch.ones(SHELL_FEATURES))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Moments of the free cell parameters of the training crystals, and of their surroundings."""
        encoded = self.encode({name: part[:3000] for name, part in pools[0].items() if name in OUTPUTS.names})
        which = encoded["steps"][..., 1]
        for k in range(6):
            values = encoded["values"][which == k]
            if len(values) > 1:
                self.centre[k], self.scale[k] = values.mean(), values.std().clamp(min=1e-3)
        there = encoded["shells"][encoded["share"] > 0]
        self.shell_centre.copy_(there.mean(0))
        self.shell_spread.copy_(there.std(0).clamp(min=1e-2))
        labels = [encoded.get(name) for name in ("true_formation", "true_hull")]
        if not any(label is not None and label.isfinite().any() for label in labels):
            self.shell_centre.fill_(torch.nan)  # without energies nothing is learned of them: they are not estimated

    def encode(self, physical: Tensors) -> Tensors:
        """Sequences of crystals, and what is asked as counts, marks and numbers (0 or NaN where it is not)."""
        encoded: Tensors = {}
        if "group_number" in physical:
            encoded |= _sequences(physical)
        if any(name in physical for name in CONDITIONS.names):
            encoded |= _asked(physical)
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """The conventional cells' atoms."""
        n = len(encoded["group"])
        out = {
            "group_number": encoded["group"],
            "n_sites": torch.zeros(n, dtype=torch.int64),
            "lattice": torch.zeros(n, 3, 3, dtype=torch.float64),
            "atomic_number": torch.zeros(n, SITES, dtype=torch.int64),
            "position": torch.zeros(n, SITES, 3, dtype=torch.float64),
            "wyckoff": torch.zeros(n, SITES, dtype=torch.int64),
            "orbit": torch.zeros(n, SITES, dtype=torch.int64),
            "estimated_formation_energy": encoded["formation"].double(),
            "estimated_energy_above_hull": encoded["hull"].double(),
        }
        for row in range(n):
            for name, value in atoms_of(standard_of(encoded, row)).items():
                if name in ("n_sites", "lattice"):
                    out[name][row] = torch.as_tensor(value)
                else:
                    out[name][row, : len(value)] = torch.as_tensor(value)
        return out


OUTPUT_NAMES = ("group_number", "n_sites", "lattice", "atomic_number", "position", "wyckoff", "orbit")


def atoms_of(crystal: Standard) -> dict[str, np.ndarray]:
    """Atoms of the conventional cell by output name, without padding."""
    points, numbers, orbit = crystal.sites()
    places = np.array(crystal.places, dtype=np.int64)[orbit]
    return {
        "n_sites": np.array(len(points)),
        "lattice": crystal.vectors,
        "atomic_number": numbers,
        "position": points,
        "wyckoff": places,
        "orbit": orbit,
    }


def standard_of(encoded: Tensors, row: int) -> Standard:
    """The crystal of one row of what a model samples."""
    count = int(encoded["orbits"][row])
    return Standard(
        int(encoded["group"][row]),
        encoded["parameters"][row].numpy(),
        tuple(encoded["elements"][row, :count].tolist()),
        tuple(encoded["places"][row, :count].tolist()),
        encoded["free"][row, :count].numpy(),
    )


def together(kept: list[tuple[Standard, float, float]]) -> Tensors:
    """Crystals with their two estimates as tensors."""
    n = len(kept)
    out = {
        "group": torch.tensor([crystal.number for crystal, _, _ in kept]),
        "orbits": torch.tensor([len(crystal.places) for crystal, _, _ in kept]),
        "parameters": torch.from_numpy(np.stack([crystal.parameters for crystal, _, _ in kept])),
        "elements": torch.zeros(n, ORBITS, dtype=torch.int64),
        "places": torch.zeros(n, ORBITS, dtype=torch.int64),
        "free": torch.zeros(n, ORBITS, 3, dtype=torch.float64),
        "formation": torch.tensor([energy for _, energy, _ in kept], dtype=torch.float64),
        "hull": torch.tensor([energy for _, _, energy in kept], dtype=torch.float64),
    }
    for row, (crystal, _, _) in enumerate(kept):
        count = len(crystal.places)
        out["elements"][row, :count] = torch.tensor(crystal.elements)
        out["places"][row, :count] = torch.tensor(crystal.places)
        out["free"][row, :count] = torch.from_numpy(crystal.free)
    return out


def crystal_of(
    number: int, lattice: np.ndarray, atoms: np.ndarray, points: np.ndarray, places: np.ndarray, orbit: np.ndarray
) -> Standard:
    """The crystal of atoms as outputs hold them, the first atom of each orbit being its position's first point."""
    from ...physics.crystals.cells import lengths_and_angles

    here = group(number)
    firsts = np.flatnonzero(np.diff(orbit, prepend=-1))
    found = [parameters(here.positions[places[k]], points[k : k + 1], 1e-4)[0] for k in firsts]
    return Standard(
        number,
        lengths_and_angles(lattice),
        tuple(int(atoms[k]) for k in firsts),
        tuple(int(places[k]) for k in firsts),
        np.maximum(np.array(found), 0.0),
    )


def crystals_of(data: dict[str, np.ndarray]) -> list[Standard]:
    """The crystals of output arrays along `sample`."""
    out = []
    for row in range(len(data["group_number"])):
        k = int(data["n_sites"][row])
        out.append(
            crystal_of(
                int(data["group_number"][row]),
                data["lattice"][row],
                *(data[name][row][:k] for name in ("atomic_number", "position", "wyckoff", "orbit")),
            )
        )
    return out


def orbit_features(crystal: Standard, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atomic numbers (size,), shares of the atoms and surroundings (size, SHELL_FEATURES) of a crystal's orbits."""
    points, numbers, orbit = crystal.sites()
    firsts = np.flatnonzero(np.diff(orbit, prepend=-1))
    counts = np.bincount(orbit)
    elements, share = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.float32)
    shells = np.zeros((size, SHELL_FEATURES), dtype=np.float32)
    elements[: len(firsts)], share[: len(firsts)] = numbers[firsts], counts / len(points)
    shells[: len(firsts)] = surroundings(crystal.vectors, points, numbers, firsts)
    return elements, share, shells


def _sequences(physical: Tensors) -> Tensors:
    arrays = {name: physical[name].numpy() for name in OUTPUT_NAMES}
    crystals = crystals_of(arrays)
    n = len(crystals)
    tokens = np.full((n, LONGEST), START, dtype=np.int64)
    values = np.zeros((n, LONGEST), dtype=np.float32)
    steps = np.tile(np.array(NO_STEP, dtype=np.int16), (n, LONGEST, 1))
    most = max(len(crystal.places) for crystal in crystals)
    elements, share = np.zeros((n, most), dtype=np.int64), np.zeros((n, most), dtype=np.float32)
    shells = np.zeros((n, most, SHELL_FEATURES), dtype=np.float32)
    with Counter("crystals read", n) as counter:
        for row, crystal in enumerate(crystals):
            found, numbers, asked = sequence(crystal)
            tokens[row, : len(found)] = found
            values[row, : len(found)] = numbers
            steps[row, : len(found)] = np.asarray(asked)
            elements[row], share[row], shells[row] = orbit_features(crystal, most)
            counter.update(row)
    out = {"tokens": tokens, "values": values, "steps": steps}
    out |= {"elements": elements, "share": share, "shells": shells}
    encoded = {name: torch.from_numpy(array) for name, array in out.items()}
    for name, label in (("true_formation", "estimated_formation_energy"), ("true_hull", "estimated_energy_above_hull")):
        if label in physical:
            encoded[name] = physical[label].float()
    return encoded


def _asked(physical: Tensors) -> Tensors:
    n = len(next(physical[name] for name in CONDITIONS.names if name in physical))
    counts, marks = torch.zeros(n, MOST, dtype=torch.int64), torch.zeros(n, MOST, dtype=torch.bool)
    groups = torch.zeros(n, dtype=torch.int64)
    columns = (("formula", _counts, counts), ("chemical_system", _marks, marks), ("space_group", _group, groups))
    for name, read, target in columns:
        if name in physical:
            codes, place = torch.unique(physical[name], dim=0, return_inverse=True)
            found = torch.stack([read(str(text)) for text in texts(codes.numpy())])
            target[:] = found[place.reshape(-1)]
    nothing = torch.full((n,), torch.nan, dtype=torch.float64)
    return {
        "formula": counts,
        "system": marks,
        "group": groups,
        "atoms": physical.get("n_atoms", torch.zeros(n, dtype=torch.int64)).clamp(min=0).long(),
        "hull": physical.get("energy_above_hull", nothing).double(),
        "gap": physical.get("band_gap", nothing).double(),
    }


def _counts(text: str) -> Tensor:
    out = torch.zeros(MOST, dtype=torch.int64)
    if text.strip():
        for number, count in reduced(parse_formula(text))[0].items():
            out[number - 1] = count
    return out


def _marks(text: str) -> Tensor:
    out = torch.zeros(MOST, dtype=torch.bool)
    if text.strip():
        out[[number - 1 for number in parse_system(text)]] = True
    return out


def _group(text: str) -> Tensor:
    return torch.tensor(number_of(text) if text.strip() else 0)


__all__ = ["CrystalCodec", "atoms_of", "crystals_of", "orbit_features", "standard_of", "together"]
