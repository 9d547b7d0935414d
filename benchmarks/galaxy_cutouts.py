"""Learn galaxies from simulated cutouts whose noise-free truth is known, and measure what was recovered.

python benchmarks/galaxy_cutouts.py --folder cutouts --signal 100 --signal 30 --signal 10

GalSim draws the prior's galaxies through an atmosphere of 0.7 arcsec on pixels of 0.2 arcsec; noise gives each one the
asked signal to noise within its observed half-light radius. FITS cubes, a catalogue and a PSF stand in a folder as a
user's would, and `surrogates train galaxy-images --model cutouts --data FOLDER` learns from them: once by the forward
model, once the cutouts as they are. What both draw, noise-free and without a PSF, is measured by the plugin's tools
beside GalSim's noise-free images, and beside the cutouts' own measures. A second truth gives the floors.
"""

from __future__ import annotations

import csv
import json
import shutil
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

from surrogates import registry
from surrogates.io.atomic import replacing
from surrogates.plugins.galaxy_images.measure import resolved_distance
from surrogates.plugins.galaxy_images.observed_fits import corrected
from surrogates.plugins.galaxy_images.photometry import photometry
from surrogates.plugins.galaxy_images.prior import complete
from surrogates.plugins.galaxy_images.reference import GalaxyReference, total_flux
from surrogates.plugins.galaxy_images.structure import structure
from surrogates.plugins.galaxy_images.variables import BAND_LIMIT_FWHM, BANDS, CONDITIONS, MORPHOLOGIES, PSF_IMAGE
from surrogates.sampling.request import condition_dataset
from surrogates.sampling.surrogate import Surrogate
from surrogates.training.train import simulated, train

PLUGIN, MODEL = "galaxy-images", "cutouts"
FWHM, SCALE, SIZE = 0.7, 0.2, 40
MAGNITUDES, RADII = (20.5, 23.0), (0.35, 0.9)
QUANTITIES = {
    "flux": 0.005, "radius": 0.01, "ellipticity": 0.005, "concentration": 0.02, "asymmetry": 0.01,
}  # fmt: skip
"""Quantity and the difference that does not count; ln of nJy, ln of arcsec, |e| of adaptive moments, C, A."""


def asked(count: int, seed: int, **fixed: Any) -> xr.Dataset:
    """Conditions of `count` galaxies, as many of each class."""
    rng = np.random.default_rng(seed)
    given: dict[str, Any] = {
        "morphology": np.arange(count) % len(MORPHOLOGIES),
        "magnitude_r": rng.uniform(*MAGNITUDES, count),
        "half_light_radius": np.exp(rng.uniform(np.log(RADII[0]), np.log(RADII[1]), count)),
    }
    return complete(CONDITIONS, condition_dataset(CONDITIONS, n=count, check=False, **given, **fixed), seed)


def seen(conditions: xr.Dataset) -> xr.Dataset:
    """The same galaxies as they are asked through the atmosphere on the detector."""
    n = conditions.sizes["sample"]
    changed = {"psf": np.full(n, 3, np.int8), "pixel_scale": np.full(n, SCALE)}
    changed |= {f"psf_fwhm_{band}": np.full(n, FWHM) for band in BANDS}
    return conditions.assign({name: ("sample", values) for name, values in changed.items()})


def noise_of(conditions: xr.Dataset, signal: float) -> np.ndarray:
    """Standard deviation in a pixel (n, band): half the flux over its error within the observed radius is `signal`."""
    area = np.pi * (conditions["half_light_radius"].values ** 2 + (FWHM**2 + BAND_LIMIT_FWHM**2) / 4) / SCALE**2
    flux = np.stack([total_flux(conditions[f"magnitude_{band}"].values) for band in BANDS], axis=1)
    return 0.5 * flux / (signal * np.sqrt(area))[:, None]


def write_folder(folder: Path, conditions: xr.Dataset, images: np.ndarray, noise: np.ndarray) -> None:
    """FITS cubes with a WCS, a catalogue of other columns than Galaxy Zoo's, and the PSF."""
    import galsim
    from astropy.io import fits
    from astropy.wcs import WCS

    (folder / "stamps").mkdir(parents=True, exist_ok=True)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-SCALE / 3600, SCALE / 3600]
    with open(folder / "objects.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["target", "kind", "zphot", *(f"rms_{band}" for band in BANDS)])
        for row, image in enumerate(images):
            name = f"obj{row:05d}"
            kind = MORPHOLOGIES[int(conditions["morphology"].values[row])]
            writer.writerow([name, kind, conditions["redshift"].values[row], *noise[row]])
            header = wcs.to_header()
            fits.PrimaryHDU(np.float32(image), header).writeto(folder / "stamps" / f"{name}.fits", overwrite=True)
    spread: Any = galsim.Convolve(galsim.Kolmogorov(fwhm=FWHM), galsim.Gaussian(fwhm=BAND_LIMIT_FWHM))
    drawn = spread.drawImage(nx=PSF_IMAGE, ny=PSF_IMAGE, scale=SCALE, method="no_pixel", dtype=float)
    fits.PrimaryHDU(drawn.array).writeto(folder / "psf.fits", overwrite=True)


def measured(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """Absolute quantities of every galaxy by photutils, hsm and the structure statistics, NaN where a tool fails."""
    light, segments = photometry(dataset)
    shape = structure(dataset["image"].values[:, BANDS.index("r")], segments)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "flux": np.log(light["kron_flux"]),
            "radius": np.log(light["flux_radius"]),
            "ellipticity": light["moment_ellipticity"],
            "concentration": shape["concentration"],
            "asymmetry": shape["asymmetry"],
        }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def compared(side: dict[str, np.ndarray], truth: dict[str, np.ndarray], kinds: np.ndarray, of: np.ndarray) -> Any:
    """By class and quantity: difference of the medians, and the Kolmogorov-Smirnov distance."""
    table: dict[str, dict[str, tuple[float, float]]] = {}
    for code, kind in enumerate(MORPHOLOGIES):
        table[kind] = {}
        for name, least in QUANTITIES.items():
            a, b = side[name][kinds == code], truth[name][of == code]
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
            if min(len(a), len(b)) < 8:
                table[kind][name] = (float("nan"), 1.0)
                continue
            table[kind][name] = (float(np.median(a) - np.median(b)), resolved_distance(a, b, least))
    return table


def trained(
    folder: Path, run: Path, updates: int, deconvolve: bool, seed: int
) -> tuple[Surrogate, xr.Dataset, dict[str, Any]]:
    """Weights learned from a folder, the fits they learned at, and the CPU-seconds of fits and of updates."""
    from surrogates.release.made import CARD, new_card, weights_of

    options = {
        "identity": "target", "morphology": "kind", "redshift": "zphot", "noise": "rms_{band}",
        "updates": updates, "deconvolve": deconvolve, "size": SIZE,
    }  # fmt: skip
    plugin = registry.plugin(PLUGIN)
    learns: Any = plugin.recipes[MODEL].using(**options).learns
    start = time.process_time()
    (fitted,) = learns(folder, simulated(run))
    between = time.process_time()
    new_card(plugin, MODEL, data=folder, run=run, seed=seed, options=options).write(run / CARD)
    train(plugin, MODEL, run, data=folder, options=options, seed=seed, progress=False)
    spent = {"fits": between - start, "updates": time.process_time() - between}
    return Surrogate.open(plugin, weights=weights_of(plugin, run), extrapolate=True), fitted, spent


def drawn(surrogate: Surrogate, fitted: xr.Dataset, signal: float, seed: int) -> dict[str, np.ndarray]:
    """Measures of what a model draws at its fits, without a PSF and noise."""
    from surrogates.plugins.galaxy_images.reference import DEFAULTS

    given: dict[str, Any] = {str(name): fitted[name].values for name in fitted.data_vars if name in CONDITIONS}
    whole = condition_dataset(CONDITIONS, n=fitted.sizes["sample"], check=False, **given)
    assert not set(DEFAULTS) & set(given)
    conditions = corrected(surrogate, whole, signal, seed=seed)
    rows = conditions.assign(size=("sample", np.full(len(whole["sample"]), 128, np.int32)))
    return measured(surrogate.sample(rows, seed=seed))


WAYS = {"forward": ("forward model", True), "plain": ("as they are", False)}


def one_level(
    folder: Path, signal: float, conditions: xr.Dataset, clean: np.ndarray, updates: int, number: int, seed: int,
    ways: tuple[str, ...],
) -> dict[str, Any]:  # fmt: skip
    """The cutouts' own measures, and those of the asked models; what other calls measured is kept in the folder."""
    kinds = conditions["morphology"].values
    place = folder / f"signal-{signal:g}-{len(kinds)}-{seed}"  # of these galaxies alone
    noise = noise_of(conditions, signal)
    images = clean + noise[..., None, None] * np.random.default_rng(seed + 7).standard_normal(clean.shape)
    if not (place / "data").is_dir():
        shutil.rmtree(place / "unfinished", ignore_errors=True)
        write_folder(place / "unfinished", conditions, images, noise)
        (place / "unfinished").rename(place / "data")
    own = conditions.isel(sample=slice(0, number)).assign(
        {f"noise_{band}": ("sample", noise[:number, k]) for k, band in enumerate(BANDS)}
    )
    own = own.assign(image=(("sample", "band", "y", "x"), images[:number]))
    found: dict[str, Any] = {"cutouts themselves": (measured(own), kinds[:number])}
    results = {way: place / f"{way}-{updates}-{number}.npz" for way in WAYS}
    for way in ways:
        _, deconvolve = WAYS[way]
        surrogate, fitted, spent = trained(place / "data", place / f"{way}-{updates}", updates, deconvolve, seed)
        some = fitted.isel(sample=slice(0, number))
        middle = float(np.median(some["cutout_signal"].values))
        values = drawn(surrogate, some, middle, seed + 3)
        kept = {**values, "kinds": some["morphology"].values, "spent": np.array(list(spent.values()))}
        with replacing(results[way], overwrite=True) as partial, partial.open("wb") as file:
            np.savez(file, **kept)  # type: ignore[arg-type]
    spent = {}
    for way, (label, _) in WAYS.items():
        if results[way].is_file():
            with np.load(results[way]) as known:
                found[label] = ({name: known[name] for name in QUANTITIES}, known["kinds"])
                spent[label] = dict(zip(("fits", "updates"), known["spent"].tolist(), strict=True))
    return {"signal": signal, "cpu_seconds": spent, "found": found}


def simulated_sides(
    folder: Path, observed: xr.Dataset, galaxies: int, number: int, seed: int
) -> tuple[np.ndarray, list[tuple[dict[str, np.ndarray], np.ndarray]]]:
    """Images without noise, and measures and classes of two noise-free truths; kept in the folder."""
    place = folder / f"truth-{galaxies}-{number}-{seed}.npz"
    reference, names = GalaxyReference(), list(QUANTITIES)
    if not place.is_file():
        clean = reference.sample(observed, seed=seed)["image"].values
        tables, kinds = [], []
        for own in (seed, seed + 1):
            rows = asked(galaxies, own, size=64).isel(sample=slice(0, number))
            large = rows.assign(size=("sample", np.full(number, 128, np.int32)))
            found = measured(reference.sample(large, seed=own))
            tables.append(np.stack([found[name] for name in names]))
            kinds.append(rows["morphology"].values)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(place, overwrite=True) as partial, partial.open("wb") as file:
            np.savez(file, clean=clean, tables=np.array(tables), kinds=np.array(kinds))
    with np.load(place) as known:
        clean, tables, kinds = known["clean"].astype(np.float64), known["tables"], known["kinds"]
    return clean, [(dict(zip(names, table, strict=True)), kind) for table, kind in zip(tables, kinds, strict=True)]


@click.command(help=__doc__)
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="For cutouts, runs and results.")
@click.option("--signal", "signals", multiple=True, type=float, default=(100.0, 30.0, 10.0), show_default=True)
@click.option("--galaxies", default=1600, show_default=True, help="Cutouts to learn from.")
@click.option("--measured", "number", default=800, show_default=True, help="Galaxies measured on each side.")
@click.option("--updates", default=1000, show_default=True)
@click.option("--seed", default=24, show_default=True)
@click.option("--way", "ways", multiple=True, type=click.Choice(tuple(WAYS)), default=tuple(WAYS), show_default=True)
def main(
    folder: Path, signals: tuple[float, ...], galaxies: int, number: int, updates: int, seed: int, ways: tuple[str, ...]
) -> None:
    observed = seen(asked(galaxies, seed, size=64))
    clean, truths = simulated_sides(folder, observed, galaxies, number, seed)
    truth, kinds = truths[0]
    results = []
    for signal in signals:
        level = one_level(folder, signal, observed, clean, updates, number, seed, ways)
        sides = {"floor": truths[1], **level.pop("found")}
        level["table"] = {label: compared(values, truth, of, kinds) for label, (values, of) in sides.items()}
        results.append(level)
        told = json.dumps({"galaxies": galaxies, "measured": number, "updates": updates, **level}, indent=1)
        (folder / f"signal-{signal:g}.json").write_text(told + "\n", encoding="utf-8")
        print(markdown(level), flush=True)


def markdown(level: dict[str, Any]) -> str:
    """Differences of medians and distances, a row a class and quantity."""
    labels = list(level["table"])
    lines = [f"\nS/N {level['signal']:g}\n", "| class, quantity | " + " | ".join(labels) + " |"]
    lines.append("|---|" + "--:|" * len(labels))
    for kind in MORPHOLOGIES:
        for name in QUANTITIES:
            cells = [level["table"][label][kind][name] for label in labels]
            lines.append(f"| {kind}, {name} | " + " | ".join(f"{a:+.3f}, {b:.2f}" for a, b in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
