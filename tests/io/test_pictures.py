"""Photographs in files: every kind of picture into numbers and back, and one clear line for what is none."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import xarray as xr

Image = pytest.importorskip("PIL.Image")
png = pytest.importorskip("png")

from surrogates.io import FileFormatError, FormatError  # noqa: E402
from surrogates.io.pictures import (  # noqa: E402
    MOST_PIXELS,
    is_deep,
    photograph_tiles,
    picture_formats,
    pictures_in,
    read_picture,
    write_picture,
)

GENERATOR = np.random.default_rng(3)
BYTES = GENERATOR.integers(0, 256, (13, 17, 4), dtype=np.uint8)
DEEP = GENERATOR.integers(0, 65536, (7, 5, 4), dtype=np.uint16)
KINDS = {kind.name: kind for kind in picture_formats("picture", as_deep_as="asked")}


def saved(tmp_path, image, name="picture.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def samples(picture, **attrs):
    """One sample with a picture and what was asked of it."""
    axes = ("sample", "y", "x", "channel")
    return xr.Dataset(
        {name: (axes, picture[None].astype(np.float32)) for name in ("picture", "asked")},
        coords={"sample": [0]},
        attrs=attrs,
    )


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_each_kind_keeps_its_channels_and_bytes(tmp_path, mode, channels):
    values = BYTES[..., :channels]
    path = saved(tmp_path, Image.fromarray(values[..., 0] if channels == 1 else values, mode=mode))
    found = read_picture(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.rint(found * 255), values)
    assert not is_deep(found)


def test_a_palette_is_its_colours_with_alpha_where_it_has_some(tmp_path):
    opaque = Image.fromarray(BYTES[..., :3]).quantize(16)
    np.testing.assert_array_equal(
        np.rint(255 * read_picture(saved(tmp_path, opaque))), np.asarray(opaque.convert("RGB"))
    )
    path = saved(tmp_path, opaque, "clear.png", transparency=0)
    found = read_picture(path)
    assert found.shape[-1] == 4
    np.testing.assert_array_equal(found[..., 3] == 0, np.asarray(opaque) == 0)


def test_black_and_white_and_colours_for_printing_become_grey_and_red_green_and_blue(tmp_path):
    assert set(np.unique(read_picture(saved(tmp_path, Image.fromarray(BYTES[..., 0]).convert("1"))))) == {0.0, 1.0}
    printing = saved(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "red.jpg", quality=100)
    red, green, blue = read_picture(printing)[4, 4]
    assert red > 0.95 and green < 0.05 and blue < 0.05


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_a_camera_turned_stands_upright_at_8_and_16_bits(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(BYTES[..., :3])
    shallow = read_picture(saved(tmp_path, image, exif=exif))
    deep = tmp_path / "deep.png"
    write_picture(deep, BYTES[..., :3] / 255 + 1e-4, "png", deep=True)
    content, piece = deep.read_bytes(), b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(piece) - 4) + piece + struct.pack(">I", zlib.crc32(piece))
    deep.write_bytes(content[:33] + chunk + content[33:])
    np.testing.assert_allclose(read_picture(deep), shallow, atol=2e-4)
    assert shallow.shape == ((13, 17, 3) if orientation < 5 else (17, 13, 3))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_survive_png(tmp_path, channels):
    path = tmp_path / "deep.png"
    write_picture(path, DEEP[..., :channels] / 65535, "png", deep=True)
    found = read_picture(path)
    assert is_deep(found)
    np.testing.assert_array_equal(np.rint(found.astype(np.float64) * 65535), DEEP[..., :channels])
    with open(path, "rb") as file:  # the field's own reader
        width, height, rows, about = png.Reader(file=file).asDirect()
        assert (width, height, about["bitdepth"], about["planes"]) == (5, 7, 16, channels)
        np.testing.assert_array_equal(
            np.vstack([list(row) for row in rows]).reshape(7, 5, channels), DEEP[..., :channels]
        )


def test_a_colour_profile_is_brought_to_srgb(tmp_path):
    from PIL import ImageCms

    profiles = [ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")]
    own = ImageCms.ImageCmsProfile(profiles[0]).tobytes()
    image = Image.fromarray(BYTES[..., :3])
    same = read_picture(saved(tmp_path, image, icc_profile=own))
    np.testing.assert_allclose(np.rint(255 * same), BYTES[..., :3], atol=1)
    np.testing.assert_array_equal(
        np.rint(255 * read_picture(saved(tmp_path, image, icc_profile=b"no profile"))), BYTES[..., :3]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_written_picture_reads_back_and_opens_elsewhere(tmp_path, kind):
    smooth = np.linspace(0, 1, 24 * 16 * 3).reshape(24, 16, 3)
    path = tmp_path / f"out{KINDS[kind].suffixes[0]}"
    KINDS[kind].write([samples(np.rint(255 * smooth) / 255, plugin="p", seed=3)], path)
    (again,) = KINDS[kind].read(path)
    np.testing.assert_allclose(again["picture"].values[0], smooth, atol=0.03 if kind == "jpeg" else 0.0021)
    with Image.open(path) as image:
        image.load()
        assert image.size == (16, 24) and image.format == kind.upper()
    assert again.attrs.get("plugin", "p") == "p"


def test_what_was_asked_with_16_bits_is_written_with_16(tmp_path):
    KINDS["png"].write([samples(DEEP[..., :3] / 65535)], tmp_path / "deep.png")
    assert (tmp_path / "deep.png").read_bytes()[24] == 16
    KINDS["png"].write([samples(BYTES[..., :3] / 255)], tmp_path / "shallow.png")
    assert (tmp_path / "shallow.png").read_bytes()[24] == 8


def test_what_a_format_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(FormatError, match=r"JPEG has no alpha.*\.png"):
        KINDS["jpeg"].write([samples(BYTES / 255)], tmp_path / "out.jpg")
    with pytest.raises(FormatError, match="a picture's file holds one"):
        KINDS["png"].write([samples(BYTES / 255)] * 2, tmp_path / "out.png")
    assert not list(tmp_path.iterdir())


def buffer(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


PICTURE = Image.fromarray(GENERATOR.integers(0, 256, (64, 64, 3), dtype=np.uint8))
BROKEN = {
    "empty": b"",
    "text": b"not a picture at all",
    "cut png": buffer(PICTURE, format="PNG")[:2000],
    "cut jpeg": buffer(PICTURE, format="JPEG")[:1500],
    "cut in its head": buffer(PICTURE, format="PNG")[:20],
    "two pictures": buffer(PICTURE, format="TIFF", save_all=True, append_images=[PICTURE]),
    "real numbers": buffer(Image.fromarray(np.ones((4, 4), dtype=np.float32)), format="TIFF"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_picture_is_one_line_that_names_the_file(tmp_path, what):
    path = tmp_path / "bad.png"
    path.write_bytes(BROKEN[what])
    with pytest.raises(FileFormatError, match=r"bad\.png") as caught:
        read_picture(path)
    assert "\n" not in str(caught.value) and str(caught.value).count("bad.png") == 1


def test_a_picture_that_claims_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    """A head alone, with no pixels behind it."""
    side = int(MOST_PIXELS**0.5) + 1
    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    path = tmp_path / "large.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    )
    with pytest.raises(FileFormatError, match=f"at most {MOST_PIXELS:,}"):
        read_picture(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileFormatError, match="no such file"):
        read_picture(tmp_path / "none.png")


def test_tiles_cover_every_photograph_of_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    saved(tmp_path / "a", PICTURE, "one.jpg")
    saved(tmp_path, PICTURE.crop((0, 0, 40, 62)).convert("L"), "two.png")
    saved(tmp_path, PICTURE.crop((0, 0, 20, 20)), "small.png")
    (tmp_path / "notes.txt").write_text("none")
    assert [path.name for path in pictures_in(tmp_path)] == ["one.jpg", "small.png", "two.png"]
    shapes = {}
    for photograph, places in photograph_tiles(tmp_path, 24, multiple=4):
        covered = np.zeros(photograph.shape[:2], dtype=bool)
        for top, left in places:
            assert top % 4 == left % 4 == 0
            covered[top : top + 24, left : left + 24] = True
        assert covered.all() and photograph.dtype == np.uint8
        shapes[photograph.shape] = len(places)
    assert set(shapes) == {(64, 64, 3), (60, 40, 3)}
    with pytest.raises(FileFormatError, match="no photograph of 500 x 500"):
        list(photograph_tiles(tmp_path, 500))
