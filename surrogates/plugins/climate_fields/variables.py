"""Conditions and outputs of climate fields: names, units and ranges."""

from __future__ import annotations

from ...contract.schema import Coordinate, Dimension, Schema, Variable
from ...physics.climate.gaussian_grid import T31

LONGEST = 92
"""Days in a row that were tested: a season."""

YEAR = 365.2425

_GRID = (
    Dimension(
        "lat",
        48,
        coordinate=Coordinate(tuple(T31.latitudes.tolist()), "degrees_north", "latitude", "latitude", "Y"),
    ),
    Dimension(
        "lon",
        96,
        coordinate=Coordinate(tuple(T31.longitudes.tolist()), "degrees_east", "longitude", "longitude", "X"),
    ),
)

CONDITIONS = Schema(
    (
        Variable("day_of_year", "day of the year of the first day", "1", bounds=(1.0, 366.0), optional=True),
        Variable("n_days", "number of consecutive days", dtype="int32", bounds=(1, LONGEST), default=1),
        Variable(
            "sst_anomaly",
            "sea-surface temperature less its climatology of 1981 to 2010; land is ignored",
            "K",
            dims=("lat", "lon"),
            bounds=(-6.0, 6.0),
            optional=True,
            brought="surrogates.plugins.climate_fields.maps:anomaly_map",
        ),
        Variable(
            "nino34",
            "mean anomaly of 5S-5N, 170W-120W; the ocean's pattern follows",
            "K",
            bounds=(-6.0, 6.0),
            optional=True,
        ),
    ),
    _GRID,
)

OUTPUTS = Schema(
    (
        Variable("tas", "near-surface air temperature, daily mean", "K", ("day", "lat", "lon"), dtype="float32"),
        Variable("pr", "precipitation, daily mean", "kg m-2 s-1", ("day", "lat", "lon"), dtype="float32"),
        Variable("ps", "surface air pressure, daily mean", "Pa", ("day", "lat", "lon"), dtype="float32"),
    ),
    (Dimension("day", length="n_days"), *_GRID),
)
