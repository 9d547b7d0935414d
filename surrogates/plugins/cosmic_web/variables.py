"""Conditions and outputs of cosmic-web: names, units, ranges, and the spacing that every box shares."""

from __future__ import annotations

from ...contract.schema import Dimension, Schema, Variable

SPACING = 2.0
"""Mpc/h between neighbouring particles on the initial lattice, in every box."""

SIDE = 64
"""Particles a side of the training box, 128 Mpc/h, and of a box whose initial field is not given."""

MULTIPLE = 32
"""Sides of a user's initial field are multiples of so many points."""

_AXES = tuple(Dimension(axis, multiple=MULTIPLE) for axis in "xyz")
_COMPONENT = Dimension("component", size=3)

CONDITIONS = Schema(
    (
        Variable("omega_m", "matter density today over the critical density, flat universe", bounds=(0.2, 0.4)),
        Variable(
            "sigma_8", "deviation of the linear density contrast in spheres of 8 Mpc/h today", bounds=(0.65, 0.95)
        ),
        Variable("redshift", "redshift of the evolved box", bounds=(0.0, 3.0)),
        Variable(
            "initial_density",
            "linear density contrast scaled to today, on the lattice of the particles, 2 Mpc/h apart",
            dims=("x", "y", "z"),
            dtype="float32",
            optional=True,
        ),
    ),
    _AXES,
)

OUTPUTS = Schema(
    (
        Variable(
            "displacement",
            "comoving displacement of each particle from its lattice point",
            "Mpc/h",
            dims=("x", "y", "z", "component"),
            dtype="float32",
        ),
        Variable(
            "velocity",
            "peculiar velocity of each particle",
            "km s-1",
            dims=("x", "y", "z", "component"),
            dtype="float32",
        ),
        Variable(
            "density_contrast",
            "cloud-in-cell density contrast on the mesh of the lattice",
            dims=("x", "y", "z"),
            dtype="float32",
        ),
    ),
    (*_AXES, _COMPONENT),
)
