"""Samples from a simulator into a file, a pipe, or a folder of shards; whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.remarks import Heard
from ..io import NETCDF, FormatError, OutputError
from ..io.manifest import MANIFEST, as_json, finished
from ..io.shards import Shards
from ..provenance import machine, versions
from ..registry import portable, resolve
from .engines import done_by
from .files import formats_of
from .jobs import Job
from .outputs import STDOUT, check_target, chosen_format, write_options
from .part_sizes import Bytes, samples_of

if TYPE_CHECKING:
    import xarray as xr

    from ..counting import Counter
    from ..io import Format
    from ..io.locks import Lock


@dataclass
class Summary:
    """What was written: samples, where they come from, the largest residual of each law, sums, and what to warn of."""

    plugin: str
    samples: int = 0
    heard: Heard = field(default_factory=lambda: Heard(()))
    residuals: dict[str, float] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)

    def watch(self, blocks: Iterator[xr.Dataset], progress: Counter | None = None) -> Iterator[xr.Dataset]:
        """Pass blocks on, and note what they hold."""
        for block in blocks:
            yield block
            rows = int(block.sizes["sample"])
            self.samples += rows
            self.heard.look(block)
            for name in self.totals:
                self.totals[name] += float(block[name].values.sum())
            for name, value in block.attrs.items():
                if str(name).startswith("residual_"):
                    law = str(name).removeprefix("residual_")
                    self.residuals[law] = max(self.residuals.get(law, 0.0), float(value))
            if "source" in block:
                labels = str(block["source"].attrs["flag_meanings"]).split()
                for code, count in zip(*np.unique(block["source"].values, return_counts=True), strict=True):
                    self.sources[labels[code]] = self.sources.get(labels[code], 0) + int(count)
            if progress is not None:
                progress.advance(rows)

    def absorb(self, other: Summary) -> None:
        """Add what another process wrote."""
        self.heard.absorb(other.heard)
        for law, value in other.residuals.items():
            self.residuals[law] = max(self.residuals.get(law, 0.0), value)
        for label, count in other.sources.items():
            self.sources[label] = self.sources.get(label, 0) + count

    def attributes(self) -> dict[str, float]:
        """The largest residuals of all blocks, as Dataset attributes."""
        return {f"residual_{law}": value for law, value in self.residuals.items()}


def write(
    job: Job,
    output: str,
    *,
    format_name: str | None,
    part_size: int | Bytes,
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
        In place of the suffix's format; on stdout the first that streams by default, in a folder one that holds one
        sample a file, in place of shards.
    part_size : int or Bytes
        Samples in each part of a folder, or the bytes of a part at the least.
    compression : str, optional
        For the formats that know it.
    overwrite, resume : bool
    progress : Progress

    Raises
    ------
    FormatError, OutputError
    """
    summary = Summary(job.plugin.name, heard=Heard(job.plugin.remarks), totals=dict.fromkeys(job.plugin.totals, 0.0))
    if output != STDOUT and (output.endswith(("/", "\\")) or Path(output).is_dir()):
        chosen = formats_of(job.plugin).named(format_name) if format_name is not None else None
        if chosen is not None and not chosen.one_sample_a_file and chosen is not NETCDF:
            raise FormatError(
                f"--format {format_name}: a folder holds NetCDF-4 shards, or a file for each sample in a format of one "
                "sample a file; give a file name, or convert afterwards"
            )
        single = chosen if chosen is not None and chosen.one_sample_a_file else None
        if single is not None:
            write_options(single, compression=compression)
        _write_folder(job, Path(output), single, part_size, compression, overwrite, resume, summary, progress)
        return summary
    if job.scheduler is not None:
        raise FormatError(f"--scheduler: {output} is one file, which one process writes; give a folder (out/)")
    if resume:
        raise FormatError(
            f"--resume: {output} is one file, which is written whole or not at all; give a folder (out/) to resume"
        )
    formats = formats_of(job.plugin)
    chosen = chosen_format(formats, output, format_name)
    if chosen.one_sample_a_file and job.share_size != 1:
        raise FormatError(
            f"{output}: the format {chosen.name} holds one sample a file, {job.share_size:,} are asked; give a folder, "
            f"-o {Path(output).stem}/ --format {chosen.name}"
        )
    check_target(output, chosen, overwrite=overwrite)
    options = write_options(chosen, compression=compression, final_attrs=summary.attributes)
    blocks = summary.watch(job.blocks(*job.share), progress)
    chosen.write(blocks, STDOUT if output == STDOUT else Path(output), overwrite=overwrite, **options)
    return summary


def _write_folder(
    job: Job,
    folder: Path,
    single: Format | None,
    part_size: int | Bytes,
    compression: str | None,
    overwrite: bool,
    resume: bool,
    summary: Summary,
    progress: Counter,
) -> None:
    batch = job.simulator.batch
    cut: dict[str, Any] = {}
    if isinstance(part_size, Bytes):
        if single is not None:
            raise FormatError(
                f"--part-size {part_size}: in the format {single.name} each sample is a file of its own; expected a "
                "number of samples"
            )
        cut = {"part_bytes": part_size.number}
        join = resume or job.shard[1] > 1
        part_size = samples_of(job, part_size, folder, join=join, compression=compression or "none")
    if part_size % batch:
        above = -(-part_size // batch) * batch
        below = f"{above - batch:,} or " if above > batch else ""
        raise FormatError(
            f"--part-size {part_size}: {job.plugin.name} computes {batch:,} samples at a time, and a part holds whole "
            f"batches, so that its bits are those of any other run; expected {below}{above:,}"
        )
    parts = max(1, -(-job.size // part_size))
    share, shares = job.shard
    if shares > parts:
        raise FormatError(
            f"--shard {share}/{shares}: the run has {parts} parts of {part_size} samples; give a smaller --part-size"
        )
    _check_folder(folder, overwrite=overwrite, join=resume or shares > 1)
    mine = range(share - 1, parts, shares)
    progress.total = sum(min(part_size, job.size - index * part_size) for index in mine)
    options = {"compression": compression or "none", "rows_per_file": part_size}
    made = job.provenance(part_size, compression or "none") | cut
    made |= {"format": single.name} if single is not None else {}
    shards = Shards(folder, parts, as_json(made), options, job.shard, single)
    with shards.begun(resume=resume, overwrite=overwrite) as lock:
        if job.scheduler is not None or job.workers > 1 and len(mine) >= job.workers:
            done_by(
                _Parts.of(job, shards, lock, part_size),
                mine,
                workers=job.workers,
                scheduler=job.scheduler,
                on_result=summary.absorb,
                on_count=lambda count: progress.update(min(part_size * count, progress.total or 0)),
            )
            summary.samples = progress.total
            return

        written = 0

        def count(_: int, rows: int) -> None:
            nonlocal written
            written += rows
            progress.update(written)

        _write_parts(job, shards, lock, part_size, mine, summary=summary, progress=progress, on_part=count)
        summary.samples = written


def _check_folder(folder: Path, *, overwrite: bool, join: bool) -> None:
    if (folder / MANIFEST).exists():
        if not overwrite and not join:
            raise OutputError(f"{folder} holds a run already; give --resume, --overwrite or another folder")
    elif folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{folder} is not empty and holds no run; choose another folder")


@dataclass(frozen=True)
class _Parts:
    """Parts of a run, as other processes write them; see `surrogates.sampling.work.Work`."""

    job: Job
    shards: Shards
    lock: Lock
    part_size: int
    name: str = "sampling"

    @classmethod
    def of(cls, job: Job, shards: Shards, lock: Lock, part_size: int) -> _Parts:
        """What is sent: the plugin by its name, paths that do not depend on the working directory."""
        sent = replace(job, plugin=portable(job.plugin, job.simulator.card), workers=1, scheduler=None)  # type: ignore[arg-type]
        shards = replace(shards, folder=shards.folder.absolute())
        return cls(sent, shards, replace(lock, path=lock.path.absolute()), part_size)

    def do(self, items: Sequence[int]) -> Summary:
        job = replace(self.job, plugin=resolve(self.job.plugin))
        if job.simulator.card is not None and job.simulator.threads is None:
            import torch

            torch.set_num_threads(1)
        summary = Summary(job.plugin.name, heard=Heard(job.plugin.remarks))
        _write_parts(job, self.shards, self.lock, self.part_size, items, summary=summary)
        return summary

    def missing(self, items: Sequence[int]) -> list[int]:
        return [index for index in items if finished(self.shards.folder, index) is None]

    def tidy(self) -> None:
        self.shards.remove_leftovers()

    def facts(self) -> dict[str, Any]:
        card = self.job.simulator.card
        known = {"weights_sha256": card.sha256} if card is not None else {}
        return {**versions(resolve(self.job.plugin)), **known, **machine(self.job.simulator)}


def _write_parts(
    job: Job,
    shards: Shards,
    lock: Lock,
    part_size: int,
    parts: Sequence[int],
    *,
    summary: Summary | None = None,
    progress: Counter | None = None,
    on_part: Callable[[int, int], None] | None = None,
) -> None:
    """Write the parts that are not there; the largest residuals of each stand in its attributes, however it is cut."""
    part = Summary(job.plugin.name)

    def blocks_of(index: int) -> Iterator[xr.Dataset]:
        part.residuals.clear()
        blocks = part.watch(job.blocks(index * part_size, min((index + 1) * part_size, job.size)))
        return blocks if summary is None else summary.watch(blocks, progress)

    shards.write(blocks_of, lock, parts, machine=machine(job.simulator), final_attrs=part.attributes, on_part=on_part)
