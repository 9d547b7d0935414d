"""`surrogates augment`: whether a classifier of one's labels gains or loses by generated items beside real ones."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from ..counting import Counter
from ..io import FormatError, OutputError
from ..sampling import opening
from ..sampling.files import read_whole
from .files import FILE
from .output import announce, columns

if TYPE_CHECKING:
    import xarray as xr

    from ..reporting.augmentation import Gains
    from ..sampling.surrogate import Surrogate

MOST = 1000
"""Real items of the plugin's own truth, where no data are given."""

HELD_BACK = 4
"""One in so many real items of a file tests, where nothing else does."""


@click.command("augment")
@click.argument("name")
@click.option("--model", metavar="RECIPE", help="The recipe; the plugin's first by default.")
@click.option(
    "--weights", type=FILE, metavar="PATH", help="In place of the released weights: a file or a run's folder."
)
@click.option(
    "--data",
    type=FILE,
    metavar="PATH",
    help="Real items to learn from: a file of samples, or a folder as `train --data` takes it; the plugin's own "
    "held-out truth otherwise.",
)
@click.option(
    "--test",
    type=FILE,
    metavar="FILE",
    help="Real items to be tested on; otherwise the plugin's held-out truth where it has the same labels, or a "
    "quarter of the data.",
)
@click.option("--label", metavar="CONDITION", help="The condition to be told, where several have labels.")
@click.option("-n", "n", type=click.IntRange(min=8), help="Real items to learn from, and as many to be tested on.")
@click.option(
    "--generated", type=click.IntRange(min=2), default=480, show_default=True, help="Generated items of each kind."
)
@click.option("--repeats", type=click.IntRange(min=2), default=5, show_default=True, help="Trainings of each kind.")
@click.option("--updates", type=click.IntRange(min=1), default=200, show_default=True, help="Of each training.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("-o", "--output", type=FILE, metavar="PATH", help="A figure too; .png, .pdf or .svg.")
@click.option("--overwrite", is_flag=True, help="Replace the figure.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def augment_command(
    name: str,
    model: str | None,
    weights: Path | None,
    data: Path | None,
    test: Path | None,
    label: str | None,
    n: int | None,
    generated: int,
    repeats: int,
    updates: int,
    seed: int,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a classifier on 1, 5, 20 and 100 % of real items, with and without generated ones of plugin NAME.

    surrogates augment medical-images -o gain.png
    """
    from ..reporting.augmentation import gains, gains_figure
    from ..reporting.page import PICTURES, write_figure
    from ..sampling.augmentation import label_of

    if output is not None and output.suffix.lower() not in PICTURES:
        raise FormatError(f"{output}: unknown suffix ({output.suffix or 'none'}); expected .png, .pdf or .svg")
    if output is not None and output.exists() and not overwrite:
        raise OutputError(f"{output} exists already; choose another name or give --overwrite")
    surrogate = opening.load(name, model=model, weights=weights)
    told = label_of(surrogate.conditions, label)
    with Counter("real items", None) as progress:
        real, held, remarks = _real_items(surrogate, told, data, test, n, seed)
        found = gains(
            surrogate,
            real,
            held,
            label=told,
            generated=generated,
            seeds=repeats,
            updates=updates,
            seed=seed,
            progress=lambda done, total, what: progress.update(done, total, what),
        )
        if output is not None:
            progress.stage("drawing")
            write_figure(gains_figure(found, f"{name}/{surrogate.card.recipe}: {told}"), output)
    facts = {"plugin": name, "recipe": surrogate.card.recipe, "remarks": remarks, **found.to_json()}
    announce(_text(found, remarks, output), facts, as_json=as_json)


def _real_items(
    surrogate: Surrogate, label: str, data: Path | None, test: Path | None, n: int | None, seed: int
) -> tuple[xr.Dataset, xr.Dataset, list[str]]:
    """Items to learn from, items to be tested on, and where they come from."""
    from ..reporting.held_out import HELD_OUT_SEED, asked_at

    plugin = surrogate.plugin
    size = n or min(asked_at(plugin), MOST)
    own = HELD_OUT_SEED + 2 * seed  # a truth of this seed and of the next share no item
    if data is None:
        real, remarks = plugin.truth(size, own), ["real items: the plugin's held-out truth, which no training saw"]
    else:
        real = _read(surrogate, data)
        remarks = [f"real items: {data}; the generator may have learned from some of them"]
    if test is not None:
        return _some(real, n, seed), read_whole(test, plugin), [*remarks, f"tested on {test}"]
    if data is None or _labels(plugin.truth(2, own + 1), label) == _labels(real, label):
        held = plugin.truth(size, own + 1)
        return _some(real, n, seed), held, [*remarks, "tested on the plugin's held-out truth, which no training saw"]
    order = np.random.default_rng([seed, 11]).permutation(real.sizes["sample"])
    cut = len(order) // HELD_BACK
    return (
        _some(real.isel(sample=order[cut:]), n, seed),
        real.isel(sample=order[:cut]),
        [
            *remarks,
            "tested on a quarter of the same data, which the generator may have learned from: gains are too large",
        ],
    )


def _read(surrogate: Surrogate, path: Path) -> xr.Dataset:
    """Samples of a file, or what `train --data` would learn from in a folder."""
    recipe = surrogate.plugin.recipes[surrogate.card.recipe]
    if not path.is_dir() or recipe.learns is None or (path / "manifest.json").exists():
        return read_whole(path, surrogate.plugin)
    with tempfile.TemporaryDirectory() as kept:
        found, *_ = recipe.learns(path, Path(kept))
    return found


def _labels(samples: xr.Dataset, label: str) -> str:
    return str(samples[label].attrs.get("flag_meanings", "")) if label in samples else ""


def _some(samples: xr.Dataset, n: int | None, seed: int) -> xr.Dataset:
    """So many rows at random, or all."""
    if n is None or n >= samples.sizes["sample"]:
        return samples
    return samples.isel(sample=np.sort(np.random.default_rng([seed, 12]).permutation(samples.sizes["sample"])[:n]))


def _text(found: Gains, remarks: list[str], output: Path | None) -> str:
    rows = []
    for row in found.rows:
        gain = f"{row.gain:+.3f} ± {row.error:.3f}"
        said = "(other starts of the network)" if row.way == "real alone" else row.verdict
        rows.append(
            (
                f"{100 * row.share:g} %",
                str(row.items),
                row.way,
                f"{row.accuracy:.3f}",
                f"{row.balanced:.3f}",
                gain,
                said,
            )
        )
    heads = ("share", "items", "learned from", "accuracy", "balanced", "gain, 95 %", "")
    notes = [
        *remarks,
        f"{found.test:,} test items, the most frequent label {found.majority:.3f} of them",
        f"{found.generated:,} generated items of each kind, half of each batch; {found.seeds} trainings of "
        f"{found.updates} updates of each row",
    ]
    return "\n\n".join(
        (columns(heads, rows), "\n".join(f"note: {line}" for line in notes) + (f"\nfigure: {output}" if output else ""))
    )
