"""Galaxies as pictures: what an affine map and a factor change is done exactly, the rest is left to the network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...physics.galaxies import editing
from .variables import ATTRIBUTES, BRIGHTEST, CLASSES, PIXEL, SOFT, ZERO_POINT

Tensors = dict[str, Tensor]

SCALES = {
    "half_light_radius": (0.65, 0.3),
    "ellipticity": (0.25, 0.2),
    "magnitude_r": (21.0, 1.5),
    "colour": (1.5, 1.0),
}
"""Middle and width of each attribute."""

R, BANDS = 1, 3
"""The r band among the channels i, r and g."""


def fluxes_of(pictures: Tensor) -> Tensor:
    """Flux [nJy] (n, 3, y, x) of pictures (n, y, x, 3)."""
    return editing.unstretched(pictures.double().permute(0, 3, 1, 2), SOFT, BRIGHTEST)


def pictures_of(fluxes: Tensor) -> Tensor:
    """Inverse of `fluxes_of`, within [0, 1]."""
    return editing.stretched(fluxes.clamp_min(0.0), SOFT, BRIGHTEST).clamp(0.0, 1.0).permute(0, 2, 3, 1)


def wanted_fluxes(given: Tensor, asked: Tensors) -> Tensor:
    """Light in each band (n, 3) [nJy] that is asked: that of the stamps where nothing is."""
    own = editing.magnitudes(given)
    i, r, g = own.unbind(dim=1)
    colour = torch.where(asked["colour"].isnan(), g - i, asked["colour"].double())
    shift = torch.where(asked["magnitude_r"].isnan(), torch.zeros_like(r), asked["magnitude_r"].double() - r)
    apart = 0.5 * (colour - (g - i))
    return 10.0 ** (-0.4 * (torch.stack((i - apart, r, g + apart), dim=1) + shift[:, None] - ZERO_POINT))


def mapped(given: Tensor, asked: Tensors) -> Tensor:
    """Stamps (n, 3, y, x) of the radius and ellipticity that are asked, by an affine map, and with the light asked."""
    radius, e, angle = editing.shape(given[:, R], PIXEL)
    size, flat = (
        torch.where(asked[k].isnan(), own, asked[k]) for k, own in zip(ATTRIBUTES[:2], (radius, e), strict=True)
    )
    turned = torch.where(asked["position_angle"].isnan(), angle, torch.deg2rad(asked["position_angle"]))
    grown = (size / radius.clamp_min(0.1)).clamp(0.3, 3.0)
    rounder, flatter = (((1 + side) / (1 - side)).sqrt() for side in (e, flat.clamp(0.0, 0.8)))
    shaped = editing.stretch(flatter, turned) @ torch.linalg.inv(editing.stretch(rounder, angle))
    kept = torch.eye(2, dtype=given.dtype).expand_as(shaped)
    shaped = torch.where(asked["ellipticity"].isnan()[:, None, None], kept, shaped) * grown[:, None, None]
    same = asked["half_light_radius"].isnan() & asked["ellipticity"].isnan()
    made = torch.where(same[:, None, None, None], given, editing.reshaped(given, shaped))
    return editing.at_flux(made, wanted_fluxes(given, asked))


class GalaxyEditCodec(nn.Module):
    """Codec of galaxies' pictures and of what is asked of them; nothing is fitted."""

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`given` and `start` (n, 3, y, x), as it is and as an affine map and a factor change it; `asked` (n, k)."""
        encoded: Tensors = {}
        if "image" in physical:
            given = fluxes_of(physical["image"])
            start = mapped(given, physical)
            encoded["given"] = physical["image"].float().permute(0, 3, 1, 2)
            encoded["start"] = pictures_of(start).float().permute(0, 3, 1, 2)
            encoded["asked"] = _asked(physical, given)
        if "edited" in physical:
            encoded["made"] = physical["edited"].float().permute(0, 3, 1, 2)
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """`edited`, with the light in each band that is asked, where any is."""
        given = fluxes_of(conditions["image"])
        made = fluxes_of(encoded["made"].double().clamp(0.0, 1.0).permute(0, 2, 3, 1))
        told = ~(conditions["magnitude_r"].isnan() & conditions["colour"].isnan())[:, None, None, None]
        return {"edited": pictures_of(torch.where(told, editing.at_flux(made, wanted_fluxes(given, conditions)), made))}


def _asked(physical: Tensors, given: Tensor) -> Tensor:
    """Numbers that are asked and which are, the class, and what is measured of the stamp, (n, 16)."""
    columns = []
    for name in ATTRIBUTES:
        middle, width = SCALES[name]
        there = ~physical[name].isnan()
        columns += [torch.where(there, (physical[name] - middle) / width, 0.0), there]
    turned = torch.deg2rad(physical["position_angle"])
    columns += [torch.where(turned.isnan(), 0.0, way(2 * turned)) for way in (torch.cos, torch.sin)]
    columns += [physical["morphology"] == code for code in range(len(CLASSES))]
    radius, e, angle = editing.shape(given[:, R], PIXEL)
    columns += [(radius - 0.65) / 0.3, (e - 0.25) / 0.2, torch.cos(2 * angle) * e, torch.sin(2 * angle) * e]
    return torch.stack([column.float() for column in columns], dim=1)


NUMBERS = 2 * len(ATTRIBUTES) + len(CLASSES) + 6
"""Of `asked`."""
