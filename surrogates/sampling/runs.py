"""Samples from a simulator into a file, a pipe, or a folder of shards; whole or not at all."""

from __future__ import annotations

import hashlib
import inspect
import multiprocessing
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..io import FormatError, OutputError
from ..provenance import machine
from ..registry import portable, resolve
from .files import formats_of

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..counting import Counter
    from ..io import Format, Formats

STDOUT = "-"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Job:
    """What is to be sampled.

    Attributes
    ----------
    plugin : Plugin
    simulator : Surrogate or ReferenceSimulator
    what : int or xarray.Dataset
        A number of samples, or rows of conditions.
    values : mapping
        Conditions by name, with a number.
    seed, first : int
    block : int, optional
        Samples in memory at a time.
    workers : int
        Processes.
    shard : (int, int)
        The i-th of n shares, counted from 1.
    """

    plugin: Plugin
    simulator: Any
    what: int | xr.Dataset
    values: Mapping[str, Any]
    seed: int
    first: int = 0
    block: int | None = None
    workers: int = 1
    shard: tuple[int, int] = (1, 1)

    @property
    def size(self) -> int:
        """Samples of the whole run."""
        return self.what if isinstance(self.what, int) else int(self.what.sizes["sample"])

    @property
    def share_size(self) -> int:
        """Samples of this share of the run, about."""
        start, stop = self.share
        return stop - start

    @property
    def share(self) -> tuple[int, int]:
        """First and last-plus-one sample of this share, cut at whole batches so that the bits stay the same."""
        batch = getattr(self.simulator, "batch", 1)
        batches = -(-self.size // batch)
        index, count = self.shard
        start, stop = ((batches * part // count) * batch for part in (index - 1, index))
        return min(start, self.size), min(stop, self.size)

    def blocks(self, start: int, stop: int) -> Iterator[xr.Dataset]:
        """Blocks of the samples `start` to `stop`; an empty block where there is none."""
        from .parallel import stream_parallel

        first: dict[str, Any] = {"first": self.first + start} if isinstance(self.what, int) else {}
        what = stop - start if isinstance(self.what, int) else self.what.isel(sample=slice(start, stop))
        options: dict[str, Any] = {} if self.block is None else {"block": self.block}
        if self.workers > 1:
            return stream_parallel(
                self.simulator, what, seed=self.seed, workers=self.workers, **options, **first, **self.values
            )
        return self.simulator.stream(what, seed=self.seed, **options, **first, **self.values)

    def provenance(self, part_size: int) -> dict[str, Any]:
        """What made the samples of a folder; all its writers must agree on it."""
        if isinstance(self.what, int):
            conditions = {name: _stated(name, value) for name, value in self.values.items()}
        else:
            columns = {str(name): self.what[name].values for name in self.what.variables}
            conditions = {"table_sha256": _digest(columns)}
        card = getattr(self.simulator, "card", None)
        return {
            "plugin": self.plugin.name,
            "recipe": card.recipe if card is not None else "reference",
            "weights_sha256": card.sha256 if card is not None else None,
            "batch_size": getattr(self.simulator, "batch", None),
            "samples": self.size,
            "first": self.first,
            "seed": self.seed,
            "part_size": part_size,
            "conditions": conditions,
        }


@dataclass
class Summary:
    """What was written: samples, where they come from, and the largest residual of each law."""

    plugin: str
    samples: int = 0
    residuals: dict[str, float] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)

    def watch(self, blocks: Iterator[xr.Dataset], progress: Counter) -> Iterator[xr.Dataset]:
        """Pass blocks on, and note what they hold."""
        for block in blocks:
            yield block
            rows = int(block.sizes["sample"])
            self.samples += rows
            for name, value in block.attrs.items():
                if str(name).startswith("residual_"):
                    law = str(name).removeprefix("residual_")
                    self.residuals[law] = max(self.residuals.get(law, 0.0), float(value))
            if "source" in block:
                labels = str(block["source"].attrs["flag_meanings"]).split()
                for code, count in zip(*np.unique(block["source"].values, return_counts=True), strict=True):
                    self.sources[labels[code]] = self.sources.get(labels[code], 0) + int(count)
            progress.advance(rows)

    def attributes(self) -> dict[str, float]:
        """The largest residuals of all blocks, as Dataset attributes."""
        return {f"residual_{law}": value for law, value in self.residuals.items()}


def write(
    job: Job,
    output: str,
    *,
    format_name: str | None,
    part_size: int,
    compression: str | None,
    overwrite: bool,
    resume: bool,
    progress: Counter,
) -> Summary:
    """Sample and write.

    Parameters
    ----------
    job : Job
    output : str
        A file name, a folder (an existing one, or a name that ends in a slash), or ``-``.
    format_name : str, optional
        In place of the suffix's format; on stdout the first that streams by default.
    part_size : int
        Samples in each part of a folder.
    compression : str, optional
        For the formats that know it.
    overwrite, resume : bool
    progress : Progress

    Raises
    ------
    FormatError, OutputError
    """
    summary = Summary(job.plugin.name)
    if output != STDOUT and (output.endswith(("/", "\\")) or Path(output).is_dir()):
        if format_name is not None:
            raise FormatError(
                f"--format {format_name}: a folder holds NetCDF-4 shards; give a file name, or convert afterwards"
            )
        _write_folder(job, Path(output), part_size, compression, overwrite, resume, summary, progress)
        return summary
    if resume:
        raise FormatError(
            f"--resume: {output} is one file, which is written whole or not at all; give a folder (out/) to resume"
        )
    formats = formats_of(job.plugin)
    chosen = chosen_format(formats, output, format_name)
    check_target(output, chosen, overwrite=overwrite)
    options = write_options(chosen, compression=compression, final_attrs=summary.attributes)
    blocks = summary.watch(job.blocks(*job.share), progress)
    chosen.write(blocks, STDOUT if output == STDOUT else Path(output), overwrite=overwrite, **options)
    return summary


def chosen_format(formats: Formats, output: str, named: str | None) -> Format:
    """The format named, the one of the suffix, or on stdout the first that streams.

    Raises
    ------
    FormatError
        Unknown name or suffix, or nothing that streams.
    """
    if named is not None:
        return formats.named(named)
    if output != STDOUT:
        return formats.for_path(output)
    streaming = next((entry for entry in formats if entry.streams), None)
    if streaming is None:
        raise FormatError(
            f"-o -: no format of this plugin streams to stdout; give a file name ({', '.join(formats.suffixes)})"
        )
    return streaming


def write_options(chosen: Format, *, compression: str | None, **offered: Any) -> dict[str, Any]:
    """The options of a format's `write` among those offered.

    Raises
    ------
    FormatError
        A compression is asked of a format that knows none.
    """
    known = inspect.signature(chosen.write).parameters
    if compression is not None:
        if "compression" not in known:
            raise FormatError(f"--compression {compression}: the format {chosen.name} knows none")
        offered["compression"] = compression
    return {name: value for name, value in offered.items() if name in known}


def check_target(output: str, chosen: Format, *, overwrite: bool) -> None:
    """Refuse an output before anything is computed.

    Raises
    ------
    FormatError
        A format that cannot be streamed to stdout.
    OutputError
        An existing file without `overwrite`.
    """
    if output == STDOUT:
        if not chosen.streams:
            raise FormatError(f"-o -: the format {chosen.name} cannot be streamed to stdout; give a file name")
        if sys.stdout.isatty():
            raise OutputError("-o -: stdout is a terminal; send it into a pipe or a file")
        return
    path = Path(output)
    if path.is_file() and not overwrite:
        raise OutputError(f"{output} exists already; choose another name or give --overwrite")


def _write_folder(
    job: Job,
    folder: Path,
    part_size: int,
    compression: str | None,
    overwrite: bool,
    resume: bool,
    summary: Summary,
    progress: Counter,
) -> None:
    from ..io import write_shards

    batch = getattr(job.simulator, "batch", 1)
    if part_size % batch:
        part_size = -(-part_size // batch) * batch
    parts = max(1, -(-job.size // part_size))
    share, shares = job.shard
    if shares > parts:
        raise FormatError(
            f"--shard {share}/{shares}: the run has {parts} parts of {part_size} samples; give a smaller --part-size"
        )
    _check_folder(folder, overwrite=overwrite, join=resume or shares > 1)
    mine = range(share - 1, parts, shares)
    progress.total = sum(min(part_size, job.size - index * part_size) for index in mine)
    settings = {
        "provenance": job.provenance(part_size),
        "compression": compression or "none",
        "rows_per_shard": part_size,
    }
    if job.workers > 1 and len(mine) >= job.workers:
        write_shards(
            lambda index: (),
            parts,
            folder,
            **settings,
            shard=(parts + 1, parts + 1),
            overwrite=overwrite and not resume,
        )
        _in_processes(job, folder, part_size, parts, settings, progress)
        summary.samples = progress.total
        return

    def blocks_of(index: int) -> Iterator[xr.Dataset]:
        return summary.watch(job.blocks(index * part_size, min((index + 1) * part_size, job.size)), progress)

    written = 0

    def count(_: int, rows: int) -> None:
        nonlocal written
        written += rows
        progress.update(written)

    write_shards(
        blocks_of,
        parts,
        folder,
        **settings,
        machine=machine(job.simulator),
        shard=job.shard,
        resume=resume,
        overwrite=overwrite,
        on_part=count,
    )
    summary.samples = written


def _check_folder(folder: Path, *, overwrite: bool, join: bool) -> None:
    if (folder / MANIFEST).exists():
        if not overwrite and not join:
            raise OutputError(f"{folder} holds a run already; give --resume, --overwrite or another folder")
    elif folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder} is not empty and holds no run; choose another folder")


def _in_processes(
    job: Job, folder: Path, part_size: int, parts: int, settings: dict[str, Any], progress: Counter
) -> None:
    """Let each process write every `workers`-th part of this share; parts are whole files, nothing is passed back."""
    share, shares = job.shard
    context = multiprocessing.get_context("spawn")
    before = set(folder.glob("part-*.nc"))
    sent = replace(job, plugin=portable(job.plugin), workers=1)  # type: ignore[arg-type]
    with ProcessPoolExecutor(job.workers, mp_context=context) as pool:
        futures = [
            pool.submit(
                _write_share, sent, folder, part_size, parts, settings, (share + shares * worker, shares * job.workers)
            )
            for worker in range(job.workers)
        ]
        try:
            while wait(futures, timeout=1.0, return_when=FIRST_EXCEPTION).not_done:
                if any(future.done() and future.exception() for future in futures):
                    break
                progress.update(min(part_size * len(set(folder.glob("part-*.nc")) - before), progress.total or 0))
            for future in futures:
                future.result()
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            raise


def _write_share(
    job: Job, folder: Path, part_size: int, parts: int, settings: dict[str, Any], shard: tuple[int, int]
) -> None:
    from ..io import write_shards

    job = replace(job, plugin=resolve(job.plugin))
    if getattr(job.simulator, "batch", None) is not None and job.simulator.threads is None:
        import torch

        torch.set_num_threads(1)

    def blocks_of(index: int) -> Iterator[xr.Dataset]:
        return job.blocks(index * part_size, min((index + 1) * part_size, job.size))

    write_shards(blocks_of, parts, folder, **settings, machine=machine(job.simulator), shard=shard, resume=True)


def _stated(name: str, value: Any) -> Any:
    """A condition as a manifest states it: as typed, or the digest of a field."""
    return value if isinstance(value, (str, int, float)) else {"sha256": _digest({name: np.asarray(value)})}


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
