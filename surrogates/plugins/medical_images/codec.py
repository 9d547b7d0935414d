"""Grey images of MedNIST's categories and size, until it is fitted to others."""

from __future__ import annotations

from ...models.image_codec import ImageCodec
from .variables import CATEGORIES, SIZE


class GreyCodec(ImageCodec):
    """Codec of every recipe."""

    def __init__(self) -> None:
        super().__init__(len(CATEGORIES), SIZE)
