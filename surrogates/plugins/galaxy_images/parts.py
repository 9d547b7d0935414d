"""What the learned generator learns from: the parts of GalSim's galaxies, each drawn apart in its own frame.

A part's frame has its centre at the origin, its size as the unit and no shear; a disc is also turned and mirrored so
that its strongest harmonic has phase 0 at `REFERENCE` and winds one way, a merger so that its second nucleus lies along
+x and its tail bends one way. Nothing is lost: a turn, a mirror, a shear and a shift are put back exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.galaxies.harmonics import amplitudes_and_slopes, measured_harmonics
from .geometry import EDGE_ON, ELLIPTICAL, MERGER, SPIRAL
from .latents import KNOT_FRACTION, TAIL, merger_parts
from .variables import CONDITIONS

if TYPE_CHECKING:
    import xarray as xr

SHARD = 1_000
NUMBERS = {"profiles": 240, "edge_on": 120, "spirals": 4_000, "mergers": 16_000}
"""Parts in each of the training pools, in this order."""

RADII = np.geomspace(0.004, 20.0, 96)
"""Radii of a profile, in half-light radii (a disc's: scale lengths)."""

HIGHEST = 6
"""Highest harmonic of a disc."""

RINGS = np.geomspace(0.25, 7.5, 48)
"""Radii at which a disc's harmonics are measured, in scale lengths."""

REFERENCE = 1.5
"""Radius at which the strongest harmonic is turned to phase 0, in scale lengths."""

EDGE_BLUR = 0.1
EDGE_X, EDGE_Y = np.arange(60) * 0.15, np.arange(40) * 0.06
"""Places at which an edge-on disc is compared, and the Gaussian it is seen through, in scale lengths."""

MERGER_NUMBERS = 6 + 3 * TAIL
"""ln of the flux ratio, separation, ln of a part's size, |e| as a vector, ln of the tail's width; then ln of the light
of each piece of the tail over both nuclei's, and its x and y from the second nucleus, in sizes of a part."""


def part_pools(folder: Path | None) -> tuple[xr.Dataset, ...]:
    """Training pools: profiles of spheroids and round discs, edge-on discs, spiral discs, mergers.

    Parameters
    ----------
    folder : Path, optional
        Keeps finished parts of `SHARD` rows.
    """
    import xarray as xr

    from ...training.simulated import kept
    from .reference import TRAINING_SEED

    made_by = {"seed": TRAINING_SEED, "galsim": version("galsim")}
    pools = []
    for pool, number in NUMBERS.items():
        shards = [
            (f"{pool}_{first // SHARD:03d}", {"pool": pool, "first": first, "number": min(SHARD, number - first)})
            for first in range(0, number, SHARD)
        ]
        arrays = list(kept(folder, shards, _shard, made_by))
        joined = {name: np.concatenate([part[name] for part in arrays]) for name in arrays[0]}
        variables = {
            name: (("sample", *(f"{name}_{axis}" for axis in range(values.ndim - 1))), values)
            for name, values in joined.items()
        }
        pools.append(xr.Dataset(variables))
    return tuple(pools)


def _shard(pool: str, first: int, number: int) -> dict[str, np.ndarray]:
    from ...sampling.request import condition_dataset
    from .prior import complete
    from .reference import DEFAULTS, TRAINING_SEED, galaxy_structure

    samples = np.arange(first, first + number)
    kind = {"profiles": ELLIPTICAL, "edge_on": EDGE_ON, "spirals": SPIRAL, "mergers": MERGER}[pool]
    fixed: dict[str, Any] = {"morphology": np.full(number, kind)}
    rng = np.random.default_rng((TRAINING_SEED, first, kind))
    if pool == "profiles":
        fixed["sersic_index"] = rng.uniform(0.5, 6.0, number)
    asked = complete(
        CONDITIONS, condition_dataset(CONDITIONS, n=number, first=first, check=False, **fixed), TRAINING_SEED
    )
    conditions = {name: asked[name].values for name in CONDITIONS.names if name not in DEFAULTS}
    if pool == "profiles":
        return conditions | profiles(conditions["sersic_index"])
    if pool == "edge_on":
        return conditions | {"part_edge_on": np.stack([edge_on_disc(i) for i in conditions["inclination"]])}
    found = galaxy_structure(samples, TRAINING_SEED)
    return conditions | (spiral_discs(found) if pool == "spirals" else {"part_merger": merger_numbers(found)})


# Smooth parts ------------------------------------------------------------------------------------------------------


def profiles(index: np.ndarray) -> dict[str, np.ndarray]:
    """Profiles of flux 1: spheroids of these Sersic indices, in half-light radii, every twelfth row a round disc.

    Returns
    -------
    dict of ndarray
        `part_index` (n,), 0 for a disc, and ln of the surface brightness at `RADII`, `part_profile` (n, radii).
    """
    import galsim

    index = np.where(np.arange(len(index)) % 12 == 11, 0.0, index)
    rows = []
    for n in index:
        profile = galsim.Sersic(n, half_light_radius=1.0) if n else galsim.Exponential(scale_radius=1.0)
        light = [profile.xValue(float(radius), 0.0) for radius in RADII]
        rows.append(np.log(np.maximum(light, 1e-30)))
    return {"part_index": index, "part_profile": np.array(rows)}


def edge_on_disc(inclination: float) -> np.ndarray:
    """A quadrant (y, x) of an inclined disc of flux 1 and scale length 1 behind a Gaussian, per square scale length."""
    import galsim

    from .profiles import HEIGHT_OVER_LENGTH

    disc = galsim.InclinedExponential(
        float(inclination) * galsim.degrees, scale_radius=1.0, scale_h_over_r=HEIGHT_OVER_LENGTH
    )
    seen: Any = galsim.Convolve(disc, galsim.Gaussian(sigma=EDGE_BLUR))
    step = 0.03
    size = 2 * int(EDGE_X[-1] / step) + 1
    image = seen.drawImage(nx=size, ny=size, scale=step, method="no_pixel", dtype=float).array / step**2
    middle = size // 2
    return image[middle + np.round(EDGE_Y / step).astype(int)][:, middle + np.round(EDGE_X / step).astype(int)]


# Spiral discs ------------------------------------------------------------------------------------------------------


def spiral_discs(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Round discs with arms as harmonics, and their knots.

    Returns
    -------
    dict of ndarray
        `part_amplitude`, `part_slope`, `part_phase` (n, HIGHEST, rings), the last at `RINGS`; `part_arms` (n,), the
        number of the strongest harmonic less 1; `part_knots` (n, knots, 2), ln of the radius and the angle;
        `part_knot_light` (n, knots), of the disc's.
    """
    from .profiles import DISC_STEP, arms_image

    rows: dict[str, list[Any]] = {f"part_{name}": [] for name in ("amplitude", "slope", "phase", "arms", "knots")}
    for row in range(len(found["arms"])):
        arms = arms_image({name: values[row] for name, values in found.items()})
        amplitude, phase, slope = amplitudes_and_slopes(measured_harmonics(arms, DISC_STEP, RINGS, HIGHEST), RINGS)
        light = RINGS**2 * np.exp(-RINGS)
        strongest = int(np.argmax(amplitude @ light))
        x, y = found["knots"][row].T
        angle = np.arctan2(y, x)
        if (slope[strongest] * amplitude[strongest] * light).sum() < 0.0:  # seen from its other side
            phase, slope, angle = -phase, -slope, -angle
        crest = np.interp(np.log(REFERENCE), np.log(RINGS), phase[strongest]) / (strongest + 1)
        phase = phase - (np.arange(HIGHEST)[:, None] + 1) * crest
        rows["part_amplitude"].append(amplitude)
        rows["part_slope"].append(slope)
        rows["part_phase"].append(phase)
        rows["part_arms"].append(strongest)
        rows["part_knots"].append(np.stack((np.log(np.hypot(x, y)), np.mod(angle - crest, 2.0 * np.pi)), -1))
    light = np.full(found["knots"].shape[:2], KNOT_FRACTION / found["knots"].shape[1])
    return {name: np.array(values) for name, values in rows.items()} | {"part_knot_light": light}


# Mergers -----------------------------------------------------------------------------------------------------------


def merger_numbers(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where a merger's parts lie, how large, bright and flat they are: (n, MERGER_NUMBERS), see there."""
    parts = merger_parts(dict(found))
    offset = parts["centres"][:, 1] - parts["centres"][:, 0]
    direction = np.arctan2(offset[:, 1], offset[:, 0])
    tail = parts["tail_centres"] - parts["centres"][:, 1:]
    cosine, sine = np.cos(direction)[:, None], np.sin(direction)[:, None]
    x, y = tail[..., 0] * cosine + tail[..., 1] * sine, tail[..., 1] * cosine - tail[..., 0] * sine
    first, last = (np.stack((x[:, b] - x[:, a], y[:, b] - y[:, a]), -1) for a, b in ((0, 1), (-2, -1)))
    bends = np.sign(first[:, 0] * last[:, 1] - first[:, 1] * last[:, 0])
    twice = 2.0 * (np.radians(found["second_position_angle"]) - direction)
    columns = (
        np.log(parts["fluxes"][:, 1] / parts["fluxes"][:, 0]),
        np.hypot(*offset.T),
        np.log(parts["radius"]),
        found["second_ellipticity"] * np.cos(twice),
        found["second_ellipticity"] * np.sin(twice) * bends,
        np.log(found["tail_width"]),
    )
    light = np.log(parts["tail_fluxes"] / parts["fluxes"].sum(1, keepdims=True))
    return np.concatenate((np.stack(columns, -1), light, x, y * bends[:, None]), axis=1)
