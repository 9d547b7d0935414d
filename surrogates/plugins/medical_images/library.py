"""Images by category of a user's folder: which of them train, and which are held out."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Schema
from ...io.image_folders import ClassFolder, read_classes
from ...training import simulated
from .variables import conditions, outputs

if TYPE_CHECKING:
    import xarray as xr

LAYOUT = "a folder with one sub-folder of images a category, such as MedNIST's"

HELD_OUT, PARTS = 2, 10
"""Of each ten parts that hashes of the images fall into, so many are held out of every training."""


def split(folder: ClassFolder, *, held_out: bool) -> ClassFolder:
    """The images that train, or those that are held out, by hashes of their pixels."""
    mine = (folder.keys % np.uint64(PARTS)) < HELD_OUT
    return folder.chosen(np.flatnonzero(mine if held_out else ~mine))


def to_dataset(folder: ClassFolder) -> xr.Dataset:
    """Images with their categories."""
    made = outputs(folder.images.shape[-1]).dataset({"image": folder.images})
    return made.assign(conditions(folder.classes).labelled({"category": folder.codes}))


def read(path: Path, kept: Path, *, size: int) -> tuple[xr.Dataset, ...]:
    """The training images of a user's folder, at `size` pixels on a side, as 8 bits; `kept` holds what was read."""
    files = [(str(one.relative_to(path)), one.stat().st_size) for one in sorted(path.rglob("*")) if one.is_file()]
    listed = hashlib.sha256(repr(files).encode()).hexdigest()

    def make() -> dict[str, np.ndarray]:
        folder, report = read_classes(path, size)
        print(*report.lines(), sep="\n", file=sys.stderr, flush=True)
        mine = split(folder, held_out=False)
        images = np.round(255.0 * mine.images).astype(np.uint8)
        return {"images": images, "codes": mine.codes, "classes": np.array(mine.classes), "keys": mine.keys}

    (arrays,) = simulated.kept(kept, [("images", {})], make, {"size": size, "files": listed})
    images = arrays["images"].astype(np.float32) / 255.0
    classes = tuple(str(name) for name in arrays["classes"])
    return (to_dataset(ClassFolder(images, arrays["codes"], classes, arrays["keys"])),)


def found(pools: Sequence[xr.Dataset]) -> tuple[Schema, Schema]:
    """The categories and the size of training images."""
    labels = str(pools[0]["category"].attrs["flag_meanings"]).split()
    return conditions(tuple(labels)), outputs(pools[0].sizes["x"])
