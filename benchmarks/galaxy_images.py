"""Time GalSim, the surrogates and cheap alternatives on galaxy images in one run, for the prior's mix and each class.

python benchmarks/galaxy_images.py --seconds 20 --output benchmark/galaxy-images

Every side makes three-band images of 64 x 64 pixels of 0.1 arcsec under a Kolmogorov PSF of 0.7 arcsec. The mix stands
in the folder's ``benchmark.json`` and ``.md``, a class in a folder of its name, and ``classes.md`` compares them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import galaxy_drawing as drawing
import numpy as np
import xarray as xr

import surrogates
from surrogates.plugins.galaxy_images.limits import LIMITS
from surrogates.plugins.galaxy_images.prior import complete
from surrogates.plugins.galaxy_images.surrogate_galaxy import one_at_a_time, surrogate_galaxies
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS, MORPHOLOGIES, OUTPUTS, PSFS
from surrogates.sampling.request import condition_dataset
from surrogates.timing.race import Contender, contenders, race
from surrogates.timing.timings import Benchmark

PLUGIN = "galaxy-images"
PHOTONS = (1_000, 10_000, 100_000)
MIX = "mix"
NOTES = (
    "what makes the reference slow: FFTs of sharp, cuspy or interpolated profiles far larger than the stamp; its parts "
    "are achromatic here, drawn once and scaled to three bands, as the PSF is one in all of them",
    "where the surrogate does not win: single smooth profiles at Sersic indices that GalSim has cached, few photons",
    "DCR drawing: each part has its SED at the galaxy's redshift; the surrogate's PSF is effective per band, colour "
    "gradients inside a band are not modelled",
)


@dataclass(frozen=True)
class OneByOne:
    """A surrogate asked for one galaxy a call."""

    surrogate: Any
    conditions: Any = CONDITIONS
    outputs: Any = OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Each row in a call of its own."""
        parts = [
            self.surrogate.sample(conditions.isel(sample=[row]), seed=seed) for row in range(conditions.sizes["sample"])
        ]
        joined: Any = xr.concat(parts, "sample", combine_attrs="override", data_vars="all")
        return joined


@dataclass(frozen=True)
class DropIn:
    """`SurrogateGalaxy` objects drawn by GalSim in r: sampling, deconvolution, PSF and drawing."""

    surrogate: Any
    conditions: Any = CONDITIONS
    outputs: Any = OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """One image in r a row, in all three bands' place."""
        import galsim

        names = ("morphology", "half_light_radius", "redshift", *(f"magnitude_{band}" for band in BANDS))
        asked: Any = {name: conditions[name].values for name in names}
        psf = galsim.Kolmogorov(fwhm=drawing.FWHM)
        made = surrogate_galaxies(conditions.sizes["sample"], seed=seed, simulator=self.surrogate, psf=psf, **asked)
        images = [drawing.drawn(galsim.Convolve(galaxy, psf)) for galaxy in made]
        return drawing.dataset(conditions, np.stack([images] * len(BANDS), axis=1))


def asked_of(kind: str | None) -> Callable[[int, int], xr.Dataset]:
    """Conditions of a class, or of the prior's mix, seen through the PSF."""
    fixed: Any = {"psf": "kolmogorov", "pixel_scale": drawing.SCALE}
    fixed |= {f"psf_fwhm_{band}": drawing.FWHM for band in BANDS}
    if kind is not None:
        fixed["morphology"] = kind

    def conditions(n: int, first: int) -> xr.Dataset:
        found = complete(CONDITIONS, condition_dataset(CONDITIONS, n=n, first=first, check=False, **fixed), first)
        for limit in LIMITS:
            limit.check(found)
        return found

    return conditions


def sides(kind: str | None, batch: int, models: tuple[str, ...] | None) -> list[Contender]:
    """Every contender of a class; photon shooting where its profiles allow it."""
    found = [replace(side, smallest=20) for side in contenders(PLUGIN, models=models)[:1]]
    for side in contenders(PLUGIN, models=models, reference=False):
        surrogate: Any = side.simulator
        found.append(replace(side, smallest=max(batch, surrogate.batch)))
        if side.name == "surrogate":
            alone = OneByOne(one_at_a_time(surrogate))
            found.append(Contender("surrogate, one galaxy a call", alone, "batches of one slot", smallest=16, batch=1))
            found.append(
                Contender("SurrogateGalaxy in GalSim, one band", DropIn(surrogate), "drop-in object", smallest=64)
            )
    found.append(Contender("GalSim, chromatic with DCR", drawing.Chromatic(), drawing.DCR, smallest=4))
    if kind != "edge_on":
        note = "" if kind is not None else "edge-on discs, which cannot be shot, as exponential discs of equal shape"
        found += [
            Contender(f"GalSim, {photons:,} photons", drawing.PhotonShooting(photons), note, smallest=16)
            for photons in PHOTONS
        ]
    found.append(Contender("torch exponential discs", drawing.TorchExponential(), drawing.SMOOTH, smallest=256))
    return found


def table(found: dict[str, Benchmark]) -> str:
    """Milliseconds of CPU for a three-band image, a row a side and a column a class."""
    names = list(dict.fromkeys(timing.side for benchmark in found.values() for timing in benchmark.timings))
    lines = [f"| ms of CPU a three-band image | {' | '.join(found)} |", f"|---|{'--:|' * len(found)}"]
    for name in names:
        cells = []
        for benchmark in found.values():
            rates = [timing.per_cpu_second for timing in benchmark.timings if timing.side == name]
            cells.append(f"{1000 / rates[0]:.3g}" if rates else "cannot")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.option(
    "--seconds", default=20.0, show_default=True, help="CPU-seconds for each side of the mix; a class has half."
)
@click.option("--batch", default=64, show_default=True, help="Least galaxies a call of a surrogate.")
@click.option("--model", "models", multiple=True, help="Recipes; every one with weights by default.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(MORPHOLOGIES), help="Classes; all by default.")
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/galaxy-images"), show_default=True)
def main(seconds: float, batch: int, models: tuple[str, ...], kinds: tuple[str, ...], seed: int, output: Path) -> None:
    """Run the benchmark and write JSON, Markdown and figures."""
    surrogates.reference(PLUGIN)
    found: dict[str, Benchmark] = {}
    for kind in (None, *(kinds or MORPHOLOGIES)):
        label = kind or MIX
        described = "the prior's mix" if kind is None else f"class {kind}"
        found[label] = race(
            PLUGIN,
            sides(kind, batch, models or None),
            asked_of(kind),
            seconds=seconds if kind is None else seconds / 2,
            seed=seed,
            described=f"{described}, {drawing.SCALE:g} arcsec a pixel, {PSFS[3]} PSF of {drawing.FWHM} arcsec",
            files=kind is None,
            notes=NOTES,
            progress=lambda text, label=label: click.echo(f"{label}: {text}", err=True),
        )
        found[label].write(output if kind is None else output / label)
    text = table(found)
    (output / "classes.md").write_text(text, encoding="utf-8")
    (output / "classes.json").write_text(json.dumps({k: v.to_json() for k, v in found.items()}, indent=1) + "\n")
    click.echo(found[MIX].to_markdown())
    click.echo(text)


if __name__ == "__main__":
    sys.exit(main())
