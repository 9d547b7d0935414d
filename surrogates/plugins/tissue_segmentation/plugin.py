"""tissue-segmentation: MR slices to grey matter, white matter, cerebrospinal fluid and lesions, with their volumes.

The truth is a simulated head, whose tissues are known by construction; a U-net learns them from its scans. A research
tool on one anatomical template: no clinical claim.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...io.grey_png import grey_png_format
from ...io.nifti import nifti_format
from ...physics.medical import laws
from .impostors import IMPOSTORS
from .measure import FIGURES
from .recipes import unet
from .reference import HeadReference, complete, prior
from .variables import CONDITIONS, OUTPUTS, SPACING, VOLUMES

PLUGIN = Plugin(
    name="tissue-segmentation",
    title="Grey and white matter, fluid and lesions of a T1-weighted MR slice, with volumes (simulated heads, MNI152)",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    complete=complete,
    codec=deferred("surrogates.plugins.tissue_segmentation.codec:SliceCodec"),
    recipes={"unet": unet()},
    constraints=(Law("volume", laws.volume, 1e-9, units="ml"),),
    measure=FIGURES,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.tissue_segmentation.figure:figure"),
    formats=(
        nifti_format("tissue", units="1", spacing=SPACING, field_spacing=SPACING, labels=True),
        grey_png_format("tissue", level=2.0, width=4.0),
    ),
    reference=HeadReference,
    stochastic=False,
    totals=tuple(VOLUMES.values()),
    extra="medical",
    reference_package="scikit-image",
    checked={
        "truth_samples": 8,
        "samples": 8,
        "measured_samples": 24,
        "trains": False,
        "slow": (
            "prior",
            "completion",
            "conditions_matter",
            "measure",
            "fallback",
            "extrapolation",
            "reference",
            "figure",
        ),
    },
)
