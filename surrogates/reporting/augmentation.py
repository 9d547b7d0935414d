"""What generated items are worth to a classifier: trained on few or many real ones, with and without them beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SchemaError
from ..measuring.label_classifier import Beside, Scale, balanced_accuracy, trained_on
from ..plotting.palette import FAINT, of_class
from ..plotting.panels import styled
from ..sampling.augmentation import MIXES, Augmented, Mix, label_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from ..sampling.surrogate import Surrogate

SHARES = (0.01, 0.05, 0.2, 1.0)
"""Of the real training items."""

REAL, PLAIN = "real alone", "mirrored and shifted"
JITTERED = "jittered"
MIXED: Mapping[Mix, str] = {
    "none": "with new samples",
    "noise": "with samples between two of a label",
    "labels": "with samples between labels",
}
"""What stands beside the real items, by how it is mixed."""


@dataclass(frozen=True)
class Row:
    """One way to train at one share of the real items.

    Attributes
    ----------
    share : float
    items : int
        Real ones that it learned from.
    way : str
    accuracy, balanced : float
        Means over the trainings.
    gain, error : float
        Of the balanced accuracy against real items alone, and half the width of its 95 % interval: Student's, from the
        scatter over trainings, each with its own choice of real items, and over test items, added in quadrature. Of
        real items alone the gain is that of other starts of the network, which is what nothing gives.
    """

    share: float
    items: int
    way: str
    accuracy: float
    balanced: float
    gain: float
    error: float

    @property
    def verdict(self) -> str:
        """Gain, loss or neither."""
        return "gain" if self.gain > self.error else "loss" if self.gain < -self.error else "no difference"


@dataclass(frozen=True)
class Gains:
    """What came out, and of what.

    Attributes
    ----------
    rows : tuple of Row
    label : str
    real, test, generated, seeds, updates : int
        Real training items, test items, generated ones of each way, trainings of each row, updates of each.
    majority : float
        Accuracy of always giving the most frequent label.
    """

    rows: tuple[Row, ...]
    label: str
    real: int
    test: int
    generated: int
    seeds: int
    updates: int
    majority: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "rows": [{**row.__dict__, "verdict": row.verdict} for row in self.rows]}


def gains(
    surrogate: Surrogate,
    real: xr.Dataset,
    test: xr.Dataset,
    *,
    label: str | None = None,
    shares: Sequence[float] = SHARES,
    generated: int = 480,
    seeds: int = 5,
    updates: int = 200,
    seed: int = 0,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Gains:
    """Train small classifiers on shares of the real items, with and without generated ones, and test them.

    Parameters
    ----------
    surrogate : Surrogate
    real, test : Dataset
        Real items to learn from and to be tested on, with the label and the outputs.
    label : str, optional
        The condition to be told, where several have labels.
    shares : sequence of float
        Of the real items, at least one of each label.
    generated : int
        Items of each way to mix, as many of each label.
    seeds : int
        Trainings of each row, 2 or more; each has its own choice of real items, the same for every way.
    updates : int
        Of each training, whatever it learns from.
    seed : int
    progress : callable
        Told (done, total, what).

    Raises
    ------
    SchemaError
        No label; real items without it, without all of its labels or without outputs; a share beyond 0 to 1.
    """
    name = label_of(surrogate.conditions, label)
    categories = surrogate.conditions[name].categories or ()
    for what, side in (("real", real), ("test", test)):
        for needed in (name, *surrogate.outputs.names):
            if needed not in side:
                raise SchemaError.about(
                    needed, f"not among the {what} items' variables", f"there, as in samples of {surrogate.plugin.name}"
                )
    if seeds < 2 or updates < 1 or generated < len(categories) or not all(0.0 < share <= 1.0 for share in shares):
        found = f"{seeds} seeds, {updates} updates, {generated} generated, shares {', '.join(map(str, shares))}"
        raise SchemaError.about("gains", found, f"2, 1, {len(categories)} or more, and shares above 0 up to 1")
    codes, truth = (np.asarray(side[name].values, dtype=np.int64) for side in (real, test))
    absent = [word for code, word in enumerate(categories) if code not in codes]
    if absent:
        raise SchemaError.about(name, f"no real item of {absent[0]}", "some of each label", value=absent[0])
    scale = Scale.fit(surrogate.outputs, real)
    inputs, asked = scale(real), scale(test)
    beside = _generated(surrogate, real, name, scale, generated, seed, progress)
    plain = PLAIN if scale.pictures else JITTERED
    ways: dict[str, dict[str, Any]] = {REAL: {}, plain: {"plain": True}}
    ways |= {MIXED[mix]: {"beside": items} for mix, items in beside.items()}
    total, done = len(shares) * (len(ways) + 1) * seeds, 0
    rows: list[Row] = []
    for share in shares:
        right: dict[str, list[np.ndarray]] = {way: [] for way in (*ways, "again")}
        chosen = np.zeros(0, dtype=np.int64)
        for turn in range(seeds):
            chosen = _chosen(codes, share, np.random.default_rng([seed, turn, 3]))
            for way in right:
                start = seed + turn + (seeds if way == "again" else 0)
                options = ways.get(way, {})
                found = trained_on(
                    inputs[chosen], codes[chosen], asked, labels=len(categories), updates=updates, seed=start, **options
                )
                right[way].append((found == truth).astype(np.float64))
                done += 1
                progress(done, total, f"trainings on {share:.3g} of the real items")
        base = np.stack(right[REAL])
        for way in ways:
            own = np.stack(right["again" if way == REAL else way])
            gain, error = _gain(own - base, truth)
            mine = np.stack(right[way])
            balanced = float(np.mean([balanced_accuracy(one, truth) for one in mine]))
            rows.append(Row(share, len(chosen), way, float(mine.mean()), balanced, gain, error))
    majority = float(np.bincount(truth).max() / len(truth))
    count = len(next(iter(beside.values())).inputs)
    return Gains(tuple(rows), name, len(codes), len(truth), count, seeds, updates, majority)


def _generated(
    surrogate: Surrogate, real: xr.Dataset, label: str, scale: Scale, generated: int, seed: int, progress: Any
) -> dict[Mix, Beside]:
    """Inputs and label shares of generated items, by how they are mixed."""
    import xarray as xr

    categories = surrogate.conditions[label].categories or ()
    counts = dict.fromkeys(categories, generated // len(categories))
    mixes: list[Mix] = [mix for mix in MIXES if not (mix == "labels" and surrogate.plugin.limits)]
    made: dict[Mix, Beside] = {}
    total = len(mixes) * sum(counts.values())
    for turn, mix in enumerate(mixes):
        data = Augmented(
            real.isel(sample=slice(0, 0)),
            surrogate,
            counts,
            seed=seed + turn + 1,
            label=label,
            mix=mix,
            variables=(label, *scale.names),
            block=surrogate.batch,
        )
        items = []
        for place in range(len(data)):
            items.append(data[place])
            progress(turn * len(data) + place + 1, total, "generated items")
        told = np.stack([item[label].numpy() for item in items])
        shares = told if mix == "labels" else np.eye(len(categories), dtype=np.float32)[told.astype(np.int64)]
        dims = {name: ("sample", *(f"{name}_{k}" for k in range(items[0][name].ndim))) for name in scale.names}
        arrays = {name: (dims[name], np.stack([item[name].numpy() for item in items])) for name in scale.names}
        made[mix] = Beside(scale(xr.Dataset(arrays)), shares)
    return made


def _chosen(codes: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """A share of the rows of each label, at least one."""
    found = []
    for code in np.unique(codes):
        rows = generator.permutation(np.flatnonzero(codes == code))
        found.append(rows[: max(round(share * len(rows)), 1)])
    return np.concatenate(found)


def _gain(difference: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """Mean difference of balanced accuracies and half the width of its 95 % interval.

    Parameters
    ----------
    difference : ndarray
        (trainings, items): right with less right without.
    codes : ndarray
        (items,).
    """
    from scipy.stats import t as student

    of_seed = np.array([balanced_accuracy(one, codes) for one in difference])
    of_item = difference.mean(axis=0)
    parts = [of_item[codes == code] for code in np.unique(codes)]
    over_items = sum(part.var(ddof=1) / len(part) if len(part) > 1 else 0.0 for part in parts) / len(parts) ** 2
    variance = of_seed.var(ddof=1) / len(of_seed) + over_items
    return float(of_seed.mean()), float(student.ppf(0.975, len(of_seed) - 1) * np.sqrt(variance))


@styled
def gains_figure(found: Gains, title: str) -> Figure:
    """Balanced accuracy by the share of real items, and the gain of each way with its interval."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(8.4, 3.6), layout="constrained")
    left, right = canvas.subplots(1, 2)
    ways = list(dict.fromkeys(row.way for row in found.rows))
    for number, way in enumerate(ways):
        rows = [row for row in found.rows if row.way == way]
        items = np.array([row.items for row in rows], dtype=float)
        left.plot(items, [row.balanced for row in rows], "o-", color=of_class(number), label=way)
        shifted = items * 1.06 ** (number - 0.5 * (len(ways) - 1))
        kind = {"fmt": "x", "alpha": 0.6} if way == REAL else {"fmt": "o"}
        label = "other starts of the network" if way == REAL else way
        right.errorbar(
            shifted,
            [row.gain for row in rows],
            [row.error for row in rows],
            color=of_class(number),
            label=label,
            lw=1.0,
            **kind,
        )  # type: ignore[arg-type]
    right.axhline(0.0, color=FAINT, lw=0.8)
    left.set(xscale="log", xlabel="real items", ylabel="balanced accuracy", title=title)
    right.set(xscale="log", xlabel="real items", ylabel="gain over real items alone, 95 %")
    canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return canvas
