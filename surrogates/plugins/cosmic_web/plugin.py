"""cosmic-web: the evolved matter of a periodic box from its initial density field, or a seed, and a cosmology.

The reference is a particle-mesh code in 40 steps. The default surrogate runs the same code in four and corrects every
particle by a small network that moves with the lattice; counting the particles keeps mass and positivity exact. `super`
refines a run of every eighth particle; `gan` draws the densities of small boxes with no initial field.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...contract.recipe import configurable
from ...io.gadget import GADGET
from ...physics.cosmology import laws
from .density.recipes import GanOptions, gan
from .density.serving import of_density
from .fine.recipes import superresolved
from .fine.serving import of_fine
from .impostors import IMPOSTORS
from .measure import measure, reduce
from .prior import complete, prior
from .recipes import correction
from .reference import NBodyReference, truth
from .targets import TARGETS
from .variables import CONDITIONS, OUTPUTS, SPACING, spacing_of

LAWS = (
    Law("mass", laws.mass, 1e-5),
    Law("positivity", laws.positivity, 1e-6),
    Law("momentum", laws.momentum, 1e-3, units="km s-1"),
)


def found(plugin: Plugin) -> Plugin:
    """The plugin as weights serve it: densities that start from no field, particles of another spacing, or itself."""
    if "displacement" not in plugin.outputs:
        return of_density(plugin)
    return plugin if spacing_of(plugin.outputs) == SPACING else of_fine(plugin)


PLUGIN = Plugin(
    name="cosmic-web",
    title="N-body boxes: displacements, velocities and density from an initial field and a cosmology (particle mesh)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    complete=complete,
    codec=deferred("surrogates.plugins.cosmic_web.codec:BoxCodec"),
    recipes={"correction": correction(), "super": superresolved(), "gan": configurable(gan, GanOptions())},
    constraints=LAWS,
    measure=measure,
    reduce=reduce,
    targets=TARGETS,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.cosmic_web.figure:figure"),
    formats=(GADGET,),
    reference=NBodyReference,
    stochastic=False,
    found=found,
    extra="cosmology",
    reference_package="numba",
    checked={
        "truth_samples": 2,
        "samples": 4,
        "measured_samples": 4,
        "trains": False,
        "slow": (
            "prior",
            "completion",
            "truth",
            "measure",
            "residuals",
            "bits",
            "reference",
            "fallback",
            "extrapolation",
            "conditions_matter",
            "figure",
            "stream",
            "[super]",
        ),
    },
)
