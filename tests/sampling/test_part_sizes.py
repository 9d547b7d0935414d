"""Parts of some bytes: how many samples they hold is measured, and is the same for all writers of a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from surrogates.cli.entry import run
from surrogates.sampling import part_sizes
from surrogates.sampling.part_sizes import Bytes

SAMPLED = "reference muon-decay -n 12000 --polarisation 0.5 --muon-momentum 1GeV --seed 7"


def made(folder: Path, *options: str, command: str = SAMPLED, size: str = "100kB") -> int:
    return run([*command.split(), "--part-size", size, *options, "-o", f"{folder}/"])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def sizes(folder: Path) -> list[int]:
    return [part["bytes"] for part in json.loads((folder / "manifest.json").read_text())["parts"]]


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    assert made(folder) == 0
    return folder


@pytest.mark.parametrize(
    ("text", "number"),
    [("256MB", 256_000_000), ("1 GiB", 1 << 30), ("1.5kb", 1500), ("64KiB", 65536), ("300 B", 300)],
)
def test_sizes_are_read_in_powers_of_1000_and_1024(text, number):
    assert Bytes.read(text) == Bytes(number)


def test_a_part_has_the_bytes_that_were_asked_and_little_more(cut):
    *whole, _ = sizes(cut)
    assert len(whole) >= 4
    assert all(100_000 <= size < 140_000 for size in whole)  # a chunk for each variable and the header on top
    provenance = json.loads((cut / "manifest.json").read_text())["provenance"]
    assert provenance["part_bytes"] == 100_000


def test_any_number_of_writers_cuts_alike(cut, tmp_path, monkeypatch):
    assert made(tmp_path / "two", "--workers", "2") == 0
    assert contents(tmp_path / "two") == contents(cut)
    assert made(tmp_path / "shares", "--shard", "2/2") == 0

    def measured(*_: object) -> float:
        raise AssertionError("the folder says how it is cut")

    monkeypatch.setattr(part_sizes, "bytes_a_sample", measured)
    assert made(tmp_path / "shares", "--shard", "1/2") == 0
    assert contents(tmp_path / "shares") == contents(cut)


def test_a_run_is_gone_on_with_as_it_was_cut(cut, tmp_path, capsys):
    assert made(tmp_path / "run") == 0
    for path in tmp_path.glob("run/part-0000[13].*"):
        path.unlink()
    assert made(tmp_path / "run", "--resume") == 0
    assert contents(tmp_path / "run") == contents(cut)
    assert made(tmp_path / "run", "--resume", size="1MB") == 2
    assert "the run there has" in capsys.readouterr().err


def test_compressed_parts_hold_more_samples(tmp_path):
    assert made(tmp_path / "gzip", "--compression", "gzip") == 0
    *whole, _ = sizes(tmp_path / "gzip")
    assert whole and all(95_000 <= size < 160_000 for size in whole)


def test_parts_of_a_surrogate_are_whole_batches(tmp_path):
    command = "generate muon-decay -n 9000 --polarisation 0.5 --muon-momentum 1GeV"
    assert made(tmp_path / "run", command=command, size="150kB") == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    provenance = manifest["provenance"]
    assert provenance["part_size"] % provenance["batch_size"] == 0
    assert manifest["parts"][0]["bytes"] >= 150_000
    assert made(tmp_path / "least", command=command, size="1B") == 0
    assert json.loads((tmp_path / "least" / "manifest.json").read_text())["provenance"]["part_size"] == 1024


def test_what_is_no_size_is_one_line(tmp_path, capsys):
    for size in ("0", "0MB", "256TBs", "-3", "MB", "1e6", "9" * 400 + "MB", "9" * 5000):
        assert made(tmp_path / "run", size=size) == 2
        errors = capsys.readouterr().err
        assert errors.count("surrogates: error") == 1
        assert f"{size!r} is no size of a part; expected a number of samples, 1 or more, or bytes" in errors
    assert made(tmp_path / "run", command=SAMPLED.replace("12000", "0")) == 2
    assert "a run of no samples has no bytes a sample" in capsys.readouterr().err
    assert not list(tmp_path.glob("run/*"))


def test_shares_of_another_run_are_told_what_differs(cut, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(cut, folder)
    command = "generate muon-decay -n 12000 --polarisation 0.5 --muon-momentum 1GeV --seed 7"
    for words in (("--shard", "1/2"), ("--shard", "1/2", "--overwrite"), ("--resume",)):
        assert made(folder, *words, command=command) == 2
        errors = capsys.readouterr().err
        assert "the run there has" in errors and "whole batches" not in errors
    assert contents(folder) == contents(cut)


@pytest.mark.parametrize(
    ("target", "words", "said"),
    [
        ("one.nc", ("--part-size", "1MB"), "--part-size: one.nc is one file; give a folder"),
        ("one.png", ("--part-size", "100"), "--part-size: one.png is one file; give a folder"),
        ("one.png", ("--resume",), "--resume: one.png is a figure"),
        ("one.png", ("--scheduler", "tcp://127.0.0.1:1"), "--scheduler: one.png is a figure"),
        ("one.png", ("--compression", "gzip"), "--compression: one.png is a figure"),
    ],
)
def test_what_one_file_cannot_have_is_refused(target, words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run([*SAMPLED.replace("12000", "10").split(), *words, "-o", target]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / target).exists()
