"""cosmic-web as the weights of `gan` serve it: another question, so another truth, other figures and another page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ....contract.deferred import deferred
from ....contract.laws import Law
from ....contract.plugin import Features, Plugin
from ....physics.cosmology import laws
from .impostors import IMPOSTORS
from .measure import high_level, measure, reduce
from .reference import DensityReference, truth
from .targets import TARGETS
from .variables import side_of

if TYPE_CHECKING:
    import xarray as xr

LAWS = (Law("mass", laws.mass, 1e-5), Law("positivity", laws.positivity, 1e-6))


@dataclass(frozen=True)
class Boxes:
    """Truth and reference of boxes of `side` mesh points."""

    side: int


class Truth(Boxes):
    """(n, seed) -> boxes of the prior's cosmologies and redshifts."""

    def __call__(self, n: int, seed: int) -> xr.Dataset:
        """Simulate `n` boxes; sample i depends on (seed, i) alone."""
        return truth(self.side, n, seed)


class Reference(Boxes):
    """() -> the reference of boxes of this size."""

    def __call__(self) -> DensityReference:
        """The simulator."""
        return DensityReference.of(self.side)


def of_density(plugin: Plugin) -> Plugin:
    """The plugin for boxes of the size that its outputs say, drawn from a cosmology alone."""
    side = side_of(plugin.outputs)
    return replace(
        plugin,
        title="Densities of small N-body boxes from a cosmology, with no initial field (particle mesh)",
        truth=Truth(side),
        reference=Reference(side),
        complete=None,
        codec=deferred("surrogates.plugins.cosmic_web.density.codec:DensityCodec"),
        constraints=LAWS,
        measure=measure,
        reduce=reduce,
        features=Features(high_level=high_level),
        targets=TARGETS,
        impostors=IMPOSTORS,
        figure=deferred("surrogates.plugins.cosmic_web.density.figure:figure"),
        formats=(),
        stochastic=True,
        checked={
            "truth_samples": 8,
            "samples": 64,
            "measured_samples": 64,
            "trains": False,
            "slow": ("measure", "truth", "reference", "fallback", "figure", "codec"),
        },
    )
