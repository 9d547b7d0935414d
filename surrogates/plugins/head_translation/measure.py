"""How near a made slice is to the simulator's: by material, at lesions, and beside what two scans of one head differ.

Materials, lesions and the scan without noise are the simulated head's own, found again by its number.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...measuring.figures import Figure, Figures, Together
from ...physics.medical import head

if TYPE_CHECKING:
    import xarray as xr

AIR, SOFT, BONE = 0, 1, 2
BONE_FROM, AIR_BELOW = 250.0, -250.0
"""Hounsfield units of the scan without noise that bound soft tissue."""

N = 120
"""Slices of the figures."""


@lru_cache(maxsize=400)
def known(anatomy: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scan without noise, and within how many pixels of the head each pixel lies (bool), of an anatomy."""
    from scipy import ndimage

    found = head.simulate(anatomy)
    clean = head.SCANNER.without_noise(found.hounsfield).astype(np.float32)
    near: Any = ndimage.binary_fill_holes(ndimage.binary_dilation(clean > AIR_BELOW, iterations=2))
    return found.labels, clean, near


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """The slices with what is known of their heads."""
    if "clean" in dataset:
        return dataset
    numbers = dataset["anatomy"].values
    shape = (0, head.SIZE, head.SIZE)
    parts = [known(int(number)) for number in numbers]
    labels, clean, near = (
        np.stack([part[k] for part in parts]) if parts else np.zeros(shape, kind)
        for k, kind in enumerate((np.int8, np.float32, bool))
    )
    place = ("sample", "y", "x")
    return dataset.assign(labels=(place, labels), clean=(place, clean), near=(place, near))


def materials(clean: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(n, y, x) int8: air in and about the head, soft tissue, bone; -1 far from it."""
    found = np.where(clean > BONE_FROM, BONE, np.where(clean < AIR_BELOW, AIR, SOFT)).astype(np.int8)
    return np.where(near, found, -1).astype(np.int8)


def _within(error: np.ndarray, chosen: np.ndarray) -> float:
    return float(error[chosen].mean()) if chosen.any() else 0.0


def contrasts(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of each lesion less that of the brain around it, (n,); NaN where there is none of 20 pixels."""
    from scipy import ndimage

    lesion = labels == head.TISSUES.index("lesion")
    tissue = (labels == 2) | (labels == 3)
    found = np.full(len(image), np.nan)
    for row in np.flatnonzero(lesion.sum((1, 2)) >= 20):
        core = ndimage.binary_erosion(lesion[row])
        ring = ndimage.binary_dilation(lesion[row], iterations=4) & tissue[row]
        if core.any() and ring.sum() >= 20:
            found[row] = image[row][core].mean() - image[row][ring].mean()
    return found


def retention(ours: np.ndarray, true: np.ndarray) -> float:
    """Slope of the made contrasts in the true ones, through 0."""
    both = np.isfinite(ours) & np.isfinite(true)
    return float((ours[both] * true[both]).sum() / max((true[both] ** 2).sum(), 1e-12)) if both.any() else 1.0


def similarity(ours: np.ndarray, true: np.ndarray, span: float) -> float:
    """Mean structural similarity (Wang et al. 2004), Gaussian window of 1.5 pixels, range `span`."""
    from scipy import ndimage

    def local(image: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(image, (0, 1.5, 1.5))

    ours, true = ours.astype(np.float64), true.astype(np.float64)
    one, two = local(ours), local(true)
    spread = local(ours**2) - one**2, local(true**2) - two**2, local(ours * true) - one * two
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    share = (2 * one * two + c1) * (2 * spread[2] + c2) / ((one**2 + two**2 + c1) * (spread[0] + spread[1] + c2))
    return float(share.mean())


def to_ct(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Errors of CT in Hounsfield units, of what lies in and about the head."""
    clean, labels = truth["clean"].values, truth["labels"].values
    kind = materials(clean, truth["near"].values)
    ours = samples["ct"].values
    error = np.abs(ours - clean)
    found = {
        "mae": _within(error, kind >= 0),
        "mae_scan": _within(np.abs(ours - truth["ct"].values), kind >= 0),
        "mae_bone": _within(error, kind == BONE),
        "mae_soft": _within(error, kind == SOFT),
        "mae_air": _within(error, kind == AIR),
        "brain": float(abs((ours - clean)[labels > 0].mean())) if (labels > 0).any() else 0.0,
        "bone_mean": float(abs((ours - clean)[kind == BONE].mean())) if (kind == BONE).any() else 0.0,
    }
    bone = (ours > BONE_FROM) & (kind >= 0)
    both = (bone & (kind == BONE)).sum()
    found["bone_dice_loss"] = float(1.0 - 2.0 * both / max(bone.sum() + (kind == BONE).sum(), 1))
    found["lesion_loss"] = abs(1.0 - retention(contrasts(ours, labels), contrasts(clean, labels)))
    found["ssim_loss"] = 1.0 - similarity(ours, clean, 2000.0)
    return found


def to_mri(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """Errors of MR in units of white matter's signal, and contrasts of tissues."""
    clean, labels = truth["clean"].values, truth["labels"].values
    kind = materials(clean, truth["near"].values)
    ours, true = samples["mri"].values, truth["mri"].values
    error = np.abs(ours - true)
    brain = labels > 0
    found = {
        "mae": _within(error, kind >= 0),
        "mae_brain": _within(error, brain),
        "mae_scalp": _within(error, (kind == SOFT) & ~brain),
        "mae_bone": _within(error, kind == BONE),
        "mae_air": _within(error, kind == AIR),
        "brain": float(abs((ours - true)[brain].mean())) if brain.any() else 0.0,
    }
    means = [
        [image[labels == code].mean() if (labels == code).any() else 0.0 for code in (1, 2, 3)]
        for image in (ours, true)
    ]
    for name, (low, high) in {"white_to_grey": (1, 2), "tissue_to_fluid": (0, 2)}.items():
        ratio = (means[0][high] - means[0][low]) / ((means[1][high] - means[1][low]) or 1.0)
        found[f"contrast_{name}"] = float(abs(1.0 - ratio))
    found["lesion_loss"] = abs(1.0 - retention(contrasts(ours, labels), contrasts(true, labels)))
    found["ssim_loss"] = 1.0 - similarity(ours, true, 1.5)
    return found


CT_FIGURES = Figures(
    (
        Together(
            to_ct,
            (
                Figure("mae", at_most=60.0, text="mean absolute error against the scan without noise"),
                Figure("mae_scan", at_most=65.0, text="mean absolute error against a noisy scan"),
                Figure("mae_bone", at_most=200.0, text="of bone"),
                Figure("mae_soft", at_most=25.0, text="of soft tissue"),
                Figure("mae_air", at_most=60.0, text="of air in and about the head"),
                Figure("brain", at_most=3.0, text="mean error within the brain"),
                Figure("bone_mean", at_most=50.0, text="mean error of bone"),
                Figure("bone_dice_loss", at_most=0.1, text="1 - Dice of bone"),
                Figure("lesion_loss", at_most=0.3, text="|1 - share of lesions' contrast that is kept|"),
                Figure("ssim_loss", at_most=0.1, text="1 - structural similarity, range 2000"),
            ),
        ),
    ),
    reduce=reduce,
    n=N,
    paired=("mri",),
)

MRI_FIGURES = Figures(
    (
        Together(
            to_mri,
            (
                Figure("mae", at_most=0.12, text="mean absolute error, in white matter's signal"),
                Figure("mae_brain", at_most=0.12, text="of the brain"),
                Figure("mae_scalp", at_most=0.25, text="of scalp and other soft tissue"),
                Figure("mae_bone", at_most=0.12, text="of bone"),
                Figure("mae_air", at_most=0.05, text="of air in and about the head"),
                Figure("brain", at_most=0.03, text="mean error within the brain"),
                Figure(
                    "contrast_white_to_grey", at_most=0.5, text="|1 - kept share of the contrast of white and grey|"
                ),
                Figure("contrast_tissue_to_fluid", at_most=0.3, text="|1 - kept share of the contrast of fluid|"),
                Figure("lesion_loss", at_most=0.3, text="|1 - share of lesions' contrast that is kept|"),
                Figure("ssim_loss", at_most=0.2, text="1 - structural similarity, range 1.5"),
            ),
        ),
    ),
    reduce=reduce,
    n=N,
    paired=("ct",),
)
