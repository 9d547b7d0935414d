"""style-transfer: a photograph of any size drawn in one of eight ways, or in a mixture of two, as strongly as is asked.

The reference brings each picture's own pixels to the least loss of content and style by L-BFGS; the network does it in
one pass. What is exact: no pixel changes by more than the strength, alpha, and the channels and size of the picture.
The styles are pictures made by rule (`surrogates.physics.images.drawn_styles`); no artist's work was used.
"""

from __future__ import annotations

from functools import partial

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...contract.schema import Limit
from ...io.pictures import picture_formats
from ...physics.images.laws import is_picture, within_strength
from .impostors import IMPOSTORS
from .measure import FIGURES
from .photographs import prior
from .recipes import RECIPES
from .reference import OptimisedPictures
from .variables import CONDITIONS, OUTPUTS

LAWS = (
    Law(
        "change_within_strength",
        partial(within_strength, made="stylised", given="image", strength="strength"),
        1e-6,  # pictures are of single precision
    ),
)

PLUGIN = Plugin(
    name="style-transfer",
    title="photographs of any size drawn in eight ways, mixed and as strongly as asked",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    codec=deferred("surrogates.plugins.style_transfer.codec:StyleCodec"),
    recipes=RECIPES,
    constraints=LAWS,
    limits=(Limit(("image",), partial(is_picture, name="image"), "1 (grey), 2, 3 (RGB) or 4 channels, the last axis"),),
    measure=FIGURES,
    targets=FIGURES.targets,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.style_transfer.figure:figure"),
    formats=picture_formats("stylised", as_deep_as="image"),
    reference=OptimisedPictures,
    stochastic=False,
    extra="images",
    reference_package="torch",
    checked={
        "truth_samples": 2,
        "samples": 40,
        "measured_samples": 24,
        "trains": False,
        "slow": ("measure", "prior", "fallback", "reference", "truth_is_deterministic", "conditions_matter"),
    },
)
