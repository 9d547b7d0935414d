"""Timings of a benchmark: rates, ratios to the reference, and their JSON, Markdown and figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..release.cards import Speed
from .calls import CallCosts, worthwhile_from

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Timing:
    """How fast one side ran on so many cores.

    Attributes
    ----------
    side : str
    samples : int
    cpu_seconds, wall_seconds : float
        Of the sampling calls alone, decoding and laws included, files and warm-up not.
    cores : int
        Processes of one thread each.
    batch : int
        Samples a call, or the surrogate's own batch where it has one.
    rates : tuple of float
        Samples per CPU-second in each round.
    warm_up_seconds : float
        CPU-seconds of the first call, which is not counted.
    write_seconds, write_megabytes : float
        CPU-seconds and size of one call's samples written as HDF5, per 1000 samples.
    note : str
    """

    side: str
    samples: int
    cpu_seconds: float
    wall_seconds: float
    cores: int
    batch: int
    rates: tuple[float, ...] = ()
    warm_up_seconds: float = 0.0
    write_seconds: float = float("nan")
    write_megabytes: float = float("nan")
    note: str = ""

    @property
    def per_cpu_second(self) -> float:
        """Samples per CPU-second."""
        return self.samples / self.cpu_seconds if self.cpu_seconds > 0 else float("nan")

    @property
    def per_wall_second(self) -> float:
        """Samples per second of wall time."""
        return self.samples / self.wall_seconds if self.wall_seconds > 0 else float("nan")

    @property
    def spread(self) -> float:
        """Standard error of the rate over rounds, samples per CPU-second."""
        return float(np.std(self.rates, ddof=1) / np.sqrt(len(self.rates))) if len(self.rates) > 1 else float("nan")


@dataclass(frozen=True)
class Benchmark:
    """Timings of one run and what they were taken on."""

    plugin: str
    conditions: str
    timings: tuple[Timing, ...]
    hardware: str
    packages: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    calls: tuple[CallCosts, ...] = ()

    def worthwhile_from(self, side: str = "surrogate") -> int | None:
        """Fewest samples a call from which `side` is cheaper than the reference; None for never, or not timed."""
        costs = {cost.side: cost for cost in self.calls}
        if side not in costs or "reference" not in costs:
            return None
        return worthwhile_from(costs[side], costs["reference"])

    def ratio(self, side: str, to: str = "reference", cores: int = 1) -> float:
        """How many times faster per CPU-second `side` is than `to` on so many cores."""
        rates = {timing.side: timing.per_cpu_second for timing in self.timings if timing.cores == cores}
        return rates[side] / rates[to]

    def speeds(self) -> tuple[Speed, ...]:
        """The card's rows."""
        return tuple(
            Speed(t.side, t.samples, t.cpu_seconds, t.wall_seconds, t.cores, t.batch, self.hardware)
            for t in self.timings
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data, ratios to the reference included; numbers that are not finite become None."""
        rows = []
        for timing in self.timings:
            row = asdict(timing) | {
                "per_cpu_second": timing.per_cpu_second,
                "per_cpu_second_error": timing.spread,
                "per_wall_second": timing.per_wall_second,
                "times_reference": self._times_reference(timing),
            }
            rows.append({key: None if value != value else value for key, value in row.items()})
        return asdict(self) | {"timings": rows}

    def to_markdown(self) -> str:
        """A table and the notes."""
        head = (
            "| side | cores | samples | batch | per CPU-second | x reference | per second of wall time "
            "| warm-up, CPU-s | HDF5, CPU-s per 1000 | MB per 1000 |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
        )
        rows = [
            f"| {t.side} | {t.cores} | {t.samples:,} | {t.batch:,} | {_rate(t.per_cpu_second)} ± {_rate(t.spread)} "
            f"| {_rate(self._times_reference(t))} | {_rate(t.per_wall_second)} | {_rate(t.warm_up_seconds)} "
            f"| {_rate(t.write_seconds)} | {_rate(t.write_megabytes)} |"
            for t in self.timings
        ]
        noted = dict.fromkeys((t.side, t.note) for t in self.timings if t.note)
        lines = [f"- {side}: {note}" for side, note in noted] + [f"- {note}" for note in self.notes]
        lines += [
            f"- a call of {cost.side} costs "
            + ", ".join(f"{1e3 * spent:.3g} CPU-ms for {size:,}" for size, spent in cost.warm.items())
            + f" samples, the first call of one {1e3 * cost.cold:.3g}"
            for cost in self.calls
        ]
        lines += [
            f"- {cost.side} is cheaper than the reference from {found:,} sample{'s' if found > 1 else ''} a call on"
            for cost in self.calls
            if cost.side != "reference" and (found := self.worthwhile_from(cost.side)) is not None
        ]
        title = f"# {self.plugin}: reference and surrogate in one run\n\n{self.conditions}. {self.hardware}.\n\n"
        return title + head + "\n".join(rows) + "\n\n" + "\n".join(lines) + "\n"

    def figure(self) -> Figure:
        """Samples per CPU-second of every side, on one core and on all."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.0, 0.9 + 0.45 * len(self.timings)), layout="constrained")
        axes = figure.subplots()
        labels = [f"{t.side}, {t.cores} core{'s' if t.cores > 1 else ''}" for t in self.timings]
        colours = [
            "#4c4c4c" if t.side == "reference" else "#0b6e99" if "surrogate" in t.side else "#c9812b"
            for t in self.timings
        ]
        values = [t.per_cpu_second for t in self.timings]
        axes.barh(labels, values, xerr=[0 if t.spread != t.spread else t.spread for t in self.timings], color=colours)
        axes.set_xscale("log")
        axes.invert_yaxis()
        axes.set_xlabel("samples per CPU-second")
        axes.set_title(f"{self.plugin}: {self.conditions}", fontsize=9)
        axes.bar_label(axes.containers[-1], [f" {_rate(v)}" for v in values], fontsize=8)  # type: ignore[arg-type]
        axes.margins(x=0.25)
        return figure

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Write ``benchmark.json``, ``benchmark.md`` and ``benchmark.png`` into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = tuple(folder / f"benchmark.{suffix}" for suffix in ("json", "md", "png"))
        paths[0].write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        paths[1].write_text(self.to_markdown(), encoding="utf-8")
        self.figure().savefig(paths[2], dpi=150)
        return paths

    def _times_reference(self, timing: Timing) -> float:
        base = [t for t in self.timings if t.side == "reference" and t.cores == timing.cores]
        return timing.per_cpu_second / base[0].per_cpu_second if base else float("nan")


def _rate(value: float) -> str:
    if value != value:
        return "—"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
