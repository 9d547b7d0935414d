"""How the learned generator of galaxies learns its parts: what is smooth, arms, knots, and discs and mergers by score.

`learning` takes other ways to learn discs and mergers in the place of the energy score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...models.scoring import energy_score
from . import parts
from .learned import NOISE, LearnedGalaxies, knot_cells, on_cells
from .learned_scene import PROFILE_WIDTHS, RADIAL_WIDTHS, THICKNESSES
from .parts import HIGHEST, RINGS

if TYPE_CHECKING:
    from ...contract.recipe import Batch

POOLS = ("profiles", "edge_on", "spirals", "mergers")

_LIGHT = torch.tensor(np.sqrt(RINGS**2 * np.exp(-RINGS)), dtype=torch.float32)  # root of a ring's share of the light

Tensors = dict[str, Tensor]
Steps = Iterator[tuple[str, Tensor]]


def learning(
    disc: Callable[[LearnedGalaxies, Batch], Steps], merger: Callable[[LearnedGalaxies, Batch], Steps]
) -> Callable[[LearnedGalaxies, Batch], Steps]:
    """Steps of a phase: regression of smooth parts, likelihood of arms and knots, and what draws discs and mergers.

    Parameters
    ----------
    disc, merger : callable
        (model, batch of that pool alone, see `PartsCodec.encode`) -> (submodule to update, one loss a sample).
    """

    def steps(model: LearnedGalaxies, batch: Batch) -> Steps:
        profiles, edge_on, spirals, mergers = pools_of(batch)
        yield "profile", profile_error(model, **profiles.encoded)
        yield "edge_on", edge_on_error(model, edge_on.encoded["turned"], edge_on.encoded["edge_on"])
        arms = spirals.encoded["arms"]
        yield "arms", functional.cross_entropy(model.arms[0].expand(len(arms), -1), arms, reduction="none")
        yield from disc(model, spirals)
        yield "knots", knots_error(model, spirals.encoded)
        yield from merger(model, mergers)

    return steps


def pools_of(batch: Batch) -> list[Batch]:
    """The batch of each of `POOLS`; they share its noise, its number and its notes.

    Raises
    ------
    ValueError
        Training galaxies without their parts.
    """
    pools = [
        {key.split("/")[1]: value for key, value in batch.encoded.items() if key.startswith(f"{number}/")}
        for number in range(len(POOLS))
    ]
    if "profile" not in pools[0] or "merger" not in pools[3]:
        raise ValueError("part_profile: missing from the training data; the learned generator learns from parts of "
                         "simulated galaxies, drawn apart; choose cutouts for images of the sky")  # fmt: skip
    return [replace(batch, encoded=pool) for pool in pools]


def scored_disc(model: LearnedGalaxies, batch: Batch) -> Steps:
    """Energy scores of two discs of each number of arms."""
    arms = batch.encoded["arms"]
    first, second = (
        model.disc_numbers(batch.noise.normal((NOISE,), draw).float(), arms) for draw in ("disc 1", "disc 2")
    )
    score = disc_score(model, first, second, batch.encoded["disc"])
    batch.notes["disc_score"] = score.detach().mean()
    yield "disc", score


def scored_merger(model: LearnedGalaxies, batch: Batch) -> Steps:
    """Energy scores of two mergers."""
    first, second = (model.merger(batch.noise.normal((NOISE,), f"merger {draw}").float()) for draw in (1, 2))
    score = merger_score(model, first, second, batch.encoded["merger"])
    batch.notes["merger_score"] = score.detach().mean()
    yield "merger", score


learn = learning(scored_disc, scored_merger)


def knots_error(model: LearnedGalaxies, spirals: Tensors) -> Tensor:
    """Negative logarithm of the likelihood of the cells of knots, of a sixteenth of the discs: each has many knots."""
    few = slice(0, max(len(spirals["arms"]) // 16, 1))
    known = on_cells(spirals["amplitude"][few].float(), spirals["phase"][few].float())
    chance = torch.log_softmax(model.knots(*known), dim=-1)
    return -chance.gather(1, knot_cells(spirals["knots"][few])).mean(dim=1)


def profile_error(model: LearnedGalaxies, index: Tensor, profile: Tensor, **_: Tensor) -> Tensor:
    """Squared relative error of brightness by radius, weighted by light, and of the enclosed light, in per cent."""
    radii = torch.tensor(parts.RADII, dtype=torch.float32, device=index.device)
    widths = torch.tensor(PROFILE_WIDTHS, dtype=torch.float32, device=index.device)
    weights = model.weights_of_profile(index)
    basis = torch.exp(-0.5 * (radii[:, None] / widths) ** 2) / (2.0 * math.pi * widths**2)
    found, truth = weights @ basis.T, torch.exp(profile.float())
    ring = 2.0 * math.pi * radii**2 * math.log(parts.RADII[1] / parts.RADII[0])
    missed = 100.0 * (found - truth) * ring
    relative = missed.square() / (truth * ring + 1e-5)
    return relative.sum(1) + 3.0 * torch.cumsum(missed, dim=1).square().mean(1)


def edge_on_error(model: LearnedGalaxies, inclination: Tensor, image: Tensor) -> Tensor:
    """Squared error of the root of the brightness of inclined discs, relative to the mean square of the truth's."""
    weights = model.weights_of_edge_on()
    angle = torch.deg2rad(inclination.float())[:, None, None]
    plane = torch.tensor(RADIAL_WIDTHS, dtype=torch.float32, device=image.device)[:, None] ** 2
    height = torch.tensor(THICKNESSES, dtype=torch.float32, device=image.device)[None] ** 2
    across = plane * torch.cos(angle) ** 2 + height * torch.sin(angle) ** 2 + parts.EDGE_BLUR**2
    along = (plane + parts.EDGE_BLUR**2).expand(plane.shape[0], height.shape[1])
    x, y = (torch.tensor(place, dtype=torch.float32, device=image.device) for place in (parts.EDGE_X, parts.EDGE_Y))
    of_x = torch.exp(-0.5 * x**2 / along[..., None]) / torch.sqrt(2.0 * math.pi * along[..., None])
    of_y = torch.exp(-0.5 * y**2 / across[..., None]) / torch.sqrt(2.0 * math.pi * across[..., None])
    found = torch.einsum("rt,rtx,nrty->nyx", weights, of_x, of_y)
    error = torch.sqrt(found + 1e-7) - torch.sqrt(image.float().clamp(min=0.0) + 1e-7)
    return 1e3 * error.square().sum((-1, -2)) / image.float().sum((-1, -2))


def _score_of_views(*sides: tuple[Tensor, ...]) -> Tensor:
    """Sum of the energy scores of the views of two draws and of the truth, (n,)."""
    return torch.stack([energy_score(*view) for view in zip(*sides, strict=True)]).sum(0)


def disc_score(model: LearnedGalaxies, first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """Energy scores of discs, (n,): of all harmonics together, of each, of the strongest's run, and of its waves."""
    return _score_of_views(*(disc_views(model, side) for side in (first, second, truth.float())))


def disc_views(model: LearnedGalaxies, numbers: Tensor) -> tuple[Tensor, ...]:
    """Encoded numbers as discs are compared: all harmonics by light, each apart, as waves, and their means."""
    spread = model.disc_spread.to(numbers)
    light = _LIGHT.to(numbers)
    weighted = (numbers * spread).unflatten(1, (2 * HIGHEST, len(RINGS))) * light
    amplitude, phase = model.harmonics(numbers)
    waves = torch.stack((amplitude * torch.cos(phase), amplitude * torch.sin(phase)), dim=2) * light
    return weighted.flatten(1), weighted, waves.flatten(1), weighted.mean(-1, keepdim=True)


def merger_score(model: LearnedGalaxies, first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """Energy scores of mergers, (n,): of all numbers, of each, of the parts' places, and of the light's moments."""
    return _score_of_views(*(merger_views(model, side) for side in (first, second, truth.float())))


def merger_views(model: LearnedGalaxies, numbers: Tensor) -> tuple[Tensor, ...]:
    """Encoded numbers as mergers are compared: all, each apart, the first six, places, and moments of the light."""
    whole = numbers * model.merger_spread.to(numbers) + model.merger_mean.to(numbers)
    light, x, y = whole[:, 6:].unflatten(1, (3, -1)).unbind(1)
    light = torch.exp(light.clamp(max=0.0))
    moments = torch.stack([(light * p).sum(1) / light.sum(1) for p in (x, y, x * x, x * y, y * y)], dim=-1)
    return numbers / math.sqrt(numbers.shape[1]), numbers[..., None], numbers[:, :6], torch.cat((x, y), 1), moments
