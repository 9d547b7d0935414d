"""Condition and output of medical images: a category, and one grey image."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable

CATEGORIES = ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT")
"""The folders of MedNIST, which the released weights know; training finds those of a user's own folder."""

SIZE = 64
"""Pixels on a side of the released weights' images."""

N_IMAGES = 480
"""Images on each side that figures are asked at: as many as half of the packaged held-out ones."""


def conditions(categories: tuple[str, ...] = CATEGORIES) -> Schema:
    """One label."""
    return Schema((Variable("category", "modality and region, or pathology", dtype="int8", categories=categories),))


def outputs(size: int = SIZE) -> Schema:
    """One grey image of `size` pixels on a side."""
    return Schema(
        (
            Variable(
                "image",
                "grey value of 8 bits over 255, row 0 at the top",
                "1",
                ("y", "x"),
                "float32",
                bounds=(0.0, 1.0),
            ),
        ),
        (Dimension("y", size), Dimension("x", size)),
    )


CONDITIONS, OUTPUTS = conditions(), outputs()
