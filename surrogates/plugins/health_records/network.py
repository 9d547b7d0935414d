"""The default generator: outcome, then stature, then one categorical draw a bin and variable.

A gated recurrent network carries a stay from bin to bin; within a bin each variable sees those before it as in a neural
autoregressive distribution estimator (Larochelle, Murray 2011, AISTATS; Uria et al. 2016, JMLR 17, 205), and tables by
variable give what follows the level in the bin before and the last one known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from .levels import LEVELS
from .variables import BINS, NAMES, STATURE, UNITS

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

    Tensors = dict[str, Tensor]

K = LEVELS + 1
J = len(NAMES)
PEOPLE = 6 + len(UNITS)
"""Features of who comes."""
R = 12
"""Smooth functions of a level: one for "not measured", tents over the others."""


@dataclass(frozen=True)
class Shape:
    """Numbers of features of a person, outcomes, columns a stay, signs, bins, and smooth functions of a level."""

    people: int = PEOPLE
    outcomes: int = 2
    stature: int = len(STATURE)
    signs: int = J
    bins: int = BINS
    functions: int = R


def tents() -> Tensor:
    """Values of the functions at each level, (K, R)."""
    place = torch.linspace(0.0, R - 2.0, LEVELS)
    basis = torch.zeros(K, R)
    basis[0, 0], basis[1:, 1:] = 1.0, (1.0 - (place[:, None] - torch.arange(R - 1.0)).abs()).clamp_min(0.0)
    return basis


class RecordNetwork(nn.Module):
    """Logits of every level of a record.

    Parameters
    ----------
    width : int
        Of the recurrent state.
    hidden : int
        Of the estimator within a bin.
    dropout : float
        Share of the inputs of the recurrent network left out in training.
    shape : Shape
        Of other records than the plugin's own.
    """

    basis: Tensor
    gap: Tensor
    offset: Tensor

    def __init__(self, width: int = 128, hidden: int = 128, dropout: float = 0.1, shape: Shape | None = None) -> None:
        super().__init__()
        self.width, self.hidden, self.dropout = width, hidden, dropout
        self.shape = shape = shape or Shape()
        J, R = shape.signs, shape.functions  # noqa: N806
        self.person = nn.Sequential(nn.Linear(shape.people, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU())
        self.outcome = nn.Linear(64, shape.outcomes)
        self.outcome_seen = nn.Embedding(shape.outcomes, 64)
        self.stature = nn.ModuleList(nn.Linear(64, K) for _ in range(shape.stature))
        self.stature_seen = nn.ModuleList(nn.Embedding(K, 64) for _ in range(shape.stature))
        self.begin = nn.Linear(64, width)
        self.told = nn.Linear(64, hidden)
        self.clock = nn.Parameter(torch.zeros(shape.bins, hidden))
        self.seen = nn.Parameter(0.1 * torch.randn(J, R, width))  # level in the bin before
        self.known = nn.Parameter(0.1 * torch.randn(J, R, width))  # last level known
        self.turn = nn.Linear(width, 3 * width)
        self.turn_state = nn.Linear(width, 3 * width)
        self.state = nn.Linear(width, hidden)
        self.within = nn.Parameter(0.1 * torch.randn(J, R, hidden))
        self.of = nn.Parameter(0.02 * torch.randn(J, hidden))
        self.read = nn.Parameter(torch.randn(J, hidden, R) / hidden**0.5 * 0.3)
        self.bias = nn.Parameter(torch.zeros(J, K))
        self.after = nn.Parameter(torch.zeros(J, R, R))
        self.after_known = nn.Parameter(torch.zeros(J, R, R))
        self.apart = nn.Parameter(torch.zeros(J, 2 * LEVELS - 1))  # of a level and the last one known
        self.register_buffer("basis", tents(), persistent=False)
        level = torch.arange(LEVELS)
        self.register_buffer("gap", level[None, :] - level[:, None] + LEVELS - 1, persistent=False)
        self.register_buffer("offset", K * torch.arange(J), persistent=False)

    def people(self, conditions: Tensors, n: int) -> Tensor:
        """Features of who comes, (n, 64)."""
        del n
        return self.person(people_features(conditions))

    def tables(self) -> Tensors:
        """What the network adds or multiplies at each level, from its coefficients of smooth functions of the level."""
        basis = self.basis
        apart = functional.pad(self.apart[:, self.gap], (1, 0, 1, 0))  # pyright: ignore[reportArgumentType, reportCallIssue]
        return {
            "seen": (basis @ self.seen).flatten(0, 1),
            "known": (basis @ self.known).flatten(0, 1),
            "within": (basis @ self.within).flatten(0, 1),
            "read": self.read @ basis.mT,  # pyright: ignore[reportCallIssue]
            "after": (basis @ self.after @ basis.mT).flatten(0, 1),  # pyright: ignore[reportCallIssue]
            "after_known": (basis @ self.after_known @ basis.mT + apart).flatten(0, 1),  # pyright: ignore[reportCallIssue]
        }

    def biases(self) -> Tensor:
        """Logits of levels whatever else is known, (J, K)."""
        return self.bias

    def stature_logits(self, k: int, person: Tensor) -> Tensor:
        """Logits of column k of a stay, (n, K), from features of the person and the columns before."""
        return self.stature[k](functional.silu(person))

    def step(self, state: Tensor, told: Tensor) -> Tensor:
        """The next recurrent state, (n, width), from the sum over signs of what the last bin tells, (n, width)."""
        told = functional.dropout(functional.silu(told), self.dropout, self.training)
        reset, keep, new = self.turn(told).chunk(3, dim=-1)
        reset_state, keep_state, new_state = self.turn_state(state).chunk(3, dim=-1)
        gate = torch.sigmoid(keep + keep_state)
        fresh = torch.tanh(new + torch.sigmoid(reset + reset_state) * new_state)
        return gate * state + (1.0 - gate) * fresh

    def log_probability(self, encoded: Tensors, conditions: Tensors) -> Tensor:
        """Natural logarithm of the probability of the levels of records, (n,)."""
        person = self.people(conditions, len(encoded["outcome"]))
        total = _log_of(self.outcome(person), encoded["outcome"])
        person = person + self.outcome_seen(encoded["outcome"])
        for k, seen in enumerate(self.stature_seen):
            total = total + _log_of(self.stature_logits(k, person), encoded["stature"][:, k])
            person = person + seen(encoded["stature"][:, k])
        person = functional.silu(person)
        level = encoded["level"]
        index = level + self.offset  # pyright: ignore[reportOperatorIssue]
        last = last_known(level) + self.offset  # pyright: ignore[reportOperatorIssue]
        tables = self.tables()
        state = torch.tanh(self.begin(person))
        states = [state]
        for t in range(self.shape.bins - 1):
            # gathered and summed, not a bag of embeddings: that does not vectorise by sample, as a private phase asks
            state = self.step(state, tables["seen"][index[:, t]].sum(dim=1) + tables["known"][last[:, t]].sum(dim=1))
            states.append(state)
        base = self.state(torch.stack(states, dim=1)) + self.told(person)[:, None] + self.clock
        within = tables["within"][index].cumsum(dim=2)
        within = torch.cat((torch.zeros_like(within[:, :, :1]), within[:, :, :-1]), dim=2)
        hidden = functional.silu(base[:, :, None] + within + self.of)
        hidden = functional.dropout(hidden, self.dropout, self.training)
        logits = torch.einsum("ntjh,jhk->ntjk", hidden, tables["read"]) + self.biases()
        followed = tables["after"][index[:, :-1]] + tables["after_known"][last[:, :-1]]
        logits = torch.cat((logits[:, :1], logits[:, 1:] + followed), dim=1)
        return total + _log_of(logits, level).sum(dim=(1, 2))

    def draw(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw records level by level."""
        n, bins, signs = len(noise.samples), self.shape.bins, self.shape.signs
        person = self.people(conditions, n)
        dtype = person.dtype
        first = noise.uniform((1 + self.shape.stature,), "person").to(dtype)
        outcome = _chosen(self.outcome(person), first[:, 0])
        person = person + self.outcome_seen(outcome)
        stature = []
        for k, seen in enumerate(self.stature_seen):
            stature.append(_chosen(self.stature_logits(k, person), first[:, 1 + k]))
            person = person + seen(stature[-1])
        person, tables = functional.silu(person), self.tables()
        state, told = torch.tanh(self.begin(person)), self.told(person)
        both = torch.cat((tables["seen"], tables["known"]))
        bias, u = self.biases(), noise.uniform((bins, signs), "level").to(dtype).permute(1, 2, 0).contiguous()
        levels = torch.zeros((bins, signs, n), dtype=torch.int64, device=person.device)
        known = torch.zeros((n, signs), dtype=torch.int64, device=person.device)
        for t in range(bins):
            if t:
                before = levels[t - 1].t()
                known = torch.where(before > 0, before, known)
                seen, held = before + self.offset, known + self.offset  # pyright: ignore[reportOperatorIssue]
                index = torch.cat((seen, held + signs * K), dim=1)
                state = self.step(state, functional.embedding_bag(index, both, mode="sum"))
            hidden = self.state(state) + told + self.clock[t]
            for j in range(signs):
                logits = torch.addmm(bias[j], functional.silu(hidden + self.of[j]), tables["read"][j])
                if t:
                    logits += tables["after"].index_select(0, seen[:, j])  # pyright: ignore[reportIndexIssue, reportPossiblyUnboundVariable]
                    logits += tables["after_known"].index_select(0, held[:, j])  # pyright: ignore[reportPossiblyUnboundVariable]
                levels[t, j] = chosen = _chosen(logits, u[t, j])
                hidden = hidden + tables["within"].index_select(0, chosen + j * K)
        places = noise.uniform((bins * signs + self.shape.stature,), "place").to(dtype)
        return {
            "outcome": outcome,
            "stature": torch.stack(stature, dim=-1) if stature else outcome.new_zeros((n, 0)),
            "stature_place": places[:, bins * signs :],
            "level": levels.permute(2, 0, 1),
            "place": places[:, : bins * signs].reshape(n, bins, signs),
        }


def people_features(conditions: Tensors) -> Tensor:
    """Who comes as a network takes it, (n, PEOPLE), from encoded conditions."""
    age = conditions["age"]
    there = age.isfinite()
    age = torch.where(there, age, 0.0)
    sex, unit = conditions["sex"], conditions["unit"]
    parts = [age, age * age - 0.7, there.to(age.dtype), (sex == 1).to(age.dtype), (sex < 0).to(age.dtype)]
    parts += [(unit == k).to(age.dtype) for k in range(-1, len(UNITS))]
    return torch.stack(parts, dim=-1)


def last_known(level: Tensor) -> Tensor:
    """The last level above 0 up to each bin, 0 where there is none yet, (n, bin, J)."""
    found = [level[:, 0]]
    for t in range(1, level.shape[1]):
        found.append(torch.where(level[:, t] > 0, level[:, t], found[-1]))
    return torch.stack(found, dim=1)


def _log_of(logits: Tensor, code: Tensor) -> Tensor:
    return torch.log_softmax(logits, dim=-1).gather(-1, code[..., None])[..., 0]


def _chosen(logits: Tensor, u: Tensor) -> Tensor:
    """Codes by inversion of the cumulative probability, (n,) int64."""
    total = (logits - logits.amax(dim=-1, keepdim=True)).exp_().cumsum(dim=-1)
    return (total[:, :-1] <= u[:, None] * total[:, -1:]).sum(dim=-1)


class RecordModel(nn.Module):
    """Records drawn from the network."""

    ships: tuple[str, ...] = ("network",)

    def __init__(self, width: int = 128, hidden: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        self.network = RecordNetwork(width, hidden, dropout)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Encoded records."""
        return self.network.draw(conditions, noise)


def learn(model: RecordModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood: one loss a stay."""
    yield "network", -model.network.log_probability(batch.encoded, batch.conditions)
