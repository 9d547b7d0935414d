"""Conditions and outputs of cosmic-web's densities: the cosmology alone goes in, the density on a mesh comes out."""

from __future__ import annotations

from ....contract.schema import Dimension, Schema
from ..variables import CONDITIONS as CONDITIONS_WITH_FIELD
from ..variables import OUTPUTS as EVERY_OUTPUT

SIDE = 32
"""Mesh points a side, 2 Mpc/h apart: a periodic box of 64 Mpc/h. The recipe's option `side` makes larger ones."""

CONDITIONS = Schema(tuple(CONDITIONS_WITH_FIELD[name] for name in ("omega_m", "sigma_8", "redshift")))


def outputs(side: int) -> Schema:
    """The density contrast on a mesh of `side` points."""
    axes = tuple(Dimension(axis, size=side, multiple=8) for axis in "xyz")
    return Schema((EVERY_OUTPUT["density_contrast"],), axes)


OUTPUTS = outputs(SIDE)


def side_of(schema: Schema) -> int:
    """Mesh points a side that outputs say."""
    return schema.dimension("x").size or SIDE
