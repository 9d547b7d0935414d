"""Conditions and outputs where the small picture is of a JPEG file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ....contract.schema import Schema
from ..variables import CONDITIONS, outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

__all__ = ["LARGE_TILE", "conditions", "is_compressed", "outputs", "schemas"]

LARGE_TILE = 192
"""Pixels on a side of the photographs' tiles that training keeps, whatever the scale."""

_KIND = "JPEG"


def conditions() -> Schema:
    """The picture to enlarge, which a JPEG file holds."""
    return replace(CONDITIONS, source=_KIND)


def is_compressed(schema: Schema) -> bool:
    """Whether these conditions are of JPEG files."""
    return schema.source == _KIND


def schemas(scale: int, pools: Sequence[xr.Dataset]) -> tuple[Schema, Schema]:
    """Of a recipe that enlarges so many times."""
    del pools
    return conditions(), outputs(scale)
