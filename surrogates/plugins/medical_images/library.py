"""Images by category of a user's folder: which of them train, and which are held out."""

from __future__ import annotations

from ...contract.schema import Schema
from ...io.image_folders import read_classes
from ...training.class_images import HELD_OUT, PARTS, readers, split
from .variables import conditions, outputs

__all__ = ["HELD_OUT", "LAYOUT", "PARTS", "found", "read", "schemas", "split"]

LAYOUT = "a folder with one sub-folder of images a category, such as MedNIST's"


def schemas(categories: tuple[str, ...], size: int) -> tuple[Schema, Schema]:
    """Conditions and outputs of these categories at this size."""
    return conditions(categories), outputs(size)


read, found = readers(schemas, read_classes)
