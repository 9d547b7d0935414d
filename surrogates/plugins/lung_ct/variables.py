"""Conditions and output of lung-ct: masks, what the lesions are, and Hounsfield units; how a user's masks are taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Dimension, Schema, Variable
from ...physics.medical import ct, thorax

SPACING = (5.0, thorax.PIXEL, thorax.PIXEL)
"""Millimetres between slices, rows and columns."""

N_SLICES = 120
"""Slices on each side that figures are asked at: half as many masks, two draws each."""

_IMAGE = (Dimension("y"), Dimension("x"))
_BROUGHT = "surrogates.plugins.lung_ct.variables:"

CONDITIONS = Schema(
    (
        Variable(
            "body_mask",
            "0 air, 1 body, 2 lung (or three grey levels in this order); front at the top, 2.9 mm pixels",
            dims=("y", "x"),
            dtype="int8",
            optional=True,
            brought=_BROUGHT + "body_labels",
        ),
        Variable(
            "lesion_mask",
            "1 (or any other grey level than 0) inside lesions; none where it is left out",
            dims=("y", "x"),
            dtype="int8",
            optional=True,
            brought=_BROUGHT + "lesion_labels",
        ),
        Variable("lesion_type", "what the lesions are", dtype="int8", categories=thorax.LESIONS, optional=True),
        Variable(
            "anatomy",
            "number of the simulated chest, where no mask is given",
            dtype="int64",
            bounds=(0, thorax.MOST - 1),
            optional=True,
        ),
    ),
    _IMAGE,
)

OUTPUTS = Schema(
    (
        Variable(
            "ct", "CT number of each pixel, Hounsfield units", "1", ("y", "x"), "float32", bounds=(ct.LEAST, ct.MOST)
        ),
    ),
    _IMAGE,
)


def _levels(name: str, given: Any, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The mask as numbers and its distinct values; SchemaError where it is no mask."""
    try:
        mask = np.asarray(getattr(given, "values", given), dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError.about(name, f"a {type(given).__name__}", "a mask of whole numbers (y, x)") from None
    if mask.ndim >= 2 and 1 < min(mask.shape[-2:]) < 16:
        raise SchemaError.about(name, f"{mask.shape[-2]} x {mask.shape[-1]} pixels", "16 x 16 or more")
    values = np.unique(mask[~np.isnan(mask)])
    if len(values) > most + 1:
        found = f"{len(values)} distinct values from {values[0]:g} to {values[-1]:g}, as of an image"
        raise SchemaError.about(name, found, f"a mask of {most} grey levels or fewer")
    return np.where(np.isnan(mask), -1.0, mask), values


def body_labels(given: Any) -> np.ndarray:
    """Labels 0, 1, 2 of a user's body mask: these numbers, or any three grey levels in their order.

    Raises
    ------
    SchemaError
        Other than three grey levels.
    """
    mask, values = _levels("body_mask", given, 3)
    if not len(values) or values[-1] <= 2:
        if np.any(values != np.round(values)) or np.any(values < -1):
            raise SchemaError.about("body_mask", f"values {values[0]:g} to {values[-1]:g}", "labels 0, 1 and 2")
        return mask
    levels = values[values >= 0]
    if len(levels) != 3:
        found = f"grey levels {', '.join(f'{level:g}' for level in levels)}"
        raise SchemaError.about("body_mask", found, "three: air, body and lung in rising order, or labels 0, 1 and 2")
    return np.where(mask < 0, -1.0, np.searchsorted(levels, mask))


def lesion_labels(given: Any) -> np.ndarray:
    """1 where a user's lesion mask is above 0.

    Raises
    ------
    SchemaError
        More than two grey levels.
    """
    mask, _ = _levels("lesion_mask", given, 2)
    return np.where(mask < 0, -1.0, mask > 0)
