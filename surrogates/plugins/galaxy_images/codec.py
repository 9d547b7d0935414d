"""Galaxy images to and from what the decoder makes: the share of the flux in each pixel.

Decoding applies the asked fluxes, PSF, pixel scale and noise exactly; see `observation`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .closed_scene import draw_light
from .latents import MERGER_LATENTS, SPIRAL_LATENTS
from .observation import detect, fluxes, with_defaults
from .variables import BANDS, MORPHOLOGIES

Tensors = dict[str, Tensor]

CONTEXT = len(MORPHOLOGIES) + 8
"""Length of the encoded conditions."""

LATENTS = (*SPIRAL_LATENTS, *MERGER_LATENTS, "knots")


class GalaxyCodec(nn.Module):
    """Codec of galaxy images; nothing is fitted, every scale is a declared range."""

    def __init__(self) -> None:
        super().__init__()

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as they are and as a `context`; of a training pool, images as light.

        Returns
        -------
        dict of Tensor
            With images and their structure (`latent_*`): `flux` (n, bands), the share of the flux in the stamp,
            `drawn_flux`, the same of the decoder's closed forms, and `latents` (n, LATENT_FEATURES). Of images without
            structure `light` (n, bands, 64, 64), the share of the flux in each pixel.
        """
        if "image" not in physical:
            encoded = dict(physical)
            encoded["context"] = context(physical)
            return encoded
        if any(f"latent_{name}" not in physical for name in LATENTS):
            return {"light": physical["image"].double() / fluxes(physical)[..., None, None]}
        structure = {name: physical[f"latent_{name}"].numpy() for name in LATENTS}
        drawn, _ = draw_light(with_defaults(physical), structure)
        return {
            "flux": physical["image"].double().sum((-1, -2)) / fluxes(physical),
            "drawn_flux": drawn.double().sum((-1, -2)),
            "latents": latent_features(physical),
        }

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Images in nJy and enclosed flux fractions, float64.

        Parameters
        ----------
        encoded : dict of Tensor
            `light` (n, bands, m, m), the share of the flux in each pixel, at `scale` (n,) arcsec, `noise` and
            `same_as`: see `observation.detect`.
        conditions : dict of Tensor
            In schema units.
        """
        return detect(encoded["light"], encoded, conditions)


def context(physical: Tensors) -> Tensor:
    """What the calibration is told of a galaxy's conditions, (n, CONTEXT) float32, of order one.

    The shares of the classes, half-light radius (logarithm), ellipticity as a vector, bulge fraction, Sersic index,
    redshift, colours.
    """
    physical = with_defaults(physical)
    kind = functional.one_hot(physical["morphology"].long().clamp(min=0), len(MORPHOLOGIES)).double()
    second = functional.one_hot(physical["blend_with"].long().clamp(min=0), len(MORPHOLOGIES)).double()
    share = (physical["blend_fraction"].double() * (physical["blend_with"] >= 0))[:, None]
    g, r, i = (physical[f"magnitude_{band}"].double() for band in BANDS)
    twice = torch.deg2rad(2.0 * physical["position_angle"].double())
    columns = (
        (torch.log(physical["half_light_radius"].double()) + 0.7) / 0.5,
        physical["ellipticity"].double() * torch.cos(twice),
        physical["ellipticity"].double() * torch.sin(twice),
        2.0 * physical["bulge_fraction"].double() - 0.5,
        (physical["sersic_index"].double() - 2.5) / 2.0,
        2.0 * torch.log1p(physical["redshift"].double()) - 1.0,
        (g - r).clamp(-2.0, 2.0),
        (r - i).clamp(-2.0, 2.0),
    )
    return torch.cat((kind * (1.0 - share) + second * share, torch.stack(columns, dim=-1)), dim=-1).float()


LATENT_FEATURES = 8


def latent_features(latents: Tensors) -> Tensor:
    """What the calibration is told of a spiral's arms, (n, LATENT_FEATURES) float32."""
    number, pitch, phase, contrast = (latents[f"latent_{name}"].double() for name in SPIRAL_LATENTS)
    arms = functional.one_hot(number.long() - 2, 3).double()
    winding = number / torch.tan(pitch)
    columns = (torch.cos(phase), torch.sin(phase), contrast, winding / 10.0, winding.abs() / 10.0 - 1.0)
    return torch.cat((arms, torch.stack(columns, dim=-1)), dim=-1).float()
