"""Ask what a quark/gluon tagger that learned from surrogate jets is worth on the reference's own.

python benchmarks/jet_tagging.py --folder benchmark/tagging --table docs/jet-tagging.md

Two independent sets of the reference's jets train a tagger each, and sets of the surrogate's at the same types and
transverse momenta; all are judged on the same unseen jets of the reference. Generators exaggerate how far quarks and
gluons are apart: each tagger's area under the curve on jets of its own kind stands beside. Simulated jets are kept in
the folder, and a run that was stopped goes on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr
from sklearn.ensemble import HistGradientBoostingClassifier

import surrogates
from surrogates.measuring.classifiers import area_under_curve, auc_error
from surrogates.physics.jets.simulation import JET_TYPES, concatenate
from surrogates.plugins.jets import measure, reference

TAGGED = ("gluon", "light_quark")
SEED = 161803
"""Of the reference's streams here; neither that of training nor that of the card's figures."""

LIMIT = 0.005
RESAMPLES = 200
WORDS = {
    "high": "boosting on 23 high-level observables",
    "low": "boosting on 30 constituents",
}


def simulated(n: int, seed: int, folder: Path) -> xr.Dataset:
    """The first n jets of each of the two types' natural spectra."""
    streams = [reference.natural_jets(name, n, seed, folder) for name in TAGGED]
    jets, codes = concatenate(streams), np.repeat([JET_TYPES.index(name) for name in TAGGED], n)
    return reference.to_dataset(jets, codes, jets.jet_pt, np.arange(2 * n), seed=seed)


def seen(jets: xr.Dataset) -> dict[str, np.ndarray]:
    """What taggers see of each jet; its type is left out."""
    high, names = measure.features(jets)
    kept = [k for k, name in enumerate(names) if name != "jet_type"]
    array, mask = measure.low_level(jets)
    slots = np.where(mask[..., None], array[..., :3], np.nan).reshape(len(array), -1)
    jet = np.stack([jets[name].values for name in ("jet_pt", "jet_eta", "n_constituents")], axis=-1)
    return {"high": high[:, kept], "low": np.concatenate([slots, jet], axis=-1)}


def is_quark(jets: xr.Dataset) -> np.ndarray:
    """1 for light quarks, 0 for gluons."""
    return (jets["jet_type"].values == JET_TYPES.index("light_quark")).astype(int)


def taught(inputs: np.ndarray, labels: np.ndarray, seed: int) -> HistGradientBoostingClassifier:
    """A tagger that learned from these jets."""
    tagger = HistGradientBoostingClassifier(
        max_iter=150,
        max_leaf_nodes=24,
        min_samples_leaf=50,
        early_stopping=True,  # pyright: ignore[reportArgumentType]
        n_iter_no_change=8,
        random_state=seed,
    )
    return tagger.fit(inputs, labels)


def resampled(scores: dict[str, np.ndarray], labels: np.ndarray) -> dict[str, float]:
    """Standard deviation of each set's difference to `reference` when the judging jets are drawn again."""
    chance, found = np.random.default_rng(SEED), {name: [] for name in scores}
    for _ in range(RESAMPLES):
        rows = chance.integers(0, len(labels), len(labels))
        base = area_under_curve(scores["reference"][rows], labels[rows])
        for name, values in scores.items():
            found[name].append(area_under_curve(values[rows], labels[rows]) - base)
    return {name: float(np.std(values, ddof=1)) for name, values in found.items()}


def measured(sets: dict[str, xr.Dataset], judging: xr.Dataset) -> list[dict[str, Any]]:
    """One dict a kind of tagger and set that taught it; `reference` comes first."""
    labels, judged = is_quark(judging), seen(judging)
    inputs = {name: seen(jets) for name, jets in sets.items()}
    rows = []
    for kind in WORDS:
        scores, own = {}, {}
        for name, jets in sets.items():
            values, truth = inputs[name][kind], is_quark(jets)
            scores[name] = taught(values, truth, SEED).predict_proba(judged[kind])[:, 1]
            half = np.random.default_rng(SEED).permutation(len(truth)) < len(truth) // 2
            tagger = taught(values[half], truth[half], SEED)
            own[name] = area_under_curve(tagger.predict_proba(values[~half])[:, 1], truth[~half])
        spread = resampled(scores, labels)
        base = area_under_curve(scores["reference"], labels)
        for name in sets:
            auc = area_under_curve(scores[name], labels)
            rows.append(
                {
                    "tagger": kind,
                    "taught_by": name,
                    "auc": auc,
                    "error": auc_error(auc, int(labels.sum()), int((1 - labels).sum())),
                    "difference": auc - base,
                    "difference_error": spread[name],
                    "own": own[name],
                    "own_error": auc_error(own[name], len(is_quark(sets[name])) // 4, len(is_quark(sets[name])) // 4),
                }
            )
    return rows


def page(rows: list[dict[str, Any]], number: int, judged: int) -> str:
    """The table in Markdown."""
    lines = [
        "# Quark/gluon taggers that learned from surrogate jets",
        "",
        f"`python benchmarks/jet_tagging.py --folder tagging -n {number} --judged {judged}`: taggers learn from "
        f"{number:,} jets a type and are judged on {judged:,} unseen jets a type of the reference. *Difference* is to "
        "the tagger that the reference taught, its error from "
        f"{RESAMPLES} draws of the judging jets; a second set of the reference's is the floor. Asked: {LIMIT} at most. "
        "*Own* is that of half a set's tagger on its other half: how far apart that simulator has the two types.",
        "",
        "| tagger | taught by | AUC on the reference's jets | difference | own AUC |",
        "|---|---|--:|--:|--:|",
    ]
    for row in rows:
        change = "" if row["taught_by"] == "reference" else f"{row['difference']:+.4f} ± {row['difference_error']:.4f}"
        lines.append(
            f"| {WORDS[row['tagger']]} | {row['taught_by']} | {row['auc']:.4f} ± {row['error']:.4f} | {change} "
            f"| {row['own']:.4f} ± {row['own_error']:.4f} |"
        )
    return "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Keeps simulated jets.")
@click.option("-n", "number", type=click.IntRange(min=200), default=10_000, help="Jets a type that teach a tagger.")
@click.option("--judged", type=click.IntRange(min=200), default=12_000, help="Jets a type that taggers are judged on.")
@click.option("--table", type=click.Path(path_type=Path, dir_okay=False), help="Write the table here as Markdown.")
def main(folder: Path, number: int, judged: int, table: Path | None) -> None:
    simulated_sets = {
        name: simulated(n, SEED + k, folder / name)
        for k, (name, n) in enumerate((("reference", number), ("reference, second set", number), ("judging", judged)))
    }
    judging = simulated_sets.pop("judging")
    asked = simulated_sets["reference"][["jet_type", "jet_pt"]]
    surrogate = surrogates.load("jets")
    sets = {
        **simulated_sets,
        "surrogate": surrogate.sample(asked, seed=SEED),
        "surrogate, chosen from four": surrogate.using(candidates=4).sample(asked, seed=SEED),
    }
    rows = measured(sets, judging)
    text = page(rows, number, judged)
    click.echo(text)
    if table is not None:
        table.write_text(text, encoding="utf-8")
    missed = [row for row in rows if row["taught_by"].startswith("surrogate") and abs(row["difference"]) > LIMIT]
    click.echo(f"{len(missed)} of {2 * len(WORDS)} differences above {LIMIT}")


if __name__ == "__main__":
    main()
