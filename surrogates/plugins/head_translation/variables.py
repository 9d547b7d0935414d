"""Conditions and outputs of both directions: names, units, ranges, and how a user's image is taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Dimension, Schema, Variable
from ...physics.medical import ct
from ...physics.medical.head import MOST, PIXEL

SPACING = (PIXEL, PIXEL, PIXEL)
"""Millimetres between slices, rows and columns, onto which volumes are brought."""

CT_TO_MRI, MRI_TO_CT = "ct-to-mri", "mri-to-ct"
LEAST_PIXELS = 16

_IMAGE = (Dimension("y"), Dimension("x"))
_MODULE = "surrogates.plugins.head_translation.variables"
_ANATOMY = Variable(
    "anatomy",
    "number of the simulated head, where no image is given",
    dtype="int64",
    bounds=(0, MOST - 1),
    optional=True,
)
_TEXTS = {
    "ct": "axial CT slice of a head, Hounsfield units, 2 mm pixels, front at the top",
    "mri": "T1-weighted axial slice, white matter about 1, 2 mm pixels, front at the top",
}


def _image(name: str, *, asked: bool) -> Variable:
    text = _TEXTS[name].replace("white matter about 1", "any units") if asked else _TEXTS[name]
    brought = f"{_MODULE}:{name}_slice" if asked else ""
    return Variable(name, text, dims=("y", "x"), dtype="float32", optional=asked, brought=brought)


def schemas(source: str, made: str) -> tuple[Schema, Schema]:
    """Conditions and outputs of the direction from `source` to `made`."""
    return Schema((_image(source, asked=True), _ANATOMY), _IMAGE), Schema((_image(made, asked=False),), _IMAGE)


SCHEMAS = {CT_TO_MRI: schemas("ct", "mri"), MRI_TO_CT: schemas("mri", "ct")}
"""Conditions and outputs by plugin."""


def _numbers(name: str, given: Any) -> np.ndarray:
    try:
        image = np.asarray(getattr(given, "values", given), dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError.about(name, f"a {type(given).__name__}", "an image of numbers (y, x)") from None
    small = image.ndim >= 2 and min(image.shape[-2:]) < LEAST_PIXELS
    if small and not np.isnan(image).all():
        pixels = f"{image.shape[-2]} x {image.shape[-1]} pixels"
        raise SchemaError.about(name, pixels, f"{LEAST_PIXELS} x {LEAST_PIXELS} or more")
    return image


def ct_slice(given: Any) -> np.ndarray:
    """A user's CT slices (…, y, x) in Hounsfield units, held within what a scanner stores.

    Raises
    ------
    SchemaError
        Values that cannot be Hounsfield units of a head in air, or too few pixels.
    """
    image = _numbers("ct", given)
    finite = image[np.isfinite(image)]
    if finite.size and finite.min() > -500.0:
        found = f"values from {finite.min():g} to {finite.max():g}"
        raise SchemaError.about("ct", found, "Hounsfield units, with air about -1000 around the head")
    if finite.size and finite.max() <= -500.0:
        raise SchemaError.about(
            "ct", f"values up to {finite.max():g}, air alone", "a slice of a head, soft tissue about 40"
        )
    return np.clip(image, ct.LEAST, ct.MOST) if finite.size and finite.min() >= -4096 else _far(image, finite)


def _far(image: np.ndarray, finite: np.ndarray) -> np.ndarray:
    if finite.size:
        found = f"values down to {finite.min():g}"
        raise SchemaError.about("ct", found, "Hounsfield units from -1024; rescale the stored numbers first")
    return image


def mri_slice(given: Any) -> np.ndarray:
    """A user's MR slices (…, y, x) in any units.

    Raises
    ------
    SchemaError
        Hounsfield units in place of a magnitude image, or too few pixels.
    """
    image = _numbers("mri", given)
    finite = image[np.isfinite(image)]
    if finite.size and finite.min() < -200.0 and finite.min() < -0.2 * finite.max():
        found = f"values down to {finite.min():g}, as of Hounsfield units"
        raise SchemaError.about("mri", found, "a T1-weighted magnitude image, 0 or more")
    return image
