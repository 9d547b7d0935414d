"""What a JPEG file keeps of a picture, by quality and by how colours are stored."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL.Image")

from surrogates.io.formats import FormatError  # noqa: E402
from surrogates.io.jpeg_coding import compressed  # noqa: E402


def apart(made: np.ndarray, picture: np.ndarray) -> float:
    return float(np.abs(made.astype(int) - picture).mean())


def test_a_lower_quality_loses_more_and_size_and_type_stay():
    picture = np.random.default_rng(0).integers(0, 256, (21, 35, 3), dtype=np.uint8)
    lost = [apart(compressed(picture, quality), picture) for quality in (10, 50, 98)]
    assert lost[0] > lost[1] > lost[2] > 0
    made = compressed(picture, 50)
    assert made.shape == picture.shape and made.dtype == np.uint8


def test_colours_that_alternate_survive_only_where_they_are_stored_whole():
    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    picture[..., 1] = 90
    picture[:, ::2] = [200, 0, 60]  # nearly the same luminance
    lost = {way: apart(compressed(picture, 95, way), picture) for way in ("4:4:4", "4:2:2", "4:2:0")}
    assert 5 * lost["4:4:4"] < lost["4:2:2"] <= 1.2 * lost["4:2:0"]


def test_what_is_wrong_is_named():
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    for wrong in (picture.astype(np.float32), picture[..., 0], picture[:0]):
        with pytest.raises(FormatError, match="^picture: "):
            compressed(wrong, 50)
    with pytest.raises(FormatError, match="^quality: 0; expected 1 to 100"):
        compressed(picture, 0)
    with pytest.raises(FormatError, match="^subsampling: '4:1:1'"):
        compressed(picture, 50, "4:1:1")
