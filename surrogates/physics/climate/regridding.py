"""First-order conservative regridding of latitude-longitude maps onto a Gaussian grid, missing cells left out.

The overlap of two cells of regular grids is the product of their overlaps in sine of latitude and in longitude (Jones
1999, Mon. Weather Rev. 127, 2204), so that two small matrices regrid a map.
"""

from __future__ import annotations

import numpy as np

from .gaussian_grid import T31, GaussianGrid


class GridError(ValueError):
    """Latitudes or longitudes that are no regular grid; one line that names them and what was expected."""


def conservative(
    field: np.ndarray, latitudes: np.ndarray, longitudes: np.ndarray, grid: GaussianGrid = T31
) -> np.ndarray:
    """Area averages of a map over the cells of a Gaussian grid.

    Parameters
    ----------
    field : numpy.ndarray
        (…, latitude, longitude); NaN marks cells without a value.
    latitudes, longitudes : numpy.ndarray
        Degrees, of cell centres; ascending or descending, longitudes from -180 or from 0.

    Returns
    -------
    numpy.ndarray
        (…, n_latitude, n_longitude) float64; NaN where less than a hundredth of a cell is covered.

    Raises
    ------
    GridError
    """
    latitudes, longitudes = np.asarray(latitudes, float), np.asarray(longitudes, float)
    field = np.asarray(field, float)
    if field.shape[-2:] != (len(latitudes), len(longitudes)):
        raise GridError(f"map of shape {field.shape[-2:]}; expected ({len(latitudes)}, {len(longitudes)})")
    if np.any(np.abs(latitudes) > 90.0) or not _monotonic(latitudes):
        raise GridError(f"latitude: {latitudes[0]:g} to {latitudes[-1]:g}; expected degrees in order, -90 to 90")
    field, longitudes = _eastward(field, longitudes)
    if latitudes[0] > latitudes[-1]:
        field, latitudes = field[..., ::-1, :], latitudes[::-1]
    rows = _overlap(np.sin(np.deg2rad(_edges(latitudes))), np.sin(np.deg2rad(_pairs(grid.latitude_bounds))))
    columns = _periodic_overlap(longitudes, grid.longitude_bounds)
    seen = np.isfinite(field)
    total = rows @ np.where(seen, field, 0.0) @ columns.T
    covered = rows @ seen.astype(float) @ columns.T
    whole = (2.0 * grid.weights)[:, None] * (360.0 / grid.n_longitude)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(covered > 0.01 * whole, total / covered, np.nan)


def _monotonic(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return len(values) > 1 and bool(np.all(steps > 0) or np.all(steps < 0))


def _eastward(field: np.ndarray, longitudes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ascending from 0, a repeated meridian at the end dropped."""
    if np.any(longitudes < -360.0) or np.any(longitudes > 720.0):
        raise GridError(f"longitude: {longitudes.min():g} to {longitudes.max():g}; expected degrees east")
    order, first = np.unique(np.round(longitudes % 360.0, 9), return_index=True)
    steps = np.diff(np.append(order, order[0] + 360.0))
    if len(order) < 2 or steps.max() > 1.5 * np.median(steps):
        raise GridError(f"longitude: {longitudes[0]:g} to {longitudes[-1]:g}; expected a whole circle of even steps")
    return field[..., first], order


def _edges(centres: np.ndarray) -> np.ndarray:
    """Cell edges of ascending centres, poles included."""
    middle = 0.5 * (centres[1:] + centres[:-1])
    low = max(-90.0, 1.5 * centres[0] - 0.5 * centres[1])
    high = min(90.0, 1.5 * centres[-1] - 0.5 * centres[-2])
    spacing = np.median(np.diff(centres))
    low = -90.0 if low < -90.0 + 0.75 * spacing else low
    high = 90.0 if high > 90.0 - 0.75 * spacing else high
    return np.concatenate([[low], middle, [high]])


def _pairs(bounds: np.ndarray) -> np.ndarray:
    return np.append(bounds[:, 0], bounds[-1, 1])


def _overlap(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(target, source) lengths of overlap between intervals given by their ascending edges."""
    low = np.maximum(target[:-1, None], source[None, :-1])
    high = np.minimum(target[1:, None], source[None, 1:])
    return np.clip(high - low, 0.0, None)


def _periodic_overlap(centres: np.ndarray, target: np.ndarray) -> np.ndarray:
    closed = np.concatenate([[centres[-1] - 360.0], centres, [centres[0] + 360.0]])
    edges = 0.5 * (closed[1:] + closed[:-1])
    turns = np.array([-360.0, 0.0, 360.0])
    low = np.maximum(target[:, 0, None, None], edges[:-1, None] + turns)
    high = np.minimum(target[:, 1, None, None], edges[1:, None] + turns)
    return np.clip(high - low, 0.0, None).sum(-1)
