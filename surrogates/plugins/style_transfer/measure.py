"""The figures of style transfer: the loss that optimisation leaves, and what no network was trained for beside it.

Row by row at the same picture, style and strength. Textures, colours and outlines are by filters and moments, which
neither side was made to match.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ...measuring.figures import Figure, Figures, Group, Part, Split, bins, by
from ...physics.images.drawn_styles import NAMES

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

N = 64
"""Pictures on each side of a figure."""

STRONG = 0.6
"""Strength from which a pure style is expected to be told."""


def reduce(data: xr.Dataset) -> xr.Dataset:
    """Losses, textures, colours and outlines of each picture, and the same of the one that was given.

    Returns
    -------
    Dataset
        `loss`, `content`, `style_loss` and `given_loss` (sample,); `texture` and `given_texture` (sample, number);
        `outlines` (sample,), their correlation with the given picture's; `change`, root mean square; `strength`;
        `pure`, code of a style that was asked alone and strongly, else -1; `taken`, the style whose texture is nearest.
    """
    import torch
    import xarray as xr

    from ...physics.images.textures import alike, outlines, texture
    from .codec import StyleCodec

    if "given_loss" in data:
        return data
    names = ("image", "style", "strength", "second_style", "second_share", "stylised")
    encoded = StyleCodec().encode({name: torch.from_numpy(data[name].values) for name in names})
    made, given = encoded["made"], encoded["content"]
    strength = encoded["strength"].flatten()
    losses = [_losses(side, given, encoded["shares"], strength) for side in (made, given)]
    numbers = [texture(side) for side in (made, given)]
    apart = (numbers[0][:, None] - _style_textures()) / _style_spread()
    alone = (data["second_share"].values == 0) & (data["strength"].values >= STRONG)
    found = {
        "loss": losses[0].sum(dim=0),
        "content": losses[0][0],
        "style_loss": losses[0][1],
        "given_loss": losses[1].sum(dim=0),
        "outlines": alike(outlines(made), outlines(given)),
        "change": (made - given).square().mean(dim=(1, 2, 3)).sqrt(),
        "strength": strength,
        "taken": apart.square().sum(dim=2).argmin(dim=1),
        "pure": torch.from_numpy(np.where(alone, data["style"].values, -1)),
    }
    fields: dict[str, tuple] = {name: (("sample",), value.double().numpy()) for name, value in found.items()}
    for name, value in zip(("texture", "given_texture"), numbers, strict=True):
        fields[name] = (("sample", "number"), (value / _style_spread()).numpy())
    return xr.Dataset(fields, coords={"sample": data["sample"]})


def _losses(made: Tensor, given: Tensor, shares: Tensor, strength: Tensor) -> Tensor:
    """Parts of the loss, (2, n): of content, and of style times the strength."""
    import torch

    from .loss import style_loss

    loss = style_loss()
    with torch.no_grad():
        parts = [
            torch.stack(loss.parts(made[row], loss.content_of(given[row]), shares[row]))
            for row in (slice(first, first + 8) for first in range(0, len(made), 8))
        ]
    found = torch.cat(parts, dim=1) if parts else made.new_zeros(2, 0)
    return found * torch.stack((torch.ones_like(strength), strength))


@cache
def _style_textures() -> Tensor:
    from ...physics.images.textures import texture
    from .loss import every_style, tensors

    return texture(tensors(every_style()))


@cache
def _style_spread() -> Tensor:
    return _style_textures().std(dim=0).clamp_min(0.05)


def _together(*names: str):
    def chosen(data: xr.Dataset) -> np.ndarray:
        return np.stack([data[name].values for name in names])

    return chosen


def loss_ratio(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Geometric mean of the losses' ratios, of pictures that are changed at all."""
    asked = theirs[1] > 0
    return float(np.exp(np.log(np.maximum(ours[0, asked], 1e-9) / np.maximum(theirs[0, asked], 1e-9)).mean()))


def missed(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Share of what optimisation takes off the given picture's loss that is left."""
    return float((ours[0] - theirs[0]).mean() / max((theirs[1] - theirs[0]).mean(), 1e-9))


def texture_apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Distance of textures in units of how far optimisation takes the given picture's."""
    moved = np.sqrt(((theirs[1] - theirs[0]) ** 2).mean())
    return float(np.sqrt(((ours[0] - theirs[0]) ** 2).mean()) / max(moved, 1e-9))


def content_ratio(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Mean loss of content in units of what optimisation leaves."""
    return float(ours.mean() / max(theirs.mean(), 1e-9))


def lost_outlines(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How much less outlines are those of the given picture than optimisation leaves them."""
    return float(max((theirs - ours).mean(), 0.0))


def change_apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Size of the logarithm of the ratio of mean changes."""
    return abs(float(np.log(max(ours.mean(), 1e-9) / max(theirs.mean(), 1e-9))))


def untold(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Share of strong pictures of one style whose texture and colours are nearest to another style's."""
    del theirs
    asked = ours[1] >= 0
    return float((ours[0] != ours[1])[asked].mean()) if asked.any() else None


LOSS = _together("loss", "given_loss")


def _missed(at_most: float) -> Figure:
    return Figure(
        "missed", LOSS, missed, at_most=at_most, text="of what optimisation takes off the loss, the part left"
    )


def _styles() -> Group:
    parts = tuple(Part(name, code, code, words=name) for code, name in enumerate(NAMES))
    return by(Split("pure", parts), _missed(0.2))


FIGURES = Figures(
    (
        Figure("loss_ratio", LOSS, loss_ratio, at_most=1.5, text="loss in units of optimisation's, geometric mean"),
        _missed(0.12),
        Figure("content_ratio", "content", content_ratio, at_most=1.5, text="loss of content over optimisation's"),
        Figure("style_ratio", "style_loss", content_ratio, at_most=1.8, text="loss of style over optimisation's"),
        Figure(
            "texture_apart",
            _together("texture", "given_texture"),
            texture_apart,
            at_most=0.6,
            text="textures and colours from optimisation's, over how far that takes them",
        ),
        Figure("lost_outlines", "outlines", lost_outlines, at_most=0.1, text="outlines less kept than by optimisation"),
        Figure(
            "untold", _together("taken", "pure"), untold, at_most=0.3, text="strong pictures taken for another style"
        ),
        _styles(),
        by(
            bins("strength", (0.0, 0.35, 0.7, 1.0)),
            Figure("change_apart", "change", change_apart, at_most=0.3, text="log ratio of changes to optimisation's"),
            _missed(0.25),
        ),
    ),
    reduce=reduce,
    n=N,
)
"""The plugin's measure: drawn pictures and optimised ones, one by one."""
