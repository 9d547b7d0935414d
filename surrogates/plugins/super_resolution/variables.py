"""Conditions and outputs of super-resolution: a small picture in, one of four times its sides out."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable

SCALE = 4
"""How many times larger the sides of a picture become."""

TIMES = {2: "twice", 4: "four times"}
"""Scale in words."""

_CHANNEL = Dimension("channel")

CONDITIONS = Schema(
    (
        Variable(
            "image",
            "picture to enlarge, from black 0 to white 1: grey, grey and alpha, RGB, or RGB and alpha (sRGB)",
            dims=("y", "x", "channel"),
            dtype="float32",
            bounds=(0.0, 1.0),
        ),
    ),
    (Dimension("y"), Dimension("x"), _CHANNEL),
)


def outputs(scale: int = SCALE) -> Schema:
    """The large picture, of `scale` times the sides."""
    return Schema(
        (
            Variable(
                "upscaled",
                f"picture of {TIMES[scale]} the sides, with the channels of the small one",
                dims=("upscaled_y", "upscaled_x", "channel"),
                dtype="float32",
                bounds=(0.0, 1.0),
            ),
        ),
        (
            Dimension("y"),
            Dimension("x"),
            Dimension("upscaled_y", of="y", scale=scale),
            Dimension("upscaled_x", of="x", scale=scale),
            _CHANNEL,
        ),
    )


def scale_of(schema: Schema) -> int:
    """How many times larger outputs are than the picture that was asked."""
    return schema.dimension("upscaled_y").scale


OUTPUTS = outputs()
