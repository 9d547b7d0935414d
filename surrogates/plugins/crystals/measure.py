"""The figures of crystals: symmetry found again, distances, what was asked, novelty, and distributions."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.plugin import Features
from ...contract.variables import texts
from ...measuring.distances import wasserstein_distance
from ...measuring.figures import Figure, Figures
from ...physics.crystals.distances import nearest_distances
from ...physics.crystals.elements import (
    ELECTRONEGATIVITY,
    MASS_UNIT,
    MASSES,
    MOST,
    RADIUS,
    FormulaError,
    parse_formula,
    parse_system,
    reduced,
)
from ...physics.crystals.groups import group, letter_changes, number_of
from ...physics.crystals.overlaps import CLOSEST
from .packaged import library

if TYPE_CHECKING:
    import xarray as xr

N_CRYSTALS = 2000
TOLERANCES = (0.01, 0.1)
SHORTEST = 0.5
"""Distance [angstrom] below which the field calls a structure invalid (CDVAE, arXiv:2110.06197)."""

THINNEST = 1.0
"""Least singular value [angstrom] of a cell that is looked at; no structure of the Materials Project is so thin."""


def key(number: int, elements: tuple[int, ...], places: tuple[int, ...], *, prototype: bool = False) -> int:
    """64 bits of formula, group and canonical Wyckoff letters; of a prototype elements are letters of the alphabet."""
    known = letter_changes(number)
    if max(places) >= known.shape[1]:
        return 0  # letters that the group does not have: a fake
    changes = known[:, list(places)]
    best = None
    for row in changes:
        pairs = sorted(zip(elements, row.tolist(), strict=True))
        if prototype:
            held: dict[int, list[int]] = {}
            for element, place in pairs:
                held.setdefault(element, []).append(place)
            found: Any = tuple(sorted(map(tuple, held.values())))
        else:
            found = tuple(pairs)
        best = found if best is None or found < best else best
    return int.from_bytes(hashlib.blake2b(repr((number, best)).encode(), digest_size=7).digest(), "big")


@cache
def known_keys(prototype: bool) -> frozenset[int]:
    """Keys of the training structures."""
    held = library("train").crystals
    return frozenset(key(c.number, c.elements, c.places, prototype=prototype) for c in held)


def detected(vectors: np.ndarray, points: np.ndarray, numbers: np.ndarray) -> list[int]:
    """Group numbers by spglib and by moyopy at each tolerance; 0 where none is found, -1 where it is not installed.

    Cells thinner than `THINNEST` are not looked at: programs take minutes over them, as over atoms nearer than
    `SHORTEST`.
    """
    if np.linalg.svd(vectors, compute_uv=False)[-1] < THINNEST:
        return [0] * (2 * len(TOLERANCES))
    found = []
    for tolerance in TOLERANCES:
        try:
            import spglib

            data = spglib.get_symmetry_dataset((vectors.tolist(), points.tolist(), numbers.tolist()), symprec=tolerance)
            found.append(int(data.number) if data is not None else 0)
        except ImportError:
            found.append(-1)
        except Exception:  # spglib's errors of structures that it cannot take are of several kinds
            found.append(0)
        try:
            import moyopy

            cell = moyopy.Cell(vectors.tolist(), points.tolist(), numbers.tolist())
            found.append(int(moyopy.MoyoDataset(cell, symprec=tolerance).number))
        except ImportError:
            found.append(-1)
        except Exception:
            found.append(0)
    return found


@cache
def charge_balanced(numbers: tuple[tuple[int, int], ...]) -> float:
    """Whether smact finds charges that balance, its alloy rule included; NaN where it is not installed."""
    try:
        from smact.screening import smact_validity
    except ImportError:
        return float("nan")
    from ...physics.crystals.elements import formula

    if any(number < 1 for number, _ in numbers):
        return 0.0  # no element: a fake
    return float(bool(smact_validity(formula(dict(numbers)))))


COLUMNS = (
    *(f"{program}_{tolerance}" for tolerance in TOLERANCES for program in ("spglib", "moyopy")),
    *("closest", "shortest", "volume", "density", "number", "elements", "atoms", "balanced", "pull", "key", "kind"),
    *("formula_asked", "formula_met", "system_asked", "system_met", "group_asked", "group_met", "atoms_met"),
)


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """What the figures need of each crystal, computed once: `told` (sample, column) and `share` (sample, element)."""
    if "told" in dataset:
        return dataset
    import xarray as xr

    from .convert import rows_of

    n = dataset.sizes["sample"]
    asked = [
        [str(text) for text in texts(dataset[name].values)] if name in dataset else [""] * n
        for name in ("formula", "chemical_system", "space_group")
    ]
    sizes = dataset["n_atoms"].values if "n_atoms" in dataset else np.full(n, -1)
    told, share = np.full((n, len(COLUMNS)), np.nan), np.zeros((n, MOST))
    for k, row in enumerate(rows_of(dataset)):
        told[k], share[k] = _told(row, [column[k] for column in asked], int(sizes[k]))
    return xr.Dataset({"told": (("sample", "column"), told), "element_share": (("sample", "element"), share)})


def _told(row: dict[str, Any], asked: list[str], atoms: int) -> tuple[list[float], np.ndarray]:
    formula, system, symbol = asked
    numbers, here = row["atomic_number"], group(row["group_number"])
    firsts = np.flatnonzero(np.diff(row["orbit"], prepend=-1))
    distances = nearest_distances(row["lattice"], row["position"], firsts)
    ratio = distances / (RADIUS[numbers[firsts] - 1][:, None] + RADIUS[numbers - 1][None])
    kinds, counts = np.unique(numbers, return_counts=True)
    volume = abs(float(np.linalg.det(row["lattice"])))
    composition = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    small = reduced(composition)[0]
    pull = ELECTRONEGATIVITY[numbers - 1]
    orbits = tuple(int(k) for k in numbers[firsts]), tuple(int(k) for k in row["wyckoff"][firsts])
    primitive = len(numbers) // here.cells
    values = [
        *(detected(row["lattice"], row["position"], numbers) if distances.min() >= SHORTEST else (0, 0, 0, 0)),
        ratio.min(),
        distances.min(),
        volume / len(numbers),
        _mass(numbers) * MASS_UNIT / volume,
        here.number,
        len(kinds),
        primitive,
        charge_balanced(tuple(sorted(small.items()))),
        pull.max() - pull.min(),
        float(key(here.number, *orbits) >> 4),
        float(key(here.number, *orbits, prototype=True) >> 4),
        *_met(formula, lambda text: reduced(parse_formula(text))[0] == small),
        *_met(system, lambda text: set(parse_system(text)) == set(kinds.tolist())),
        *_met(symbol, lambda text: number_of(text) == here.number),
        float(primitive == atoms) if atoms > 0 else np.nan,
    ]
    share = np.zeros(MOST)
    share[kinds - 1] = counts / counts.sum()
    return values, share


def _met(text: str, holds: Any) -> tuple[float, float]:
    if not text.strip():
        return 0.0, np.nan
    try:
        return 1.0, float(holds(text))
    except FormulaError:
        return 1.0, 0.0


def _mass(numbers: np.ndarray) -> float:
    return float(MASSES[numbers - 1].sum())


def column(data: xr.Dataset, *, name: str) -> np.ndarray:
    """One column of a reduced Dataset."""
    return data["told"].values[:, COLUMNS.index(name)]


def pair(data: xr.Dataset, *, names: tuple[str, str]) -> np.ndarray:
    """Two columns of a reduced Dataset, (n, 2)."""
    return np.stack([column(data, name=name) for name in names], axis=1)


def missed(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Share of the samples whose two columns differ; None where the program is not installed."""
    del theirs
    return None if (ours[:, 0] < 0).any() else float((ours[:, 0] != ours[:, 1]).mean())


def unmet(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Share of those asked that do not have it; None where it was asked of none."""
    del theirs
    known = ours[~np.isnan(ours)]
    return float(1.0 - known.mean()) if len(known) else None


def below(ours: np.ndarray, theirs: np.ndarray, *, limit: float) -> float:
    """Share below a limit."""
    del theirs
    return float((ours < limit).mean())


def repeated(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Share of samples whose key another before has."""
    del theirs
    return float(1.0 - len(np.unique(ours)) / max(len(ours), 1))


def known(ours: np.ndarray, theirs: np.ndarray, *, prototype: bool) -> float:
    """Share of distinct keys that training structures have."""
    del theirs
    table = {float(one >> 4) for one in known_keys(prototype)}
    return float(np.mean([one in table for one in np.unique(ours)]))


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """1-Wasserstein distance."""
    return float(wasserstein_distance(ours, theirs))


def histograms_apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Half the sum of the differences of shares of each value (total variation)."""
    values = np.unique(np.concatenate((ours, theirs)))
    shares = [(side[:, None] == values).mean(axis=0) for side in (ours, theirs)]
    return 0.5 * float(np.abs(shares[0] - shares[1]).sum())


def shares_apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Total variation between mean compositions."""
    return 0.5 * float(np.abs(ours.mean(axis=0) - theirs.mean(axis=0)).sum())


def means_apart(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Difference of means of what is known on both sides."""
    sides = [side[np.isfinite(side)] for side in (ours, theirs)]
    return abs(float(sides[0].mean() - sides[1].mean())) if min(map(len, sides)) else None


def _system(data: xr.Dataset) -> np.ndarray:
    return np.searchsorted((2, 15, 74, 142, 167, 194, 230), column(data, name="number"))


def _is_p1(data: xr.Dataset) -> np.ndarray:
    return (column(data, name="number") == 1).astype(float)


def _of(name: str) -> Any:
    return partial(column, name=name)


def _again(program: str, tolerance: float) -> Figure:
    text = f"share whose space group {program} does not find again at {tolerance:g} angstrom"
    found = partial(pair, names=(f"{program}_{tolerance}", "number"))
    return Figure(f"group_missed_{program}_{tolerance:g}", found, missed, at_most=0.03, text=text)


FIGURES = Figures(
    (
        *(_again(program, tolerance) for tolerance in TOLERANCES for program in ("spglib", "moyopy")),
        Figure("formula_missed", _of("formula_met"), unmet, at_most=0.0, text="asked formulas that are not met"),
        Figure("system_missed", _of("system_met"), unmet, at_most=0.0, text="asked elements that are not met"),
        Figure("group_missed", _of("group_met"), unmet, at_most=0.0, text="asked space groups that are not met"),
        Figure("size_missed", _of("atoms_met"), unmet, at_most=0.0, text="asked numbers of atoms that are not met"),
        Figure(
            "too_close",
            _of("closest"),
            partial(below, limit=CLOSEST),
            at_most=0.02,
            text=f"share with a pair nearer than {CLOSEST} sums of covalent radii",
        ),
        Figure(
            "too_short",
            _of("shortest"),
            partial(below, limit=SHORTEST),
            at_most=0.002,
            text="share with a pair nearer than 0.5 angstrom",
        ),
        Figure("duplicate", _of("key"), repeated, at_most=0.05, text="same formula, group and letters as another"),
        Figure(
            "known",
            _of("key"),
            partial(known, prototype=False),
            at_most=0.2,
            text="distinct ones whose formula, group and letters a training structure has",
        ),
        Figure(
            "known_prototype",
            _of("kind"),
            partial(known, prototype=True),
            text="distinct prototypes (group and letters, whatever the elements) that training has",
        ),
        Figure("charge_balance", _of("balanced"), means_apart, at_most=0.02, text="difference of smact's pass shares"),
        Figure("space_groups", _of("number"), histograms_apart, floors=2.0, text="histogram of space groups"),
        Figure("crystal_systems", _system, histograms_apart, floors=3.0, text="histogram of crystal systems"),
        Figure("p1", _is_p1, means_apart, at_most=0.02, text="difference of the shares of P1"),
        Figure("elements", lambda data: data["element_share"].values, shares_apart, floors=2.0, text="composition"),
        Figure("n_elements", _of("elements"), histograms_apart, floors=3.0, text="number of elements"),
        Figure("n_atoms_w1", _of("atoms"), apart, floors=3.0, text="atoms in the primitive cell"),
        Figure("volume_w1", _of("volume"), apart, floors=3.0, text="volume an atom", units="angstrom3"),
        Figure("density_w1", _of("density"), apart, floors=3.0, text="density", units="g/cm3"),
        Figure("closest_w1", _of("closest"), apart, floors=3.0, text="nearest pair in sums of covalent radii"),
        Figure("polarity_w1", _of("pull"), apart, floors=3.0, text="span of electronegativities"),
    ),
    reduce=reduce,
    n=N_CRYSTALS,
)


def features(data: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the two-sample classifier looks at."""
    names = ("closest", "shortest", "volume", "density", "number", "elements", "atoms", "pull")
    told = reduce(data)
    return np.stack([column(told, name=name) for name in names], axis=1), names


FEATURES = Features(high_level=features)
