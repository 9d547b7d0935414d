"""Where GalSim's configuration files find the surrogate galaxies: ``modules: [surrogates.galsim]``."""

from .plugins.galaxy_images.surrogate_galaxy import *  # noqa: F403
