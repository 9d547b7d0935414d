"""Conditions and outputs of style transfer: a picture, a style and how much of it in, the picture in that style out."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable
from ...physics.images.drawn_styles import NAMES

_AXES = (Dimension("y"), Dimension("x"), Dimension("channel"))
_KINDS = "grey, grey and alpha, RGB, or RGB and alpha (sRGB)"

CONDITIONS = Schema(
    (
        Variable(
            "image",
            f"picture to draw anew, from black 0 to white 1: {_KINDS}",
            dims=("y", "x", "channel"),
            dtype="float32",
            bounds=(0.0, 1.0),
        ),
        Variable("style", "way to draw", dtype="int64", categories=NAMES),
        Variable("strength", "how far towards the style; 0 leaves the picture", bounds=(0.0, 1.0), default=1.0),
        Variable("second_style", "way to draw that is mixed in", dtype="int64", categories=NAMES, default=NAMES[0]),
        Variable("second_share", "share of the second style in the mixture", bounds=(0.0, 1.0), default=0.0),
    ),
    _AXES,
)

OUTPUTS = Schema(
    (
        Variable(
            "stylised",
            "the picture in the style, with its own channels and alpha",
            dims=("y", "x", "channel"),
            dtype="float32",
            bounds=(0.0, 1.0),
        ),
    ),
    _AXES,
)
