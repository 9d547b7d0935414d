"""Search a chemical system for crystals near its hull: drawn ones beside ion swaps and random Wyckoff fillings.

Drawn candidates are ranked by the surrogate's estimate, which ranks and does not judge; the best formulas go to all
three sides, one candidate of each formula, and CHGNet relaxes and judges them alike. The cost is CPU time, making the
candidates included. Needs the extra `crystals-energy`; without it, candidates are drawn, ranked and written.

    python examples/find_new_crystals.py --chemical-system Ba-Ti-O -n 200 --relax 10 --write found/
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import surrogates
from surrogates.physics.crystals.elements import formula
from surrogates.physics.crystals.standard import Standard, StandardError, standardised
from surrogates.plugins.crystals.codec import crystals_of
from surrogates.plugins.crystals.convert import cif, rows_of
from surrogates.plugins.crystals.measure import key, known_keys
from surrogates.plugins.crystals.truth import counts_of
from surrogates.plugins.crystals.variables import OUTPUTS


def main() -> None:
    """Read what is asked, and say in one line what is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chemical-system", default="Ba-Ti-O")
    parser.add_argument("-n", "--number", type=int, default=200, help="crystals drawn")
    parser.add_argument("--most-atoms", type=int, default=12, help="of the primitive cells that are relaxed")
    parser.add_argument("--relax", type=int, default=10, help="formulas of which each side relaxes one candidate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", type=Path, default=Path("runs/chgnet"), help="where CHGNet's references are kept")
    parser.add_argument("--write", type=Path, help="folder of CIFs of the candidates that are relaxed")
    arguments = parser.parse_args()
    try:
        search(arguments)
    except (ValueError, surrogates.SurrogatesError) as error:
        parser.error(str(error))


def search(arguments: argparse.Namespace) -> None:
    """Draw, rank, and relax beside the two searches."""
    begun = time.process_time()
    surrogate = surrogates.load("crystals")
    found = surrogate.sample(arguments.number, seed=arguments.seed, chemical_system=arguments.chemical_system)
    crystals = crystals_of({name: found[name].values for name in OUTPUTS.names})
    best: dict[str, int] = {}
    for row in np.argsort(found["estimated_energy_above_hull"].values, kind="stable").tolist():
        if crystals[row].atoms <= arguments.most_atoms:
            best.setdefault(formula(counts_of(crystals[row])), row)
    chosen = dict(list(best.items())[: arguments.relax])
    making = time.process_time() - begun
    print(
        f"{arguments.number} crystals in {making:.1f} CPU-s, {len(best)} formulas of up to {arguments.most_atoms} atoms"
    )
    if arguments.write is not None:
        arguments.write.mkdir(parents=True, exist_ok=True)
        for row in rows_of(found.isel(sample=list(chosen.values()))):
            (arguments.write / f"{row['sample']}.cif").write_text(cif(row), encoding="utf-8")
        print(f"{arguments.write}: {len(chosen)} CIFs")
    try:
        from surrogates.plugins.crystals.judging import Judge

        arguments.kept.mkdir(parents=True, exist_ok=True)
        judge = Judge(arguments.kept)
    except surrogates.SurrogatesError as error:
        print(f"not relaxed: {error}")
        return
    from surrogates.plugins.crystals.rivals import filled, swapped

    sides = {
        "surrogate": (making, [crystals[row] for row in chosen.values()]),
        "ion swap": _timed(lambda: [swapped(counts_of(crystals[row])) for row in chosen.values()]),
        "random Wyckoff": _timed(lambda: [filled(counts_of(crystals[row]), row) for row in chosen.values()]),
    }
    for side, (cost, candidates) in sides.items():
        print(_told(judge, side, cost, candidates))


def _timed(make: Any) -> tuple[float, list[Standard | None]]:
    begun = time.process_time()
    made = make()
    return time.process_time() - begun, made


def _told(judge: Any, side: str, cost: float, candidates: list[Standard | None]) -> str:
    """Relax one side's candidates, and say what came of them."""
    from surrogates.plugins.crystals.judging import STABLE, hull, shares_of

    begun = time.process_time()
    near, new, lowest = 0, 0, ("none", np.inf)
    for crystal in candidates:
        if crystal is None:
            continue
        energy, structure = judge.relaxed(crystal)
        above = energy - hull(shares_of(crystal))
        name = formula(counts_of(crystal))
        lowest = min(lowest, (name, above), key=lambda item: item[1])
        if above < STABLE:
            near += 1
            new += not _known(structure)
    spent = cost + time.process_time() - begun
    return (
        f"{side}: {near} of {len(candidates)} within {STABLE:g} eV/atom of the hull, {new} of them new; "
        f"lowest {lowest[0]} at {lowest[1]:.3f} eV/atom; {spent:.0f} CPU-s"
    )


def _known(structure: Any) -> bool:
    """Whether training has the formula, group and letters of a relaxed structure."""
    numbers = [site.specie.Z for site in structure]
    try:
        after = standardised(structure.lattice.matrix, structure.frac_coords, numbers, 0.1)
    except StandardError:
        return False
    return key(after.number, after.elements, after.places) in known_keys(False)


if __name__ == "__main__":
    main()
