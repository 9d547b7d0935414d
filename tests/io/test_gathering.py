"""Parts of a run that tasks wrote into folders of their own are one run in one folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from io_samples import jets

from surrogates.cli.entry import run
from surrogates.io import FileFormatError, FormatError, read_manifest, write_shards
from surrogates.io.gathering import gather


def blocks_of(index: int):
    yield jets(16, seed=index).assign_coords(sample=range(16 * index, 16 * index + 16))


def write(folder: Path, shard: tuple[int, int] = (1, 1), seed: int = 1) -> Path:
    write_shards(blocks_of, 5, folder, provenance={"seed": seed}, shard=shard)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_folders_of_tasks_are_the_folder_of_a_run(tmp_path, capsys):
    whole = write(tmp_path / "whole")
    shares = [write(tmp_path / f"share-{number}", (number, 3)) for number in (1, 2, 3)]
    assert not gather(shares[:2], tmp_path / "all")["complete"]
    assert gather(shares, tmp_path / "all")["complete"]  # those that are there stay
    assert contents(tmp_path / "all") == contents(whole)
    assert run(["merge", *map(str, shares), f"{tmp_path}/again/"]) == 0
    assert "5 of 5 parts" in capsys.readouterr().out
    assert contents(tmp_path / "again") == contents(whole)
    assert run(["merge", *map(str, shares), f"{tmp_path}/again.nc"]) == 2
    assert "several folders are joined into a folder; give" in capsys.readouterr().err


def test_what_does_not_fit_together_is_named(tmp_path):
    one, other = write(tmp_path / "one", (1, 2)), write(tmp_path / "other", (2, 2), seed=2)
    with pytest.raises(FormatError, match=r"other: has seed = 2, .*one has 1; they are of different runs"):
        gather([one, other], tmp_path / "all")
    assert not (tmp_path / "all").exists()
    part = one / "part-00000.nc"
    content = bytearray(part.read_bytes())
    content[-20] ^= 1
    part.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"part-00000.nc: altered since it was written"):
        gather([one], tmp_path / "all")
    assert not list((tmp_path / "all").glob("*.nc"))
    assert not read_manifest(write(tmp_path / "share", (2, 2)))["complete"]
