"""The reference of lung-ct: a simulated chest, scanned, behind the call of a surrogate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Schema
from ...noise import draws
from ...physics.medical import thorax
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

HELD_OUT = len(thorax.PARTS["test"]) * thorax.MOST // 10


def _test_anatomy(uniform: np.ndarray, bounds: tuple[float, float] | None = None) -> np.ndarray:
    """Anatomies of the test part, evenly within bounds where they hold any."""
    low, high = bounds or (0, thorax.MOST - 1)
    first, last = int(np.ceil((low - 9) / 10)), int((high - 9) // 10)
    first, last = max(first, 0), min(last, HELD_OUT - 1)
    drawn = first + np.floor(uniform * max(last - first + 1, 1)).astype(np.int64)
    return np.concatenate([thorax.anatomies("test", 1, int(place)) for place in drawn] or [np.zeros(0, np.int64)])


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Chests of the test part, which no training saw; neighbouring rows, 2 k and 2 k + 1, share one."""
    uniform = draws(seed, np.arange(n) // 2).uniform((1,), "chest")[:, 0]
    empty = np.full((n, 1, 1), -1)
    asked = {
        "body_mask": empty,
        "lesion_mask": empty,
        "lesion_type": np.full(n, -1),
        "anatomy": _test_anatomy(uniform, schema["anatomy"].bounds),
    }
    return complete(schema, CONDITIONS.dataset(asked), seed)


def complete(schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Masks of a simulated chest wherever no body mask was given; its number is drawn where it was not given either.

    A lesion mask that was given alone stays as it is; beside a body mask a missing one means no lesions.

    Raises
    ------
    SchemaError
        Lesions outside the lungs, holes in a mask, or rows with and without masks of another size than the simulator's.
    """
    body, lesion = (np.asarray(conditions[name].values, np.int8) for name in ("body_mask", "lesion_mask"))
    kinds, numbers = conditions["lesion_type"].values.copy(), conditions["anatomy"].values.copy()
    without = np.asarray((body < 0).all(axis=(1, 2)))
    lesions_given = np.asarray(~(lesion < 0).all(axis=(1, 2)))
    if np.any((body < 0) & ~without[:, None, None]) or np.any((lesion < 0) & lesions_given[:, None, None]):
        raise SchemaError.about("body_mask, lesion_mask", "pixels without a label", "a label in every pixel")
    size = (thorax.SIZE, thorax.SIZE)
    if without.any() and not without.all() and body.shape[1:] != size:
        raise SchemaError.about("body_mask", f"{body.shape[1:]} pixels beside rows without", f"{size}, as simulated")
    if without.any():
        body, lesion = (np.broadcast_to(mask, (len(mask), *size)).copy() for mask in (body, lesion))
        drawn = without & (numbers < 0)
        if drawn.any():
            samples = conditions["sample"].values[drawn]
            numbers[drawn] = _test_anatomy(draws(seed, samples).uniform((1,), "anatomy")[:, 0])
        known: dict[int, thorax.Outlines] = {}
        for row in np.flatnonzero(without):
            number = int(numbers[row])
            shape = known.setdefault(number, thorax.outlines(number)) if number not in known else known[number]
            body[row] = shape.body
            if not lesions_given[row]:
                lesion[row] = shape.lesion
            if kinds[row] < 0:
                kinds[row] = shape.kind
    lesion[~lesions_given & ~without] = 0
    kinds[kinds < 0] = 0
    outside = (lesion == 1) & (body != thorax.LUNG) & ~without[:, None, None]
    if outside.any() and outside.sum() > 0.5 * (lesion == 1).sum():
        found = f"{int(outside.sum())} of {int((lesion == 1).sum())} lesion pixels outside the lungs"
        raise SchemaError.about("lesion_mask", found, "lesions within the lungs of the body mask")
    values = {"body_mask": body, "lesion_mask": lesion, "lesion_type": kinds, "anatomy": numbers}
    return CONDITIONS.dataset(values, conditions["sample"].values)


@dataclass(frozen=True)
class ThoraxReference:
    """The simulator: what a scanner shows of a simulated chest.

    Attributes
    ----------
    conditions, outputs : Schema
    """

    conditions: Schema = field(default=CONDITIONS, repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Scan one chest a row.

        Raises
        ------
        SchemaError
            A row without an anatomy, or with masks that are not its own: nobody knows the chest of a user's mask.
        """
        numbers, samples = conditions["anatomy"].values, conditions["sample"].values
        expected = "the number of a simulated chest: the simulator cannot run forward from a user's mask"
        if np.any(numbers < 0):
            raise SchemaError.about("anatomy", "none, masks alone", expected)
        images = np.zeros((len(numbers), thorax.SIZE, thorax.SIZE), np.float32)
        for row, number in enumerate(numbers.tolist()):
            shape = thorax.outlines(number)
            for name, own in (("body_mask", shape.body), ("lesion_mask", shape.lesion)):
                if not np.array_equal(conditions[name].values[row], own):
                    raise SchemaError.about(name, f"not that of anatomy {number}", expected)
            own_seed = int(thorax.generator("sample", int(seed), int(samples[row])).integers(2**62))
            images[row] = thorax.scan(number, own_seed)
        outputs = OUTPUTS.dataset({"ct": images}, samples)
        asked = CONDITIONS.dataset({n: conditions[n].values for n in CONDITIONS.names}, samples)
        return asked.merge(outputs).assign_attrs(seed=seed)
