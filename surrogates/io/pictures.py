"""Photographs in files: PNG, JPEG, WebP and TIFF of any kind into numbers in [0, 1], and back.

Read are grey, palette, colour and CMYK pictures, with alpha or without, of 8 or 16 bits. What is read stands upright,
as its EXIF orientation says, and in sRGB, where its colour profile was another; written pictures are sRGB and carry
neither. A 16-bit picture in colour is read through its profile at 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import replacing
from .formats import FileFormatError, Format, FormatError, missing_library

if TYPE_CHECKING:
    import xarray as xr

MOST_PIXELS = 64_000_000
"""Of a picture that is read; a file that claims more is refused before it is decoded."""

AXES = ("y", "x", "channel")
"""Of a picture: rows from the top, columns from the left, and grey, grey and alpha, RGB, or RGB and alpha."""

SUFFIXES = {"png": (".png",), "jpeg": (".jpg", ".jpeg"), "webp": (".webp",), "tiff": (".tif", ".tiff")}
"""Of the files that are read and written, by format."""

_EVERY_SUFFIX = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_GREY = ("1", "L", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_ORIENTATION = 0x0112
_SIXTEEN_BITS = 65535
_QUALITY = 95
_ROUNDING = {"png": 0.002, "jpeg": 0.3, "webp": 0.002, "tiff": 0.002}
_UPRIGHT = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}
"""EXIF orientation -> what sets a picture (y, x, channel) upright (EXIF 2.32, tag 274)."""


def read_picture(path: str | Path) -> np.ndarray:
    """The picture of a file, (y, x, channel) float32 in [0, 1], upright and in sRGB.

    Raises
    ------
    FileFormatError
        No such file; no picture, a damaged or a moving one; more than `MOST_PIXELS`.
    FormatError
        Pillow is not installed, or pypng for 16 bits in colour.
    """
    path = Path(path)
    image_module = _pillow()
    if not path.is_file():
        raise FileFormatError(f"{path}: no such file; expected a picture ({', '.join(_EVERY_SUFFIX)})")
    try:
        with image_module.open(path) as image:
            pixels = image.width * image.height
            if pixels > MOST_PIXELS:
                raise FileFormatError(
                    f"{path}: {image.width} x {image.height} pixels; expected at most {MOST_PIXELS:,} in all"
                )
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                raise FileFormatError(f"{path}: {image.n_frames} pictures in one file; expected one")
            if image.format == "PNG" and image.mode not in _GREY and image.mode != "P" and _is_deep(path):
                if not image.info.get("icc_profile"):
                    upright = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1), lambda array: array)
                    return np.ascontiguousarray(upright(_read_deep(path)))
            return _numbers(image)
    except (FormatError, MemoryError):
        raise
    except Exception as error:  # what a damaged file raises is of many kinds
        reason = (" ".join(str(error).split()) or type(error).__name__).replace(repr(str(path)), "the file")[:200]
        raise FileFormatError(f"{path}: expected a picture; {reason}") from None


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise missing_library("Pillow", "images", "a picture") from None
    return Image


def _is_deep(path: Path) -> bool:
    """Whether a PNG file has 16 bits a channel: byte 24 (PNG specification, 11.2.2 IHDR)."""
    with open(path, "rb") as file:
        return file.read(25)[24:] == b"\x10"


def _read_deep(path: Path) -> np.ndarray:
    """A PNG file of 16 bits and several channels, which Pillow reads at 8."""
    try:
        import png
    except ImportError:
        raise missing_library("pypng", "images", f"{path}: a PNG file of 16 bits in colour") from None
    with open(path, "rb") as file:
        width, height, rows, about = png.Reader(file=file).asDirect()
        channels = about["planes"]
        found = np.empty((height, width * channels), dtype=np.float32)
        for row, values in enumerate(rows):
            found[row] = np.asarray(values, dtype=np.uint16)
    return found.reshape(height, width, channels) / np.float32(_SIXTEEN_BITS)


def _numbers(image: Any) -> np.ndarray:
    """Upright sRGB numbers of an image of Pillow's."""
    from PIL import ImageOps

    image.load()
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "I;16N"):
        deep = np.asarray(image).astype(np.float32)
        if deep.min(initial=0.0) < 0 or deep.max(initial=0.0) > _SIXTEEN_BITS:
            raise ValueError(f"whole numbers from {deep.min():g} to {deep.max():g}, where 0 to 65535 make a picture")
        return deep[..., None] / np.float32(_SIXTEEN_BITS)
    if image.mode == "F":
        raise ValueError("real numbers, of which nothing says what is white; give 8 or 16 bits")
    transparent = "transparency" in image.info
    if image.mode == "P":
        image = image.convert("RGBA" if transparent else "RGB")
    elif image.mode in ("PA", "RGBa", "La") or (transparent and image.mode in ("L", "RGB")):
        image = image.convert("LA" if image.mode in ("La", "L") else "RGBA")
    image = _in_srgb(image, profile)
    if image.mode not in _MODES.values():
        image = image.convert("L" if image.mode == "1" else "RGB")
    found = np.asarray(image, dtype=np.float32)
    return (found if found.ndim == 3 else found[..., None]) / np.float32(255)


def _in_srgb(image: Any, profile: bytes | None) -> Any:
    """An image in sRGB; as it is where it has no profile, or one that does not read."""
    if not profile or image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    import io

    from PIL import ImageCms

    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    plain = image.convert({"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode)) if alpha is not None else image
    mode = "L" if plain.mode == "L" else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        made: Any = ImageCms.profileToProfile(plain, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    made = made.convert(mode)
    if alpha is not None:
        made.putalpha(alpha)
    return made


def is_deep(values: np.ndarray) -> bool:
    """Whether numbers in [0, 1] are not all multiples of 1/255, so that 8 bits do not hold them."""
    steps = np.asarray(values, dtype=np.float64) * 255
    return bool(np.any(np.abs(steps - np.round(steps)) > 1e-2))


def write_picture(
    path: Path, picture: np.ndarray, kind: str, *, deep: bool = False, text: dict[str, str] | None = None
):
    """Write one picture (y, x, channel) of numbers in [0, 1] into a file that appears as it is.

    Parameters
    ----------
    path : Path
    picture : ndarray
    kind : {"png", "jpeg", "webp", "tiff"}
    deep : bool
        16 bits a channel where the format has them: PNG, and TIFF of grey pictures.
    text : mapping, optional
        Lines that a PNG file carries.

    Raises
    ------
    FormatError
        What the format cannot hold: alpha in JPEG.
    """
    channels = picture.shape[-1]
    if channels not in _MODES:
        raise FormatError(f"{path.name}: {channels} channels; expected 1 to 4")
    if kind == "jpeg" and channels in (2, 4):
        raise FormatError(f"{path.name}: JPEG has no alpha, and the picture has; expected .png, .webp or .tif")
    if picture.size == 0:
        raise FormatError(f"{path.name}: a picture of {picture.shape[1]} x {picture.shape[0]} pixels; expected some")
    image_module = _pillow()
    values = np.clip(picture, 0.0, 1.0)
    if deep and (kind == "png" or (kind == "tiff" and channels == 1)):
        whole = np.rint(values.astype(np.float64) * _SIXTEEN_BITS).astype(np.uint16)
        if channels == 1:
            image_module.fromarray(whole[..., 0]).save(path, format=kind.upper(), **_options(kind, text))
            return
        _write_deep(path, whole)
        return
    whole = np.rint(values * np.float32(255)).astype(np.uint8)
    image = image_module.fromarray(whole[..., 0] if channels == 1 else whole)
    image.save(path, format=kind.upper(), **_options(kind, text))


def _options(kind: str, text: dict[str, str] | None) -> dict[str, Any]:
    if kind == "jpeg":
        return {"quality": _QUALITY, "subsampling": 0}
    if kind == "webp":
        return {"lossless": True, "exact": True}
    if kind == "tiff":
        return {"compression": "tiff_deflate"}
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    for name, value in (text or {}).items():
        about.add_text(name, value)
    return {"pnginfo": about}


def _write_deep(path: Path, whole: np.ndarray) -> None:
    """A PNG file of 16 bits and several channels, which Pillow does not write."""
    try:
        import png
    except ImportError:
        raise missing_library("pypng", "images", f"{path.name}: a PNG file of 16 bits in colour") from None
    height, width, channels = whole.shape
    writer = png.Writer(width, height, greyscale=channels < 3, alpha=channels in (2, 4), bitdepth=16)
    with open(path, "wb") as file:
        writer.write_packed(file, (row.astype(">u2").tobytes() for row in whole))


@dataclass(frozen=True)
class Pictures:
    """Writer and reader of one variable of samples, a picture a file.

    Attributes
    ----------
    variable : str
        Over (`sample`, y, x, channel), in [0, 1].
    dims : tuple of str
        Its axes beside `sample`.
    kind : str
    as_deep_as : str
        Variable that says by its own numbers whether 16 bits are written.
    """

    variable: str
    dims: tuple[str, ...]
    kind: str
    as_deep_as: str = ""

    def write(
        self,
        blocks: Iterable[xr.Dataset],
        target: str | Path,
        *,
        overwrite: bool = False,
    ) -> None:
        """Write the picture of the only sample."""
        path = Path(target)
        with replacing(path, overwrite=overwrite) as temporary:
            found = [block for block in blocks if block.sizes["sample"]]
            if len(found) != 1 or found[0].sizes["sample"] != 1:
                count = sum(block.sizes["sample"] for block in found)
                raise FormatError(f"{path}: {count} samples; a picture's file holds one")
            (block,) = found
            text = {"Software": "surrogates"} | {
                f"surrogates:{name}": str(block.attrs[name])
                for name in ("plugin", "recipe", "weights_sha256", "seed")
                if name in block.attrs
            }
            deep = bool(self.as_deep_as) and is_deep(block[self.as_deep_as].values)
            write_picture(Path(temporary), block[self.variable].values[0], self.kind, deep=deep, text=text)

    def read(self, path: Path) -> Iterator[xr.Dataset]:
        """The picture of a file as one sample."""
        import xarray as xr

        about = {"units": "1", "long_name": "picture, from black 0 to white 1"}
        data = {self.variable: (("sample", *self.dims), read_picture(path)[None], about)}
        yield xr.Dataset(data, coords={"sample": [0]}, attrs=_told(path))


def _told(path: Path) -> dict[str, str]:
    """What a PNG file that this package wrote says of itself."""
    with _pillow().open(path) as image:
        text = getattr(image, "text", {}) or {}
    return {name.partition(":")[2]: value for name, value in text.items() if name.startswith("surrogates:")}


def read_picture_field(path: Path) -> xr.DataArray:
    """The picture of a file as a field, over (y, x, channel)."""
    import xarray as xr

    return xr.DataArray(read_picture(path), dims=AXES)


def picture_formats(variable: str, dims: Sequence[str] = AXES, *, as_deep_as: str = "") -> tuple[Format, ...]:
    """PNG, JPEG, WebP and TIFF of one variable of a plugin's samples, a file a sample; see `Pictures`."""
    formats = []
    for kind, suffixes in SUFFIXES.items():
        pictures = Pictures(variable, tuple(dims), kind, as_deep_as)
        formats.append(
            Format(
                kind,
                suffixes,
                f"{kind.upper() if kind != 'webp' else 'WebP'}, one picture a file",
                pictures.write,
                partial(Pictures.read, pictures),
                extra="images",
                one_sample_a_file=True,
                leaves_out="all but the picture",
                read_field=read_picture_field,
                rounding=_ROUNDING[kind],
            )
        )
    return tuple(formats)


def pictures_in(folder: Path) -> list[Path]:
    """Files of pictures in a folder and its sub-folders, by name; hidden ones left out."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _EVERY_SUFFIX and path.is_file())
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def photograph_tiles(
    folder: Path, side: int, *, multiple: int = 1
) -> Iterator[tuple[np.ndarray, list[tuple[int, int]]]]:
    """Every photograph of a folder and its sub-folders, in colour, and where its tiles begin.

    Parameters
    ----------
    folder : Path
        Or one file.
    side : int
        Pixels on a side of a tile; photographs that are smaller are left out.
    multiple : int
        Photographs are cut to sides, and tiles begin at pixels, that are multiples of it; `side` has to be one too.

    Yields
    ------
    photograph : ndarray
        (y, x, 3) uint8.
    places : list of (int, int)
        First row and column of tiles three quarters of a side apart or less, the last at the end.

    Raises
    ------
    FileFormatError
        A file that does not read, or no photograph that is large enough.
    """
    none = True
    for path in pictures_in(folder) if folder.is_dir() else [folder]:
        whole = read_picture(path)
        whole = whole[..., :3] if whole.shape[-1] > 2 else whole[..., :1].repeat(3, axis=-1)
        height, width = (length // multiple for length in whole.shape[:2])
        if min(height, width) * multiple < side:
            continue
        none = False
        cut = np.rint(255 * whole[: multiple * height, : multiple * width]).astype(np.uint8)
        rows, columns = (_starts(length, side // multiple) for length in (height, width))
        yield cut, [(multiple * top, multiple * left) for top in rows for left in columns]
    if none:
        raise FileFormatError(f"{folder}: no photograph of {side} x {side} pixels or more in it")


def _starts(length: int, side: int) -> list[int]:
    count = -(-(length - side) // max(3 * side // 4, 1)) + 1
    return np.rint(np.linspace(0, length - side, count)).astype(int).tolist()
