"""Validation: every figure of a plugin beside its floor, its error, its limit and what impostors score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SchemaError
from ..contract.findings import Finding, Target
from . import classifiers as two_sample
from . import impostors as fakes
from .conditions import check_paired
from .image_classifier import image_network
from .memorisation import memorisation
from .resampling import apart, chunks, errors, floor, paired_floor, pooled, rows

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin

Progress = Callable[[str], None]
CLASSIFIERS = ("auc_high_level", "auc_low_level_boosting", "auc_low_level_set_network", "auc_pixels")
MEMORISATION = "memorisation"


@dataclass(frozen=True)
class Validation:
    """What a comparison found.

    Attributes
    ----------
    findings : tuple of Finding
        The samples' figures, each with floor, error and limit.
    baselines : mapping
        Impostor -> its findings against the same truth, floors and limits; at least one must not be met.
    residuals : mapping
        Law -> largest residual over all samples.
    floor_quantiles : mapping
        Figure -> 95 % quantile of the figure between two truths, for context.
    notes : tuple of str
        What a reader must know of how the figures were taken.
    """

    findings: tuple[Finding, ...]
    baselines: Mapping[str, tuple[Finding, ...]]
    residuals: Mapping[str, float]
    floor_quantiles: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def unmet(self) -> tuple[Finding, ...]:
        """Findings that miss their limit."""
        return tuple(finding for finding in self.findings if finding.passed is False)

    @property
    def uncaught(self) -> tuple[str, ...]:
        """Impostors that no figure exposed; a sound set of figures leaves none."""
        return tuple(name for name, found in self.baselines.items() if all(item.passed is not False for item in found))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        from dataclasses import asdict

        return {
            "findings": [asdict(finding) for finding in self.findings],
            "baselines": {name: {item.name: item.value for item in found} for name, found in self.baselines.items()},
            "uncaught_baselines": list(self.uncaught),
            "residuals": dict(self.residuals),
            "floor_quantiles": dict(self.floor_quantiles),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Sides:
    """Both sides of a comparison at one size, and what floors are drawn from."""

    n: int
    pairs: tuple[tuple[np.ndarray, np.ndarray], ...]
    samples: xr.Dataset
    truth: xr.Dataset
    pool: xr.Dataset


def validate(
    plugin: Plugin,
    samples: xr.Dataset,
    truth: xr.Dataset,
    *,
    second_truth: xr.Dataset | None = None,
    training: xr.Dataset | None = None,
    seed: int = 0,
    n: int | None = None,
    classifiers: bool = True,
    impostors: bool = True,
    splits: int = 10,
    resamples: int = 20,
    progress: Progress | None = None,
) -> Validation:
    """Measure how far `samples` are from `truth`.

    Parameters
    ----------
    plugin : Plugin
    samples, truth : xarray.Dataset
        Conditions and outputs. Rows of both should be drawn at the same conditions.
    second_truth : xarray.Dataset, optional
        An independent truth of about the truth's size; at the same conditions row by row of a plugin that has one
        answer for each.
    training : xarray.Dataset, optional
        What the samples' generator was trained on, for memorisation.
    seed : int
        Of every random split.
    n : int, optional
        Samples on each side, in place of the targets' own.
    classifiers, impostors : bool
        Whether to train two-sample classifiers, and to measure impostors.
    splits, resamples : int
        Truth-against-truth pairs for the floors; bootstrap draws for the errors.
    progress : callable, optional
        Called with a line of text at each stage.

    Returns
    -------
    Validation

    Notes
    -----
    A figure is taken at its target's n, or at what the files hold where they hold less; the finding says which. Its
    floor is the mean of the figure over `splits` random pairs of disjoint draws of n from the pooled truths. Where
    these do not hold 2 n samples, as with one truth file, n falls to half of them for the figure *and* its floor, and
    the figure is the mean over the disjoint draws that fit; the notes say so. A figure passes when it is at most the
    target's bound, and at most `floors` times that mean floor; its statistical error is stated and not subtracted. The
    notes also say how many figures one truth misses against another, which is what chance alone does.

    Where the plugin is not `stochastic` all comparisons are row by row: floors are the second truth against the first
    on `splits` draws of n rows, there are none without it, and impostors are compared with the rows they are made of.

    A measure may offer ``reduce(dataset)``, the per-sample quantities that its figures need: these are then computed
    once, and resampled in place of the samples.

    Raises
    ------
    ValueError
        Fewer than 2 samples or 4 truth samples; other conditions of a plugin that has one answer for each.
    """
    for name, dataset, least in (("samples", samples, 2), ("truth", truth, 4)):
        if dataset.sizes.get("sample", 0) < least:
            raise SchemaError(f"{name}: {dataset.sizes.get('sample', 0)} samples; expected {least} or more to compare")
    check_paired(plugin, "samples", samples, truth)
    tell = progress or (lambda text: None)
    reduce = plugin.reduced
    tell("observables")
    reduced = [reduce(samples), reduce(truth)]
    others = []
    if second_truth is not None:
        check_paired(plugin, "second_truth", second_truth, truth)
        others.append(reduce(second_truth))
    pool = pooled([reduced[1], *others])
    spare = pool.sizes["sample"] // 2 if plugin.stochastic else reduced[1].sizes["sample"]

    def compare(first: xr.Dataset, second: xr.Dataset) -> dict[str, float]:
        return {name: float(value) for name, value in plugin.measure(first, second, training).items()}

    sizes = _sizes(plugin, n, min(reduced[0].sizes["sample"], reduced[1].sizes["sample"], spare))
    notes = _notes(plugin, sizes, second_truth is None)
    floors: dict[str, float] = {}
    quantiles: dict[str, float] = {}
    lucky = 0.0
    findings: list[Finding] = []
    judged: dict[int, tuple[str, ...]] = {}
    present: set[str] | None = None
    for size, names in sizes.items():
        if present is not None and names is not None and not present & set(names):
            continue
        tell(f"figures at n = {size}")
        sides = _sides(size, reduced[0], reduced[1], pool, seed)
        values = _mean([compare(rows(sides.samples, a), rows(sides.truth, b)) for a, b in sides.pairs])
        present = set(values) if present is None else present
        mine = tuple(name for name in values if names is None or name in names)
        judged[size] = mine
        tell(f"floors at n = {size}")
        if plugin.stochastic:
            drawn = floor(compare, pool, size, splits=splits, seed=seed)
        else:
            drawn = paired_floor(compare, reduced[1], others, size, splits=splits, seed=seed)
        floors |= {name: float(drawn[name].mean()) for name in mine if name in drawn}
        quantiles |= {name: float(np.quantile(drawn[name], 0.95)) for name in mine if name in drawn}
        lucky += sum(_missed_by_truth(plugin, name, drawn[name]) for name in mine if name in drawn)
        tell(f"errors at n = {size}")
        a, b = sides.pairs[0]
        both = rows(sides.samples, a), rows(sides.truth, b)
        known = errors(compare, *both, resamples=resamples, seed=seed, paired=not plugin.stochastic)
        spread = np.sqrt(len(sides.pairs))
        findings += [
            _finding(plugin, name, values[name], size, floors.get(name), known.get(name, np.nan) / spread)
            for name in mine
        ]
    if floors:
        notes.append(f"of these {len(findings)} figures, one truth against another misses {lucky:.1f} on average")
    if classifiers and plugin.features is not None:
        findings += _classifiers(plugin, samples, truth, second_truth, n, seed, tell)
    if training is not None and plugin.features is not None:
        tell("memorisation")
        findings += _memorisation(plugin, samples, truth, second_truth, training, seed)
    baselines: Mapping[str, tuple[Finding, ...]] = {}
    if impostors:
        baselines = _baselines(plugin, truth, second_truth, reduce, compare, judged, floors, seed, tell)
    tell("laws")
    return Validation(tuple(findings), baselines, residuals(plugin, samples), quantiles, tuple(notes))


def residuals(plugin: Plugin, dataset: xr.Dataset, block: int = 20_000) -> dict[str, float]:
    """Largest residual of each law over all samples, in the law's units, float64."""
    worst = {constraint.name: 0.0 for constraint in plugin.constraints}
    if not worst:
        return worst
    import torch

    for start in range(0, dataset.sizes["sample"], block):
        part = dataset.isel(sample=slice(start, start + block))
        tensors = {
            str(name): torch.from_numpy(array.values.astype("f8" if array.dtype.kind == "f" else "i8"))
            for name, array in part.data_vars.items()
            if array.dtype.kind in "fiub"
        }
        conditions = {name: tensors[name] for name in plugin.conditions.names if name in tensors}
        outputs = {name: tensors[name] for name in plugin.outputs.names if name in tensors}
        for constraint in plugin.constraints:
            largest = float(constraint.residual(outputs, conditions).abs().max())
            worst[constraint.name] = max(worst[constraint.name], largest) if largest == largest else float("nan")
    return worst


def _sizes(plugin: Plugin, n: int | None, available: int) -> dict[int, tuple[str, ...] | None]:
    """Figure names by n, largest n first; None stands for every figure of the first."""
    if n is not None:
        return {min(n, available): None}
    asked: dict[int, list[str]] = {}
    figures = {name: target for name, target in plugin.targets.items() if name not in (*CLASSIFIERS, MEMORISATION)}
    for name, target in figures.items():
        asked.setdefault(min(target.n, available), []).append(name)
    if len(asked) <= 1:
        return {next(iter(asked), available): None}
    return {size: tuple(names) for size, names in sorted(asked.items(), reverse=True)}


def _missed_by_truth(plugin: Plugin, name: str, drawn: np.ndarray) -> float:
    """Share of truth-truth pairs that miss the figure's own limit."""
    target = plugin.targets.get(name)
    if target is None or target.floors is None:
        return 0.0
    return float((drawn > target.floors * drawn.mean()).mean())


def _notes(plugin: Plugin, sizes: Mapping[int, Any], alone: bool) -> list[str]:
    listed = ", ".join(str(size) for size in sizes)
    if not plugin.stochastic:
        floors = "there are no floors" if alone else "floors are the second truth against the first"
        return [f"figures compare samples and truth row by row at the same conditions, n = {listed}; {floors}"]
    notes = [f"figures taken at n = {listed} samples on each side; floors are means over random truth-truth pairs"]
    if alone:
        notes.append("one truth file only: figures and floors are both taken at no more than half its size")
    return notes


def _sides(size: int, samples: xr.Dataset, truth: xr.Dataset, pool: xr.Dataset, seed: int) -> _Sides:
    lengths = [side.sizes["sample"] for side in (samples, truth)]
    if lengths[0] == lengths[1]:
        drawn = [(index, index) for index in chunks(lengths[0], size, seed=seed)]
    else:
        drawn = list(zip(chunks(lengths[0], size, seed=seed), chunks(lengths[1], size, seed=seed + 1), strict=False))
    return _Sides(size, tuple(drawn), samples, truth, pool)


def _mean(found: list[dict[str, float]]) -> dict[str, float]:
    return {
        name: float(np.mean([figures[name] for figures in found if name in figures]))
        for name in dict.fromkeys(name for figures in found for name in figures)
    }


def _finding(
    plugin: Plugin, name: str, value: float, n: int, floor_value: float | None, error: float | None
) -> Finding:
    target = plugin.targets.get(name, Target(n))
    known = error if error is not None and np.isfinite(error) else None
    return Finding.against(name, value, target, n=n, floor=floor_value, error=known)


def _classifiers(
    plugin: Plugin,
    samples: xr.Dataset,
    truth: xr.Dataset,
    second_truth: xr.Dataset | None,
    n: int | None,
    seed: int,
    tell: Progress,
) -> list[Finding]:
    """AUC findings: each classifier on samples against truth, and on two random halves of the pooled truths."""
    found = []
    for name, features, run in _feature_sets(plugin):
        target = plugin.targets.get(name, Target(100_000))
        tell(f"{name}: features")
        mine, true = features(samples), features(truth)
        pool = _joined(true, features(second_truth)) if second_truth is not None else true
        limit = min(n or target.n, _length(mine), _length(true))
        generator = np.random.default_rng([seed, 6])
        order = generator.permutation(_length(pool))
        half = min(limit, len(order) // 2)
        pairs = generator.permutation(min(_length(mine), _length(true)))[:limit]
        tell(f"{name}: samples against truth")
        measured = run(_pick(mine, pairs), _pick(true, pairs), seed)
        tell(f"{name}: truth against truth")
        reference = run(_pick(pool, order[:half]), _pick(pool, order[half : 2 * half]), seed)
        found.append(_finding(plugin, name, measured.auc, limit, reference.auc, measured.error))
    return found


def _feature_sets(plugin: Plugin) -> list[tuple[str, Callable[[Any], Any], Callable[..., two_sample.Separation]]]:
    features = plugin.features
    assert features is not None

    def boosted(first: Any, second: Any, seed: int) -> two_sample.Separation:
        return two_sample.boosting(first, second, seed=seed)

    def networked(first: Any, second: Any, seed: int) -> two_sample.Separation:
        return two_sample.set_network(first, second, seed=seed)

    sets: list[Any] = [(CLASSIFIERS[0], lambda dataset: features.high_level(dataset)[0], boosted)]
    low_level = features.low_level
    if low_level is not None:
        flat = features.flat_low_level or (lambda dataset: _flattened(*low_level(dataset)))
        sets += [(CLASSIFIERS[1], flat, boosted), (CLASSIFIERS[2], low_level, networked)]
    sets += [(CLASSIFIERS[3], features.images, image_network)] if features.images is not None else []
    return sets


def _flattened(array: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Set elements in the order they stand, empty slots NaN."""
    return np.where(mask[..., None], array, np.nan).reshape(len(array), -1)


def _length(features: Any) -> int:
    return len(features[0]) if isinstance(features, tuple) else len(features)


def _pick(features: Any, index: np.ndarray) -> Any:
    return tuple(part[index] for part in features) if isinstance(features, tuple) else features[index]


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, tuple):
        return tuple(np.concatenate(parts) for parts in zip(first, second, strict=True))
    return np.concatenate([first, second])


def _memorisation(
    plugin: Plugin,
    samples: xr.Dataset,
    truth: xr.Dataset,
    second_truth: xr.Dataset | None,
    training: xr.Dataset,
    seed: int,
) -> list[Finding]:
    """Excess share of samples nearest to training; the floor is a truth in the samples' place."""
    assert plugin.features is not None
    tables = [plugin.features.high_level(dataset)[0] for dataset in (samples, training, truth)]
    queries = min(2000, len(tables[0]))
    held_out = tables[2] if second_truth is None else plugin.features.high_level(second_truth)[0]
    value = memorisation(tables[0], tables[1], held_out, seed=seed, queries=queries)
    reference = None
    if second_truth is not None:
        reference = memorisation(tables[2], tables[1], held_out, seed=seed, queries=queries)
    error = float(np.sqrt(0.25 / queries))
    return [_finding(plugin, MEMORISATION, value, queries, reference, error)]


def _baselines(
    plugin: Plugin,
    truth: xr.Dataset,
    second_truth: xr.Dataset | None,
    reduce: Callable[[xr.Dataset], xr.Dataset],
    compare: Callable[[xr.Dataset, xr.Dataset], dict[str, float]],
    judged: Mapping[int, tuple[str, ...]],
    floors: Mapping[str, float],
    seed: int,
    tell: Progress,
) -> dict[str, tuple[Finding, ...]]:
    """Findings of each impostor against the truth at the findings' n.

    An impostor is made from the second truth, or from the half of the only truth that it is not compared with, so that
    it does not profit from sharing rows with what it is compared to.
    """
    makers: dict[str, Callable[[xr.Dataset, int], xr.Dataset]] = {
        "memoriser of 30": lambda dataset, key: fakes.memoriser(plugin, dataset, key),
        "wrong condition": lambda dataset, key: fakes.wrong_condition(plugin, dataset, key),
        "independent variables": lambda dataset, key: fakes.independent_variables(plugin, dataset, key),
        "noise": lambda dataset, key: fakes.noise(plugin, dataset, key),
    }
    if all(np.unique(truth[name].values, axis=0).shape[0] <= 1 for name in plugin.conditions.names):
        del makers["wrong condition"]  # every row has the same conditions: dealing them anew changes nothing
    makers |= dict(plugin.impostors or {})
    found = {}
    for name, maker in makers.items():
        tell(f"impostor: {name}")
        figures: list[Finding] = []
        for size, names in judged.items():
            source, against = apart(truth, second_truth, size, seed=seed, paired=not plugin.stochastic)
            values = compare(reduce(maker(source, seed)), reduce(against))
            figures += [
                _finding(plugin, figure, values[figure], size, floors.get(figure), None)
                for figure in names
                if figure in values
            ]
        found[name] = tuple(figures)
    return found
