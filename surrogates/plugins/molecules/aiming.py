"""The last phase of training: REINFORCE towards molecules that the simulators find to be what was asked.

Likelihood alone settles early on fragments from which not all that was asked can be reached any more. Here molecules
are drawn at training molecules' properties as a user draws them, without guidance, and those that RDKit and GFN2-xTB
find nearer to what was asked than the others at the same request become more likely: Williams 1992, Mach. Learn. 8,
229, with the baseline of Kool et al. 2019, "Buy 4 REINFORCE samples, get a baseline for free!", ICLR workshop. The
likelihood of the training molecules goes on beside it, and keeps the molecules as they are distributed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

from ...contract.recipe import Batch
from ...models.autoregressive import Grammar, shifted, token_likelihood
from ...models.policy_gradient import leave_one_out, policy_loss
from ...physics.molecules.descriptors import DESCRIPTORS, canonical, describe
from .codec import CONTEXT, START
from .network import MoleculeModel, learn, write
from .packaged import qm9_labels, qm9_smiles
from .simulated import SIMULATED, simulated
from .variables import PROPERTIES

DRAWS = 8
"""Molecules drawn at each request."""
FARTHEST = 2.0
"""Spreads of a property by which a molecule misses at most, and by which one that is none does."""
WHOLE, SINGLE = 0.4, 0.2
"""Shares of requests that ask every property, and one alone; each other asks a random subset."""


def aim(model: MoleculeModel, batch: Batch, weights: Mapping[str, float] | None = None) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the training molecules and REINFORCE on molecules drawn at their properties.

    The likelihood of a drawn molecule is that of the network at the sampler's temperature. Places where the grammar
    refused a token count for nothing: the token behind it was not the network's choice, and its likelihood would fall
    without end.

    Parameters
    ----------
    model : MoleculeModel
    batch : Batch
    weights : mapping, optional
        Of properties in how far a molecule misses what was asked; 1 of the others.
    """
    ((name, likelihood),) = learn(model, batch)
    context = batch.conditions["context"].float()
    requests = len(context) // DRAWS
    if not requests:
        yield name, likelihood
        return
    uniform = batch.noise.uniform((2 + len(PROPERTIES),), "asked").to(context.device)
    context = asked(context, uniform)[:requests].repeat_interleave(DRAWS, dim=0)
    numbers = batch.noise.uniform((model.length,), "tokens").to(context.device)[: len(context)]
    options = replace(model.options, guidance=1.0)
    grammar = Refusals(options.grammar(model.vocabulary, *numbers.shape), *numbers.shape)
    tokens = write(model.network, model.vocabulary, context, torch.zeros_like(context), numbers, options, grammar)
    tokens = tokens[:, : int((tokens != 0).sum(1).max()) + 1]
    chosen = ~grammar.found[:, : tokens.shape[1]].to(context.device)
    batch.notes["refused"] = 1.0 - chosen.float().mean()
    scores = found_scores(model, model.vocabulary.decode(tokens.cpu().numpy())).to(context)
    missed = misses(context, scores, weights)
    batch.notes["missed"] = missed.mean()
    advantage = leave_one_out(-missed, DRAWS)
    logits = model.network(shifted(tokens, START), context) / options.asked_temperature
    policy = policy_loss(token_likelihood(logits, tokens) * chosen, advantage[:, None])
    yield name, torch.cat((likelihood[: len(policy)] + policy, likelihood[len(policy) :]))


class Refusals:
    """A grammar as another one, which notes where it refused a token.

    Parameters
    ----------
    grammar : Grammar
    count, length : int
        Sequences, and tokens of each at most.

    Attributes
    ----------
    found : Tensor
        (count, length) bool.
    """

    def __init__(self, grammar: Grammar, count: int, length: int) -> None:
        self.grammar, self.place, self.rows = grammar, 0, torch.arange(count)
        self.found = torch.zeros(count, length, dtype=torch.bool)

    def refused(self, tokens: Tensor, rows: Tensor) -> Tensor:
        """Which of the tokens (k,) may not come next in sequences `rows` (k,); (k,) bool."""
        found = self.grammar.refused(tokens, rows)
        self.found[self.rows[rows[found].cpu()], self.place] = True
        return found

    def took(self, tokens: Tensor) -> None:
        """Note the tokens (n,) that were drawn."""
        self.grammar.took(tokens)
        self.place += 1

    def select(self, rows: Tensor) -> None:
        """Go on with sequences `rows` (k,) alone."""
        self.grammar.select(rows)
        self.rows = self.rows[rows.cpu()]


def asked(context: Tensor, uniform: Tensor) -> Tensor:
    """Contexts (n, CONTEXT) with some of their properties hidden, by uniform numbers (n, 2 + properties).

    Something is asked of each, unless the molecule has nothing known.
    """
    known = context[:, CONTEXT // 2 :] != 0.0
    kind, share, own = uniform[:, :1], uniform[:, 1:2], torch.where(known, uniform[:, 2:], -1.0)
    first = own == own.max(dim=1, keepdim=True).values
    some = (own > share) | first
    shown = known & torch.where(kind < WHOLE, known, torch.where(kind < WHOLE + SINGLE, first, some))
    return context * shown.to(context.dtype).repeat(1, 2)


def found_scores(model: MoleculeModel, smiles: Sequence[str]) -> Tensor:
    """Standard scores (n, properties) that RDKit and GFN2-xTB find, float64; NaN of what is no molecule.

    GFN2-xTB's of QM9's training molecules are their labels. Nothing is simulated, and all is NaN, of a property that no
    training molecule has.
    """
    known = torch.isfinite(model.spread)
    values = np.full((len(smiles), len(PROPERTIES)), np.nan)
    values[:, [PROPERTIES.index(name) for name in DESCRIPTORS]] = describe(smiles)
    places = [PROPERTIES.index(name) for name in SIMULATED]
    if known[places].any():
        for row, text in enumerate(smiles):
            values[row, places] = _simulated(canonical(text))
    return torch.where(known, (torch.from_numpy(values) - model.centre.cpu()) / model.spread.cpu(), torch.nan)


def _simulated(smiles: str | None) -> tuple[float, ...]:
    labels = _labels()
    if smiles in labels:
        return labels[smiles]
    if smiles is None or not _can_simulate():
        return (float("nan"),) * len(SIMULATED)
    found = simulated(smiles)
    return tuple(getattr(found, name) for name in SIMULATED)


@cache
def _labels() -> dict[str | None, tuple[float, ...]]:
    """GFN2-xTB's properties of QM9's training molecules."""
    from .library import splits

    labels, smiles = qm9_labels(), qm9_smiles()
    if not labels:
        return {}
    return {smiles[i]: tuple(float(labels[name][i]) for name in SIMULATED) for i in splits(smiles)["training"]}


@cache
def _can_simulate() -> bool:
    if find_spec("tblite") is not None:
        return True
    warnings.warn(
        "gap, dipole: tblite is not installed, so that molecules other than QM9's count as missing what was asked; "
        "pip install 'surrogates[xtb]'",
        stacklevel=2,
    )
    return False


def misses(context: Tensor, scores: Tensor, weights: Mapping[str, float] | None = None) -> Tensor:
    """How far found scores (n, properties) are from contexts (n, CONTEXT), (n,): a weighted sum of what is asked, in
    spreads of the properties, over the root of how many are.
    """
    wanted, marks = context.chunk(2, dim=-1)
    weight = scores.new_tensor([(weights or {}).get(name, 1.0) for name in PROPERTIES])
    apart = (scores - wanted).abs().nan_to_num(FARTHEST).clamp(max=FARTHEST) * marks
    return (weight * apart).sum(1) / marks.sum(1).clamp(min=1).sqrt()
