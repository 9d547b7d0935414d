"""The figures of cosmic-web's densities: distributions over boxes of the same cosmologies, whose initial fields differ.

Power and its scatter, its response to the cosmology, the distribution of densities, peaks, voids and bispectra; whether
boxes repeat one another is found by shifting them over each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ....measuring.remembering import remembered
from ..variables import SPACING

if TYPE_CHECKING:
    import xarray as xr

SHELLS = (0.05, 0.15, 0.25, 0.35, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5)
"""Edges of the shells of wavenumber, h/Mpc; the mesh ends at 1.57."""

TRIANGLES = np.array([(0.3, 0.3, 0.3), (0.5, 0.5, 0.5), (0.8, 0.8, 0.8), (0.2, 0.6, 0.6)])
"""Sides of triangles, h/Mpc; the last is squeezed."""

SMOOTHING = 3.0
"""Gaussian radius of the smoothed density, Mpc/h."""

DENSITIES = np.array(
    [0.0, 0.02, 0.06, 0.12, 0.2, 0.3, 0.42, 0.56, 0.75, 1.0, 1.35, 1.85, 2.6, 3.8, 6, 10, 18, 40, np.inf]
)
"""Edges of the density in units of its mean."""

SMOOTH_DENSITIES = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.1, 2.8, 4.0, 6.0, np.inf])
PEAK, HIGH_PEAK = 5.0, 20.0
"""Least contrasts of peaks."""

VOID = -0.5
"""Contrast below which the smoothed density is a void's."""

COARSE = 8
"""Mesh points a side that boxes are compared on with each other."""


@remembered("powers")
def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """What the figures need of every box; a reduced Dataset is given back as it is, recent ones are remembered.

    Returns
    -------
    Dataset
        `context` (3), growth times sigma_8, matter density and growth; `powers` (shell), `bispectra` (triangle),
        reduced; `densities` and `smooth` (bin, shares); `peaks` and `high_peaks` (number), `voids` (mean radius,
        Mpc/h), `void_share`, `axes` (component, power along each) and `coarse` (x, y, z), of deviation 1.
    """
    return _reduced(dataset)


def _reduced(dataset: xr.Dataset) -> xr.Dataset:
    from ....physics.cosmology.background import Cosmology

    rows = []
    asked = zip(*(dataset[name].values.tolist() for name in ("omega_m", "sigma_8", "redshift")), strict=True)
    for contrast, (omega_m, sigma_8, redshift) in zip(dataset["density_contrast"].values, asked, strict=True):
        growth = Cosmology(omega_m, sigma_8).growth(redshift)
        rows.append({"context": np.array([sigma_8 * growth, omega_m, growth]), **box(contrast)})
    axes = {
        "context": ("number",),
        "powers": ("shell",),
        "bispectra": ("triangle",),
        "densities": ("bin",),
        "smooth": ("smooth_bin",),
        "axes": ("component",),
        "coarse": ("i", "j", "k"),
    }
    found = dataset[["omega_m", "sigma_8", "redshift"]]
    return found.assign(
        {name: (("sample", *axes.get(name, ())), np.stack([row[name] for row in rows])) for name in rows[0]}
    )


def box(contrast: np.ndarray) -> dict[str, np.ndarray]:
    """All quantities of `reduce` of one box but its context."""
    from ....physics.cosmology import density_statistics as statistics
    from ....physics.cosmology.spectra import power, shells

    contrast = np.asarray(contrast, np.float32)
    side = contrast.shape[0]
    box_size = side * SPACING
    _, k = shells(side, box_size)
    powers = power(contrast, box_size)
    shell = np.digitize(k, SHELLS) - 1
    sides = np.interp(TRIANGLES, k, powers)
    pairs = sides[:, 0] * sides[:, 1] + sides[:, 1] * sides[:, 2] + sides[:, 2] * sides[:, 0]
    smooth = statistics.smoothed(contrast, box_size, SMOOTHING)
    peaks = statistics.peak_heights(contrast)
    voids = statistics.void_radii(smooth, box_size, VOID)
    coarse = np.log(1.0 + np.maximum(blocks(contrast) + 1.0, 0.0))
    coarse = (coarse - coarse.mean()) / max(float(coarse.std()), 1e-9)
    return {
        "powers": np.array([powers[shell == s].mean() for s in range(len(SHELLS) - 1)]),
        "bispectra": statistics.bispectrum(contrast, box_size, TRIANGLES, 0.1) / pairs,
        "densities": _shares(contrast, DENSITIES),
        "smooth": _shares(smooth, SMOOTH_DENSITIES),
        "peaks": np.asarray((peaks > PEAK).sum(), float),
        "high_peaks": np.asarray((peaks > HIGH_PEAK).sum(), float),
        "voids": np.asarray((voids**4).sum() / (voids**3).sum() if len(voids) else 0.0),
        "void_share": np.asarray((smooth < VOID).mean()),
        "axes": statistics.axis_powers(contrast, box_size, 0.3, 1.2),
        "coarse": coarse,
    }


def blocks(contrast: np.ndarray) -> np.ndarray:
    """Means of a box's cubes, on `COARSE` points a side."""
    side = contrast.shape[0] // COARSE
    return contrast.reshape(COARSE, side, COARSE, side, COARSE, side).mean(axis=(1, 3, 5))


def _shares(contrast: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(np.maximum(contrast + 1.0, 0.0), edges)
    return counts / counts.sum()


def measure(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Compare the distribution of boxes with the reference's at the same cosmologies.

    Parameters
    ----------
    samples, truth : Dataset
    training : Dataset, optional
        Not used.

    Returns
    -------
    dict of float
        ``power``: largest relative difference of the geometric mean of power over shells; ``power_scatter``: of its
        deviation at a cosmology, in the logarithm; ``power_response``: of its slope with growth times sigma_8, over
        0.25 to 0.8 h/Mpc; ``densities``, ``smooth_densities``: total variation between distributions of the density;
        ``peaks``, ``high_peaks``, ``void_radius``, ``void_share``: relative differences of means; ``bispectrum``,
        ``bispectrum_squeezed``: of reduced bispectra; ``isotropy``: largest difference of the share of power along an
        axis; ``repeats``: how much more alike two boxes are, once shifted over each other, than the reference's.
    """
    del training
    a, b = reduce(samples), reduce(truth)
    logs = [np.log(np.maximum(side["powers"].values, 1e-9)) for side in (a, b)]
    (slopes, left), (true_slopes, true_left) = (
        _regressed(log, side["context"].values) for log, side in zip(logs, (a, b), strict=True)
    )
    middle = slice(2, 6)
    along = [side["axes"].values / side["axes"].values.sum(axis=1, keepdims=True) for side in (a, b)]
    bispectra = _relative(a["bispectra"].values, b["bispectra"].values)
    return {
        "power": float(np.abs(np.expm1(logs[0].mean(axis=0) - logs[1].mean(axis=0))).max()),
        "power_scatter": float(np.abs(left / true_left - 1).max()),
        "power_response": float(abs(slopes[middle].mean() / true_slopes[middle].mean() - 1)),
        "densities": _variation(a["densities"].values, b["densities"].values),
        "smooth_densities": _variation(a["smooth"].values, b["smooth"].values),
        "peaks": float(abs(_relative(a["peaks"].values, b["peaks"].values))),
        "high_peaks": float(abs(_relative(a["high_peaks"].values, b["high_peaks"].values))),
        "void_radius": float(abs(_relative(a["voids"].values, b["voids"].values))),
        "void_share": float(abs(_relative(a["void_share"].values, b["void_share"].values))),
        "bispectrum": float(np.abs(bispectra[:-1]).max()),
        "bispectrum_squeezed": float(abs(bispectra[-1])),
        "isotropy": float(np.abs((along[0] - 1 / 3).mean(axis=0)).max()),
        "repeats": float(max(likeness(a["coarse"].values) - likeness(b["coarse"].values), 0.0)),
    }


def _regressed(logs: np.ndarray, context: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (shell,) of log power with the log of growth times sigma_8, and what a plane in the context leaves."""
    known = np.column_stack((np.ones(len(context)), np.log(context)))
    found, *_ = np.linalg.lstsq(known, logs, rcond=None)
    return found[1], (logs - known @ found).std(axis=0)


def likeness(coarse: np.ndarray) -> float:
    """Mean over pairs of boxes of their largest correlation at any shift."""
    spectra = np.fft.rfftn(coarse, axes=(1, 2, 3))
    pairs = [(i, i + 1 + (i % 3)) for i in range(len(coarse) - 3)] or [(0, len(coarse) - 1)]
    product = np.stack([spectra[i] * spectra[j].conj() for i, j in pairs])
    return float((np.fft.irfftn(product, coarse.shape[1:], axes=(1, 2, 3)).max(axis=(1, 2, 3)) / COARSE**3).mean())


def _relative(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Relative difference of means over the boxes."""
    mean = true.mean(axis=0)
    return (found.mean(axis=0) - mean) / np.where(mean == 0, 1.0, np.abs(mean))


def _variation(found: np.ndarray, true: np.ndarray) -> float:
    return float(0.5 * np.abs(found.mean(axis=0) - true.mean(axis=0)).sum())


def high_level(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the classifier looks at: each box's statistics and its cosmology, (n, k)."""
    found = reduce(dataset)
    columns: dict[str, np.ndarray] = {}
    for name in ("context", "powers", "bispectra", "densities", "smooth"):
        values = found[name].values
        values = np.log(np.maximum(values, 1e-9)) if name == "powers" else values
        columns |= {f"{name}_{number}": values[:, number] for number in range(values.shape[1])}
    columns |= {name: found[name].values for name in ("peaks", "high_peaks", "voids", "void_share")}
    return np.column_stack(list(columns.values())), tuple(columns)
