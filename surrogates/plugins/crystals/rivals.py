"""The cheap searches that a user has: ion swaps into known structures, and random Wyckoff fillings by PyXtal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from ...io.formats import missing_library
from ...physics.crystals.elements import RADIUS, SYMBOLS
from ...physics.crystals.groups import group
from ...physics.crystals.standard import Standard, standardised
from .packaged import library
from .truth import counts_of

TRIES = 200
"""Space groups that a random filling tries."""


def swapped(wanted: Mapping[int, int]) -> Standard | None:
    """The training structure of the same counts whose elements are most alike, with the formula's in their place.

    Alike by distance in Mendeleev numbers; the volume scales with the cubes of covalent radii. None where no training
    structure has such counts.

    Parameters
    ----------
    wanted : mapping
        Atomic number -> atoms of the primitive cell.
    """
    shape = tuple(sorted(wanted.values()))
    best: tuple[float, Standard] | None = None
    for donor in _by_shape().get(shape, ()):
        change: dict[int, int] = {}
        cost = 0.0
        have = counts_of(donor)
        for count in set(shape):
            olds = sorted((e for e, n in have.items() if n == count), key=_mendeleev)
            news = sorted((e for e, n in wanted.items() if n == count), key=_mendeleev)
            change |= dict(zip(olds, news, strict=True))
            cost += sum(abs(_mendeleev(a) - _mendeleev(b)) for a, b in zip(olds, news, strict=True))
        if best is None or cost < best[0]:
            made = replace(donor, elements=tuple(change[element] for element in donor.elements))
            best = cost, _scaled(made, _size(counts_of(made)) / _size(have))
    return best[1] if best else None


def filled(wanted: Mapping[int, int], seed: int) -> Standard | None:
    """The same counts in random Wyckoff positions of a random group, by PyXtal; None where no group took them."""
    try:
        from pyxtal import pyxtal  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise missing_library("pyxtal", "crystals-energy", "random structures") from None
    generator = np.random.default_rng(seed)
    for _ in range(TRIES):
        number = int(generator.integers(2, 231))
        here = group(number)
        made = pyxtal()
        try:
            made.from_random(
                3,
                number,
                [SYMBOLS[e - 1] for e in wanted],
                [n * here.cells for n in wanted.values()],
                random_state=int(generator.integers(1 << 31)),
            )
            if not made.valid:
                continue
            structure = made.to_pymatgen()
            numbers = [site.specie.Z for site in structure]
            return standardised(structure.lattice.matrix, structure.frac_coords, numbers, 0.01)
        except Exception:  # a group that cannot hold the formula, in PyXtal's several ways
            continue
    return None


@cache
def _by_shape() -> dict[tuple[int, ...], list[Standard]]:
    out: dict[tuple[int, ...], list[Standard]] = {}
    for crystal in library("train").crystals:
        out.setdefault(tuple(sorted(counts_of(crystal).values())), []).append(crystal)
    return out


@cache
def _mendeleev(number: int) -> float:
    from pymatgen.core import Element

    return float(Element.from_Z(number).mendeleev_no)


def _size(counts: Mapping[int, int]) -> float:
    return float(sum(n * RADIUS[e - 1] ** 3 for e, n in counts.items()))


def _scaled(crystal: Standard, volume: float) -> Standard:
    parameters = crystal.parameters.copy()
    parameters[:3] *= np.cbrt(volume)
    return replace(crystal, parameters=parameters)
