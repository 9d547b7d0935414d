"""Cutouts with fitted profiles as a training pool: noise taken apart, sizes, shapes and fluxes found by a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...physics.galaxies.polar_gaussians import psf_spectrum
from ...physics.galaxies.profile_fitting import fit_profiles
from .observed import MARGIN
from .variables import BANDS, CONDITIONS, MORPHOLOGIES

if TYPE_CHECKING:
    import xarray as xr

AT_ONCE = 64
FAINTEST = 3.0
"""Least signal to noise of a galaxy that is learned from."""

MIDDLE_RADIUS = 0.6
"""Half-light radius in arcsec to which the median is scaled where the galaxies do not lie in the plugin's range."""

_WORST = 50.0  # misfit in units of the noise's variance


def fitted_pool(
    images: np.ndarray,
    known: np.ndarray,
    noise: np.ndarray,
    psf: np.ndarray,
    scale: np.ndarray,
    codes: np.ndarray,
    redshift: np.ndarray,
    *,
    zero_point: float,
    deconvolve: bool,
    seed: int,
    single: np.ndarray | None = None,
) -> tuple[xr.Dataset, np.ndarray]:
    """Conditions and cutouts of n galaxies.

    Parameters
    ----------
    images : ndarray
        (n, band, side, side), the sky taken off.
    known : ndarray
        (n, side, side) bool.
    noise : ndarray
        (n, band) standard deviations in a pixel.
    psf : ndarray
        (n, band, 41, 41).
    scale : ndarray
        (n,) pixel scales, arcsec.
    codes, redshift : ndarray
        (n,) classes, and redshifts or NaN.
    zero_point : float
        AB magnitude of a flux of 1.
    deconvolve : bool
        False: no PSF is taken out, and the noise is not taken apart.
    seed : int
    single : ndarray, optional
        (n,) bool, whether one band's image stands for all, whose noise is then one too; none by default.

    Returns
    -------
    Dataset
        Conditions of the plugin as fitted, and `cutout_*`: `image` over the fitted fluxes, `weight` 1 where a pixel is
        known, `noise`, `psf`, `scale` [arcsec], `centre` and `radius` [pixels], `signal`, `single` 1 or 0.
    ndarray
        (n,) bool, which galaxies these are.
    """
    import xarray as xr

    rng = np.random.default_rng((seed, 24))
    single = np.zeros(len(images), dtype=bool) if single is None else single
    apart = noise[..., None, None] * rng.standard_normal(images.shape) if deconvolve else np.zeros_like(images)
    apart[single] = apart[single, :1]
    fitted, compared = images + apart, images - apart
    deviation = noise * (np.sqrt(2.0) if deconvolve else 1.0)
    inverse = np.where(known[:, None], 1.0 / deviation[..., None, None] ** 2, 0.0)
    grid = images.shape[-1] + MARGIN
    parameters, fluxes, signals, misfits, shapes, angles = ([] for _ in range(6))
    for start in range(0, len(images), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        unit = np.maximum(np.abs(fitted[rows]).max(axis=(1, 2, 3)), 1e-30)[:, None, None, None]
        transfer = psf_spectrum(torch.tensor(psf[rows], dtype=torch.float32), grid) if deconvolve else None
        found = fit_profiles(
            torch.tensor(fitted[rows] / unit, dtype=torch.float32),
            torch.tensor(inverse[rows] * unit**2, dtype=torch.float32),
            transfer,
            grid,
        )
        parameters.append(found.parameters.numpy())
        fluxes.append(found.fluxes.numpy() * unit[:, :, 0, 0])
        signals.append(found.signal.numpy())
        misfits.append(found.misfit.numpy())
        shapes.append(found.ellipticity.numpy())
        angles.append(np.degrees(found.position_angle.numpy()) % 180.0)
    parameter, flux, signal, misfit, shape, angle = (
        np.concatenate(part) for part in (parameters, fluxes, signals, misfits, shapes, angles)
    )
    signal = np.where(single, signal / np.sqrt(len(BANDS)), signal)  # the same pixels as many times say no more
    kept = np.isfinite(parameter).all(1) & (flux > 0).all(1) & (signal > FAINTEST)
    if deconvolve:
        kept &= misfit < _WORST * np.maximum(1.0, (signal / 100.0) ** 2)
    if not kept.any():
        return xr.Dataset(), kept
    radius = np.exp(parameter[:, 2])
    arcsec, ratio = radius * scale, 1.0
    low, high = CONDITIONS["half_light_radius"].bounds or (0.25, 1.5)
    middle = float(np.median(arcsec[kept]))
    if not low <= middle <= high:
        ratio = middle / MIDDLE_RADIUS
    given: dict[str, Any] = {
        "morphology": codes[kept],
        "half_light_radius": np.clip(arcsec[kept] / ratio, low, high),
        "ellipticity": shape[kept],
        "position_angle": angle[kept],
        "sersic_index": np.exp(parameter[kept, 5]),
        "redshift": np.where(redshift[kept] > 0, np.clip(redshift[kept], 0.02, 2.0), np.nan),
    }
    magnitudes = zero_point - 2.5 * np.log10(flux[kept])
    given |= {f"magnitude_{band}": np.clip(magnitudes[:, k], 17.0, 28.0) for k, band in enumerate(BANDS)}
    data = _conditions(given, seed)
    of = flux[kept][..., None, None]
    cutouts = {
        "image": (("band", "cut_y", "cut_x"), compared[kept] / of),
        "weight": (("cut_y", "cut_x"), known[kept].astype(np.float32)),
        "noise": (("band",), deviation[kept] / flux[kept]),
        "psf": (("band", "psf_v", "psf_u"), psf[kept]),
        "scale": ((), scale[kept] / ratio),
        "centre": (("xy",), parameter[kept, :2]),
        "radius": ((), radius[kept]),
        "signal": ((), signal[kept]),
        "single": ((), single[kept]),
    }
    more = {f"cutout_{name}": (("sample", *dims), np.float32(values)) for name, (dims, values) in cutouts.items()}
    return data.assign(more).assign_attrs(angles_divided_by=ratio), kept


def _conditions(given: dict[str, Any], seed: int) -> xr.Dataset:
    """The plugin's conditions, the prior's where a cutout does not tell; shapes as far as each class can have them."""
    from ...sampling.request import condition_dataset
    from . import geometry
    from .prior import complete
    from .reference import DEFAULTS

    ranges = np.array([geometry.ellipticity_range(code) for code in range(len(MORPHOLOGIES))])
    low, high = ranges[given["morphology"].astype(np.int64)].T
    asked = {**given, "ellipticity": np.clip(given["ellipticity"], low, high)}
    filled = complete(CONDITIONS, condition_dataset(CONDITIONS, n=len(low), check=False, **asked), seed)
    filled["ellipticity"].values[:] = given["ellipticity"]  # what was fitted, for the networks to learn from
    return filled.drop_vars([name for name in DEFAULTS if name in filled])


def corrected(simulator: Any, conditions: xr.Dataset, signal: float, *, seed: int) -> xr.Dataset:
    """Conditions of the galaxies behind fits: radius, shape, angle, index and magnitudes drawn by the trained errors.

    Parameters
    ----------
    simulator : Surrogate
        Of the recipe `cutouts`.
    conditions : Dataset
        As fitted to cutouts.
    signal : float
        Their signal to noise.
    seed : int

    Returns
    -------
    Dataset
        The same with other values, shapes within what each class can have.
    """
    from ...contract.schema import with_values
    from ...noise import Noise
    from . import geometry
    from .observed import ERROR_NOISE

    kind = conditions["morphology"].values
    fitted = {
        "morphology": torch.tensor(kind.astype(np.int64)),
        "radius": torch.tensor(conditions["half_light_radius"].values, dtype=torch.float32),
        "ellipticity": torch.tensor(conditions["ellipticity"].values, dtype=torch.float32),
        "index": torch.tensor(conditions["sersic_index"].values, dtype=torch.float32),
    }
    noise = Noise(seed, torch.tensor(conditions["sample"].values))
    with torch.no_grad():
        normal = noise.normal((ERROR_NOISE,), "errors").float()
        told = simulator.model.behind(fitted, torch.full((len(kind),), float(signal)), normal)
    found = {name: value.numpy().astype(np.float64) for name, value in told.items() if name != "morphology"}
    ranges = np.array([geometry.ellipticity_range(code) for code in range(len(MORPHOLOGIES))])
    low, high = ranges[kind.astype(np.int64)].T
    shape = np.clip(found["ellipticity"], low, high)
    least, most = CONDITIONS["half_light_radius"].bounds or (0.25, 1.5)
    disc = (kind == geometry.SPIRAL) | (kind == geometry.EDGE_ON)
    inclination = np.where(disc, geometry.inclination_of(shape, kind), conditions["inclination"].values)
    changed = {
        "half_light_radius": np.clip(found["radius"], least, most),
        "ellipticity": shape,
        "inclination": inclination,
        "position_angle": (conditions["position_angle"].values + np.degrees(found["turn"])) % 180.0,
        "sersic_index": found["index"],
    }
    for k, band in enumerate(BANDS):
        name = f"magnitude_{band}"
        changed[name] = np.clip(conditions[name].values - 2.5 * np.log10(found["flux"][:, k]), 17.0, 28.0)
    return with_values(conditions, changed)
