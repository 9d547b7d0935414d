"""Masks and Hounsfield units as networks see them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...physics.medical import ct, thorax

Tensors = dict[str, Tensor]

CHANNELS = 2 + len(thorax.LESIONS)
"""Body, lung, and a map of each kind of lesion."""

MIDDLE, WIDTH = -500.0, 500.0
"""Hounsfield units at 0, and of 1, on a network's scale."""


class MaskCodec(nn.Module):
    """Codec of every recipe; nothing is fitted."""

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`masks` (n, 5, y, x) of 0 and 1; `image` (n, 1, y, x) of order one."""
        encoded: Tensors = {}
        if "body_mask" in physical:
            body, lesion = physical["body_mask"], physical["lesion_mask"] > 0
            kind = functional.one_hot(physical["lesion_type"].long().clamp_min(0), len(thorax.LESIONS)).bool()
            maps = (body > 0, body == thorax.LUNG, *(lesion & kind[:, k, None, None] for k in range(kind.shape[1])))
            encoded["masks"] = torch.stack(maps, dim=1).float()
        if "ct" in physical:
            encoded["image"] = ((physical["ct"][:, None].double() - MIDDLE) / WIDTH).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Hounsfield units that twelve bits hold."""
        return {"ct": (encoded["image"][:, 0].double() * WIDTH + MIDDLE).clamp(ct.LEAST, ct.MOST)}
