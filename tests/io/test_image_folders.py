"""Class folders: what is there is read, and what cannot be used is named and counted."""

import numpy as np
import pytest

from surrogates.io.formats import FormatError
from surrogates.io.image_folders import read_classes, read_grey, resized

Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")


def save(path, values, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values), mode=mode).save(path)


def grey(seed, size=32):
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    for code, name in enumerate(("cyst", "no tumour")):
        for number in range(4):
            save(tmp_path / name / f"{number}.png", grey(10 * code + number))
    return tmp_path


def test_classes_are_the_sub_folders_and_spaces_become_underscores(folder):
    found, report = read_classes(folder, 32)
    assert found.classes == ("cyst", "no_tumour") and found.images.shape == (8, 32, 32)
    assert np.array_equal(found.images[0], grey(0) / np.float32(255.0))
    assert report.read == {"cyst": 4, "no tumour": 4} and not report.left_out


def test_duplicates_and_damaged_files_are_left_out_and_counted(folder):
    save(folder / "cyst" / "again.png", grey(11))
    (folder / "cyst" / "cut.png").write_bytes((folder / "cyst" / "0.png").read_bytes()[:60])
    found, report = read_classes(folder, 32)
    assert len(found) == 8
    assert report.left_out["exact duplicates"] == ["1.png"]
    assert "cut.png" in "\n".join(report.lines())


def test_sixteen_bits_and_colour_are_read_as_grey(folder):
    save(folder / "cyst" / "deep.png", np.full((32, 32), 40000, np.uint16))
    assert read_grey(folder / "cyst" / "deep.png")[0, 0] == pytest.approx(40000 / 65535, abs=1e-4)
    save(folder / "cyst" / "colour.png", np.full((32, 32, 3), 51, np.uint8))
    assert read_grey(folder / "cyst" / "colour.png")[0, 0] == pytest.approx(0.2)


def test_one_class_alone_and_an_empty_class_are_refused(folder, tmp_path):
    with pytest.raises(FormatError, match="expected 2 or more"):
        read_classes(folder / "cyst", 32)
    (folder / "empty").mkdir()
    with pytest.raises(FormatError, match="empty.*no images that read"):
        read_classes(folder, 32)


def test_oblong_images_are_padded_and_shrunk_by_area():
    image = np.zeros((64, 32), np.float32)
    image[:, 8:24] = 1.0
    made = resized(image, 32)
    assert made.shape == (32, 32) and made[:, :8].max() == 0.0 and made[16, 16] == 1.0
    assert made.mean() == pytest.approx(0.25, abs=0.01)


def test_a_photograph_stands_upright(tmp_path):
    image = Image.fromarray(np.repeat(np.arange(0, 240, 5, dtype=np.uint8)[:, None], 32, axis=1))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    found = read_grey(tmp_path / "a.png")
    assert found.shape == (32, 48) and (np.diff(found, axis=1) < 0).all()


def test_an_image_of_too_many_pixels_is_one_that_does_not_read(tmp_path, monkeypatch):
    save(tmp_path / "a.png", grey(1))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(FormatError, match="does not read as an image .DecompressionBombError"):
        read_grey(tmp_path / "a.png")
