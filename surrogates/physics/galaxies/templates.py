"""Colours of galaxies along the sequence of spectral types: K-corrections of four templates in the LSST bands.

The templates are those of Coleman, Wu & Weedman 1980 (ApJS 43, 393), extended to the ultraviolet and infrared, and the
bandpasses the LSST's, both as GalSim ships them; the rest-frame band is Bessell's B (1990, PASP 102, 1181) in the AB
system.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).with_name("templates.json")
TYPES = ("E", "Sbc", "Scd", "Im")
"""Templates; a spectral type is a number, 0 for the first and 3 for the last, and what lies between is mixed."""

BANDS = ("u", "g", "r", "i", "z", "y")
LATEST = 3.25
"""Spectral type up to which colours are carried on beyond the last template."""

PIVOTS = dict(zip(BANDS, (368.0, 481.0, 622.0, 754.0, 869.0, 971.0), strict=True))
"""Wavelengths [nm] of the bands, for reddening between them."""

_BESSELL_B = (0, 0.03, 0.134, 0.567, 0.92, 0.978, 1, 0.978, 0.935, 0.853, 0.74, 0.64, 0.536, 0.424, 0.325, 0.235, 0.15)
_BESSELL_TAIL = (0.095, 0.043, 0.009, 0)


def tabulate(redshift: np.ndarray | None = None) -> dict[str, Any]:
    """Compute the table: needs GalSim.

    Returns
    -------
    dict
        `redshift`, and `correction` [type][band] mag: apparent magnitude - distance modulus - absolute B magnitude.
    """
    import galsim

    if redshift is None:
        redshift = np.concatenate((np.arange(0.0, 1.0, 0.02), np.arange(1.0, 3.601, 0.05)))
    response = galsim.LookupTable(np.arange(360, 561, 10), (*_BESSELL_B, *_BESSELL_TAIL), interpolant="linear")
    blue = galsim.Bandpass(response, "nm").withZeropoint("AB")
    bandpasses = [galsim.Bandpass(f"LSST_{band}.dat", "nm").withZeropoint("AB") for band in BANDS]
    correction = {}
    for name in TYPES:
        sed = galsim.SED(f"CWW_{name}_ext_more.sed", "Ang", "flambda").withMagnitude(0.0, blue)
        correction[name] = [
            [round(float(sed.atRedshift(z).calculateMagnitude(bandpass)), 4) for z in redshift]
            for bandpass in bandpasses
        ]
    return {"redshift": np.round(redshift, 6).tolist(), "correction": correction}


@cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Redshifts (m,), and corrections (m, type, band)."""
    data = json.loads(TABLE.read_text(encoding="utf-8"))
    return np.array(data["redshift"]), np.array([data["correction"][name] for name in TYPES]).transpose(2, 0, 1)


def correction(redshift: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Apparent minus absolute B magnitude, distance modulus taken off.

    Parameters
    ----------
    redshift : ndarray
        (n,), 0 to 3.6.
    kind : ndarray
        (n,) spectral type, 0 to `LATEST`; magnitudes are linear between templates and beyond the last.

    Returns
    -------
    ndarray
        (n, 6) mag, in the order of `BANDS`.
    """
    redshifts, table = _table()
    place = np.clip(np.searchsorted(redshifts, redshift, side="right") - 1, 0, len(redshifts) - 2)
    share = np.clip((redshift - redshifts[place]) / (redshifts[place + 1] - redshifts[place]), 0.0, 1.0)[:, None]
    first = np.clip(np.floor(kind).astype(np.int64), 0, len(TYPES) - 2)
    along = (kind - first)[:, None]

    def at(template: np.ndarray) -> np.ndarray:
        return table[place, template] * (1 - share) + table[place + 1, template] * share

    return at(first) * (1 - along) + at(first + 1) * along
