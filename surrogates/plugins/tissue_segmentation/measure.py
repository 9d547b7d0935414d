"""How well tissues are found: overlap, surfaces and volumes, slice by slice, in usual scans and in unusual ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...measuring.figures import Figure, Figures, Together, by, classes
from .impostors import mixture_labels
from .variables import PIXEL, PROTOCOLS, TISSUES, VOLUMES

if TYPE_CHECKING:
    import xarray as xr

_BRAIN = ("cerebrospinal_fluid", "grey_matter", "white_matter")
_SURFACES = ("grey_matter", "white_matter")


def reduce(dataset: xr.Dataset) -> xr.Dataset:
    """Labels with the surfaces and distances that figures need, and a Gaussian mixture's labels of the same images."""
    if "mixture" in dataset:
        return dataset
    from scipy import ndimage

    tissue = dataset["tissue"].values
    found = {"mixture": (("sample", "y", "x"), mixture_labels(dataset["mri"].values, tissue > 0))}
    for name in _SURFACES:
        inside = tissue == TISSUES.index(name)
        core: Any = ndimage.binary_erosion(inside, np.ones((1, 3, 3), bool))
        edge = inside & ~core
        distance = np.full(edge.shape, 64.0)
        for row in np.flatnonzero(edge.any(axis=(1, 2))):
            distance[row] = ndimage.distance_transform_edt(~edge[row])
        found[f"edge_{name}"] = (("sample", "y", "x"), edge)
        found[f"distance_{name}"] = (("sample", "y", "x"), (distance * PIXEL).astype(np.float32))
    return dataset.assign(found)


def dice(first: np.ndarray, second: np.ndarray, code: int) -> np.ndarray:
    """Dice coefficient of a label in each slice, (n,); NaN where neither side has it."""
    one, two = first == code, second == code
    total = one.sum((1, 2)) + two.sum((1, 2))
    return np.where(total > 0, 2.0 * (one & two).sum((1, 2)) / np.maximum(total, 1), np.nan)


def overlap(samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
    """1 - Dice by tissue, mean distance of surfaces, errors of volumes, and what is gained on a Gaussian mixture."""
    ours, true = samples["tissue"].values, truth["tissue"].values
    found, mine = {}, {}
    for name in (*_BRAIN, "lesion"):
        code = TISSUES.index(name)
        there = (true == code).any(axis=(1, 2))
        values = dice(ours, true, code)[there]
        if len(values):
            mine[name] = float(np.nanmean(values))
            found[f"dice_loss_{name}"] = 1.0 - mine[name]
    for name in _SURFACES:
        found[f"surface_{name}"] = _surface(samples, truth, name)
    for name in _BRAIN:
        volume = VOLUMES[name]
        found[f"volume_{name}"] = float(
            np.abs(samples[volume].values - truth[volume].values).sum() / max(truth[volume].values.sum(), 1e-9)
        )
    ratios = [
        side["volume_grey_matter"].values.sum() / max(side["volume_white_matter"].values.sum(), 1e-9)
        for side in (samples, truth)
    ]
    found["grey_to_white"] = float(abs(ratios[0] / ratios[1] - 1.0))
    mixture = truth["mixture"].values
    theirs = [float(np.nanmean(dice(mixture, true, TISSUES.index(name)))) for name in _SURFACES]
    found["gain_on_mixture"] = float(np.mean([mine.get(name, 0.0) for name in _SURFACES]) - np.mean(theirs))
    return found


def _surface(samples: xr.Dataset, truth: xr.Dataset, name: str) -> float:
    """Mean distance [mm] of either surface from the other, over all slices."""
    edges = [side[f"edge_{name}"].values for side in (samples, truth)]
    distances = [side[f"distance_{name}"].values for side in (samples, truth)]
    count = sum(edge.sum() for edge in edges)
    return float((distances[1][edges[0]].sum() + distances[0][edges[1]].sum()) / max(count, 1))


def _figures() -> Together:
    loss = 0.10
    return Together(
        overlap,
        (
            Figure("dice_loss_grey_matter", at_most=loss, text="1 - Dice of grey matter"),
            Figure("dice_loss_white_matter", at_most=loss, text="1 - Dice of white matter"),
            Figure("dice_loss_cerebrospinal_fluid", at_most=0.2, text="1 - Dice of cerebrospinal fluid"),
            Figure("dice_loss_lesion", at_most=0.35, text="1 - Dice of lesions, where there is one"),
            Figure("surface_grey_matter", at_most=1.0, text="mean distance of surfaces", units="mm"),
            Figure("surface_white_matter", at_most=1.0, text="mean distance of surfaces", units="mm"),
            Figure("volume_cerebrospinal_fluid", at_most=0.10, text="relative error of the volume, slice by slice"),
            Figure("volume_grey_matter", at_most=0.05, text="relative error of the volume, slice by slice"),
            Figure("volume_white_matter", at_most=0.05, text="relative error of the volume, slice by slice"),
            Figure("grey_to_white", at_most=0.05, text="relative error of the ratio of volumes"),
            Figure(
                "gain_on_mixture", at_least=0.05, text="Dice above a Gaussian mixture that knows where the brain is"
            ),
        ),
    )


FIGURES = Figures((by(classes("protocol", PROTOCOLS), _figures()),), reduce=reduce, n=200, paired=("mri",))
