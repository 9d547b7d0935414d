"""Conditions and outputs of inpainting: a picture and which of its pixels are to be filled in; the whole picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Dimension, Schema, Variable

_AXES = (Dimension("y"), Dimension("x"), Dimension("channel"))

CONDITIONS = Schema(
    (
        Variable(
            "image",
            "picture with a hole, from black 0 to white 1: grey, grey and alpha, RGB, or RGB and alpha (sRGB)",
            dims=("y", "x", "channel"),
            dtype="float32",
            bounds=(0.0, 1.0),
        ),
        Variable(
            "mask",
            "1 where the picture is to be filled in, 0 where it is known",
            dims=("y", "x"),
            dtype="int8",
            brought="surrogates.plugins.inpainting.variables:mask_of",
        ),
    ),
    _AXES,
)

OUTPUTS = Schema(
    (
        Variable(
            "inpainted",
            "picture without a hole; where it was known it is untouched",
            dims=("y", "x", "channel"),
            dtype="float32",
            bounds=(0.0, 1.0),
        ),
    ),
    _AXES,
)


def mask_of(given: Any) -> np.ndarray:
    """What a user calls a mask as 0 and 1: truth values, bytes 0 to 255, numbers in [0, 1], a picture of them.

    From half of white on a pixel is to be filled in. Alpha of a picture does not count.

    Parameters
    ----------
    given : DataArray or array-like
        (…, y, x); a DataArray may have an axis `channel`.

    Raises
    ------
    SchemaError
        What holds no numbers, one that is not finite, or one outside those ranges.
    """
    channel = "channel" in getattr(given, "dims", ())
    if channel:
        count = given.sizes["channel"]
        given = given.isel(channel=slice(0, count - 1 if count in (2, 4) else count)).mean("channel")
    values = np.asarray(getattr(given, "values", given))
    if values.dtype.kind not in "biuf":
        raise SchemaError.about("mask", f"holds {values.dtype}", "0 and 1, or bytes", value=values.dtype)
    if values.dtype.kind == "b":
        return values.astype(np.int8)
    if values.size and not np.isfinite(values).all():
        raise SchemaError.about("mask", "holds numbers that are not finite", "0 and 1, or bytes", value=np.nan)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    white = 1.0 if high <= 1.0 else 255.0
    if low < 0.0 or high > white or (white > 1.0 and values.dtype.kind == "f" and np.any(values % 1)):
        raise SchemaError.about("mask", f"numbers from {low:g} to {high:g}", "0 and 1, or bytes", value=high)
    return (values >= 0.5 * white).astype(np.int8)
