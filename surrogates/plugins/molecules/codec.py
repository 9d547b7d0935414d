"""Molecules as tokens, target properties as standard scores with marks of what is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from surrogates.physics.molecules.text import from_codes, to_codes
from surrogates.physics.molecules.tokens import Vocabulary
from surrogates.physics.molecules.vocabulary import TOKENS, VOCABULARY
from surrogates.plugin import Plugin

from .library import clean
from .variables import PROPERTIES, SIMILAR

Tensors = dict[str, Tensor]
CONTEXT = 2 * len(PROPERTIES)


class MoleculeCodec(nn.Module):
    """Codec of molecules; the properties' means and spreads are fitted.

    Parameters
    ----------
    plugin : Plugin, optional
    vocabulary : Vocabulary, optional
        Tokens of SMILES, or others that a molecule is written in.
    length : int
        Most tokens of a molecule and its end.

    Attributes
    ----------
    centre, spread : Tensor
        (properties,) float64; the spread is infinite of a property that no training molecule has.
    """

    centre: Tensor
    spread: Tensor

    def __init__(
        self, plugin: Plugin | None = None, *, vocabulary: Vocabulary | None = None, length: int = TOKENS
    ) -> None:
        super().__init__()
        del plugin
        self.vocabulary = Vocabulary(VOCABULARY) if vocabulary is None else vocabulary
        self.length = length
        self.register_buffer("centre", torch.zeros(len(PROPERTIES), dtype=torch.float64))
        self.register_buffer("spread", torch.full((len(PROPERTIES),), torch.inf, dtype=torch.float64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Means and spreads of the properties that the training molecules have."""
        for place, name in enumerate(PROPERTIES):
            values = pools[0].get(name)
            values = None if values is None else values[~values.isnan()]
            if values is not None and len(values) > 1:
                self.centre[place], self.spread[place] = values.mean(), values.std().clamp(min=1e-9)

    def encode(self, physical: Tensors) -> Tensors:
        """SMILES to `tokens` and `similar` (n, length) int64, properties to `context` (n, CONTEXT): scores, then marks
        of 0 or 1.
        """
        encoded: Tensors = {}
        if "smiles" in physical:
            texts = from_codes(physical["smiles"].numpy())
            encoded["tokens"] = torch.from_numpy(self.vocabulary.encode(texts, self.length))
        if SIMILAR in physical:
            codes, place = torch.unique(physical[SIMILAR], dim=0, return_inverse=True)
            texts = [clean(text).smiles if text else "" for text in from_codes(codes.numpy())]
            encoded["similar"] = torch.from_numpy(self.vocabulary.encode(texts, self.length))[place]
        known = [name for name in PROPERTIES if name in physical]
        if known:
            count = len(physical[known[0]])
            unasked = torch.full((count,), torch.nan, dtype=torch.float64)
            values = torch.stack([physical.get(name, unasked).double() for name in PROPERTIES], dim=-1)
            asked = ~values.isnan() & torch.isfinite(self.spread)
            scores = torch.where(asked, (values - self.centre) / self.spread, 0.0)
            encoded["context"] = torch.cat((scores, asked.double()), dim=-1).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """SMILES as ASCII codes, int64."""
        texts = self.vocabulary.decode(encoded["tokens"].cpu().numpy())
        codes, count = to_codes(texts)
        return {"smiles": torch.from_numpy(codes), "n_characters": torch.from_numpy(count.astype(np.int64))}
