"""A run into a folder is killed, resumed, killed again, at random moments in long parts: it ends byte for byte."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surrogates.cli.entry import run

ROUNDS = int(os.environ.get("SURROGATES_KILL_ROUNDS", "6"))
QUICK, LONG = (120_000, 30_000), (1_200_000, 300_000)


def run_of(samples: int, part: int | None = None) -> tuple[str, ...]:
    conditions = ("--polarisation", "0.5", "--muon-momentum", "1GeV", "--seed", "7", "--compression", "gzip")
    size = () if part is None else ("--part-size", str(part))
    return ("reference", "muon-decay", "-n", str(samples), *size, *conditions)


RUN = run_of(*QUICK)


def surrogates(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "surrogates.cli", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def finished(*arguments: str) -> tuple[int, str]:
    process = surrogates(*arguments)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors.decode()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signal")
def test_kill_resume_kill_rounds_end_byte_for_byte(tmp_path):
    whole, words = tmp_path / "whole", run_of(*LONG)
    start = time.monotonic()
    assert finished(*words, "--workers", "2", "-o", f"{whole}/")[0] == 0
    duration = time.monotonic() - start
    expected, differing, chance = contents(whole), [], random.Random(16)
    for number in range(ROUNDS):
        folder, workers = tmp_path / f"run-{number}", str(chance.choice([1, 2, 2, 3]))
        for _ in range(3):
            process = surrogates(*words, "--workers", workers, "--resume", "-o", f"{folder}/")
            time.sleep(chance.uniform(0.2, 0.9) * duration)
            process.send_signal(signal.SIGKILL)
            process.wait()
        code, errors = finished(*words, "--workers", workers, "--resume", "-o", f"{folder}/")
        same = not code and contents(folder) == expected
        print(f"round {number}, {workers} workers: {'byte for byte' if same else 'differs'}", flush=True)
        if not same:
            differing.append((number, code, errors, sorted(set(contents(folder)) ^ set(expected))))
        for path in folder.iterdir():
            path.unlink()
    print(f"{ROUNDS - len(differing)} of {ROUNDS} kill-resume-kill rounds ended byte for byte")
    assert not differing


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_workers_die_with_the_process_that_started_them(tmp_path):
    process = surrogates(*RUN, "--workers", "2", "-o", f"{tmp_path}/run/")
    deadline = time.monotonic() + 60
    workers: list[int] = []
    while len(workers) < 3 and time.monotonic() < deadline:  # two, and the tracker of their resources
        time.sleep(0.2)
        workers = children(process.pid)
    assert len(workers) >= 3
    time.sleep(1.0)
    process.kill()
    process.wait()
    time.sleep(1.0)
    assert [pid for pid in workers if is_running(pid)] == []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_that_is_killed_has_its_part_done_again(tmp_path):
    words = run_of(60_000, 15_000)
    assert run([*words, "-o", f"{tmp_path}/whole/"]) == 0
    process = surrogates(*words, "--workers", "2", "-o", f"{tmp_path}/run/")
    deadline = time.monotonic() + 60
    while not list((tmp_path / "run").glob("part-*.nc")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(max(children(process.pid)), signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert errors.decode().count("a process that was sampling ended early; its part is done again") <= 1
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def refused(capsys, *arguments: str) -> str:
    """The one line that refuses a run, in this process: at once, while the first one goes on."""
    capsys.readouterr()
    assert run([*arguments]) == 2
    errors = capsys.readouterr().err
    assert errors.count("surrogates: error") == 1
    return errors


def test_a_second_run_into_one_folder_is_refused_in_one_line(tmp_path, capsys):
    words = run_of(*LONG)
    first = surrogates(*words, "-o", f"{tmp_path}/run/")
    deadline = time.monotonic() + 60
    while not list((tmp_path / "run").glob(".part-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    for option in ("--resume", "--overwrite"):
        errors = refused(capsys, *words, option, "-o", f"{tmp_path}/run/")
        assert f"process {first.pid} on " in errors and "has been writing it since" in errors, errors
    first.kill()
    first.communicate()
    assert run([*RUN, "--overwrite", "-o", f"{tmp_path}/run/"]) == 0  # the lock of a killed run is in nobody's way
    assert not [path.name for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]


def test_a_second_run_into_one_file_is_refused_in_one_line(tmp_path, capsys):
    few = (*run_of(400), "--seed", "8", "-o", f"{tmp_path}/a.nc")
    assert run([*few]) == 0  # all that a run imports is there
    (tmp_path / "a.nc").unlink()
    first = surrogates(*run_of(2 * QUICK[0]), "-o", f"{tmp_path}/a.nc")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".a.nc.*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert f"process {first.pid} on " in refused(capsys, *few)
    first.communicate(timeout=120)
    assert first.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]
