"""Random structure of a galaxy that its conditions do not say: arms, knots, the merging parts and their tail.

One vector of `UNIFORMS` uniform numbers makes all of it, for any class, so that the reference (numpy's Philox) and a
model (`surrogates.noise.Noise`) draw from one law.
"""

from __future__ import annotations

from functools import cache

import numpy as np

KNOTS = 30
"""Knots of a spiral."""

KNOT_FRACTION = 0.1
"""Of the disc's flux."""

TAIL = 12
"""Gaussians along a merger's tidal tail."""

TAIL_FRACTION = 0.1
"""Of the merger's flux."""

ARM_SOFTENING = 0.5
"""Radius in scale lengths inside which the arms fade."""

UNIFORMS = 14 + 2 * KNOTS

SPIRAL_LATENTS = ("arms", "pitch", "phase", "contrast")
MERGER_LATENTS = (
    "flux_ratio",
    "separation",
    "direction",
    "second_ellipticity",
    "second_position_angle",
    "tail_start",
    "tail_length",
    "tail_curvature",
    "tail_width",
)


def structure(uniforms: np.ndarray) -> dict[str, np.ndarray]:
    """Structure of n galaxies from uniform numbers.

    Parameters
    ----------
    uniforms : ndarray
        (n, UNIFORMS) in (0, 1).

    Returns
    -------
    dict of ndarray
        Spiral: `arms` 2, 3 or 4; `pitch` rad, 12 to 30 deg, negative where the arms wind clockwise; `phase` rad;
        `contrast` 0.3 to 0.9; `knots` (n, KNOTS, 2), x and y in scale lengths in the round frame, radii as the
        disc's light, angles as the arms'.
        Merger: `flux_ratio` of the second part to the first, 0.3 to 1; `separation` of their centres in half-light
        radii of a part, 0.8 to 2; `direction` rad from the first to the second; `second_ellipticity`;
        `second_position_angle` deg; and the tail that leaves the second part: `tail_start` rad, its first direction,
        `tail_length` in half-light radii of a part, `tail_curvature` rad that it bends by in all, `tail_width`, sigma
        of its Gaussians in half-light radii of a part.
    """
    u = np.asarray(uniforms, dtype=np.float64)
    found = {
        "arms": 2.0 + (u[:, 0] > 0.55) + (u[:, 0] > 0.8),
        "pitch": np.radians(12.0 + 18.0 * u[:, 1]) * np.where(u[:, 2] < 0.5, -1.0, 1.0),
        "phase": 2.0 * np.pi * u[:, 3],
        "contrast": 0.3 + 0.6 * u[:, 4],
        "flux_ratio": 0.3 + 0.7 * u[:, 5],
        "separation": 0.8 + 1.2 * u[:, 6],
        "direction": 2.0 * np.pi * u[:, 7],
        "second_ellipticity": 0.6 * u[:, 8],
        "second_position_angle": 180.0 * u[:, 9],
        "tail_length": 1.5 + 2.0 * u[:, 11],
        "tail_curvature": np.pi * (0.3 + 0.7 * np.abs(2.0 * u[:, 12] - 1.0)) * np.where(u[:, 12] < 0.5, -1.0, 1.0),
        "tail_width": 0.25 + 0.15 * u[:, 13],
    }
    found["tail_start"] = found["direction"] + np.pi * (u[:, 10] - 0.5)
    found["knots"] = _knots(u[:, 14 : 14 + KNOTS], u[:, 14 + KNOTS :], found)
    return found


def arm_contrast(radius: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Amplitude of the arms at a radius in scale lengths: A R^2 / (R^2 + 0.5^2)."""
    return contrast * radius**2 / (radius**2 + ARM_SOFTENING**2)


def arm_phase(radius: np.ndarray, arms: np.ndarray, pitch: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Angle of the crest of an arm times the number of arms: m ln R / tan(pitch) + phase, R in scale lengths."""
    return arms * np.log(radius) / np.tan(pitch) + phase


_STEPS = 30


def _knots(radial: np.ndarray, angular: np.ndarray, arms: dict[str, np.ndarray]) -> np.ndarray:
    m, contrast = arms["arms"][:, None], arms["contrast"][:, None]
    enclosed, lengths = _exponential_radii()
    radius = np.interp(radial, enclosed, lengths)
    amplitude = arm_contrast(radius, contrast)
    branch, share = np.divmod(angular * m, 1.0)
    goal = 2.0 * np.pi * share
    psi, before = goal, goal
    for done in range(1, _STEPS + 1):  # psi + A sin psi = 2 pi share, contracting as A < 1
        step = (psi + amplitude * np.sin(psi) - goal) / (1.0 + amplitude * np.cos(psi))
        last, before = before, psi
        psi = np.clip(psi - np.clip(step, -0.5, 0.5), 0.0, 2.0 * np.pi)
        if np.array_equal(psi, last) and (_STEPS - done) % 2 == 0:
            break  # it stands, or goes to and fro by one last bit: the steps left would end here
    crest = arm_phase(radius, m, arms["pitch"][:, None], arms["phase"][:, None])
    theta = (psi + 2.0 * np.pi * branch + crest) / m
    return radius[..., None] * np.stack([np.cos(theta), np.sin(theta)], axis=-1)


@cache
def _exponential_radii() -> tuple[np.ndarray, np.ndarray]:
    """Enclosed light of an exponential disc, cut at 6 scale lengths, and the radii."""
    lengths = np.concatenate([[1e-3], np.linspace(0.0, 6.0, 2001)[1:]])
    enclosed = 1.0 - np.exp(-lengths) * (1.0 + lengths)
    return (enclosed - enclosed[0]) / (enclosed[-1] - enclosed[0]), lengths


# Mergers -----------------------------------------------------------------------------------------------------------


def merger_parts(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Positions and fluxes of a merger's parts; lengths in half-light radii of a part, origin at the parts' centroid.

    Returns
    -------
    dict of ndarray
        `fluxes` (n, 2) and `centres` (n, 2, 2) of the parts, `tail_centres` (n, TAIL, 2), `tail_fluxes` (n, TAIL);
        all fluxes of a merger sum to 1. `radius` (n,): half-light radius of a part over the whole merger's.
    """
    first = 1.0 / (1.0 + found["flux_ratio"])
    along = np.stack([np.cos(found["direction"]), np.sin(found["direction"])], -1) * found["separation"][:, None]
    centres = np.stack([-along * (1.0 - first)[:, None], along * first[:, None]], 1)
    fluxes = (1.0 - TAIL_FRACTION) * np.stack([first, 1.0 - first], -1)
    steps = (np.arange(TAIL) + 0.5) / TAIL
    angle = found["tail_start"][:, None] + found["tail_curvature"][:, None] * steps
    stride = (found["tail_length"] / TAIL)[:, None, None]
    path = np.cumsum(stride * np.stack([np.cos(angle), np.sin(angle)], -1), axis=1)
    fading = 1.0 - 0.7 * steps
    spread = first * (1.0 - first) * found["separation"] ** 2
    return {
        "centres": centres,
        "fluxes": fluxes,
        "tail_centres": centres[:, 1:] + path,
        "tail_fluxes": np.broadcast_to(TAIL_FRACTION * fading / fading.sum(), path.shape[:2]),
        "radius": 1.0 / np.sqrt(1.0 + MERGER_SPREAD * spread + MERGER_OFFSET),
    }


MERGER_SPREAD = 1.0
MERGER_OFFSET = 0.22
"""Together: half-light radius of a merger over a part's is sqrt(1 + offset + spread f (1 - f) separation^2), fitted."""
