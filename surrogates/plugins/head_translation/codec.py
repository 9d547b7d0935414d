"""Slices of both modalities to and from numbers of order one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ...physics.medical import ct

Tensors = dict[str, Tensor]

THOUSAND = 1000.0


class TranslationCodec(nn.Module):
    """Hounsfield units in thousands, MR as it is; nothing is fitted."""

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`ct` and `mri` (n, 1, y, x) float32, whichever are there."""
        scales = {"ct": THOUSAND, "mri": 1.0}
        return {
            name: (physical[name].double() / scale)[:, None].float()
            for name, scale in scales.items()
            if name in physical
        }

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """What was made, (n, y, x): Hounsfield units that a scanner can store, magnitudes of 0 and more."""
        decoded: Tensors = {}
        if "ct" in encoded:
            decoded["ct"] = (encoded["ct"][:, 0].double() * THOUSAND).clamp(ct.LEAST, ct.MOST)
        if "mri" in encoded:
            decoded["mri"] = encoded["mri"][:, 0].double().clamp_min(0.0)
        return decoded
