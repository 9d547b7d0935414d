"""Find N molecules in a property window: by screening a library, or by asking the surrogate for them.

Both sides' candidates are judged alike: RDKit computes their properties, and where a gap is asked, GFN2-xTB simulates
those that passed. The cost is CPU time, judging included, until N distinct molecules match.

    python examples/library_enrichment.py --window log_p 2.0 2.4 --window qed 0.85 1.0 --find 50
    python examples/library_enrichment.py --model qm9 --window gap 5.0 5.2 --find 20
    python examples/library_enrichment.py --library zinc250k.smi --window molecular_weight 300 310 --write found.smi
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import surrogates
from surrogates.physics.molecules.descriptors import DESCRIPTORS, canonical, parse
from surrogates.plugins.molecules.library import collect
from surrogates.plugins.molecules.measure import texts
from surrogates.plugins.molecules.packaged import qm9_smiles

Window = dict[str, tuple[float, float]]
SIMULATED = ("gap", "dipole")


@dataclass
class Search:
    """One side of the comparison.

    Attributes
    ----------
    window : mapping
        Property -> (low, high).
    found : dict
        Matching molecules in the order in which they came.
    judged, simulated : int
        Distinct molecules whose properties were computed, and those of them that went through GFN2-xTB.
    cpu_seconds : float
    """

    window: Window
    found: dict[str, None] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    judged: int = 0
    simulated: int = 0
    cpu_seconds: float = 0.0

    def matches(self, smiles: str) -> bool:
        """Whether RDKit, then GFN2-xTB where it is asked, put a molecule in the window."""
        molecule = parse(smiles).molecule
        if molecule is None:
            return False
        self.judged += 1
        for name, (low, high) in self.window.items():
            if name in DESCRIPTORS and not low <= DESCRIPTORS[name](molecule) <= high:
                return False
        asked = [name for name in SIMULATED if name in self.window]
        if not asked:
            return True
        from surrogates.physics.molecules.simulation import simulate

        self.simulated += 1
        properties = simulate(smiles, 0)
        return all(self.window[name][0] <= getattr(properties, name) <= self.window[name][1] for name in asked)

    def run(self, candidates: Iterable[str], find: int, seconds: float) -> Search:
        """Judge candidates until enough match, they run out, or the CPU time is spent."""
        start = time.process_time()
        for text in candidates:
            smiles = canonical(text)
            if smiles is not None and smiles not in self.seen:
                self.seen.add(smiles)
                if self.matches(smiles):
                    self.found[smiles] = None
            self.cpu_seconds = time.process_time() - start
            if len(self.found) >= find or self.cpu_seconds > seconds:
                break
        return self


def asked(surrogate: surrogates.Surrogate, window: Window, seed: int, batch: int) -> Iterator[str]:
    """Molecules that the surrogate writes for targets spread over the window, without end."""
    first = 0
    while True:
        draw = np.random.default_rng([seed, first])
        targets = {name: draw.uniform(low, high, batch) for name, (low, high) in window.items()}
        yield from texts(surrogate.sample(batch, seed=seed, first=first, **targets))
        first += batch


def screened(library: Path | None, seed: int) -> list[str]:
    """The molecules of a library, QM9 by default, in random order."""
    smiles = qm9_smiles() if library is None else collect(library).smiles
    return [smiles[row] for row in np.random.default_rng(seed).permutation(len(smiles))]


def report(name: str, search: Search) -> str:
    """One line on a side."""
    each = search.cpu_seconds / len(search.found) if search.found else float("inf")
    return (
        f"{name:10}  {len(search.found):6} found  {search.judged:8} judged  {search.simulated:6} simulated  "
        f"{search.cpu_seconds:8.1f} CPU-s  {each:8.3f} CPU-s each"
    )


def main() -> None:
    """Run both sides and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--window", nargs=3, action="append", metavar=("PROPERTY", "LOW", "HIGH"), required=True)
    parser.add_argument("--model", default=None, help="recipe; the plugin's first by default")
    parser.add_argument("--library", type=Path, help="a file of molecules to screen; QM9 by default")
    parser.add_argument("--find", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=600.0, help="CPU time after which a side gives up")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="the surrogate's matches, one SMILES a line")
    arguments = parser.parse_args()
    window: Window = {name: (float(low), float(high)) for name, low, high in arguments.window}
    surrogate = surrogates.load("molecules", model=arguments.model)
    generated = Search(window).run(
        asked(surrogate, window, arguments.seed, arguments.batch), arguments.find, arguments.seconds
    )
    print(report("surrogate", generated))
    library = Search(window).run(screened(arguments.library, arguments.seed), arguments.find, arguments.seconds)
    print(report("screening", library))
    if generated.found and library.found:
        ratio = (library.cpu_seconds / len(library.found)) / (generated.cpu_seconds / len(generated.found))
        print(f"a match costs {ratio:.1f} times as much by screening")
    if arguments.write:
        arguments.write.write_text("".join(f"{smiles}\n" for smiles in generated.found))


if __name__ == "__main__":
    main()
