"""DICOM: each sample as a slice of a new synthetic series, and series in a folder as volumes in physical units.

A written file is derived from nothing but the sample: new UIDs, no patient, marked as synthetic (PS3.3, C.7.6.1 and
C.12.1: Image Type DERIVED, Synthetic Data YES). pydicom reads and writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, opened, rows
from .formats import FileFormatError, Format, FormatError, missing_library
from .volumes import Spacing, evenly_spaced, resampled, volume

if TYPE_CHECKING:
    import xarray as xr

STORAGE = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "OT": "1.2.840.10008.5.1.4.1.1.7",
}
"""SOP classes by modality: CT and MR Image Storage, and Secondary Capture for all else."""

_UID_ROOT = "2.25."
_SAME_RUN = ("plugin", "recipe", "seed", "weights_sha256", "surrogates_version")


def dicom_format(
    variable: str, *, modality: str, spacing: Spacing, field_spacing: Spacing | None = None, body_part: str = "HEAD"
) -> Format:
    """The format of a plugin's images.

    Parameters
    ----------
    variable : str
        What is written: an output over (sample, y, x); Hounsfield units where the modality is CT.
    modality : {"CT", "MR", "OT"}
    spacing : (float, float, float)
        Millimetres between slices, rows and columns.
    field_spacing : (float, float, float), optional
        Grid onto which a series is brought that is read as a condition; as it is without it.
    body_part : str
        DICOM's term, such as HEAD or CHEST.
    """
    return Format(
        name="dicom",
        suffixes=(".dcm",),
        description=f"DICOM series of {variable}, one slice a sample, marked as synthetic",
        write=partial(write_dicom, variable=variable, modality=modality, spacing=spacing, body_part=body_part),
        read=None,
        extra="medical",
        one_sample_a_file=True,
        leaves_out="every variable but the image, in 16 bits",
        read_field=partial(read_dicom_field, spacing=field_spacing),
        folders=True,
    )


def write_dicom(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    variable: str,
    modality: str,
    spacing: Spacing,
    body_part: str = "HEAD",
) -> None:
    """Write one sample as one file; files of one folder and run are one series.

    Raises
    ------
    FormatError
        Not one sample, no such variable, or Hounsfield units beyond 16 bits.
    OutputError
        The file exists or cannot be written.
    """
    first, stream = opened(blocks)
    target = Path(target)
    kept = [block for block in (first, *stream) if rows(block)]
    if variable not in first:
        raise FormatError(f"{variable}: not in the Dataset; DICOM holds that image")
    if sum(rows(block) for block in kept) != 1:
        if not kept:
            with replacing(target, overwrite=overwrite) as temporary:
                temporary.write_bytes(b"")
            return
        raise FormatError(f"{target}: {sum(map(rows, kept))} samples; a DICOM file holds one, give a folder")
    made = _dataset(kept[0], target, variable, modality, spacing, body_part)
    with replacing(target, overwrite=overwrite) as temporary:
        made.save_as(temporary, enforce_file_format=True)


def _stored(image: np.ndarray, modality: str) -> tuple[np.ndarray, float]:
    """Signed 16-bit values and the slope that gives the image back."""
    if not np.isfinite(image).all():
        raise FormatError("image: values that are not finite; DICOM holds whole numbers")
    if modality != "MR":
        whole = np.round(image)
        if whole.min() < -32768 or whole.max() > 32767:
            raise FormatError(f"image: {whole.min():g} to {whole.max():g}; DICOM's 16 bits hold -32768 to 32767")
        return whole.astype("<i2"), 1.0
    slope = float(f"{max(float(np.abs(image).max()), 1e-6) / 32000.0:.6e}")
    return np.round(image / slope).astype("<i2"), slope


def _dataset(block: xr.Dataset, target: Path, variable: str, modality: str, spacing: Spacing, body_part: str) -> Any:
    pydicom = _pydicom()
    image = block[variable].transpose(SAMPLE, "y", "x").values[0].astype(np.float64)
    sample = int(block[SAMPLE].values[0]) if SAMPLE in block.coords else 0
    stored, slope = _stored(image, modality)
    about = [str(block.attrs.get(key, "")) for key in _SAME_RUN]
    single = "" if target.name.startswith((".sample-", "sample-")) else target.name
    series = _uid("series", str(target.parent.resolve()), single, *about)
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = STORAGE[modality]
    meta.MediaStorageSOPInstanceUID = _uid("instance", series, sample, stored.tobytes())
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("surrogates")
    made = pydicom.Dataset()
    made.file_meta = meta
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    made.ImageType = ["DERIVED", "SECONDARY", "AXIAL"] if modality == "CT" else ["DERIVED", "SECONDARY", "OTHER"]
    made.SyntheticData = "YES"
    made.PatientName, made.PatientID = "SYNTHETIC", "SYNTHETIC"
    for empty in (
        "PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID "
        "PositionReferenceIndicator Laterality AcquisitionNumber"
    ).split():
        setattr(made, empty, "" if empty != "AcquisitionNumber" else None)
    made.Modality, made.Manufacturer = modality, "surrogates"
    made.BodyPartExamined = body_part
    made.StudyInstanceUID, made.SeriesInstanceUID = _uid("study", series), series
    made.FrameOfReferenceUID = _uid("frame", series)
    made.SeriesNumber, made.InstanceNumber = 1, sample + 1
    plugin = block.attrs.get("plugin", "surrogates")
    made.SeriesDescription = f"SYNTHETIC {plugin}"[:64]
    made.DerivationDescription = f"Made by {plugin} of surrogates; research only"
    made.PatientPosition = "HFS"
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    corner = [-(size - 1) / 2.0 * step for size, step in zip(image.shape[::-1], spacing[:0:-1], strict=True)]
    made.ImagePositionPatient = [f"{corner[0]:.6g}", f"{corner[1]:.6g}", f"{sample * spacing[0]:.10g}"]
    made.PixelSpacing = [f"{spacing[1]:.6g}", f"{spacing[2]:.6g}"]
    made.SliceThickness = f"{spacing[0]:.6g}"
    made.SliceLocation = f"{sample * spacing[0]:.10g}"
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows, made.Columns = image.shape
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 1
    made.RescaleIntercept, made.RescaleSlope = "0", f"{slope:.10g}"[:16]
    made.RescaleType = "HU" if modality == "CT" else "US"
    if modality == "CT":
        made.KVP = None
        made.WindowCenter, made.WindowWidth = "40", "400"
    elif modality == "MR":
        made.ScanningSequence, made.SequenceVariant, made.ScanOptions = "RM", "NONE", ""
        made.MRAcquisitionType, made.EchoTime, made.EchoTrainLength, made.RepetitionTime = "2D", None, None, None
    else:
        made.ConversionType = "SYN"
    made.PixelData = stored.tobytes()
    return made


def _uid(*parts: object) -> str:
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()
    return _UID_ROOT + str(int.from_bytes(digest, "big"))


def read_dicom_field(path: str | Path, *, spacing: Spacing | None = None) -> xr.DataArray:
    """A file, or the one series of a folder, as a volume (slice, y, x) in its rescaled units: Hounsfield's for CT.

    Raises
    ------
    FileFormatError
        No DICOM images, several series, slices that are missing or not axial, colour, or a compression without its
        codec.
    """
    path = Path(path)
    files = sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]
    stack = [found for file in files if (found := _slice(file, alone=not path.is_dir())) is not None]
    if not stack:
        raise FileFormatError(f"{path}: no DICOM image; expected the slices of one series")
    series = {found.series for found in stack}
    if len(series) > 1:
        raise FileFormatError(
            f"{path}: {len(series)} series in {len(stack)} files; expected one, in a folder of its own"
        )
    shapes = {found.image.shape for found in stack}
    if len(shapes) > 1:
        raise FileFormatError(f"{path}: slices of {sorted(shapes)} pixels; expected one size")
    thickness, stack = stack[0].thickness, sorted(stack, key=lambda found: found.height)
    values, steps = np.stack([found.image for found in stack]), stack[0].steps
    if steps is None:
        return volume(values, None)
    apart = evenly_spaced(np.array([found.height for found in stack]), str(path))
    whole = volume(values, (apart if np.isfinite(apart) else thickness or steps[0], *steps))
    return whole if spacing is None else resampled(whole, spacing)


@dataclass(frozen=True)
class _Slice:
    """Rescaled pixels of a file, the height of the slice, distances of rows and columns where it states them."""

    image: np.ndarray
    height: float
    steps: tuple[float, float] | None
    series: str
    thickness: float


def _slice(file: Path, *, alone: bool) -> _Slice | None:
    """The slice of a file; None for what is no image, where it is not `alone`."""
    pydicom = _pydicom()
    try:
        found = pydicom.dcmread(file)
        return _stated(file, found) if "PixelData" in found else None
    except FileFormatError:
        raise
    except pydicom.errors.InvalidDicomError:
        if not alone:
            return None
        raise FileFormatError(f"{file}: expected a DICOM file; it has no DICOM preamble") from None
    except Exception as error:  # damaged files fail in many ways, some when an element is first looked at
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise FileFormatError(f"{file}: expected a DICOM file; {reason}") from None


def _stated(file: Path, found: Any) -> _Slice:
    if int(found.get("SamplesPerPixel", 1)) != 1:
        raise FileFormatError(f"{file}: {found.SamplesPerPixel} channels; expected a grey image")
    if int(found.get("NumberOfFrames", 1) or 1) != 1:
        raise FileFormatError(f"{file}: {found.NumberOfFrames} frames; expected one slice a file")
    turn = np.asarray(found.get("ImageOrientationPatient", [1, 0, 0, 0, 1, 0]), dtype=float)
    if np.abs(turn - (1, 0, 0, 0, 1, 0)).max() > 0.1:
        raise FileFormatError(f"{file}: slices along {turn.tolist()}; expected axial ones, 1 0 0 0 1 0")
    try:
        pixels = found.pixel_array
    except Exception as error:
        syntax = getattr(getattr(found, "file_meta", None), "TransferSyntaxUID", None)
        name = " ".join(str(getattr(syntax, "name", syntax)).split())[:80]
        raise FileFormatError(
            f"{file}: pixels in {name} do not decode ({' '.join(str(error).split())[:160]}); "
            "install its codec, or store the series uncompressed"
        ) from None
    slope, intercept = float(found.get("RescaleSlope", 1.0)), float(found.get("RescaleIntercept", 0.0))
    image = pixels.astype(np.float32) * slope + intercept
    spacing, place = found.get("PixelSpacing"), found.get("ImagePositionPatient")
    height = float(place[2]) if place is not None else float(found.get("InstanceNumber", 0) or 0)
    steps = None if spacing is None or place is None else (float(spacing[0]), float(spacing[1]))
    thickness = float(found.get("SliceThickness") or 0.0)
    if not np.isfinite(image).all() or not np.isfinite((height, thickness, *(steps or ()))).all():
        raise FileFormatError(f"{file}: pixels or positions that are not finite; expected numbers")
    if steps is not None and min(steps) <= 0:
        raise FileFormatError(f"{file}: pixels of {steps[0]:g} x {steps[1]:g} mm; expected positive sizes")
    return _Slice(image, height, steps, str(found.get("SeriesInstanceUID", "")), thickness)


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise missing_library("pydicom", "medical", "DICOM") from None
    return pydicom
