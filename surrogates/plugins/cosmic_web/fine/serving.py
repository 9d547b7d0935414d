"""cosmic-web as the weights of `super` serve it: the same question on a lattice of half the spacing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ....contract.deferred import deferred
from ....contract.findings import Target
from ....contract.plugin import Plugin
from ....io.gadget import GADGET, write_gadget
from ..impostors import impostors
from ..measure import measure, reduce
from ..prior import prior
from ..reference import NBodyReference
from ..targets import LIMITS
from ..variables import FINE_SPACING, conditions, outputs

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

STEPS = 20
"""Steps of the reference of fine boxes."""

N_BOXES = 6
"""Boxes that the figures are taken on: each costs the reference a quarter of a minute."""

TARGETS: Mapping[str, Target] = {
    name: Target(N_BOXES, at_most=limit, description=f"{text}, all scales halved")
    for name, (limit, text) in LIMITS.items()
}

measure_fine = partial(measure, spacing=FINE_SPACING)
reduce_fine = partial(reduce, spacing=FINE_SPACING)
GADGET_FINE = replace(GADGET, write=partial(write_gadget, spacing=FINE_SPACING))


def fine_reference() -> NBodyReference:
    """The particle-mesh code on particles 1 Mpc/h apart, in 20 steps."""
    return NBodyReference(conditions(FINE_SPACING), outputs(FINE_SPACING), STEPS)


def fine_truth(n: int, seed: int) -> xr.Dataset:
    """Boxes of the prior's cosmologies and redshifts; sample i depends on (seed, i) alone."""
    return fine_reference().sample(prior(conditions(FINE_SPACING), n, seed), seed=seed)


def fine_figure(samples: xr.Dataset, truth: xr.Dataset | None = None) -> Figure:
    """The default's page, at the finer spacing."""
    from ..figure import figure

    return figure(samples, truth, FINE_SPACING)


def of_fine(plugin: Plugin) -> Plugin:
    """The plugin for particles 1 Mpc/h apart."""
    return replace(
        plugin,
        title="N-body boxes of particles 1 Mpc/h apart from an initial field and a cosmology (particle mesh)",
        truth=fine_truth,
        reference=fine_reference,
        codec=deferred("surrogates.plugins.cosmic_web.fine.codec:FineCodec"),
        measure=measure_fine,
        reduce=reduce_fine,
        targets=TARGETS,
        impostors=impostors(FINE_SPACING),
        figure=fine_figure,
        formats=(GADGET_FINE,),
    )
