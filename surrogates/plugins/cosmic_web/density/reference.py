"""The reference of cosmic-web's densities: the particle-mesh code on Gaussian fields drawn by (seed, sample)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....contract.schema import Schema
from ....counting import counted
from ..prior import prior
from ..reference import STEPS
from ..variables import SPACING
from .variables import CONDITIONS, OUTPUTS, outputs, side_of

if TYPE_CHECKING:
    import xarray as xr

TRAINING_SEED = 577215
"""Seed of the boxes that the shipped weights learned from."""

PART = 50
"""Boxes of a file of training data."""


@dataclass(frozen=True)
class DensityReference:
    """A Gaussian field of the asked cosmology, evolved in 40 steps with forces on a mesh of half the spacing.

    Attributes
    ----------
    conditions, outputs : Schema
    """

    conditions: Schema = field(default=CONDITIONS, repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)

    @classmethod
    def of(cls, side: int) -> DensityReference:
        """The reference of boxes of `side` mesh points."""
        return cls(outputs=outputs(side))

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Evolve one box for each row, from white noise that (seed, sample) sets.

        Parameters
        ----------
        conditions : Dataset
        seed : int
        """
        samples = conditions["sample"].values
        asked = {name: np.asarray(conditions[name].values, float) for name in CONDITIONS.names}
        made = [
            self._box(seed, int(sample), *(float(asked[name][row]) for name in CONDITIONS.names))
            for row, sample in enumerate(samples)
        ]
        side = side_of(self.outputs)
        contrast = np.array(made, np.float32).reshape(len(samples), side, side, side)
        found = CONDITIONS.dataset(asked, samples).merge(self.outputs.dataset({"density_contrast": contrast}, samples))
        return found.assign_attrs(seed=seed, reference=f"particle mesh, {STEPS} steps")

    def _box(self, seed: int, sample: int, omega_m: float, sigma_8: float, redshift: float) -> np.ndarray:
        from ....physics.cosmology.background import Cosmology
        from ....physics.cosmology.initial_fields import linear_density, white_noise
        from ....physics.cosmology.particle_mesh import ParticleMesh, density_contrast

        side = side_of(self.outputs)
        box_size, cosmology = side * SPACING, Cosmology(omega_m, sigma_8)
        field = linear_density(white_noise(side, seed, sample), box_size, cosmology)
        evolved = ParticleMesh(box_size, 2 * side, STEPS).run(field, cosmology, [redshift])[0]
        return density_contrast(evolved.displacement, side, box_size)


def truth(side: int, n: int, seed: int) -> xr.Dataset:
    """Boxes of `side` points of the prior's cosmologies and redshifts; sample i depends on (seed, i) alone."""
    return DensityReference.of(side).sample(prior(CONDITIONS, n, seed), seed=seed)


def training_boxes(side: int, n: int, folder: Path) -> xr.Dataset:
    """The first `n` boxes of the truth, kept in `folder` in parts, so that a killed run goes on."""
    from ....training.simulated import kept

    simulator = DensityReference.of(side)
    asked = prior(CONDITIONS, n, TRAINING_SEED)

    def make(first: int, number: int) -> dict[str, np.ndarray]:
        made = simulator.sample(asked.isel(sample=slice(first, first + number)), seed=TRAINING_SEED)
        return {"density_contrast": made["density_contrast"].values}

    parts = [(f"boxes-{side}-{at:05d}", {"first": at, "number": min(PART, n - at)}) for at in range(0, n, PART)]
    made_with = {"seed": TRAINING_SEED, "side": side, "steps": STEPS, "spacing": SPACING}
    arrays = [part["density_contrast"] for part in counted(kept(folder, parts, make, made_with), "parts", len(parts))]
    contrast = simulator.outputs.dataset({"density_contrast": np.concatenate(arrays)}, asked["sample"].values)
    return asked.merge(contrast)
