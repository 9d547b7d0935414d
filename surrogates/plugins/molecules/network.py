"""The default model: a gated recurrent network over SMILES tokens, told any subset of the target properties."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from surrogates.models.autoregressive import Sampler, draw, negative_log_likelihood, shifted
from surrogates.networks.recurrent import TokenGRU
from surrogates.noise import Noise
from surrogates.physics.molecules.vocabulary import TOKENS, VOCABULARY
from surrogates.recipe import Batch

from .codec import CONTEXT
from .variables import PROPERTIES

Tensors = dict[str, Tensor]

START = 1
UNCONDITIONAL = 0.2
"""Share of training molecules whose every property is hidden."""
HIDDEN = 0.5
"""Chance of each property of the others to be hidden."""


class MoleculeModel(nn.Module):
    """Tokens of SMILES, one after another.

    Parameters
    ----------
    width, layers : int
        Of the recurrent network.
    """

    ships: tuple[str, ...] = ("network",)

    def __init__(self, width: int = 512, layers: int = 3) -> None:
        super().__init__()
        self.network = TokenGRU(len(VOCABULARY) + 2, CONTEXT, width=width, layers=layers)
        self.options = Sampler()

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw `tokens` (n, TOKENS)."""
        context = conditions["context"].float()
        uniform = noise.uniform((TOKENS,), "tokens")
        return {"tokens": draw(self.network, context, uniform, START, self.options, without=torch.zeros_like(context))}


def hidden(context: Tensor, uniform: Tensor) -> Tensor:
    """Contexts with some of their properties hidden, by uniform numbers (n, 1 + properties)."""
    shown = (uniform[:, 1:] >= HIDDEN) & (uniform[:, :1] >= UNCONDITIONAL)
    return context * shown.to(context.dtype).repeat(1, 2)


def learn(model: MoleculeModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the tokens, at whichever properties are shown."""
    tokens = batch.encoded["tokens"]
    uniform = batch.noise.uniform((1 + len(PROPERTIES),), "hidden").to(tokens.device)
    context = hidden(batch.conditions["context"].float(), uniform)
    longest = int((tokens != 0).sum(1).max()) + 1
    tokens = tokens[:, :longest]
    logits = model.network(shifted(tokens, START), context)
    yield "network", negative_log_likelihood(logits, tokens)
