"""FITS files of postage stamps: one image extension with its WCS for each sample, then a binary table of all the rest.

Fluxes are in nJy with AB zero point 31.4. The table `CATALOG` bears the Dataset's names, types and units, with a column
of labels beside each column of codes; what FITS cannot say of dimensions and flags is in the table `DESCRIPTION`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, check_same_schema, opened, rows
from .description import Description, VariableDescription, describe, from_json, to_json
from .fields import read_fits_image
from .formats import FileFormatError, Format, FormatError

if TYPE_CHECKING:
    import xarray as xr

IMAGE = "image"
CATALOG = "CATALOG"
DESCRIPTION = "DESCRIPTION"
ZERO_POINT = 31.4
LABELS = "_label"
_BLOCK = 2880
_POSITION = ("right_ascension", "declination")

Measure = Callable[["xr.Dataset"], "xr.Dataset"]


def write_fits(
    blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False, measure: Measure | None = None
) -> None:
    """Write postage stamps and their table.

    Parameters
    ----------
    blocks : iterable of Dataset
        Each with `image` over (sample, band, y, x) or (sample, y, x) in nJy, row 0 at the bottom, and further numeric
        variables over (sample, …), which become columns. `pixel_scale` (arcsec) sets the WCS, 1 arcsec without it;
        `right_ascension` and `declination` (deg) place the stamp's centre on the sky, at the origin without them.
    target : path
        Written under a temporary name, then renamed.
    overwrite : bool
        Whether an existing file may be replaced.
    measure : callable, optional
        Dataset -> Dataset with measured variables over (sample) added, which become columns too.

    Raises
    ------
    FormatError
        Where there is no image, or a variable fits no column; names it.
    OutputError
        Where the file exists or cannot be written.

    Notes
    -----
    Memory holds one block of images and the table, some hundred bytes a sample. North is up, east is left: +x is west,
    as in GalSim's tangent plane.
    """
    from astropy.io import fits

    first, stream = opened(blocks)
    if measure is not None:
        first = measure(first)
    description = _checked(describe(first))
    with replacing(Path(target), overwrite=overwrite) as temporary, open(temporary, "wb") as file:
        file.write(_summed(fits.PrimaryHDU(header=_provenance(first)).header, b"", comment=_ALL_SUMMED))
        columns: list[dict[str, np.ndarray]] = []
        written = 0
        block: xr.Dataset | None = first
        while block is not None:
            check_same_schema(first, block)
            written = _stamps(file, block, written)
            columns.append({name: block.variables[name].values for name in _table_names(description)})
            block = next(stream, None)
            block = measure(block) if measure is not None and block is not None else block
        file.write(_bytes(_table(description, columns)))
        file.write(_bytes(_described(description)))


def _checked(description: Description) -> Description:
    image = description.variables.get(IMAGE)
    if image is None or image.dims[:1] != (SAMPLE,) or len(image.dims) not in (3, 4):
        found = "no such variable" if image is None else f"its dimensions are {image.dims}"
        raise FormatError(f"{IMAGE}: {found}; FITS stamps need {IMAGE!r} over (sample, band, y, x) or (sample, y, x)")
    for name, variable in description.variables.items():
        if variable.dims[:1] != (SAMPLE,):
            raise FormatError(f"{name}: dimensions are {variable.dims}; a row of the table needs {SAMPLE!r} first")
        if variable.dtype.kind not in "iufb" or variable.dtype.itemsize > 8:
            raise FormatError(f"{name}: type {variable.dtype} does not fit a column; expected numbers or booleans")
    return description


def _table_names(description: Description) -> list[str]:
    return [name for name in description.variables if name != IMAGE]


def _provenance(block: xr.Dataset) -> Any:
    from astropy.io import fits

    header = fits.Header()
    header["BUNIT"] = ("nJy", "flux in a pixel")
    header["MAGZERO"] = (ZERO_POINT, "AB magnitude of 1 nJy")
    for key, value in block.attrs.items():
        text = str(value)
        if key != "history" and text.isascii() and text.isprintable():
            header[f"HIERARCH {key}"] = text
    if "history" in block.attrs:
        header.add_history(str(block.attrs["history"]).encode("ascii", "replace").decode())
    return header


def _stamps(file: BinaryIO, block: xr.Dataset, written: int) -> int:
    """Write one image extension for each sample; return how many the file has now."""
    n = rows(block)
    images = block[IMAGE].values
    images = images.astype(images.dtype.newbyteorder(">"))
    header = _stamp_header(images, block)
    scales = block["pixel_scale"].values if "pixel_scale" in block else np.ones(n)
    identities = block[SAMPLE].values if SAMPLE in block.coords else np.arange(written, written + n)
    for row in range(n):
        header["EXTVER"] = written + row + 1
        header["SAMPLE"] = int(identities[row])
        header["CDELT1"], header["CDELT2"] = -scales[row] / 3600.0, scales[row] / 3600.0
        for axis, name in enumerate(_POSITION, start=1):
            header[f"CRVAL{axis}"] = float(block[name].values[row]) if name in block else 0.0
        file.write(_summed(header, np.ascontiguousarray(images[row]).tobytes()))
    return written + n


_ALL_SUMMED = "every HDU has one"


def _summed(header: Any, content: bytes, comment: str = "HDU checksum") -> bytes:
    """Header and data with the checksums of the FITS standard 4.0, appendix J, which cover every bit of both."""
    content += b"\0" * (-len(content) % _BLOCK)
    of_data = _ones_complement_sum(content, 0)
    header["DATASUM"] = (str(of_data), "data unit checksum")
    header["CHECKSUM"] = ("0" * 16, comment)
    head = header.tostring(padding=True).encode("ascii")
    header["CHECKSUM"] = _checksum_text(~_ones_complement_sum(head, of_data) & 0xFFFFFFFF)
    return header.tostring(padding=True).encode("ascii") + content


def _ones_complement_sum(content: bytes, before: int) -> int:
    total = before + int(np.frombuffer(content, dtype=">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _checksum_text(value: int) -> str:
    """A 32-bit number as 16 letters and digits whose sum it is."""
    columns = []
    for byte in value.to_bytes(4, "big"):
        quotient, remainder = divmod(byte, 4)
        letters = [quotient + 48 + remainder, quotient + 48, quotient + 48, quotient + 48]
        for pair in (0, 2):
            while any(0x3A <= letter <= 0x40 or 0x5B <= letter <= 0x60 for letter in letters[pair : pair + 2]):
                letters[pair] += 1
                letters[pair + 1] -= 1
        columns.append(letters)
    text = "".join(chr(column[place]) for place in range(4) for column in columns)
    return text[-1] + text[:-1]


def _stamp_header(images: np.ndarray, block: xr.Dataset) -> Any:
    """The header of a stamp; WCS of FITS paper II (Calabretta & Greisen 2002, A&A 395, 1077), gnomonic."""
    from astropy.io import fits

    header = fits.ImageHDU(np.zeros(images.shape[1:], dtype=images.dtype)).header
    header["EXTNAME"], header["EXTVER"] = (IMAGE.upper(), 1)
    header["SAMPLE"] = (0, "identity of the sample")
    header["BUNIT"] = str(block[IMAGE].attrs.get("units", "nJy"))
    header["MAGZERO"] = (ZERO_POINT, "AB magnitude of 1 nJy")
    header["WCSAXES"] = images.ndim - 1
    for axis, (kind, size) in enumerate(zip(("RA---TAN", "DEC--TAN"), images.shape[:-3:-1], strict=True), start=1):
        header[f"CTYPE{axis}"], header[f"CUNIT{axis}"] = kind, "deg"
        header[f"CRPIX{axis}"], header[f"CDELT{axis}"], header[f"CRVAL{axis}"] = (size + 1) / 2, 0.0, 0.0
    header["RADESYS"] = "ICRS"
    if images.ndim == 4:
        header["CTYPE3"], header["CRPIX3"], header["CRVAL3"], header["CDELT3"] = "BAND", 1.0, 1.0, 1.0
        for position, name in enumerate(_bands(images.shape[1]), start=1):
            header[f"BAND{position}"] = name
    return header


def _bands(count: int) -> tuple[str, ...]:
    return ("g", "r", "i") if count == 3 else tuple(str(position + 1) for position in range(count))


# Table -------------------------------------------------------------------------------------------------------------


def _table(description: Description, blocks: list[dict[str, np.ndarray]]) -> Any:
    from astropy.io import fits

    columns = []
    for name in _table_names(description):
        variable = description.variables[name]
        values = np.concatenate([block[name] for block in blocks])
        columns.append(_column(name, values, str(variable.attrs.get("units", "1"))))
        labels = str(variable.attrs.get("flag_meanings", "")).split()
        if labels and values.ndim == 1:
            known = np.array([*labels, ""])
            flags = np.asarray(variable.attrs.get("flag_values", np.arange(len(labels)))).tolist()
            place = [flags.index(code) if code in flags else len(labels) for code in values.tolist()]
            columns.append(fits.Column(f"{name}{LABELS}", f"{max(map(len, known))}A", array=known[place]))
    table = fits.BinTableHDU.from_columns(columns, name=CATALOG)
    table.header["MAGZERO"] = (ZERO_POINT, "AB magnitude of 1 nJy")
    return table


_CODES = {"b1": "L", "i1": "I", "u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
_OFFSETS = {"u2": 1 << 15, "u4": 1 << 31, "u8": 1 << 63}


def _column(name: str, values: np.ndarray, units: str) -> Any:
    from astropy.io import fits

    kind = f"{values.dtype.kind}{values.dtype.itemsize}"
    if kind == "f2":
        kind, values = "f4", values.astype(np.float32)
    if kind == "i1":  # FITS has no signed byte: an offset would make floats of the codes in other readers
        values = values.astype(np.int16)
    code = {"u2": "I", "u4": "J", "u8": "K"}.get(kind) or _CODES[kind]
    size = int(np.prod(values.shape[1:]))
    shape = {"dim": str(tuple(reversed(values.shape[1:]))).replace(" ", "")} if values.ndim > 2 else {}
    return fits.Column(
        name,
        f"{size if values.ndim > 1 else ''}{code}",
        unit=None if units in ("1", "") else units,
        bzero=_OFFSETS.get(kind),
        array=values,
        **shape,
    )


def _described(description: Description) -> Any:
    from astropy.io import fits

    text = np.array([to_json(description)])
    return fits.BinTableHDU.from_columns([fits.Column("json", f"{len(text[0])}A", array=text)], name=DESCRIPTION)


def _bytes(hdu: Any) -> bytes:
    """One HDU as astropy writes it."""
    from io import BytesIO

    from astropy.io import fits

    buffer = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer, checksum=True)
    return buffer.getvalue()[_BLOCK:]


# Reading -----------------------------------------------------------------------------------------------------------


def read_fits(path: str | Path, *, block_rows: int = 1024, columns: Sequence[str] = ()) -> Iterator[xr.Dataset]:
    """Yield the Datasets of a FITS file in blocks: one of ours, or any with a binary table, whose columns are taken.

    Parameters
    ----------
    path : path
    block_rows : int
        Samples at a time.
    columns : sequence of str
        Columns that the table needs.

    Raises
    ------
    FileFormatError
        Where the file is no FITS file, is truncated, or lacks a table, a column or an image; names what is missing.
    """
    from astropy.io import fits

    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", fits.verify.VerifyWarning)
            warnings.filterwarnings("error", "File may have been truncated")
            warnings.filterwarnings("error", "(Checksum|Datasum) verification failed")
            _check_sums(path)
            with fits.open(path, memmap=True, lazy_load_hdus=True, checksum=True) as file:
                yield from _blocks(file, block_rows, columns)
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path}: expected a FITS file; {reason}") from None


def _check_sums(path: Path) -> None:
    """Refuse a file of ours of which a bit was altered: every unit adds up to 0, and so does the whole."""
    total = 0
    with open(path, "rb") as file:
        if f"/ {_ALL_SUMMED}".encode() not in file.read(20 * _BLOCK):
            return
        file.seek(0)
        while piece := file.read(1 << 22):
            total = _ones_complement_sum(piece + b"\0" * (-len(piece) % 4), total)
    if total % 0xFFFFFFFF:
        raise FileFormatError(
            "altered or damaged since it was written, or saved again without renewing its checksums "
            "(astropy: writeto(..., checksum=True))"
        )


def _blocks(file: Any, block_rows: int, columns: Sequence[str]) -> Iterator[xr.Dataset]:
    names = [hdu.name for hdu in file]
    if CATALOG not in names:
        from astropy.io import fits

        names = [CATALOG if isinstance(hdu, fits.BinTableHDU) else hdu.name for hdu in file]
    if CATALOG not in names:
        raise FileFormatError(f"expected a binary table {CATALOG!r}; found {', '.join(filter(None, names)) or 'none'}")
    table = file[names.index(CATALOG)]
    found = [column.name for column in table.columns]
    if DESCRIPTION in names:
        description = from_json(str(file[names.index(DESCRIPTION)].data["json"][0]))
    else:
        description = _foreign(table)
    missing = [name for name in (*_table_names(description), *columns) if name not in found]
    if missing:
        raise FileFormatError(f"the table lacks {', '.join(missing)}; found {', '.join(found)}")
    n, stamps = len(table.data), [i for i, name in enumerate(names) if name == IMAGE.upper()]
    if IMAGE in description.variables and len(stamps) != n:
        raise FileFormatError(f"{len(stamps)} images for {n} rows of the table")
    for start in range(0, max(n, 1), block_rows):
        here = slice(start, min(start + block_rows, n))
        values = {name: np.asarray(table.data[name][here]) for name in _table_names(description)}
        if IMAGE in description.variables:
            values[IMAGE] = _images(file, stamps[here], description)
        yield description.dataset({name: _shaped(name, array, description) for name, array in values.items()})


def _images(file: Any, stamps: list[int], description: Description) -> np.ndarray:
    image = description.variables[IMAGE]
    shape = tuple(description.sizes[dim] for dim in image.dims[1:])
    made = np.empty((len(stamps), *shape), image.dtype)
    for row, stamp in enumerate(stamps):
        data = file[stamp].data
        if data is None or data.shape != shape:
            raise FileFormatError(f"image {row + 1} has shape {None if data is None else data.shape}, expected {shape}")
        made[row] = data
        del file[stamp].data
    return made


def _shaped(name: str, array: np.ndarray, description: Description) -> np.ndarray:
    variable = description.variables[name]
    expected = (len(array), *(description.sizes[dim] for dim in variable.dims[1:]))
    if array.size != int(np.prod(expected)):
        raise FileFormatError(f"{name} has shape {array.shape}, expected {expected}")
    return array.reshape(expected).astype(variable.dtype)


def _foreign(table: Any) -> Description:
    """Columns of a table that says nothing of dimensions: those over (sample), texts included."""
    variables = {}
    for column in table.columns:
        values = np.asarray(table.data[column.name])
        if values.ndim == 1 and values.dtype.kind in "iufbU":
            kind = values.dtype.newbyteorder("=")
            attrs = {"units": str(column.unit or "1"), "long_name": column.name}
            variables[column.name] = VariableDescription((SAMPLE,), kind, attrs, column.name == SAMPLE)
    return Description({}, variables, {}, {})


FITS = Format(
    name="fits",
    suffixes=(".fits",),
    description="FITS: one image extension with WCS a stamp, and a binary table; nJy, AB zero point 31.4",
    write=write_fits,
    read=read_fits,
    read_field=read_fits_image,
)
