"""Luminance and colour differences of pictures, as tensors, after ITU-R BT.601.

Channels of a picture are 1 (grey), 2 (grey and alpha), 3 (red, green, blue) or 4 (these and alpha), in [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601-7, 2.5.1)."""

MOST_CHANNELS = 4

_TO_LUMINANCE = torch.tensor(
    [
        LUMINANCE,
        [-0.5 * LUMINANCE[0] / (1 - LUMINANCE[2]), -0.5 * LUMINANCE[1] / (1 - LUMINANCE[2]), 0.5],
        [0.5, -0.5 * LUMINANCE[1] / (1 - LUMINANCE[0]), -0.5 * LUMINANCE[2] / (1 - LUMINANCE[0])],
    ],
    dtype=torch.float64,
)
_FROM_LUMINANCE = torch.linalg.inv(_TO_LUMINANCE)


def to_luminance(pictures: Tensor) -> Tensor:
    """Luminance in [0, 1] and colour differences in [-0.5, 0.5], (…, 3), of red, green and blue (…, 3)."""
    return pictures @ _TO_LUMINANCE.to(pictures).T


def from_luminance(pictures: Tensor) -> Tensor:
    """Inverse of `to_luminance`."""
    return pictures @ _FROM_LUMINANCE.to(pictures).T


def luminance(pictures: Tensor) -> Tensor:
    """Luminance (…) in [0, 1] of pictures (…, channel); alpha does not count."""
    if pictures.shape[-1] < 3:
        return pictures[..., 0]
    return pictures[..., :3] @ pictures.new_tensor(LUMINANCE)


def in_colour(pictures: Tensor) -> Tensor:
    """Red, green and blue (…, 3) of pictures (…, channel)."""
    return pictures[..., :3] if pictures.shape[-1] > 2 else pictures[..., :1].expand(*pictures.shape[:-1], 3)


def with_channels_of(colour: Tensor, alpha: Tensor | None, channels: int) -> Tensor:
    """Pictures (…, channels) of red, green and blue (…, 3) and alpha (…): grey ones by their luminance.

    Parameters
    ----------
    colour : Tensor
    alpha : Tensor, optional
        Needed for 2 and 4 channels.
    channels : int
        1 to 4.
    """
    shown = colour if channels > 2 else luminance(colour)[..., None]
    return shown if alpha is None else torch.cat((shown, alpha[..., None]), dim=-1)


def has_alpha(channels: int) -> bool:
    """Whether the last of so many channels is alpha."""
    return channels in (2, 4)


def planes(pictures: Tensor) -> Tensor:
    """Luminance and colour differences (n, 3, y, x) float32 of pictures (n, y, x, channel)."""
    return to_luminance(in_colour(pictures)).float().permute(0, 3, 1, 2)


def bytes_to_planes(pictures: Tensor) -> Tensor:
    """The same of pictures (n, y, x, 3) of bytes."""
    return to_luminance(pictures.float() / 255).permute(0, 3, 1, 2)
