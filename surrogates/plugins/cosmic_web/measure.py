"""The figures of cosmic-web: each box against the reference's from the same initial field.

Scales are those of particles 2 Mpc/h apart; for a finer lattice all of them shrink with its spacing.

Power, phases and velocities are compared scale by scale to k = 1 h/Mpc on a mesh of half the particles' spacing, shapes
by what power cannot see: bispectra, the distribution of densities, peaks, voids and haloes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...measuring.remembering import remembered
from .variables import SPACING

if TYPE_CHECKING:
    import xarray as xr

SMALLEST = 1.0
"""Largest wavenumber of the figures, h/Mpc."""

SHELLS = (0.03, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.05)
"""Edges of the shells of wavenumber, h/Mpc; the last is around 1 h/Mpc, the fifth around 0.5."""

EQUILATERAL = (0.2, 0.4, 0.6)
"""Sides of the equilateral triangles, h/Mpc; those of squeezed ones are 0.1 and twice 0.5."""

SMOOTHING = 2.0
"""Gaussian radius of the density for its distribution, peaks and voids, Mpc/h."""

DENSITIES = np.linspace(-1.5, 3.0, 19)
"""Edges of ln(1 + contrast) of the smoothed density."""

PEAK = 2.0
"""Least contrast of a peak of the smoothed density."""

SEPARATIONS = np.array([1.0, 2.0, 4.0, 8.0])
"""Edges of pair separations, Mpc/h."""


@remembered("modes")
def reduce(dataset: xr.Dataset, spacing: float = SPACING) -> xr.Dataset:
    """What the figures need of every box; a reduced Dataset is given back as it is.

    Measuring takes seconds a box: what was found for the last few Dataset objects is remembered while they live.

    Returns
    -------
    Dataset
        `omega_m`, `sigma_8`, `redshift`; `modes` (mode, part), the Fourier modes below 1.05 h/Mpc of the contrast on
        the fine mesh; `moved` and `speed`, displacement and velocity of every 61st particle; `momentum` (shell),
        `pairwise` (separation), `bispectra` (triangle), `densities` (bin, shares), `peaks`, `voids` (mean radius),
        `haloes` (number), `axes` (component, power along each axis).
    """
    return _reduced(dataset, spacing)


def _reduced(dataset: xr.Dataset, spacing: float) -> xr.Dataset:
    rows = [
        _box(displacement, velocity, spacing)
        for displacement, velocity in zip(dataset["displacement"].values, dataset["velocity"].values, strict=True)
    ]
    axes = {
        "modes": ("mode", "part"),
        "moved": ("chosen", "component"),
        "speed": ("chosen", "component"),
        "momentum": ("shell",),
        "pairwise": ("separation",),
        "bispectra": ("triangle",),
        "densities": ("bin",),
        "axes": ("component",),
    }
    found = dataset[["omega_m", "sigma_8", "redshift"]]
    return found.assign(
        {name: (("sample", *axes.get(name, ())), np.stack([row[name] for row in rows])) for name in rows[0]}
    ).assign_attrs(side=int(dataset.sizes["x"]), spacing=spacing)


def _box(displacement: np.ndarray, velocity: np.ndarray, spacing: float) -> dict[str, np.ndarray]:
    """All quantities of `reduce` of one box."""
    from ...physics.cosmology import density_statistics as statistics
    from ...physics.cosmology.haloes import halo_sizes
    from ...physics.cosmology.particle_mesh import density_contrast
    from ...physics.cosmology.spectra import shells
    from ...physics.cosmology.velocities import momentum_power, pairwise_velocity

    side = displacement.shape[0]
    box_size, finer = side * spacing, SPACING / spacing
    fine = density_contrast(displacement, 2 * side, box_size)
    coarse = statistics.smoothed(density_contrast(displacement, side, box_size), box_size, SMOOTHING / finer)
    triangles = finer * np.array([*((k, k, k) for k in EQUILATERAL), (0.1, 0.5, 0.5)])
    voids = statistics.void_radii(coarse, box_size, -0.6)
    momentum = momentum_power(displacement, velocity, side, box_size)
    _, k = shells(side, box_size)
    shell = np.digitize(k / finer, SHELLS) - 1
    log_density = np.log(np.maximum(1 + coarse, 1e-3))
    counts, _ = np.histogram(np.clip(log_density, DENSITIES[0], DENSITIES[-1]), DENSITIES)
    return {
        "modes": low_modes(fine, box_size, spacing),
        "moved": displacement.reshape(-1, 3)[::61],
        "speed": velocity.reshape(-1, 3)[::61],
        "momentum": np.array([momentum[shell == s].mean() for s in range(len(SHELLS) - 1)]),
        "pairwise": pairwise_velocity(displacement, velocity, box_size, SEPARATIONS / finer),
        "bispectra": statistics.bispectrum(fine, box_size, triangles, 0.1 * finer),
        "densities": counts / counts.sum(),
        "peaks": np.asarray((statistics.peak_heights(coarse) > PEAK).sum(), float),
        "voids": np.asarray((voids**4).sum() / (voids**3).sum() if len(voids) else 0.0),
        "haloes": np.asarray(len(halo_sizes(displacement, box_size)), float),
        "axes": statistics.axis_powers(fine, box_size, 0.3 * finer, 1.0 * finer),
    }


def low_modes(contrast: np.ndarray, box_size: float, spacing: float = SPACING) -> np.ndarray:
    """Modes below the last shell's end, (mode, 2) real and imaginary, in an order that the box's shape alone sets."""
    from ...physics.cosmology.fourier import forward

    spectrum = forward(contrast)[_low(contrast.shape[0], box_size, spacing)]
    return np.stack((spectrum.real, spectrum.imag), axis=-1) * np.float32(box_size**1.5 / contrast.shape[0] ** 3)


def _low(size: int, box_size: float, spacing: float) -> np.ndarray:
    from ...physics.cosmology.initial_fields import wavenumbers

    k = wavenumbers(size, box_size) * (spacing / SPACING)
    return (k > SHELLS[0]) & (k < SHELLS[-1])


def spectra(first: xr.Dataset, second: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Powers of both and cross-power in `SHELLS`, (sample, shell) each, of reduced Datasets of one box size."""
    from ...physics.cosmology.initial_fields import wavenumbers

    size = 2 * int(first.attrs["side"])
    spacing = float(first.attrs["spacing"])
    box_size = size * spacing / 2
    low = _low(size, box_size, spacing)
    k = wavenumbers(size, box_size) * (spacing / SPACING)
    weight = np.broadcast_to(np.where(np.arange(k.shape[2]) == 0, 1.0, 2.0), k.shape)[low]
    shell = np.digitize(k[low], SHELLS) - 1
    a, b = first["modes"].values.astype(float), second["modes"].values.astype(float)

    def summed(product: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(shell, weight * row) / np.bincount(shell, weight) for row in product.sum(-1)])

    return summed(a * a), summed(b * b), summed(a * b)


def measure(
    samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None, spacing: float = SPACING
) -> dict[str, float]:
    """Compare boxes with the reference's from the same initial fields; all figures are 0 where they are equal.

    Parameters
    ----------
    samples, truth : Dataset
        The same conditions in the same rows.
    training : Dataset, optional
        Not used.

    Returns
    -------
    dict of float
        ``power`` and ``momentum``: largest relative difference of mean powers over shells to 1 h/Mpc;
        ``power_large_scales``: below 0.15 h/Mpc, where it grows linearly; ``decorrelation_half``, ``decorrelation``:
        1 - r at k = 0.5 and 1 h/Mpc; ``displacement``, ``velocity``: root mean square errors over those of the truth;
        ``pairwise_velocity``, ``bispectrum_equilateral``, ``bispectrum_squeezed``, ``peaks``, ``void_radius``,
        ``haloes``: relative differences; ``densities``: total variation between the distributions of ln(1 + contrast);
        ``isotropy``: largest difference of the share of power along an axis.

    Raises
    ------
    SchemaError
        Other cosmologies or redshifts, or other numbers of boxes, on the two sides.
    """
    del training
    a, b = reduce(samples, spacing), reduce(truth, spacing)
    for name in ("omega_m", "sigma_8", "redshift"):
        if not np.allclose(a[name].values, b[name].values, rtol=1e-9):
            raise SchemaError.about(name, "samples and truth differ", "the same conditions in the same rows")
    own, true, cross = spectra(a, b)
    ratio = (own / true).mean(axis=0)
    coefficient = (cross / np.sqrt(own * true)).mean(axis=0)
    bispectra = a["bispectra"].values.sum(axis=0) / b["bispectra"].values.sum(axis=0) - 1
    along = [side["axes"].values / side["axes"].values.sum(axis=1, keepdims=True) for side in (a, b)]
    shares = [side["densities"].values.mean(axis=0) for side in (a, b)]
    return {
        "power": float(np.abs(ratio - 1).max()),
        "power_large_scales": float(abs(ratio[0] - 1)),
        "decorrelation_half": float(1 - coefficient[4]),
        "decorrelation": float(1 - coefficient[-1]),
        "displacement": _error(a["moved"].values, b["moved"].values),
        "velocity": _error(a["speed"].values, b["speed"].values),
        "momentum": float(np.abs((a["momentum"].values / b["momentum"].values).mean(axis=0) - 1).max()),
        "pairwise_velocity": float(np.abs(_relative(a["pairwise"].values, b["pairwise"].values)).max()),
        "bispectrum_equilateral": float(np.abs(bispectra[:-1]).max()),
        "bispectrum_squeezed": float(abs(bispectra[-1])),
        "densities": float(0.5 * np.abs(shares[0] - shares[1]).sum()),
        "peaks": float(abs(_relative(a["peaks"].values, b["peaks"].values))),
        "void_radius": float(abs(_relative(a["voids"].values, b["voids"].values))),
        "haloes": float(abs(_relative(a["haloes"].values, b["haloes"].values))),
        "isotropy": float(np.abs((along[0] - along[1]).mean(axis=0)).max()),
    }


def _relative(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Relative difference of sums over the boxes."""
    total = true.sum(axis=0)
    return (found.sum(axis=0) - total) / np.where(total == 0, 1.0, total)


def _error(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.sqrt(np.square(found - true).sum() / np.square(true).sum()))
