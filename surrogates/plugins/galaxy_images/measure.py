"""The figures of galaxy images: measured attributes against the same tools' values on GalSim's images, per class.

Every quantity is measured by tools that no network has seen (hsm, photutils, Petrosian structure), and compared with
what they find on the reference at conditions of the same distribution, never with the asked number itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.remembering import remembered
from .photometry import asked, asked_flux, observed_radius, photometry
from .structure import structure
from .variables import BANDS, CONDITIONS, MORPHOLOGIES

if TYPE_CHECKING:
    import xarray as xr

MAGNITUDE_BINS: tuple[tuple[float, float], ...] = ((17.0, 21.0), (21.0, 23.0), (23.0, 25.0), (25.0, 28.0))
"""Bins of the asked r magnitude, lower edge included."""

LEAST = 24
"""Galaxies that a class or bin needs on each side to have figures."""

LEAST_DRAWS = 8
"""Draws at equal conditions that each side needs for figures at fixed conditions."""

QUANTITIES: tuple[str, ...] = (
    "flux",
    "colour_g_r",
    "colour_r_i",
    "colour_gradient",
    "radius",
    "moment_radius",
    "ellipticity",
    "isophotal_ellipticity",
    "position_angle",
    "kurtosis",
    "concentration",
    "asymmetry",
    "gini",
    "m20",
    "petrosian_radius",
    "enclosed_flux",
)
"""Columns of the reduced variable `measured`, see `reduce`."""

MORPHOLOGY: tuple[str, ...] = ("concentration", "asymmetry", "gini", "m20", "kurtosis", "isophotal_ellipticity")
"""Statistics whose Kolmogorov-Smirnov distance is a figure."""

COMPARED: tuple[str, ...] = ("flux", "radius", "ellipticity", "position_angle", "colour_g_r", "colour_gradient")
"""Offsets from the asked value whose distribution is a figure too."""

ATTRIBUTES: tuple[str, ...] = ("flux", "radius", "ellipticity")
"""Attributes with a figure for the median and one for the scatter."""

RESOLUTION: dict[str, float] = {
    "flux": 0.002,
    "radius": 0.005,
    "ellipticity": 0.002,
    "position_angle": 0.2,
    "colour_g_r": 0.002,
    "colour_gradient": 0.002,
    "concentration": 0.01,
    "asymmetry": 0.005,
    "gini": 0.002,
    "m20": 0.005,
    "kurtosis": 0.003,
    "isophotal_ellipticity": 0.005,
}
"""Differences that do not count, in a quantity's own units: smooth profiles are all alike down to rounding."""

NEIGHBOURS = 5
_SPREAD = 1.349  # interquartile range of a Gaussian over its standard deviation
_SHAPELESS = ("merger",)  # whose ellipticity is that of two galaxies: compared in distribution alone

_ASKED = (
    "half_light_radius",
    *(f"magnitude_{band}" for band in BANDS),
    "ellipticity",
    "bulge_fraction",
    "sersic_index",
    "redshift",
    "inclination",
)


@remembered("measured")
def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """The measured quantities of every galaxy; a reduced Dataset is given back as it is.

    Measuring takes 8 ms a galaxy, and figures, classifiers and memorisation all need it: what was found for the last
    few Dataset objects is remembered while they live, so do not change their arrays in place.

    Returns
    -------
    Dataset
        `morphology`, `magnitude_r`, `cell` (equal where all conditions are equal), `asked` (sample, condition) and
        `measured` (sample, quantity), NaN where a tool found nothing:

        - flux: ln of photutils' Kron flux in r over the asked flux; colours: measured minus asked [mag], within the r
          band's segment; colour_gradient: g - i of the segment's brightest fifth minus that of the segment [mag].
        - radius, moment_radius: ln of photutils' half-flux radius and of hsm's sigma over the asked half-light radius.
        - ellipticity: hsm's |g|, position_angle: hsm's minus the asked one, in (-90, 90] deg.
        - kurtosis: hsm's fourth moment; concentration to petrosian_radius [ln of arcsec]: `structure`.
        - enclosed_flux: the output `enclosed_flux_fraction` in r.
    """
    return _reduced(dataset)


def _reduced(dataset: xr.Dataset) -> xr.Dataset:
    import xarray as xr

    light, segments = photometry(dataset)
    shape = structure(dataset["image"].values[:, BANDS.index("r")], segments)
    scale = asked(dataset, "pixel_scale")
    asked_radius = dataset["half_light_radius"].values
    measured = {
        "flux": _log(light["kron_flux"] / asked_flux(dataset, "r")),
        "colour_g_r": _colour(light, "segment_flux_g", "segment_flux_r")
        - (dataset["magnitude_g"].values - dataset["magnitude_r"].values),
        "colour_r_i": _colour(light, "segment_flux_r", "segment_flux_i")
        - (dataset["magnitude_r"].values - dataset["magnitude_i"].values),
        "colour_gradient": _colour(light, "core_flux_g", "core_flux_i")
        - _colour(light, "segment_flux_g", "segment_flux_i"),
        "radius": _log(light["flux_radius"] / asked_radius),
        "moment_radius": _log(light["moment_radius"] / asked_radius),
        "ellipticity": light["moment_ellipticity"],
        "isophotal_ellipticity": light["isophotal_ellipticity"],
        "position_angle": (light["moment_angle"] - dataset["position_angle"].values + 90.0) % 180.0 - 90.0,
        "kurtosis": light["kurtosis"],
        **{name: shape[name] for name in ("concentration", "asymmetry", "gini", "m20")},
        "petrosian_radius": _log(shape["petrosian_radius"] * scale),
        "enclosed_flux": dataset["enclosed_flux_fraction"].values[:, BANDS.index("r")].astype(np.float64),
    }
    table = np.stack([measured[name] for name in QUANTITIES], axis=-1)
    variables = {
        "morphology": ("sample", dataset["morphology"].values.astype(np.int64)),
        "magnitude_r": ("sample", dataset["magnitude_r"].values),
        "cell": ("sample", _cells(dataset)),
        "asked": (("sample", "condition"), np.stack([dataset[name].values for name in _ASKED], axis=-1)),
        "measured": (("sample", "quantity"), np.where(np.isfinite(table), table, np.nan)),
    }
    return xr.Dataset(variables, coords={"sample": dataset["sample"].values} if "sample" in dataset.coords else None)


def _log(ratio: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(ratio)


def _colour(light: dict[str, np.ndarray], blue: str, red: str) -> np.ndarray:
    return -2.5 * _log(light[blue] / light[red]) / np.log(10.0)


def _cells(dataset: xr.Dataset) -> np.ndarray:
    """One integer a sample, the same where every scalar condition is the same."""
    import zlib

    names = [variable.name for variable in CONDITIONS if not variable.dims and variable.name in dataset]
    table = np.stack([np.nan_to_num(dataset[name].values.astype(np.float64), nan=-1.0) for name in names], axis=-1)
    return np.array([zlib.crc32(row.tobytes()) for row in np.ascontiguousarray(table)], dtype=np.int64)


def quantity(reduced: xr.Dataset, name: str) -> np.ndarray:
    """One measured quantity, (n,)."""
    return reduced["measured"].values[:, QUANTITIES.index(name)]


def features(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Features of the two-sample classifiers: class, asked conditions and measured quantities.

    Returns
    -------
    ndarray
        (n, k) float64; NaN where a tool found nothing.
    tuple of str
        Their names.
    """
    reduced = reduce(dataset)
    parts = [reduced["morphology"].values[:, None].astype(np.float64), reduced["asked"].values]
    names = ("morphology", *(f"asked {name}" for name in _ASKED), *QUANTITIES)
    return np.concatenate([*parts, reduced["measured"].values], axis=-1), names


def pixels(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Images and conditions for the convolutional two-sample classifier.

    Returns
    -------
    ndarray
        (n, band, y, x): asinh of the pixels in tenths of the asked mean brightness within the half-light radius.
    ndarray
        (n, k): indicators of the class, then the asked conditions.
    """
    area = 2 * np.pi * observed_radius(dataset) ** 2 / asked(dataset, "pixel_scale") ** 2
    level = np.stack([asked_flux(dataset, band) / area for band in BANDS], axis=-1)[:, :, None, None]
    codes = dataset["morphology"].values[:, None] == np.arange(len(MORPHOLOGIES))
    conditions = np.stack([dataset[name].values for name in _ASKED], axis=-1)
    return np.arcsinh(10.0 * dataset["image"].values / level) / 3.0, np.concatenate([codes, conditions], axis=-1)


@dataclass(frozen=True)
class GalaxyMeasure:
    """Figures of galaxy images, per class and per bin of magnitude.

    Attributes
    ----------
    bins : tuple of (float, float)
        Edges in r magnitudes.

    Notes
    -----
    Keys are `class/figure`, `class/low-high/figure` (magnitudes) and, where samples repeat their conditions,
    `class/draws_figure`:

    - `flux`, `radius`, `ellipticity`: |difference of the medians| of measured over asked (relative, relative,
      absolute); `_scatter`: |ln of the ratio of the scatters|, by interquartile ranges.
    - `ks_` of morphology statistics and of offsets from the asked values: Kolmogorov-Smirnov distances beyond
      `RESOLUTION`.
    - `uncovered`: 1 - coverage (Naeem et al. 2020, arXiv:2002.09797) of the measured quantities; `unrecalled`: 1 -
      recall, samples and truth exchanged. Only where conditions do not repeat: equal ones leave no neighbourhood.
    - `unmeasured`: difference of the shares of images on which a tool fails.
    - `draws_flux`, …: at fixed conditions, |median over conditions of the difference of medians|; `draws_…_worst`: 90 %
      quantile of its size; `draws_…_scatter`: |ln of the median ratio of scatters|.

    Mergers have no ellipticity figure beside its distribution: each side sees two galaxies.
    """

    bins: tuple[tuple[float, float], ...] = MAGNITUDE_BINS

    @staticmethod
    def reduce(dataset: xr.Dataset) -> xr.Dataset:
        """See `reduce`."""
        return reduce(dataset)

    def __call__(self, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
        """Figures of `samples` against `truth`; reduced Datasets are taken as they are."""
        first, second = reduce(samples), reduce(truth)
        figures: dict[str, float] = {}
        for prefix, kind, a, b in self._parts(first, second):
            found = medians(a, b, kind)
            if prefix.count("/") == 1:
                repeats = fixed_conditions(a, b, kind)
                found |= distributions(a, b) | (repeats or coverage(a, b))
            figures |= {f"{prefix}{name}": value for name, value in found.items()}
        return figures

    def _parts(self, samples: xr.Dataset, truth: xr.Dataset) -> Iterator[tuple[str, str, xr.Dataset, xr.Dataset]]:
        for code, name in enumerate(MORPHOLOGIES):
            sides = [_where(side, side["morphology"].values == code) for side in (samples, truth)]
            if min(side.sizes["sample"] for side in sides) < LEAST:
                continue
            yield f"{name}/", name, sides[0], sides[1]
            for low, high in self.bins:
                inside = [
                    _where(side, (side["magnitude_r"].values >= low) & (side["magnitude_r"].values < high))
                    for side in sides
                ]
                if min(side.sizes["sample"] for side in inside) >= LEAST:
                    yield f"{name}/{low:g}-{high:g}/", name, inside[0], inside[1]


def _where(dataset: xr.Dataset, chosen: np.ndarray) -> xr.Dataset:
    return dataset.isel(sample=np.flatnonzero(chosen))


def _finite(reduced: xr.Dataset, name: str) -> np.ndarray:
    values = quantity(reduced, name)
    return values[np.isfinite(values)]


def _spread(values: np.ndarray) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) / _SPREAD


def _ratio(first: float, second: float, name: str) -> float:
    """Ratio of two scatters, neither taken below the resolution."""
    return max(first, RESOLUTION[name]) / max(second, RESOLUTION[name])


def _attributes(kind: str) -> tuple[str, ...]:
    return tuple(name for name in ATTRIBUTES if not (name == "ellipticity" and kind in _SHAPELESS))


def medians(samples: xr.Dataset, truth: xr.Dataset, kind: str) -> dict[str, float]:
    """Differences of medians and scatters of measured over asked attributes; 1 where nothing could be measured."""
    found = {}
    for name in _attributes(kind):
        a, b = (_offset(side, name) for side in (samples, truth))
        if min(len(a), len(b)) < LEAST // 2:
            found |= {name: 1.0, f"{name}_scatter": 1.0}
            continue
        found[name] = float(abs(np.median(a) - np.median(b)))
        found[f"{name}_scatter"] = float(abs(np.log(_ratio(_spread(a), _spread(b), name))))
    return found


def _offset(reduced: xr.Dataset, name: str) -> np.ndarray:
    values = quantity(reduced, name)
    if name == "ellipticity":
        values = values - reduced["asked"].values[:, _ASKED.index("ellipticity")]
    return values[np.isfinite(values)]


def distributions(samples: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
    """Kolmogorov-Smirnov distances of morphology and of offsets, and the difference of the unmeasured shares."""
    found = {}
    for name in (*MORPHOLOGY, *COMPARED):
        a, b = _finite(samples, name), _finite(truth, name)
        if name == "ellipticity":
            a, b = _offset(samples, name), _offset(truth, name)
        found[f"ks_{name}"] = resolved_distance(a, b, RESOLUTION[name]) if min(len(a), len(b)) >= LEAST // 2 else 1.0
    missed = [float(np.isnan(side["measured"].values).any(axis=1).mean()) for side in (samples, truth)]
    return found | {"unmeasured": abs(missed[0] - missed[1])}


def resolved_distance(first: np.ndarray, second: np.ndarray, resolution: float) -> float:
    """Kolmogorov-Smirnov distance that shifts of up to `resolution` cannot explain.

    The largest of F(x) - G(x + resolution) and G(x) - F(x + resolution), F and G the cumulative distributions; no less
    than half of sqrt(1/n + 1/m), which equal distributions exceed 96 times in 100.
    """
    first, second = np.sort(first), np.sort(second)
    gaps = []
    for a, b in ((first, second), (second, first)):
        share = np.arange(1, len(a) + 1) / len(a)
        gaps.append(float((share - np.searchsorted(b, a + resolution, side="right") / len(b)).max()))
    return max(*gaps, 0.5 * float(np.sqrt(1 / len(first) + 1 / len(second))))


def coverage(samples: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
    """Shares of truth without a near sample, and of samples without a near truth, in the measured quantities.

    Each quantity is scaled by the truth's interquartile range; a missing one counts as the truth's median. The larger
    side is cut to the smaller's length.
    """
    from scipy.spatial import KDTree

    n = min(samples.sizes["sample"], truth.sizes["sample"])
    tables = [side["measured"].values[:n] for side in (samples, truth)]
    middle = np.nan_to_num(np.nanmedian(tables[1], axis=0))
    spread = np.nan_to_num(np.nanquantile(tables[1], 0.75, axis=0) - np.nanquantile(tables[1], 0.25, axis=0))
    spread = np.where(spread > 1e-9, spread, 1.0)
    points = [np.clip((np.where(np.isnan(table), middle, table) - middle) / spread, -20, 20) for table in tables]
    found = {}
    for name, (cloud, real) in {"uncovered": points, "unrecalled": points[::-1]}.items():
        reach = KDTree(real).query(real, k=min(NEIGHBOURS + 1, n))[0][:, -1]
        nearest = KDTree(cloud).query(real, k=1)[0]
        found[name] = 1.0 - float((nearest <= reach).mean())
    return found


def fixed_conditions(samples: xr.Dataset, truth: xr.Dataset, kind: str) -> dict[str, float]:
    """Figures over many draws at equal conditions; none where conditions do not repeat."""
    cells = [side["cell"].values for side in (samples, truth)]
    known = [set(_repeated(side)) for side in cells]
    shared = sorted(known[0] & known[1])
    if len(shared) < 4:
        return {}
    found = {}
    for name in _attributes(kind):
        shifts, ratios = [], []
        for cell in shared:
            a, b = (quantity(side, name)[own == cell] for side, own in zip((samples, truth), cells, strict=True))
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
            if min(len(a), len(b)) >= LEAST_DRAWS:
                shifts.append(np.median(a) - np.median(b))
                ratios.append(_ratio(float(a.std()), float(b.std()), name))
        if len(shifts) < 4:
            found |= {f"draws_{name}": 1.0, f"draws_{name}_worst": 1.0, f"draws_{name}_scatter": 1.0}
            continue
        found[f"draws_{name}"] = float(abs(np.median(shifts)))
        found[f"draws_{name}_worst"] = float(np.quantile(np.abs(shifts), 0.9))
        found[f"draws_{name}_scatter"] = float(abs(np.log(np.median(ratios))))
    return found


def _repeated(cells: np.ndarray) -> np.ndarray:
    values, counts = np.unique(cells, return_counts=True)
    return values[counts >= LEAST_DRAWS]


measure = GalaxyMeasure()
"""The figures that the plugin declares."""
