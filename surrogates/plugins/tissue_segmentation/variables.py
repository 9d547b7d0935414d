"""Conditions and outputs of tissue-segmentation: names, units, ranges, and how a user's image is taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Dimension, Schema, Variable
from ...physics.medical.head import MOST, PIXEL, TISSUES

SPACING = (PIXEL, PIXEL, PIXEL)
"""Millimetres between slices, rows and columns, onto which volumes are brought."""

VOXEL = PIXEL**3 / 1000.0
"""Millilitres of a voxel."""

PROTOCOLS = ("usual", "unusual")

VOLUMES = {
    "cerebrospinal_fluid": "volume_csf",
    "grey_matter": "volume_grey_matter",
    "white_matter": "volume_white_matter",
    "lesion": "volume_lesion",
}
"""Volume by tissue."""

_IMAGE = (Dimension("y"), Dimension("x"))

CONDITIONS = Schema(
    (
        Variable(
            "mri",
            "T1-weighted axial slice in any units, 2 mm pixels, front at the top",
            dims=("y", "x"),
            dtype="float32",
            optional=True,
            brought="surrogates.plugins.tissue_segmentation.variables:mri_slice",
        ),
        Variable(
            "anatomy",
            "number of the simulated head, where no image is given",
            dtype="int64",
            bounds=(0, MOST - 1),
            optional=True,
        ),
        Variable(
            "protocol",
            "how the simulated scan varies: as in training, or with bias, noise and contrast beyond it",
            dtype="int8",
            categories=PROTOCOLS,
            default="usual",
        ),
    ),
    _IMAGE,
)

OUTPUTS = Schema(
    (
        Variable("tissue", "tissue of each pixel", dims=("y", "x"), dtype="int8", categories=TISSUES),
        *(
            Variable(name, f"volume of {tissue.replace('_', ' ')} in a slice of 2 mm", "ml")
            for tissue, name in VOLUMES.items()
        ),
    ),
    _IMAGE,
)


def mri_slice(given: Any) -> np.ndarray:
    """A user's MR slices as numbers (…, y, x).

    Raises
    ------
    SchemaError
        Hounsfield units, a truth value or text in place of an image, or an image of fewer than 16 pixels on a side.
    """
    try:
        image = np.asarray(getattr(given, "values", given), dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError.about("mri", f"a {type(given).__name__}", "an image of numbers (y, x)") from None
    if image.ndim >= 2 and min(image.shape[-2:]) < 16 and not np.isnan(image).all():
        raise SchemaError.about("mri", f"{image.shape[-2]} x {image.shape[-1]} pixels", "16 x 16 or more")
    finite = image[np.isfinite(image)]
    if finite.size and finite.min() < -200.0 and finite.min() < -0.2 * finite.max():
        raise SchemaError.about(
            "mri",
            f"values down to {finite.min():g}, as of Hounsfield units",
            "a T1-weighted magnitude image, 0 or more",
        )
    return image
