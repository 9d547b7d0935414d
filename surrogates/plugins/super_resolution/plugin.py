"""super-resolution: a photograph of four times the sides from a small one, of any size, grey or colour, with alpha.

What is exact: the cubic interpolation that the network adds to, what the result reduces to, alpha, and the channels and
size of the picture.
There is no reference that runs forward, for what a reduction lost is not in the small picture: the truth is photographs
and their reductions. `jpeg` and `jpeg-x2` enlarge reductions that were compressed, and keep no law.
"""

from __future__ import annotations

from functools import partial

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...contract.schema import Limit
from ...io.pictures import picture_formats
from ...physics.images.laws import is_picture, same_when_reduced
from .compressed.serving import of_compressed
from .compressed.variables import is_compressed
from .impostors import IMPOSTORS
from .measure import FIGURES
from .photographs import prior, truth
from .recipes import RECIPES
from .variables import CONDITIONS, OUTPUTS

LAWS = (
    Law(
        "same_when_reduced",
        partial(same_when_reduced, large="upscaled", small="image"),
        5e-3,  # the small picture is of bytes, and cut where the kernel overshoots
        strength="projection",
    ),
)


def found(plugin: Plugin) -> Plugin:
    """The plugin as weights serve it: pictures of JPEG files, or itself."""
    return of_compressed(plugin) if is_compressed(plugin.conditions) else plugin


PLUGIN = Plugin(
    name="super-resolution",
    title="photographs of four times the sides, from small ones of any size",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.super_resolution.codec:PictureCodec"),
    recipes=RECIPES,
    constraints=LAWS,
    limits=(Limit(("image",), partial(is_picture, name="image"), "1 (grey), 2, 3 (RGB) or 4 channels, the last axis"),),
    measure=FIGURES,
    targets=FIGURES.targets,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.super_resolution.figure:figure"),
    formats=picture_formats("upscaled", ("upscaled_y", "upscaled_x", "channel"), as_deep_as="image"),
    stochastic=False,
    found=found,
    extra="images",
    reference_package="pillow",
    checked={
        "truth_samples": 20,
        "samples": 40,
        "measured_samples": 20,
        "measures_truth": True,
        "trains": False,
        "slow": ("conditions_matter[jpeg", "spawned_process_gives_equal_bits[jpeg"),
    },
)
