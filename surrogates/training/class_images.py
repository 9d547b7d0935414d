"""Images by category of a user's folder as a training pool: read once, some of them held out of every training."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from ..contract.schema import Schema
from . import simulated

if TYPE_CHECKING:
    import xarray as xr


class ClassImages(Protocol):
    """Images by class: (n, size, size) float32 in [0, 1] or (n, size, size, 3) uint8, codes, names and hashes (n,)."""

    @property
    def images(self) -> np.ndarray: ...
    @property
    def codes(self) -> np.ndarray: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def keys(self) -> np.ndarray: ...
    def chosen(self, rows: np.ndarray) -> Any:
        """Some of them."""
        ...


class Told(Protocol):
    """What was read and what was left out."""

    def lines(self) -> Iterator[str]:
        """For people."""
        ...


Schemas = Callable[[tuple[str, ...], int], tuple[Schema, Schema]]
"""(names of the categories, pixels on a side) -> conditions and outputs."""

Read = Callable[[Path, int], tuple[Any, Told]]
"""(folder, pixels on a side) -> `ClassImages` and `Told`."""

Some = TypeVar("Some", bound=ClassImages)

HELD_OUT, PARTS = 2, 10
"""Of each ten parts that hashes of the images fall into, so many are held out of every training."""


def split(folder: Some, *, held_out: bool) -> Some:
    """The images that train, or those that are held out, by hashes of their pixels."""
    mine = (folder.keys % np.uint64(PARTS)) < HELD_OUT
    return folder.chosen(np.flatnonzero(mine if held_out else ~mine))


def to_dataset(images: np.ndarray, codes: np.ndarray, classes: tuple[str, ...], schemas: Schemas) -> xr.Dataset:
    """Images with their categories; bytes become shares of white."""
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / np.float32(255)
    conditions, outputs = schemas(classes, images.shape[2])
    return outputs.dataset({"image": images}).assign(conditions.labelled({"category": codes}))


def read_pool(path: Path, kept: Path, *, size: int, read: Read, schemas: Schemas) -> tuple[xr.Dataset, ...]:
    """The training images of a user's folder, a sub-folder a category.

    Parameters
    ----------
    path : Path
        Is only read.
    kept : Path
        Holds what was read, as bytes, for the next time; another size or other files are refused there.
    size : int
        Pixels on a side that images are brought to.
    read, schemas : callable
    """
    files = [(str(one.relative_to(path)), one.stat().st_size) for one in sorted(path.rglob("*")) if one.is_file()]
    listed = hashlib.sha256(repr(files).encode()).hexdigest()

    def make() -> dict[str, np.ndarray]:
        folder, report = read(path, size)
        print(*report.lines(), sep="\n", file=sys.stderr, flush=True)
        mine = split(folder, held_out=False)
        images = mine.images if mine.images.dtype == np.uint8 else np.round(255.0 * mine.images).astype(np.uint8)
        return {"images": images, "codes": mine.codes, "classes": np.array(mine.classes), "keys": mine.keys}

    (arrays,) = simulated.kept(kept, [("images", {})], make, {"size": size, "files": listed})
    classes = tuple(str(name) for name in arrays["classes"])
    order = in_turn(arrays["codes"])
    return (to_dataset(arrays["images"][order], arrays["codes"][order], classes, schemas),)


def in_turn(codes: np.ndarray) -> np.ndarray:
    """Rows in an order in which categories take turns, so that the first ones show all of them."""
    turn = np.empty(len(codes), dtype=np.int64)
    for code in np.unique(codes):
        mine = np.flatnonzero(codes == code)
        turn[mine] = np.arange(len(mine))
    return np.lexsort((codes, turn))


def found(pools: Sequence[xr.Dataset], *, schemas: Schemas) -> tuple[Schema, Schema]:
    """The categories and the size of training images, as conditions and outputs."""
    labels = str(pools[0]["category"].attrs["flag_meanings"]).split()
    return schemas(tuple(labels), pools[0].sizes["x"])


def readers(schemas: Schemas, read: Read) -> tuple[Callable[..., tuple[xr.Dataset, ...]], Callable[..., Any]]:
    """`Recipe.learns`, which wants `size` too, and `Recipe.schema` of a plugin whose schemas are `schemas`."""
    return partial(read_pool, read=read, schemas=schemas), partial(found, schemas=schemas)
