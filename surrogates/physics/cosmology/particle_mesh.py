"""A particle-mesh code: gravity of particles in an expanding, periodic box, in steps that are exact to second order.

Time is the linear growth factor D and the velocity dx/dD, so that a particle of Zel'dovich's approximation moves
straight. A step drifts, kicks and drifts; the kick's weights (BullFrog: Rampf, List and Hahn 2024, arXiv:2409.19049)
make any number of steps agree with second-order perturbation theory before trajectories cross, so that a run starts at
D = 0 from the lattice itself. The force is the four-point gradient of the potential of a cloud-in-cell density.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from .background import Cosmology
from .fourier import backward, forward
from .initial_fields import first_order

_HALF = np.float32(0.5)  # from such a lattice, every second mesh point on, clouds tile the mesh: no force of its own


@numba.njit(cache=True, fastmath=False, nogil=True)
def _paint(displacement, offset, mesh):
    """Cloud-in-cell masses of particles that start `offset` past every (size / n)-th mesh point; lengths in cells."""
    size = mesh.shape[0]
    n = displacement.shape[0]
    spacing = np.float32(size / n)
    for a in range(n):
        for b in range(n):
            for c in range(n):
                x = np.float32(a * spacing + offset + displacement[a, b, c, 0])
                y = np.float32(b * spacing + offset + displacement[a, b, c, 1])
                z = np.float32(c * spacing + offset + displacement[a, b, c, 2])
                fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
                dx, dy, dz = x - fx, y - fy, z - fz
                i, j, k = int(fx) % size, int(fy) % size, int(fz) % size
                p, q, r = (i + 1) % size, (j + 1) % size, (k + 1) % size
                one = np.float32(1)
                ex, ey, ez = one - dx, one - dy, one - dz
                mesh[i, j, k] += ex * ey * ez
                mesh[i, j, r] += ex * ey * dz
                mesh[i, q, k] += ex * dy * ez
                mesh[i, q, r] += ex * dy * dz
                mesh[p, j, k] += dx * ey * ez
                mesh[p, j, r] += dx * ey * dz
                mesh[p, q, k] += dx * dy * ez
                mesh[p, q, r] += dx * dy * dz


@numba.njit(cache=True, fastmath=False, nogil=True)
def _gradient(potential, gradient):
    """Four-point central differences per cell, (n, n, n) -> (n, n, n, 3)."""
    n = potential.shape[0]
    far, near = np.float32(-1 / 12), np.float32(2 / 3)
    for i in range(n):
        for j in range(n):
            i1, i2, i3, i4 = (i - 2) % n, (i - 1) % n, (i + 1) % n, (i + 2) % n
            j1, j2, j3, j4 = (j - 2) % n, (j - 1) % n, (j + 1) % n, (j + 2) % n
            for k in range(n):
                k1 = k - 2 if k >= 2 else k - 2 + n
                k2 = k - 1 if k >= 1 else k - 1 + n
                k3 = k + 1 if k < n - 1 else k + 1 - n
                k4 = k + 2 if k < n - 2 else k + 2 - n
                gradient[i, j, k, 0] = near * (potential[i3, j, k] - potential[i2, j, k]) + far * (
                    potential[i4, j, k] - potential[i1, j, k]
                )
                gradient[i, j, k, 1] = near * (potential[i, j3, k] - potential[i, j2, k]) + far * (
                    potential[i, j4, k] - potential[i, j1, k]
                )
                gradient[i, j, k, 2] = near * (potential[i, j, k3] - potential[i, j, k2]) + far * (
                    potential[i, j, k4] - potential[i, j, k1]
                )


@numba.njit(cache=True, fastmath=False, nogil=True)
def _kick(displacement, velocity, gradient, offset, keep, push):
    """velocity <- keep * velocity + push * (gradient at the particles), in place."""
    n, size = displacement.shape[0], gradient.shape[0]
    spacing = np.float32(size / n)
    one = np.float32(1)
    for a in range(n):
        for b in range(n):
            for c in range(n):
                x = np.float32(a * spacing + offset + displacement[a, b, c, 0])
                y = np.float32(b * spacing + offset + displacement[a, b, c, 1])
                z = np.float32(c * spacing + offset + displacement[a, b, c, 2])
                fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
                dx, dy, dz = x - fx, y - fy, z - fz
                ex, ey, ez = one - dx, one - dy, one - dz
                i, j, k = int(fx) % size, int(fy) % size, int(fz) % size
                p, q, r = (i + 1) % size, (j + 1) % size, (k + 1) % size
                for axis in range(gradient.shape[3]):
                    force = ex * (
                        ey * (ez * gradient[i, j, k, axis] + dz * gradient[i, j, r, axis])
                        + dy * (ez * gradient[i, q, k, axis] + dz * gradient[i, q, r, axis])
                    ) + dx * (
                        ey * (ez * gradient[p, j, k, axis] + dz * gradient[p, j, r, axis])
                        + dy * (ez * gradient[p, q, k, axis] + dz * gradient[p, q, r, axis])
                    )
                    velocity[a, b, c, axis] = keep * velocity[a, b, c, axis] + push * force


def density_contrast(displacement: np.ndarray, size: int, box_size: float) -> np.ndarray:
    """Cloud-in-cell density contrast (size, size, size) of lattice particles displaced by (n, n, n, 3) Mpc/h."""
    mesh = np.zeros((size,) * 3, np.float32)
    offset = np.float32(0.5 * size / displacement.shape[0] - 0.5)
    _paint(np.ascontiguousarray(displacement, np.float32) * np.float32(size / box_size), offset, mesh)
    mesh *= np.float32((size / displacement.shape[0]) ** 3)
    mesh -= 1
    return mesh


def growths(cosmology: Cosmology, redshifts: Sequence[float], steps: int) -> list[list[float]]:
    """Ends of the steps, one list a snapshot: `steps` equal steps of D to the last, fitted to each before it."""
    targets = [cosmology.growth(z) for z in redshifts]
    ends, start = [], 0.0
    for target in targets:
        count = max(1, round(steps * (target - start) / targets[-1]))
        ends.append(list(start + (target - start) * np.arange(1, count + 1) / count))
        start = target
    return ends


@dataclass(frozen=True)
class Snapshot:
    """Particles at one redshift: displacement from the lattice in Mpc/h and dx/dD in Mpc/h, both (n, n, n, 3)."""

    redshift: float
    displacement: np.ndarray
    velocity: np.ndarray


@dataclass(frozen=True)
class ParticleMesh:
    """A simulation's numerical parameters.

    Parameters
    ----------
    box_size : float
        Side in Mpc/h.
    mesh : int
        Points a side of the force mesh.
    steps : int
        Equal steps of the growth factor from the lattice to the last redshift asked.
    """

    box_size: float = 128.0
    mesh: int = 128
    steps: int = 40

    def _kernel(self) -> np.ndarray:
        """1 / k^2 in mesh units, of the transform of counts, 0 at k = 0."""
        full = (2 * np.pi * np.fft.fftfreq(self.mesh)) ** 2
        half = (2 * np.pi * np.arange(self.mesh // 2 + 1) / self.mesh) ** 2
        squared = full[:, None, None] + full[None, :, None] + half[None, None, :]
        squared[0, 0, 0] = np.inf
        return (1 / squared).astype(np.float32)

    def run(self, density: np.ndarray, cosmology: Cosmology, redshifts: Sequence[float]) -> list[Snapshot]:
        """Evolve a linear density contrast today (n, n, n) to descending redshifts.

        Returns
        -------
        list of Snapshot
            One a redshift, in the order asked.
        """
        cells = np.float32(self.mesh / self.box_size)
        velocity = first_order(density, self.box_size) * cells
        displacement = np.zeros_like(velocity)
        kernel = self._kernel() * np.float32((self.mesh / density.shape[0]) ** 3)
        gradient = np.empty((*(self.mesh,) * 3, 3), np.float32)
        snapshots, start = [], 0.0
        for redshift, ends in zip(redshifts, growths(cosmology, redshifts, self.steps), strict=True):
            for end in ends:
                step = end - start
                middle = start + step / 2
                e0, rate0 = cosmology.second_order(start)
                _, rate1 = cosmology.second_order(end)
                balance = (e0 + rate0 * step / 2) / middle - middle
                keep = (rate1 - balance) / (rate0 - balance)
                displacement += np.float32(step / 2) * velocity
                mass = np.zeros((self.mesh,) * 3, np.float32)
                _paint(displacement, _HALF, mass)
                spectrum = forward(mass)
                spectrum *= kernel
                _gradient(backward(spectrum), gradient)
                _kick(displacement, velocity, gradient, _HALF, np.float32(keep), np.float32((1 - keep) / middle))
                displacement += np.float32(step / 2) * velocity
                start = end
            snapshots.append(Snapshot(redshift, displacement / cells, velocity / cells))
        return snapshots


def surroundings(displacement: np.ndarray, box_size: float) -> tuple[np.ndarray, np.ndarray]:
    """What is around each of (n, n, n) displaced particles, on a mesh of the lattice's own spacing.

    Returns
    -------
    ndarray
        (n, n, n, 3), the pull: minus the gradient of the inverse Laplacian of the density contrast, in mesh cells.
    ndarray
        (n, n, n), density in units of the mean.
    """
    size = displacement.shape[0]
    placed = displacement * np.float32(size / box_size)
    mass = np.zeros((size,) * 3, np.float32)
    _paint(placed, _HALF, mass)
    spectrum = forward(mass)
    spectrum *= ParticleMesh(box_size, size)._kernel()
    gradient = np.empty((size, size, size, 3), np.float32)
    _gradient(backward(spectrum), gradient)
    pull = np.zeros_like(placed)
    _kick(placed, pull, gradient, _HALF, np.float32(0), np.float32(1))
    density = np.zeros((*placed.shape[:3], 1), np.float32)
    _kick(placed, density, mass[..., None], _HALF, np.float32(0), np.float32(1))
    return pull, density[..., 0]
