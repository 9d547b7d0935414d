"""From an intrinsic image to the asked stamp: PSF, pixel scale, total fluxes and noise, the same for every model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...physics.galaxies import optics
from .variables import BANDS, PIXEL_SCALE, PSFS, STAMP, ZERO_POINT

if TYPE_CHECKING:
    from ...noise import Noise

Tensors = dict[str, Tensor]

GRIDS = (128, 160, 192, 256)
"""Pixels a side of the intrinsic images that PSFs are applied to and other pixel scales taken from."""

_NONE, _IMAGE = PSFS.index("none"), PSFS.index("image")
_TRANSFERS = {
    "gaussian": optics.gaussian_transfer,
    "moffat": optics.moffat_transfer,
    "kolmogorov": optics.kolmogorov_transfer,
}
DEFAULTS: Mapping[str, float | int] = {
    "blend_with": -1,
    "blend_fraction": 0.0,
    "psf": _NONE,
    **{f"psf_fwhm_{band}": 0.7 for band in BANDS},
    "pixel_scale": PIXEL_SCALE,
    **{f"noise_{band}": 0.0 for band in BANDS},
}
_WIDE = 1.0  # FWHM beyond which a PSF needs a wider margin [arcsec]


def fluxes(conditions: Mapping[str, Tensor]) -> Tensor:
    """Asked total fluxes in nJy, (n, bands) float64."""
    magnitudes = torch.stack([conditions[f"magnitude_{band}"].double() for band in BANDS], dim=-1)
    return 10.0 ** (-0.4 * (magnitudes - ZERO_POINT))


def with_defaults(conditions: Mapping[str, Tensor]) -> Tensors:
    """Conditions with the schema's defaults for the detector's, and for blends, where they are not given at all."""
    n = len(next(iter(conditions.values())))
    filled = dict(conditions)
    for name, value in DEFAULTS.items():
        if name not in filled:
            filled[name] = torch.full((n,), value, dtype=torch.int64 if isinstance(value, int) else torch.float64)
    return filled


def grid(psf: int, fwhm: float, pixel_scale: float) -> tuple[int, float]:
    """Pixels a side and pixel scale [arcsec] on which a model should draw one galaxy for what is asked.

    Without a PSF it draws the stamp itself, unless its pixels are coarser than the band limit allows.
    """
    if psf == _NONE and pixel_scale <= PIXEL_SCALE * (1 + 1e-9):
        return STAMP, pixel_scale
    side = STAMP * pixel_scale + (3.2 if fwhm <= _WIDE else 9.6)
    fitting = [size for size in GRIDS if size * PIXEL_SCALE >= side]
    return (fitting or GRIDS[-1:])[0], PIXEL_SCALE


def detector_draws(conditions: Mapping[str, Tensor], noise: Noise) -> Tensors:
    """Random numbers that `decode` needs of a model, and which rows of the batch repeat another.

    Returns
    -------
    dict
        `same_as` (n,) int64: the first row with this row's identity. `noise` (n, bands, y, x) float32 standard normal,
        only where noise is asked of any row; 0 for rows without.
    """
    same_as = first_rows(noise.samples)
    drawn: Tensors = {"same_as": same_as}
    asked = torch.stack([conditions[f"noise_{band}"].double() for band in BANDS], dim=-1).amax(-1) > 0
    if bool(asked.any()):
        keys = (noise.uniform((1,), "pixel noise")[:, 0] * 2.0**52).long().tolist()
        field = torch.zeros(len(noise), len(BANDS), STAMP, STAMP)
        for row in torch.nonzero(asked.cpu())[:, 0].tolist():
            if int(same_as[row]) == row:
                generator = np.random.Generator(np.random.Philox(keys[row]))
                field[row] = torch.from_numpy(generator.standard_normal(tuple(field.shape[1:]), dtype=np.float32))
        drawn["noise"] = field[same_as.cpu()].to(noise.samples.device)
    return drawn


def first_rows(samples: Tensor) -> Tensor:
    """Index of the first row with each row's identity, (n,) int64: a batch fills free slots with repeats."""
    seen: dict[int, int] = {}
    return torch.tensor([seen.setdefault(identity, row) for row, identity in enumerate(samples.tolist())])


def detect(light: Tensor, encoded: Mapping[str, Tensor], conditions: Mapping[str, Tensor]) -> Tensors:
    """Outputs of the schema, float64: the asked fluxes through the asked PSF onto the asked pixels, with noise.

    Parameters
    ----------
    light : Tensor
        (n, bands, m, m) share of the total flux in each pixel of the intrinsic image.
    encoded : mapping of Tensor
        `scale` (n,), the pixel scale of `light` [arcsec], where it is not 0.1; `noise` and `same_as` as from
        `detector_draws`.
    conditions : mapping of Tensor
        In schema units.
    """
    conditions = with_defaults(conditions)
    stamp = observe(light, encoded.get("scale"), conditions, encoded.get("same_as")).double()
    stamp = stamp / stamp.sum((-1, -2), keepdim=True).clamp(min=1.0)
    image = stamp * fluxes(conditions)[..., None, None]
    if "noise" in encoded:
        deviation = torch.stack([conditions[f"noise_{band}"].double() for band in BANDS], dim=-1)
        image = image + encoded["noise"].double() * deviation[..., None, None]
    return {"image": image, "enclosed_flux_fraction": stamp.sum((-1, -2))}


def observe(
    light: Tensor, drawn_at: Tensor | None, conditions: Mapping[str, Tensor], same_as: Tensor | None = None
) -> Tensor:
    """Share of the total flux in each pixel of the asked stamp.

    Parameters
    ----------
    light : Tensor
        (n, bands, m, m) share of the flux in each pixel of the intrinsic image, m even.
    drawn_at : Tensor, optional
        (n,) pixel scale of `light` [arcsec]; 0.1 by default. An image at another scale than 0.1 is its own stamp.
    conditions : mapping of Tensor
        `psf`, `psf_fwhm_*`, `psf_image`, `pixel_scale`.
    same_as : Tensor, optional
        As from `detector_draws`.

    Returns
    -------
    Tensor
        (n, bands, 64, 64) float32.
    """
    kinds = conditions["psf"].tolist()
    pixel_scales = conditions["pixel_scale"].double().tolist()
    widths = torch.stack([conditions[f"psf_fwhm_{band}"].double() for band in BANDS], dim=-1).tolist()
    scales = [PIXEL_SCALE] * len(kinds) if drawn_at is None else drawn_at.double().tolist()
    rows = list(range(len(kinds))) if same_as is None else same_as.tolist()
    stamps: list[Tensor] = []
    for row, first in enumerate(rows):
        if first != row:
            stamps.append(stamps[first])
        elif kinds[row] == _NONE and math.isclose(scales[row], pixel_scales[row], rel_tol=1e-9):
            stamps.append(optics.crop(light[row], STAMP))
        else:
            image = conditions["psf_image"][row] if kinds[row] == _IMAGE else None
            stamps.append(_through(light[row], kinds[row], widths[row], image, scales[row], pixel_scales[row]))
    return torch.stack(stamps)


def _through(
    light: Tensor, kind: int, fwhm: list[float], image: Tensor | None, scale: float, pixel_scale: float
) -> Tensor:
    widest = max(fwhm) if kind != _NONE else 0.0
    size = grid(kind, widest, pixel_scale)[0]
    light = optics.crop(light, size) if light.shape[-1] >= size else optics.pad(light, size)
    spectrum = torch.fft.rfft2(light)
    if kind != _NONE:
        if image is not None:
            ky, kx = optics.frequencies(size, scale)
            transfer = optics.image_transfer(image, pixel_scale, ky, kx).to(spectrum.dtype)
        else:
            transfer = torch.stack([_transfer(PSFS[kind], width, size, scale) for width in fwhm])
        spectrum = spectrum * transfer.to(light.device)
    if math.isclose(scale, pixel_scale, rel_tol=1e-9):
        return optics.crop(torch.fft.irfft2(spectrum, s=(size, size)), STAMP)
    return optics.resample(spectrum, scale, STAMP, pixel_scale)


@lru_cache(maxsize=32)
def _transfer(kind: str, fwhm: float, size: int, scale: float) -> Tensor:
    ky, kx = optics.frequencies(size, scale)
    return _TRANSFERS[kind](torch.hypot(ky, kx).float(), fwhm)
