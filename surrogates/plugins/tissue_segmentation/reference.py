"""The reference of tissue-segmentation: a simulated head, whose tissues are known, behind the call of a surrogate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Schema
from ...noise import draws
from ...physics.medical import head, mri, slices
from .variables import CONDITIONS, OUTPUTS, PROTOCOLS, TISSUES, VOLUMES, VOXEL

if TYPE_CHECKING:
    import xarray as xr

SCANS = (mri.USUAL, mri.UNUSUAL)
"""By code of `PROTOCOLS`."""


def volumes(tissue: np.ndarray) -> dict[str, np.ndarray]:
    """Millilitres by output variable, (n,), of labels (n, y, x)."""
    return {name: (tissue == TISSUES.index(kind)).sum((1, 2)) * VOXEL for kind, name in VOLUMES.items()}


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Heads of the test slabs, which no training saw, half of them in scans beyond the training's range."""
    uniform = draws(seed, np.arange(n)).uniform((2,), "head")
    asked = {
        "mri": np.full((n, 1, 1), np.nan),
        "anatomy": slices.held_out(uniform[:, 0], schema["anatomy"].bounds or (0, head.MOST - 1)),
        "protocol": (uniform[:, 1] < 0.5).astype(np.int8),
    }
    return complete(schema, CONDITIONS.dataset(asked), seed)


def complete(schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Scan a simulated head wherever no image was given; its number is drawn where it was not given either.

    Raises
    ------
    SchemaError
        An image with holes, or rows with and without images of another size than the simulator's.
    """
    given = np.asarray(conditions["mri"].values, np.float32)
    missing = np.isnan(given).all(axis=(1, 2))
    for image in given[~missing]:
        if np.isnan(image).any():
            raise SchemaError.about("mri", f"{int(np.isnan(image).sum())} values are NaN", "a number in every pixel")
    if not missing.any():
        return conditions
    size = (head.SIZE, head.SIZE)
    if not missing.all() and given.shape[1:] != size:
        raise SchemaError.about("mri", f"{given.shape[1:]} pixels beside rows without", f"{size}, as simulated heads")
    samples = conditions["sample"].values
    numbers = conditions["anatomy"].values.copy()
    drawn = missing & (numbers < 0)
    bounds = schema["anatomy"].bounds or (0, head.MOST - 1)
    numbers[drawn] = slices.held_out(draws(seed, samples).uniform((), "anatomy"), bounds)[drawn]
    images = np.empty((len(given), *size), np.float32)
    images[~missing] = given[~missing] if not missing.all() else images[~missing]
    for row in np.flatnonzero(missing):
        protocol = SCANS[int(conditions["protocol"].values[row])]
        (found,) = slices.scanned([numbers[row]], [hash_of(seed, samples[row])], ("mri",), protocol)
        images[row] = found["mri"]
    values = {"mri": images, "anatomy": numbers, "protocol": conditions["protocol"].values}
    return CONDITIONS.dataset(values, samples)


def hash_of(seed: int, sample: int) -> int:
    """One number of both, for the scanner's noise."""
    return int(head.generator("scan", int(seed), int(sample)).integers(2**62))


@dataclass(frozen=True)
class HeadReference:
    """The simulator, which knows the tissues of every head that it makes.

    Attributes
    ----------
    conditions, outputs : Schema
    """

    conditions: Schema = field(default=CONDITIONS, repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Tissues of one head a row.

        Raises
        ------
        SchemaError
            A row without an anatomy: a user's own image, whose tissues nobody knows.
        """
        numbers = conditions["anatomy"].values
        if np.any(numbers < 0):
            raise SchemaError.about(
                "anatomy",
                "none, an image alone",
                "the number of a simulated head: the simulator cannot run forward from a user's image",
            )
        tissue = (
            np.stack([head.simulate(int(number)).labels for number in numbers])
            if len(numbers)
            else np.zeros((0, head.SIZE, head.SIZE), np.int8)
        )
        outputs = OUTPUTS.dataset({"tissue": tissue, **volumes(tissue)}, conditions["sample"].values)
        asked = CONDITIONS.dataset({n: conditions[n].values for n in CONDITIONS.names}, conditions["sample"].values)
        return asked.merge(outputs).assign_attrs(seed=seed, protocols=" ".join(PROTOCOLS))
