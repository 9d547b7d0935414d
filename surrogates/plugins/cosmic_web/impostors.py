"""Cheap fakes of evolved boxes, made from the truth's initial fields or densities, which the figures must fail."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from .variables import SPACING, conditions, outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr


def second_order(truth: xr.Dataset, seed: int, *, spacing: float = SPACING) -> xr.Dataset:
    """Second-order Lagrangian perturbation theory: right on large scales, without haloes."""
    del seed
    return _moved(truth, 2, spacing)


def zeldovich(truth: xr.Dataset, seed: int, *, spacing: float = SPACING) -> xr.Dataset:
    """Every particle on its straight path."""
    del seed
    return _moved(truth, 1, spacing)


def few_steps(truth: xr.Dataset, seed: int, *, steps: int, spacing: float = SPACING) -> xr.Dataset:
    """The particle-mesh code in few steps; the default model corrects four."""
    from .reference import NBodyReference

    names = ("omega_m", "sigma_8", "redshift", "initial_density")
    found = NBodyReference(conditions(spacing), outputs(spacing), steps).sample(truth[list(names)], seed=seed)
    return truth.assign(
        {n: truth[n].copy(data=found[n].values) for n in ("displacement", "velocity", "density_contrast")}
    )


def other_cosmology(truth: xr.Dataset, seed: int, *, spacing: float = SPACING) -> xr.Dataset:
    """Two steps from fields a tenth too weak."""
    weak = truth.assign(initial_density=truth["initial_density"] * np.float32(0.9))
    return few_steps(weak, seed, steps=2, spacing=spacing).assign(initial_density=truth["initial_density"])


def _moved(truth: xr.Dataset, order: int, spacing: float) -> xr.Dataset:
    from ...physics.cosmology import initial_fields
    from ...physics.cosmology.background import Cosmology
    from ...physics.cosmology.particle_mesh import density_contrast

    arrays = {n: np.empty_like(truth[n].values) for n in ("displacement", "velocity", "density_contrast")}
    for row, density in enumerate(truth["initial_density"].values):
        cosmology = Cosmology(float(truth["omega_m"][row]), float(truth["sigma_8"][row]))
        redshift = float(truth["redshift"][row])
        growth, box_size = cosmology.growth(redshift), len(density) * spacing
        rate = initial_fields.first_order(density, box_size)
        moved = growth * rate
        if order == 2:
            second, slope = cosmology.second_order(growth)
            psi = initial_fields.second_order(density, box_size)
            moved, rate = moved + second * psi, rate + slope * psi
        arrays["displacement"][row] = moved
        arrays["velocity"][row] = rate * cosmology.velocity_unit(redshift)
        arrays["density_contrast"][row] = density_contrast(moved, len(density), box_size)
    return truth.assign({name: truth[name].copy(data=values) for name, values in arrays.items()})


@lru_cache(maxsize=2)
def impostors(spacing: float) -> dict[str, Callable[[xr.Dataset, int], xr.Dataset]]:
    """Name -> maker of the domain's own impostors, of particles `spacing` Mpc/h apart."""
    return {
        "second-order perturbation theory": partial(second_order, spacing=spacing),
        "straight paths": partial(zeldovich, spacing=spacing),
        "two steps": partial(few_steps, steps=2, spacing=spacing),
        "four steps": partial(few_steps, steps=4, spacing=spacing),
        "two steps, weaker field": partial(other_cosmology, spacing=spacing),
    }


IMPOSTORS = impostors(SPACING)
