"""Conditions and outputs of cosmic-web: names, units, ranges, and the spacing of the particles that a model states."""

from __future__ import annotations

from dataclasses import replace

from ...contract.schema import Dimension, Schema, Variable, replace_variables

SPACING = 2.0
"""Mpc/h between neighbouring particles on the initial lattice, in every box but those of `super`."""

FINE_SPACING = 1.0
"""That of `super`."""

SIDE = 64
"""Particles a side of the training box, 128 Mpc/h, and of a box whose initial field is not given."""

MULTIPLE = 32
"""Sides of a user's initial field are multiples of so many points."""

_COMPONENT = Dimension("component", size=3)


def _axes(spacing: float) -> tuple[Dimension, ...]:
    return tuple(Dimension(axis, multiple=round(MULTIPLE * SPACING / spacing)) for axis in "xyz")


def _said(spacing: float) -> str:
    """What a schema says of a spacing other than the default's."""
    return "" if spacing == SPACING else f"particles {spacing:g} Mpc/h apart"


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
    _axes(SPACING),
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
    (*_axes(SPACING), _COMPONENT),
)


def conditions(spacing: float) -> Schema:
    """The conditions for particles `spacing` Mpc/h apart."""
    field = CONDITIONS["initial_density"]
    told = replace(field, long_name=field.long_name.replace(f"{SPACING:g} Mpc/h", f"{spacing:g} Mpc/h"))
    fine = replace_variables(CONDITIONS, {field.name: told})
    return replace(fine, dimensions=_axes(spacing), source=_said(spacing))


def outputs(spacing: float) -> Schema:
    """The outputs for particles `spacing` Mpc/h apart."""
    return replace(OUTPUTS, dimensions=(*_axes(spacing), _COMPONENT), source=_said(spacing))


def spacing_of(schema: Schema) -> float:
    """Mpc/h between the particles that a schema stands for."""
    return FINE_SPACING if schema.source == _said(FINE_SPACING) else SPACING
