"""Measured values of galaxy images as variables of a Dataset, and the FITS format that writes them with the stamps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...io.fits import FITS, write_fits
from .variables import BANDS

if TYPE_CHECKING:
    import xarray as xr

MEASURED: tuple[tuple[str, str, str], ...] = (
    ("measured_flux_r", "nJy", "Kron flux in r (photutils)"),
    ("measured_half_flux_radius", "arcsec", "radius of half the Kron flux in r, circular (photutils)"),
    ("measured_ellipticity", "1", "|e| = (1 - q) / (1 + q) of adaptive moments in r (GalSim hsm)"),
    ("measured_position_angle", "deg", "angle of the major axis from adaptive moments in r (GalSim hsm)"),
    ("measured_colour_g_r", "mag", "g - r within the r band's isophote"),
    ("measured_colour_r_i", "mag", "r - i within the r band's isophote"),
    ("concentration", "1", "5 log10(r80 / r20)"),
    ("asymmetry", "1", "rotational asymmetry"),
    ("gini", "1", "Gini coefficient"),
    ("m20", "1", "log10 of the second moment of the brightest 20 % of the light over the whole's"),
)
"""Name, units and description of what `with_measurements` adds."""


def with_measurements(dataset: xr.Dataset) -> xr.Dataset:
    """The Dataset with the variables of `MEASURED` added, NaN where a tool finds nothing; 15 ms a galaxy."""
    from .photometry import photometry
    from .structure import structure

    light, segments = photometry(dataset)
    shape = structure(dataset["image"].values[:, BANDS.index("r")], segments)
    with np.errstate(invalid="ignore", divide="ignore"):
        colours = [-2.5 * np.log10(light[f"segment_flux_{a}"] / light[f"segment_flux_{b}"]) for a, b in ("gr", "ri")]
    columns = [
        *(light[name] for name in ("kron_flux", "flux_radius", "moment_ellipticity", "moment_angle")),
        *colours,
        *(shape[name] for name in ("concentration", "asymmetry", "gini", "m20")),
    ]
    return dataset.assign(
        {
            name: ("sample", values, {"units": units, "long_name": text})
            for (name, units, text), values in zip(MEASURED, columns, strict=True)
        }
    )


def write_galaxies(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write stamps, conditions and measured values as FITS; see `surrogates.io.fits.write_fits`."""
    write_fits(blocks, target, overwrite=overwrite, measure=with_measurements)


GALAXY_FITS = replace(FITS, write=write_galaxies)
"""FITS of stamps with WCS and a table of conditions and measured values."""
