"""climate-fields: days and seasons of a climate under any sea-surface temperature.

The reference is jcm with SPEEDY physics at T31. The default surrogate draws large scales of consecutive days from a
linear model in closed form, and makes each day's fields of them by one pass through a network on the sphere.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...io.cf_fields import CF_FIELDS
from ...physics.climate import laws
from .conditions import LIMITS, complete, prior
from .impostors import IMPOSTORS
from .recipes import gan, weather
from .reference import JcmReference, truth
from .targets import FEATURES, FIGURES, TARGETS
from .variables import CONDITIONS, OUTPUTS

LAWS = (
    Law("mean_surface_pressure", laws.mean_surface_pressure, 1e-7, strength="projection"),
    Law("negative_rain", laws.negative_rain, 0.0, units="kg m-2 s-1"),
)

PLUGIN = Plugin(
    name="climate-fields",
    title="Daily temperature, rain and surface pressure of a climate under any sea-surface temperature (jcm, SPEEDY)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    complete=complete,
    codec=deferred("surrogates.plugins.climate_fields.codec:ClimateCodec"),
    recipes={"weather": weather(), "gan": gan()},
    constraints=LAWS,
    measure=FIGURES,
    features=FEATURES,
    targets=TARGETS,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.climate_fields.figure:figure"),
    formats=(CF_FIELDS,),
    reference=JcmReference,
    limits=LIMITS,
    extra="climate",
    reference_package="jcm",
    checked={
        "truth_samples": 6,
        "samples": 40,
        "measured_samples": 200,
        "trains": False,
        "slow": ("truth", "measure", "residuals", "codec", "figure", "round_trip", "reference", "fallback", "targets"),
    },
)
