"""Figures of galaxy stamps of any size and pixel scale beside their floors, the time an image, and attributes' errors.

python benchmarks/galaxy_stamps.py --size 128 --pixel-scale 0.1 --model learned --model decoder -n 1000
python benchmarks/galaxy_stamps.py --size 64 --attributes --model learned -n 2000

Weights are the released ones, trained on 64 pixels or on parts drawn apart: nothing is trained here. All sides draw
the prior's galaxies, as many of each class, at the same conditions; a second truth gives the floors, and a third says
how many figures GalSim itself meets.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

import surrogates
from surrogates import registry
from surrogates.measuring.classifiers import boosting
from surrogates.measuring.validation import Validation, validate
from surrogates.plugins.galaxy_images.measure import QUANTITIES, features, reduce
from surrogates.plugins.galaxy_images.prior import complete
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS, MORPHOLOGIES
from surrogates.sampling.request import condition_dataset

PLUGIN = "galaxy-images"
SHOWN = ("flux", "radius", "ellipticity", "ks_concentration", "ks_asymmetry", "ks_gini", "ks_m20", "uncovered")
ATTRIBUTES = {"flux": 11.0 * math.log(10.0) / 2.5, "radius": math.log(1.5 / 0.25), "ellipticity": 0.9}
"""Attribute and the width of its declared range: ln of flux (17 to 28 mag), ln of radius, |e|."""


def balanced(count: int, seed: int, **fixed: Any) -> xr.Dataset:
    """Conditions of `count` galaxies, as many of each class, the prior's within it."""
    kinds = np.arange(count) % len(MORPHOLOGIES)
    return complete(CONDITIONS, condition_dataset(CONDITIONS, n=count, check=False, morphology=kinds, **fixed), seed)


def summary(found: Validation) -> dict[str, Any]:
    """Figures of the classes with their floors, and how many of all are met."""
    values = {item.name: item for item in found.findings}
    table = {
        f"{kind}/{name}": (values[f"{kind}/{name}"].value, values[f"{kind}/{name}"].floor)
        for kind in MORPHOLOGIES
        for name in SHOWN
        if f"{kind}/{name}" in values
    }
    judged = [item for item in found.findings if item.passed is not None]
    return {
        "figures": table,
        "met": sum(bool(item.passed) for item in judged),
        "of": len(judged),
        "unmet": sorted(item.name for item in found.unmet),
    }


def attribute_errors(samples: xr.Dataset, truth: xr.Dataset) -> dict[str, dict[str, float]]:
    """Mean squared differences of what the tools find on samples and truth at the same conditions, by class.

    ln of flux and of radius and |e|, each over the width of its declared range, as the literature scales attributes.
    """
    first, second = reduce(samples)["measured"].values, reduce(truth)["measured"].values
    kinds = samples["morphology"].values
    rows = {"all": kinds >= 0, **{name: kinds == code for code, name in enumerate(MORPHOLOGIES)}}
    found: dict[str, dict[str, float]] = {}
    for name, chosen in rows.items():
        found[name] = {
            attribute: float(np.nanmean(((first - second)[chosen, QUANTITIES.index(attribute)] / width) ** 2))
            for attribute, width in ATTRIBUTES.items()
        }
        found[name]["mean"] = float(np.mean(list(found[name].values())))
    return found


def timed(simulator: Any, conditions: xr.Dataset, seed: int) -> tuple[xr.Dataset, float]:
    """Samples and milliseconds of CPU an image, after a first few that warm up."""
    simulator.sample(conditions.isel(sample=slice(0, 16)), seed=seed)
    start = time.process_time()
    drawn = simulator.sample(conditions, seed=seed)
    return drawn, 1e3 * (time.process_time() - start) / conditions.sizes["sample"]


def markdown(result: dict[str, Any]) -> str:
    """The figures as a table: models and the floor side by side."""
    models = list(result["models"])
    lines = ["| figure | floor | " + " | ".join(models) + " |", "|---|--:|" + "--:|" * len(models)]
    for name in result["models"][models[0]]["figures"]:
        values = [result["models"][model]["figures"][name] for model in models]
        lines.append(f"| {name} | {values[0][1]:.3g} | " + " | ".join(f"{value:.3g}" for value, _ in values) + " |")
    met = " | ".join(f"{one['met']} of {one['of']}" for one in result["models"].values())
    auc = " | ".join(f"{one['auc']:.3f}" for one in result["models"].values())
    cost = " | ".join(f"{one['ms']:.1f}" for one in result["models"].values())
    lines += [
        f"| figures met | {result['floor_met']} of {result['floor_of']} | {met} |",
        f"| AUC on measured quantities | {result['floor_auc']:.3f} | {auc} |",
        f"| ms of CPU an image | GalSim {result['reference_ms']:.1f} | {cost} |",
    ]
    for model, one in result["models"].items():
        for kind, errors in one.get("attributes", {}).items():
            told = ", ".join(f"{name} {value:.2g}" for name, value in errors.items())
            lines.append(f"\n{model}, {kind}, mean squared error: {told}")
    return "\n".join(lines)


def auc(first: xr.Dataset, second: xr.Dataset) -> float:
    """Two-sample classifier on the measured quantities."""
    return boosting(features(first)[0], features(second)[0]).auc


@click.command(help=__doc__)
@click.option("--model", "models", multiple=True, default=("learned",), show_default=True)
@click.option("--size", default=128, show_default=True)
@click.option("--pixel-scale", default=0.1, show_default=True)
@click.option("--psf-fwhm", default=0.0, show_default=True, help="Of a Kolmogorov PSF in arcsec; none by default.")
@click.option("-n", "count", default=1000, show_default=True)
@click.option("--seed", default=128, show_default=True)
@click.option("--attributes", is_flag=True, help="Errors of attributes at equal conditions too.")
@click.option("--output", type=click.Path(path_type=Path), help="JSON; beside it the table as Markdown.")
def main(
    models: tuple[str, ...],
    size: int,
    pixel_scale: float,
    psf_fwhm: float,
    count: int,
    seed: int,
    attributes: bool,
    output: Path | None,
) -> None:
    fixed: dict[str, Any] = {"size": size, "pixel_scale": pixel_scale}
    if psf_fwhm:
        fixed |= {"psf": "kolmogorov", **{f"psf_fwhm_{band}": psf_fwhm for band in BANDS}}
    plugin, reference = registry.plugin(PLUGIN), surrogates.reference(PLUGIN)
    asked = balanced(count, seed, **fixed)
    truth, spent = timed(reference, asked, seed)
    second, third = (reference.sample(balanced(count, seed + k, **fixed), seed=seed + k) for k in (1, 4))
    options: dict[str, Any] = {"second_truth": second, "n": count, "classifiers": False, "impostors": False}
    between = summary(validate(plugin, third, truth, **options))
    result: dict[str, Any] = {
        "size": size, "pixel_scale": pixel_scale, "psf_fwhm": psf_fwhm, "n": count, "reference_ms": spent,
        "floor_met": between["met"], "floor_of": between["of"], "floor_auc": auc(second, truth), "models": {},
    }  # fmt: skip
    for model in models:
        samples, cost = timed(surrogates.load(PLUGIN, model=model), asked, seed + 2)
        found = summary(validate(plugin, samples, truth, **options))
        result["models"][model] = found | {"ms": cost, "auc": auc(samples, truth)}
        if attributes:
            result["models"][model]["attributes"] = attribute_errors(samples, truth)
    if attributes:
        again = reference.sample(asked, seed=seed + 3)
        result["attributes_of_the_reference"] = attribute_errors(again, truth)
    print(markdown(result))
    if attributes:
        print("\nGalSim against itself at the same conditions:", json.dumps(result["attributes_of_the_reference"]))
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        output.with_suffix(".md").write_text(markdown(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
