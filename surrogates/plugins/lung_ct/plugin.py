"""lung-ct: a lesion mask and a body mask to a CT slice of the chest, in Hounsfield units.

The reference is a procedural chest, scanned: projections, photons, filtered back-projection. The surrogate draws the
slice from the masks. A research tool on one simulated population: no clinical claim.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.plugin import Plugin
from ...contract.recipe import configurable
from ...io.dicom import dicom_format
from ...io.grey_png import grey_png_format
from .impostors import IMPOSTORS
from .measure import FEATURES, FIGURES
from .recipes import Options, pix2pix, unet
from .reference import ThoraxReference, complete, prior
from .variables import CONDITIONS, OUTPUTS, SPACING

PLUGIN = Plugin(
    name="lung-ct",
    title="CT slice of the chest from masks of lesions and lungs (simulated chests, scanned)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    complete=complete,
    codec=deferred("surrogates.plugins.lung_ct.codec:MaskCodec"),
    recipes={
        "unet": configurable(unet, Options(updates=1000)),
        "pix2pix": configurable(pix2pix, Options(updates=300)),
    },
    measure=FIGURES,
    features=FEATURES,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.lung_ct.figure:figure"),
    formats=(
        dicom_format("ct", modality="CT", spacing=SPACING, body_part="CHEST"),
        grey_png_format("ct", level=-600.0, width=1500.0),
    ),
    reference=ThoraxReference,
    extra="medical",
    reference_package="scikit-image",
    checked={
        "truth_samples": 6,
        "samples": 8,
        "measured_samples": 32,
        "trains": False,
        "slow": (
            "prior",
            "completion",
            "measure",
            "impostor",
            "fallback",
            "extrapolation",
            "reference",
            "figure",
            "targets",
            "card",
        ),
    },
)
