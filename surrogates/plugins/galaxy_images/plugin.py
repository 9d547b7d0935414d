"""galaxy-images: galaxies of four morphological classes in g, r and i, 64 to 128 pixels, with PSF and noise as asked.

The reference is GalSim. The default surrogate draws a galaxy's parts in closed form at random structure, with a
learned calibration of a spiral's light; PSF, pixel scale, flux and noise are exact. Networks that learned GalSim's
parts, and a conditional GAN and a diffusion model, of pixels and of these parts, stand beside it; one recipe learns
from a user's cutouts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...physics.galaxies import laws
from .catalogue import GALAXY_FITS
from .impostors import IMPOSTORS
from .limits import LIMITS
from .measure import measure
from .observed_recipe import cutouts
from .pictures import PNG
from .pixel_recipes import ddpm, gan
from .prior import complete, prior
from .recipes import decoder, learned, parts_ddpm, parts_gan
from .reference import GalaxyReference, truth
from .targets import FEATURES, TARGETS
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    pass


LAWS = (
    Law("flux", laws.flux, 1e-6),
    Law("enclosed_flux", laws.enclosed_flux, 5e-3),
    Law("positive_light", laws.positive_light, 1e-3),
)

PLUGIN = Plugin(
    name="galaxy-images",
    title="Galaxy images in g, r and i from their physical attributes, PSF and noise included (GalSim)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    complete=complete,
    codec=deferred("surrogates.plugins.galaxy_images.codec:GalaxyCodec"),
    recipes={
        "decoder": decoder(),
        "learned": learned(),
        "gan": gan(),
        "ddpm": ddpm(),
        "cutouts": cutouts(),
        "parts-gan": parts_gan(),
        "parts-ddpm": parts_ddpm(),
    },
    constraints=LAWS,
    measure=measure,
    features=FEATURES,
    targets=TARGETS,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.galaxy_images.figure:figure"),
    formats=(GALAXY_FITS, PNG),
    reference=GalaxyReference,
    limits=LIMITS,
    extra="galaxies",
    reference_package="galsim",
    checked={
        "truth_samples": 40,
        "samples": 150,
        "measured_samples": 600,
        "trains": False,
        "slow": ("measure", "figure", "[ddpm]", "[learned]"),
    },
)
