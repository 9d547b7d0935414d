"""Tasks of batch systems: their share, their cores, and the signals that announce their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from surrogates.cli.batch import Cores, slurm_share, usable_cores
from surrogates.cli.entry import run

SAMPLED = "reference muon-decay -n 4000 --part-size 1000 --polarisation 0.5 --muon-momentum 1GeV --seed 7"
LONG = "reference muon-decay -n 36000 --part-size 3000 --polarisation 0.5 --muon-momentum 1GeV --compression gzip"


def task(index: int, first: int, last: int, step: int = 1, count: int | None = None) -> dict[str, str]:
    """Slurm's variables of a task of ``--array=first-last:step``."""
    number = (last - first) // step + 1 if count is None else count
    values = {"ID": index, "COUNT": number, "MIN": first, "MAX": last, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("environment", "share"),
    [
        (task(0, 0, 7), (1, 8)),
        (task(7, 0, 7), (8, 8)),
        (task(11, 10, 12), (2, 3)),
        (task(10, 4, 16, 3), (3, 5)),
        (task(3, 3, 3), (1, 1)),
    ],
)
def test_a_task_of_an_array_has_its_share(environment, share):
    assert slurm_share(environment) == share


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "SLURM_ARRAY_TASK_ID is not set"),
        ({**task(0, 0, 7), "SLURM_ARRAY_TASK_COUNT": "many"}, "SLURM_ARRAY_TASK_COUNT is 'many'"),
        (task(5, 1, 9, count=3), "task 5 of 3 from 1 to 9 in steps of 1 leaves shares out"),  # --array=1,5,9
    ],
)
def test_an_array_that_leaves_shares_out_is_refused(environment, said):
    with pytest.raises(click.UsageError) as found:
        slurm_share(environment)
    assert said in found.value.message and "give i/n" in found.value.message


def test_tasks_of_an_array_fill_one_folder(tmp_path, monkeypatch, capsys):
    assert run([*SAMPLED.split(), "-o", f"{tmp_path}/one/"]) == 0
    assert run([*SAMPLED.split(), "--shard", "slurm", "-o", f"{tmp_path}/many/"]) == 2
    assert "SLURM_ARRAY_TASK_ID is not set; expected such a task" in capsys.readouterr().err
    for index in (2, 0, 1):
        for name, value in task(index, 0, 2).items():
            monkeypatch.setenv(name, value)
        assert run([*SAMPLED.split(), "--shard", "slurm", "-o", f"{tmp_path}/many/"]) == 0
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_cores_are_those_of_the_process_and_of_its_task():
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert usable_cores({}) == usable_cores({"SLURM_CPUS_PER_TASK": ""}) == here
    assert usable_cores({"SLURM_CPUS_PER_TASK": "1"}) == 1
    assert usable_cores({"SLURM_CPUS_PER_TASK": "4096"}) == here
    assert Cores().convert("auto", None, None) >= 1 and Cores().convert("3", None, None) == 3
    with pytest.raises(click.BadParameter):
        Cores().convert("0", None, None)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity of processes")
def test_a_process_bound_to_one_core_has_one():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from surrogates.cli.batch import usable_cores\n"
    code += "print(usable_cores({'SLURM_CPUS_PER_TASK': '8'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "1"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    ("number", "workers"),
    [pytest.param(signal.SIGUSR1, 1, marks=pytest.mark.slow), (signal.SIGUSR1, 2), (signal.SIGTERM, 1)],
)
def test_a_task_that_is_told_to_end_leaves_what_goes_on(tmp_path, number, workers):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "surrogates", *LONG.split(), "--workers", str(workers), "-o", f"{folder}/"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(folder.glob("part-*.nc")) and time.monotonic() < deadline:
        time.sleep(0.01)
    if number == signal.SIGUSR1:
        os.killpg(process.pid, number)  # as Slurm does, with the processes of the task
    else:
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert f"surrogates: error: ended by {number.name}; nothing is left half-written" in errors.decode()
    names = sorted(path.name for path in folder.glob("part-*.nc"))
    assert names and not list(folder.glob(".share-*"))
    assert run(["verify", str(folder)]) == 1  # unfinished, and says so
    kept = {name: (folder / name).stat().st_mtime_ns for name in names}
    assert run([*LONG.split(), "--resume", "-o", f"{folder}/"]) == 0
    assert run(["verify", str(folder)]) == 0
    assert {name: (folder / name).stat().st_mtime_ns for name in names} == kept


@pytest.mark.slow
def test_under_torchrun_the_first_rank_alone_writes_and_speaks(tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "--", "surrogates"]
    command = [*torchrun, "train", "muon-decay", "--device", "cpu", "--updates", "6", "--run", str(tmp_path / "run")]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.count("sha256") == 1
    assert (tmp_path / "run" / "flow.safetensors").exists()
