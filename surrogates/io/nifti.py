"""NIfTI volumes: the samples of one call as the slices of a volume with its spacing, and volumes as stacks of slices.

Written are the image, a centred affine of the declared spacing and, as a comment, which surrogate made it: nothing of
an input's header. nibabel reads and writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, check_same_schema, opened, rows
from .formats import FileFormatError, Format, FormatError, missing_library
from .seals import check_seal
from .volumes import Spacing, resampled, volume

if TYPE_CHECKING:
    import xarray as xr

SUFFIXES = (".nii.gz", ".nii")
_BLOCK = 64


def nifti_format(
    variable: str, *, units: str, spacing: Spacing, field_spacing: Spacing | None = None, labels: bool = False
) -> Format:
    """The format of a plugin's images.

    Parameters
    ----------
    variable : str
        What is written: an output over (sample, y, x).
    units : str
        Its units.
    spacing : (float, float, float)
        Millimetres between slices, rows and columns of what is written.
    field_spacing : (float, float, float), optional
        Grid onto which a volume is brought that is read as a condition; as it is without it.
    labels : bool
        Whether the variable holds labels, written as bytes.

    Examples
    --------
    >>> nifti_format("mri", units="1", spacing=(2.0, 2.0, 2.0)).suffixes
    ('.nii.gz', '.nii')
    """
    return Format(
        name="nifti",
        suffixes=SUFFIXES,
        description=f"NIfTI volume of {variable}, one slice a sample",
        write=partial(write_nifti, variable=variable, spacing=spacing, labels=labels),
        read=partial(read_nifti, variable=variable, units=units),
        extra="medical",
        leaves_out="every variable but the image",
        read_field=partial(read_nifti_field, spacing=field_spacing),
    )


def write_nifti(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    variable: str,
    spacing: Spacing,
    labels: bool = False,
) -> None:
    """Write the samples as the slices of one volume, the first lowest.

    Raises
    ------
    FormatError
        No such variable, or nibabel is missing.
    OutputError
        The file exists or cannot be written.
    """
    nibabel = _nibabel()
    first, stream = opened(blocks)
    if variable not in first:
        raise FormatError(f"{variable}: not in the Dataset; NIfTI holds that image")
    parts = [_image(first, variable)]
    for block in stream:
        check_same_schema(first, block)
        parts.append(_image(block, variable))
    stack = np.concatenate(parts).astype(np.uint8 if labels else np.float32)
    array = stack.transpose(2, 1, 0)
    affine = np.diag([-spacing[2], -spacing[1], spacing[0], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(array.shape) - 1.0) / 2.0)
    made = nibabel.Nifti1Image(array, affine)
    made.header.set_xyzt_units("mm")
    made.header["descrip"] = f"SYNTHETIC surrogates {first.attrs.get('plugin', '')}"[:79].encode()
    about = {str(key): _plain(value) for key, value in first.attrs.items()}
    made.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", json.dumps(about).encode()))
    data = made.to_bytes()
    plain = str(target).removesuffix(".tmp").lower().endswith(".nii")
    if not plain:  # gzip has a checksum of its own
        import gzip

        data = gzip.compress(data, compresslevel=4, mtime=0)
    with replacing(Path(target), overwrite=overwrite, sealed=plain) as temporary:
        temporary.write_bytes(data)


def _image(block: xr.Dataset, variable: str) -> np.ndarray:
    rows(block)
    return block[variable].transpose(SAMPLE, "y", "x").values


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def read_nifti(path: str | Path, *, variable: str, units: str) -> Iterator[xr.Dataset]:
    """Yield the slices of a volume as samples, in blocks of at most 64.

    Raises
    ------
    FileFormatError
        A file that does not read, or no volume.
    """
    import xarray as xr

    stack, attrs = _load(Path(path))
    values = stack.values
    for start in range(0, max(len(values), 1), _BLOCK):
        part = values[start : start + _BLOCK]
        image = ((SAMPLE, "y", "x"), part, {"units": units, "long_name": variable})
        yield xr.Dataset({variable: image}, {SAMPLE: np.arange(start, start + len(part))}, attrs)


def read_nifti_field(path: str | Path, *, spacing: Spacing | None = None) -> xr.DataArray:
    """A volume (slice, y, x) that is a condition, on the grid of `spacing`; see `surrogates.io.volumes`.

    Raises
    ------
    FileFormatError
        A file that does not read, or no volume.
    """
    stack, _ = _load(Path(path))
    return stack if spacing is None else resampled(stack, spacing)


def _load(path: Path) -> tuple[xr.DataArray, dict[str, Any]]:
    nibabel = _nibabel()
    if path.is_file():
        check_seal(path)
    try:
        found: Any = nibabel.load(path)
        attrs: dict[str, Any] = {}
        for extension in found.header.extensions:
            try:
                told = json.loads(bytes(extension.get_content()).rstrip(b"\0"))
                attrs = told if isinstance(told, dict) and "plugin" in told else attrs
            except (ValueError, TypeError):
                continue
        empty = 0 in found.shape  # a volume without slices has nothing to turn
        turned = found if empty else nibabel.as_closest_canonical(found)
        values = np.zeros(found.shape, np.float32) if empty else np.asarray(turned.dataobj, dtype=np.float32)
    except Exception as error:  # nibabel raises many kinds on damaged files
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise FileFormatError(f"{path}: expected a NIfTI volume; {reason}") from None
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3:
        raise FileFormatError(f"{path}: axes of {values.shape}; expected one volume of three axes")
    if not np.isfinite(values).all():
        raise FileFormatError(f"{path}: values that are not finite; expected a number in every voxel")
    steps = np.sqrt((turned.affine[:3, :3] ** 2).sum(axis=0))
    if not (np.all(np.isfinite(steps)) and steps.min() > 0):
        raise FileFormatError(f"{path}: voxels of {steps.tolist()} mm; expected positive sizes")
    stack = np.ascontiguousarray(values.transpose(2, 1, 0)[:, ::-1, ::-1])
    return volume(stack, (float(steps[2]), float(steps[1]), float(steps[0]))), attrs


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError:
        raise missing_library("nibabel", "medical", "NIfTI") from None
    return nibabel
