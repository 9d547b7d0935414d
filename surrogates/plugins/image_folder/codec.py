"""Images in colour of ten categories at 32 pixels, until it is fitted to others."""

from __future__ import annotations

from ...models.image_codec import ImageCodec
from .variables import CATEGORIES, SIZE


class ColourCodec(ImageCodec):
    """Codec of every recipe."""

    def __init__(self) -> None:
        super().__init__(len(CATEGORIES), SIZE, channels=3)
