"""What the figures of galaxy images should reach: attributes within fixed bounds, distributions within two floors."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...contract.findings import Target
from ...contract.plugin import Features
from .measure import ATTRIBUTES, COMPARED, MAGNITUDE_BINS, MORPHOLOGY, NEIGHBOURS, features, pixels
from .statmorph_figures import STATMORPH_TARGETS
from .variables import MORPHOLOGIES, N_IMAGES

MEDIANS = {"flux": 0.01, "radius": 0.03, "ellipticity": 0.01}
"""Largest difference of the medians: relative, relative, absolute."""

SCATTER = math.log(1.25)
"""Largest |ln| of the ratio of the scatters: 0.8 to 1.25."""

UNCOVERED = 1.0 - 0.8 * (1.0 - 0.5**NEIGHBOURS)
"""1 - 0.8 of what two truths cover of each other, 1 - 2**-k for k neighbours (Naeem et al. 2020, lemma 1)."""

_TEXT = {
    "flux": "Kron flux (photutils)",
    "radius": "half-flux radius (photutils)",
    "ellipticity": "|e| of adaptive moments (hsm)",
}


def _targets() -> dict[str, Target]:
    targets = {
        "auc_high_level": Target(N_IMAGES, at_most=0.60, description="two-sample classifier on measured quantities"),
        "auc_pixels": Target(N_IMAGES, description="two-sample classifier, convolutional network on pixels"),
    }
    for kind in MORPHOLOGIES:
        attributes = [name for name in ATTRIBUTES if not (kind == "merger" and name == "ellipticity")]
        parts = {"": "", **{f"{low:g}-{high:g}/": f", r = {low:g} to {high:g}" for low, high in MAGNITUDE_BINS}}
        for name in attributes:
            for part, words in parts.items():
                prefix = f"{kind}/{part}{name}"
                targets[prefix] = Target(
                    N_IMAGES, at_most=MEDIANS[name], description=f"difference of medians of the {_TEXT[name]}{words}"
                )
                targets[f"{prefix}_scatter"] = Target(
                    N_IMAGES, at_most=SCATTER, description=f"|ln| of the ratio of scatters of the {_TEXT[name]}{words}"
                )
            targets[f"{kind}/draws_{name}"] = Target(
                N_IMAGES, at_most=MEDIANS[name], description=f"{_TEXT[name]} at fixed conditions, difference of medians"
            )
            targets[f"{kind}/draws_{name}_worst"] = Target(
                N_IMAGES, description=f"{_TEXT[name]} at fixed conditions, 90 % of conditions within"
            )
            targets[f"{kind}/draws_{name}_scatter"] = Target(
                N_IMAGES, at_most=SCATTER, description=f"{_TEXT[name]} at fixed conditions, |ln| of the scatters' ratio"
            )
        for name in (*MORPHOLOGY, *COMPARED):
            words = f"measured {name.replace('_', ' ')}" + ("" if name in MORPHOLOGY else " against the asked one")
            targets[f"{kind}/ks_{name}"] = Target(
                N_IMAGES, floors=2.0, description=f"Kolmogorov-Smirnov distance of the {words}"
            )
        targets[f"{kind}/uncovered"] = Target(
            N_IMAGES, at_most=UNCOVERED, description="truth without a near neighbour among the samples"
        )
        targets[f"{kind}/unrecalled"] = Target(N_IMAGES, description="samples without a near neighbour among the truth")
        targets[f"{kind}/unmeasured"] = Target(
            N_IMAGES, at_most=0.01, description="difference of the shares of images that a tool cannot measure"
        )
    return targets


TARGETS: Mapping[str, Target] = _targets() | STATMORPH_TARGETS

FEATURES = Features(high_level=features, images=pixels)
"""Inputs of the shared two-sample classifiers."""
