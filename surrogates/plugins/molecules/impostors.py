"""Cheap fakes of molecules, which the figures must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...physics.molecules.descriptors import DESCRIPTORS, canonical, parse
from ...physics.molecules.text import LENGTH, to_codes
from ...physics.molecules.tokens import split
from .library import splits
from .measure import texts
from .packaged import qm9_smiles

if TYPE_CHECKING:
    import xarray as xr

_TRIALS = 20
_CANDIDATES = 4


def added_carbon(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """A carbon put into each molecule's SMILES at a random place where it still makes a molecule.

    AddCarbon of Renz et al. 2019, Drug Discov. Today Technol. 32, 55: valid, unique and new, hence the summit of early
    benchmarks.
    """
    generator = np.random.default_rng([seed, 31])
    changed = []
    for text in texts(truth):
        tokens = split(text)
        for place in generator.integers(0, len(tokens) + 1, _TRIALS):
            tried = canonical("".join((*tokens[:place], "C", *tokens[place:])))
            if tried is not None and tried != text and len(tried) <= LENGTH:
                text = tried
                break
        changed.append(text)
    return _with(truth, changed)


def training_molecules(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Training molecules of QM9 handed out in any order: real, and known."""
    smiles = qm9_smiles()
    training = splits(smiles)["training"]
    drawn = np.random.default_rng([seed, 32]).choice(training, truth.sizes["sample"])
    return _with(truth, [smiles[row] for row in drawn])


def random_chains(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Chains of random carbon, nitrogen and oxygen of the asked weight, of four the one nearest in log P.

    Always valid, mostly unique and new, and not far from what is asked: no molecule that anyone would make.
    """
    generator = np.random.default_rng([seed, 33])
    weight, log_p = (truth[name].values for name in ("molecular_weight", "log_p"))
    found = []
    for row in range(truth.sizes["sample"]):
        target = 140.0 if np.isnan(weight[row]) else weight[row]
        candidates = []
        for _ in range(_CANDIDATES):
            text = _chain(generator, max(round(target / 14.3), 1))
            value = DESCRIPTORS["log_p"](parse(text).molecule)
            candidates.append((0.0 if np.isnan(log_p[row]) else abs(value - log_p[row]), text))
        found.append(min(candidates)[1])
    return _with(truth, found)


def _chain(generator: np.random.Generator, heavy: int) -> str:
    """A chain of `heavy` atoms at random, a side atom here and there."""
    text, atoms = "C", ["CCCCNO"[place] for place in generator.integers(0, 6, heavy - 1)]
    for atom, branched in zip(atoms, generator.random(heavy - 1) < 0.15, strict=True):
        whole = f"({atom})" if branched and text[-1] == "C" and len(text) > 1 else atom
        text = f"{text}{whole}" if len(text) + len(whole) <= LENGTH else text
    return text


def _with(truth: xr.Dataset, smiles: list[str]) -> xr.Dataset:
    codes, count = to_codes(smiles)
    return truth.assign(smiles=truth["smiles"].copy(data=codes), n_characters=truth["n_characters"].copy(data=count))


IMPOSTORS = {
    "added carbon": added_carbon,
    "training molecules": training_molecules,
    "random chains": random_chains,
}
"""Name -> maker of the domain's own impostors."""
