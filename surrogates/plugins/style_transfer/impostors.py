"""Cheap ways to lend a picture a style, which the figures must tell from optimisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor


def drawn_by(truth: xr.Dataset, way: Callable[[Tensor, Tensor], Tensor]) -> xr.Dataset:
    """`truth` with pictures by ``way(content, style pictures)`` of tensors (n, 3, y, x), as far as is asked."""
    import torch

    from .codec import StyleCodec
    from .loss import every_style, tensors
    from .variables import CONDITIONS

    asked = {name: torch.from_numpy(truth[name].values) for name in CONDITIONS.names}
    codec = StyleCodec()
    encoded = codec.encode(asked)
    content = encoded["content"]
    styles = torch.einsum("nk,kcyx->ncyx", encoded["shares"], tensors(every_style()))
    made = content + encoded["strength"] * (way(content, styles).clamp(0.0, 1.0) - content)
    values = codec.decode({"made": made}, asked)["stylised"].numpy().astype(np.float32)
    return truth.assign(stylised=truth["stylised"].copy(data=values))


def unchanged(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The picture itself."""
    del seed
    return drawn_by(truth, lambda content, styles: content)


def mean_colour(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The picture moved to the style's mean colour."""
    del seed

    def moved(content: Tensor, styles: Tensor) -> Tensor:
        return content - content.mean(dim=(2, 3), keepdim=True) + styles.mean(dim=(2, 3), keepdim=True)

    return drawn_by(truth, moved)


def colour_matched(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The picture with the mean and covariance of the style's colours."""
    from ...physics.images.textures import recoloured

    del seed
    return drawn_by(truth, recoloured)


def histogram_matched(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """The picture with the style's values of each channel, in the order of its own."""
    import torch

    del seed

    def matched(content: Tensor, styles: Tensor) -> Tensor:
        rank = content.flatten(2).argsort(dim=2).argsort(dim=2) / (content[0, 0].numel() - 1)
        sorted_ = styles.flatten(2).sort(dim=2).values
        place = (rank * (sorted_.shape[2] - 1)).round().long()
        return torch.gather(sorted_, 2, place).unflatten(2, content.shape[2:])

    return drawn_by(truth, matched)


def overlaid(truth: xr.Dataset, seed: int) -> xr.Dataset:
    """Half the picture and half the style's own."""
    del seed

    def laid(content: Tensor, styles: Tensor) -> Tensor:
        height, width = content.shape[2:]
        tall, wide = -(-height // styles.shape[2]), -(-width // styles.shape[3])
        return 0.5 * content + 0.5 * styles.repeat(1, 1, tall, wide)[..., :height, :width]

    return drawn_by(truth, laid)


IMPOSTORS = {
    "unchanged": unchanged,
    "mean colour": mean_colour,
    "colour matched": colour_matched,
    "histogram matched": histogram_matched,
    "overlaid": overlaid,
}
"""Name -> maker of the plugin's own impostors."""
