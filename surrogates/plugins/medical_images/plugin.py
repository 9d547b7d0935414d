"""medical-images: grey images by category, 64 x 64 pixels, of the categories that a folder of images holds.

There is no forward reference: the truth is held-out images of MedNIST, and what judges generated images is a network of
features that saw real training images alone. A research tool; no clinical claim.
"""

from __future__ import annotations

from functools import partial

from ...contract.deferred import deferred
from ...contract.plugin import Plugin
from ...contract.recipe import configurable
from ...io.grey_png import grey_png_format
from .impostors import IMPOSTORS
from .measure import FEATURES, FIGURES
from .packaged import prior, truth
from .recipes import Options, flow, gan
from .variables import CONDITIONS, OUTPUTS

PLUGIN = Plugin(
    name="medical-images",
    title="medical images by category (CT, MRI, X-ray), learned from a folder of images",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=truth,
    codec=deferred("surrogates.plugins.medical_images.codec:GreyCodec"),
    recipes={
        "flow": configurable(flow, Options(width=56, updates=2200)),
        "gan": configurable(gan, Options(updates=1000)),
        "dcgan": configurable(partial(gan, auxiliary=False), Options(updates=800)),
    },
    measure=FIGURES,
    features=FEATURES,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plotting.images:class_figure"),
    formats=(grey_png_format("image", level=0.5, width=1.0),),
    extra="medical",
    checked={"truth_samples": 40, "samples": 20, "measured_samples": 240, "trains": False, "slow": ("measure",)},
)
