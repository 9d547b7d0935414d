"""Samples of every plugin go through every format that it knows, and other programs find the files sound."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import surrogates
from surrogates import registry
from surrogates.cli.entry import run
from surrogates.io import NETCDF
from surrogates.sampling.files import as_served, formats_of, plugin_of

PLUGINS = [entry.name for entry in registry.plugins() if list(entry.weights.glob("*.json"))]
FORMATS = [(name, entry.name) for name in PLUGINS for entry in formats_of(registry.plugin(name))]


@cache
def sampled(name: str) -> xr.Dataset:
    """A few samples of the released surrogate at conditions from the prior."""
    simulator = surrogates.load(name)
    conditions = registry.plugin(name).prior(simulator.conditions, 5, 3)
    return simulator.sample(conditions, seed=1)


def written(name: str, kind: str, folder: Path) -> Path:
    entry = formats_of(registry.plugin(name)).named(kind)
    samples = sampled(name)
    if entry.holds is not None:
        samples = samples.isel(sample=np.flatnonzero(entry.holds(samples)))
    if entry.one_sample_a_file:
        samples = samples.isel(sample=[0])
    path = folder / f"samples{entry.suffixes[0]}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        entry.write([samples], path)
    return path


@pytest.mark.parametrize(("name", "kind"), FORMATS)
def test_a_fresh_file_of_any_format_verifies_and_reads_without_naming_its_plugin(
    tmp_path, capsys, monkeypatch, name, kind
):
    """Laws that a format cannot carry are not checked, and that is said; what cannot be read is one line.

    A picture names no plugin: where several read its format, they are named, and one is to be chosen. Files without a
    digest are read in this process here; cli/test_damaged_files.py has them read in one of their own.
    """
    monkeypatch.setattr("surrogates.cli.files.apart", lambda function, *arguments: function(*arguments))
    path = written(name, kind, tmp_path)
    entry = formats_of(registry.plugin(name)).named(kind)
    code = run(["verify", str(path)])
    told = capsys.readouterr()
    if entry.read is None:
        read_by_another = code == 0 or "all read this format" in told.err
        assert read_by_another or (code == 2 and "can be written, not read" in told.err)
        return
    if code == 2 and entry.one_sample_a_file:
        assert f"{name}, " in told.err or f", {name} " in told.err
        assert "say which with --plugin" in told.err
        code = run(["verify", str(path), "--plugin", name])
        told = capsys.readouterr()
    else:
        assert surrogates.read(path).sizes["sample"] > 0
    assert code == 0, told
    assert ("laws not checked" in told.out) == bool(entry.leaves_out)
    assert surrogates.read(str(path), plugin=name, format_name=kind).sizes["sample"] > 0


@pytest.mark.parametrize("name", ["particle-events", "jets"])
def test_a_root_file_is_converted_by_the_plugin_that_it_names(tmp_path, name):
    path = written(name, "root", tmp_path)
    assert run(["convert", str(path), str(tmp_path / "again.nc")]) == 0
    xr.testing.assert_equal(surrogates.read(tmp_path / "again.nc"), sampled(name))


def test_what_is_read_is_what_was_sampled(tmp_path):
    path = written("particle-events", "netcdf", tmp_path)
    xr.testing.assert_identical(surrogates.read(path), sampled("particle-events"))


def test_reading_what_is_not_there_is_one_line(tmp_path):
    with pytest.raises(surrogates.SurrogatesError, match="nowhere.nc: no such file"):
        surrogates.read(tmp_path / "nowhere.nc")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The checker's report of each plugin's file: a process of its own, for netCDF4 beside h5py breaks its filters."""
    pytest.importorskip("compliance_checker")
    paths = {name: written(name, "netcdf", tmp_path_factory.mktemp(name)) for name in PLUGINS}
    subprocess.run([sys.executable, "-c", _CHECK, *map(str, paths.values())], check=True, capture_output=True)
    return {name: json.loads(path.with_suffix(".json").read_text())["cf:1.11"] for name, path in paths.items()}


@pytest.mark.parametrize("name", PLUGINS)
def test_compliance_checker_finds_no_error_in_our_netcdf(reports, name):
    found = reports[name]
    errors = [message for check in found["high_priorities"] for message in check["msgs"]]
    assert errors == []
    assert not any("title" in message for check in found["all_priorities"] for message in check["msgs"])


_CHECK = """
import sys
from compliance_checker.runner import CheckSuite, ComplianceChecker

CheckSuite.load_all_available_checkers()
for path in sys.argv[1:]:
    report = path.removesuffix(".nc") + ".json"
    ComplianceChecker.run_checker(path, ["cf:1.11"], 0, "strict", output_filename=report, output_format="json")
"""


@pytest.mark.parametrize("name", PLUGINS)
def test_units_in_a_file_are_for_udunits_and_in_memory_the_fields_own(tmp_path, name):
    cf_units = pytest.importorskip("cf_units")
    path = written(name, "netcdf", tmp_path)
    with xr.open_dataset(path, engine="h5netcdf", decode_cf=False) as opened:
        for variable in opened.variables.values():
            if "units" in variable.attrs:
                cf_units.Unit(variable.attrs["units"])
    back = next(iter(NETCDF.read(path)))
    for variable in (*registry.plugin(name).conditions, *registry.plugin(name).outputs):
        assert back[variable.name].attrs["units"] == variable.units


def test_a_magnitude_that_xarray_opened_is_still_a_condition(tmp_path):
    """In a file it is a pure number to UDUNITS; beside that stands what it is."""
    path = written("galaxy-images", "netcdf", tmp_path)
    simulator = surrogates.load("galaxy-images")
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        assert opened["magnitude_r"].attrs["units"] == "1"
        again = simulator.sample(5, seed=1, magnitude_r=opened["magnitude_r"], position_angle=opened["position_angle"])
    np.testing.assert_array_equal(again["magnitude_r"], sampled("galaxy-images")["magnitude_r"])


def test_what_was_not_asked_is_a_flag():
    flags = surrogates.load("particle-events").sample(2, seed=1, energy=91.2)["asked_decay_minus"]
    labels = flags.attrs["flag_meanings"].split()
    assert [labels[code] for code in flags.values] == ["not_asked", "not_asked"]
    assert set(flags.values.tolist()) <= set(flags.attrs["flag_values"].tolist())


def test_a_file_is_read_as_the_recipe_serves_it_that_made_it(tmp_path, capsys):
    simulator = surrogates.load("cosmic-web", model="gan")
    samples = simulator.sample(simulator.plugin.prior(simulator.conditions, 2, 3), seed=1)
    path, empty, figure = tmp_path / "boxes.nc", tmp_path / "none.nc", tmp_path / "boxes.png"
    NETCDF.write([samples], path)
    NETCDF.write([samples.isel(sample=[])], empty)
    assert run(["verify", str(path)]) == 0
    own = samples.assign_attrs(weights_sha256="of a run")  # one's own weights of the recipe
    for found in (
        plugin_of(path, None),
        plugin_of(path, "cosmic-web"),
        as_served(registry.plugin("cosmic-web"), own.attrs),
    ):
        assert found is not None and (found.title, found.formats) == (simulator.plugin.title, ())
    assert run(["plot", "cosmic-web", str(path), "-o", str(figure)]) == 0 and figure.exists()
    for name, source, said in (
        ("medical-images", path, "the variable category is missing; expected samples of medical-images"),
        ("cosmic-web", empty, "no samples to draw"),
    ):
        capsys.readouterr()
        assert run(["plot", name, str(source), "-o", str(tmp_path / "no.png")]) == 2
        assert said in capsys.readouterr().err and not (tmp_path / "no.png").exists()


def test_conditions_that_weights_never_saw_are_not_missed(tmp_path):
    plugin = registry.plugin("crystals")
    asked = [variable.name for variable in plugin.conditions if variable.optional]
    NETCDF.write([sampled("crystals").drop_vars(asked).assign_attrs(weights_sha256="of a run")], tmp_path / "own.nc")
    assert run(["verify", str(tmp_path / "own.nc")]) == 0
