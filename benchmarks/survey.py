"""Mock surveys measured: counts, redshifts, clustering, colours, sizes and shapes against published ones, time, memory.

    python benchmarks/survey.py make --folder mock               # 1 deg2 to i = 25.3: time and memory
    python benchmarks/survey.py counts --folder mock             # its counts, redshifts, colours, sizes, shapes
    python benchmarks/survey.py tile --folder mock               # one 4096 x 4096 tile in three bands, and GalSim
    python benchmarks/survey.py clustering --folder runs/survey  # w(theta) of ten fields beside Limber's prediction
    python benchmarks/survey.py figure --folder mock --runs runs/survey -o docs/figures/mock-survey.png

Fields that are there already are not made again.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from surrogates.physics.cosmology import angular
from surrogates.physics.cosmology.linear_power import linear_power
from surrogates.physics.galaxies.population import POPULATIONS
from surrogates.survey import Survey, catalogues, files, images, lightcone
from surrogates.survey.request import FAINTER
from surrogates.survey.sky import Field

GOLD = 25.3
EDGES = np.geomspace(2.0, 20.0, 7)
"""arcmin."""

COSMOS2020 = (3.85, 4.03, 4.21, 4.38, 4.54, 4.71, 4.86, 4.97, 5.08)
"""log10 galaxies per mag and deg^2 in HSC i from 21.25 in steps of 0.5 (Weaver et al. 2022, ApJS 258, 11, table 2)."""


def science_book(magnitude: Any) -> Any:
    """Galaxies per mag and deg^2: LSST Science Book (arXiv:0912.0201), equation 3.7."""
    return 46 * 3600 * 0.31 * np.log(10) * 10 ** (0.31 * (magnitude - 25))


def nonlinear_power(survey: Survey):
    """Matter power by HMcode 2020 through camb, whose linear power is scaled to the survey's sigma_8."""
    import camb  # pyright: ignore[reportMissingImports]

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
    table: Any = camb.get_results(parameters).get_matter_power_interpolator(nonlinear=True)
    return lambda k, z: table.P(z, np.clip(k, 1e-4, 39.0)) * (k < 39.0)


def linear(survey: Survey):
    """Linear matter power."""
    return lambda k, z: linear_power(k, survey.cosmology) * survey.cosmology.growth(z) ** 2


def expected(survey: Survey, power: Any) -> tuple[np.ndarray, float]:
    """Limber's w in the bins, and the integral constraint, its mean over the pairs of the whole field."""
    redshift, bias = lightcone.biases(survey)
    solid = np.gradient(lightcone.comoving_distance(redshift, survey.cosmology), redshift)
    volume = lightcone.comoving_distance(redshift, survey.cosmology) ** 2 * solid
    number = {name: lightcone.density(survey, name) * volume for name in POPULATIONS}
    total = np.trapezoid(np.sum(list(number.values()), axis=0), redshift)
    weight = np.sum([number[name] * bias[name] for name in POPULATIONS], axis=0) / total
    some = slice(None, None, 6)
    angle = np.geomspace(0.1, 120.0, 100)
    found = angular.limber(angle * angular.ARCMIN, redshift[some], weight[some], power, survey.cosmology)
    side = 2 * np.degrees(Field(survey.square_degrees, survey.centre).half_side) * 60
    means, constraint = angular.mean_in_square(lambda t: np.interp(np.log(t), np.log(angle), found), side, EDGES)
    return means, constraint


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
        unclustered, _ = angular.angular_correlation(strewn[0], strewn[1], side, EDGES, slab=slab)
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
    means, constraint = expected(fields[0], nonlinear_power(fields[0]))
    straight, _ = expected(fields[0], linear(fields[0]))
    within, every = within + constraint, every + constraint
    error, wide = (found.std(1, ddof=1) / np.sqrt(seeds) for found in (within, every))
    print(f"{seeds} fields of 1 deg2 to i = {GOLD}; integral constraint {constraint:.5f}, added to what was found")
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
    return {
        "separation": separation[:, 0],
        "within": within,
        "limber": means,
        "strewn": strewn,
        "every": every,
    }


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


def tile(folder: Path, pixels: int) -> None:
    """The first tile of a survey's folder: time, memory, what is found of the truth at the depth, GalSim beside it."""
    survey = of_folder(folder)
    chosen = images.tiles(survey, pixels)[0]
    start, cpu = time.perf_counter(), time.process_time()
    path = images.write_tile(survey, folder, chosen)
    spent = time.process_time() - cpu
    print(f"{path.name}: {pixels} x {pixels} in {survey.bands}, {time.perf_counter() - start:.1f} s, {spent:.1f} CPU-s")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB at most so far")
    galaxies, x, y = images.inside(survey, folder, chosen)
    print(f"{len(x):,} galaxies drawn, {1e3 * spent / len(x):.2f} CPU-ms each, everything included")
    found_of_truth(survey, path)
    seconds, ratio = with_galsim(survey, chosen, galaxies)
    print(f"GalSim, bulge and disc through the same PSF: {1e3 * seconds:.2f} CPU-ms each; flux ratio {ratio:.3f}")


def of_folder(folder: Path) -> Survey:
    """The survey that a folder holds."""
    made = json.loads((folder / catalogues.FOLDER / "manifest.json").read_text())["provenance"]["survey"]
    names = ("area", "bands", "seed", "omega_m", "sigma_8", "max_redshift")
    centre = (float(made["centre"][0]), float(made["centre"][1]))
    return Survey(**{name: made[name] for name in names}, centre=centre, depth=made["limit"] - FAINTER)


def found_of_truth(survey: Survey, path: Path) -> None:
    """Peaks above five times the noise of the matched filter beside the true galaxies, in i."""
    from astropy.io import fits
    from scipy.ndimage import maximum_filter
    from scipy.signal import fftconvolve
    from scipy.spatial import KDTree

    opened: Any = fits.open(path)
    with opened as file:
        image, truth = file["IMAGE_I"].data[:1024, :1024].astype(float), file["TRUTH"].data
        noise = file["IMAGE_I"].header["SKYRMS"]
    psf = images.point_spread(images.FWHM["i"], 33)
    signal = fftconvolve(image, psf, mode="same") / np.sqrt((psf**2).sum()) / noise
    peaks = np.argwhere((signal == maximum_filter(signal, 5)) & (signal > 5))
    near = (truth["x"] < 1024) & (truth["y"] < 1024)
    positions = np.stack((truth["y"][near] - 1, truth["x"][near] - 1), -1)
    distance, _ = KDTree(peaks).query(positions)
    magnitude = truth["mag_true_i_lsst"][near]
    print("i below the depth of a point source, share of galaxies with a peak within 0.6 arcsec:")
    for low in np.arange(-4.0, 1.5, 0.5):
        rows = np.abs(magnitude - survey.depth_of("i") - low - 0.25) < 0.25
        print(f"  {low:+.1f} to {low + 0.5:+.1f}: {(distance[rows] < 3).mean():.2f} of {rows.sum()}")
    back, _ = KDTree(positions).query(peaks)
    print(f"peaks without a galaxy within 1 arcsec: {(back > 5).mean():.3f} of {len(peaks)}")


def with_galsim(survey: Survey, chosen: images.Tile, galaxies: dict[str, np.ndarray]) -> tuple[float, float]:
    """CPU-seconds that GalSim takes for one galaxy in all bands, and drawn over true flux, of 100 galaxies."""
    import galsim

    rows = np.linspace(0, len(galaxies["ra"]) - 1, 100).astype(int)
    spread = galsim.Moffat(beta=3.5, fwhm=images.FWHM["i"])
    start, drawn, true = time.process_time(), 0.0, 0.0
    for row in rows:
        radius = max(float(np.sqrt(galaxies["size_true"][row] * galaxies["size_minor_true"][row])), 0.03)
        share = float(galaxies["bulge_to_total_ratio_i"][row])
        shape = galsim.Shear(g=min(float(galaxies["ellipticity_true"][row]), 0.85), beta=0 * galsim.degrees)
        light: Any = share * galsim.DeVaucouleurs(half_light_radius=radius, flux=1.0)
        light = (light + (1 - share) * galsim.Exponential(half_light_radius=radius, flux=1.0)).shear(shape)
        for band in survey.bands:
            flux = 10 ** (-0.4 * (float(galaxies[f"mag_true_{band}_lsst"][row]) - 31.4))
            whole: Any = galsim.Convolve(light * flux, spread)
            image = whole.drawImage(nx=32, ny=32, scale=images.SCALE)
            drawn, true = drawn + float(image.array.sum()), true + flux
    return (time.process_time() - start) / len(rows), drawn / true


def make(folder: Path, workers: int) -> None:
    """1 deg2 to i = 25.3 in g, r and i."""
    survey = Survey(area=1.0, depth=GOLD, bands="gri", seed=1)
    start, cpu = time.perf_counter(), time.process_time()
    galaxies = catalogues.write(survey, folder, workers=workers, overwrite=True)
    spent = time.perf_counter() - start
    print(f"{galaxies:,} galaxies in {spent:.1f} s, {time.process_time() - cpu:.1f} CPU-s in this process")
    start, cpu = time.perf_counter(), time.process_time()
    files.write_hats(survey, folder)
    print(f"as HATS in {time.perf_counter() - start:.1f} s, {time.process_time() - cpu:.1f} CPU-s")


def figure(folder: Path, runs: Path, seeds: int, target: Path) -> None:
    """A tile, counts, redshifts, colours and clustering in one picture."""
    import matplotlib

    matplotlib.use("Agg")
    from astropy.io import fits
    from astropy.visualization import make_lupton_rgb
    from matplotlib import pyplot

    survey = of_folder(folder)
    blocks = list(files.blocks(folder))
    column = {name: np.concatenate([block[name].values for block in blocks]) for name in blocks[0]}
    i = column["mag_true_i_lsst"]
    sheet, axes = pyplot.subplots(2, 3, figsize=(13, 8), constrained_layout=True)
    opened: Any = fits.open(folder / images.FOLDER / images.tiles(survey)[0].name)
    with opened as file:
        red, green, blue = (file[f"IMAGE_{band}"].data[600:1100, 600:1100] for band in "IRG")
    axes[0, 0].imshow(
        make_lupton_rgb(red, 1.2 * green, 1.8 * blue, stretch=60, Q=8), origin="lower", extent=(0, 100, 0, 100)
    )
    axes[0, 0].set(title="gri, 100 arcsec a side", xlabel="arcsec", ylabel="arcsec")
    edges = np.arange(20, 26.76, 0.25)
    middle = (edges[1:] + edges[:-1]) / 2
    counts = np.histogram(i, edges)[0] / 0.25 / survey.square_degrees
    axes[0, 1].semilogy(middle, counts, "k-", label="this survey")
    axes[0, 1].semilogy(21.25 + 0.5 * np.arange(len(COSMOS2020)), 10 ** np.array(COSMOS2020), "o", label="COSMOS2020")
    axes[0, 1].semilogy(middle, science_book(middle), "--", label="LSST Science Book")
    axes[0, 1].set(xlabel="i", ylabel="galaxies per mag and deg$^2$", title="counts")
    axes[0, 1].legend(frameon=False)
    z = np.linspace(0, 3, 61)
    for limit in (23.0, 24.0, GOLD):
        line = axes[0, 2].hist(
            column["redshift_true"][i < limit], z, density=True, histtype="step", label=f"i < {limit}"
        )
        scale = 0.0417 * limit - 0.744
        law = z**2 * np.exp(-z / scale) / (2 * scale**3)
        axes[0, 2].plot(z, law, "--", color=line[2][0].get_edgecolor())
    axes[0, 2].set(xlabel="redshift", ylabel="share per unit redshift", title="redshifts; dashed: Science Book")
    axes[0, 2].legend(frameon=False)
    rows = (i < 24) & (np.abs(column["redshift_true"] - 0.5) < 0.1)
    colour = (column["mag_true_g_lsst"] - i)[rows]
    axes[1, 0].hist2d(
        column["Mag_true_r_lsst_z0"][rows], colour, bins=(60, 60), range=((-24, -17), (0, 3.5)), cmap="Greys"
    )
    axes[1, 0].set(xlabel="$M_r$", ylabel="g - i", title="colours at redshift 0.5, i < 24")
    near = (column["redshift_true"] > 0.5) & (column["redshift_true"] < 0.55) & (i < GOLD)
    shade = column["is_red"][near] == 1
    axes[1, 1].plot(column["ra"][near][~shade], column["dec"][near][~shade], ".", ms=1.5, color="tab:blue")
    axes[1, 1].plot(column["ra"][near][shade], column["dec"][near][shade], ".", ms=3, color="tab:red")
    axes[1, 1].set(xlabel="right ascension", ylabel="declination", title="0.50 < z < 0.55, i < 25.3", aspect="equal")
    axes[1, 1].invert_xaxis()
    found = clustering(runs, seeds)
    spread = found["within"].std(1, ddof=1) / np.sqrt(seeds)
    axes[1, 2].errorbar(
        found["separation"], found["within"].mean(1), spread, fmt="ko", label=f"{seeds} fields of 1 deg$^2$"
    )
    axes[1, 2].plot(found["separation"], found["limber"], label="Limber, bias that went in")
    axes[1, 2].plot(found["separation"], np.abs(found["strewn"].mean(1)), "x", label="strewn at random, absolute")
    axes[1, 2].set(xscale="log", yscale="log", xlabel="arcmin", ylabel="w", title="angular correlation, i < 25.3")
    axes[1, 2].set_xticks([2, 5, 10, 20], ["2", "5", "10", "20"], minor=False)
    axes[1, 2].set_xticks([], minor=True)
    axes[1, 2].legend(frameon=False)
    sheet.savefig(target, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "clustering", "counts", "tile", "figure"])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--runs", type=Path, help="Folder of the clustering.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--pixels", type=int, default=images.PIXELS)
    parser.add_argument("-o", "--output", type=Path, default=Path("mock-survey.png"))
    asked = parser.parse_args()
    start, cpu = time.perf_counter(), time.process_time()
    if asked.what == "clustering":
        clustering(asked.folder, asked.seeds)
    elif asked.what == "make":
        make(asked.folder, asked.workers)
    elif asked.what == "tile":
        tile(asked.folder, asked.pixels)
    elif asked.what == "figure":
        figure(asked.folder, asked.runs, asked.seeds, asked.output)
    else:
        counts(asked.folder)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{time.perf_counter() - start:.1f} s, {time.process_time() - cpu:.1f} CPU-s, {memory:.2f} GiB at most")


if __name__ == "__main__":
    main()
