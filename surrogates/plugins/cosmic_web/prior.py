"""Which boxes are simulated by default, and the Gaussian fields of boxes whose initial field is not given."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Schema
from .variables import CONDITIONS, SIDE, SPACING, spacing_of
from .variables import conditions as conditions_of

if TYPE_CHECKING:
    import xarray as xr

VARIANCE = 0.1
"""Relative difference in sigma_8 that a given field may have before a warning."""


def draws(seed: int, sample: int) -> np.ndarray:
    """Three uniform numbers of a sample, for its cosmology and redshift."""
    digest = hashlib.blake2b(repr((int(seed), "cosmology")).encode(), digest_size=8).digest()
    key = np.array([int.from_bytes(digest, "little"), sample % 2**64], np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).random(3)


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Uniform cosmologies, redshifts denser towards today, where boxes are least linear; initial fields, if asked."""
    uniform = np.array([draws(seed, i) for i in range(n)]).reshape(n, 3)
    values: dict[str, np.ndarray] = {}
    for column, (name, power) in enumerate((("omega_m", 1), ("sigma_8", 1), ("redshift", 2))):
        low, high = schema[name].bounds or (0.0, 1.0)
        values[name] = low + (high - low) * uniform[:, column] ** power
    if "initial_density" not in schema:
        return schema.dataset(values, np.arange(n))
    values["initial_density"] = np.full((n, 1, 1, 1), np.nan)
    return complete(schema, schema.dataset({name: values[name] for name in CONDITIONS.names}), seed)


def complete(schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Fill in the initial fields that were not given: Gaussian, with the linear power, by (seed, sample).

    Raises
    ------
    SchemaError
        A given field that is no cube, is not finite everywhere, or whose mean is not 0.

    Warns
    -----
    UserWarning
        A given field whose variance is far from that of the asked sigma_8.
    """
    from ...physics.cosmology.background import Cosmology
    from ...physics.cosmology.initial_fields import expected_variance, linear_density, white_noise

    given = np.asarray(conditions["initial_density"].values)
    missing = np.isnan(given).all(axis=(1, 2, 3))
    spacing = spacing_of(schema)
    side = round(SIDE * SPACING / spacing) if missing.all() else given.shape[1]
    fields = np.empty((len(given), side, side, side), np.float32)
    if not missing.all():
        check_fields(given[~missing])
        fields[~missing] = given[~missing]
    samples = conditions["sample"].values
    for row, drawn in enumerate(missing):  # type: ignore[arg-type]
        cosmology = Cosmology(float(conditions["omega_m"][row]), float(conditions["sigma_8"][row]))
        if drawn:
            fields[row] = linear_density(white_noise(side, seed, int(samples[row])), side * spacing, cosmology)
            continue
        expected = expected_variance(side, side * spacing, cosmology)
        found = cosmology.sigma_8 * float(np.sqrt(fields[row].var(dtype=float) / expected))
        if abs(found / cosmology.sigma_8 - 1) > VARIANCE:
            warnings.warn(
                f"initial_density: its variance is that of sigma_8 = {found:.3f}; {cosmology.sigma_8:g} was asked",
                stacklevel=2,
            )
    values = {name: conditions[name].values for name in CONDITIONS.names if name != "initial_density"}
    return conditions_of(spacing).dataset({**values, "initial_density": fields}, samples)


def check_fields(fields: np.ndarray) -> None:
    """Refuse initial fields (n, x, y, z) that no box starts from; see `complete`."""
    if len(set(fields.shape[1:])) != 1:
        shape = " x ".join(str(length) for length in fields.shape[1:])
        raise SchemaError.about("initial_density", f"{shape} points", "a cube", value=fields.shape[1:])
    for field in fields:
        if missing := int(np.isnan(field).sum()):
            expected = "a whole field, or leave it out"
            raise SchemaError.about("initial_density", f"{missing} of {field.size} values are NaN", expected)
        mean, deviation = float(field.mean(dtype=float)), float(field.std(dtype=float))
        if abs(mean) > 1e-3 * max(deviation, 1e-6):
            found = f"mean {mean:.3g} with deviation {deviation:.3g}"
            raise SchemaError.about("initial_density", found, "mean 0: subtract it", value=mean)
