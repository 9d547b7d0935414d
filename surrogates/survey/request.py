"""What a mock survey is asked for: its field, depth, bands and universe, checked before anything is made."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..contract.errors import SurrogatesError, nearest
from ..physics.cosmology.background import Cosmology
from ..physics.galaxies.photometric_errors import OFFSETS
from ..physics.galaxies.templates import BANDS
from .simulators import matter

FAINTER = 1.5
"""Galaxies are there to this many magnitudes below the depth, so that images hold what blends."""

LARGEST_AREA = 400.0
"""deg^2."""

DEPTHS = (18.0, 27.0)
"""i-band depths that can be asked, AB mag: beyond, galaxies past the last redshift of the boxes would be missed."""

REFERENCE_BAND = "i"
NEAREST = 0.01
"""Least redshift of a galaxy."""

_AREA = re.compile(r"\s*([0-9.eE+-]+)\s*(deg2|deg\^2|deg\*\*2|sq\.? ?deg|arcmin2|arcmin\^2)?\s*")


class SurveyError(SurrogatesError):
    """A mock survey that cannot be made as asked."""

    @classmethod
    def about(cls, variable: str, found: str, expected: str, *, value: Any = None) -> SurveyError:
        """The error whose line is ``variable: found; expected expected``."""
        return cls(f"{variable}: {found}; expected {expected}", variable=variable, value=value, expected=expected)


@dataclass(frozen=True)
class Survey:
    """A square field of the sky in a flat universe, to some depth.

    Parameters
    ----------
    area : float or str
        Of the field, deg^2, or with its units: ``"1deg2"``, ``"900 arcmin2"``.
    depth : float
        AB magnitude of a point source with a signal of five standard deviations in i; that of the other bands follows
        from the LSST's ten years (Ivezic et al. 2019).
    bands : str
        Letters of LSST bands: any of u, g, r, i, z, y.
    seed : int
    centre : (float, float)
        Right ascension and declination, degrees.
    depths : mapping, optional
        Depth of single bands in place of what follows from `depth`.
    omega_m, sigma_8 : float
    max_redshift : float
        Galaxies end there.

    Raises
    ------
    SurveyError
        One line on the first value that cannot be.
    """

    area: float | str = 1.0
    depth: float = 25.3
    bands: str = "gri"
    seed: int = 0
    centre: tuple[float, float] = (150.0, 2.2)
    depths: Mapping[str, float] = field(default_factory=dict)
    omega_m: float = 0.31
    sigma_8: float = 0.81
    max_redshift: float = 3.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "area", _square_degrees(self.area))
        object.__setattr__(self, "bands", _bands(self.bands))
        object.__setattr__(self, "centre", _centre(self.centre))
        for name in ("depth", "omega_m", "sigma_8", "max_redshift"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)):
            raise SurveyError.about("seed", repr(self.seed), "an integer", value=self.seed)
        object.__setattr__(self, "seed", int(self.seed))
        low, high = DEPTHS
        if not low <= self.depth <= high:
            what = "; deeper surveys see galaxies beyond the redshift where the boxes end" if self.depth > high else ""
            raise SurveyError.about("depth", f"{self.depth:g} mag", f"{low:g} to {high:g} in i{what}", value=self.depth)
        known = {variable.name: variable for variable in matter().conditions}
        for name in ("omega_m", "sigma_8"):
            least, most = known[name].bounds or (-math.inf, math.inf)
            if not least <= getattr(self, name) <= most:
                expected = f"{least:g} to {most:g}, where the boxes of matter were learned"
                raise SurveyError.about(name, f"{getattr(self, name):g}", expected, value=getattr(self, name))
        farthest = (known["redshift"].bounds or (0.0, 3.0))[1]
        if not 2 * NEAREST <= self.max_redshift <= farthest:
            expected = f"{2 * NEAREST:g} to {farthest:g}, where the boxes end"
            raise SurveyError.about("max_redshift", f"{self.max_redshift:g}", expected, value=self.max_redshift)
        for band, value in dict(self.depths).items():
            if band not in self.bands:
                raise SurveyError.about("depths", f"band {band!r}", f"bands of the survey ({self.bands})", value=band)
            if not 15.0 <= _number(f"depths[{band}]", value) <= 32.0:
                raise SurveyError.about(f"depths[{band}]", f"{value:g} mag", "15 to 32", value=value)
        object.__setattr__(self, "depths", {band: float(value) for band, value in dict(self.depths).items()})

    @property
    def square_degrees(self) -> float:
        """Area of the field."""
        assert isinstance(self.area, float)
        return self.area

    @property
    def limit(self) -> float:
        """Faintest true i magnitude in the catalogue."""
        return self.depth + FAINTER

    @cached_property
    def cosmology(self) -> Cosmology:
        """The universe."""
        return Cosmology(self.omega_m, self.sigma_8)

    def depth_of(self, band: str) -> float:
        """Five-sigma depth of a band, AB mag."""
        return self.depths.get(band, self.depth + OFFSETS[band] - OFFSETS[REFERENCE_BAND])

    def settings(self) -> dict[str, Any]:
        """What every galaxy depends on, as JSON can hold it."""
        return {
            "area": self.square_degrees,
            "centre": list(self.centre),
            "depth": {band: round(self.depth_of(band), 6) for band in self.bands},
            "limit": self.limit,
            "bands": self.bands,
            "seed": self.seed,
            "omega_m": self.omega_m,
            "sigma_8": self.sigma_8,
            "max_redshift": self.max_redshift,
        }


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SurveyError.about(name, repr(value), "a number", value=value) from None
    if not math.isfinite(number):
        raise SurveyError.about(name, repr(value), "a finite number", value=value)
    return number


def _square_degrees(area: Any) -> float:
    found = _AREA.fullmatch(str(area))
    try:
        value = float(found[1]) if found else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SurveyError.about("area", repr(area), 'square degrees, "1deg2", or "900 arcmin2"', value=area)
    if found and found[2] and found[2].startswith("arcmin"):
        value /= 3600.0
    if not 1e-4 <= value <= LARGEST_AREA:
        raise SurveyError.about(
            "area",
            f"{value:g} deg2",
            f"0.0001 to {LARGEST_AREA:g} deg2; make several fields of a larger one",
            value=area,
        )
    return value


def _bands(bands: Any) -> str:
    asked = bands if isinstance(bands, str) else "".join(map(str, bands))
    asked = asked.replace(",", "").replace(" ", "")
    for band in asked:
        if band not in BANDS:
            raise SurveyError.about("bands", f"{band!r} is unknown{nearest(band, BANDS)}", f"some of {''.join(BANDS)}")
    if not asked or len(set(asked)) != len(asked):
        raise SurveyError.about("bands", repr(bands), f"some of {''.join(BANDS)}, each once", value=bands)
    return "".join(band for band in BANDS if band in asked)


def _centre(centre: Any) -> tuple[float, float]:
    try:
        right_ascension, declination = centre
    except (TypeError, ValueError):
        raise SurveyError.about("centre", repr(centre), "right ascension and declination, degrees") from None
    right_ascension, declination = _number("centre", right_ascension), _number("centre", declination)
    if not (-360.0 <= right_ascension <= 360.0 and -90.0 <= declination <= 90.0):
        found = f"RA {right_ascension:g}, Dec {declination:g}"
        raise SurveyError.about("centre", found, "RA of 0 to 360 and Dec of -90 to 90 degrees", value=centre)
    return right_ascension % 360.0, declination
