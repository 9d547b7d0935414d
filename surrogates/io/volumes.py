"""Stacks of slices in memory: axes in millimetres, other grids, and whether slices are told to be evenly spaced.

A volume is a DataArray (slice, y, x): slices from the feet up, rows from front to back, columns from the subject's
right to left, as axial slices are shown and DICOM orders them (LPS). Its coordinates are millimetres; where a file
does not say how large its pixels are, it has none. Nothing else of a file's header is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .formats import FileFormatError

if TYPE_CHECKING:
    import xarray as xr

AXES = ("slice", "y", "x")
Spacing = tuple[float, float, float]  # millimetres between slices, rows and columns


def volume(values: np.ndarray, spacing: Spacing | None) -> xr.DataArray:
    """A volume (slice, y, x), or a slice (y, x) as a volume of one."""
    import xarray as xr

    values = np.asarray(values)
    if values.ndim == 2:
        values = values[None]
    if spacing is None:
        return xr.DataArray(values, dims=AXES)
    coords = {
        axis: (axis, (np.arange(size) - (size - 1) / 2.0) * step, {"units": "mm"})
        for axis, size, step in zip(AXES, values.shape, spacing, strict=True)
    }
    return xr.DataArray(values, coords, AXES)


def spacing_of(stack: xr.DataArray) -> Spacing | None:
    """Millimetres between slices, rows and columns; None where they are not known. A lone slice is as thick as wide."""
    if not all(axis in stack.coords for axis in AXES):
        return None
    steps = [float(np.diff(stack[axis].values[:2])[0]) if stack.sizes[axis] > 1 else np.nan for axis in AXES]
    known = [step for step in steps if np.isfinite(step)]
    return tuple(step if np.isfinite(step) else known[-1] for step in steps) if known else None  # type: ignore[return-value]


def resampled(stack: xr.DataArray, spacing: Spacing, *, labels: bool = False) -> xr.DataArray:
    """The volume on a grid of another spacing about the same centre, smoothed first where that is coarser.

    Parameters
    ----------
    stack : DataArray
        A volume; as it is where its spacing is not known or already as asked within 2 %.
    spacing : (float, float, float)
        Millimetres between slices, rows and columns. A lone slice stays one.
    labels : bool
        Take the nearest value rather than the mean of neighbours.
    """
    from scipy import ndimage

    own = spacing_of(stack)
    if own is None:
        return stack
    ratios = [wanted / step for wanted, step in zip(spacing, own, strict=True)]
    if stack.sizes["slice"] == 1:
        ratios[0] = 1.0
    if all(abs(ratio - 1.0) < 0.02 for ratio in ratios):
        return stack
    values = np.asarray(stack.values, dtype=np.float32)
    if not labels:
        values = ndimage.gaussian_filter(values, [0.4 * max(ratio - 1.0, 0.0) for ratio in ratios], mode="nearest")
    shape = [max(round(size / ratio), 1) for size, ratio in zip(values.shape, ratios, strict=True)]
    offset: Any = [
        (size - 1) / 2.0 - ratio * (new - 1) / 2.0 for size, new, ratio in zip(values.shape, shape, ratios, strict=True)
    ]
    made = ndimage.affine_transform(
        values, np.array(ratios), offset, tuple(shape), order=0 if labels else 1, mode="nearest"
    )
    return volume(made.astype(stack.dtype) if labels else made, spacing)


def evenly_spaced(places: np.ndarray, name: str) -> float:
    """The step of ascending places [mm] of slices; raises FileFormatError where one is missing or comes twice."""
    steps = np.diff(places)
    if not len(steps):
        return np.nan
    step = float(np.median(steps))
    if step <= 0 or np.any(np.abs(steps - step) > 0.1 * step + 0.01):
        worst = int(np.argmax(np.abs(steps - step)))
        raise FileFormatError(
            f"{name}: slices at {places[worst]:g} and {places[worst + 1]:g} mm, others {step:g} mm apart; expected one "
            "series without gaps and doubles"
        )
    return step
