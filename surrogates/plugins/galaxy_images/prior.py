"""The joint law of a galaxy's conditions, and the completion of whatever part of them was asked.

A galaxy's class, redshift, absolute magnitude, colours, size and shape are drawn in this order. Asked values enter by
likelihood weighting: `CANDIDATES` galaxies are drawn for each row with the asked values put in where the order meets
them, each weighed by the density of what was put in, and one is chosen by weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.schema import Schema, with_values
from . import colours, geometry
from .geometry import EDGE_ON, ELLIPTICAL, MERGER, SPIRAL
from .variables import BANDS, CONDITIONS

if TYPE_CHECKING:
    import xarray as xr

SHARES = (0.55, 0.28, 0.06, 0.11)
"""Of the classes in the order of `MORPHOLOGIES`: spiral, elliptical, merger, edge_on."""

CANDIDATES = 64
UNASKED_CANDIDATES = 16
ROWS_AT_ONCE = 512

_REDSHIFT_SCALE = np.array([0.33, 0.40, 0.45, 0.33])
_MAGNITUDE = np.array([-20.6, -21.3, -20.9, -20.4])  # absolute, r band at rest, at redshift 0
_MAGNITUDE_SCATTER = np.array([1.1, 1.1, 1.0, 1.1])
_BRIGHTENING = 1.0  # mag per unit of redshift
_LOG_SIZE = np.array([0.68, 0.58, 0.72, 0.70])  # log10 kpc at M_r = -21 and redshift 0
_SIZE_SLOPE = np.array([-0.11, -0.20, -0.13, -0.11])  # per mag
_SIZE_SCATTER = np.array([0.15, 0.12, 0.15, 0.15])
_SIZE_GROWTH = np.array([-0.6, -1.0, -0.7, -0.6])  # power of 1 + z
_COLOUR_SCATTER = 0.07
_REDDENING = np.array([0.22, 0.0, -0.13])  # dust seen from the side, relative to r
_SPHEROID_SCATTER = 0.2
_INDEX = (3.8, 0.9)
_JOINT = (
    "half_light_radius",
    "magnitude_g",
    "magnitude_r",
    "magnitude_i",
    "ellipticity",
    "inclination",
    "bulge_fraction",
    "sersic_index",
    "redshift",
)
_DRAWS = 12
_SPARE = 1e-6
"""Relative room that is left in a stamp, for conditions that are kept in single precision."""

Arrays = dict[str, np.ndarray]


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Conditions of n galaxies with nothing asked.

    Parameters
    ----------
    schema : Schema
        Its bounds cut the law.
    n : int
    seed : int
        Row i depends on (seed, i) alone.
    """
    from ...sampling.request import condition_dataset

    defaults: dict[str, Any] = {
        variable.name: np.clip(variable.convert(variable.default), *variable.bounds)
        for variable in schema
        if variable.default is not None and variable.bounds is not None
    }
    return complete(schema, condition_dataset(CONDITIONS, n=n, check=False, **defaults), seed)


def complete(schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Fill every missing physical condition from the joint law, given those that are there.

    Parameters
    ----------
    schema : Schema
        Its bounds hold for what is filled in.
    conditions : Dataset
        Along `sample`; NaN and -1 are missing.
    seed : int
        A row's draw depends on (seed, its `sample` coordinate) alone.

    Returns
    -------
    Dataset
        The same, with asked values as they were; `blend_with` and `psf_image` stay missing where they were.
    """
    samples = np.asarray(conditions["sample"].values, dtype=np.int64)
    held = conditions.variables  # quicker than as DataArrays
    asked = {name: np.asarray(held[name].values) for name in CONDITIONS.names if not CONDITIONS[name].dims}
    columns = (*_JOINT, "position_angle")
    missing = np.stack([np.isnan(asked[name]) for name in columns], -1)
    open_rows = missing.any(axis=1) | (asked["morphology"] < 0)
    if not open_rows.any():
        return conditions
    filled = {name: asked[name].copy() for name in ("morphology", *columns)}
    joint = open_rows & ~missing[:, :-1].all(axis=1)
    for rows, candidates in ((open_rows & ~joint, UNASKED_CANDIDATES), (joint, CANDIDATES)):
        index = np.flatnonzero(rows)
        for start in range(0, len(index), ROWS_AT_ONCE):
            some = index[start : start + ROWS_AT_ONCE]
            drawn = _complete({k: v[some] for k, v in asked.items()}, samples[some], seed, candidates, schema)
            for name, values in drawn.items():
                filled[name][some] = values
    return with_values(conditions, filled)


def _complete(asked: Arrays, samples: np.ndarray, seed: int, candidates: int, schema: Schema) -> Arrays:
    import torch

    from ...noise import Noise

    noise = Noise(seed, torch.as_tensor(samples))
    shift = noise.uniform((_DRAWS,), "galaxy").numpy()
    pick, angle = noise.uniform((2,), "choice").numpy().T
    uniform = np.clip((shift[:, None, :] + _lattice(candidates)) % 1.0, 1e-12, 1.0 - 1e-12)
    given = {name: values[:, None] for name, values in asked.items()}
    galaxy, weight = _candidates(given, uniform)
    allowed, excess = _allowed(given, galaxy, schema)
    hopeless = ~(allowed & np.isfinite(weight)).any(axis=1, keepdims=True)
    nearest = np.maximum(np.nan_to_num(weight, neginf=-1e6), -1e6) - 1e3 * excess - 1e3 * ~allowed
    weight = np.where(hopeless, nearest, np.where(allowed, weight, -np.inf))
    density = np.exp(weight - weight.max(axis=1, keepdims=True))
    cumulative = np.cumsum(density, axis=1)
    chosen = np.minimum((cumulative < pick[:, None] * cumulative[:, -1:]).sum(axis=1), candidates - 1)
    found = {name: np.take_along_axis(values, chosen[:, None], axis=1)[:, 0] for name, values in galaxy.items()}
    found["position_angle"] = np.where(np.isnan(asked["position_angle"]), 180.0 * angle, asked["position_angle"])
    for name, values in found.items():
        bounds = schema[name].bounds
        if bounds is not None:
            found[name] = np.where(np.isnan(asked[name]), np.clip(values, *bounds), asked[name])
    found["morphology"] = np.where(asked["morphology"] < 0, found["morphology"], asked["morphology"])
    return _fitted(found, asked, schema)


def _fitted(found: Arrays, asked: Arrays, schema: Schema) -> Arrays:
    """Galaxies of which what was not asked gives way where they do not fit their stamp: first the shape, then the size.

    A galaxy is made rounder, as far as its class can be; one whose size was not asked is made smaller. What does not
    fit even so was asked that way.
    """
    side, psf = geometry.stamp_side(asked["pixel_scale"], asked["size"]), widest_psf(asked)
    needed = geometry.stamp_needed(found["half_light_radius"], found["ellipticity"], psf)
    large = needed > side
    if not large.any():
        return found
    kind = found["morphology"].astype(np.int64)
    roundest = np.array([geometry.ellipticity_range(code)[0] for code in range(len(SHARES))])[kind]
    thin = np.minimum((3.0 * found["half_light_radius"] / side) ** 2, 1.0)
    fitting = np.maximum((1.0 - thin) / (1.0 + thin) * (1.0 - _SPARE), roundest)
    rounder = large & np.isnan(asked["ellipticity"]) & np.isnan(asked["inclination"]) & (fitting < found["ellipticity"])
    ellipticity = np.where(rounder, fitting, found["ellipticity"])
    inclination = np.where(rounder, geometry.inclination_of(ellipticity, kind), found["inclination"])
    least, most = schema["half_light_radius"].bounds or (0.0, np.inf)
    widest = np.minimum(
        np.sqrt(np.maximum((side / 4.5) ** 2 - (0.5 * psf) ** 2, 0.0)),
        side / 3.0 * np.sqrt(geometry.axis_ratio(ellipticity)),
    )
    smaller = large & np.isnan(asked["half_light_radius"])
    fitting = np.clip(widest * (1.0 - _SPARE), least, most)
    radius = np.where(smaller, np.minimum(fitting, found["half_light_radius"]), found["half_light_radius"])
    return {**found, "ellipticity": ellipticity, "inclination": inclination, "half_light_radius": radius}


@cache
def _lattice(count: int) -> np.ndarray:
    """Points that fill the unit cube evenly, (count, _DRAWS): multiples of powers of the root of x^(d+1) = x + 1.

    Shifted at random, each is uniform and together they cover the law better than independent ones (Cranley &
    Patterson 1976, SIAM J. Numer. Anal. 13, 904).
    """
    root = 1.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (_DRAWS + 1))
    return (np.arange(count)[:, None] * root ** -np.arange(1.0, _DRAWS + 1)) % 1.0


def _candidates(asked: Arrays, uniform: np.ndarray) -> tuple[Arrays, np.ndarray]:
    """Galaxies of shape (rows, candidates) that have the asked values, and the log density of those."""
    u = [uniform[..., k] for k in range(_DRAWS)]
    weight = np.zeros(uniform.shape[:2])

    def put(name: str, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        there = ~np.isnan(asked[name]) & np.ones(drawn.shape, dtype=bool)
        return np.where(there, asked[name], drawn), there

    kind = np.searchsorted(np.cumsum(SHARES)[:-1], u[0])
    kind = np.where(asked["morphology"] >= 0, asked["morphology"], kind).astype(np.int64)

    scale = _REDSHIFT_SCALE[kind]
    redshift, there = put("redshift", scale * (-np.log(u[1] * u[2])) ** (2.0 / 3.0))
    redshift = np.clip(redshift, 1e-3, None)
    weight += np.where(there, 2.0 * np.log(redshift / scale) - (redshift / scale) ** 1.5 - np.log(scale), 0.0)

    shape, log_density = _shape(kind, asked, u[3])
    weight += log_density
    light, log_density = _profile(kind, asked, u[4], u[5])
    weight += log_density

    apparent, absolute, log_density = _magnitudes(kind, asked, redshift, light["bulge_fraction"], u[6:10])
    weight += log_density

    mean = _LOG_SIZE[kind] + _SIZE_SLOPE[kind] * (absolute + 21.0) + _SIZE_GROWTH[kind] * np.log10(1.0 + redshift)
    disc = (kind == SPIRAL) | (kind == EDGE_ON)
    mean += np.where(disc, 0.5 * np.log10(geometry.axis_ratio(shape["ellipticity"])), 0.0)
    mean -= np.log10(colours.kpc_per_arcsec(redshift))
    radius, there = put("half_light_radius", 10.0 ** (mean + _SIZE_SCATTER[kind] * _normal(u[10], u[11])))
    weight += np.where(there, _log_normal(np.log10(radius), mean, _SIZE_SCATTER[kind]), 0.0)
    return {
        "morphology": kind,
        "redshift": redshift,
        "half_light_radius": radius,
        **shape,
        **light,
        **apparent,
    }, weight


def _shape(kind: np.ndarray, asked: Arrays, u: np.ndarray) -> tuple[Arrays, np.ndarray]:
    """Ellipticity and inclination: discs are turned at random, spheroids have a half-normal |e|."""
    steepest = np.where(kind == EDGE_ON, 90.0, 78.0)
    flattest = np.where(kind == EDGE_ON, geometry.EDGE_ON_INCLINATION, 0.0)
    low, high = np.cos(np.radians(steepest)), np.cos(np.radians(flattest))
    turned = np.degrees(np.arccos(low + (high - low) * u))
    disc = (kind == SPIRAL) | (kind == EDGE_ON)
    drawn = np.where(disc, geometry.ellipticity_of(turned, kind), np.minimum(_SPHEROID_SCATTER * _half_normal(u), 0.8))
    shown = ~np.isnan(asked["inclination"])
    of_inclination = geometry.ellipticity_of(np.where(shown, asked["inclination"], 0.0), kind)
    told = ~np.isnan(asked["ellipticity"])
    ellipticity = np.where(told, asked["ellipticity"], np.where(shown, of_inclination, drawn))
    inclination = np.where(shown, asked["inclination"], geometry.inclination_of(ellipticity, kind))
    given = told | shown
    limits = np.array([geometry.ellipticity_range(code) for code in range(len(SHARES))])[kind]
    q = geometry.axis_ratio(ellipticity)
    slope = 2.0 * q / (1.0 + ellipticity) ** 2  # d cos i / d e = slope / cos i
    cosine = np.cos(np.radians(np.minimum(inclination, 89.0)))
    of_disc = np.log(slope / (cosine * (high - low)))
    of_spheroid = -0.5 * (ellipticity / _SPHEROID_SCATTER) ** 2 + np.log(0.8 / _SPHEROID_SCATTER)
    density = np.where(disc, of_disc, of_spheroid)
    density = np.where(given, density, 0.0)
    inside = (ellipticity >= limits[..., 0] - 1e-9) & (ellipticity <= limits[..., 1] + 1e-9)
    weight = np.where(inside, density, -np.inf)
    return {"ellipticity": ellipticity, "inclination": inclination}, weight


def _profile(kind: np.ndarray, asked: Arrays, u: np.ndarray, v: np.ndarray) -> tuple[Arrays, np.ndarray]:
    """Bulge fraction and Sersic index, tied by n = 1 + 3 B/T where no more than one of them is asked."""
    disc = (kind == SPIRAL) | (kind == EDGE_ON)
    spheroid = np.round(np.clip(_INDEX[0] + _INDEX[1] * _normal(u, v), 1.5, 6.0), 1)
    merging = np.round(1.0 + 3.0 * u, 1)
    fraction = asked["bulge_fraction"]
    index = asked["sersic_index"]
    told, shown = ~np.isnan(fraction), ~np.isnan(index)
    drawn_fraction = 0.7 * u**2
    bulge = np.where(told, fraction, np.where(shown, np.clip((index - 1.0) / 3.0, 0.0, 1.0), drawn_fraction))
    sersic = np.where(shown, index, np.where(told, 1.0 + 3.0 * fraction, np.where(kind == MERGER, merging, spheroid)))
    bulge = np.where(disc | told, bulge, np.clip((sersic - 1.0) / 3.0, 0.0, 1.0))
    sersic = np.where(disc & ~shown, np.round(1.0 + 3.0 * bulge, 1), sersic)
    of_disc = np.where(bulge <= 0.7, -0.5 * np.log(2.8 * np.maximum(bulge, 1e-3)), -6.0)
    of_spheroid = _log_normal(sersic, *_INDEX) + np.log(3.0)
    of_merger = np.where((sersic >= 1.0) & (sersic <= 4.0), 0.0, -6.0)
    density = np.where(disc, of_disc, np.where(kind == ELLIPTICAL, of_spheroid, of_merger))
    return {"bulge_fraction": bulge, "sersic_index": sersic}, np.where(told | shown, density, 0.0)


def _magnitudes(
    kind: np.ndarray, asked: Arrays, redshift: np.ndarray, bulge: np.ndarray, u: list[np.ndarray]
) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Apparent magnitudes, the absolute one in r, and the log density of those that are asked."""
    corrections = colours.correction(redshift)
    flux = 10.0 ** (-0.4 * corrections)
    young = np.where(kind == MERGER, 0.2 + 0.6 * u[3], 0.0)
    spheroid = np.where(kind == ELLIPTICAL, 1.0, np.where(kind == MERGER, 0.0, bulge))
    shares = np.stack([spheroid, (1.0 - spheroid) * (1.0 - young), (1.0 - spheroid) * young], -1)
    relative = -2.5 * np.log10((shares[..., None] * flux / flux[..., 1:2]).sum(axis=-2))
    relative = relative + np.where((kind == EDGE_ON)[..., None], _REDDENING, 0.0)
    at_rest = (shares * corrections[..., 1]).sum(axis=-1)
    scatter = np.stack([_normal(u[0], u[1]), np.zeros(kind.shape), _normal(u[1], u[0])], -1) * _COLOUR_SCATTER
    mean = _MAGNITUDE[kind] - _BRIGHTENING * redshift
    offset = colours.distance_modulus(redshift) + at_rest
    drawn = mean + _MAGNITUDE_SCATTER[kind] * _normal(u[2], u[3]) + offset

    weight = np.zeros(kind.shape)
    anchored = np.zeros(kind.shape, dtype=bool)
    r = drawn
    for band in (1, 0, 2):
        given = np.broadcast_to(asked[f"magnitude_{BANDS[band]}"], kind.shape)
        there = ~np.isnan(given)
        first = there & ~anchored
        r = np.where(first, given - relative[..., band] - scatter[..., band], r)
        further = there & anchored
        difference = np.where(further, given - r, 0.0)
        weight += np.where(further, _log_normal(difference, relative[..., band], 1.5 * _COLOUR_SCATTER), 0.0)
        anchored |= there
    absolute = r - offset
    weight += np.where(anchored, _log_normal(absolute, mean, _MAGNITUDE_SCATTER[kind]), 0.0)
    apparent = {}
    for band, name in enumerate(BANDS):
        given = np.broadcast_to(asked[f"magnitude_{name}"], kind.shape)
        apparent[f"magnitude_{name}"] = np.where(np.isnan(given), r + relative[..., band] + scatter[..., band], given)
    return apparent, absolute, weight


def _allowed(asked: Arrays, galaxy: Arrays, schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    """Candidates whose drawn values lie within bounds and that fit their stamp; by how much they do not, relatively."""
    allowed = np.ones(galaxy["morphology"].shape, dtype=bool)
    for name in _JOINT:
        bounds = schema[name].bounds
        if bounds is not None:
            inside = (galaxy[name] >= bounds[0]) & (galaxy[name] <= bounds[1])
            allowed &= inside | ~np.isnan(asked[name])
    needed = geometry.stamp_needed(galaxy["half_light_radius"], galaxy["ellipticity"], widest_psf(asked))
    excess = np.maximum(needed / geometry.stamp_side(asked["pixel_scale"], asked["size"]) - 1.0, 0.0)
    return allowed & (excess == 0.0), excess


def widest_psf(conditions: Mapping[str, np.ndarray]) -> np.ndarray:
    """FWHM in arcsec of the widest PSF among the bands; 0 where there is none or an image."""
    widest = np.max(np.stack([conditions[f"psf_fwhm_{band}"] for band in BANDS]), axis=0)
    return np.where((conditions["psf"] > 0) & (conditions["psf"] < 4), widest, 0.0)


def _normal(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)


def _half_normal(u: np.ndarray) -> np.ndarray:
    """|N(0, 1)| by the inverse of the logistic approximation of its cumulative probability (Tocher 1963)."""
    p = 0.5 + 0.5 * u
    return np.log(p / (1.0 - p)) / 1.702


def _log_normal(value: np.ndarray, mean: np.ndarray | float, scatter: np.ndarray | float) -> np.ndarray:
    return -0.5 * ((value - mean) / scatter) ** 2 - np.log(scatter)
