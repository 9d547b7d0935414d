"""What the cheap run of a fine box misses, learned on the coarse lattice: eight particles at every point.

The network is the default's: its convolutions wrap round, it moves with the lattice and the boost, and its mean over
the box is taken off. It works on an eighth of the points, and makes the corrections of the particles of a cube at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ....physics.cosmology.painting import cloud_in_cell
from ..network import Correction, CosmicWeb, cube
from .codec import CUBE, FINE_CHANNELS

if TYPE_CHECKING:
    from ....contract.recipe import Batch
    from ....noise import Noise

Tensors = dict[str, Tensor]

CROP = 16
"""Coarse points a side of the cubes that the network learns from."""

_BOTH = 2  # displacements, then velocities


def by_particle(made: Tensor) -> Tensor:
    """(n, n, n, 48), displacements of a cube's eight particles, then their velocities -> (2n, 2n, 2n, 6)."""
    sides = made.shape[:3]
    split = made.reshape(*sides, _BOTH, 2, 2, 2, 3)
    return split.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(*(2 * side for side in sides), 3 * _BOTH)


class FineWeb(CosmicWeb):
    """The cheap run's fine particles and their learned correction."""

    def __init__(self, width: int = 16) -> None:
        super().__init__(Correction(width, channels=FINE_CHANNELS, made=6 * CUBE))

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Particles of each box; nothing is left to chance."""
        del noise
        reduced = self.options.reduced and conditions["features"].device.type == "cpu"
        particles = []
        with torch.autocast("cpu", torch.bfloat16) if reduced else nullcontext():
            for row in range(len(conditions["features"])):
                made = self.correct(conditions["features"][row].float(), conditions["context"][row].float())
                fine = by_particle(made)
                fine -= fine.mean(dim=(0, 1, 2))
                particles.append(fine.add_(conditions["cheap"][row]))
        return {"particles": torch.stack(particles)}


def learn(model: FineWeb, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Logarithms of the squared errors of displacement, velocity and density of one cube of each box, as the default.

    The density is that of the cube's particles on a mesh of their own spacing.
    """
    correction, losses = model.correction, []
    starts = batch.noise.uniform((3,), "cube").tolist()
    names = ("cheap", "features", "context")
    rows = zip(*(batch.conditions[n] for n in names), batch.encoded["missing"], starts, strict=True)
    side = 2 * CROP
    for cheap, features, context, missing, start in rows:
        first = [int(part * len(features)) for part in start]
        near = cube(features, [place - correction.halo for place in first], CROP + 2 * correction.halo)
        moved, lacking = (cube(box, [2 * place for place in first], side) for box in (cheap, missing))
        made = correction(near.permute(3, 0, 1, 2)[None], context)[0].permute(1, 2, 3, 0).float()
        found = by_particle(made)
        error = (found - lacking).square()
        with torch.no_grad():
            true = cloud_in_cell(moved[..., :3] + lacking[..., :3], side, float(side))
        density = (
            cloud_in_cell(moved[..., :3] + found[..., :3], side, float(side)) - true
        ).square().mean() / true.var()
        displacement, velocity = error[..., :3].mean(), error[..., 3:].mean()
        losses.append(displacement.log() + 0.6 * velocity.log() + density.log())
        batch.notes["displacement_error"] = displacement.detach() / lacking[..., :3].square().mean()
        batch.notes["velocity_error"] = velocity.detach() / lacking[..., 3:].square().mean()
        batch.notes["density_error"] = density.detach()
    yield "correction", torch.stack(losses)
