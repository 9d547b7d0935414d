"""Make what the plugin crystals holds: tables of space groups, and the Materials Project's structures in Wyckoff form.

    python scripts/package_crystals.py tables
    python scripts/package_crystals.py structures PATH/mp_structures.csv.xz

Needs the extra `crystals` and PyXtal. Structures: CC BY 4.0, the Materials Project (Jain et al. 2013, APL Materials 1,
011002), of up to 40 atoms in the primitive cell and 16 orbits.
"""

from __future__ import annotations

import csv
import lzma
import sys
from itertools import permutations, product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
csv.field_size_limit(1 << 26)

TABLES = ROOT / "surrogates/physics/crystals/groups.npz"
STRUCTURES = ROOT / "surrogates/plugins/crystals/structures.npz"


def tables() -> None:
    """Space groups from PyXtal, their settings' symbols from moyopy."""
    import moyopy
    from pyxtal.symmetry import Group as Source

    group, multiplicity, rotation, shift, symbols = [], [], [], [], []
    normal_group, normal_rotation, normal_shift = [], [], []
    settings = [set() for _ in range(230)]
    for hall in range(1, 531):
        entry = moyopy.HallSymbolEntry(hall)
        settings[entry.number - 1] |= {entry.hm_short, entry.hm_full}
    for number in range(1, 231):
        source = Source(number)
        symbols.append(source.symbol)
        own = None
        for position in list(source)[::-1]:
            ops = position.ops
            r = np.array([np.round(op.rotation_matrix) for op in ops]).astype(np.int8)
            t = np.array([op.translation_vector for op in ops]) % 1.0 * 24
            assert np.abs(t - np.round(t)).max() < 1e-3 and len(ops) == position.multiplicity
            group.append(number)
            multiplicity.append(len(ops))
            rotation.append(r)
            shift.append(np.round(t).astype(np.int8) % 24)
            own = rotation[-1], shift[-1]
        rotations, shifts = normaliser(number, *own)
        normal_group += [number] * len(rotations)
        normal_rotation.append(rotations)
        normal_shift.append(shifts)
    made = {
        "group": np.array(group, dtype=np.uint8),
        "multiplicity": np.array(multiplicity, dtype=np.uint8),
        "rotation": np.concatenate(rotation),
        "shift": np.concatenate(shift),
        "symbol": np.array(symbols),
        "settings": np.array([";".join(sorted(names)) for names in settings]),
        "normaliser_group": np.array(normal_group, dtype=np.uint8),
        "normaliser_rotation": np.concatenate(normal_rotation).astype(np.int8),
        "normaliser_shift": np.concatenate(normal_shift).astype(np.int8),
    }
    np.savez_compressed(TABLES, **made)
    from surrogates.physics.crystals.groups import found_letter_changes

    moved = np.full((len(normal_group), 27), 255, dtype=np.uint8)
    start = 0
    for number in range(1, 231):
        found = found_letter_changes(number)
        moved[start : start + len(found), : found.shape[1]] = found
        start += len(found)
    np.savez_compressed(TABLES, **made, normaliser_place=moved)
    print(TABLES, TABLES.stat().st_size, len(normal_group))


def axes(number: int) -> list[np.ndarray]:
    """Proper changes of axes that may keep a group."""
    eye = np.eye(3, dtype=np.int64)
    if number <= 2:
        return [eye]
    if number <= 15:
        found = []
        for a, b, c, d in product((-1, 0, 1), repeat=4):
            if abs(a * d - b * c) == 1:
                found.append(np.array([[a, 0, b], [0, a * d - b * c, 0], [c, 0, d]]))
        return found
    if 143 <= number <= 194:
        six = np.array([[1, -1, 0], [1, 0, 0], [0, 0, 1]])
        two = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
        return [np.linalg.matrix_power(six, k) @ m for k in range(6) for m in (eye, two)]
    signed = []
    for order in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            matrix = np.zeros((3, 3), dtype=np.int64)
            matrix[range(3), order] = signs
            if round(np.linalg.det(matrix)) == 1 and (number < 75 or number > 142 or order[2] == 2):
                signed.append(matrix)
    return signed


def normaliser(number: int, rotations: np.ndarray, shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosets of the proper affine normaliser, by trial on a grid of shifts [1/24]."""
    rotations, shifts = rotations.astype(np.int64), shifts.astype(np.int64)
    fixed = [(rotations[:, :, k] == np.eye(3, dtype=np.int64)[k]).all() for k in range(3)]
    step = (4, 4, 2) if 143 <= number <= 194 else (3, 3, 3)
    grid = np.array(list(product(*[[0] if fixed[k] else range(0, 24, step[k]) for k in range(3)])))
    by_rotation: dict[bytes, set] = {}
    for r, t in zip(rotations, shifts, strict=True):
        by_rotation.setdefault(r.tobytes(), set()).add(tuple(t))
    seen, out = set(), []
    for p in sorted(axes(number), key=lambda m: (not (m == np.eye(3)).all(), np.abs(m).sum())):
        inverse = np.round(np.linalg.inv(p)).astype(np.int64)
        turned = [(p @ r @ inverse).astype(np.int64) for r in rotations]
        if any(r.tobytes() not in by_rotation for r in turned):
            continue
        good = np.ones(len(grid), dtype=bool)
        for r, w in zip(turned, shifts, strict=True):
            moved = (p @ w + grid - grid @ r.T) % 24
            allowed = np.array(sorted(by_rotation[r.tobytes()])) @ (576, 24, 1)
            good &= np.isin(moved @ (576, 24, 1), allowed)
        for t in grid[good]:
            key = min(((r @ p).tobytes(), tuple((r @ t + w) % 24)) for r, w in zip(rotations, shifts, strict=True))
            if key not in seen:
                seen.add(key)
                out.append((p, t))
    return np.array([p for p, _ in out]), np.array([t for _, t in out])


def read_p1(text: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Cell parameters, fractional positions and atomic numbers of a CIF without symmetry."""
    from surrogates.physics.crystals.elements import SYMBOLS

    cell, sites, numbers = [], [], []
    for line in text.splitlines():
        words = line.split()
        if line.startswith(("_cell_length", "_cell_angle")):
            cell.append(float(words[1]))
        elif len(words) == 7 and words[0] in SYMBOLS:
            numbers.append(SYMBOLS.index(words[0]) + 1)
            sites.append([float(word) for word in words[3:6]])
            if float(words[6]) != 1.0:
                raise ValueError("partial occupancy")
    return np.array(cell), np.array(sites), numbers


def structures(path: str) -> None:
    """The Materials Project's structures in Wyckoff form, split by chemical system."""
    import hashlib

    from surrogates.physics.crystals.cells import lattice
    from surrogates.physics.crystals.elements import system
    from surrogates.physics.crystals.standard import StandardError, standardised

    names = ("number", "lattice", "orbits", "element", "place", "free", "split", "formation", "hull", "gap", "material")
    out: dict[str, list] = {name: [] for name in names}
    left: dict[str, int] = {}
    with lzma.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    for done, row in enumerate(rows):
        try:
            cell, sites, numbers = read_p1(row["cif"])
            found = standardised(lattice(cell), sites, numbers, tolerance=0.1)
        except (StandardError, ValueError) as error:
            left[str(error)[:40]] = left.get(str(error)[:40], 0) + 1
            continue
        atoms = found.atoms
        if atoms > 40 or len(found.elements) > 16:
            left["large"] = left.get("large", 0) + 1
            continue
        key = system(tuple(sorted(set(found.elements))))
        draw = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32
        out["number"].append(found.number)
        out["lattice"].append(found.parameters)
        out["orbits"].append(len(found.elements))
        out["element"] += list(found.elements)
        out["place"] += list(found.places)
        out["free"] += [np.round(np.array(free) * 65536).astype(np.int64) % 65536 for free in found.free]
        out["split"].append(0 if draw < 0.76 else 1 if draw < 0.82 else 2)
        for name, column in (("formation", "formation_energy_per_atom"), ("hull", "e_above_hull"), ("gap", "band_gap")):
            out[name].append(float(row[column] or "nan"))
        out["material"].append(int(row["material_id"].split("-")[1]))
        if done % 1000 == 0:
            print(done, len(out["number"]), left, flush=True)
    kinds = dict(zip(names, ("u1", "f4", "u1", "u1", "u1", "u2", "u1", "f4", "f4", "f4", "i4"), strict=True))
    np.savez_compressed(STRUCTURES, **{name: np.array(out[name], dtype=kinds[name]) for name in names})
    print(STRUCTURES, STRUCTURES.stat().st_size, len(out["number"]), np.bincount(out["split"]), left)


if __name__ == "__main__":
    if sys.argv[1] == "tables":
        tables()
    else:
        structures(sys.argv[2])
