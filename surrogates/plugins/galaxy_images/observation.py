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
    "size": STAMP,
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


def stamp_size(conditions: Mapping[str, Tensor]) -> int:
    """Pixels a side of the stamps of one call, all alike."""
    asked = conditions.get("size")
    return STAMP if asked is None or not len(asked) else int(asked[0])


def grid(psf: int, fwhm: float, pixel_scale: float, stamp: int = STAMP) -> tuple[int, float]:
    """Pixels a side and pixel scale [arcsec] on which a model should draw one galaxy for what is asked.

    Without a PSF it draws the stamp itself, unless its pixels are coarser than the band limit allows.
    """
    if psf == _NONE and pixel_scale <= PIXEL_SCALE * (1 + 1e-9):
        return stamp, pixel_scale
    side = stamp * pixel_scale + (3.2 if fwhm <= _WIDE else 9.6)
    fitting = [size for size in GRIDS if size * PIXEL_SCALE >= side]
    return (fitting or GRIDS[-1:])[0], PIXEL_SCALE


def detector_draws(conditions: Mapping[str, Tensor], noise: Noise) -> Tensors:
    """Random numbers that `decode` needs of a model, and which rows of the batch repeat another.

    Returns
    -------
    dict
        `same_as` (n,) int64: the first row with this row's identity and conditions. `noise` (n, bands, y, x) float32
        standard normal, only where noise is asked of any row; 0 for rows without.
    """
    same_as = first_rows(noise.samples, conditions)
    drawn: Tensors = {"same_as": same_as}
    asked = torch.stack([conditions[f"noise_{band}"].double() for band in BANDS], dim=-1).amax(-1) > 0
    if bool(asked.any()):
        keys = (noise.uniform((1,), "pixel noise")[:, 0] * 2.0**52).long().tolist()
        field = torch.zeros(len(noise), len(BANDS), *2 * (stamp_size(conditions),))
        for row in torch.nonzero(asked.cpu())[:, 0].tolist():
            if int(same_as[row]) == row:
                generator = np.random.Generator(np.random.Philox(keys[row]))
                field[row] = torch.from_numpy(generator.standard_normal(tuple(field.shape[1:]), dtype=np.float32))
        drawn["noise"] = field[same_as.cpu()].to(noise.samples.device)
    return drawn


def first_rows(samples: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
    """Index of the first row of each row's identity and conditions, (n,) int64: a batch fills free slots with repeats.

    One identity at several conditions is one galaxy's chance at each of them, and is drawn at each.
    """
    columns = [part.detach().cpu().numpy() for part in (samples, *conditions.values())]
    keys = [b"".join(column[row].tobytes() for column in columns) for row in range(len(samples))]
    seen: dict[bytes, int] = {}
    return torch.tensor([seen.setdefault(key, row) for row, key in enumerate(keys)])


def detect(light: Tensor, encoded: Mapping[str, Tensor], conditions: Mapping[str, Tensor]) -> Tensors:
    """Outputs of the schema, float64: the asked fluxes through the asked PSF onto the asked pixels, with noise.

    Parameters
    ----------
    light : Tensor
        (n, bands, m, m) share of the total flux in each pixel of the intrinsic image, m even; or (n, parts, m, m) of
        parts of one colour each.
    encoded : mapping of Tensor
        `scale` (n,), the pixel scale of `light` [arcsec], where it is not 0.1: an image at another scale is its own
        stamp; `noise` and `same_as` as from `detector_draws`. Of parts, `parts` (n,), how many a galaxy has, and
        `share` (n, bands, parts), of its flux.
    conditions : mapping of Tensor
        In schema units.
    """
    conditions = with_defaults(conditions)
    stamp = observe(light, encoded, conditions)
    sums = stamp.sum((-1, -2), dtype=torch.float64)
    whole = sums.clamp(min=1.0)
    image = stamp.double().mul_((fluxes(conditions) / whole)[..., None, None])
    if "noise" in encoded:
        deviation = torch.stack([conditions[f"noise_{band}"].double() for band in BANDS], dim=-1)
        image = image + encoded["noise"].double() * deviation[..., None, None]
    return {"image": image, "enclosed_flux_fraction": sums / whole}


def observe(light: Tensor, encoded: Mapping[str, Tensor], conditions: Mapping[str, Tensor]) -> Tensor:
    """Share of the total flux in each pixel of the asked stamp.

    Parameters
    ----------
    light, encoded
        As for `detect`.
    conditions : mapping of Tensor
        `psf`, `psf_fwhm_*`, `psf_image`, `pixel_scale`.

    Returns
    -------
    Tensor
        (n, bands, size, size) float32.
    """
    kinds = conditions["psf"].tolist()
    pixel_scales = conditions["pixel_scale"].double().tolist()
    widths = torch.stack([conditions[f"psf_fwhm_{band}"].double() for band in BANDS], dim=-1).tolist()
    scales = encoded["scale"].double().tolist() if "scale" in encoded else [PIXEL_SCALE] * len(kinds)
    rows = encoded["same_as"].tolist() if "same_as" in encoded else list(range(len(kinds)))
    parts = encoded["parts"].tolist() if "parts" in encoded else None
    stamp = stamp_size(conditions)
    stamps = torch.empty((len(kinds), len(BANDS), stamp, stamp), device=light.device)
    for row, first in enumerate(rows):
        if first != row:
            stamps[row] = stamps[first]
            continue
        images, share = light[row], None
        if parts is not None:
            images, share = images[: parts[row]], encoded["share"][row, :, : parts[row]].float()
        own = PSFS[kinds[row]] not in _TRANSFERS  # or the PSF of an image, which is one in all bands
        if share is not None and not own and len(set(widths[row])) > 1:
            size = grid(kinds[row], max(widths[row]), pixel_scales[row], stamp)[0]
            images, share = _mixed(share, optics.crop(images, size)), None
        if kinds[row] == _NONE and math.isclose(scales[row], pixel_scales[row], rel_tol=1e-9):
            seen = optics.crop(images, stamp)
        else:
            image = conditions["psf_image"][row] if kinds[row] == _IMAGE else None
            fwhm = widths[row] if share is None else widths[row][:1]
            seen = _through(images, kinds[row], fwhm, image, scales[row], pixel_scales[row], stamp)
        stamps[row] = seen if share is None else _mixed(share, seen)
    return stamps


def _mixed(share: Tensor, images: Tensor) -> Tensor:
    """Images of the bands, (bands, m, m), from those of the parts, (parts, m, m), by shares (bands, parts)."""
    return (share @ images.flatten(1)).view(-1, *images.shape[-2:])


def _through(
    light: Tensor, kind: int, fwhm: list[float], image: Tensor | None, scale: float, pixel_scale: float, stamp: int
) -> Tensor:
    """Images (bands, stamp, stamp) of (bands, m, m); one FWHM for all, or one for each."""
    widest = max(fwhm) if kind != _NONE else 0.0
    size = grid(kind, widest, pixel_scale, stamp)[0]
    light = optics.crop(light, size) if light.shape[-1] >= size else optics.pad(light, size)
    spectrum = torch.fft.rfft2(light)
    if kind != _NONE:
        if image is not None:
            ky, kx = optics.frequencies(size, scale)
            transfer = optics.image_transfer(image, pixel_scale, ky, kx).to(spectrum.dtype)
        elif len(set(fwhm)) == 1:
            transfer = _transfer(PSFS[kind], fwhm[0], size, scale)
        else:
            transfer = torch.stack([_transfer(PSFS[kind], width, size, scale) for width in fwhm])
        spectrum = spectrum * transfer.to(light.device)
    if math.isclose(scale, pixel_scale, rel_tol=1e-9):
        return optics.crop(torch.fft.irfft2(spectrum, s=(size, size)), stamp)
    return optics.resample(spectrum, scale, stamp, pixel_scale)


@lru_cache(maxsize=32)
def _transfer(kind: str, fwhm: float, size: int, scale: float) -> Tensor:
    ky, kx = optics.frequencies(size, scale)
    return _TRANSFERS[kind](torch.hypot(ky, kx).float(), fwhm)
