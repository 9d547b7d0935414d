"""Pictures as luminance and colour differences, alpha apart; nothing is fitted."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ...physics.images import colour
from ...physics.images.filling import filled

Tensors = dict[str, Tensor]


class PictureCodec(nn.Module):
    """Codec of pictures (n, y, x, channel) in sRGB: planes (n, 3, y, x) of luminance and colour differences.

    What is wholly transparent has no colour of its own: it takes that of what is near, so that none bleeds in.
    """

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`small` of `image`, `large` of `upscaled`, and `alpha` (n, 1, y, x) where the picture has one."""
        encoded: Tensors = {name: physical[name] for name in ("photograph", "reduced") if name in physical}
        if "image" in physical:
            image = physical["image"]
            encoded["small"] = colour.planes(image)
            if colour.has_alpha(image.shape[-1]):
                encoded["alpha"] = image[..., -1][:, None].float()
                shown = (encoded["alpha"] > 0).float()
                encoded["small"] = filled(encoded["small"], shown)
        if "upscaled" in physical:
            encoded["large"] = colour.planes(physical["upscaled"])
            if colour.has_alpha(physical["upscaled"].shape[-1]):
                encoded["large_alpha"] = physical["upscaled"][..., -1][:, None].float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """`upscaled`, within [0, 1], with the channels of the picture that was asked."""
        shown = colour.from_luminance(encoded["large"].double().permute(0, 2, 3, 1)).clamp(0.0, 1.0)
        alpha = encoded["large_alpha"][:, 0].double().clamp(0.0, 1.0) if "large_alpha" in encoded else None
        return {"upscaled": colour.with_channels_of(shown, alpha, conditions["image"].shape[-1])}
