"""One writer at a time: a lock names who writes, and a dead writer's lock is in nobody's way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from io_samples import jets

from surrogates.io import NETCDF, FormatError, OutputError, concatenate, read_shards, verify, write_shards
from surrogates.io.atomic import replacing
from surrogates.io.locks import SILENCE, _self, lock_path, locked, started


def leave(path: Path, **changed) -> None:
    path.write_text(json.dumps({"token": "another", **_self(), **changed}))


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_held_lock_is_refused_with_its_holder(tmp_path):
    path = tmp_path / ".a.lock"
    with locked(path, "a.nc"), pytest.raises(OutputError) as error, locked(path, "a.nc"):
        pass
    assert f"a.nc: process {os.getpid()} on " in str(error.value) and "has been writing it since" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changed", [{"pid": dead_process()}, {"started": "long ago"}, {"pid": None}], ids=["gone", "number reused", "none"]
)
def test_a_lock_of_a_process_that_is_gone_is_stale(tmp_path, changed):
    path = tmp_path / ".a.lock"
    leave(path, **changed)
    with locked(path, "a.nc") as lock:
        lock.check()
        assert f'"pid": {os.getpid()}' in path.read_text()


@pytest.mark.parametrize(("age", "refused"), [(0.0, True), (SILENCE + 60, False)])
def test_a_lock_of_another_machine_is_stale_once_it_is_silent(tmp_path, age, refused):
    path = tmp_path / ".a.lock"
    leave(path, host="far 1234")
    os.utime(path, (time.time() - age, time.time() - age))
    if refused:
        with pytest.raises(OutputError, match="on far has been writing it"), locked(path, "a.nc"):
            pass
    else:
        with locked(path, "a.nc"):
            pass


def test_a_damaged_lock_is_respected_until_it_is_old(tmp_path):
    path = tmp_path / ".a.lock"
    path.write_text("{")
    with pytest.raises(OutputError, match="is damaged; wait 120 s"), locked(path, "a.nc"):
        pass
    os.utime(path, (0, 0))
    with locked(path, "a.nc"):
        pass


def test_a_holder_whose_lock_was_taken_over_may_not_go_on(tmp_path):
    path = tmp_path / ".a.lock"
    with locked(path, "a.nc") as lock:
        leave(path)
        with pytest.raises(OutputError, match="another run has taken it over"):
            lock.check()
    assert path.exists()  # it is the other one's


def test_a_process_is_known_by_its_number_and_its_start():
    assert started(os.getpid()) == started(os.getpid()) is not None
    assert started(dead_process()) is None


def write(folder: Path, **options) -> None:
    def made(index):
        return [jets(8, seed=index).assign_coords(sample=range(8 * index, 8 * index + 8))]

    write_shards(made, 6, folder, provenance={"seed": 1}, **options)


def test_two_runs_that_share_a_part_exclude_each_other_and_others_do_not(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    leave(folder / ".share-1-of-2.lock")
    for shard in ((1, 1), (1, 2), (3, 4), (2, 3)):
        with pytest.raises(OutputError, match="has been writing it"):
            write(folder, shard=shard)
    for shard in ((2, 2), (4, 4), (2, 6)):
        write(folder, shard=shard)


def test_overwriting_a_share_keeps_the_parts_of_the_others(tmp_path):
    folder = tmp_path / "run"
    write(folder)
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("part-*.nc")}
    write(folder, shard=(2, 3), overwrite=True)
    after = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("part-*.nc")}
    assert {name for name in before if before[name] != after[name]} == {"part-00001.nc", "part-00004.nc"}
    assert verify(folder) == []
    with pytest.raises(FormatError, match="has seed = 1, this one 2; overwrite the whole run"):
        write_shards(lambda _: [jets(8)], 6, folder, provenance={"seed": 2}, shard=(2, 3), overwrite=True)
    assert len(list(folder.glob("part-*.nc"))) == 6


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    (tmp_path / ".a.nc.0123456789ab.tmp").write_bytes(b"half")
    leave(lock_path(tmp_path / "a.nc"), pid=dead_process())
    NETCDF.write([jets(3)], tmp_path / "a.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]


def test_two_writers_of_one_file_never_share_a_temporary_name(tmp_path):
    names = set()
    for _ in range(2):
        with replacing(tmp_path / "a", overwrite=True) as temporary:
            names.add(temporary.name)
            temporary.write_bytes(b"whole")
    assert len(names) == 2


def test_a_link_is_written_through_and_stays(tmp_path):
    (tmp_path / "data").mkdir()
    NETCDF.write([jets(3)], tmp_path / "data" / "a.nc")
    (tmp_path / "link.nc").symlink_to(Path("data") / "a.nc")
    with pytest.raises(OutputError, match="exists already"):
        NETCDF.write([jets(5)], tmp_path / "link.nc")
    NETCDF.write([jets(5)], tmp_path / "link.nc", overwrite=True)
    assert (tmp_path / "link.nc").is_symlink()
    assert concatenate(NETCDF.read(tmp_path / "data" / "a.nc")).sizes["sample"] == 5


def test_a_pipe_and_a_device_are_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.nc")
    for target in (tmp_path / "pipe.nc", Path("/dev/null")):
        with pytest.raises(OutputError, match="a pipe or a device"):
            NETCDF.write([jets(3)], target, overwrite=True)
    assert (tmp_path / "pipe.nc").is_fifo()


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    with pytest.raises(OutputError, match="NUL"):
        NETCDF.write([jets(3)], tmp_path / "a\0.nc")


@pytest.mark.parametrize(
    "spoil",
    [
        {"rows": "many"}, {"rows": -1}, {"rows": True}, {"bytes": 1.5}, {"sha256": "abc"}, {"file": "../part-00000.nc"},
        {"file": None},
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["manifest", "record"])
def test_an_edited_record_is_refused_by_name(tmp_path, spoil, where):
    folder = tmp_path / "run"
    write(folder)
    path = folder / ("manifest.json" if where == "manifest" else "part-00002.json")
    content = json.loads(path.read_text())
    (content["parts"][2] if where == "manifest" else content).update(spoil)
    path.write_text(json.dumps(content))
    with pytest.raises(FormatError, match=path.name):
        write(folder, resume=True)


@pytest.mark.parametrize(
    "spoil", [{"n_shards": 10**12}, {"n_shards": True}, {"provenance": None}, {"complete": "yes"}, {"parts": {}}]
)
def test_an_edited_manifest_is_refused_at_once(tmp_path, spoil):
    folder = tmp_path / "run"
    write(folder)
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | spoil))
    start = time.monotonic()
    for call in (lambda: write(folder, resume=True), lambda: list(read_shards(folder))):
        with pytest.raises(FormatError, match="manifest.json"):
            call()
    assert verify(folder) and time.monotonic() - start < 5


def test_a_part_altered_at_its_size_stops_a_resumed_run(tmp_path):
    folder = tmp_path / "run"
    write(folder)
    content = bytearray((folder / "part-00001.nc").read_bytes())
    content[-300] ^= 1
    (folder / "part-00001.nc").write_bytes(content)
    with pytest.raises(FormatError, match=r"part-00001.nc: altered since it was written .*; delete it"):
        write(folder, resume=True)
