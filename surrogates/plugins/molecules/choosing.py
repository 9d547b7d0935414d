"""Of several molecules that were written for one request the one that comes nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...physics.molecules.descriptors import DESCRIPTORS, describe
from .variables import PROPERTIES

if TYPE_CHECKING:
    from .network import MoleculeModel


def nearest(drafts: Sequence[Tensor], context: Tensor, model: MoleculeModel) -> Tensor:
    """Tokens (n, m): row by row the draft of the least `distance`, the earlier of equal ones.

    Parameters
    ----------
    drafts : sequence of Tensor
        (n, m) each.
    context : Tensor
        (n, k), standard scores of the properties first, then marks of what is asked.
    model : MoleculeModel
        Its vocabulary, scale and estimate.
    """
    if len(drafts) == 1:
        return drafts[0]
    scores, marks = context[:, : 2 * len(PROPERTIES)].double().chunk(2, dim=1)
    wanted = [k for k, name in enumerate(PROPERTIES) if bool(marks[:, k].any())]
    gaps = torch.stack([distance(draft, scores, marks, wanted, model) for draft in drafts])
    best = gaps.argmin(0)
    rows = torch.arange(len(best), device=best.device)
    return torch.stack(list(drafts))[best.to(drafts[0].device), rows.to(drafts[0].device)]


def distance(tokens: Tensor, scores: Tensor, marks: Tensor, wanted: Sequence[int], model: MoleculeModel) -> Tensor:
    """Mean square of what molecules (n, m) miss of the asked standard scores (n, k), (n,); infinite for none.

    Properties of RDKit are those of the molecule, others are estimated; `wanted` are the columns that any row asks for.
    """
    computed = [k for k in wanted if PROPERTIES[k] in DESCRIPTORS]
    found = model.network.estimated(tokens).to(scores)
    texts = model.vocabulary.decode(tokens.cpu().numpy())
    values = torch.from_numpy(describe(texts, [PROPERTIES[k] for k in computed])).to(scores)
    found[:, computed] = (values - model.centre.to(scores)[computed]) / model.spread.to(scores)[computed]
    missed = torch.where(marks > 0, found - scores, 0.0).square().sum(1) / marks.sum(1).clamp(min=1.0)
    return torch.where(missed.isnan() & (marks.sum(1) > 0), torch.inf, torch.nan_to_num(missed))
