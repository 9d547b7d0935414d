"""Boxes to and from what the networks see: the logarithm of the density, which peaks do not rule."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ....physics.cosmology.background import growth_factors
from .statistics import NUMBER, basis, fitted, statistics

Tensors = dict[str, Tensor]


class DensityCodec(nn.Module):
    """Codec of density fields.

    Attributes
    ----------
    slopes, scatter : Tensor
        What statistics are expected to be at a cosmology, see `statistics.fitted`, and their deviation there; training
        alone needs them.
    """

    slopes: Tensor
    scatter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("slopes", torch.zeros(10, NUMBER))
        self.register_buffer("scatter", torch.ones(NUMBER))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Fit the mean statistics of the training boxes to their cosmologies."""
        encoded = self.encode(pools[0])
        found = torch.cat([statistics(part) for part in encoded["logarithm"].split(50)])
        self.slopes.copy_(fitted(encoded["context"], found))
        left = found - basis(encoded["context"]) @ self.slopes
        self.scatter.copy_(left.std(dim=0).clamp(min=0.05))

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
            omega_m, sigma_8, redshift = (physical[name].double().cpu() for name in ("omega_m", "sigma_8", "redshift"))
            growth = torch.from_numpy(growth_factors(omega_m.numpy(), redshift.numpy()))
            context = torch.stack((4 * (sigma_8 * growth - 0.5), 5 * (omega_m - 0.3), 4 * (growth - 0.6)), dim=1)
            encoded["context"] = context.float().to(physical["omega_m"].device)
        if "density_contrast" in physical:
            encoded["logarithm"] = torch.log(2.0 + physical["density_contrast"]).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Contrast of the density that `logarithm` stands for, over its own mean in each box: mass is kept."""
        density = torch.expm1(encoded["logarithm"].double())
        return {"density_contrast": density / density.mean(dim=(1, 2, 3), keepdim=True) - 1.0}
