"""The reference simulator of cosmic-web, a particle-mesh code in 40 steps, with its truth and the training boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Schema
from ...counting import counted
from .prior import prior
from .variables import CONDITIONS, OUTPUTS, spacing_of

if TYPE_CHECKING:
    import xarray as xr

TRAINING_SEED = 161803
"""Seed of the boxes that the shipped weights learned from."""

TEST_SEED = 141421
"""Seed of the boxes that the printed figures were measured on."""

STEPS = 40
"""Steps of the reference from the lattice to the asked redshift."""


@dataclass(frozen=True)
class NBodyReference:
    """The particle-mesh code behind the call of a surrogate: forces on a mesh of half the particles' spacing.

    Attributes
    ----------
    conditions, outputs : Schema
        Of particles 2 Mpc/h apart, or as their `source` says.
    steps : int
        Fewer than 40 make a cheaper and worse simulator.
    """

    conditions: Schema = field(default=CONDITIONS, repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)
    steps: int = STEPS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Evolve one box for each row.

        Parameters
        ----------
        conditions : Dataset
            Every condition along `sample`, complete: the initial fields are there.
        seed : int
            Nothing is left to chance; written to the attributes alone.
        """
        from ...physics.cosmology.background import Cosmology
        from ...physics.cosmology.particle_mesh import ParticleMesh, density_contrast

        fields = np.asarray(conditions["initial_density"].values, np.float32)
        side = fields.shape[1]
        box_size = side * spacing_of(self.conditions)
        code = ParticleMesh(box_size, 2 * side, self.steps)
        arrays = {
            "displacement": np.empty((*fields.shape, 3), np.float32),
            "velocity": np.empty((*fields.shape, 3), np.float32),
            "density_contrast": np.empty(fields.shape, np.float32),
        }
        for row, density in enumerate(fields):
            omega_m, sigma_8, redshift = (float(conditions[n][row]) for n in ("omega_m", "sigma_8", "redshift"))
            cosmology = Cosmology(omega_m, sigma_8)
            evolved = code.run(density, cosmology, [redshift])[0]
            arrays["displacement"][row] = evolved.displacement
            arrays["velocity"][row] = evolved.velocity * np.float32(cosmology.velocity_unit(redshift))
            arrays["density_contrast"][row] = density_contrast(evolved.displacement, side, box_size)
        outputs = self.outputs.dataset(arrays, conditions["sample"].values)
        values = {name: conditions[name].values for name in CONDITIONS.names}
        asked = self.conditions.dataset(values, conditions["sample"].values)
        return asked.merge(outputs).assign_attrs(seed=seed, reference=f"particle mesh, {self.steps} steps")


def truth(n: int, seed: int) -> xr.Dataset:
    """Boxes of the prior's cosmologies and redshifts, evolved by the reference; sample i depends on (seed, i) alone."""
    return NBodyReference().sample(prior(CONDITIONS, n, seed), seed=seed)


def training_boxes(n: int, seed: int, folder: Path, simulator: NBodyReference | None = None) -> xr.Dataset:
    """The first `n` boxes of the truth without their meshes; each is kept in `folder`, so that a killed run goes on."""
    import xarray as xr

    from ...training.simulated import kept

    simulator = simulator or NBodyReference()
    asked = prior(simulator.conditions, n, seed)
    kind = "fine" if simulator.outputs.source else "box"

    def make(sample: int) -> dict[str, np.ndarray]:
        box = simulator.sample(asked.isel(sample=[sample]), seed=seed)
        return {name: box[name].values for name in ("displacement", "velocity")}

    parts = [(f"{kind}-{seed}-{sample:05d}", {"sample": sample}) for sample in range(n)]
    made_with = {"seed": seed, "steps": simulator.steps, "spacing": spacing_of(simulator.conditions)}
    boxes: Sequence[xr.Dataset] = [
        asked.isel(sample=[k]).merge(simulator.outputs.dataset(arrays, asked["sample"].values[k : k + 1]))
        for k, arrays in enumerate(counted(kept(folder, parts, make, made_with), "boxes", n))
    ]
    return xr.concat(boxes, "sample", combine_attrs="override", data_vars="all")
