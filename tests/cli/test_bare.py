"""Without any extra: every command does its work, or says in one line which extra it needs."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def base() -> set[str]:
    """Distributions that come with the package where no extra is asked."""
    found, waiting = set(), ["surrogates"]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            needed = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [item.name for item in needed if item.marker is None or item.marker.evaluate({"extra": ""})]
    return found


def blocked() -> list[str]:
    """What cannot be imported in such an installation."""
    there = base() | {"surrogates-muon-decay"}
    owners = packages_distributions().items()
    return sorted(name for name, whose in owners if not there & {canonicalize_name(owner) for owner in whose})


SCRIPT = textwrap.dedent(
    """
    import contextlib, io, json, sys

    class Bare:
        def __init__(self, finders, blocked):
            self.finders, self.blocked = finders, frozenset(blocked)

        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in self.blocked:
                return None
            found = (finder.find_spec(name, path, target) for finder in self.finders)
            return next((spec for spec in found if spec is not None), None)

        def find_distributions(self, *arguments):
            for finder in self.finders:
                yield from getattr(finder, "find_distributions", lambda *_: ())(*arguments)

        def invalidate_caches(self):
            for finder in self.finders:
                getattr(finder, "invalidate_caches", lambda: None)()

    blocked, commands = json.load(sys.stdin)
    sys.meta_path[:] = [Bare(list(sys.meta_path), blocked)]
    from surrogates.cli.entry import run

    found = []
    for words in commands:
        said, shown = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(shown):
            code = run(words)
        found.append([words, code, said.getvalue()])
    print(json.dumps(found))
    """
)

PLUGINS = (
    "particle-events",
    "jets",
    "galaxy-images",
    "molecules",
    "molecule-properties",
    "climate-fields",
    "cosmic-web",
)


def commands(folder: Path) -> list[list[str]]:
    """Every command, for every plugin and every format."""
    from surrogates import registry

    listed = [["list", "--all"], ["generate", "muon-decay", "-n", "2", "--help"]]
    for name in PLUGINS:
        file, prior = f"{folder}/{name}.nc", ["-n", "1", "--prior"]
        suffixes = [suffix for entry in registry.plugin(name).formats for suffix in entry.suffixes]
        listed += [["info", name], ["generate", name, *prior, "-o", file]]
        listed += [["generate", name, *prior, "-o", f"{folder}/{name}{suffix}"] for suffix in (*suffixes, ".png")]
        listed += [["reference", name, *prior, "-o", f"{folder}/r-{name}.nc"]]
        listed += [["train", name, "--updates", "1", "--run", f"{folder}/run-{name}", "--device", "cpu"]]
        listed += [["validate", name, file, "--reference", file, "--quick"]]
        listed += [["plot", name, file, "-o", f"{folder}/p-{name}.png"], ["verify", file]]
        listed += [["benchmark", name, "--seconds", "1"]]
    some = f"{folder}/jets.nc"
    listed += [["convert", some, f"{folder}/c{suffix}"] for suffix in (".jetnet.h5", ".root", ".h5")]
    listed += [["demo", "--out", f"{folder}/demo"], ["merge", str(folder), f"{folder}/m.nc"]]
    (folder / "t.parquet").write_bytes(b"PAR1" + bytes(40) + b"PAR1")
    (folder / "t.sdf").write_text("\n\n\n")
    (folder / "t.smi").write_text("CCO\n")
    table = ["generate", "molecule-properties", "-o", f"{folder}/t.nc", "--conditions"]
    return listed + [[*table, f"{folder}/t.{suffix}"] for suffix in ("parquet", "sdf", "smi")]


def tried(folder: Path, path: Path) -> list[tuple[list[str], int, str]]:
    words = json.dumps([blocked(), commands(folder)])
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=words, capture_output=True, text=True, cwd=path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


def judged(found) -> tuple[list[str], int]:
    """Lines about commands that fail in another way than they should, and how many work."""
    wrong, works = [], 0
    for words, code, said in found:
        errors = [line for line in said.splitlines() if line.startswith("surrogates: error:")]
        ways = ("pip install 'surrogates[", "pip install surrogates-")
        named = len(errors) == 1 and any(way in errors[0] for way in ways)
        told = len(errors) == 1 and code == 2 and any(
            why in errors[0] for why in ("no such file", "exists already", "no reference simulator", "manifest",
                                         "to compare", "is no training", "known: .nc", "learns from")
        )  # fmt: skip
        works += code == 0
        if "Traceback" in said or code == 3 or not (code in (0, 1) or (code == 2 and (named or told))):
            wrong.append(f"{' '.join(words)}: {code}: {said[-300:]}")
    return wrong, works


def test_the_base_is_small():
    names = blocked()
    assert {"rdkit", "galsim", "matplotlib", "sklearn", "pyarrow", "lightning_fabric", "h5netcdf"} - set(names) == {
        "h5netcdf"
    }
    assert not {"torch", "numpy", "xarray", "astropy", "click", "rich", "safetensors", "h5py"} & set(names)


@pytest.mark.slow
def test_every_command_works_or_names_its_extra(tmp_path):
    wrong, works = judged(tried(tmp_path, ROOT))
    assert wrong == [] and works > 15


def test_some_commands_work_or_name_their_extra(tmp_path, monkeypatch):
    few = ("jets", "molecules")
    monkeypatch.setattr(sys.modules[__name__], "PLUGINS", few)
    wrong, works = judged(tried(tmp_path, ROOT))
    assert wrong == [] and works >= 4


@pytest.mark.slow
def test_the_wheel_alone_has_all_that_commands_need(tmp_path):
    """The built wheel, unpacked into a folder of its own in place of the checkout."""
    (tmp_path / "work").mkdir()
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path / "wheels"), str(ROOT)]
    if subprocess.run(build, capture_output=True).returncode:
        pytest.skip("the wheel cannot be built here: pip or setuptools is missing")
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    where = "import surrogates; print(surrogates.__file__)"
    shown = subprocess.run([sys.executable, "-c", where], cwd=site, capture_output=True, text=True).stdout
    assert Path(shown.strip()).parent == site / "surrogates"
    wrong, works = judged(tried(tmp_path / "work", site))
    assert wrong == [] and works > 15
