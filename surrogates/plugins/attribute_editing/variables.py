"""Conditions and outputs of attribute editing: a picture of a galaxy and what is to be changed of it, if anything."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable

SIZE = 64
"""Pixels on a side."""

CLASSES = ("spiral", "elliptical")
PIXEL = 0.1
"""Side of a pixel, arcsec."""

ZERO_POINT = 31.4
"""AB magnitude of 1 nJy."""

SOFT, BRIGHTEST = 1.0, 3.0e4
"""Of the stretch, nJy in a pixel: where it turns from linear to logarithmic, and what is white."""

ATTRIBUTES = ("half_light_radius", "ellipticity", "magnitude_r", "colour")
"""Numbers that can be asked beside the class."""

AXES = (Dimension("y", SIZE), Dimension("x", SIZE), Dimension("channel", 3))


def picture(name: str, text: str) -> Variable:
    """A picture of SIZE x SIZE pixels in colour."""
    return Variable(name, text, dims=("y", "x", "channel"), dtype="float32", bounds=(0.0, 1.0))


CONDITIONS = Schema(
    (
        picture("image", "galaxy in i, r and g as red, green and blue, asinh(flux / 1 nJy) / asinh(3e4), row 0 below"),
        Variable("morphology", "class to make of it", dtype="int8", categories=CLASSES, optional=True),
        Variable(
            "half_light_radius",
            "circularised half-light radius in r to give it, before 0.2 arcsec of blur",
            "arcsec",
            bounds=(0.3, 1.1),
            optional=True,
        ),
        Variable("ellipticity", "(1 - q) / (1 + q) to give it", bounds=(0.0, 0.6), optional=True),
        Variable(
            "position_angle",
            "angle of the major axis for the ellipticity asked, counter-clockwise from +x; its own where not asked",
            "deg",
            bounds=(0.0, 180.0),
            optional=True,
        ),
        Variable(
            "magnitude_r", "AB magnitude in r of the light in the stamp", "mag", bounds=(18.0, 25.0), optional=True
        ),
        Variable("colour", "g - i of the light in the stamp", "mag", bounds=(-1.0, 5.0), optional=True),
    ),
    AXES,
)

OUTPUTS = Schema((picture("edited", "the same galaxy with what was asked changed, as the picture given"),), AXES)
