"""What every galaxy image keeps, as residuals: its flux, a share of flux between 0 and 1, and light that is positive.

Residuals take tensors and are differentiable in the pixels; torch comes with the tensors. Rows with noise are not held
to laws of noise-free images: their residuals are 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]

BANDS = ("g", "r", "i")
ZERO_POINT = 31.4


def asked_flux(conditions: Tensors) -> Tensor:
    """Total fluxes in nJy, 10^(-0.4 (m - 31.4)) (Oke & Gunn 1983, ApJ 266, 713), (n, bands)."""
    import torch

    magnitudes = torch.stack([conditions[f"magnitude_{band}"].double() for band in BANDS], dim=-1)
    return 10.0 ** (-0.4 * (magnitudes - ZERO_POINT))


def clean(conditions: Tensors) -> Tensor | float:
    """1 where no noise was asked, else 0; (n,), or 1 where conditions do not speak of noise."""
    named = [conditions[f"noise_{band}"] for band in BANDS if f"noise_{band}" in conditions]
    clear: Tensor | float = 1.0
    for noise in named:
        clear = clear * (noise == 0).double()
    return clear


def flux(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Flux of the stamp against the enclosed share of the asked flux, relative, in the worst band; (n,)."""
    held = outputs["image"].double().sum(dim=(-1, -2))
    asked = asked_flux(conditions)
    difference = held / asked - outputs["enclosed_flux_fraction"].double()
    return difference.abs().amax(dim=-1) * clean(conditions)


def enclosed_flux(outputs: Tensors, conditions: Tensors) -> Tensor:
    """How far the share of the flux inside the stamp lies outside [0, 1], in the worst band; (n,)."""
    share = outputs["enclosed_flux_fraction"].double()
    return ((share - 1.0).clamp(min=0.0) + (-share).clamp(min=0.0)).amax(dim=-1)


def positive_light(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Depth of the most negative pixel over the brightest of its band, in the worst band; (n,)."""
    pixels = outputs["image"].double().flatten(2)
    depth = (-pixels.amin(dim=-1)).clamp(min=0.0) / pixels.amax(dim=-1).clamp(min=1e-300)
    return depth.amax(dim=-1) * clean(conditions)


def light_asked(outputs: Tensors, conditions: Tensors, *, picture: str, soft: float, brightest: float) -> Tensor:
    """Largest difference [mag] of brightness in r and of colour g - i from what is asked; 0 where nothing is.

    Of pictures (n, y, x, 3) in i, r and g as `surrogates.physics.galaxies.editing` stretches them.
    """
    import torch

    from .editing import magnitudes, unstretched

    fluxes = unstretched(outputs[picture].double().permute(0, 3, 1, 2), soft, brightest)
    i, r, g = magnitudes(fluxes).unbind(dim=1)
    apart = [
        torch.where(conditions[name].isnan(), torch.zeros_like(r), found - conditions[name].nan_to_num(0.0)).abs()
        for name, found in (("magnitude_r", r), ("colour", g - i))
    ]
    return torch.maximum(*apart)
