"""What a training run tells its user: progress with time left, a log of losses, warnings and a plot."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..io.atomic import replacing
from .checkpoints import LOG, read_log

_CRITICS = ("discriminator", "critic")


class Watch:
    """Reads losses as they come and names what goes wrong, once each.

    Divergence: a loss that is not finite, or whose running mean rises far above its best. A discriminator that wins:
    its loss stays near 0, or it scores nearly every real sample above every generated one, and the generator learns
    nothing more; one that loses ranks them worse than chance. A collapse: the samples' spread falls to a fraction of
    the data's and of its own best, or samples at the same condition are all alike.
    """

    patience = 50

    def __init__(self) -> None:
        self.mean: dict[str, float] = {}
        self.best: dict[str, float] = {}
        self.scale: dict[str, float] = {}
        self.seen: dict[str, int] = {}
        self.won: dict[str, int] = {}
        self.apart = 0.5
        self.records = self.winning = self.losing = 0
        self.widest = 0.0
        self.said: set[tuple[str, str]] = set()

    def phase(self) -> None:
        """Forget the losses of the phase before: those of another one have another size."""
        for numbers in (self.mean, self.best, self.scale, self.seen, self.won):
            numbers.clear()

    def losses(self, losses: Mapping[str, float]) -> list[str]:
        """Warnings that these losses give rise to."""
        warnings = []
        for name, loss in losses.items():
            if not math.isfinite(loss):
                warnings += self._say(name, "nan", f"{name}: loss is {loss}; it diverges, lower the learning rate")
                continue
            count = self.seen[name] = self.seen.get(name, 0) + 1
            mean = self.mean[name] = loss if count == 1 else 0.9 * self.mean[name] + 0.1 * loss
            scale = self.scale[name] = max(self.scale.get(name, 0.0), abs(loss)) if count <= 20 else self.scale[name]
            if count >= 10:
                best = self.best[name] = min(self.best.get(name, mean), mean)
                if mean - best > 10.0 * max(scale, 1e-3):
                    text = f"{name}: loss rose from {best:.3g} to {mean:.3g}; it diverges, lower the learning rate"
                    warnings += self._say(name, "rise", text)
            if any(critic in name for critic in _CRITICS):
                self.won[name] = self.won.get(name, 0) + 1 if 0.0 <= mean < 0.02 else 0
                if self.won[name] >= self.patience:
                    text = f"{name}: loss stays at {mean:.2g}; it wins, weaken it or lower its learning rate"
                    warnings += self._say(name, "wins", text)
        return warnings

    def separation(self, value: float) -> list[str]:
        """Warnings that this share of pairs in which the discriminator tells real from generated gives rise to."""
        self.records += 1
        self.apart = 0.9 * self.apart + 0.1 * value
        self.winning = self.winning + 1 if self.apart > 0.98 else 0
        self.losing = self.losing + 1 if self.apart < 0.47 and self.records > self.patience else 0
        told = f"it ranks {self.apart:.0%} of (real, generated) pairs rightly"
        if self.winning >= self.patience:
            return self._say("balance", "wins", f"discriminator: {told}; it wins, weaken it or lower its learning rate")
        if self.losing >= self.patience:
            return self._say("balance", "loses", f"discriminator: {told}; the generator fools it, strengthen it")
        return []

    def diversity(self, value: float, at_a_condition: float | None = None) -> list[str]:
        """Warnings that a spread of generated samples, in units of the data's, gives rise to.

        Parameters
        ----------
        value : float
            Over all conditions.
        at_a_condition : float, optional
            Between two samples of each condition.
        """
        self.widest = max(self.widest, min(value, 1.0))
        warnings = []
        if not (math.isfinite(value) and value >= min(0.5 * self.widest, 0.5) and value > 0.05):
            text = f"samples: their spread is {value:.2g} of the data's, {self.widest:.2g} at best"
            warnings += self._say("samples", "collapse", f"{text}; the generator collapses (mode collapse)")
        if at_a_condition is not None and at_a_condition < 0.01:
            text = f"samples: two draws at a condition differ by {at_a_condition:.2g} of the data's spread"
            warnings += self._say("samples", "ignores", f"{text}; the generator ignores its noise (mode collapse)")
        return warnings

    def _say(self, name: str, what: str, text: str) -> list[str]:
        if (name, what) in self.said:
            return []
        self.said.add((name, what))
        return [text]


class Log:
    """Appends one JSON line a record and flushes it; ranks other than 0 write nothing."""

    def __init__(self, run_dir: Path, active: bool = True) -> None:
        self._file = (run_dir / LOG).open("a") if active else None

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record."""
        if self._file is not None:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class Progress:
    """A progress bar on stderr with the losses and the time left; plain lines where stderr is no terminal."""

    def __init__(self, total: int, done: int, active: bool = True) -> None:
        self.total, self.first, self.active = total, done, active
        self.started = self.shown = time.monotonic()
        self.bar: Any = None
        if active and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as RichProgress

            self.bar = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                refresh_per_second=2,
            )
            self.task = self.bar.add_task("training", total=total, completed=done)
            self.bar.start()

    def due(self) -> bool:
        """Whether it is time to show the losses again."""
        return self.active and time.monotonic() - self.shown > (0.5 if self.bar is not None else 20.0)

    def show(self, done: int, phase: str, losses: Mapping[str, float]) -> None:
        """Show how far the run is."""
        self.shown = time.monotonic()
        text = f"{phase}  " + "  ".join(f"{name} {loss:.4g}" for name, loss in losses.items())
        if self.bar is not None:
            self.bar.update(self.task, completed=done, description=text)
        elif self.active:
            elapsed = self.shown - self.started
            left = elapsed / max(done - self.first, 1) * (self.total - done)
            print(f"training {done}/{self.total}  {text}  {left / 60:.1f} min left", file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Print a warning above the bar."""
        if self.bar is not None:
            self.bar.console.print(f"warning: {text}", style="yellow", highlight=False)
        elif self.active:
            print(f"warning: {text}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.stop()


def plot_losses(run_dir: Path) -> Path:
    """Draw ``losses.png`` from the run's log: each submodule's loss over all phases, smoothed, phases marked."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = [record for record in read_log(run_dir) if "losses" in record]
    names = list(dict.fromkeys(name for record in records for name in record["losses"]))
    figure = Figure(figsize=(7, 2.2 * max(len(names), 1)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(max(len(names), 1), 1, sharex=True, squeeze=False)[:, 0]
    starts = [i for i, r in enumerate(records) if i and r["phase"] != records[i - 1]["phase"]]
    for axis, name in zip(axes, names, strict=False):
        points = [(i, r["losses"][name]) for i, r in enumerate(records) if name in r["losses"]]
        smooth, level = [], points[0][1]
        for _, loss in points:
            level = 0.95 * level + 0.05 * loss if math.isfinite(loss) else level
            smooth.append(level)
        axis.plot([i for i, _ in points], [loss for _, loss in points], color="0.8", linewidth=0.6)
        axis.plot([i for i, _ in points], smooth, color="C0", linewidth=1.2)
        axis.set_ylabel(f"loss of {name}")
        for start in starts:
            axis.axvline(start, color="0.5", linestyle=":", linewidth=0.8)
    axes[-1].set_xlabel("logged update")
    path = run_dir / "losses.png"
    with replacing(path, overwrite=True) as partial:
        figure.savefig(partial, dpi=120, format="png")
    return path
