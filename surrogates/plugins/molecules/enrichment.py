"""Finding N molecules in a property window, among those that a surrogate writes or those of a library.

Both sides' candidates are judged alike: RDKit computes their properties, and where a gap or dipole is asked, GFN2-xTB
simulates those that passed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Schema, nearest
from ...physics.molecules.descriptors import DESCRIPTORS, canonical, parse
from ...physics.molecules.simulation import simulate
from .library import collect
from .measure import texts
from .packaged import qm9_smiles
from .simulated import SEED, SIMULATED
from .variables import PROPERTIES

if TYPE_CHECKING:
    from ...sampling.surrogate import Surrogate

Window = Mapping[str, tuple[float, float]]
"""Property -> (low, high) in the property's units."""


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
    cpu_seconds, wall_seconds : float
        Of writing or reading candidates and of judging them.
    """

    window: Window
    found: dict[str, None] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    judged: int = 0
    simulated: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0

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
        self.simulated += 1
        properties = simulate(smiles, SEED)
        return all(self.window[name][0] <= getattr(properties, name) <= self.window[name][1] for name in asked)

    def run(self, candidates: Iterable[str], find: int, seconds: float) -> Search:
        """Judge candidates until `find` match, they run out, or the CPU time is spent."""
        start, wall = time.process_time(), time.perf_counter()
        for text in candidates:
            smiles = canonical(text)
            if smiles is not None and smiles not in self.seen:
                self.seen.add(smiles)
                if self.matches(smiles):
                    self.found[smiles] = None
            self.cpu_seconds, self.wall_seconds = time.process_time() - start, time.perf_counter() - wall
            if len(self.found) >= find or self.cpu_seconds > seconds:
                break
        return self

    @property
    def each(self) -> float:
        """CPU-seconds a match; infinite where there is none."""
        return self.cpu_seconds / len(self.found) if self.found else float("inf")


def asked(surrogate: Surrogate, window: Window, seed: int, batch: int) -> Iterator[str]:
    """SMILES that the surrogate writes for targets spread evenly over the window, without end.

    Where the window reaches beyond what the weights were trained on, targets stop there; candidates are judged by the
    whole window all the same.

    Parameters
    ----------
    surrogate : Surrogate
        Of `molecules`.
    window : mapping
    seed : int
    batch : int
        Molecules a call.

    Raises
    ------
    SchemaError
        A property that cannot be asked, or of which nothing in the window can.
    """
    return _asked(
        surrogate, {name: _askable(surrogate.conditions, name, *ends) for name, ends in window.items()}, seed, batch
    )


def _askable(schema: Schema, name: str, low: float, high: float) -> tuple[float, float]:
    if name not in PROPERTIES:
        raise SchemaError.about(name, "no property", f"one of {', '.join(PROPERTIES)}{nearest(name, PROPERTIES)}")
    least, most = schema[name].bounds or (-np.inf, np.inf)
    if not low < high or low >= most or high <= least:
        raise SchemaError.about(name, f"no window from {low:g} to {high:g}", f"one that meets {least:g} to {most:g}")
    return max(low, least), min(high, most)


def _asked(surrogate: Surrogate, window: Window, seed: int, batch: int) -> Iterator[str]:
    first = 0
    while True:
        draw = np.random.default_rng([seed, first])
        targets = {name: draw.uniform(low, high, batch) for name, (low, high) in window.items()}
        yield from texts(surrogate.sample(batch, seed=seed, first=first, **targets))
        first += batch


def ranked(candidates: Iterable[str], window: Window, properties: Surrogate, block: int = 512) -> Iterator[str]:
    """Candidates that a network expects in the window, a block at a time, those nearest to its centre first.

    The others are never judged: what the network gets wrong costs matches, not truth.

    Parameters
    ----------
    candidates : iterable of str
    window : mapping
        Only the gap and dipole in it are looked at.
    properties : Surrogate
        Of `molecule-properties`.
    block : int
    """
    names = [name for name in SIMULATED if name in window]
    source = iter(candidates)
    while some := list(islice(source, block)):
        known = [text for text in some if canonical(text) is not None]
        if not known:
            continue
        expected = properties.sample(len(known), seed=0, smiles=known)
        far = np.zeros(len(known))
        for name in names:
            low, high = window[name]
            off = 2.0 * np.abs(expected[name].values - (low + high) / 2.0) / (high - low)
            far = np.fmax(far, np.where(np.isnan(off), np.inf, off))
        yield from (known[row] for row in np.argsort(far, kind="stable") if far[row] <= 1.0)


def screened(library: Path | None, seed: int) -> list[str]:
    """The molecules of a library, QM9 by default, in random order."""
    smiles = qm9_smiles() if library is None else collect(library).smiles
    return [smiles[row] for row in np.random.default_rng(seed).permutation(len(smiles))]


def report(name: str, search: Search) -> str:
    """One line on a side."""
    return (
        f"{name:10}  {len(search.found):6} found  {search.judged:8} judged  {search.simulated:6} simulated  "
        f"{search.cpu_seconds:8.1f} CPU-s  {search.each:8.3f} CPU-s each"
    )
