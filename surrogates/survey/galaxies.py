"""From places to galaxies: types, luminosities, magnitudes, masses, sizes and shapes of one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..physics.cosmology.distances import SPEED_OF_LIGHT, comoving_distance, distance_modulus
from ..physics.galaxies import photometric_errors, population, templates
from ..physics.galaxies.population import HUBBLE, POPULATIONS
from . import lightcone
from .lightcone import Cell
from .request import REFERENCE_BAND, Survey
from .sky import Field

if TYPE_CHECKING:
    import xarray as xr

MOST_IN_A_CELL = 10**9
REDDENING_SCATTER = 0.06
"""Deviation [mag] of a galaxy's colours from its type's, between i and a band of half its wavelength."""

MORPHOLOGIES = ("spiral", "elliptical", "merger", "edge_on")
MERGERS = 0.05
"""Share of blue galaxies that are merging."""

EDGE_ON = 0.66
"""Ellipticity beyond which a disc counts as seen from the side."""

KPC_PER_MPC = 1e3
_ARCSEC = 180 * 3600 / np.pi


def columns(bands: str) -> dict[str, tuple[str, str, str]]:
    """Type, units and description of each column, by name; names as in cosmoDC2 where it has such a column."""
    found = {
        "galaxy_id": ("int64", "1", "identity of the galaxy in this survey"),
        "ra": ("float64", "degree", "right ascension"),
        "dec": ("float64", "degree", "declination"),
        "redshift": ("float64", "1", "redshift with the peculiar velocity"),
        "redshift_true": ("float64", "1", "redshift of the expansion alone"),
        "peculiar_velocity": ("float32", "km s-1", "peculiar velocity along the line of sight, away from the observer"),
    }
    for band in bands:
        found[f"mag_true_{band}_lsst"] = ("float32", "mag", f"apparent AB magnitude without errors, LSST {band}")
    for band in bands:
        found[f"Mag_true_{band}_lsst_z0"] = ("float32", "mag", f"absolute AB magnitude at rest, LSST {band}, H0 = 70")
    for band in bands:
        found[f"mag_obs_{band}_lsst"] = ("float32", "mag", f"measured AB magnitude, LSST {band}; NaN for no flux")
        found[f"magerr_{band}_lsst"] = ("float32", "mag", f"standard error of the measured magnitude, LSST {band}")
    return found | {
        "stellar_mass": ("float32", "solMass", "stellar mass, H0 = 70"),
        "size_true": ("float32", "arcsec", "half-light radius along the major axis"),
        "size_minor_true": ("float32", "arcsec", "half-light radius along the minor axis"),
        "ellipticity_true": ("float32", "1", "(1 - q) / (1 + q) of the axis ratio q"),
        "ellipticity_1_true": ("float32", "1", "ellipticity along east (+) and north (-)"),
        "ellipticity_2_true": ("float32", "1", "ellipticity along north-east (+) and south-east (-)"),
        "position_angle_true": ("float32", "degree", "of the major axis, from north through east"),
        "bulge_to_total_ratio_i": ("float32", "1", "share of the bulge in the light"),
        "spectral_type": ("float32", "1", "0 E, 1 Sbc, 2 Scd, 3 Im (Coleman, Wu & Weedman 1980)"),
        "is_red": ("int8", "1", "1 for galaxies of the red luminosity function"),
        "morphology": ("int8", "1", "morphological class"),
    }


def make(survey: Survey, cell: Cell, part: int) -> xr.Dataset:
    """The galaxies of one cell.

    Parameters
    ----------
    survey : Survey
    cell : Cell
    part : int
        Number of the cell among those of the survey; it begins the identities.

    Returns
    -------
    Dataset
        Along `sample`, whose coordinate is the identity.
    """
    where = lightcone.place(survey, cell)
    n = len(where["redshift"])
    random = lightcone.generator(survey, cell, "galaxies")
    kind, log_luminosity, absolute = _luminosities(survey, where, random)
    redshift, red = where["redshift"], where["red"]
    slope = REDDENING_SCATTER * random.standard_normal(n)
    pivots = np.array([templates.PIVOTS[band] for band in templates.BANDS])
    reddening = slope[:, None] * (templates.PIVOTS[REFERENCE_BAND] / pivots - 1)
    modulus = distance_modulus(redshift, survey.cosmology, HUBBLE)
    apparent = absolute[:, None] + modulus[:, None] + templates.correction(redshift, kind) + reddening
    rest = absolute[:, None] + templates.correction(np.zeros(n), kind) + reddening
    mass = population.stellar_mass(rest)
    kpc = population.half_light_radius(mass, redshift, red, random.standard_normal(n))
    angular = comoving_distance(redshift, survey.cosmology) / HUBBLE / (1 + redshift) * KPC_PER_MPC  # kpc
    ratio = population.axis_ratio(red, random.random((n, 2)), random.standard_normal((n, 2)))
    angle = 180 * random.random(n)
    ellipticity = (1 - ratio) / (1 + ratio)
    east = np.radians(2 * (90 - angle))  # twice the angle from east to north
    right_ascension, declination = Field(survey.square_degrees, survey.centre).to_sky(where["position"])
    blue_bulge = random.beta(1.0, 4.0, n) * np.clip(1.3 - kind / 3, 0.2, 1.0)
    red_bulge = 0.6 + 0.4 * random.random(n)
    merging = random.random(n) < MERGERS
    data = {
        "galaxy_id": part * MOST_IN_A_CELL + np.arange(n),
        "ra": right_ascension,
        "dec": declination,
        "redshift": (1 + redshift) * (1 + where["velocity"] / SPEED_OF_LIGHT) - 1,
        "redshift_true": redshift,
        "peculiar_velocity": where["velocity"],
        "stellar_mass": 10.0**mass,
        "size_true": kpc / angular * _ARCSEC,
        "size_minor_true": kpc / angular * _ARCSEC * ratio,
        "ellipticity_true": ellipticity,
        "ellipticity_1_true": ellipticity * np.cos(east),
        "ellipticity_2_true": ellipticity * np.sin(east),
        "position_angle_true": angle,
        "bulge_to_total_ratio_i": np.where(red, red_bulge, blue_bulge),
        "spectral_type": kind,
        "is_red": red,
        "morphology": np.where(red, 1, np.where(ellipticity > EDGE_ON, 3, np.where(merging, 2, 0))),
    }
    for band in survey.bands:
        place = templates.BANDS.index(band)
        data[f"mag_true_{band}_lsst"] = apparent[:, place]
        data[f"Mag_true_{band}_lsst_z0"] = rest[:, place]
        measured, error = _measured(survey, cell, band, apparent[:, place])
        data[f"mag_obs_{band}_lsst"], data[f"magerr_{band}_lsst"] = measured, error
    return dataset(survey, data)


def positions(survey: Survey, cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension and declination [degrees] of the galaxies of one cell, in the order of `make`."""
    return Field(survey.square_degrees, survey.centre).to_sky(lightcone.place(survey, cell)["position"])


def dataset(survey: Survey, data: dict[str, np.ndarray]) -> xr.Dataset:
    """Columns as a Dataset with units and descriptions."""
    import xarray as xr

    described = columns(survey.bands)
    variables = {}
    for name, (dtype, units, text) in described.items():
        if name == "galaxy_id":
            continue
        attrs: dict[str, object] = {"units": units, "long_name": text}
        if name == "morphology":
            attrs |= {
                "flag_values": np.arange(len(MORPHOLOGIES), dtype=np.int8),
                "flag_meanings": " ".join(MORPHOLOGIES),
            }
        variables[name] = ("sample", np.asarray(data[name]).astype(dtype), attrs)
    identity = (
        "sample",
        np.asarray(data["galaxy_id"], np.int64),
        {"units": "1", "long_name": described["galaxy_id"][2]},
    )
    return xr.Dataset(variables, coords={"sample": identity})


def _luminosities(
    survey: Survey, where: dict[str, np.ndarray], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectral type, ln L/L* and absolute B magnitude of each galaxy, by the luminosity functions above the limit."""
    redshift = where["redshift"]
    band = templates.BANDS.index(REFERENCE_BAND)
    kind, log_luminosity, absolute = (np.empty(len(redshift)) for _ in range(3))
    for name, function in POPULATIONS.items():
        rows = where["red"] == (name == "red")
        z = redshift[rows]
        cumulative = np.cumsum(lightcone.by_type(survey, name), axis=1)
        cumulative = cumulative / cumulative[:, -1:]
        shares = np.stack([np.interp(z, lightcone.redshifts(survey), column) for column in cumulative.T], -1)
        chosen = np.minimum((random.random(len(z))[:, None] > shares).sum(1), len(function.kinds) - 1)
        spread = function.width * (random.random(len(z)) - 0.5)
        kind[rows] = np.array(function.kinds)[chosen] + spread
        modulus = distance_modulus(z, survey.cosmology, HUBBLE)
        faintest = function.faintest(z, modulus, kind[rows], survey.limit, band)
        drawn = function.luminosity_of(random.random(len(z)) * function.brighter_than(faintest))
        log_luminosity[rows] = np.maximum(drawn, faintest)
        absolute[rows] = function.bright_magnitude(z) - 2.5 / np.log(10) * log_luminosity[rows]
    return kind, log_luminosity, absolute


def _measured(survey: Survey, cell: Cell, band: str, apparent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measured magnitude and its error; the draws of a band do not depend on which others there are."""
    true = photometric_errors.flux(apparent)
    error = photometric_errors.flux_error(true, survey.depth_of(band), band)
    flux = true + error * lightcone.generator(survey, cell, "noise", band).standard_normal(len(true))
    shown = photometric_errors.magnitude(flux)
    return shown, np.where(flux > 0, 2.5 / np.log(10) * error / np.abs(flux), np.nan)
