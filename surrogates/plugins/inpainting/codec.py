"""Pictures with holes as planes filled smoothly, and the hole; known pixels come back as they were."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...physics.images import colour
from ...physics.images.filling import harmonic

Tensors = dict[str, Tensor]


class HoleCodec(nn.Module):
    """Codec of pictures (n, y, x, channel) and masks (n, y, x); nothing is fitted.

    What is wholly transparent does not count as known colour. Alpha in a hole is filled smoothly.
    """

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`smooth` (n, 3, y, x), planes filled by Laplace's equation, `hole` (n, 1, y, x), `made`, true planes."""
        encoded: Tensors = {name: physical[name] for name in ("photograph",) if name in physical}
        if "image" in physical:
            image, hole = physical["image"], physical["mask"][:, None].float()
            seen = 1.0 - hole
            if colour.has_alpha(image.shape[-1]):
                alpha = image[..., -1][:, None].float()
                encoded["alpha"] = harmonic(alpha, seen)
                seen = seen * (alpha > 0)
            encoded["smooth"] = harmonic(colour.planes(image), seen)
            encoded["hole"] = hole
        if "inpainted" in physical:
            encoded["made"] = colour.planes(physical["inpainted"])
            if colour.has_alpha(physical["inpainted"].shape[-1]):
                encoded["made_alpha"] = physical["inpainted"][..., -1][:, None].float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """`inpainted`: the picture that was asked, and what was made within the hole, within [0, 1]."""
        image, hole = conditions["image"].double(), conditions["mask"][..., None] > 0
        shown = colour.from_luminance(encoded["made"].double().permute(0, 2, 3, 1)).clamp(0.0, 1.0)
        alpha = encoded["made_alpha"][:, 0].double().clamp(0.0, 1.0) if "made_alpha" in encoded else None
        made = colour.with_channels_of(shown, alpha, image.shape[-1])
        return {"inpainted": torch.where(hole, made, image)}
