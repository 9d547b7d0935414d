"""Mock surveys measured: counts, redshifts, clustering, colours, sizes and shapes against published ones, time, memory.

    python benchmarks/survey.py clustering --seeds 10 --folder runs/survey   # w(theta) of many fields beside Limber's
    python benchmarks/survey.py counts --folder mock                         # a catalogue's counts, redshifts, shapes
    python benchmarks/survey.py tile --folder mock                           # one 4096 x 4096 tile in three bands
    python benchmarks/survey.py figure --folder mock --runs runs/survey -o docs/figures/mock-survey.png

Fields that are there already are not made again.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

from surrogates.physics.cosmology import angular
from surrogates.physics.cosmology.linear_power import linear_power
from surrogates.physics.galaxies.population import POPULATIONS
from surrogates.survey import Survey, catalogues, files, lightcone
from surrogates.survey.sky import Field

GOLD = 25.3
EDGES = np.geomspace(2.0, 20.0, 7)
"""arcmin."""

COSMOS2020 = (3.85, 4.03, 4.21, 4.38, 4.54, 4.71, 4.86, 4.97, 5.08)
"""log10 galaxies per mag and deg^2 in HSC i from 21.25 in steps of 0.5 (Weaver et al. 2022, ApJS 258, 11, table 2)."""


def science_book(magnitude: np.ndarray) -> np.ndarray:
    """Galaxies per mag and deg^2: LSST Science Book (arXiv:0912.0201), equation 3.7."""
    return 46 * 3600 * 0.31 * np.log(10) * 10 ** (0.31 * (magnitude - 25))


def nonlinear_power(survey: Survey):
    """Matter power by HMcode 2020 through camb, whose linear power is scaled to the survey's sigma_8."""
    import camb

    from surrogates.physics.cosmology.background import BARYON_DENSITY, HUBBLE_CONSTANT, SPECTRAL_INDEX

    h = HUBBLE_CONSTANT
    baryons = BARYON_DENSITY * h**2
    parameters = camb.CAMBparams()
    parameters.set_cosmology(H0=100 * h, ombh2=baryons, omch2=survey.omega_m * h**2 - baryons, mnu=0.0, omk=0)
    parameters.InitPower.set_params(As=2e-9, ns=SPECTRAL_INDEX)
    redshifts = np.linspace(0.0, survey.max_redshift, 31)
    parameters.set_matter_power(redshifts=redshifts[::-1].tolist(), kmax=40.0)
    amplitude = 2e-9 * (survey.sigma_8 / camb.get_results(parameters).get_sigma8_0()) ** 2
    parameters.InitPower.set_params(As=amplitude, ns=SPECTRAL_INDEX)
    parameters.NonLinear = camb.model.NonLinear_pk
    parameters.NonLinearModel.set_params(halofit_version="mead2020")
    table = camb.get_results(parameters).get_matter_power_interpolator(nonlinear=True)
    return lambda k, z: table.P(z, np.clip(k, 1e-4, 39.0)) * (k < 39.0)


def linear(survey: Survey):
    """Linear matter power."""
    return lambda k, z: linear_power(k, survey.cosmology) * survey.cosmology.growth(z) ** 2


def expected(survey: Survey, power, first: float = 1e-4) -> tuple[np.ndarray, np.ndarray, float]:
    """Limber's w in the bins less the integral constraint, that at 100 angles, and the constraint."""
    redshift, bias = lightcone.biases(survey)
    solid = np.gradient(lightcone.comoving_distance(redshift, survey.cosmology), redshift)
    volume = lightcone.comoving_distance(redshift, survey.cosmology) ** 2 * solid
    number = {name: lightcone.density(survey, name) * volume for name in POPULATIONS}
    total = np.trapezoid(sum(number.values()), redshift)
    weight = sum(number[name] * bias[name] for name in POPULATIONS) / total
    some = slice(None, None, 6)
    angle = np.geomspace(0.1, 120.0, 100)
    waves = np.geomspace(first, 40.0, 6000)
    found = angular.limber(
        angle * angular.ARCMIN, redshift[some], weight[some], power, survey.cosmology, wavenumber=waves
    )
    side = 2 * np.degrees(Field(survey.square_degrees, survey.centre).half_side) * 60
    means, constraint = angular.mean_in_square(lambda t: np.interp(np.log(t), np.log(angle), found), side, EDGES)
    return means - constraint, np.stack((angle, found)), constraint


def measured(survey: Survey, folder: Path) -> np.ndarray:
    """w of one field to its limit from pairs within a box, of galaxies strewn at random, and from all pairs; kept."""
    target = folder / f"clustering-{survey.seed:03d}.json"
    if not target.exists():
        start = time.process_time()
        parts = [catalogues.part(survey, number) for number in range(len(lightcone.cells(survey)))]
        field = Field(survey.square_degrees, survey.centre)
        place = np.concatenate([field.from_sky(part["ra"].values, part["dec"].values) for part in parts])
        side = 2 * np.degrees(field.half_side) * 60
        x = np.degrees(np.arctan2(place[:, 1], place[:, 0])) * 60 + side / 2
        y = np.degrees(np.arcsin(place[:, 2])) * 60 + side / 2
        clustered, separation = angular.angular_correlation(x, y, side, EDGES)
        slab = np.repeat(np.arange(len(parts)), [part.sizes["sample"] for part in parts])
        within, _ = angular.angular_correlation(x, y, side, EDGES, slab=slab)
        strewn = side * np.random.default_rng(survey.seed).random((2, len(x)))
        unclustered, _ = angular.angular_correlation(*strewn, side, EDGES, slab=slab)
        target.write_text(
            json.dumps(
                {
                    "galaxies": len(x),
                    "correlation": clustered.tolist(),
                    "within": within.tolist(),
                    "unclustered": unclustered.tolist(),
                    "separation": separation.tolist(),
                    "cpu_seconds": time.process_time() - start,
                }
            )
        )
    found = json.loads(target.read_text())
    return np.stack([found[name] for name in ("separation", "within", "unclustered", "correlation")])


def clustering(folder: Path, seeds: int) -> dict[str, np.ndarray]:
    """Mean w over seeds beside Limber's prediction with the biases that went in."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = [Survey(area=1.0, depth=GOLD - 1.5, bands="i", seed=seed) for seed in range(1, seeds + 1)]
    separation, within, strewn, every = np.stack([measured(survey, folder) for survey in fields]).transpose(1, 2, 0)
    means, curve, constraint = expected(fields[0], nonlinear_power(fields[0]))
    straight, _, _ = expected(fields[0], linear(fields[0]))
    error, wide = (found.std(1, ddof=1) / np.sqrt(seeds) for found in (within, every))
    print(f"{seeds} fields of 1 deg2 to i = {GOLD}; integral constraint {constraint:.5f}, taken off Limber's w")
    print(
        "arcmin  pairs within a box    Limber   ratio           linear   all pairs             unclustered, sigma off"
    )
    for row in range(len(means)):
        mean, none = within[row].mean(), strewn[row].mean()
        print(
            f"{separation[row, 0]:6.2f}  {mean:.5f} +- {error[row]:.5f}  {means[row]:.5f}  "
            f"{mean / means[row]:.3f} +- {error[row] / means[row]:.3f}  {straight[row]:.5f}  "
            f"{every[row].mean():.5f} +- {wide[row]:.5f}  {none:+.5f} {(means[row] - none) / error[row]:.1f}"
        )
    whole = within.mean(1).sum() / means.sum()
    print(f"all bins together: ratio {whole:.3f} +- {within.sum(0).std(ddof=1) / np.sqrt(seeds) / means.sum():.3f}")
    return {"separation": separation[:, 0], "within": within, "limber": means, "strewn": strewn, "every": every}


def counts(folder: Path) -> None:
    """Counts, redshifts, colours, sizes and shapes of a catalogue."""
    blocks = list(files.blocks(folder))
    area = float(blocks[0].attrs["survey_area"])
    column = {name: np.concatenate([block[name].values for block in blocks]) for name in blocks[0]}
    i = column["mag_true_i_lsst"]
    print(f"{len(i):,} galaxies on {area:g} deg2, {(i < GOLD).sum() / area:,.0f} per deg2 to i = {GOLD}")
    print("i        per mag and deg2   over COSMOS2020   over the Science Book")
    for row, published in enumerate(COSMOS2020):
        middle = 21.25 + 0.5 * row
        found = (np.abs(i - middle) < 0.25).sum() / 0.5 / area
        print(f"{middle:.2f}  {found:12,.0f}  {found / 10**published:12.3f}  {found / science_book(middle):12.3f}")
    for limit in (23.0, 24.0, GOLD):
        z = column["redshift_true"][i < limit]
        law = 3 * (0.0417 * limit - 0.744)  # equation 3.8
        print(f"i < {limit}: mean redshift {z.mean():.3f}, {law:.3f} by the Science Book's law")
    bright = (i > 22) & (i < GOLD)
    shape = np.sqrt((column["ellipticity_true"][bright] ** 2).mean() / 2)
    print(f"ellipticity, rms of a component: {shape:.3f} (0.26: Chang et al. 2013)")
    for low in (22.0, 23.0, 24.0, 25.0):
        rows = (i > low) & (i < low + 0.5)
        radius = np.sqrt(column["size_true"][rows] * column["size_minor_true"][rows])
        print(f"i = {low + 0.25:.2f}: median circularised half-light radius {np.median(radius):.3f} arcsec")
    if "mag_true_g_lsst" in column:
        colour = column["mag_true_g_lsst"] - i
        for red in (0, 1):
            rows = bright & (column["is_red"] == red) & (np.abs(column["redshift_true"] - 0.5) < 0.1)
            shown = np.percentile(colour[rows], [16, 50, 84]).round(2)
            print(f"g - i at redshift 0.5, {('blue', 'red')[red]}: {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["clustering", "counts"])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    start, cpu = time.perf_counter(), time.process_time()
    if asked.what == "clustering":
        clustering(asked.folder, asked.seeds)
    else:
        counts(asked.folder)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{time.perf_counter() - start:.1f} s, {time.process_time() - cpu:.1f} CPU-s, {memory:.2f} GiB at most")


if __name__ == "__main__":
    main()
