"""Figures of lung-ct: lesions and lungs where they were asked, texture, noise, and how draws of one mask differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.plugin import Features
from ...measuring.distances import Known, difference_of_means, wasserstein_distance
from ...measuring.figures import Figure, Figures
from ...physics.images.spectra import radial_power
from ...physics.medical import thorax
from .variables import N_SLICES

if TYPE_CHECKING:
    import xarray as xr

RANGE = 1600.0
"""Hounsfield units that SSIM and PSNR count as the whole: -1200 to 400, as for lungs; beyond it slices are cut off."""

_LUNG_SHARE = 16


def _structure(first: np.ndarray, second: np.ndarray) -> float:
    from skimage.metrics import structural_similarity

    sides = (np.clip(side, -1200.0, 400.0) for side in (first, second))
    return float(np.asarray(structural_similarity(*sides, data_range=RANGE, gaussian_weights=True, sigma=1.5)))


def _dice(found: np.ndarray, asked: np.ndarray) -> float:
    total = int(found.sum() + asked.sum())
    return 2.0 * int((found & asked).sum()) / total if total else np.nan


def _partners(dataset: xr.Dataset) -> np.ndarray:
    """For each row another with the same masks, -1 where there is none."""
    keys: dict[bytes, list[int]] = {}
    for row, (body, lesion) in enumerate(zip(dataset["body_mask"].values, dataset["lesion_mask"].values, strict=True)):
        keys.setdefault(body.tobytes() + lesion.tobytes(), []).append(row)
    made = np.full(dataset.sizes["sample"], -1)
    for rows in keys.values():
        for place, row in enumerate(rows[: len(rows) // 2 * 2]):
            made[row] = rows[place ^ 1]
    return made


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """Per slice: what a segmenter finds, Hounsfield units by region, gradients, noise, and a second draw's likeness."""
    import xarray
    from scipy.ndimage import binary_erosion, gaussian_filter

    from .segmenter import segmented

    if "lung_hu" in dataset:
        return dataset
    images = dataset["ct"].values.astype(np.float64)
    body, lesion = dataset["body_mask"].values, dataset["lesion_mask"].values == 1
    labels, partners = segmented(images), _partners(dataset)
    size = len(images)
    rows: dict[str, np.ndarray] = {
        name: np.full(size, np.nan)
        for name in (
            *("lung_dice", "lesion_dice", "lung_hu", "lesion_hu", "lesion_texture", "soft_hu", "soft_noise"),
            *("lung_texture", "gradient", "bone", "vessels", "likeness", "apart", "signal_to_noise"),
        )
    }
    for row, (image, inside) in enumerate(zip(images, lesion, strict=True)):
        lung = (body[row] == thorax.LUNG) & ~inside
        soft = binary_erosion(body[row] == thorax.BODY, iterations=2) & (image > -50) & (image < 130)
        fine = image - gaussian_filter(image, 1.0)
        rows["lung_dice"][row] = 1.0 - _dice(labels[row] >= 2, body[row] == thorax.LUNG)
        rows["lesion_dice"][row] = 1.0 - _dice(labels[row] == 3, inside)
        if lung.sum() > _LUNG_SHARE:
            rows["lung_hu"][row] = np.median(image[lung])
            rows["lung_texture"][row] = fine[lung].std()
            rows["vessels"][row] = (image[lung] > -500.0).mean()
        if inside.sum() > _LUNG_SHARE:
            rows["lesion_hu"][row] = image[inside].mean()
            rows["lesion_texture"][row] = fine[inside].std()
        if soft.sum() > _LUNG_SHARE:
            rows["soft_hu"][row] = image[soft].mean()
            rows["soft_noise"][row] = fine[soft].std()
        rows["gradient"][row] = np.hypot(*np.gradient(image))[body[row] > 0].mean() if (body[row] > 0).any() else 0.0
        rows["bone"][row] = (image > 200.0).mean()
        if partners[row] >= 0:
            other = images[partners[row]]
            there = body[row] > 0
            rows["likeness"][row] = _structure(image, other)
            rows["apart"][row] = np.sqrt(((image - other)[there] ** 2).mean()) if there.any() else 0.0
            error = ((np.clip(image, -1200, 400) - np.clip(other, -1200, 400)) ** 2).mean()
            rows["signal_to_noise"][row] = 10.0 * np.log10(RANGE**2 / max(error, 1e-6))
    steps = np.linspace(0.02, 0.98, 13)
    profile = np.quantile(images.reshape(size, -1), steps, axis=1).T if size else np.zeros((0, 13))
    power = np.log10(radial_power(np.clip(images, -1200.0, 400.0)) + 1e-3)
    return xarray.Dataset(
        {
            **{name: ("sample", values) for name, values in rows.items()},
            "lesion_type": ("sample", dataset["lesion_type"].values),
            "power": (("sample", "frequency"), power),
            "profile": (("sample", "quantile"), profile),
        },
        coords={"sample": dataset["sample"].values},
    )


def mean_of_first(samples: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the samples' finite values, whatever the truth's."""
    return float(samples[np.isfinite(samples)].mean())


def log_ratio(samples: np.ndarray, truth: np.ndarray) -> float:
    """|ln| of the ratio of the means."""
    return float(abs(np.log(max(samples.mean(), 1e-9) / max(truth.mean(), 1e-9))))


def power_difference(samples: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference of mean log10 powers."""
    return float(np.abs(samples.mean(axis=0) - truth.mean(axis=0)).max())


def _apart(name: str, variable: str, text: str, units: str = "1") -> Figure:
    distance = Known(wasserstein_distance, least=8)
    return Figure(name, variable, distance, floors=2.0, text=f"{text}, Wasserstein distance", units=units)


FIGURES = Figures(
    (
        Figure(
            "lung_missed", "lung_dice", Known(mean_of_first), at_most=0.15, text="1 - Dice of lungs found and asked"
        ),
        Figure(
            "lesion_missed",
            "lesion_dice",
            Known(mean_of_first),
            at_most=0.3,
            text="1 - Dice of lesions found and asked",
        ),
        Figure(
            "likeness",
            "likeness",
            Known(difference_of_means),
            at_most=0.03,
            text="SSIM of two draws of one mask (1600 HU), difference of means",
        ),
        Figure(
            "spread",
            "apart",
            Known(log_ratio),
            at_most=float(np.log(1.25)),
            text="|ln| of the ratio of the RMS between two draws of one mask",
        ),
        Figure(
            "signal_to_noise",
            "signal_to_noise",
            Known(difference_of_means),
            text="PSNR of two draws (1600 HU), difference of means",
            units="dB",
        ),
        Figure(
            "power",
            "power",
            power_difference,
            floors=2.0,
            text="log10 of the radial power spectrum, largest difference",
        ),
        _apart("lung_hu", "lung_hu", "median CT number of lungs"),
        _apart("lesion_hu", "lesion_hu", "mean CT number inside lesions"),
        _apart("lesion_texture", "lesion_texture", "fine texture inside lesions"),
        _apart("lung_texture", "lung_texture", "fine texture of lungs"),
        _apart("vessels", "vessels", "share of lungs that is vessels"),
        _apart("soft_hu", "soft_hu", "mean CT number of soft tissue"),
        _apart("soft_noise", "soft_noise", "noise of soft tissue"),
        _apart("gradient", "gradient", "mean gradient within the body"),
        _apart("bone", "bone", "share of bone"),
    ),
    reduce=reduce,
    n=N_SLICES,
)

_NUMBERS = (
    *("lung_hu", "lesion_hu", "lesion_texture", "soft_hu", "soft_noise", "lung_texture", "gradient", "bone", "vessels"),
)


def features(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """What the two-sample classifiers look at: regions, texture, power by frequency, quantiles."""
    side = reduce(dataset)
    table = [side[name].values[:, None] for name in _NUMBERS]
    table += [side["power"].values, side["profile"].values]
    names = [*_NUMBERS, *(f"{kind}_{k}" for kind in ("power", "profile") for k in range(side[kind].shape[1]))]
    return np.concatenate(table, axis=1), tuple(names)


FEATURES = Features(high_level=features)
