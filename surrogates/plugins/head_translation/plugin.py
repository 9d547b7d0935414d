"""ct-to-mri and mri-to-ct: axial head slices from one modality into the other, from one simulator and one training.

The reference scans a simulated head with the other modality: Hounsfield units, Radon transform, photons and filtered
back-projection for CT, signal equation, coil brightness and Rician noise for MR. The default is a U-net trained on
pairs; `cyclegan` learns from CT and MR of different heads. A research tool on one anatomical template: no clinical
claim.
"""

from __future__ import annotations

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...io.dicom import dicom_format
from ...io.grey_png import grey_png_format
from ...io.nifti import nifti_format
from ...physics.medical import laws
from .impostors import impostors
from .measure import CT_FIGURES, MRI_FIGURES
from .recipes import cyclegan, unet
from .reference import HeadScans
from .variables import CT_TO_MRI, MRI_TO_CT, SCHEMAS, SPACING

_TITLES = {
    CT_TO_MRI: "T1-weighted MR of a head slice from its CT (simulated heads, MNI152)",
    MRI_TO_CT: "CT of a head slice, in Hounsfield units, from its T1-weighted MR (simulated heads, MNI152)",
}
_LAWS = {
    CT_TO_MRI: Law("magnitude", laws.magnitude, 0.0),
    MRI_TO_CT: Law("storable", laws.storable, 0.0),
}
_WINDOWS = {CT_TO_MRI: (0.8, 1.6), MRI_TO_CT: (40.0, 400.0)}
_MODALITIES = {"ct": "CT", "mri": "MR"}


def _plugin(name: str) -> Plugin:
    conditions, outputs = SCHEMAS[name]
    source, made = conditions.names[0], outputs.names[0]
    scans = HeadScans(conditions, outputs, source, made)
    level, width = _WINDOWS[name]
    modality = _MODALITIES[made]
    return Plugin(
        name=name,
        title=_TITLES[name],
        conditions=conditions,
        outputs=outputs,
        prior=scans.prior,
        complete=scans.complete,
        codec=deferred("surrogates.plugins.head_translation.codec:TranslationCodec"),
        recipes={"unet": unet(name), "cyclegan": cyclegan(name)},
        constraints=(_LAWS[name],),
        measure=CT_FIGURES if made == "ct" else MRI_FIGURES,
        impostors=impostors(source, made),
        figure=deferred("surrogates.plugins.head_translation.figure:figure"),
        formats=(
            nifti_format(made, units="1", spacing=SPACING, field_spacing=SPACING),
            dicom_format(made, modality=modality, spacing=SPACING, field_spacing=SPACING),
            grey_png_format(made, level=level, width=width),
        ),
        reference=_Reference(scans),
        stochastic=False,
        extra="medical",
        reference_package="scikit-image",
        checked={
            "truth_samples": 6,
            "samples": 8,
            "measured_samples": 16,
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
                "truth",
            ),
        },
    )


class _Reference:
    """Gives the reference when it is asked for."""

    def __init__(self, scans: HeadScans) -> None:
        self.scans = scans

    def __call__(self) -> HeadScans:
        """The simulator of one direction."""
        return self.scans


CT_TO_MRI_PLUGIN = _plugin(CT_TO_MRI)
MRI_TO_CT_PLUGIN = _plugin(MRI_TO_CT)
