"""image-folder: images in colour by category, of the categories that any folder of images holds.

There is no forward reference: the truth is images that no training saw. The figures are checked on crops of the
packaged photographs, each photograph a category.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.plugin import Plugin
from ...contract.recipe import configurable
from ...io.pages import page_format
from ...io.pictures import picture_formats
from .crops import truth
from .impostors import IMPOSTORS
from .measure import FEATURES, FIGURES
from .recipes import Options, flow, gan, r3gan
from .variables import CONDITIONS, OUTPUTS

PLUGIN = Plugin(
    name="image-folder",
    title="images by category, learned from any folder of class folders",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    truth=truth,
    codec=deferred("surrogates.plugins.image_folder.codec:ColourCodec"),
    recipes={
        "flow": configurable(flow, Options(width=64, updates=3000)),
        "gan": configurable(gan, Options(width=32, updates=1800)),
        "r3gan": configurable(r3gan, Options(width=48, updates=1800)),
    },
    measure=FIGURES,
    features=FEATURES,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plotting.images:class_figure"),
    formats=(*picture_formats("image"), page_format("image")),
    extra="images",
    reference_package="pillow",
    checked={
        "truth_samples": 40,
        "samples": 24,
        "measured_samples": 240,
        "trains": False,
        "measures_truth": True,
        "learned_elsewhere": ("flow", "gan", "r3gan"),
        "slow": ("measure",),
    },
)
