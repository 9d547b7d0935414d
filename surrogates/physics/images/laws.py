"""What pictures made of others have to keep: tensors (n, y, x, channel) in [0, 1], one value a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]


def same_when_reduced(outputs: Tensors, conditions: Tensors, *, large: str, small: str) -> Tensor:
    """Root mean square of what the large picture, reduced by the antialiased cubic kernel, differs from the small one.

    What is wholly transparent does not count.

    Returns
    -------
    Tensor
        (n,) float64.
    """
    from .colour import has_alpha
    from .resampling import cubic

    asked = conditions[small].double()
    made = outputs[large].double().permute(0, 3, 1, 2)
    apart = cubic(made, (asked.shape[1], asked.shape[2])).permute(0, 2, 3, 1) - asked
    if has_alpha(asked.shape[-1]):
        apart = apart * (asked[..., -1:] > 0)
    return apart.square().flatten(1).mean(dim=1).add(1e-30).sqrt()


def untouched(outputs: Tensors, conditions: Tensors, *, made: str, given: str, mask: str) -> Tensor:
    """Largest change of a pixel where the mask is 0.

    Returns
    -------
    Tensor
        (n,) float64.
    """
    known = conditions[mask][..., None] <= 0
    apart = (outputs[made].double() - conditions[given].double()).abs() * known
    return apart.flatten(1).amax(dim=1) if apart[0].numel() else apart.flatten(1).sum(dim=1)


def within_strength(outputs: Tensors, conditions: Tensors, *, made: str, given: str, strength: str) -> Tensor:
    """By how much a pixel changes more than the strength; alpha does not change at all.

    Returns
    -------
    Tensor
        (n,) float64.
    """
    from .colour import has_alpha

    apart = (outputs[made].double() - conditions[given].double()).abs()
    allowed = conditions[strength].double()[:, None, None, None].expand_as(apart).clone()
    if has_alpha(apart.shape[-1]):
        allowed[..., -1] = 0.0
    beyond = (apart - allowed).clamp_min(0.0).flatten(1)
    return beyond.amax(dim=1) if beyond[0:1].numel() else beyond.sum(dim=1)


def is_picture(values: Mapping[str, np.ndarray], *, name: str) -> np.ndarray:
    """(n,) bool: pictures (n, y, x, channel) of one to four channels and at least one pixel."""
    pictures = values[name]
    return np.full(len(pictures), 1 <= pictures.shape[-1] <= 4 and min(pictures.shape[1:3]) > 0)


def is_lit(values: Mapping[str, np.ndarray], *, name: str) -> np.ndarray:
    """(n,) bool: pictures (n, y, x, channel) that are not black in any channel."""
    lit = np.asarray((values[name] > 0).any(axis=(1, 2)))
    return np.asarray(lit.all(axis=-1))


def is_partly_known(values: Mapping[str, np.ndarray], *, mask: str) -> np.ndarray:
    """(n,) bool: masks (n, y, x) that leave some pixel known."""
    return np.asarray((values[mask] <= 0).any(axis=(1, 2)))
