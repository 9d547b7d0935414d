"""A SMILES as the tokens of its canonical form, with what is exact beside them; properties as standard scores."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...physics.molecules.descriptors import describe
from ...physics.molecules.simulation import CONVERGED, NOT_CONVERGED, NOT_EMBEDDED, UNPARSABLE, UNSUPPORTED
from ...physics.molecules.text import from_codes
from ...physics.molecules.tokens import Vocabulary, split
from ...physics.molecules.vocabulary import TOKENS, VOCABULARY
from .graphs import Graph, graphs
from .variables import DESCRIBED, EXACT, EXTRAPOLATED, LEARNED, SIMULATED, STEREO

Tensors = dict[str, Tensor]

ROUNDING = 0.01
"""How near to 0 the softplus that keeps gap and dipole positive bends [eV, debye]."""


ELEMENTS = ("B", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
FEWEST = 20
"""Training molecules with as many heavy atoms, below which an answer is extrapolated: gaps of molecules of one, two and
three heavy atoms, of which there are 3, 4 and 7, are wrong by 7.7, 2.6 and 1.1 eV; of four (25), by 0.27 eV."""
_SYMBOL = re.compile(r"\[?\d*([A-Z][a-z]?|[a-z])")


class PropertyCodec(nn.Module):
    """Codec of molecules and their properties.

    A molecule is answered as "extrapolated" where fewer than `FEWEST` training molecules have as many heavy atoms, or
    where the nearest of their formulas differs from its own by more than one heavy atom.

    Attributes
    ----------
    centre, spread : Tensor
        (learned properties,) float64, of the training molecules.
    known : Tensor
        (vocabulary,) bool: tokens that occur in training.
    formulas : Tensor
        (k, elements + 1) int64: heavy atoms by element, and how many training molecules have them.
    """

    centre: Tensor
    spread: Tensor
    known: Tensor
    formulas: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(VOCABULARY)
        self.register_buffer("centre", torch.zeros(len(LEARNED), dtype=torch.float64))
        self.register_buffer("spread", torch.ones(len(LEARNED), dtype=torch.float64))
        self.register_buffer("known", torch.ones(len(self.vocabulary), dtype=torch.bool))
        self.register_buffer("formulas", torch.zeros((0, len(ELEMENTS) + 1), dtype=torch.int64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Means and spreads of the properties, tokens and sizes of the training molecules."""
        for place, name in enumerate(LEARNED):
            values = pools[0][name][~pools[0][name].isnan()]
            self.centre[place], self.spread[place] = values.mean(), values.std().clamp(min=1e-9)
        read = graphs(from_codes(pools[0]["smiles"].numpy()))
        written = [split(molecule.flat) for molecule in read]
        found = {token for tokens in written for token in tokens}
        self.known.copy_(torch.tensor([token in found for token in self.vocabulary.tokens]))
        counts, many = np.unique([formula(tokens) for tokens in written], axis=0, return_counts=True)
        self.formulas = torch.from_numpy(np.column_stack((counts, many)).astype(np.int64))

    def encode(self, physical: Tensors) -> Tensors:
        """SMILES to tokens and what is exact, labels to targets.

        Returns
        -------
        dict of Tensor
            Of SMILES: `tokens` (n, TOKENS) int64, none where the network cannot read the molecule; `status` (n,) of the
            answer so far; `exact` (n, 2) float64; `described` (n, 3), RDKit's `DESCRIBED` where there are no tokens;
            `stereochemistry` (n,). Of labels: `targets` (n, learned) scores, NaN where there are none;
            `failed` (n,) 1 where the chain failed.
        """
        encoded: Tensors = {}
        if "smiles" in physical:
            encoded |= self._read(from_codes(physical["smiles"].cpu().numpy()), physical["smiles"].device)
        if all(name in physical for name in LEARNED):
            values = torch.stack([physical[name].double() for name in LEARNED], dim=-1)
            encoded["targets"] = (values - self.centre) / self.spread
        if "status" in physical:
            status = physical["status"]
            encoded["failed"] = ((status == NOT_EMBEDDED) | (status == NOT_CONVERGED)).double()
        return encoded

    def _read(self, smiles: Sequence[str], device: torch.device) -> Tensors:
        read = graphs(smiles)
        tokens, status = np.zeros((len(read), TOKENS), dtype=np.int64), np.array([found.status for found in read])
        counts = np.zeros((len(read), len(ELEMENTS)), dtype=np.int64)
        known = self.known.tolist()
        for row in np.flatnonzero(status == CONVERGED).tolist():
            written = split(read[row].flat)
            codes = [self.vocabulary.code.get(token, 0) for token in written]
            if len(codes) < TOKENS and all(code and known[code] for code in codes):
                tokens[row, : len(codes)] = codes
                counts[row] = formula(written)
            else:
                status[row] = UNSUPPORTED
        status[(status == CONVERGED) & self._unlike(counts)] = EXTRAPOLATED
        arrays = {
            "tokens": tokens,
            "status": status.astype(np.int64),
            "exact": np.array([[getattr(molecule, name) for name in EXACT] for molecule in read]).reshape(
                -1, len(EXACT)
            ),
            "described": _described(read, status),
            "stereochemistry": np.array([STEREO.index("ignored" if found.stereo else "none") for found in read], int),
        }
        return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}

    def _unlike(self, counts: np.ndarray) -> np.ndarray:
        """(n,) bool: molecules of these heavy atoms by element (n, elements) that are extrapolated."""
        known = self.formulas.cpu().numpy()
        sizes = known[:, :-1].sum(1)
        alike = np.bincount(sizes, weights=known[:, -1], minlength=int(counts.sum(1).max(initial=0)) + 1)
        few = alike[counts.sum(1)] < FEWEST
        different, place = np.unique(counts, axis=0, return_inverse=True)
        apart = np.abs(different[:, None] - known[None, :, :-1]).sum(-1).min(axis=1, initial=1 << 20)
        return few | (apart > 1)[place.reshape(-1)]

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Properties in schema units, NaN where the status says that there are none.

        Parameters
        ----------
        encoded : dict of Tensor
            `mean` (n, learned), `half_width` (n, simulated), `failed` (n,) logit, `status`, `exact`,
            `described` and `stereochemistry` of `encode`.
        """
        del conditions
        status = encoded["status"]
        answered = (status == CONVERGED) | (status == EXTRAPOLATED)
        status = torch.where(answered & (encoded["failed"] > 0.0), NOT_EMBEDDED, status)
        simulated = (status == CONVERGED) | (status == EXTRAPOLATED)
        centre, spread = self.centre.to(status.device), self.spread.to(status.device)
        values = centre + spread * encoded["mean"].double()
        widths = spread[: len(SIMULATED)] * encoded["half_width"].double()
        outputs: Tensors = {}
        for place, name in enumerate(SIMULATED):
            value, width = values[:, place], widths[:, place]
            for suffix, moved in (("", value), ("_low", value - width), ("_high", value + width)):
                outputs[name + suffix] = torch.where(simulated, positive(moved), torch.nan)
        for place, name in enumerate(LEARNED[len(SIMULATED) :], start=len(SIMULATED)):
            low, high = RANGES.get(name, (None, None))
            value = values[:, place] if low is None else values[:, place].clamp(low, high)
            outputs[name] = torch.where(answered, value, encoded["described"][:, DESCRIBED.index(name)].double())
        exact = torch.where((status != UNPARSABLE)[:, None], encoded["exact"].double(), torch.nan)
        outputs |= {name: exact[:, place] for place, name in enumerate(EXACT)}
        return {**outputs, "status": status, "stereochemistry": encoded["stereochemistry"]}


def formula(tokens: Sequence[str]) -> list[int]:
    """Heavy atoms of a molecule by element, in the order of `ELEMENTS`; others are not counted."""
    symbols = [found.group(1).capitalize() for token in tokens if (found := _SYMBOL.match(token))]
    return [symbols.count(element) for element in ELEMENTS]


def _described(read: Sequence[Graph], status: np.ndarray) -> np.ndarray:
    """RDKit's own values (n, described) of what the network cannot read, NaN elsewhere."""
    found = np.full((len(read), len(DESCRIBED)), np.nan)
    rows = np.flatnonzero(status == UNSUPPORTED)
    found[rows] = describe([read[row].smiles for row in rows.tolist()], DESCRIBED)
    return found


RANGES = {"qed": (0.0, 1.0), "synthetic_accessibility": (1.0, 10.0)}
"""Ends of the scales of the properties that have them."""


def positive(value: Tensor) -> Tensor:
    """`value` where it is well above 0, bent towards 0 below `ROUNDING`; increasing."""
    return torch.nn.functional.softplus(value, beta=1.0 / ROUNDING)
