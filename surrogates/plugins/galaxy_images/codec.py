"""Galaxy images to and from what models make: the share of the flux in each pixel, on an asinh scale for networks.

Decoding applies the asked fluxes, PSF, pixel scale and noise exactly; see `observation`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogates.plugin import Plugin

from .observation import fluxes, observe
from .variables import BANDS, MORPHOLOGIES, STAMP

Tensors = dict[str, Tensor]

PIXELS = STAMP * STAMP
SOFTENING = 0.05
"""Pixel brightness where the scale turns from linear to logarithmic, in units of the mean pixel."""

SPAN = 5.0
"""Units of asinh that the scaled range [-1, 1] holds half of."""

CONTEXT = len(MORPHOLOGIES) + 12
"""Length of the encoded conditions."""


class GalaxyCodec(nn.Module):
    """Codec of galaxy images; nothing is fitted, every scale is a declared range."""

    def __init__(self, plugin: Plugin) -> None:
        super().__init__()
        del plugin

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as they are and as a `context` (n, CONTEXT); `image` (n, bands, 64, 64) as scaled light."""
        encoded = {name: value for name, value in physical.items() if name not in ("image", "enclosed_flux_fraction")}
        if "morphology" in physical:
            encoded["context"] = context(physical)
        if "image" in physical:
            light = physical["image"].double() / fluxes(physical)[..., None, None]
            encoded["image"] = scaled(light.float())
            encoded["enclosed"] = physical["enclosed_flux_fraction"]
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Images in nJy and enclosed flux fractions, float64.

        Parameters
        ----------
        encoded : dict of Tensor
            Either `image`, scaled light (n, bands, 64, 64) at 0.1 arcsec, with `enclosed` (n, bands), the share of the
            flux that it should hold, where the model knows it; or `light`, the share of the flux in each pixel,
            (n, bands, m, m), at `scale` (n,) arcsec. `noise` (n, bands, 64, 64) and `same_as` (n,) as from
            `observation.detector_draws`.
        conditions : dict of Tensor
            In schema units.
        """
        light = encoded["light"] if "light" in encoded else _enclosing(unscaled(encoded["image"]), encoded)
        stamp = observe(light, encoded.get("scale"), conditions, encoded.get("same_as")).double()
        stamp = stamp / stamp.sum((-1, -2), keepdim=True).clamp(min=1.0)
        flux = fluxes(conditions)
        image = stamp * flux[..., None, None]
        if "noise" in encoded:
            deviation = torch.stack([conditions[f"noise_{band}"].double() for band in BANDS], dim=-1)
            image = image + encoded["noise"].double() * deviation[..., None, None]
        return {"image": image, "enclosed_flux_fraction": stamp.sum((-1, -2))}


def scaled(light: Tensor) -> Tensor:
    """Share of the flux in a pixel on an asinh scale: -1 where it is dark, about 1 at a bright core."""
    return torch.asinh(light * (PIXELS / SOFTENING)) / SPAN - 1.0


def unscaled(image: Tensor) -> Tensor:
    """Inverse of `scaled`, no less than 0."""
    return torch.sinh(SPAN * (image + 1.0).clamp(0.0, 2.5)) * (SOFTENING / PIXELS)


def _enclosing(light: Tensor, encoded: Tensors) -> Tensor:
    """Light whose sum is what the model says the stamp holds, where it says so."""
    if "enclosed" not in encoded:
        return light
    total = light.double().sum((-1, -2)).clamp(min=1e-12)
    return light * (encoded["enclosed"].double().clamp(0.0, 1.0) / total).to(light.dtype)[..., None, None]


def context(physical: Tensors) -> Tensor:
    """What a network is told of a galaxy, (n, CONTEXT) float32, of order one.

    The shares of the classes, and half-light radius (logarithm), colours and magnitude, ellipticity as a vector and
    its size, bulge fraction, Sersic index, redshift and the cosine of the inclination.
    """
    kind = functional.one_hot(physical["morphology"].long().clamp(min=0), len(MORPHOLOGIES)).double()
    share = torch.nan_to_num(physical["blend_fraction"].double()) * (physical["blend_with"] >= 0)
    second = functional.one_hot(physical["blend_with"].long().clamp(min=0), len(MORPHOLOGIES)).double()
    kind = kind * (1.0 - share[:, None]) + second * share[:, None]
    g, r, i = (physical[f"magnitude_{band}"].double() for band in BANDS)
    ellipticity = physical["ellipticity"].double()
    twice = torch.deg2rad(2.0 * physical["position_angle"].double())
    columns = (
        (torch.log(physical["half_light_radius"].double()) + 0.7) / 0.5,
        (r - 22.0) / 3.0,
        g - r,
        r - i,
        ellipticity * torch.cos(twice),
        ellipticity * torch.sin(twice),
        2.0 * ellipticity - 0.5,
        2.0 * physical["bulge_fraction"].double() - 0.5,
        (physical["sersic_index"].double() - 2.5) / 2.0,
        torch.log1p(physical["redshift"].double()) * 2.0 - 1.0,
        torch.cos(torch.deg2rad(physical["inclination"].double())),
        torch.log(1.0 + ellipticity) - torch.log(1.0 - ellipticity) - 1.0,
    )
    return torch.cat((kind, torch.stack(columns, dim=-1)), dim=-1).float()
