"""What the plugin knows of the lower boundary without the reference: land, height, sea ice, and how oceans vary.

`ocean.npz` is made of the boundary files of jcm by ``python -m surrogates.plugins.climate_fields.ocean``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...physics.climate.enso import nino34

FILE = Path(__file__).with_name("ocean.npz")
PATTERNS = 100
HELD_OUT_MONTHS = (("1988-07", "1989-06"), ("1997-07", "1998-06"), ("1996-12", "1997-02"), ("2012-12", "2013-02"))
"""First and last months of observed anomalies that neither training nor the prior uses."""


@dataclass(frozen=True, eq=False)
class Ocean:
    """Boundary fields on the 48 x 96 grid, south to north.

    Attributes
    ----------
    land : numpy.ndarray
        Share of land, (48, 96).
    height : numpy.ndarray
        Of the surface, m.
    ice : numpy.ndarray
        Climatological share of sea ice by month, (12, 48, 96).
    temperature : numpy.ndarray
        Climatological sea-surface temperature by month, K.
    patterns : numpy.ndarray
        Leading patterns of observed anomalies, K, (100, 48, 96).
    months : numpy.ndarray
        Their amplitudes in the months of 1979 to 2013, (420, 100).
    """

    land: np.ndarray
    height: np.ndarray
    ice: np.ndarray
    temperature: np.ndarray
    patterns: np.ndarray
    months: np.ndarray

    @functools.cached_property
    def sea(self) -> np.ndarray:
        """(48, 96) bool: cells that hold some sea."""
        return self.land < 0.99

    @functools.cached_property
    def free(self) -> np.ndarray:
        """(420,) bool: months that are not held out."""
        dates = np.arange("1979-01", "2014-01", dtype="datetime64[M]")
        held = [(dates >= np.datetime64(a, "M")) & (dates <= np.datetime64(b, "M")) for a, b in HELD_OUT_MONTHS]
        return ~np.any(held, axis=0)

    def observed(self, month: int) -> np.ndarray:
        """Smoothed anomaly of month number `month` since January 1979, K, (48, 96)."""
        return np.tensordot(self.months[month], self.patterns, 1)

    @functools.cached_property
    def nino34_pattern(self) -> np.ndarray:
        """Anomaly that goes with 1 K of Nino3.4, by regression over the months, K, (48, 96); its own index is 1."""
        amplitudes = self.months[self.free]
        index = amplitudes @ nino34(self.patterns)
        index = index - index.mean()
        slope = np.tensordot(index @ (amplitudes - amplitudes.mean(0)) / (index @ index), self.patterns, 1)
        return slope / nino34(slope)


@functools.cache
def ocean() -> Ocean:
    """The packaged boundary fields."""
    with np.load(FILE) as stored:
        return Ocean(**{name: stored[name].astype("float64") for name in stored.files})


def make(path: Path = FILE) -> None:
    """Write the boundary fields from jcm's own files."""
    from ...io.atomic import replacing
    from ...physics.climate.gaussian_grid import T31
    from . import simulation

    middles = simulation.mid_months(np.datetime64("1979-02-01"), np.datetime64("2013-11-30"))
    anomalies = simulation.observed_anomaly(middles)
    root = np.sqrt(T31.cell_weights())
    amplitudes, scales, axes = np.linalg.svd((anomalies * root).reshape(len(anomalies), -1), full_matrices=False)
    year = np.datetime64("2001-01", "M") + np.arange(12)
    climate = simulation.climatology().transpose("time", "lat", "lon")
    fields = {
        "land": simulation.land_fraction(),
        "height": simulation.height(),
        "ice": simulation.sea_ice(year.astype("datetime64[D]")),
        "temperature": climate["sst"].values,
        "patterns": (axes[:PATTERNS] * scales[:PATTERNS, None] / len(anomalies) ** 0.5).reshape(PATTERNS, *root.shape)
        / root,
        "months": amplitudes[:, :PATTERNS] * len(anomalies) ** 0.5,
    }
    with replacing(path, overwrite=True) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **{name: np.asarray(field, dtype="float16") for name, field in fields.items()})  # type: ignore[arg-type]


if __name__ == "__main__":
    make()
