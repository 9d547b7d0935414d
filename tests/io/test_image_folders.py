"""Class folders and pairs of images and masks: what is there is read, and what cannot be used is named and counted."""

import numpy as np
import pytest

from surrogates.io.formats import FormatError
from surrogates.io.image_folders import SUFFIXES, read_classes, read_grey, read_pairs, resized

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


def test_pairs_are_those_with_a_mask_and_the_others_are_named(tmp_path):
    for number in range(3):
        save(tmp_path / "images" / f"{number}.png", grey(number))
        save(tmp_path / "masks" / f"{number + 1}.png", 255 * (grey(number) > 200).astype(np.uint8))
    pairs, report = read_pairs(tmp_path)
    assert [image.stem for image, _ in pairs] == ["1", "2"]
    assert report.left_out == {"no mask": ["0.png"], "no image": ["3.png"]}
    assert set(np.unique(read_grey(pairs[0][1], mask=True))) == {0.0, 1.0}


def test_a_colour_image_is_no_mask(tmp_path):
    save(tmp_path / "mask.png", np.zeros((16, 16, 3), np.uint8))
    with pytest.raises(FormatError, match="3 channels"):
        read_grey(tmp_path / "mask.png", mask=True)


def test_folders_without_pairs_are_refused(tmp_path):
    with pytest.raises(FormatError, match="no sub-folder images"):
        read_pairs(tmp_path)
    save(tmp_path / "images" / "a.png", grey(1))
    save(tmp_path / "masks" / "b.png", grey(2))
    with pytest.raises(FormatError, match="no image of images has a mask"):
        read_pairs(tmp_path)
    assert ".png" in SUFFIXES
