"""Cheap fakes of images, which the figures must fail."""

from __future__ import annotations

from ...measuring.impostors import Blurred, ClassMean, PrincipalGaussian

IMPOSTORS = {
    "mean image of the category": ClassMean(("image",), ("category",)),
    "principal-component Gaussian": PrincipalGaussian(("image",), ("category",), 50, bounds=(0.0, 1.0)),
    "blurred images": Blurred(("image",), 1.0),
}
