"""Head images: what a user's file becomes, what is refused, and that nothing of an input's header comes out."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("skimage")
pytest.importorskip("nibabel")
pytest.importorskip("pydicom")

import nibabel
import pydicom

import surrogates
from surrogates.cli import main
from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.physics.medical import head, slices
from surrogates.plugins.head_translation import measure
from surrogates.plugins.head_translation.variables import ct_slice, mri_slice
from surrogates.plugins.tissue_segmentation import impostors
from surrogates.plugins.tissue_segmentation.measure import dice

SECRET = "DOE^JANE 1957-03-01"


@pytest.fixture(scope="module")
def scans():
    """CT and MR of two test heads, cut to a size that no network divides."""
    found = list(slices.scanned(slices.anatomies("test", 2, 40).tolist(), [5, 5], ("ct", "mri")))
    return {name: np.stack([one[name] for one in found])[:, 5:118, 10:121] for name in ("ct", "mri")}


@pytest.fixture
def files(scans, tmp_path):
    """NIfTI files of both whose headers carry a name."""
    paths = {}
    for name, image in scans.items():
        made = nibabel.Nifti1Image(image.transpose(2, 1, 0), np.diag([-2.0, -2.0, 2.0, 1.0]))
        made.header["descrip"] = SECRET.encode()
        made.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", SECRET.encode()))
        paths[name] = tmp_path / f"{name}.nii.gz"
        nibabel.save(made, paths[name])
    return paths


def run(*words) -> int:
    try:
        return main([str(word) for word in words]) or 0
    except SystemExit as ended:
        return int(ended.code or 0)


def test_a_volume_becomes_labels_of_its_own_size_and_volumes_in_ml(files, scans, tmp_path, capsys):
    target = tmp_path / "tissues.nii.gz"
    assert run("generate", "tissue-segmentation", "--mri", files["mri"], "-o", target) == 0
    told = capsys.readouterr().out
    found = nibabel.load(target)
    labels = np.asarray(found.dataobj)
    assert labels.shape == scans["mri"].transpose(2, 1, 0).shape and set(np.unique(labels)) <= set(range(5))
    assert found.header.get_zooms() == pytest.approx((2.0, 2.0, 2.0))
    white = float((labels == 3).sum() * 0.008)
    assert white > 1.0 and f"{white:.2f} ml" in told


def test_volumes_are_in_json(files, tmp_path, capsys):
    target = tmp_path / "tissues.nii.gz"
    assert run("generate", "tissue-segmentation", "--mri", files["mri"], "-o", target, "--json") == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    grey = float((np.asarray(nibabel.load(target).dataobj) == 2).sum() * 0.008)
    assert totals["volume_grey_matter"] == pytest.approx(grey, rel=1e-6)


@pytest.mark.parametrize(("plugin", "given"), [("ct-to-mri", "ct"), ("mri-to-ct", "mri")])
def test_a_translation_keeps_the_grid_and_no_header(plugin, given, files, tmp_path):
    target = tmp_path / "out.nii.gz"
    assert run("generate", plugin, f"--{given}", files[given], "--seed", 1, "-o", target) == 0
    found = nibabel.load(target)
    assert found.shape == nibabel.load(files[given]).shape
    import gzip

    assert b"DOE" not in gzip.decompress(target.read_bytes())


def test_dicom_goes_in_and_comes_out_without_its_patient(files, scans, tmp_path):
    from surrogates.io.dicom import dicom_format

    folder = tmp_path / "series"
    folder.mkdir()
    kind = dicom_format("ct", modality="CT", spacing=(2.0, 2.0, 2.0))
    data = surrogates.registry.plugin("mri-to-ct").outputs.dataset({"ct": scans["ct"]})
    for row in range(2):
        path = folder / f"sample-{row:09d}.dcm"
        kind.write([data.isel(sample=slice(row, row + 1))], path)
        file = pydicom.dcmread(path)
        file.PatientName, file.InstitutionName = SECRET, "General"
        file.save_as(path)
    given = {pydicom.dcmread(path).SeriesInstanceUID for path in folder.iterdir()}
    assert run("generate", "ct-to-mri", "--ct", folder, "-o", f"{tmp_path}/mr/", "--format", "dicom") == 0
    made = [pydicom.dcmread(path) for path in sorted((tmp_path / "mr").glob("*.dcm"))]
    assert len(made) == 2 and all(file.Modality == "MR" and file.PatientName == "SYNTHETIC" for file in made)
    assert not given & {file.SeriesInstanceUID for file in made}
    assert all(b"DOE" not in path.read_bytes() for path in (tmp_path / "mr").glob("*.dcm"))
    assert made[0].pixel_array.shape == scans["ct"].shape[1:]


def test_padding_is_cropped_back_without_a_seam(scans):
    surrogate = surrogates.load("ct-to-mri")
    wide = np.full((1, 128, 128), -1000.0, np.float32)
    wide[:, 5:118, 10:121] = scans["ct"][:1]
    cut = surrogate.sample(1, seed=1, ct=scans["ct"][:1])["mri"].values[0]
    whole = surrogate.sample(1, seed=1, ct=wide)["mri"].values[0, 5:118, 10:121]
    assert np.abs(cut - whole).mean() < 0.1 * whole.std()


def test_a_users_units_of_mr_do_not_matter(scans):
    surrogate = surrogates.load("mri-to-ct")
    one, other = (surrogate.sample(2, seed=1, mri=scans["mri"] * factor)["ct"].values for factor in (1.0, 870.0))
    assert np.abs(one - other).max() < 1.0


def test_wrong_modalities_and_sizes_are_named(scans):
    with pytest.raises(SchemaError, match="ct: values from"):
        ct_slice(scans["mri"])
    with pytest.raises(SchemaError, match="air alone"):
        ct_slice(np.full((32, 32), -1000.0))
    with pytest.raises(SchemaError, match="rescale"):
        ct_slice(np.where(np.eye(32) > 0, 0.0, -32768.0))
    with pytest.raises(SchemaError, match="Hounsfield"):
        mri_slice(scans["ct"])
    with pytest.raises(SchemaError, match="pixels"):
        mri_slice(np.ones((8, 40)))
    assert ct_slice(np.array([[4000.0, -1000.0]] * 20 * 1).repeat(10, 1)).max() == 3071.0


def test_an_image_with_holes_is_refused(scans):
    holed = scans["ct"].copy()
    holed[0, 3, 3] = np.nan
    with pytest.raises(SurrogatesError, match="ct"):
        surrogates.load("ct-to-mri").sample(2, seed=1, ct=holed)


def test_the_reference_says_that_it_cannot_run_from_an_image(scans):
    image = np.zeros((1, 128, 128), np.float32)
    image[0, :113, :111] = scans["mri"][0]
    for plugin in ("mri-to-ct", "tissue-segmentation"):
        with pytest.raises(SchemaError, match="cannot run forward"):
            surrogates.reference(plugin).sample(1, seed=1, mri=image)


def test_colour_and_foreign_files_are_one_line(tmp_path, capsys):
    from PIL import Image

    picture = tmp_path / "rgb.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(picture)
    assert run("generate", "tissue-segmentation", "--mri", picture, "-n", 1, "-o", tmp_path / "x.nii") != 0
    assert "colour" in capsys.readouterr().err and not (tmp_path / "x.nii").exists()
    (tmp_path / "bad.nii.gz").write_bytes(b"nothing")
    assert run("generate", "ct-to-mri", "--ct", tmp_path / "bad.nii.gz", "-o", tmp_path / "y.nii") != 0
    assert "bad.nii.gz" in capsys.readouterr().err


def test_retention_is_1_for_the_truth_and_0_for_an_image_without_lesions():
    anatomy = next(int(a) for a in slices.anatomies("test", 40) if head.simulate(int(a)).lesion == "infarct")
    labels, clean, _ = measure.known(anatomy)
    true = measure.contrasts(clean[None], labels[None])
    assert true[0] < -5.0 and measure.retention(true, true) == pytest.approx(1.0)
    assert measure.retention(measure.contrasts(np.zeros_like(clean)[None], labels[None]), true) == pytest.approx(0.0)


def test_the_unwarped_atlas_scores_at_most_0_7():
    truth = surrogates.registry.plugin("tissue-segmentation").truth(12, 3)
    atlas = impostors.unwarped_atlas(truth, 1)
    scores = [np.nanmean(dice(atlas["tissue"].values, truth["tissue"].values, code)) for code in (2, 3)]
    assert max(scores) <= 0.7
