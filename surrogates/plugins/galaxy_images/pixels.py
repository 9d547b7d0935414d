"""Galaxy images as the GAN and the diffusion model see them: the 8 numbers of a condition, and a normalised image.

Images are turned by symmetries of the square, which lose nothing, until the major axis lies between 0 and 45 degrees.
A pixel is its surface brightness over the mean inside the half-light radius, by asinh to [-1, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...contract.errors import SchemaError
from . import geometry
from .observation import detect, fluxes, stamp_size, with_defaults
from .variables import BAND_LIMIT_FWHM, BANDS, CONDITIONS, MORPHOLOGIES, PIXEL_SCALE, STAMP

Tensors = dict[str, Tensor]

ATTRIBUTES = (
    "spiral",
    "elliptical",
    "merger",
    "log_half_light_radius",
    "ellipticity_along",
    "ellipticity_diagonal",
    "concentration",
    "redshift",
)
"""Condition of a galaxy, each number in [0, 1].

Weights of three classes (an edge-on galaxy has none); logarithm of the half-light radius; |e| cos 2a and |e| sin 2a of
the position angle a in [0, 45] deg; B/T of a disc galaxy, or the Sersic index; redshift.
"""

MEASURABLE = len(ATTRIBUTES) - 1
"""The first so many can be read off a normalised image; the redshift cannot."""

SOFTENING = 0.01
"""Brightness, over the mean inside the half-light radius, where asinh turns from linear to logarithmic."""

NOISE = tuple(f"noise_{band}" for band in BANDS)

_RADIUS = CONDITIONS["half_light_radius"].bounds or (0.25, 1.5)
_ELLIPTICITY = (CONDITIONS["ellipticity"].bounds or (0.0, 0.9))[1]
_SERSIC = CONDITIONS["sersic_index"].bounds or (0.5, 6.0)
_REDSHIFT = CONDITIONS["redshift"].bounds or (0.02, 2.0)
_LEAST = 1e-4  # of the flux outside the stamp


def attributes_of(conditions: Tensors, morphology: Tensor) -> Tensor:
    """(n, 8) the numbers of `ATTRIBUTES`, for galaxies of these classes (n,)."""
    low, high = torch.tensor([geometry.ellipticity_range(k) for k in range(len(MORPHOLOGIES))]).T.double()
    kind = morphology.long()
    ellipticity = torch.minimum(torch.maximum(conditions["ellipticity"].double(), low[kind]), high[kind])
    twice = torch.deg2rad(2.0 * folded_angle(conditions["position_angle"].double()))
    disc = (kind == geometry.SPIRAL) | (kind == geometry.EDGE_ON)
    index = (conditions["sersic_index"].double() - _SERSIC[0]) / (_SERSIC[1] - _SERSIC[0])
    classes = [(kind == k).double() for k in (geometry.SPIRAL, geometry.ELLIPTICAL, geometry.MERGER)]
    numbers = (
        torch.log(conditions["half_light_radius"].double() / _RADIUS[0]) / math.log(_RADIUS[1] / _RADIUS[0]),
        ellipticity * torch.cos(twice) / _ELLIPTICITY,
        ellipticity * torch.sin(twice) / _ELLIPTICITY,
        torch.where(disc, conditions["bulge_fraction"].double(), index),
        (conditions["redshift"].double() - _REDSHIFT[0]) / (_REDSHIFT[1] - _REDSHIFT[0]),
    )
    return torch.stack((*classes, *numbers), dim=1)


def folded_angle(position_angle: Tensor) -> Tensor:
    """Position angle [deg] after the symmetries that `fold` applies, in [0, 45]."""
    mirrored, swapped = _symmetries(position_angle)
    angle = torch.remainder(position_angle, 180.0)
    angle = torch.where(mirrored, 180.0 - angle, angle)
    return torch.where(swapped, 90.0 - angle, angle)


def _symmetries(position_angle: Tensor) -> tuple[Tensor, Tensor]:
    """Whether a galaxy is mirrored about the x axis, and then has x and y swapped, (n,) each."""
    angle = torch.remainder(position_angle, 180.0)
    mirrored = angle > 90.0
    return mirrored, torch.where(mirrored, 180.0 - angle, angle) > 45.0


def fold(image: Tensor, position_angle: Tensor) -> Tensor:
    """Images (n, band, y, x) mirrored and swapped so that the major axis lies between 0 and 45 degrees."""
    mirrored, swapped = (mark[:, None, None, None] for mark in _symmetries(position_angle))
    image = torch.where(mirrored, image.flip(-2), image)
    return torch.where(swapped, image.transpose(-1, -2), image)


def unfold(image: Tensor, position_angle: Tensor) -> Tensor:
    """Inverse of `fold`."""
    mirrored, swapped = (mark[:, None, None, None] for mark in _symmetries(position_angle))
    image = torch.where(swapped, image.transpose(-1, -2), image)
    return torch.where(mirrored, image.flip(-2), image)


def observed_area(attributes: Tensor) -> Tensor:
    """2 pi r^2 in pixels, (n,), r the half-light radius with the band limit added in quadrature."""
    radius = _RADIUS[0] * torch.exp(attributes[:, 3] * math.log(_RADIUS[1] / _RADIUS[0]))
    return 2.0 * math.pi * (radius**2 + BAND_LIMIT_FWHM**2 / 4.0) / PIXEL_SCALE**2


def shape_map(attributes: Tensor) -> Tensor:
    """(n, 1, 64, 64): logarithm of the elliptical radius of each pixel in half-light radii, about -1 to 1.

    What a network would have to find out from the numbers: where the asked ellipse lies.
    """
    along, across = (attributes[:, k, None, None] * _ELLIPTICITY for k in (4, 5))
    place = torch.arange(STAMP, dtype=attributes.dtype, device=attributes.device) - (STAMP - 1) / 2
    x, y = place[None, None, :], place[None, :, None]
    square = ((1.0 - along) * x - across * y) ** 2 + ((1.0 + along) * y - across * x) ** 2
    square = square / (1.0 - along**2 - across**2)
    scale = observed_area(attributes)[:, None, None] / (2.0 * math.pi)
    return (0.5 * torch.log(square / scale + 0.02))[:, None]


class PixelCodec(nn.Module):
    """Codec of the GAN and the diffusion model.

    Attributes
    ----------
    top : Tensor
        asinh(brightness / SOFTENING) of the brightest training pixel.
    """

    top: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("top", torch.tensor(9.0, dtype=torch.float64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Find the brightest pixel."""
        largest = max(float(part.amax()) for pool in pools for part in self._stretched_parts(pool))
        self.top = torch.tensor(1.02 * largest, dtype=torch.float64)

    def _stretched_parts(self, physical: Tensors) -> list[Tensor]:
        count = len(physical["image"])
        return [
            _stretched({name: value[start : start + 1024] for name, value in physical.items()})
            for start in range(0, count, 1024)
        ]

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as 8 numbers, of both classes where two are blended; images as in the module's docstring.

        Conditions alone give `attributes` (n, 8); where they say anything of blends and noise, as training galaxies do
        not, `second_attributes` and `blend_fraction` too, and the noise as it is. With an image come `image`
        (n, band, 64, 64) in [-1, 1] and `missing_flux` (n, band), the logarithm of the flux share outside the stamp.
        """
        first = physical["morphology"].long()
        encoded = {"attributes": attributes_of(physical, first)}
        if "blend_with" in physical:
            second = physical["blend_with"].long()
            encoded["second_attributes"] = attributes_of(physical, torch.where(second < 0, first, second))
            encoded["blend_fraction"] = torch.where(second < 0, 0.0, physical["blend_fraction"].double())
        encoded |= {name: physical[name] for name in NOISE if name in physical}
        if "image" in physical:
            encoded["image"] = torch.cat([2.0 * part / self.top - 1.0 for part in self._stretched_parts(physical)])
            missing = 1.0 - physical["enclosed_flux_fraction"].double()
            encoded["missing_flux"] = torch.log(missing.clamp(min=0.0) + _LEAST)
        return encoded

    def light(self, image: Tensor) -> Tensor:
        """Brightness over the mean inside the half-light radius, of normalised images; never negative."""
        return SOFTENING * torch.sinh(0.5 * self.top.to(image.dtype) * (image.clamp(-1.0, 1.0) + 1.0))

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Images [nJy] and enclosed flux fractions (float64), through the asked PSF, pixel scale and noise.

        Before the PSF each band of the 64 x 64 pixels of 0.1 arcsec holds exactly its share of the asked flux; what
        lies outside them is dark, for a PSF or coarser pixels too.

        Parameters
        ----------
        encoded : dict of Tensor
            `image` and `missing_flux` as from `encode`; `second_image` and `second_missing_flux` where any galaxy is a
            blend; `noise` and `same_as`: see `observation.detect`.
        conditions : dict of Tensor
            In schema units.
        """
        conditions = with_defaults(conditions)
        if (size := stamp_size(conditions)) != STAMP:
            raise SchemaError.about("size", f"{size}", f"{STAMP}: this model draws no other stamp", value=size)
        light = self._light_share(encoded, "")
        if "second_image" in encoded:
            share = torch.where(conditions["blend_with"] < 0, 0.0, conditions["blend_fraction"].double())
            light = torch.lerp(light, self._light_share(encoded, "second_"), share[:, None, None, None])
        return detect(unfold(light, conditions["position_angle"].double()), encoded, conditions)

    def _light_share(self, encoded: Tensors, prefix: str) -> Tensor:
        """Share of the total flux in each pixel, (n, band, 64, 64), folded; sums to the enclosed fraction."""
        light = self.light(encoded[f"{prefix}image"].double()) + 1e-12
        enclosed = enclosed_fraction(encoded[f"{prefix}missing_flux"].double())
        return light * (enclosed / light.sum(dim=(-1, -2)))[..., None, None]


def enclosed_fraction(missing_flux: Tensor) -> Tensor:
    """Share of the flux inside the stamp, in [0, 1], of the encoded `missing_flux`."""
    return (1.0 + _LEAST - torch.exp(missing_flux)).clamp(0.0, 1.0)


def _stretched(physical: Tensors) -> Tensor:
    """asinh(brightness / SOFTENING) of folded training images, float32."""
    angle = physical["position_angle"].double()
    attributes = attributes_of(physical, physical["morphology"])
    scale = observed_area(attributes)[:, None] / fluxes(physical)
    light = (physical["image"].double() * scale[..., None, None]).clamp(min=0.0)
    return fold(torch.asinh(light / SOFTENING).float(), angle)
