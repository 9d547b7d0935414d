"""inpainting: a photograph and a mask to the whole photograph, of any size, grey or colour, with alpha.

What is exact: known pixels, which come back as they were given, and the channels and size of the picture. Laplace's
equation carries tones across the hole; the network adds what it misses. There is no reference that runs forward: the
truth is photographs with holes.
"""

from __future__ import annotations

from functools import partial

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...contract.schema import Limit
from ...io.pictures import picture_formats
from ...physics.images.laws import is_partly_known, is_picture, untouched
from .impostors import IMPOSTORS
from .measure import FIGURES
from .photographs import prior, truth
from .recipes import RECIPES
from .variables import CONDITIONS, OUTPUTS

LAWS = (Law("known_pixels", partial(untouched, made="inpainted", given="image", mask="mask"), 0.0),)

LIMITS = (
    Limit(("image",), partial(is_picture, name="image"), "1 (grey), 2, 3 (RGB) or 4 channels, the last axis"),
    Limit(("mask",), partial(is_partly_known, mask="mask"), "some pixels that are known, of mask 0"),
)

PLUGIN = Plugin(
    name="inpainting",
    title="photographs with holes, filled in",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.inpainting.codec:HoleCodec"),
    recipes=RECIPES,
    constraints=LAWS,
    limits=LIMITS,
    measure=FIGURES,
    targets=FIGURES.targets,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.inpainting.figure:figure"),
    formats=picture_formats("inpainted", as_deep_as="image"),
    stochastic=False,
    extra="images",
    reference_package="pillow",
    checked={
        "truth_samples": 20,
        "samples": 40,
        "measured_samples": 30,
        "trains": False,
        "measures_truth": True,
    },
)
