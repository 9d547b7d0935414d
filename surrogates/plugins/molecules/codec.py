"""Molecules as tokens, target properties as standard scores with marks of what is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...counting import Counter
from ...models.autoregressive import shifted
from ...networks.running import fitted_estimate
from ...physics.molecules.descriptors import DRUG_LIKE, drug_likeness_parts, parse
from ...physics.molecules.kekule import KekuleVocabulary
from ...physics.molecules.merging import learned_merges, merged
from ...physics.molecules.text import from_codes, to_codes
from ...physics.molecules.tokens import Vocabulary
from ...physics.molecules.vocabulary import VOCABULARY, WRITTEN_OUT
from .library import clean
from .variables import PROPERTIES, SIMILAR

Tensors = dict[str, Tensor]
CONTEXT = 2 * len(PROPERTIES)
START = 1
STRETCH, SLOTS, WIDTH = 5, 32768, 46
"""Tokens of the longest stretch that says something of the properties, slots of their table, and size of what the
stretches say beside their plain shares."""

COUNTED = ("acceptors", "donors", "rotatable_bonds", "aromatic_rings", "alerts")
ESTIMATED = len(PROPERTIES) + len(COUNTED)
"""What is estimated of a molecule as it is written: the properties, then counts that drug-likeness judges."""

FEWEST = 24
"""Tokens that there is always room for, so that what grows from a prefix may be longer than a training molecule."""

_PASSES = 6
_MERGED, _JUDGED = 20_000, 60_000  # molecules, at most, that merges are learned from, and whose counts are found


class MoleculeCodec(nn.Module):
    """Codec of molecules; fitted are the properties' means and spreads, and the tokens that are merged.

    Parameters
    ----------
    vocabulary : Vocabulary, optional
        Tokens of SMILES with bonds written out, or others that a molecule is written in.
    length : int
        Most tokens of a molecule and its end.
    merging : int
        Most pairs of SMILES tokens that are merged, the most frequent ones.
    estimates : bool
        Fit `estimate` too.
    slots : int
        Of the estimate's table; fewer serve few molecules.

    Attributes
    ----------
    centre, spread : Tensor
        (properties,) float64; the spread is infinite of a property that no training molecule has.
    merges : Tensor
        (pairs, 2) int64.
    longest : Tensor
        Tokens of the longest training molecule and its end, `FEWEST` at least, int64.
    estimate : dict of Tensor
        State of a `RunningEstimate` of the scores of the properties and of `COUNTED`; empty before a fit. A model takes
        it over, so that it is no part of the codec's own state.
    """

    centre: Tensor
    spread: Tensor
    merges: Tensor
    longest: Tensor

    def __init__(
        self,
        *,
        vocabulary: Vocabulary | None = None,
        length: int = WRITTEN_OUT,
        merging: int = 0,
        estimates: bool = False,
        slots: int = SLOTS,
    ) -> None:
        super().__init__()
        self.simple = KekuleVocabulary(VOCABULARY) if vocabulary is None else vocabulary
        self.length, self.merging, self.estimates, self.slots = length, merging, estimates, slots
        self.estimate: Tensors = {}
        self.register_buffer("merges", torch.zeros(0, 2, dtype=torch.int64))
        self.register_buffer("longest", torch.tensor(length))
        self.register_buffer("centre", torch.zeros(len(PROPERTIES), dtype=torch.float64))
        self.register_buffer("spread", torch.full((len(PROPERTIES),), torch.inf, dtype=torch.float64))

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens that molecules are written in, merged ones behind the others."""
        if not len(self.merges):
            return self.simple
        return type(self.simple)(self.simple.tokens[2:], self.merges.cpu().numpy())

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Means and spreads of the properties that the training molecules have, and their frequent pairs of tokens."""
        for place, name in enumerate(PROPERTIES):
            values = pools[0].get(name)
            values = None if values is None else values[~values.isnan()]
            if values is not None and len(values) > 1:
                self.centre[place], self.spread[place] = values.mean(), values.std().clamp(min=1e-9)
        if self.merging or self.estimates:
            self._fit_tokens(pools[0])

    def _fit_tokens(self, pool: Tensors) -> None:
        texts = from_codes(pool["smiles"].numpy())
        codes = self.simple.encode(texts, self.length)
        if self.merging:
            found = learned_merges(_some(codes, _MERGED), len(self.simple), self.merging)
            self.merges = torch.from_numpy(found)
        tokens = (merged(codes, self.merges.numpy(), len(self.simple)) != 0).sum(1).max()
        self.longest = torch.tensor(max(int(tokens) + 1, FEWEST))
        if self.estimates:
            begun = shifted(torch.from_numpy(codes), START)
            scores = self._scores(pool, texts)
            with Counter("molecules estimated", _PASSES * len(texts)) as counter:
                self.estimate = fitted_estimate(
                    begun,
                    scores,
                    longest=STRETCH,
                    slots=self.slots,
                    width=WIDTH,
                    passes=_PASSES,
                    tell=counter.update,
                )

    def _scores(self, pool: Tensors, texts: Sequence[str]) -> Tensor:
        """Standard scores (n, ESTIMATED) of the properties and of `COUNTED`; NaN where unknown."""
        unknown = torch.full((len(texts),), torch.nan, dtype=torch.float64)
        values = torch.stack([pool.get(name, unknown).double() for name in PROPERTIES], dim=-1)
        scores = torch.where(torch.isfinite(self.spread), (values - self.centre) / self.spread, torch.nan)
        judged = _some(np.arange(len(texts)), _JUDGED)
        found = []
        with Counter("molecules judged", len(judged)) as counter:
            for done, row in enumerate(judged.tolist()):
                found.append(drug_likeness_parts(parse(str(texts[row])).molecule))
                counter.update(done)
        parts = np.array(found)
        parts = parts[:, [DRUG_LIKE.index(name) for name in COUNTED]]
        counted = np.full((len(texts), len(COUNTED)), np.nan)
        counted[judged] = (parts - parts.mean(0)) / parts.std(0).clip(1e-9)
        return torch.cat((scores, torch.from_numpy(counted)), dim=1)

    def encode(self, physical: Tensors) -> Tensors:
        """SMILES to `tokens` and `similar` (n, length) int64, properties to `context` (n, CONTEXT): scores, then marks
        of 0 or 1.
        """
        encoded: Tensors = {}
        vocabulary = self.vocabulary
        if "smiles" in physical:
            texts = from_codes(physical["smiles"].numpy())
            encoded["tokens"] = torch.from_numpy(vocabulary.encode(texts, self.length))
        if SIMILAR in physical:
            codes, place = torch.unique(physical[SIMILAR], dim=0, return_inverse=True)
            texts = [clean(text).smiles if text else "" for text in from_codes(codes.numpy())]
            encoded["similar"] = torch.from_numpy(vocabulary.encode(texts, self.length))[place]
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


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many rows, evenly spread."""
    return rows[:: -(-len(rows) // most)]
