"""A run in parts survives being killed, is shared between machines, joins into one file, and shows damage."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from io_samples import jets, particle_events

from surrogates.io import (
    NETCDF,
    FileFormatError,
    FormatError,
    OutputError,
    concatenate,
    merge,
    read_manifest,
    read_shards,
    verify,
    write_shards,
)

PROVENANCE = {"plugin": "particle-events", "seed": 1, "batch_size": np.int64(16)}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def blocks_of(index: int):
    yield particle_events(30, seed=1, first_sample=50 * index)
    yield particle_events(20, seed=1, first_sample=50 * index + 30)


def write(folder: Path, n: int = 3, **options) -> None:
    write_shards(blocks_of, n, folder, **({"provenance": PROVENANCE, "machine": {"device": "cpu"}} | options))


@pytest.fixture
def run(tmp_path) -> Path:
    """A finished run of three parts."""
    write(tmp_path / "run")
    return tmp_path / "run"


def slow_run(folder: Path, shard: tuple[int, int], delay: float, finished: Any) -> None:
    """Write eight parts of 64 jets in blocks of 16, slowly enough to be killed in between."""

    def blocks_of(index: int):
        for block in range(4):
            time.sleep(delay)
            first = 64 * index + 16 * block
            yield jets(16, seed=first).assign_coords(sample=range(first, first + 16))

    options = {"provenance": {"seed": 1}, "shard": shard, "resume": True, "rows_per_shard": 64}
    write_shards(blocks_of, 8, folder, **options, on_part=lambda index, _: finished.put(index))


def start(folder: Path, shard: tuple[int, int] = (1, 1), delay: float = 0.0) -> tuple[Any, Any]:
    """Start a writer in a process of its own; return it and the queue of the parts that it finished."""
    context = multiprocessing.get_context("fork")
    finished = context.SimpleQueue()
    process = context.Process(target=slow_run, args=(folder, shard, delay, finished))
    process.start()
    return process, finished


def exit_code(process: Any) -> int:
    process.join(60)
    return process.exitcode


def test_killed_runs_resume_to_the_same_bytes(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert exit_code(start(whole)[0]) == 0
    chance = random.Random(3)
    for _ in range(3):
        process, finished = start(killed, delay=0.01)
        for _ in range(2 + len(list(killed.glob("part-*.nc")))):
            finished.get()
        time.sleep(chance.uniform(0, 0.06))
        process.kill()
        assert exit_code(process) == -9
        assert not read_manifest(killed)["complete"]
    assert exit_code(start(killed)[0]) == 0
    assert contents(killed) == contents(whole)
    assert verify(killed) == []


def test_two_machines_write_what_one_does(tmp_path):
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    both = [start(shared, (number, 2))[0] for number in (1, 2)]
    assert exit_code(start(whole)[0]) == 0
    assert [exit_code(process) for process in both] == [0, 0]
    assert contents(shared) == contents(whole)


def test_a_share_alone_is_not_a_finished_run(tmp_path):
    write(tmp_path / "run", shard=(2, 2))
    with pytest.raises(FileFormatError, match="2 of 3 parts are missing; resume"):
        list(read_shards(tmp_path / "run"))
    assert "not finished, 1 of 3" in verify(tmp_path / "run")[0]
    write(tmp_path / "run", shard=(1, 2))
    assert verify(tmp_path / "run") == []


def test_the_parts_are_the_run(run):
    expected = concatenate(block for index in range(3) for block in blocks_of(index))
    xr.testing.assert_identical(concatenate(read_shards(run)), expected)


def test_the_manifest_says_what_was_made_and_where(run):
    manifest = read_manifest(run)
    assert manifest["complete"] and manifest["rows"] == 150
    assert manifest["provenance"] == {"plugin": "particle-events", "seed": 1, "batch_size": 16}
    second = manifest["parts"][1]
    assert (second["rows"], second["first_sample"], second["last_sample"]) == (50, 50, 99)
    assert second["machine"] == {"device": "cpu"}


def test_a_finished_part_is_not_made_again(run):
    def never(index: int):
        raise AssertionError(f"part {index} was asked for")

    seen = []
    write_shards(
        never, 3, run, provenance=PROVENANCE, resume=True, on_part=lambda index, rows: seen.append((index, rows))
    )
    assert seen == [(0, 50), (1, 50), (2, 50)]


def test_a_run_is_kept_unless_resumed_or_overwritten(run):
    before = contents(run)
    with pytest.raises(OutputError, match="resume it, overwrite it or choose another folder"):
        write(run)
    assert contents(run) == before
    write(run, n=2, overwrite=True)
    assert sorted(contents(run)) == [
        "manifest.json",
        "part-00000.json",
        "part-00000.nc",
        "part-00001.json",
        "part-00001.nc",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"provenance": PROVENANCE | {"seed": 2}}, "has seed = 1, this one 2"),
        ({"n": 4}, "has 3 parts, this one 4"),
    ],
)
def test_another_run_cannot_be_resumed_into_it(run, options, message):
    with pytest.raises(FormatError, match=message):
        write(run, resume=True, **options)


def test_a_provenance_that_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(FormatError, match="the provenance holds a object"):
        write(tmp_path / "run", provenance={"plugin": object()})


def test_a_run_of_no_samples_is_a_run(tmp_path):
    write_shards(lambda _: [particle_events(0)], 1, tmp_path / "run", provenance={})
    assert verify(tmp_path / "run") == []
    assert concatenate(read_shards(tmp_path / "run")).sizes["sample"] == 0
    merge(tmp_path / "run", tmp_path / "all.nc")
    assert verify(tmp_path / "all.nc") == []


@pytest.mark.parametrize("ragged", [True, False])
@pytest.mark.parametrize("compression", ["none", "zstd", "gzip"])
def test_the_merged_file_is_the_parts_in_order(tmp_path, ragged, compression):
    write(tmp_path / "run", ragged=ragged, compression=compression, rows_per_shard=50)
    merge(tmp_path / "run", tmp_path / "all.nc")
    merged = concatenate(NETCDF.read(tmp_path / "all.nc", block_rows=33))
    xr.testing.assert_identical(merged, concatenate(read_shards(tmp_path / "run")))
    assert verify(tmp_path / "all.nc") == []


def test_merging_copies_compressed_chunks(tmp_path):
    """A filter mask that only a direct copy keeps is still there after merging."""
    folder = tmp_path / "run"
    made = lambda index: [jets(64, seed=index).assign_coords(sample=range(64 * index, 64 * index + 64))]  # noqa: E731
    write_shards(made, 3, folder, provenance={}, ragged=False, compression="gzip", rows_per_shard=64)
    merge(folder, tmp_path / "all.nc")
    with h5py.File(tmp_path / "all.nc") as merged, h5py.File(folder / "part-00002.nc") as part:
        assert merged["jet_mass"].id.read_direct_chunk((128,)) == part["jet_mass"].id.read_direct_chunk((0,))
        assert merged["jet_mass"].chunks == (64,)


def test_parts_of_uneven_length_merge_too(tmp_path):
    sizes = [7, 0, 13, 1]
    made = lambda index: [particle_events(sizes[index], seed=index, first_sample=100 * index)]  # noqa: E731
    write_shards(made, 4, tmp_path / "run", provenance={}, compression="gzip")
    merge(tmp_path / "run", tmp_path / "all.nc")
    xr.testing.assert_identical(
        concatenate(NETCDF.read(tmp_path / "all.nc")), concatenate(read_shards(tmp_path / "run"))
    )


def test_merging_refuses_an_existing_file_and_an_unfinished_run(run, tmp_path):
    (tmp_path / "all.nc").touch()
    with pytest.raises(OutputError, match="exists already"):
        merge(run, tmp_path / "all.nc")
    write(tmp_path / "half", shard=(1, 2))
    with pytest.raises(FileFormatError, match="1 of 3 parts are missing"):
        merge(tmp_path / "half", tmp_path / "half.nc")
    assert not (tmp_path / "half.nc").exists()


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda run: (run / "part-00001.nc").unlink(), "part-00001.nc: missing"),
        (lambda run: flip(run / "part-00001.nc", -300), "altered"),
        (lambda run: (run / "part-00001.nc").write_bytes((run / "part-00001.nc").read_bytes()[:5000]), "truncated"),
        (lambda run: shutil.copy(run / "part-00000.nc", run / "part-00007.nc"), "part-00007.nc: not in the manifest"),
        (lambda run: (run / "manifest.json").unlink(), "expected a folder of shards"),
        (lambda run: (run / "manifest.json").write_text("{"), "expected JSON"),
        (lambda run: (run / "manifest.json").write_text("[1]"), "expected a manifest of format"),
    ],
)
def test_damage_is_found(run, spoil, problem):
    spoil(run)
    problems = verify(run)
    assert any(problem in line for line in problems)
    assert all("\n" not in line for line in problems)


def test_a_wrong_number_of_samples_is_found(run):
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["parts"][0]["rows"] = 51
    (run / "manifest.json").write_text(json.dumps(manifest))
    problems = verify(run)
    assert any("do not add up" in line for line in problems)
    assert any("50 samples, expected 51" in line for line in problems)


def test_merging_stops_at_an_altered_part(run, tmp_path):
    flip(run / "part-00001.nc", -300)
    with pytest.raises(FileFormatError, match=r"part-00001.nc: altered"):
        merge(run, tmp_path / "all.nc")
    assert not (tmp_path / "all.nc").exists()


def test_values_that_are_not_finite_are_found(tmp_path, events):
    spoilt = events.copy(deep=True)
    spoilt["energy"].values[17] = np.inf
    spoilt["tau_E"].values[3, 1] = np.nan
    NETCDF.write([spoilt], tmp_path / "a.nc")
    problems = "\n".join(verify(tmp_path / "a.nc"))
    assert "energy has 1 values that are not finite, first in row 17" in problems
    assert "tau_E has 1 values that are not finite, first in row 3" in problems


def test_nan_where_nothing_was_asked_is_no_problem(tmp_path, events):
    asked = events.assign(gap=("sample", np.full(200, np.nan), {"missing_value": np.nan}))
    NETCDF.write([asked], tmp_path / "a.nc")
    assert verify(tmp_path / "a.nc") == []


@pytest.mark.parametrize("shard", [(0, 2), (3, 2)])
def test_a_share_outside_the_run_is_refused(tmp_path, shard):
    with pytest.raises(FormatError, match="expected i/n"):
        write(tmp_path / "run", shard=shard)
