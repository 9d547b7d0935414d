"""Every command that README, documentation, help and examples show is read by the parser, and runs at a cheap size."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from surrogates.cli.entry import _COMMANDS, run, surrogates
from surrogates.cli.generation import PluginCommands

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

FEW = {"-n": 40, "--workers": 2, "--members": 2, "--find": 2, "--boxes": 2, "--seconds": 1, "--galaxies": 60,
       "--n-days": 10, "--repeats": 1}  # fmt: skip
"""Largest sizes at which a command is tried."""
FEWER = {"climate-fields": 1, "cosmic-web": 1}
CHEAP = {
    "examples/augment_rare_classes.py": ["--galaxies", "60", "--test", "6", "--steps", "3", "--repeats", "1"],
    "examples/augment_segmenter.py": [
        "--sizes",
        "4",
        "--generated",
        "8",
        "--test",
        "6",
        "--steps",
        "2",
        "--repeats",
        "1",
    ],
    "examples/ensemble_risk.py": ["--days", "10"],
    "examples/find_new_crystals.py": ["-n", "8", "--relax", "1"],
    "examples/library_enrichment.py": ["--seconds", "20"],
    "examples/replace_jcm.py": ["--days", "5"],
    "examples/replace_pythia.py": ["-n", "100"],
    "examples/replace_nbody.py": ["--boxes", "2"],
    "examples/replace_chromo.py": ["-n", "40"],
}
NEEDS = {
    "hadron-interactions": "chromo", "examples/replace_chromo.py": "chromo",
    "particle-events": "pythia8mc", "examples/replace_pythia.py": "pythia8mc", "jets": "fastjet",
    "climate-fields": "jcm", "examples/replace_jcm.py": "jcm", "cosmic-web": "numba",
    "galaxy-images": "galsim", "examples/augment_rare_classes.py": "galsim", "examples/library_enrichment.py": "rdkit",
    "examples/find_new_crystals.py": "moyopy",
}  # fmt: skip
"""The library of a plugin's reference simulator."""
MADE_BY = {
    "events.hepmc3": "generate particle-events -n 40 --energy 91.2GeV --seed 1 -o events.hepmc3",
    "events.nc": "generate particle-events -n 40 --energy 91.2GeV --seed 1 -o events.nc",
    "jets/": "generate jets -n 40 --prior -o jets/",
    "jets.nc": "generate jets -n 40 --prior -o jets.nc",
    "jets.h5": "generate jets -n 40 --prior -o jets.h5",
    "samples.nc": "generate jets -n 40 --prior -o samples.nc",
    "truth.nc": "generate jets -n 40 --prior --seed 2 -o truth.nc",
    "held_out.nc": "generate climate-fields -n 2 --day-of-year 335 --n-days 10 -o held_out.nc",
}
"""What a command reads, and how it comes about."""
QUICK = ("list", "info", "verify", "merge", "convert", "generate jets")
RELEASES = ("train", "card", "demo", "gallery", "serve", "survey")
"""Commands that write weights, cards or pages of minutes, or do not end: they have tests of their own."""


def shown() -> list[str]:
    """Commands of pages and of help texts, in order, each once."""
    found: dict[str, None] = {}
    for path in PAGES:
        for block in re.findall(r"^```[^\n]*\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.M | re.S):
            found |= dict.fromkeys(re.findall(r"^surrogates .*$", block, flags=re.M))
    for name in _COMMANDS:
        command = surrogates.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        found |= dict.fromkeys(re.findall(r"^surrogates .*$", inspect.cleandoc(command.help or ""), flags=re.M))
    return [line.partition(" |")[0].partition(" #")[0].strip() for line in found]


def examples() -> list[str]:
    """Calls that the examples show of themselves."""
    lines = [line.strip() for path in EXAMPLES for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line.startswith("python examples/")]


COMMANDS = shown()


def test_there_are_commands_to_try():
    assert len(COMMANDS) >= 30 and len(examples()) >= 12
    assert {line.split()[1] for line in COMMANDS} >= {"generate", "reference", "validate", "plot", "merge", "train"}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_is_shown_is_read(line):
    words = shlex.split(line)[1:]
    context = surrogates.make_context("surrogates", list(words))
    name, command, rest = surrogates.resolve_command(context, words)
    assert command is not None
    inner = command.make_context(name, list(rest), parent=context)
    if isinstance(command, PluginCommands):
        name, leaf, rest = command.resolve_command(inner, rest)
        assert leaf is not None
        leaf.make_context(name, list(rest), parent=inner)


def cheap(words: list[str]) -> list[str]:
    """The same words with smaller numbers."""
    words = list(words)
    plugin = words[1] if len(words) > 1 else ""
    for place, word in enumerate(words[:-1]):
        if word in FEW:
            most = FEWER.get(plugin, FEW[word]) if word == "-n" else FEW[word]
            words[place + 1] = str(min(int(words[place + 1].replace("_", "")), most))
    if words[0] == "validate":
        words += ["--quick"]
    if words[0] == "benchmark":
        words += ["--seconds", "1"] if "--seconds" not in words else []
    if words[0] == "augment":
        words += ["-n", "60", "--generated", "12", "--repeats", "2", "--updates", "2"]
    return words


def volume(path: Path, plugin: str, name: str) -> None:
    """Two slices of what a medical plugin asks for: a NIfTI file, or a folder of DICOM files."""
    from surrogates import registry
    from surrogates.io.dicom import dicom_format
    from surrogates.io.nifti import nifti_format
    from surrogates.plugins.head_translation.variables import SPACING

    declared = registry.plugin(plugin)
    drawn = declared.prior(declared.conditions, 2, 3)[[name]]
    if path.suffix == ".gz":
        nifti_format(name, units="1", spacing=SPACING).write([drawn], path)
        return
    path.mkdir()
    for row in range(2):
        one = drawn.isel(sample=slice(row, row + 1))
        dicom_format(name, modality="CT", spacing=SPACING).write([one], path / f"sample-{row:09d}.dcm")


def picture(path: Path, *channels: int, size: tuple[int, int] = (24, 32), white: int = 255) -> None:
    from PIL import Image

    values = np.zeros((*size, *channels), dtype=np.uint8)
    values[8:14, 6:20] = white
    Image.fromarray(values).save(path)


def chest(path: Path, *squares: tuple[int, int, int]) -> None:
    """Squares (first, last and grey level) on the grid of chest images."""
    from PIL import Image

    values = np.zeros((128, 128), dtype=np.uint8)
    for first, last, level in squares:
        values[first:last, first:last] = level
    Image.fromarray(values).save(path)


FIELDS = {
    "t1.nii.gz": lambda path: volume(path, "mri-to-ct", "mri"),
    "head.nii.gz": lambda path: volume(path, "ct-to-mri", "ct"),
    "series/": lambda path: volume(path, "ct-to-mri", "ct"),
    "small.png": lambda path: picture(path, 3),
    "scratched.png": lambda path: picture(path, 3),
    "scratches.png": picture,
    "galaxy.png": lambda path: picture(path, 3, size=(64, 64), white=150),
    "photo.jpg": lambda path: picture(path, 3, size=(96, 128)),
    "body.png": lambda path: chest(path, (4, 124, 127), (30, 90, 255)),
    "lesion.png": lambda path: chest(path, (40, 55, 255)),
}
"""What a field condition is read from, and what makes it."""


def provide(words: list[str]) -> None:
    """Make what the words read and is not there."""
    words = words[:2] if words[0] in ("merge", "convert") else words
    given = [word for place, word in enumerate(words) if place and words[place - 1] not in ("-o", "--report", "--plot")]
    for word in given:
        if word == "reference.nc" and not Path(word).exists():
            plugin = "jets" if "jets" in words else "particle-events"
            options = ["--prior"] if plugin == "jets" else ["--energy", "91.2GeV"]
            assert run(["generate", plugin, "-n", "40", "--seed", "2", *options, "-o", word]) == 0
        elif word in MADE_BY and not Path(word).exists() and words[0] != "generate":
            assert run(shlex.split(MADE_BY[word])) == 0
        elif word == "truth.nc" and not Path(word).exists():
            assert run(shlex.split(MADE_BY[word])) == 0
        elif word == "sst_1997.nc":
            import xarray as xr

            axes = {"lat": np.linspace(-88.0, 88.0, 45), "lon": np.arange(0.0, 360.0, 4.0)}
            made = xr.DataArray(np.zeros((45, 90)), axes, ("lat", "lon"), "sst_anomaly", {"units": "K"})
            made.to_netcdf(word, engine="h5netcdf")
        elif word == "mine.h5":
            from surrogates import registry
            from surrogates.io.hdf5_writing import write_hdf5

            plugin = registry.plugin("cosmic-web")
            write_hdf5([plugin.prior(plugin.conditions, 1, 3)], word)
        elif word in FIELDS and not Path(word).exists():
            FIELDS[word](Path(word))
        elif word == "zinc250k.smi":
            Path(word).write_text("CCO\nc1ccccc1O\nCCCCCCCCCCCCCCCCCCCCO\n")


def skip_own_runs(words: list[str], option: str) -> None:
    """Weights of one's own data are no file that a test makes in its time; `tests/training` trains some."""
    if option in words and (own := words[words.index(option) + 1]).startswith("runs/"):
        pytest.skip(f"{own} is learned from one's own data")


def _marked(line: str):
    quick = line.removeprefix("surrogates ").startswith(QUICK)
    return pytest.param(line, marks=() if quick else pytest.mark.slow, id=line)


@pytest.mark.parametrize("line", [_marked(line) for line in COMMANDS if line.split()[1] not in RELEASES])
def test_a_command_that_is_shown_runs(line, tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    words = cheap(shlex.split(line)[1:])
    plugin = words[1] if len(words) > 1 else ""
    simulates = words[0] in ("reference", "benchmark", "augment") or (
        words[0] == "validate" and "--reference" not in words
    )
    if simulates and importlib.util.find_spec(NEEDS.get(plugin, "sys")) is None:
        pytest.skip(f"the reference of {plugin} needs {NEEDS[plugin]}")
    drawn_with = (
        {"matplotlib": (".png", ".html")} if words[0] in ("plot", "validate", "augment") else {"PIL": (".png",)}
    )
    read_with = {"pyhepmc": (".hepmc3",), "nibabel": (".nii.gz",), "pydicom": ("series/",), "pymatgen": ("lfp/",)}
    for library, suffixes in (drawn_with | read_with).items():
        if any(word.endswith(suffixes) for word in words):
            pytest.importorskip(library)
    skip_own_runs(words, "--weights")
    provide(words)
    code = run(words)
    said = capfdbinary.readouterr()
    assert code in ((0, 1) if words[0] == "validate" else (0,)), said.err.decode()  # forty samples meet no figure
    if "-o" in words and (target := words[words.index("-o") + 1]) != "-":
        assert Path(target).exists()


@pytest.mark.slow
@pytest.mark.parametrize("line", examples())
def test_an_example_runs_as_it_says(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, script, *words = shlex.split(line)
    if (library := NEEDS.get(script)) is not None:
        pytest.importorskip(library, reason=f"{script} needs {library}")
    if "gap" in words:
        pytest.importorskip("tblite", reason="gaps are simulated with tblite")
    words = cheap([script, *words])[1:]
    skip_own_runs(words, "--run")
    provide([script, *words])
    added = CHEAP.get(script, [])
    given = {word for word in words if word.startswith("-")}
    more = [word for pair in zip(added[::2], added[1::2], strict=True) if pair[0] not in given for word in pair]
    ended = subprocess.run(
        [sys.executable, str(ROOT / script), *words, *more],
        capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "agg"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.strip() and "Traceback" not in ended.stderr
