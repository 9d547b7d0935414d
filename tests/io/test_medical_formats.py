"""NIfTI, DICOM and PNG: what is written opens in the field's own readers, and what is broken is refused by name."""

import numpy as np
import pytest
import xarray as xr

from surrogates.io import volumes
from surrogates.io.dicom import dicom_format, read_dicom_field
from surrogates.io.formats import FileFormatError, FormatError
from surrogates.io.grey_png import grey_png_format, read_grey_image, windowed
from surrogates.io.nifti import nifti_format, read_nifti_field

nibabel = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")

SPACING = (3.0, 2.0, 1.5)
NIFTI = nifti_format("ct", units="HU", spacing=SPACING)
CT = dicom_format("ct", modality="CT", spacing=SPACING)
PNG = grey_png_format("ct", level=40.0, width=400.0)


def samples(n=4, first=0):
    values = np.random.default_rng(1).uniform(-1000, 2000, (n, 6, 5)).astype("float32")
    return xr.Dataset(
        {"ct": (("sample", "y", "x"), values, {"units": "HU"})},
        {"sample": np.arange(first, first + n)},
        {"plugin": "mri-to-ct", "seed": 1},
    )


def test_nifti_opens_in_nibabel_with_its_spacing_and_reads_back(tmp_path):
    path = tmp_path / "ct.nii.gz"
    NIFTI.write(iter([samples().isel(sample=slice(0, 3)), samples().isel(sample=slice(3, None))]), path)
    found = nibabel.load(path)
    assert found.shape == (5, 6, 4) and found.header.get_zooms() == pytest.approx(SPACING[::-1])
    assert nibabel.aff2axcodes(found.affine) == ("L", "P", "S")
    (again,) = NIFTI.read(path)
    assert np.array_equal(again["ct"].values, samples()["ct"].values) and again.attrs["plugin"] == "mri-to-ct"


def test_nifti_of_no_samples_is_valid(tmp_path):
    NIFTI.write(iter([samples().isel(sample=slice(0, 0))]), tmp_path / "none.nii")
    assert sum(block.sizes["sample"] for block in NIFTI.read(tmp_path / "none.nii")) == 0


def test_a_volume_in_another_orientation_is_turned(tmp_path):
    values = np.zeros((4, 5, 6), "float32")
    values[3, 4, 5] = 1.0  # right, front, top in RAS is left of the array's end
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1.0, 2.0, 3.0, 1.0])), tmp_path / "ras.nii")
    stack = read_nifti_field(tmp_path / "ras.nii")
    assert stack.shape == (6, 5, 4) and volumes.spacing_of(stack) == (3.0, 2.0, 1.0)
    assert stack.values[5, 0, 0] == 1.0
    nibabel.save(nibabel.load(tmp_path / "ras.nii").slicer[::-1], tmp_path / "las.nii")
    assert np.array_equal(read_nifti_field(tmp_path / "las.nii").values, stack.values)


def test_resampling_keeps_what_varies_slowly():
    z, y, x = (np.linspace(0, 1, size) for size in (20, 30, 40))
    stack = volumes.volume(z[:, None, None] + y[:, None] + x, (1.0, 1.0, 1.0))
    made = volumes.resampled(stack, (2.0, 2.0, 2.0))
    assert made.shape == (10, 15, 20) and volumes.spacing_of(made) == (2.0, 2.0, 2.0)
    assert float(np.abs(made.values.mean() - stack.values.mean())) < 1e-3
    assert volumes.resampled(made, (2.0, 2.0, 2.0)) is made


@pytest.mark.parametrize("content", [b"", b"no nifti at all", b"\x1f\x8b\x08broken"])
def test_a_foreign_nifti_is_named(tmp_path, content):
    (tmp_path / "bad.nii.gz").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"bad\.nii\.gz"):
        read_nifti_field(tmp_path / "bad.nii.gz")


def series(folder, n=4):
    folder.mkdir()
    for row in range(n):
        CT.write([samples(n).isel(sample=slice(row, row + 1))], folder / f"sample-{row:09d}.dcm")
    return folder


def test_dicom_series_is_one_synthetic_series_in_hounsfield_units(tmp_path):
    folder = series(tmp_path / "ct")
    files = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    assert len({file.SeriesInstanceUID for file in files}) == 1 and len({file.SOPInstanceUID for file in files}) == 4
    assert all(file.PatientName == "SYNTHETIC" and file.SyntheticData == "YES" for file in files)
    assert all(file.ImageType[0] == "DERIVED" for file in files)
    stack = read_dicom_field(folder)
    assert np.abs(stack.values - samples()["ct"].values).max() <= 0.5
    assert volumes.spacing_of(stack) == pytest.approx(SPACING)


def test_a_second_run_is_another_series(tmp_path):
    first, second = (pydicom.dcmread(next(series(tmp_path / name).iterdir())) for name in "ab")
    assert first.SeriesInstanceUID != second.SeriesInstanceUID


def test_a_gap_and_a_second_series_are_named(tmp_path):
    folder = series(tmp_path / "ct", 6)
    (folder / "sample-000000002.dcm").unlink()
    with pytest.raises(FileFormatError, match="gaps"):
        read_dicom_field(folder)
    other = series(tmp_path / "other")
    (folder / "other.dcm").write_bytes(next(other.iterdir()).read_bytes())
    with pytest.raises(FileFormatError, match="2 series"):
        read_dicom_field(folder)


def test_a_truncated_and_a_compressed_file_are_named(tmp_path):
    folder = series(tmp_path / "ct", 1)
    path = folder / "sample-000000000.dcm"
    whole = path.read_bytes()
    (tmp_path / "short.dcm").write_bytes(whole[:-20])
    with pytest.raises(FileFormatError, match=r"short\.dcm"):
        read_dicom_field(tmp_path / "short.dcm")
    file = pydicom.dcmread(path)
    file.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    file.PixelData = pydicom.encaps.encapsulate([b"\x00\x01"])
    file["PixelData"].VR = "OB"
    file.save_as(tmp_path / "packed.dcm")
    with pytest.raises(FileFormatError, match="JPEG 2000"):
        read_dicom_field(tmp_path / "packed.dcm")
    (tmp_path / "text.dcm").write_text("no dicom")
    with pytest.raises(FileFormatError, match=r"text\.dcm"):
        read_dicom_field(tmp_path / "text.dcm")


def test_values_beyond_16_bits_are_refused(tmp_path):
    far = samples(1)
    far["ct"] = far["ct"] + 40_000.0
    with pytest.raises(FormatError, match="16 bits"):
        CT.write([far], tmp_path / "far.dcm")
    assert not (tmp_path / "far.dcm").exists()


def test_png_shows_a_window_on_one_page(tmp_path):
    PNG.write([samples(5)], tmp_path / "page.png")
    page = read_grey_image(tmp_path / "page.png")
    assert page.shape == (2 * 6, 3 * 5)
    assert np.array_equal(page.values[:6, :5], windowed(samples()["ct"].values[0], 40.0, 400.0))
    assert windowed(np.array([-160.0, 40.0, 240.0]), 40.0, 400.0).tolist() == [0, 128, 255]


def test_a_picture_in_colour_is_refused(tmp_path):
    from PIL import Image

    Image.fromarray(np.random.default_rng(1).integers(0, 255, (4, 4, 3), dtype=np.uint8)).save(tmp_path / "rgb.png")
    with pytest.raises(FileFormatError, match="colour"):
        read_grey_image(tmp_path / "rgb.png")
