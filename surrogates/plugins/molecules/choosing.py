"""Of several molecules that were written for one request the one that comes nearest to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...physics.molecules.descriptors import DESCRIPTORS, describe
from ...physics.molecules.tokens import Vocabulary
from .variables import PROPERTIES


@dataclass(frozen=True)
class Judge:
    """How far molecules are from what was asked: RDKit's properties as they are, others by an estimate.

    Attributes
    ----------
    vocabulary : Vocabulary
        Of the tokens.
    estimated : callable
        Tokens (n, m) -> standard scores of the properties (n, k).
    centre, spread : Tensor
        (k,), the properties at score 0, and a score's unit.
    """

    vocabulary: Vocabulary
    estimated: Callable[[Tensor], Tensor]
    centre: Tensor
    spread: Tensor

    def distance(self, tokens: Tensor, scores: Tensor, marks: Tensor) -> Tensor:
        """Mean square of what molecules (n, m) miss of the asked scores (n, k), (n,); infinite for no molecule.

        Parameters
        ----------
        tokens : Tensor
        scores, marks : Tensor
            (n, k) float64, what is asked, and 1 where it is.
        """
        asked = [k for k in range(len(PROPERTIES)) if bool(marks[:, k].any())]
        computed = [k for k in asked if PROPERTIES[k] in DESCRIPTORS]
        found = self.estimated(tokens).to(scores)
        texts = self.vocabulary.decode(tokens.cpu().numpy())
        values = torch.from_numpy(describe(texts, [PROPERTIES[k] for k in computed])).to(scores)
        found[:, computed] = (values - self.centre.to(scores)[computed]) / self.spread.to(scores)[computed]
        missed = torch.where(marks > 0, found - scores, 0.0).square().sum(1) / marks.sum(1).clamp(min=1.0)
        return torch.where(missed.isnan(), torch.inf, missed)


def nearest(drafts: Sequence[Tensor], context: Tensor, judge: Judge) -> Tensor:
    """Tokens (n, m): row by row the draft of the least distance, the earlier of equal ones.

    Parameters
    ----------
    drafts : sequence of Tensor
        (n, m) each.
    context : Tensor
        (n, k), standard scores of the properties first, then marks of what is asked.
    judge : Judge
    """
    scores, marks = context[:, : 2 * len(PROPERTIES)].double().chunk(2, dim=1)
    best = torch.stack([judge.distance(draft, scores, marks) for draft in drafts]).argmin(0)
    return torch.stack(list(drafts))[best, torch.arange(len(best), device=best.device)]
