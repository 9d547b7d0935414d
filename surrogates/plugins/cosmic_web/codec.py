"""Boxes to and from what the network sees: the exact physics of a cheap run, of which it learns what is missing.

Encoding runs the particle-mesh code in four steps and reads off, at every particle, how it moved, what pulls it and how
dense it is where it stands. Decoding adds the correction, whose mean is taken off, and counts the particles.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...physics.cosmology.background import Cosmology
from ...physics.cosmology.painting import density_contrast
from ...physics.cosmology.particle_mesh import ParticleMesh, surroundings
from .variables import SPACING

Tensors = dict[str, Tensor]

STEPS = 4
"""Steps of the cheap run."""

CHANNELS = 10
"""Of the features: displacement, velocity in its units, pull, logarithm of the density."""


class BoxCodec(nn.Module):
    """Codec of evolved boxes; nothing is fitted.

    Attributes
    ----------
    spacing : float
        Mpc/h between the particles of the boxes.
    """

    spacing = SPACING

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as features of the cheap run; outputs, where they are there, as what it misses.

        Returns
        -------
        dict of Tensor
            `cheap` (n, x, y, z, 6), displacement in Mpc/h and velocity dx/dD times D in Mpc/h; `features`
            (n, x, y, z, 10) of order one; `context` (n, 3), growth times sigma_8, matter density and growth; and of
            outputs `missing` (n, x, y, z, 6) in the units of `cheap`.
        """
        cheap, features, context = [], [], []
        fields = physical["initial_density"].detach().cpu().float().numpy()
        rows = [physical[name].tolist() for name in ("omega_m", "sigma_8", "redshift")]
        for density, omega_m, sigma_8, redshift in zip(fields, *rows, strict=True):
            cosmology = Cosmology(omega_m, sigma_8)
            growth = cosmology.growth(redshift)
            code = ParticleMesh(len(density) * SPACING, 2 * len(density), STEPS)
            run = code.run(density, cosmology, [redshift])[0]
            pull, crowd = surroundings(run.displacement, code.box_size)
            moved = np.concatenate((run.displacement, np.float32(growth) * run.velocity), axis=-1)
            cheap.append(torch.from_numpy(moved))
            parts = (moved[..., :3] / 3, moved[..., 3:] / 4, pull / 2, np.log1p(crowd)[..., None] / 2 - 0.5)
            features.append(torch.from_numpy(np.concatenate(parts, axis=-1).astype(np.float32)))
            context.append([sigma_8 * growth - 0.5, 5 * (omega_m - 0.3), growth - 0.6])
        encoded = {
            "cheap": torch.stack(cheap),
            "features": torch.stack(features),
            "context": torch.tensor(context, dtype=torch.float32),
        }
        if "displacement" in physical:
            rate = velocity_scale(physical)
            evolved = torch.cat((physical["displacement"], physical["velocity"].double() / rate), dim=-1)
            encoded["missing"] = (evolved - encoded["cheap"].double()).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Displacements [Mpc/h], velocities [km/s] and density contrast of `particles`, `cheap` plus correction."""
        particles = encoded["particles"].double()
        displacement = particles[..., :3]
        size = particles.shape[1]
        meshes = [density_contrast(moved.float(), size, size * self.spacing) for moved in displacement]
        return {
            "displacement": displacement,
            "velocity": particles[..., 3:] * velocity_scale(conditions).to(particles.device),
            "density_contrast": torch.stack(meshes).double(),
        }


def velocity_scale(conditions: Tensors) -> Tensor:
    """km/s of dx/dD times D of 1 Mpc/h, (n, 1, 1, 1, 1)."""
    rows = zip(*(conditions[name].tolist() for name in ("omega_m", "sigma_8", "redshift")), strict=True)
    units = []
    for omega_m, sigma_8, redshift in rows:
        cosmology = Cosmology(omega_m, sigma_8)
        units.append(cosmology.velocity_unit(redshift) / cosmology.growth(redshift))
    return torch.tensor(units, dtype=torch.float64)[:, None, None, None, None]
