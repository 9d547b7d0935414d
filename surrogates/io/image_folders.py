"""Folders of images as people keep them: one sub-folder a class.

Images are read by Pillow as grey values in [0, 1], at 8 or 16 bits, or in colour as bytes. What cannot be
used is named and counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .formats import FormatError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_NAMED = 3  # of the files that are left out


@dataclass
class Report:
    """What was read, and what was not and why.

    Attributes
    ----------
    read : dict
        Images of each class.
    left_out : dict
        Reason -> files.
    """

    read: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave(self, why: str, path: Path) -> None:
        """Note a file that is not used."""
        self.left_out.setdefault(why, []).append(path.name)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield "read " + ", ".join(f"{count:,} of {name}" for name, count in self.read.items())
        for why, names in self.left_out.items():
            shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
            yield f"left out {len(names):,} ({why}): {shown}"


@dataclass(frozen=True)
class ClassFolder:
    """Images by class.

    Attributes
    ----------
    images : ndarray
        (n, size, size) float32 in [0, 1], or in colour (n, size, size, 3) uint8.
    codes : ndarray
        (n,) int64, positions in `classes`.
    classes : tuple of str
        Names of the sub-folders, sorted; spaces have become underscores.
    keys : ndarray
        (n,) uint64, hashes of the images' own pixels at full size: what a split goes by.
    """

    images: np.ndarray
    codes: np.ndarray
    classes: tuple[str, ...]
    keys: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def chosen(self, rows: np.ndarray) -> ClassFolder:
        """Some of them."""
        return ClassFolder(self.images[rows], self.codes[rows], self.classes, self.keys[rows])


def read_grey(path: str | Path) -> np.ndarray:
    """An image's grey values (y, x) float32 in [0, 1], upright.

    Raises
    ------
    FormatError
        No image, or one that is damaged, not finite, or of more pixels than Pillow reads.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):
                values = np.asarray(image).astype(np.float32)
                top = 65535.0 if values.max(initial=0.0) > 255.0 or image.mode.startswith("I;16") else 255.0
            elif image.mode == "F":
                values, top = np.asarray(image).astype(np.float32), 1.0
            else:
                values, top = np.asarray(image.convert("L")).astype(np.float32), 255.0
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path}: does not read as an image ({type(error).__name__})") from None
    if not np.isfinite(values).all():
        raise FormatError(f"{path}: holds values that are not finite")
    return np.clip(values / top, 0.0, 1.0)


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """A grey image (y, x) in [0, 1] at (size, size), by area where it shrinks; padded to a square with its corner."""
    from PIL import Image

    rows, columns = image.shape
    if rows != columns:
        side = max(rows, columns)
        square = np.full((side, side), float(np.median([image[0, 0], image[0, -1], image[-1, 0], image[-1, -1]])))
        top, left = (side - rows) // 2, (side - columns) // 2
        square[top : top + rows, left : left + columns] = image
        image = square
    if len(image) == size:
        return image.astype(np.float32)
    way = Image.Resampling.BOX if len(image) > size and not len(image) % size else Image.Resampling.BILINEAR
    made = Image.fromarray(image.astype(np.float32), mode="F").resize((size, size), way)
    return np.clip(np.asarray(made), 0.0, 1.0)


def key_of(image: np.ndarray) -> int:
    """64 bits of the hash of an image's pixels, grey values in [0, 1] or bytes."""
    values = image if image.dtype == np.uint8 else np.round(image * 65535.0).astype("<u2")
    return int.from_bytes(hashlib.sha256(f"{values.shape}".encode() + values.tobytes()).digest()[:8], "little")


def read_colour(path: str | Path) -> np.ndarray:
    """An image in colour, (y, x, 3) uint8, upright and in sRGB; what is transparent shows white.

    Raises
    ------
    FormatError
        No image, one that is damaged, a moving one, or one of more pixels than are read.
    """
    from .pictures import read_picture

    picture = read_picture(path)
    if picture.shape[-1] in (2, 4):
        alpha = picture[..., -1:]
        picture = picture[..., :-1] * alpha + (1.0 - alpha)
    if picture.shape[-1] == 1:
        picture = picture.repeat(3, axis=-1)
    return np.rint(255.0 * picture).astype(np.uint8)


def cropped_square(image: np.ndarray, size: int) -> np.ndarray:
    """The middle square of an image (y, x, 3) uint8 at (size, size, 3), antialiased where it shrinks."""
    from PIL import Image

    rows, columns = image.shape[:2]
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    image = image[top : top + side, left : left + side]
    if side == size:
        return np.ascontiguousarray(image)
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((size, size), Image.Resampling.BICUBIC))


def read_classes(
    folder: str | Path, size: int, *, least: int = 2, fewest: int = 1, colour: bool = False
) -> tuple[ClassFolder, Report]:
    """Read a folder with one sub-folder a class.

    Parameters
    ----------
    folder : path
    size : int
        Pixels on a side that images are brought to: grey ones by `resized`, those in colour by `cropped_square`.
    least : int
        Classes that are needed.
    fewest : int
        Images that each class needs.
    colour : bool
        Red, green and blue in place of grey values.

    Returns
    -------
    ClassFolder, Report
        Exact duplicates are left out, as is what does not read.

    Raises
    ------
    FormatError
        Too few classes, two of one name, or a class with too few images.
    """
    folder = Path(folder)
    suffixes = (*SUFFIXES, ".webp", ".gif") if colour else SUFFIXES
    places = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if len(places) < least:
        found = ", ".join(place.name for place in places) or "none"
        loose = sum(entry.suffix.lower() in suffixes for entry in folder.iterdir() if entry.is_file())
        hint = f"; {loose:,} images lie outside any: move them into one" if loose and not places else ""
        raise FormatError(
            f"{folder}: {len(places)} class folders ({found}); expected {least} or more, one a class{hint}"
        )
    classes = tuple("_".join(place.name.split()) for place in places)
    if twice := sorted({name for name in classes if classes.count(name) > 1}):
        raise FormatError(f"{folder}: two class folders are called {twice[0]!r}, blanks aside; rename one")
    report, seen = Report(), set()
    images: list[np.ndarray] = []
    codes: list[int] = []
    keys: list[int] = []
    for code, place in enumerate(places):
        before, unread = len(images), ""
        for path in sorted(place.rglob("*")):
            if path.suffix.lower() not in suffixes or path.name.startswith("."):
                continue
            try:
                image = read_colour(path) if colour else read_grey(path)
            except FormatError as error:
                why = str(error).partition(": ")[2]
                unread = unread or f"; {path.name}: {why}"
                report.leave(why, path)
                continue
            key = key_of(image)
            if key in seen:
                report.leave("exact duplicates", path)
                continue
            seen.add(key)
            images.append(cropped_square(image, size) if colour else resized(image, size))
            codes.append(code)
            keys.append(key)
        report.read[place.name] = len(images) - before
        if len(images) - before < fewest:
            count = "1 image that reads" if len(images) - before == 1 else f"{len(images) - before:,} images that read"
            count = count.replace("0 images", "no images") if len(images) == before else count
            advice = f"expected {fewest} or more: " if fewest > 1 else ""
            raise FormatError(f"{place}: {count} ({', '.join(suffixes)}); {advice}fill this class or remove it{unread}")
    stacked = np.stack(images), np.array(codes, dtype=np.int64), classes, np.array(keys, dtype=np.uint64)
    return ClassFolder(*stacked), report
