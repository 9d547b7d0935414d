"""Catalogues of mock surveys: what they hold, that processes and kills change nothing, and their files."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import surrogates
from surrogates.cli.entry import run
from surrogates.io import OutputError
from surrogates.survey import Survey, catalogues, files, galaxies, lightcone

SMALL = {"area": 0.6, "depth": 21.0, "bands": "ri", "seed": 5, "max_redshift": 0.12}


@pytest.fixture(scope="module")
def survey():
    return Survey(**SMALL)


@pytest.fixture(scope="module")
def small():
    return surrogates.survey.catalogue(**SMALL)


@pytest.fixture(scope="module")
def folder(survey, tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    catalogues.write(survey, folder)
    return folder


def test_galaxies_lie_where_they_should(small, survey):
    from surrogates.survey.sky import Field

    field = Field(survey.square_degrees, survey.centre)
    assert field.holds(field.from_sky(small["ra"].values, small["dec"].values)).all()
    assert small["mag_true_i_lsst"].max() <= survey.limit + 1e-4
    assert 0.01 <= small["redshift_true"].min() and small["redshift_true"].max() < 0.12
    velocity = ((1 + small["redshift"]) / (1 + small["redshift_true"]) - 1) * 299_792.458
    assert np.abs(velocity - small["peculiar_velocity"]).max() < 0.1
    assert 50 < small["peculiar_velocity"].std() < 600
    assert len(np.unique(small["sample"])) == small.sizes["sample"]
    assert (small["size_minor_true"] <= small["size_true"]).all()
    assert {small[name].attrs["units"] for name in small} >= {"degree", "mag", "arcsec", "km s-1"}


def test_as_many_as_the_luminosity_function_says(small, survey):
    from surrogates.physics.cosmology.distances import comoving_distance

    redshift = lightcone.redshifts(survey)
    distance = comoving_distance(redshift, survey.cosmology)
    solid = survey.square_degrees * (np.pi / 180) ** 2
    for name in ("red", "blue"):
        expected = np.trapezoid(lightcone.density(survey, name) * distance**2, distance) * solid
        found = int((small["is_red"] == (name == "red")).sum())
        assert found == pytest.approx(expected, rel=0.8), name  # a volume of 10 Mpc/h across: clusters rule
    assert small["is_red"].mean() > 0.02


def test_red_galaxies_stand_where_galaxies_are_crowded(small):
    """The bias of red galaxies is the larger one in the mean over the weights that place them."""
    redshift, bias = lightcone.biases(Survey(area=1.0))
    assert (bias["red"] > bias["blue"]).all()
    share = lightcone.density(Survey(area=1.0), "red")
    share = share / (share + lightcone.density(Survey(area=1.0), "blue"))
    growth = np.array([Survey().cosmology.growth(z) for z in redshift])
    mean = share * bias["red"] + (1 - share) * bias["blue"]
    assert mean * growth == pytest.approx(np.full(len(growth), lightcone.BIAS))


def test_another_band_or_depth_of_a_band_changes_no_other_column(small):
    more = surrogates.survey.catalogue(**(SMALL | {"bands": "giy", "depths": {"y": 20.0}}))
    for name in ("ra", "dec", "redshift", "mag_true_i_lsst", "mag_obs_i_lsst", "size_true", "stellar_mass"):
        np.testing.assert_array_equal(more[name], small[name])


def test_measured_magnitudes_scatter_by_their_errors(small):
    shown, true, error = (small[f"{name}_i_lsst"].values for name in ("mag_obs", "mag_true", "magerr"))
    good = error < 0.1
    pull = ((shown - true) / error)[good]
    assert good.sum() > 100
    assert pull.std() == pytest.approx(1.0, abs=0.2)
    assert abs(pull.mean()) < 0.2


def test_another_seed_is_another_sky(small):
    other = surrogates.survey.catalogue(**(SMALL | {"seed": 6}))
    assert other.sizes["sample"] != small.sizes["sample"] or not np.array_equal(other["ra"], small["ra"])


def test_parts_are_the_catalogue_in_memory(folder, small):
    from surrogates.io import concatenate

    there = concatenate(files.blocks(folder))
    for name in small:
        np.testing.assert_array_equal(there[name], small[name])


def same(folder: Path, other: Path) -> bool:
    """Whether two surveys have the same parts, byte for byte."""
    first, second = (
        {path.name: path.read_bytes() for path in at.glob("catalogue/part-*.nc")} for at in (folder, other)
    )
    return first == second


@pytest.mark.slow
def test_processes_change_no_byte(folder, survey, tmp_path):
    catalogues.write(survey, tmp_path, workers=2)
    assert same(folder, tmp_path)


def test_a_run_goes_on(folder, survey, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    parts = sorted(path.name for path in (folder / "catalogue").glob("part-*.nc"))
    assert len(parts) == len(lightcone.cells(survey)) >= 2
    with pytest.raises(OutputError, match="holds a run already"):
        catalogues.write(survey, tmp_path)
    (tmp_path / "catalogue" / parts[1]).unlink()
    (tmp_path / "catalogue" / parts[1]).with_suffix(".json").unlink()
    assert not same(folder, tmp_path)
    catalogues.write(survey, tmp_path, resume=True)
    assert same(folder, tmp_path)
    with pytest.raises(surrogates.SurrogatesError, match="survey"):
        catalogues.write(Survey(**(SMALL | {"seed": 9})), tmp_path, resume=True)


@pytest.mark.slow
def test_a_killed_survey_resumes_byte_for_byte(folder, survey, tmp_path):
    words = ["--area", "0.6", "--depth", "21", "--bands", "ri", "--seed", "5", "--max-redshift", "0.12"]
    command = [sys.executable, "-m", "surrogates", "survey", *words, "-o", str(tmp_path), "--catalogue-only"]
    command += ["--format", "none"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(tmp_path.glob("catalogue/part-*.nc")):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert subprocess.run([*command, "--resume"]).returncode == 0
    assert same(folder, tmp_path)


def test_every_format_holds_the_same_galaxies(folder, survey, small):
    pytest.importorskip("healpy")
    parquet = pytest.importorskip("pyarrow.parquet")
    import xarray as xr
    from astropy.table import Table

    before = {}
    for again in (False, True):
        for name, writer in files.WRITERS.items():
            place = writer(survey, folder)
            found = sorted(place.rglob("*")) if place.is_dir() else [place]
            content = {path: path.read_bytes() for path in found if path.is_file()}
            assert not again or before[name] == content, f"{name} changes when it is made again"
            before[name] = content
    fits = Table.read(folder / "galaxies.fits", hdu=1)
    with xr.open_dataset(folder / "galaxies.h5", engine="h5netcdf") as file:
        hdf5 = file.load()
    hats = parquet.read_table(folder / "hats" / "dataset").to_pandas().sort_values("galaxy_id")
    assert len(fits) == len(hats) == hdf5.sizes["sample"] == small.sizes["sample"]
    for name in galaxies.columns("ri"):
        expected = small["sample" if name == "galaxy_id" else name].values
        for there in (np.asarray(fits[name]), hdf5[name].values, hats[name].to_numpy()):
            np.testing.assert_array_equal(there.astype(expected.dtype), expected, err_msg=name)
    pixel = files.healpix(hats["ra"].to_numpy(), hats["dec"].to_numpy())
    np.testing.assert_array_equal(pixel, hats["_healpix_29"])


def test_partitions_hold_every_row_once():
    counts = dict.fromkeys((5, 6, 7, 4096), 400000)
    parts = files.partitions(counts)
    assert sum(rows for _, _, rows in parts) == 1_600_000
    assert all(rows <= files.MOST_ROWS for _, _, rows in parts)
    assert files.partitions({}) == []


def test_files_of_a_hats_catalogue_are_cut_by_bytes(folder, survey, small, tmp_path, capsys):
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("healpy")
    shutil.copytree(folder / "catalogue", tmp_path / "catalogue")
    cut = []
    for size in (20_000, 5_000, 20_000):  # the third time coarser than what is there
        place = files.write_hats(survey, tmp_path, most_rows=files.rows_of_bytes(survey, size))
        tables = [parquet.read_table(path) for path in sorted((place / "dataset").rglob("Npix=*.parquet"))]
        assert all(table.nbytes <= size for table in tables)
        assert sum(table.num_rows for table in tables) == small.sizes["sample"]
        cut.append(len(tables))
    assert cut[1] > cut[0] == cut[2] > 1
    words = ["survey", "--catalogue-only", "-o", str(tmp_path), "--part-size", "50kB", "--format", "fits"]
    assert run(words) == 2
    expected = "--part-size: without a HATS catalogue, whose files it cuts; expected hats in --format"
    assert expected in capsys.readouterr().err


def test_many_pixels_are_cut_as_the_rule_says():
    counts = {(7 << 2 * files.FINEST) + 5 * k: 1 + k % 7 for k in range(20_000)}
    found = files.partitions(counts, 40)
    assert sum(rows for _, _, rows in found) == sum(counts.values())
    assert [pixel << 2 * (files.FINEST - order) for order, pixel, _ in found] == sorted(
        pixel << 2 * (files.FINEST - order) for order, pixel, _ in found
    )
    for order, pixel, rows in found[::500]:
        for deep, most in ((order, rows), (order - 1, None)):
            inside = sum(
                n for fine, n in counts.items() if fine >> 2 * (files.FINEST - deep) == pixel >> 2 * (order - deep)
            )
            assert inside == most <= 40 if most else inside > 40


def test_half_a_hats_catalogue_is_none(folder, survey, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    pytest.importorskip("healpy")
    shutil.copytree(folder / "catalogue", tmp_path / "catalogue")
    place = files.write_hats(survey, tmp_path)
    assert all((place / name).exists() for name in files.PROPERTIES)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(files, "_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            files.write_hats(survey, tmp_path)
    assert not any((place / name).exists() for name in files.PROPERTIES)
    files.write_hats(survey, tmp_path)
    assert all((place / name).exists() for name in files.PROPERTIES)


@pytest.mark.parametrize("centre", [(0.0, 0.0), (40.0, 90.0), (40.0, -90.0)])
def test_fields_at_poles_and_across_zero_are_like_any_other(centre, small):
    moved = surrogates.survey.catalogue(**(SMALL | {"centre": centre}))
    np.testing.assert_array_equal(moved["redshift"], small["redshift"])
    assert moved["ra"].max() - moved["ra"].min() > 180
    assert ((moved["ra"] >= 0) & (moved["ra"] < 360)).all()


def test_a_field_without_galaxies_is_a_survey(tmp_path):
    pytest.importorskip("healpy")
    pytest.importorskip("pyarrow")
    survey = Survey(area=1e-4, depth=18.0, bands="i", max_redshift=0.02)
    assert catalogues.write(survey, tmp_path) == 0
    for name, writer in files.WRITERS.items():
        assert writer(survey, tmp_path).exists(), name


def test_the_command_says_what_it_made(tmp_path, capsys):
    words = ["survey", "--area", "0.01", "--depth", "20", "--max-redshift", "0.03", "-o", str(tmp_path / "a")]
    assert run([*words, "--catalogue-only", "--format", "fits", "--bands", "q"]) == 2
    assert "bands: 'q' is unknown" in capsys.readouterr().err
    assert not Path(tmp_path / "a").exists()
    assert run([*words, "--format", "xlsx"]) == 2
    assert "some of hats, fits, hdf5" in capsys.readouterr().err
    assert run([*words, "--format", "none", "--catalogue-only", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["boxes"] == 1 and said["repeats"] == 0
