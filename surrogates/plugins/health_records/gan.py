"""The literature's GAN of health records: continuous values by tanh, categories by softmax, a head for what changes.

Noise and who comes become what stands once for a stay (outcome by softmax, height and weight by tanh); a recurrent head
draws from it a value and a mask for each sign and bin; an LSTM judges the whole stay. Masks and categories are drawn
with Gumbel noise, and gradients pass them straight through (Jang et al. 2017, arXiv:1611.01144).

After Choi et al. 2017, "Generating multi-label discrete patient records using generative adversarial networks",
arXiv:1703.06490; Esteban et al. 2017, "Real-valued (medical) time series generation with recurrent conditional GANs",
arXiv:1706.02633; Li et al. 2023, "Generating synthetic mixed-type longitudinal electronic health records", npj Digital
Medicine 6, 98.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.adversarial import Game, adversarial_steps
from ...models.encodings import Quantiles
from .codec import CODED, MEAN, SYSTOLIC, UNKNOWN_MEAN, differences
from .network import PEOPLE, people_features
from .variables import BINS, BOUNDS, NAMES, OUTCOMES, STATURE

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

J, S, K = len(NAMES), len(STATURE), len(OUTCOMES)
LATENT, STEP = 64, 24
"""Noise of a stay, and of each of its bins."""
GAME = Game("logistic", r1=2.0, penalty_every=8)


class GanCodec(nn.Module):
    """Values as their quantiles over (-1, 1), each with a mask; a systolic pressure by its excess over the mean one."""

    def __init__(self) -> None:
        super().__init__()
        self.quantiles = Quantiles(len(CODED))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Set the quantiles from the first pool."""
        outputs = differences(pools[0])
        flat = [outputs[name].double().flatten() for name in CODED]
        length = max(map(len, flat))
        padded = [functional.pad(column, (0, length - len(column)), value=torch.nan) for column in flat]
        self.quantiles.fit(torch.stack(padded, dim=-1))

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as `RecordCodec` has them; ``static`` (n, 2 S + K) and ``temporal`` (n, bin, 2 J), masks last."""
        encoded: Tensors = {}
        if "age" in physical:
            encoded["age"] = ((physical["age"].double() - 65.0) / 20.0).float()
            encoded["sex"], encoded["unit"] = physical["sex"].long(), physical["unit"].long()
        if MEAN in physical:
            outputs = differences(physical)
            n = len(outputs["outcome"])
            columns = [outputs[name].double().reshape(n, -1) for name in CODED]
            wide = [column.expand(n, BINS) for column in columns]
            share = self.quantiles.encode(torch.stack(wide, dim=-1).flatten(0, 1)).view(n, BINS, -1)
            there = share.isfinite()
            scaled = torch.where(there, 2.0 * share - 1.0, 0.0).float()
            outcome = functional.one_hot(outputs["outcome"].long(), K).float()
            encoded["static"] = torch.cat((scaled[:, 0, :S], there[:, 0, :S].float(), outcome), dim=-1)
            encoded["temporal"] = torch.cat((scaled[..., S:], there[..., S:].float()), dim=-1)
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Values in float64, NaN where not measured, within their bounds, systolic no lower than mean pressure."""
        del conditions
        static, temporal = encoded["static"], encoded["temporal"]
        n = len(static)
        once = static[:, None, :S].expand(n, BINS, S)
        share = 0.5 * (torch.cat((once, temporal[..., :J]), dim=-1).double() + 1.0)
        values = self.quantiles.decode(share.flatten(0, 1)).view(n, BINS, -1)
        there = torch.cat((static[:, None, S : 2 * S].expand(n, BINS, S), temporal[..., J:]), dim=-1) > 0.5
        outputs: Tensors = {}
        for number, name in enumerate(CODED):
            value, known = values[..., number], there[..., number]
            if name == SYSTOLIC:
                value = outputs[MEAN].nan_to_num(nan=UNKNOWN_MEAN) + value.clamp_min(0.0)
            value = value.clamp(*BOUNDS[name])
            if name == SYSTOLIC:
                value = torch.maximum(value, outputs[MEAN].nan_to_num(nan=0.0))
            found = torch.where(known, value, torch.nan)
            outputs[name] = found[:, 0] if number < S else found
        outputs["outcome"] = static[:, 2 * S :].argmax(dim=-1)
        return outputs


class Generator(nn.Module):
    """Stays from noise and who comes; `width` is that of the recurrent state."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.once = nn.Sequential(
            nn.Linear(LATENT + PEOPLE, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)
        )
        self.static = nn.Linear(width, 2 * S + K)
        context = width + 2 * S + K
        self.begin = nn.Linear(context, 2 * width)
        self.steps = nn.LSTM(STEP + context, width, batch_first=True)
        self.temporal = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 2 * J))

    def forward(self, people: Tensor, drawn: Tensors) -> tuple[Tensor, Tensor]:
        """``static`` and ``temporal`` from features of people (n, PEOPLE) and noise, see `latents`."""
        hidden = self.once(torch.cat((drawn["stay"], people), dim=-1))
        made = self.static(hidden)
        masks = _bernoulli(made[:, S : 2 * S], drawn["static mask"])
        static = torch.cat(
            (masks * torch.tanh(made[:, :S]), masks, _chosen(made[:, 2 * S :], drawn["outcome"])), dim=-1
        )
        context = torch.cat((hidden, static), dim=-1)
        state, cell = torch.tanh(self.begin(context))[None].chunk(2, dim=-1)
        steps = torch.cat((drawn["bins"], context[:, None].expand(-1, BINS, -1)), dim=-1)
        states, _ = self.steps(steps, (state.contiguous(), cell.contiguous()))
        made = self.temporal(states)
        masks = _bernoulli(made[..., J:], drawn["mask"])
        return static, torch.cat((masks * torch.tanh(made[..., :J]), masks), dim=-1)


class Discriminator(nn.Module):
    """The verdict of an LSTM on a stay: its last state and the mean of all."""

    def __init__(self, width: int) -> None:
        super().__init__()
        context = 2 * S + K + PEOPLE
        self.steps = nn.LSTM(2 * J + context, width, batch_first=True)
        self.verdict = nn.Sequential(nn.Linear(2 * width + context + 1, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))

    def forward(self, stays: Tensor, people: Tensor) -> Tensor:
        """Scores (n,) of flat stays (n, 2 S + K + bin 2 J)."""
        first = 2 * S + K
        context = torch.cat((stays[:, :first], people), dim=-1)
        steps = stays[:, first:].unflatten(1, (BINS, 2 * J))
        states, _ = self.steps(torch.cat((steps, context[:, None].expand(-1, BINS, -1)), dim=-1))
        # how much stays of a batch differ, which a generator of few kinds betrays (Karras et al. 2018)
        spread = stays.std(dim=0).mean().expand(len(stays), 1)
        return self.verdict(torch.cat((states[:, -1], states.mean(dim=1), context, spread), dim=-1))[:, 0]


class RecordGAN(nn.Module):
    """Generator and discriminator of stays."""

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.generator, self.discriminator = Generator(width), Discriminator(width)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Encoded records."""
        drawn = {
            name: noise.normal(shape, name).float() for name, shape in (("stay", (LATENT,)), ("bins", (BINS, STEP)))
        }
        drawn |= {name: noise.uniform(shape, name).float() for name, shape in _UNIFORM.items()}
        static, temporal = self.generator(people_features(conditions), drawn)
        return {"static": static, "temporal": temporal}


_UNIFORM = {"outcome": (K,), "static mask": (S,), "mask": (BINS, J)}


def _bernoulli(logits: Tensor, u: Tensor) -> Tensor:
    """0 or 1 with the probability of the logits; the gradient is that of the smooth version."""
    u = u.clamp(1e-6, 1.0 - 1e-6)
    soft = torch.sigmoid((logits + u.log() - (1.0 - u).log()) / 0.7)
    return (soft > 0.5).to(soft.dtype) + soft - soft.detach()


def _chosen(logits: Tensor, u: Tensor) -> Tensor:
    """One category, (n, k) of 0 and 1, likewise."""
    gumbel = -(-u.clamp(1e-6, 1.0 - 1e-6).log()).log()
    soft = torch.softmax((logits + gumbel) / 0.7, dim=-1)
    return functional.one_hot(soft.argmax(dim=-1), K).to(soft.dtype) + soft - soft.detach()


def _real(model: RecordGAN, batch: Batch) -> Tensor:
    return torch.cat((batch.encoded["static"], batch.encoded["temporal"].flatten(1)), dim=-1)


def _generate(model: RecordGAN, batch: Batch, draw: str) -> Tensor:
    people = people_features(batch.conditions)
    n = len(people)
    drawn = {"stay": torch.randn(n, LATENT), "bins": torch.randn(n, BINS, STEP)}
    drawn |= {name: torch.rand(n, *shape) for name, shape in _UNIFORM.items()}
    static, temporal = model.generator(people, {name: tensor.to(people.device) for name, tensor in drawn.items()})
    return torch.cat((static, temporal.flatten(1)), dim=-1)


def _judge(model: RecordGAN, batch: Batch, stays: Tensor) -> Tensor:
    return model.discriminator(stays, people_features(batch.conditions))


_game = adversarial_steps(_real, _generate, _judge, GAME)


def play(model: RecordGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """One turn of each side."""
    yield from _game(model, batch)
