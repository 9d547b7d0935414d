"""attribute-editing: a galaxy's picture with its class, size, shape, brightness or colour changed, all else kept.

The truth is exact: the same galaxy of galaxy-images, of the same seed, with one attribute changed. What is exact in the
edit: the light of each band where brightness or colour is asked. There is no reference that runs forward from a
picture alone. `labels` learns the same of any pictures with labels, in CelebA's layout.
"""

from __future__ import annotations

from functools import partial

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...contract.schema import Limit
from ...io.pictures import picture_formats
from ...physics.galaxies.laws import light_asked
from ...physics.images.laws import is_lit
from .counterfactuals import prior, truth
from .impostors import IMPOSTORS
from .labelled import described
from .measure import FIGURES
from .recipes import RECIPES
from .variables import BRIGHTEST, CONDITIONS, OUTPUTS, SOFT

LAWS = (
    Law(
        "light_asked",
        partial(light_asked, picture="edited", soft=SOFT, brightest=BRIGHTEST),
        2e-3,  # magnitudes; pictures are of single precision
        strength="projection",
    ),
)

PLUGIN = Plugin(
    name="attribute-editing",
    title="galaxies with class, size, shape, brightness or colour changed and all else kept",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.attribute_editing.codec:GalaxyEditCodec"),
    recipes=RECIPES,
    constraints=LAWS,
    limits=(Limit(("image",), partial(is_lit, name="image"), "a picture with some light in each channel"),),
    measure=FIGURES,
    targets=FIGURES.targets,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.attribute_editing.figure:figure"),
    formats=picture_formats("edited", as_deep_as="image"),
    found=described,
    stochastic=False,
    extra="galaxies",
    reference_package="galsim",
    checked={
        "truth_samples": 10,
        "samples": 60,
        "measured_samples": 40,
        "trains": False,
        "measures_truth": True,
        "slow": ("measure", "truth_is_deterministic"),
    },
)
