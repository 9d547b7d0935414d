"""Benchmarks: reference, surrogate and cheap alternatives timed in one run, in turns, on the same cores."""

from __future__ import annotations

import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SimulatorMissing, WeightsError
from ..contract.simulator import ELSEWHERE
from ..sampling.request import condition_dataset
from .calls import call_costs
from .timings import Benchmark, Timing

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..contract.schema import Schema
    from ..contract.simulator import Simulator

Conditions = Callable[[int, int], "xr.Dataset"]
"""(n, first sample identity) -> conditions of n samples."""

ROUNDS = 5
REFERENCE_SAMPLES = 100
WRITTEN_SAMPLES = 8192
ROUND_STRIDE = 1 << 20  # sample identities between rounds: a multiple of every batch


@dataclass(frozen=True)
class Contender:
    """One side of a benchmark.

    Attributes
    ----------
    name : str
        "reference", "surrogate" or the name of an alternative.
    simulator : Simulator
        Picklable where more than one core is asked.
    note : str
        What it gets wrong, or why it is here.
    smallest : int
        Fewest samples a call that make sense, e.g. one batch of a surrogate.
    batch : int, optional
        Samples that it computes at a time; those of a call where None.
    """

    name: str
    simulator: Simulator | Any
    note: str = ""
    smallest: int = 100
    batch: int | None = None


def contenders(plugin: str, *, models: Sequence[str] | None = None, reference: bool = True) -> tuple[Contender, ...]:
    """The reference of a plugin, and a surrogate for each recipe that has weights.

    Parameters
    ----------
    plugin : str
    models : sequence of str, optional
        Recipes; by default every one with weights that takes and gives what the first does. The plugin's default
        recipe is called "surrogate". All of one race are to take the same conditions.
    reference : bool
        Whether to time the reference; it must be installed.
    """
    from .. import registry
    from ..sampling import opening
    from ..sampling.reference import ReferenceSimulator
    from ..sampling.surrogate import Surrogate

    declared = registry.plugin(plugin)
    found: list[Contender] = []
    served = declared
    default = next(iter(declared.recipes))
    for recipe in models or declared.recipes:
        try:
            simulator: Surrogate = opening.load(plugin, model=recipe, threads=1)
        except WeightsError:
            if models is not None:
                raise
            continue
        if models is None and found and not _alike(simulator.plugin, served):
            continue
        served = served if found else simulator.plugin
        name = "surrogate" if recipe == default else f"surrogate, recipe {recipe}"
        described = declared.recipes[recipe].description
        found.append(Contender(name, simulator, described, smallest=simulator.batch, batch=simulator.batch))
    if reference:
        found.insert(0, Contender("reference", ReferenceSimulator.open(served), smallest=REFERENCE_SAMPLES))
    return tuple(found)


def _alike(one: Plugin, other: Plugin) -> bool:
    """Whether both take and give the same variables."""
    return (one.conditions.names, one.outputs.names) == (other.conditions.names, other.outputs.names)


def prior_conditions(plugin: str) -> Conditions:
    """Conditions from the plugin's prior, with the sample identities that a race asks for."""
    from .. import registry

    declared = registry.plugin(plugin)

    def conditions(n: int, first: int) -> xr.Dataset:
        drawn = declared.prior(declared.conditions, n, first)
        return drawn.assign_coords(sample=np.arange(first, first + n))

    return conditions


def race(
    plugin: str,
    contenders: Sequence[Contender],
    conditions: Conditions,
    *,
    seconds: float = 10.0,
    cores: Sequence[int] = (1,),
    rounds: int = ROUNDS,
    seed: int = 1,
    described: str = "the plugin's prior",
    files: bool = True,
    notes: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
) -> Benchmark:
    """Time every contender in turns.

    Parameters
    ----------
    plugin : str
    contenders : sequence of Contender
    conditions : callable
        (n, first sample identity) -> conditions.
    seconds : float
        CPU-seconds that each contender samples for, on each number of cores, warm-up apart.
    cores : sequence of int
        1 runs in this process on one torch thread; more run that many processes of one thread each.
    rounds : int
        Turns; in each every contender samples `seconds` / `rounds`, in an order that rotates.
    files : bool
        Whether to time writing samples to HDF5, apart from the rates.
    described : str
        What the conditions are, in words.

    Returns
    -------
    Benchmark
    """
    tell = progress or (lambda text: None)
    found: list[Timing] = []
    for count in cores:
        found += _race_on(contenders, conditions, seconds, count, rounds, seed, files, tell)
    made = (
        "samples per CPU-second: sampling calls alone, decoding and laws included; warm-up and files are listed apart",
    )
    return Benchmark(plugin, described, tuple(found), hardware(), versions(), (*made, *notes))


def _race_on(
    contenders: Sequence[Contender],
    conditions: Conditions,
    seconds: float,
    cores: int,
    rounds: int,
    seed: int,
    files: bool,
    tell: Callable[[str], None],
) -> list[Timing]:
    pools = {c.name: _pool(c, cores) if cores > 1 else None for c in contenders}
    try:
        sizes: dict[str, int] = {}
        warm: dict[str, float] = {}
        for c in contenders:
            tell(f"{c.name}: warm-up on {cores} core{'s' if cores > 1 else ''}")
            _, warm[c.name], _ = _turn(c, pools[c.name], conditions, [c.smallest] * cores, 0, seed)
            _, cpu, _ = _turn(c, pools[c.name], conditions, [c.smallest] * cores, c.smallest * cores, seed)
            rate = c.smallest * cores / max(cpu, 1e-6)
            wanted = rate * seconds / rounds / cores
            sizes[c.name] = max(c.smallest, int(wanted) // c.smallest * c.smallest)
        turns: dict[str, list[tuple[int, float, float]]] = {c.name: [] for c in contenders}
        first = ROUND_STRIDE
        for turn in range(rounds):
            start = turn % len(contenders)
            for c in (*contenders[start:], *contenders[:start]):
                tell(f"{c.name}: round {turn + 1} of {rounds}, {cores} core{'s' if cores > 1 else ''}")
                turns[c.name].append(_turn(c, pools[c.name], conditions, [sizes[c.name]] * cores, first, seed))
            first += ROUND_STRIDE
        return [
            _timing(c, turns[c.name], warm[c.name], sizes[c.name], cores, conditions, seed, files) for c in contenders
        ]
    finally:
        for pool in pools.values():
            if pool is not None:
                pool.shutdown(cancel_futures=True)


def _turn(
    contender: Contender,
    pool: ProcessPoolExecutor | None,
    conditions: Conditions,
    sizes: list[int],
    first: int,
    seed: int,
) -> tuple[int, float, float]:
    """Samples, CPU-seconds and wall seconds of one call on each core."""
    starts = first + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    asked = [conditions(size, int(start)) for size, start in zip(sizes, starts, strict=True)]
    wall = time.perf_counter()
    if pool is None:
        cpu = _sampled(contender.simulator, asked[0], seed)
    else:
        cpu = sum(pool.map(_sampled_there, asked, [seed] * len(asked)))
    return sum(sizes), cpu, time.perf_counter() - wall


def _sampled(simulator: Any, conditions: xr.Dataset, seed: int) -> float:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        start, elsewhere = time.process_time(), ELSEWHERE.seconds
        found = simulator.sample(conditions, seed=seed)
        spent = time.process_time() - start + ELSEWHERE.seconds - elsewhere
    finally:
        torch.set_num_threads(before)
    if found.sizes["sample"] != conditions.sizes["sample"]:
        raise RuntimeError(f"sample: {found.sizes['sample']} rows for {conditions.sizes['sample']} asked")
    return spent


_SIMULATOR: Any = None


def _open(simulator: Any) -> None:
    global _SIMULATOR
    _SIMULATOR = simulator


def _sampled_there(conditions: xr.Dataset, seed: int) -> float:
    return _sampled(_SIMULATOR, conditions, seed)


def _pool(contender: Contender, cores: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(cores, mp_context=context, initializer=_open, initargs=(contender.simulator,))


def _timing(
    contender: Contender,
    turns: list[tuple[int, float, float]],
    warm: float,
    size: int,
    cores: int,
    conditions: Conditions,
    seed: int,
    files: bool,
) -> Timing:
    seconds, megabytes = float("nan"), float("nan")
    if files and cores == 1:
        seconds, megabytes = _written(contender.simulator.sample(conditions(contender.smallest, 0), seed=seed))
    return Timing(
        contender.name,
        sum(turn[0] for turn in turns),
        sum(turn[1] for turn in turns),
        sum(turn[2] for turn in turns),
        cores,
        contender.batch or size,
        tuple(turn[0] / max(turn[1], 1e-9) for turn in turns),
        warm,
        seconds,
        megabytes,
        contender.note,
    )


def _written(samples: xr.Dataset) -> tuple[float, float]:
    """CPU-seconds and megabytes of writing samples, repeated to `WRITTEN_SAMPLES`, as HDF5; per 1000 samples."""
    from tempfile import TemporaryDirectory

    from ..io.hdf5_writing import write_hdf5

    with TemporaryDirectory() as folder:
        path = Path(folder) / "samples.h5"
        several = samples.isel(sample=np.resize(np.arange(samples.sizes["sample"]), WRITTEN_SAMPLES))
        start = time.process_time()
        write_hdf5([several], path)
        spent = time.process_time() - start
        thousands = WRITTEN_SAMPLES / 1000.0
        return spent / thousands, path.stat().st_size / 1e6 / thousands


def hardware() -> str:
    """Processor, number of cores and operating system."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def versions() -> dict[str, str]:
    """Versions of the packages that the speed depends on."""
    from importlib import metadata

    found = {"python": platform.python_version()}
    for package in ("surrogates", "torch", "numpy", "pythia8mc", "fastjet", "galsim"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def timed(
    plugin: Plugin,
    *,
    models: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    seconds: float = 10.0,
    cores: Sequence[int] = (1,),
    seed: int = 1,
    rounds: int = 5,
    progress: Callable[[str], None] | None = None,
) -> Benchmark:
    """Race a plugin's reference against its released models.

    Parameters
    ----------
    plugin : Plugin
    models : sequence of str
        Recipes; all that are released where it is empty.
    values : mapping
        Conditions by name; the others are drawn from the prior.
    seconds, cores, rounds, seed, progress
        As for `surrogates.timing.race.race`.

    Raises
    ------
    WeightsError
        No model is released.
    """
    from ..timing.race import contenders, race

    notes = []
    try:
        sides = contenders(plugin.name, models=models or None)
    except SimulatorMissing as error:
        notes.append(f"no reference in this run: {error}")
        sides = contenders(plugin.name, models=models or None, reference=False)
    timed_models = [side.simulator for side in sides if side.name != "reference"]
    if not timed_models:
        from ..registry import entry

        package = next((card.package for card in entry(plugin.name).cards() if card.package), "")
        way = f"pip install {package}" if package else f"train them with `surrogates train {plugin.name}`"
        raise WeightsError(f"{plugin.name}: no released weights to time; {way}")
    given = dict(values or {})
    conditions = _conditions(plugin, timed_models[0].conditions, given, seed)
    calls = call_costs({side.name: side.simulator for side in sides}, conditions, calls=5, patience=seconds / 10.0)
    described = ", ".join(f"{name} {value if np.ndim(value) == 0 else 'from a file'}" for name, value in given.items())
    found = race(
        plugin.name,
        sides,
        conditions,
        seconds=seconds,
        cores=cores,
        rounds=rounds,
        seed=seed,
        described=f"{described}; the rest from the prior" if given else "conditions from the prior",
        notes=notes,
        progress=progress,
    )
    return replace(found, calls=calls)


def _conditions(
    plugin: Plugin, schema: Schema, given: Mapping[str, Any], seed: int
) -> Callable[[int, int], xr.Dataset]:
    def conditions(n: int, first: int) -> xr.Dataset:
        drawn = plugin.prior(schema, n, seed)
        values = {str(name): drawn[name].values for name in drawn.data_vars if name in schema}
        return condition_dataset(schema, n=n, first=first, **{**values, **given})

    return conditions
