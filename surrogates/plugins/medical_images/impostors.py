"""Cheap fakes of medical images, which the figures must fail."""

from __future__ import annotations

from ...measuring.impostors import Blurred, ClassMean, PrincipalGaussian

blurred = Blurred(("image",), 1.5)

IMPOSTORS = {
    "mean image of the category": ClassMean(("image",), ("category",)),
    "principal-component Gaussian": PrincipalGaussian(("image",), ("category",), 50, bounds=(0.0, 1.0)),
    "blurred images": blurred,
}
