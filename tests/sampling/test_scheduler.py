"""A Dask cluster writes what one process does, also where a worker is killed, and says in one line what is amiss."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from surrogates.cli.entry import run
from surrogates.io.locks import locked
from surrogates.sampling import scheduler

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

SAMPLED = "reference muon-decay -n 8000 --part-size 1000 --polarisation 0.5 --muon-momentum 1GeV --seed 7"
LEARNED = "generate muon-decay -n 6000 --part-size 2048 --polarisation 0.5 --muon-momentum 1GeV --seed 7"


@pytest.fixture(scope="module")
def cluster():
    """Two workers, each a process of its own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def made(command: str, folder: Path, *options: str) -> int:
    return run([*command.split(), *options, "-o", f"{folder}/"])


def test_a_cluster_writes_what_one_process_does(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the workers stand elsewhere
    assert made(LEARNED, Path("one")) == 0
    assert made(LEARNED, Path("many"), "--scheduler", cluster.scheduler_address) == 0
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


@dataclass(frozen=True)
class Slow:
    """Files of a letter each, written slowly enough for their writers to be killed in between."""

    folder: Path
    lock: object
    seconds: float = 0.3
    deadly: str = ""
    version: str = "1"
    name: str = "writing letters"

    def do(self, items):
        for item in self.missing(items):
            (self.folder / f".{item}.{os.getpid()}.tmp").write_text(item)
            time.sleep(self.seconds)
            if item == self.deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            os.replace(self.folder / f".{item}.{os.getpid()}.tmp", self.folder / item)
        return os.getpid()

    def missing(self, items):
        return [item for item in items if not (self.folder / item).exists()]

    def tidy(self):
        for path in self.folder.glob(".*.tmp"):
            path.unlink()

    def facts(self):
        return {"weights_sha256": self.version, "instruction_set": "AVX2"}


@contextmanager
def slow(folder: Path, **options):
    with locked(folder / ".lock", folder) as lock:
        yield Slow(folder, lock, **options)


def test_a_worker_killed_in_mid_run_changes_nothing(cluster, tmp_path):
    killed: list[int] = []

    def kill(count: int) -> None:
        if not killed:
            killed.append(next(int(path.name.split(".")[2]) for path in tmp_path.glob(".?.*.tmp")))
            os.kill(killed[0], signal.SIGKILL)

    with slow(tmp_path) as work:
        scheduler.on_scheduler(work, "abcdefgh", scheduler=cluster.scheduler_address, on_count=kill)
    assert killed
    assert contents(tmp_path) == {letter: letter.encode() for letter in "abcdefgh"}


def test_a_run_with_a_killed_worker_has_the_bytes_of_a_whole_one(cluster, tmp_path):
    assert made(SAMPLED, tmp_path / "one") == 0
    client = distributed.Client(cluster, set_as_default=False)
    client.wait_for_workers(2, timeout=60)
    pids = list(client.run(os.getpid).values())
    client.close()
    ended = threading.Event()

    def kill() -> None:
        while not list(tmp_path.glob("many/part-*.nc")) and not ended.is_set():
            time.sleep(0.005)
        os.kill(pids[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    code = made(SAMPLED, tmp_path / "many", "--scheduler", cluster.scheduler_address)
    ended.set()
    killer.join()
    assert code == 0
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_a_part_that_ends_every_worker_is_one_line(cluster, tmp_path):
    with slow(tmp_path, seconds=0.0, deadly="b") as work, pytest.raises(scheduler.SchedulerError) as found:
        scheduler.on_scheduler(work, "ab", scheduler=cluster.scheduler_address)
    assert "a part ended 4 workers that were writing letters" in str(found.value)
    assert (tmp_path / "a").read_text() == "a"


def test_an_error_of_a_worker_is_the_error_of_the_run(cluster, tmp_path, capsys):
    options = ("--scheduler", cluster.scheduler_address)
    assert made(SAMPLED.replace("--polarisation 0.5", "--polarisation 5"), tmp_path / "run", *options) == 2
    errors = capsys.readouterr().err
    assert errors.count("surrogates: error") == 1 and "polarisation: 5" in errors
    assert not list(tmp_path.glob("run/*"))


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scheduler, "CONNECTING", 0.5)
    for address, said in {
        "tcp://127.0.0.1:1": "tcp://127.0.0.1:1 does not answer within 0 s",
        "127.0.0.1:8786": "'127.0.0.1:8786' is no address; expected tcp://HOST:PORT",
        "there.json": "there.json: no such file",
    }.items():
        assert made(SAMPLED, tmp_path / "run", "--scheduler", address) == 2
        errors = capsys.readouterr().err
        assert errors.count("surrogates: error: scheduler:") == 1 and said in errors
        assert not list(tmp_path.glob("run/*"))
    whole = SAMPLED.replace("--part-size 1000 ", "").split()
    assert run([*whole, "--scheduler", "tcp://127.0.0.1:1", "-o", f"{tmp_path}/a.nc"]) == 2
    assert "is one file, which one process writes; give a folder" in capsys.readouterr().err
    assert made(SAMPLED, tmp_path / "run", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2") == 2
    assert "--scheduler and --workers both say who samples" in capsys.readouterr().err


def found_by_worker(work) -> dict:
    return scheduler.facts(pickle.dumps(work))


def test_workers_that_differ_are_named_with_what_differs(tmp_path):
    def refused(there: dict, expected: dict, work) -> str:
        with pytest.raises(scheduler.SchedulerError) as found:
            scheduler._compare("tcp://w:1", there, expected, work)
        return str(found.value)

    with slow(tmp_path) as work:
        own, there = scheduler._own(work), found_by_worker(work)
        scheduler._compare("tcp://w:1", there, own, work)
        assert there["instruction_set"] == "AVX2" and "instruction_set" not in own
        other = found_by_worker(replace(work, version="2"))
        assert "tcp://w:1 has weights_sha256 '2', that of this run is '1'; equal bits" in refused(other, own, work)
        older = {**there, "surrogates_version": "0.0.1", "failed": "Error: what an older one cannot do"}
        assert "has surrogates_version '0.0.1'" in refused(older, own, work)
        avx = {"instruction_set": "AVX512"}
        assert "or set ATEN_CPU_CAPABILITY=avx2 for all" in refused(there, avx, work)
        without = {"failed": "No module named 'surrogates'; install surrogates there"}
        assert "cannot do the work (No module named 'surrogates'" in refused(without, own, work)
        elsewhere = replace(work, lock=replace(work.lock, path=tmp_path / "not" / "shared" / ".lock"))
        assert f"does not see {tmp_path}; give a folder on a file system" in refused(
            found_by_worker(elsewhere), own, work
        )
