"""What a batch system says of a task: its share of an array of tasks, and how many cores it has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from ..sampling.part_sizes import Bytes

SLURM = "slurm"
_TASK, _COUNT, _FIRST, _LAST, _STEP = (
    f"SLURM_ARRAY_TASK_{name}" for name in ("ID", "COUNT", "MIN", "MAX", "STEP")
)  # https://slurm.schedmd.com/job_array.html
_CORES = "SLURM_CPUS_PER_TASK"


class Share(click.ParamType):
    """``i/n``, the i-th of n shares; or ``slurm``, the task's own of an array job."""

    name = "i/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        if str(value) == SLURM:
            return slurm_share(os.environ)
        first, _, last = str(value).partition("/")
        if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
            raise click.UsageError(
                f"--shard: {value!r} is not i/n; expected whole numbers with 1 <= i <= n, e.g. 2/8, or {SLURM} within "
                "an array job"
            )
        return int(first), int(last)


class Cores(click.IntRange):
    """A number, 1 or more; or ``auto``, as many as this process may use."""

    name = "NUMBER|auto"

    def __init__(self) -> None:
        super().__init__(min=1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return usable_cores(os.environ) if value == "auto" else super().convert(value, param, ctx)


class PartSize(click.ParamType):
    """A number of samples, or bytes with their unit."""

    name = "N|BYTES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Bytes:
        if isinstance(value, (int, Bytes)):
            return value
        text = str(value).strip()
        size = int(text) if text.isdecimal() and len(text) < 20 else Bytes.read(text)
        if not size:
            raise click.UsageError(
                f"--part-size: {value!r} is no size of a part; expected a number of samples, 1 or more, or bytes such "
                "as 256MB or 1GiB"
            )
        return size


def slurm_share(environment: Mapping[str, str]) -> tuple[int, int]:
    """The share of a task of a Slurm array, counted from 1: of ``--array=0-7`` task 0 has 1/8.

    Parameters
    ----------
    environment : mapping
        With Slurm's variables.

    Raises
    ------
    click.UsageError
        Not within an array job, or one whose indices are not evenly spaced.
    """
    found = {}
    for name in (_TASK, _COUNT, _FIRST, _LAST, _STEP):
        text = environment.get(name, "1" if name == _STEP else "")
        if not text.isdecimal():
            said = f"{name} is {text!r}" if text else f"{name} is not set"
            raise click.UsageError(
                f"--shard: {SLURM} is the share of a task of an array job (sbatch --array=0-7), but {said}; expected "
                "such a task, or give i/n"
            )
        found[name] = int(text)
    index, rest = divmod(found[_TASK] - found[_FIRST], found[_STEP] or 1)
    if rest or found[_LAST] - found[_FIRST] != (found[_COUNT] - 1) * found[_STEP] or not 0 <= index < found[_COUNT]:
        raise click.UsageError(
            f"--shard: task {found[_TASK]} of {found[_COUNT]} from {found[_FIRST]} to {found[_LAST]} in steps of "
            f"{found[_STEP]} leaves shares out; expected an array such as 0-7, or give i/n"
        )
    return index + 1, found[_COUNT]


def usable_cores(environment: Mapping[str, str]) -> int:
    """Cores of this process: those of its affinity, and no more than Slurm gave the task."""
    try:
        here = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        here = os.cpu_count() or 1
    given = environment.get(_CORES, "")
    return min(here, int(given)) if given.isdecimal() and int(given) else here
