"""Boxes to and from what the networks see: the logarithm of the density, which peaks do not rule."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ....physics.cosmology.background import Cosmology

Tensors = dict[str, Tensor]


class DensityCodec(nn.Module):
    """Codec of density fields; nothing is fitted."""

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as `context` (n, 3), and outputs, where they are there, as `logarithm` (n, x, y, z).

        Returns
        -------
        dict of Tensor
            `context`: growth times sigma_8, matter density and growth, of order one; `logarithm`: ln(2 + contrast), of
            one and the density in units of the mean.
        """
        encoded = {}
        if "omega_m" in physical:
            rows = zip(*(physical[name].tolist() for name in ("omega_m", "sigma_8", "redshift")), strict=True)
            context = []
            for omega_m, sigma_8, redshift in rows:
                growth = Cosmology(omega_m, sigma_8).growth(redshift)
                context.append([4 * (sigma_8 * growth - 0.5), 5 * (omega_m - 0.3), 4 * (growth - 0.6)])
            encoded["context"] = torch.tensor(context, dtype=torch.float32).reshape(-1, 3)
        if "density_contrast" in physical:
            encoded["logarithm"] = torch.log(2.0 + physical["density_contrast"]).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Contrast of the density that `logarithm` stands for, over its own mean in each box: mass is kept."""
        density = torch.expm1(encoded["logarithm"].double())
        return {"density_contrast": density / density.mean(dim=(1, 2, 3), keepdim=True) - 1.0}
