"""Weights that come with a package of their own: found where it is installed, missed in one line where it is not."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surrogates import registry
from surrogates.contract.errors import WeightsError
from surrogates.release.cards import Card, verify, weights_file
from surrogates.release.weights import copy_release

ROOT = Path(__file__).parents[2]
MAIN_WHEEL = 10 * 2**20
"""Bytes of weights a plugin in the main wheel."""

OURS = [entry for entry in registry.plugins() if entry.package == "surrogates"]


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.name)
def test_the_main_wheel_stays_small(entry):
    assert sum(path.stat().st_size for path in entry.weights.glob("*.safetensors")) <= MAIN_WHEEL


def packaged() -> list[Path]:
    return [path for entry in OURS for path in entry.weights.glob("*.json") if Card.read(path).package]


def test_weights_of_a_package_are_found_and_checked():
    assert packaged()
    for path in packaged():
        assert weights_file(path).parent != path.parent
        assert verify(path).bytes == weights_file(path).stat().st_size


def test_a_package_that_is_not_installed_is_named(tmp_path):
    here = Path(shutil.copy(packaged()[0], tmp_path))
    replace(Card.read(here), package="surrogates-weights-nowhere").write(here)
    with pytest.raises(WeightsError, match=r"^molecules/\w+: its weights .*pip install surrogates-weights-no"):
        verify(here)


def test_released_anew_they_go_where_they_were(tmp_path, monkeypatch):
    """The package's file is replaced, and the card goes on naming the package."""
    package = tmp_path / "site" / "weights_of_some"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    new, old = tmp_path / "new", tmp_path / "old"
    for folder, payload in ((new, b"new"), (old, b"old")):
        folder.mkdir()
        (folder / "r.safetensors").write_bytes(payload)
        Card(plugin="some", recipe="r", sha256=payload.hex()).write(folder / "r.json")
    (old / "r.safetensors").rename(package / "r.safetensors")
    replace(Card.read(old / "r.json"), package="weights-of-some").write(old / "r.json")
    copy_release(new / "r.safetensors", old / "r.safetensors")
    assert (package / "r.safetensors").read_bytes() == b"new" and not (old / "r.safetensors").exists()
    card = Card.read(old / "r.json")
    assert (card.package, card.sha256) == ("weights-of-some", b"new".hex())


@pytest.mark.slow
def test_both_wheels_install_and_sample(tmp_path):
    """Built as they would be published, into a folder of their own."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--quiet"]
    for source in (ROOT, *sorted((ROOT / "weights").iterdir())):
        copy = shutil.copytree(source, tmp_path / source.name, ignore=_kept_out, symlinks=True)
        subprocess.run([*pip, "wheel", *options, "-w", str(tmp_path / "wheels"), str(copy)], check=True)
    main, *weights = sorted((tmp_path / "wheels").glob("*.whl"))
    assert main.name.startswith("surrogates-") and weights
    command = [sys.executable, "-m", "surrogates", "generate", "molecules", "-n", "2", "--seed", "1", "-o", "-"]
    where = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for wheel in (main, *weights):
        subprocess.run([*pip, "install", *options, "--target", str(tmp_path / "site"), str(wheel)], check=True)
    made = subprocess.run([*command, "--format", "smiles"], capture_output=True, text=True, env=where, cwd=tmp_path)
    assert made.returncode == 0 and len(made.stdout.splitlines()) >= 2, made.stderr


def _kept_out(folder: str, names: list[str]) -> set[str]:
    """Nothing that git ignores or that no wheel needs."""
    top = {".venv", ".git", "tests", "docs", "weights", "build", "demo", "report", "runs", "findings", "benchmarks"}
    return {name for name in names if name == "__pycache__" or (Path(folder) == ROOT and name in top)}
