"""The literature's adversarial LSTM: a generator that starts from a latent point, and a discriminator of prefixes.

SeqGAN (Yu et al. 2017, arXiv:1609.05473) and ORGAN (Guimaraes et al. 2017, arXiv:1705.10843), with a reward of every
token as in d'Autume et al. 2019, arXiv:1905.09922. Both networks see the target properties that are asked. Likelihood
teaches the generator to pass over its latent point, for no molecule has one of its own; the game alone may use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...contract.recipe import Batch
from ...models.adversarial import separation
from ...models.autoregressive import END, Sampler, draw, negative_log_likelihood, shifted, token_likelihood, written
from ...models.policy_gradient import advantages, policy_loss, prefix_loss, prefix_rewards, returns
from ...networks.recurrent import TokenLSTM, Written
from ...noise import Noise
from ...physics.molecules.kekule import KekuleVocabulary
from ...physics.molecules.vocabulary import VOCABULARY, WRITTEN_OUT
from .codec import CONTEXT, START
from .network import MoleculeSampler, hidden, write
from .variables import PROPERTIES

Tensors = dict[str, Tensor]

LATENT = 64
"""Dimensions of the latent point that starts a molecule."""
DISCOUNT = 0.9
"""Weight of a reward one token later."""


class Generator(nn.Module):
    """Writes tokens at a context of properties, from the state that a latent point sets.

    Parameters
    ----------
    tokens : int
        Size of the vocabulary.
    width, layers : int
        Of the recurrent network.
    """

    def __init__(self, tokens: int, width: int, layers: int) -> None:
        super().__init__()
        self.width, self.layers = width, layers
        self.writer = TokenLSTM(tokens, CONTEXT, width=width, layers=layers)
        self.start = nn.Linear(LATENT, 2 * layers * width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Logits (n, m, vocabulary) after `tokens` (n, m), at contexts with latent points (n, CONTEXT + LATENT)."""
        return self.step(tokens, context, None)[0]

    def step(self, tokens: Tensor, context: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits as `forward`'s, and the state to go on from."""
        asked, latent = context.split((CONTEXT, LATENT), dim=-1)
        if state is None:
            begun = torch.tanh(self.start(latent).float()).unflatten(1, (2, self.layers, self.width))
            state = Written(begun[:, 0].unbind(1), begun[:, 1].unbind(1))
        return self.writer.step(tokens, asked, state)

    def select(self, state: Any, rows: Tensor) -> Any:
        """The state of sequences `rows` (k,) alone."""
        return self.writer.select(state, rows)


class MoleculeGAN(nn.Module):
    """Tokens of SMILES, one after another, from a latent point.

    Parameters
    ----------
    width, layers : int
        Of the generator.
    judge_width : int
        Of the discriminator, a recurrent network that scores every prefix.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, width: int = 384, layers: int = 2, judge_width: int = 192) -> None:
        super().__init__()
        self.vocabulary = KekuleVocabulary(VOCABULARY)
        self.generator = Generator(len(self.vocabulary), width, layers)
        self.discriminator = TokenLSTM(len(self.vocabulary), CONTEXT, width=judge_width, layers=1, outputs=1)
        self.options = MoleculeSampler(guidance=1.0, asked_temperature=1.0)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw `tokens` (n, WRITTEN_OUT)."""
        context = conditions["context"].float()
        uniform = noise.uniform((WRITTEN_OUT,), "tokens").to(context.device)
        point = noise.normal((LATENT,), "latent").to(context)
        context, without = (torch.cat((part, point), dim=-1) for part in (context, torch.zeros_like(context)))
        return {"tokens": write(self.generator, self.vocabulary, context, without, uniform, self.options)}


def _shown(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens up to the longest molecule's end, contexts with some properties hidden, and these with latent points."""
    tokens = batch.encoded["tokens"]
    tokens = tokens[:, : int((tokens != END).sum(1).max()) + 1]
    uniform = batch.noise.uniform((1 + len(PROPERTIES),), "hidden").to(tokens.device)
    asked = hidden(batch.conditions["context"].float(), uniform)
    return tokens, asked, torch.cat((asked, batch.noise.normal((LATENT,), "latent").to(asked)), dim=-1)


def learn(model: MoleculeGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the tokens, whatever the latent point."""
    tokens, _, context = _shown(batch)
    yield "generator", negative_log_likelihood(model.generator(shifted(tokens, START), context), tokens)


def _drawn(model: MoleculeGAN, batch: Batch, context: Tensor) -> Tensor:
    uniform = batch.noise.uniform((WRITTEN_OUT,), "tokens").to(context.device)
    tokens = draw(model.generator, context, uniform, START, Sampler())
    return tokens[:, : int((tokens != END).sum(1).max()) + 1]


def _judged(model: MoleculeGAN, tokens: Tensor, asked: Tensor) -> Tensor:
    """Scores (n, m) of the prefixes that end with each of `tokens` (n, m)."""
    return model.discriminator(tokens, asked)[..., 0].float()


def _discriminate(model: MoleculeGAN, batch: Batch, tokens: Tensor, made: Tensor, asked: Tensor) -> Tensor:
    real, fake = _judged(model, tokens, asked), _judged(model, made, asked)
    there, drawn = written(tokens), written(made)
    means = [(s.detach() * w).sum(1) / w.sum(1) for s, w in ((real, there), (fake, drawn))]
    batch.notes["separation"] = separation(*means)
    batch.notes["distinct"] = torch.tensor(len(made.unique(dim=0)) / len(tokens.unique(dim=0)))
    return prefix_loss(real, there, real=True) + prefix_loss(fake, drawn, real=False)


def judge(model: MoleculeGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """The discriminator alone, against the generator as it stands."""
    tokens, asked, context = _shown(batch)
    yield "discriminator", _discriminate(model, batch, tokens, _drawn(model, batch, context), asked)


def play(model: MoleculeGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """One update of the discriminator, then one of the generator by REINFORCE on the same drawn molecules."""
    tokens, asked, context = _shown(batch)
    made = _drawn(model, batch, context)
    yield "discriminator", _discriminate(model, batch, tokens, made, asked)
    drawn = written(made)
    with torch.no_grad():
        rewards = prefix_rewards(_judged(model, made, asked), drawn)
    batch.notes["reward"] = rewards.sum() / drawn.sum()
    gains = advantages(returns(rewards, DISCOUNT), drawn)
    logits = model.generator(shifted(made, START), context)
    yield "generator", policy_loss(token_likelihood(logits, made), gains)
