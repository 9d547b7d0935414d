"""Colours, distances and angular sizes by redshift, from one table made with GalSim's SEDs and astropy's cosmology."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .variables import BANDS

TABLE = Path(__file__).with_name("colours.json")
SEDS = ("E", "Sbc", "Im")
"""Templates of Coleman, Wu & Weedman 1980 (ApJS 43, 393) that GalSim ships."""


def tabulate(count: int = 128) -> dict[str, Any]:
    """Compute the table: needs GalSim.

    Returns
    -------
    dict
        `redshift`, geometric from 0.02 to 2; `distance_modulus` mag and `kpc_per_arcsec` of Planck18; `correction`
        [SED][band] mag: apparent magnitude - distance modulus - absolute magnitude in the r band at rest (AB).
    """
    import galsim
    from astropy import cosmology

    planck: Any = cosmology.Planck18
    redshift = np.geomspace(0.02, 2.0, count)
    bandpasses = {band: galsim.Bandpass(f"LSST_{band}.dat", "nm").withZeropoint("AB") for band in BANDS}
    correction: dict[str, dict[str, list[float]]] = {}
    for name in SEDS:
        sed = galsim.SED(f"CWW_{name}_ext.sed", "Ang", "flambda").withMagnitude(0.0, bandpasses["r"])
        correction[name] = {
            band: [round(sed.atRedshift(z).calculateMagnitude(bandpass), 5) for z in redshift]
            for band, bandpass in bandpasses.items()
        }
    return {
        "redshift": [round(z, 8) for z in redshift.tolist()],
        "distance_modulus": np.round(planck.distmod(redshift).value, 6).tolist(),
        "kpc_per_arcsec": np.round(planck.kpc_proper_per_arcmin(redshift).value / 60.0, 8).tolist(),
        "correction": correction,
    }


@cache
def _table() -> tuple[float, float, np.ndarray]:
    """First ln z, its step, and (redshift, 11) columns: distance modulus, ln kpc per arcsec, SEDs by bands."""
    data = json.loads(TABLE.read_text(encoding="utf-8"))
    logarithm = np.log(data["redshift"])
    columns = [data["distance_modulus"], np.log(data["kpc_per_arcsec"])]
    columns += [data["correction"][sed][band] for sed in SEDS for band in BANDS]
    return float(logarithm[0]), float(logarithm[1] - logarithm[0]), np.stack(columns, -1)


def _at(redshift: np.ndarray, columns: slice) -> np.ndarray:
    """Columns of the table at a redshift, linear in ln z and constant beyond the table; (..., columns)."""
    first, step, table = _table()
    place = np.clip((np.log(redshift) - first) / step, 0.0, len(table) - 1.000001)
    below = place.astype(np.int64)
    share = (place - below)[..., None]
    return table[below, columns] * (1.0 - share) + table[below + 1, columns] * share


def distance_modulus(redshift: np.ndarray) -> np.ndarray:
    """Distance modulus, mag."""
    return _at(redshift, slice(0, 1))[..., 0]


def kpc_per_arcsec(redshift: np.ndarray) -> np.ndarray:
    """Proper transverse length of an arcsecond, kpc."""
    return np.exp(_at(redshift, slice(1, 2))[..., 0])


def correction(redshift: np.ndarray) -> np.ndarray:
    """Apparent minus absolute r magnitude, distance modulus taken off; (..., sed, band) mag."""
    return _at(redshift, slice(2, None)).reshape(*np.shape(redshift), len(SEDS), len(BANDS))


def bulge_fractions(bulge_fraction: np.ndarray, redshift: np.ndarray) -> np.ndarray:
    """Bulge-to-total ratio in each band of a galaxy with this one in r: bulge of SED E, disc of SED Sbc.

    Returns
    -------
    ndarray
        (..., band).
    """
    relative = correction(redshift)
    colour = (relative[..., 0, :] - relative[..., 0, 1:2]) - (relative[..., 1, :] - relative[..., 1, 1:2])
    bulge = np.asarray(bulge_fraction, dtype=np.float64)[..., None] * 10.0 ** (-0.4 * colour)
    return bulge / (bulge + (1.0 - np.asarray(bulge_fraction, dtype=np.float64)[..., None]))
