"""The default model: a transformer over Wyckoff tokens with mixtures for what symmetry leaves free."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...contract.recipe import Batch
from ...networks.attention import TokenTransformer
from ...physics.crystals.elements import MOST
from ...physics.crystals.feasible import MOST_ATOMS
from .tokens import (
    ATOMS,
    CELL,
    COORDINATE,
    ELEMENTS,
    GROUPS,
    KINDS,
    LETTERS,
    LONGEST,
    NUMBERS,
    POSITION,
    QUERY,
    START,
    TOKENS,
    all_position_features,
)

Tensors = dict[str, Tensor]
MIXTURE = 12
WAVES = 8
TOLD = 64
ASKED = 2 * MOST + 231 + 3 + 2 * 9 + 6
"""Length of what is asked: formula, elements, group, atoms, two energies; a mark each."""


class CrystalNetwork(nn.Module):
    """Logits and mixtures of the next step, given those before it and what is asked.

    Parameters
    ----------
    width, layers, heads : int
    """

    positions: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, width: int = 128, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.register_buffer("positions", torch.from_numpy(all_position_features()), persistent=False)
        self.register_buffer("centre", torch.zeros(6))
        self.register_buffer("scale", torch.ones(6))
        self.ask = nn.Sequential(nn.Linear(ASKED, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        told = TOLD + QUERY + 1 + 2 * WAVES
        self.writer = TokenTransformer(TOKENS + 3 * MIXTURE * 2, told, LONGEST, width=width, layers=layers, heads=heads)
        self.place = nn.Sequential(nn.Linear(POSITION, 32), nn.SiLU(), nn.Linear(32, TOKENS_OF_PLACES))
        self.key = nn.Linear(27, TOKENS_OF_PLACES)

    def told(self, asked: Tensor, steps: Tensor, groups: Tensor, before: Tensor) -> Tensor:
        """Contexts (n, m, k) of what is asked (n, TOLD), steps (n, m, 5), groups (n,) and numbers before (n, m)."""
        queries = self.described(steps.long(), groups)
        turns = before[..., None] * (2 * math.pi * torch.arange(1, WAVES + 1, device=before.device))
        parts = [asked[:, None].expand(-1, queries.shape[1], -1), queries, before[..., None]]
        return torch.cat((*parts, turns.cos(), turns.sin()), dim=-1)

    def described(self, steps: Tensor, groups: Tensor) -> Tensor:
        """(n, m, QUERY) float32 descriptions of steps (n, m, 5) of crystals of `groups` (n,), 0 before it is known."""
        kind, number, element, place, left = steps.unbind(-1)
        one_hot = nn.functional.one_hot
        parts = [
            one_hot(kind + 1, KINDS + 1)[..., 1:],
            one_hot(number + 1, NUMBERS + 1)[..., 1:],
            one_hot(element, MOST + 1)[..., 1:],
            self.positions[groups[:, None].expand_as(place), place.clamp(min=0)] * (place >= 0)[..., None],
            left[..., None] / MOST_ATOMS,
            left[..., None].clamp(min=0).float().log1p() / 4,
        ]
        return torch.cat([part.float() for part in parts], dim=-1)

    def letters(self, raw: Tensor, groups: Tensor) -> Tensor:
        """Logits (n, 27) of Wyckoff positions of `groups` (n,): by place, and by what the position is like."""
        own = raw[:, LETTERS : LETTERS + 27]
        known, place = groups.unique(return_inverse=True)
        like = self.place(self.positions[known])[place]  # (n, 27, k)
        found = own + (like @ self.key(own)[..., None])[..., 0]
        return found.masked_fill(self.positions[groups][..., -1] == 0, -torch.inf)


TOKENS_OF_PLACES = 24


def mixture(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log weights, means and logarithms of widths (..., MIXTURE) of raw numbers (..., 3 * MIXTURE)."""
    weight, mean, width = raw.chunk(3, dim=-1)
    return weight.log_softmax(-1), mean, width.clamp(-7.0, 2.0)


def wrapped_parts(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same of a coordinate on the circle: spread means, widths of some hundredths at first."""
    weight, mean, width = mixture(raw)
    return weight, mean + torch.arange(MIXTURE, device=raw.device) / MIXTURE, (width - 3.0).clamp(-7.0, 0.0)


def log_normal(value: Tensor, mean: Tensor, width: Tensor) -> Tensor:
    """Logarithm of the normal density."""
    return -0.5 * ((value - mean) / width.exp()) ** 2 - width - 0.5 * math.log(2 * math.pi)


def cell_likelihood(raw: Tensor, value: Tensor) -> Tensor:
    """Log density of standardised cell parameters."""
    weight, mean, width = mixture(raw)
    return torch.logsumexp(weight + log_normal(value[..., None], mean * 2.0, width), dim=-1)


def coordinate_likelihood(raw: Tensor, value: Tensor) -> Tensor:
    """Log density of coordinates in [0, 1), a mixture of wrapped normal distributions."""
    weight, mean, width = wrapped_parts(raw)
    gap = value[..., None] - mean
    gap = (gap - gap.round())[..., None] + gap.new_tensor([-1.0, 0.0, 1.0])
    return torch.logsumexp(weight[..., None] + log_normal(gap, 0 * gap, width[..., None]), dim=(-1, -2))


HIDDEN = 0.5


def hidden(conditions: Tensors, uniform: Tensor) -> Tensor:
    """What is asked (n, ASKED) with a random part of it hidden, by uniform numbers (n, 8)."""
    nothing = uniform[:, 6] < 0.2
    kept = [(uniform[:, k] > (HIDDEN if k > 1 else 0.6)) & ~nothing for k in range(6)]
    return asked_vector(conditions, kept)


def asked_vector(conditions: Tensors, kept: list[Tensor] | None = None) -> Tensor:
    """(n, ASKED) float32 of encoded conditions, of which `kept` (six of (n,) bool) are told."""
    counts, elements = conditions["formula"].float(), conditions["system"].float()
    group, atoms = conditions["group"], conditions["atoms"]
    energies = [conditions["hull"].float(), conditions["gap"].float()]
    there = [counts.sum(1) > 0, elements.sum(1) > 0, group > 0, atoms > 0, *(~value.isnan() for value in energies)]
    if kept is not None:
        there = [one & other for one, other in zip(there, kept, strict=True)]
    marks = torch.stack(there, dim=1).float()
    fraction = counts / counts.sum(1, keepdim=True).clamp(min=1)
    one_hot = torch.nn.functional.one_hot(group, 231).float()
    size = torch.stack((atoms / 40.0, atoms.clamp(min=1).log() / 4, torch.ones_like(atoms)), dim=1).float()
    centres = fraction.new_tensor([0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0])
    bumps = []
    for value in energies:
        value = torch.nan_to_num(value).clamp(min=0)[:, None]
        bumps.append(torch.exp(-0.5 * ((value.sqrt() - centres.sqrt()) / 0.1) ** 2))
    parts = [fraction, elements, one_hot, size, *bumps]
    return torch.cat([*(part * marks[:, k : k + 1] for k, part in enumerate(parts)), marks], dim=1)


def learn(model: Any, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of all steps, at whichever conditions are shown; and the energies of the same crystals."""
    network, encoded = model.network, batch.encoded
    uniform = batch.noise.uniform((7,), "hidden")
    asked = hidden(batch.conditions, uniform)
    tokens, values = encoded["tokens"], encoded["values"].float()
    longest = int((tokens != START).sum(1).max())
    tokens, values = tokens[:, :longest], values[:, :longest]
    steps = encoded["steps"][:, :longest].long()
    kind = steps[..., 0]
    groups = tokens[:, 0] - GROUPS + 1
    standard = _standard(network, values, steps)
    before = torch.cat((torch.zeros_like(standard[:, :1]), standard[:, :-1]), dim=1)
    previous = torch.cat((torch.full_like(tokens[:, :1], START), tokens[:, :-1]), dim=1)
    raw = network.writer(previous, network.told(network.ask(asked), steps, groups, before))
    loss = raw.new_zeros(tokens.shape)
    cell, circle = raw[..., TOKENS:].chunk(2, dim=-1)
    for k, found in (
        (0, raw[..., GROUPS : GROUPS + 230]),
        (1, raw[..., ATOMS:ELEMENTS]),
        (2, raw[..., ELEMENTS : ELEMENTS + MOST]),
        (3, raw),
        (CELL, cell),
        (COORDINATE, circle),
    ):
        here = kind == k
        row, _ = where = here.nonzero(as_tuple=True)
        if k < 3:
            first = (GROUPS, ATOMS, ELEMENTS)[k]
            likelihood = -nn.functional.cross_entropy(found[where], tokens[where] - first, reduction="none")
        elif k == 3:
            logits = network.letters(found[where], groups[row]).log_softmax(-1)
            likelihood = logits.gather(-1, (tokens[where] - LETTERS)[:, None])[:, 0]
        else:
            likelihood = (cell_likelihood if k == CELL else coordinate_likelihood)(found[where], standard[where])
        loss = loss.index_put(where, -likelihood)
    batch.notes["discrete"] = ((kind < CELL) * loss).sum(1).mean().detach()
    batch.notes["cell"] = loss[kind == CELL].mean().detach()
    batch.notes["coordinate"] = loss[kind == COORDINATE].mean().detach()
    yield "network", loss.sum(1)
    labels = encoded["true_formation"], encoded["true_hull"].clamp(min=0).sqrt()
    if not any(label.isfinite().any() for label in labels):
        return
    found = model.estimator(encoded["elements"], encoded["share"], encoded["shells"]).unbind(dim=1)
    # where a label is not known, the estimate stands in for it: no error and no gradient
    wrong = [
        (one - torch.where(label.isfinite(), label, one.detach())).abs()
        for one, label in zip(found, labels, strict=True)
    ]
    batch.notes["formation_error"] = wrong[0].mean().detach()
    yield "estimator", wrong[0] + wrong[1]


def _standard(network: CrystalNetwork, values: Tensor, steps: Tensor) -> Tensor:
    """Numbers as the network has them: cell parameters as standard scores, coordinates as they are."""
    which = steps[..., 1].clamp(min=0, max=5)
    scores = (values - network.centre[which]) / network.scale[which]
    return torch.where(steps[..., 0] == CELL, scores, values)
