"""Pictures as red, green and blue; alpha and what the strength leaves come back as they were."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...physics.images import colour
from ...physics.images.drawn_styles import NAMES
from ...physics.images.filling import filled

Tensors = dict[str, Tensor]


def shares_of(physical: Tensors) -> Tensor:
    """(n, styles) float32 shares of the styles, which add up to 1."""
    share = physical["second_share"].double()[:, None]
    both = [nn.functional.one_hot(physical[name].long(), len(NAMES)) for name in ("style", "second_style")]
    return ((1.0 - share) * both[0] + share * both[1]).float()


class StyleCodec(nn.Module):
    """Codec of pictures (n, y, x, channel); nothing is fitted.

    What is wholly transparent has no colour of its own: it takes that of what is near.
    """

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`content` (n, 3, y, x), `shares` (n, styles), `strength` (n, 1, 1, 1) and `made` (n, 3, y, x)."""
        encoded: Tensors = {name: physical[name] for name in ("photograph",) if name in physical}
        if "image" in physical:
            encoded["content"] = _shown(physical["image"])
        if "style" in physical:
            encoded["shares"] = shares_of(physical)
            encoded["strength"] = physical["strength"].float()[:, None, None, None]
        if "stylised" in physical:
            encoded["made"] = _shown(physical["stylised"])
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """`stylised`, no farther from the picture than the strength, with its alpha, within [0, 1]."""
        image = conditions["image"].double()
        strength = conditions["strength"].double()[:, None, None, None]
        channels = image.shape[-1]
        made = encoded["made"].double().permute(0, 2, 3, 1)
        shown = colour.with_channels_of(made, None, 3 if channels > 2 else 1)
        own = image[..., : shown.shape[-1]]
        shown = torch.minimum(torch.maximum(shown, own - strength), own + strength).clamp(0.0, 1.0)
        alpha = image[..., -1:] if colour.has_alpha(channels) else image[..., :0]
        return {"stylised": torch.cat((shown, alpha), dim=-1)}


def _shown(pictures: Tensor) -> Tensor:
    shown = colour.in_colour(pictures).float().permute(0, 3, 1, 2)
    return filled(shown, (pictures[..., -1][:, None] > 0).float()) if colour.has_alpha(pictures.shape[-1]) else shown
