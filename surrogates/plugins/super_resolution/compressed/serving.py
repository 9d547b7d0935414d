"""super-resolution as the weights for JPEG files serve it: another truth, no law that holds, other figures."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ....contract.plugin import Plugin
from ..variables import scale_of
from .impostors import impostors
from .measure import FIGURES
from .photographs import prior, truth

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def compressed_figure(samples: xr.Dataset, truth: xr.Dataset | None = None, *, scale: int) -> Figure:
    """The default's page, at this scale."""
    from ..figure import figure

    return figure(samples, truth, scale)


def of_compressed(plugin: Plugin) -> Plugin:
    """The plugin for JPEG files, at the scale that its outputs say."""
    scale = scale_of(plugin.outputs)
    return replace(
        plugin,
        title=f"photographs of {scale} times the sides, from small JPEG files of any size, less their artefacts",
        prior=partial(prior, scale=scale),
        truth=partial(truth, scale=scale),
        constraints=(),
        measure=FIGURES[scale],
        targets=FIGURES[scale].targets,
        impostors=impostors(scale),
        figure=partial(compressed_figure, scale=scale),
    )
