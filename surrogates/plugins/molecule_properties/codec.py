"""A SMILES as the tokens of its canonical form, with what is exact beside them; properties as standard scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...physics.molecules.simulation import CONVERGED, NOT_CONVERGED, NOT_EMBEDDED, UNPARSABLE, UNSUPPORTED
from ...physics.molecules.text import from_codes
from ...physics.molecules.tokens import Vocabulary, split
from ...physics.molecules.vocabulary import TOKENS, VOCABULARY
from .graphs import graphs
from .variables import EXACT, EXTRAPOLATED, LEARNED, SIMULATED

Tensors = dict[str, Tensor]

ROUNDING = 0.01
"""How near to 0 the softplus that keeps gap and dipole positive bends [eV, debye]."""


class PropertyCodec(nn.Module):
    """Codec of molecules and their properties.

    Attributes
    ----------
    centre, spread : Tensor
        (learned properties,) float64, of the training molecules.
    known : Tensor
        (vocabulary,) bool: tokens that occur in training.
    heaviest : Tensor
        Most heavy atoms of a training molecule, int64.
    """

    centre: Tensor
    spread: Tensor
    known: Tensor
    heaviest: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.vocabulary = Vocabulary(VOCABULARY)
        self.register_buffer("centre", torch.zeros(len(LEARNED), dtype=torch.float64))
        self.register_buffer("spread", torch.ones(len(LEARNED), dtype=torch.float64))
        self.register_buffer("known", torch.ones(len(self.vocabulary), dtype=torch.bool))
        self.register_buffer("heaviest", torch.tensor(1 << 20))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Means and spreads of the properties, tokens and sizes of the training molecules."""
        for place, name in enumerate(LEARNED):
            values = pools[0][name][~pools[0][name].isnan()]
            self.centre[place], self.spread[place] = values.mean(), values.std().clamp(min=1e-9)
        read = graphs(from_codes(pools[0]["smiles"].numpy()))
        found = {token for molecule in read for token in split(molecule.smiles)}
        self.known.copy_(torch.tensor([token in found for token in self.vocabulary.tokens]))
        self.heaviest.fill_(max(molecule.heavy_atoms for molecule in read))

    def encode(self, physical: Tensors) -> Tensors:
        """SMILES to tokens and what is exact, labels to targets.

        Returns
        -------
        dict of Tensor
            Of SMILES: `tokens` (n, TOKENS) int64, none where the network cannot read the molecule; `status` (n,) of the
            answer so far; `exact` (n, 2) float64. Of labels: `targets` (n, learned) scores, NaN where there are none;
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
        known, heaviest = self.known.tolist(), int(self.heaviest)
        tokens, status = np.zeros((len(read), TOKENS), dtype=np.int64), []
        for row, molecule in enumerate(read):
            found = molecule.status
            if found == CONVERGED:
                codes = [self.vocabulary.code.get(token, 0) for token in split(molecule.smiles)]
                if len(codes) < TOKENS and all(code and known[code] for code in codes):
                    tokens[row, : len(codes)] = codes
                    found = EXTRAPOLATED if molecule.heavy_atoms > heaviest else CONVERGED
                else:
                    found = UNSUPPORTED
            status.append(found)
        exact = [[getattr(molecule, name) for name in EXACT] for molecule in read]
        return {
            "tokens": torch.from_numpy(tokens).to(device),
            "status": torch.tensor(status, dtype=torch.int64, device=device),
            "exact": torch.tensor(exact, dtype=torch.float64, device=device).reshape(len(read), len(EXACT)),
        }

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Properties in schema units, NaN where the status says that there are none.

        Parameters
        ----------
        encoded : dict of Tensor
            `mean` (n, learned), `half_width` (n, simulated), `failed` (n,) logit, `status` and `exact` of `encode`.
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
            outputs[name] = torch.where(answered, value, torch.nan)
        exact = torch.where((status != UNPARSABLE)[:, None], encoded["exact"].double(), torch.nan)
        outputs |= {name: exact[:, place] for place, name in enumerate(EXACT)}
        return {**outputs, "status": status}


RANGES = {"qed": (0.0, 1.0), "synthetic_accessibility": (1.0, 10.0)}
"""Ends of the scales of the properties that have them."""


def positive(value: Tensor) -> Tensor:
    """`value` where it is well above 0, bent towards 0 below `ROUNDING`; increasing."""
    return torch.nn.functional.softplus(value, beta=1.0 / ROUNDING)
