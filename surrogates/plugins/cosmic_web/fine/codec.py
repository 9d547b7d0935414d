"""Fine boxes to and from what the network sees: a cheap run of every eighth particle, and the modes that it lacks.

The initial field's modes up to the coarse lattice's own limit are run by the particle-mesh code in a few steps; the
particles' displacements and velocities are interpolated to the fine lattice between them. The network sees the straight
paths along which the modes beyond the limit would move the particles, and learns what is missing to the interpolated
run.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ....physics.cosmology.background import Cosmology
from ....physics.cosmology.fourier import backward, forward
from ....physics.cosmology.initial_fields import first_order
from ....physics.cosmology.particle_mesh import ParticleMesh, surroundings
from ..codec import CHANNELS, BoxCodec, velocity_scale
from ..variables import FINE_SPACING

Tensors = dict[str, Tensor]

STEPS = 5
"""Steps of the cheap run, of every eighth particle."""

CUBE = 8
"""Fine particles around each coarse one."""

FINE_CHANNELS = CHANNELS + 4 * CUBE
"""Of the features of a coarse particle: its own, and of each fine one the short displacement and initial density."""


def gathered(fine: np.ndarray) -> np.ndarray:
    """(2n, 2n, 2n, c) -> (n, n, n, 8 c), each cube's points side by side."""
    n, channels = fine.shape[0] // 2, fine.shape[3]
    split = fine.reshape(n, 2, n, 2, n, 2, channels)
    return np.ascontiguousarray(split.transpose(0, 2, 4, 1, 3, 5, 6).reshape(n, n, n, CUBE * channels))


def coarsened(density: np.ndarray) -> np.ndarray:
    """The modes of a field below the Nyquist mode of a lattice of half its points, at the middle of each cube."""
    fine, n = density.shape[0], density.shape[0] // 2
    spectrum = forward(density)
    kept = np.concatenate((np.arange(n // 2), np.arange(fine - n // 2, fine)))
    low = spectrum[np.ix_(kept, kept, np.arange(n // 2 + 1))] / CUBE
    wave = np.concatenate((np.arange(n // 2), np.arange(-n // 2, 0)))
    half = np.exp(1j * np.pi * wave / fine)  # coarse points lie half a fine spacing past every second fine one
    phase = half[:, None, None] * half[None, :, None] * np.exp(1j * np.pi * np.arange(n // 2 + 1) / fine)
    low = low * phase
    low[n // 2], low[:, n // 2], low[:, :, n // 2] = 0, 0, 0  # the coarse lattice's own Nyquist modes stay fine
    return backward(low.astype(np.complex64))


def beyond(density: np.ndarray) -> np.ndarray:
    """The field without the modes that `coarsened` keeps."""
    fine, n = density.shape[0], density.shape[0] // 2
    spectrum = forward(density)
    low = np.abs(np.fft.fftfreq(fine, 1 / fine)) < n // 2
    spectrum[np.ix_(low, low, low[: fine // 2 + 1])] = 0
    return backward(spectrum)


def refined(coarse: np.ndarray) -> np.ndarray:
    """(n, n, n, c) at the middles of cubes, linearly interpolated to their points: (2n, 2n, 2n, c), periodic."""
    for axis in range(3):
        near = np.float32(0.75) * coarse
        sides = (near + np.float32(0.25) * np.roll(coarse, shift, axis) for shift in (1, -1))
        both = np.stack(list(sides), axis=axis + 1)
        shape = list(coarse.shape)
        shape[axis] *= 2
        coarse = both.reshape(shape)
    return coarse


class FineCodec(BoxCodec):
    """Codec of boxes of particles 1 Mpc/h apart; nothing is fitted."""

    spacing = FINE_SPACING

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as features of the cheap run; outputs, where they are there, as what it misses.

        Returns
        -------
        dict of Tensor
            `cheap` (rows, 2n, 2n, 2n, 6), of each particle displacement in Mpc/h and velocity dx/dD times D in Mpc/h;
            `features` (rows, n, n, n, 42) of order one, on the coarse lattice; `context` (rows, 3) as of `BoxCodec`;
            and of outputs `missing` (rows, 2n, 2n, 2n, 6) in the units of `cheap`.
        """
        found: dict[str, list[Tensor]] = {"cheap": [], "features": [], "context": []}
        rows = [physical[name].tolist() for name in ("omega_m", "sigma_8", "redshift")]
        fields = physical["initial_density"].detach().cpu().float().numpy()
        for density, omega_m, sigma_8, redshift in zip(fields, *rows, strict=True):
            cosmology = Cosmology(omega_m, sigma_8)
            growth = cosmology.growth(redshift)
            box_size, n = len(density) * FINE_SPACING, len(density) // 2
            run = ParticleMesh(box_size, 2 * n, STEPS).run(coarsened(density), cosmology, [redshift])[0]
            pull, crowd = surroundings(run.displacement, box_size)
            moved = np.concatenate((run.displacement, np.float32(growth) * run.velocity), axis=-1)
            short = np.float32(growth) * first_order(beyond(density), box_size)
            own = (moved[..., :3] / 3, moved[..., 3:] / 4, pull / 2, np.log1p(crowd)[..., None] / 2 - 0.5)
            small = np.concatenate((2 * short, np.float32(growth / 4) * density[..., None]), axis=-1)
            features = np.concatenate((*own, gathered(small)), axis=-1).astype(np.float32)
            found["cheap"].append(torch.from_numpy(refined(moved)))
            found["features"].append(torch.from_numpy(features))
            found["context"].append(torch.tensor([sigma_8 * growth - 0.5, 5 * (omega_m - 0.3), growth - 0.6]))
        encoded = {name: torch.stack(parts) for name, parts in found.items()}
        if "displacement" in physical:
            evolved = torch.cat((physical["displacement"], physical["velocity"] / velocity_scale(physical)), dim=-1)
            encoded["missing"] = evolved.float() - encoded["cheap"]
        return encoded
