"""The references of both directions: a simulated head, scanned by CT or MR, behind the call of a surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Schema
from ...noise import draws
from ...physics.medical import head, slices

if TYPE_CHECKING:
    import xarray as xr


def scanned(numbers: np.ndarray, samples: np.ndarray, seed: int, modality: str) -> np.ndarray:
    """(n, y, x) float32 scans of heads; a row depends on its anatomy and on (seed, sample) alone."""
    seeds = [int(head.generator("scan", int(seed), int(sample)).integers(2**62)) for sample in samples]
    images = [found[modality] for found in slices.scanned(numbers.tolist(), seeds, (modality,))]
    return np.stack(images) if images else np.zeros((0, head.SIZE, head.SIZE), np.float32)


@dataclass(frozen=True)
class HeadScans:
    """What one direction draws from the simulator.

    Attributes
    ----------
    conditions, outputs : Schema
    source, made : str
        ``ct`` and ``mri``, or the other way round.
    """

    conditions: Schema
    outputs: Schema
    source: str
    made: str

    def prior(self, schema: Schema, n: int, seed: int) -> xr.Dataset:
        """Scanned heads of the test slabs, which no training saw."""
        asked = {
            self.source: np.full((n, 1, 1), np.nan),
            "anatomy": slices.held_out(
                draws(seed, np.arange(n)).uniform((), "head"), schema["anatomy"].bounds or (0, head.MOST - 1)
            ),
        }
        return self.complete(schema, self.conditions.dataset(asked), seed)

    def complete(self, schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
        """Scan a simulated head wherever no image was given; its number is drawn where it was not given either.

        Raises
        ------
        SchemaError
            An image with holes, or one of another size than the simulator's beside rows without.
        """
        given = np.asarray(conditions[self.source].values, np.float32)
        missing = np.isnan(given).all(axis=(1, 2))
        holes = np.isnan(given[~missing]).sum()
        if holes:
            raise SchemaError.about(self.source, f"{holes} values are NaN", "a number in every pixel")
        if not missing.any():
            return conditions
        size = (head.SIZE, head.SIZE)
        if not missing.all() and given.shape[1:] != size:
            found = f"{given.shape[1:]} pixels beside rows without an image"
            raise SchemaError.about(self.source, found, f"{size}, as simulated heads")
        samples, numbers = conditions["sample"].values, conditions["anatomy"].values.copy()
        drawn = missing & (numbers < 0)
        bounds = schema["anatomy"].bounds or (0, head.MOST - 1)
        numbers[drawn] = slices.held_out(draws(seed, samples).uniform((), "anatomy"), bounds)[drawn]
        images = np.empty((len(given), *size), np.float32)
        images[missing] = scanned(numbers[missing], samples[missing], seed, self.source)
        if not missing.all():
            images[~missing] = given[~missing]
        return self.conditions.dataset({self.source: images, "anatomy": numbers}, samples)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Scan one head a row with the other modality.

        Raises
        ------
        SchemaError
            A row without an anatomy: a user's own image.
        """
        numbers, samples = conditions["anatomy"].values, conditions["sample"].values
        if np.any(numbers < 0):
            expected = "the number of a simulated head: the simulator cannot run forward from a user's image"
            raise SchemaError.about("anatomy", "none, an image alone", expected)
        outputs = self.outputs.dataset({self.made: scanned(numbers, samples, seed, self.made)}, samples)
        asked = self.conditions.dataset({n: conditions[n].values for n in self.conditions.names}, samples)
        return asked.merge(outputs).assign_attrs(seed=seed)
