"""Condition and output of image-folder: a category, and one image in colour."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable

CATEGORIES = ("astronaut", "tabby", "coffee", "rocket", "galaxies", "retina", "camera", "brick", "gravel", "grass")
"""The packaged photographs, whose crops the figures are checked on; training finds those of a folder."""

SIZE = 32
"""Pixels on a side where nothing else is asked."""

N_IMAGES = 2000
"""Images on each side that figures are asked at."""


def schemas(categories: tuple[str, ...] = CATEGORIES, size: int = SIZE) -> tuple[Schema, Schema]:
    """Conditions and outputs: one label, and one image of `size` pixels on a side."""
    conditions = Schema((Variable("category", "name of the sub-folder", dtype="int16", categories=categories),))
    image = Variable(
        "image",
        "picture from black 0 to white 1: red, green and blue (sRGB), row 0 at the top",
        dims=("y", "x", "channel"),
        dtype="float32",
        bounds=(0.0, 1.0),
    )
    return conditions, Schema((image,), (Dimension("y", size), Dimension("x", size), Dimension("channel", 3)))


CONDITIONS, OUTPUTS = schemas()
