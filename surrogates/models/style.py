"""Neural style transfer: how far a picture is from another's style and from a third's content, in a network's features.

Gatys, Ecker, Bethge 2016, CVPR, 2414. Gram matrices are of activations less a fixed shift, so that they tell textures
rather than means (Novak, Nikulin 2016, arXiv:1605.04603), each in units of the style's own, at several sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Features = Callable[[Tensor], Sequence[Tensor]]


def gram(maps: Tensor) -> Tensor:
    """Mean products of channels over places, (n, channel, channel), of maps (n, channel, y, x)."""
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[-1]


SIZES = 3
"""Of a picture, each half of the one before, at which its style is told."""

MARGIN = 0.02
"""How far within its bounds, in units of their distance, a pixel begins."""


@dataclass(frozen=True)
class Weights:
    """Of the parts of the loss.

    Attributes
    ----------
    content, style : float
    colour : float
        Of means and products of the colours themselves, beside those of the features.
    roughness : float
        Of the mean squared difference of neighbours.
    """

    content: float = 1.0
    style: float = 1.0
    colour: float = 1.0
    roughness: float = 1.0


class StyleLoss:
    """Content and style of pictures (n, 3, y, x) in [0, 1], of 32 pixels a side or more.

    Parameters
    ----------
    features : callable
        Pictures -> maps of activations, from fine to coarse; the last is the content.
    styles : Tensor
        (styles, 3, y, x).
    photographs : Tensor
        (n, 3, y, x) that say what size differences of content have.
    weights : Weights
    """

    def __init__(self, features: Features, styles: Tensor, photographs: Tensor, weights: Weights) -> None:
        self.features, self.weights = features, weights
        with torch.no_grad():
            maps = [level for size in self._sizes(styles) for level in features(size)]
            self.shifts = [level.mean(dim=(0, 2, 3), keepdim=True) for level in maps]
            self.targets = [gram(level - shift) for level, shift in zip(maps, self.shifts, strict=True)]
            self.units = [target.square().sum(dim=(1, 2)) for target in self.targets]
            self.colours = self._colours(styles)
            content = features(photographs)[-1]
            self.content_unit = float(content.var(dim=(0, 2, 3)).sum())

    @staticmethod
    def _sizes(pictures: Tensor) -> list[Tensor]:
        sizes = [pictures]
        while len(sizes) < SIZES:
            sizes.append(functional.avg_pool2d(sizes[-1], 2))
        return sizes

    @staticmethod
    def _colours(pictures: Tensor) -> Tensor:
        """Means (n, 3, 1) and mean products (n, 3, 3) of the colours about grey, beside each other."""
        centred = 2.0 * pictures - 1.0
        return torch.cat((centred.mean(dim=(2, 3))[..., None], gram(centred)), dim=-1)

    def content_of(self, pictures: Tensor) -> Tensor:
        """What `parts` takes as the content of pictures."""
        with torch.no_grad():
            return self.features(pictures)[-1]

    def parts(self, made: Tensor, content: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of content, and of style with the roughness, both (n,).

        Parameters
        ----------
        made : Tensor
        content : Tensor
            As `content_of` gives it.
        shares : Tensor
            (n, styles), which add up to 1.
        """
        first, *rest = (self.features(size) for size in self._sizes(made))
        kept = (first[-1] - content).square().sum(dim=1).mean(dim=(1, 2)) / self.content_unit
        levels = [*first, *(level for size in rest for level in size)]
        apart = [
            (gram(level - shift)[:, None] - target).square().sum(dim=(2, 3)) / unit
            for level, shift, target, unit in zip(levels, self.shifts, self.targets, self.units, strict=True)
        ]
        texture = torch.stack(apart).mean(dim=0)
        colour = (self._colours(made)[:, None] - self.colours).square().sum(dim=(2, 3))
        style = (shares * (texture + self.weights.colour * colour)).sum(dim=1)
        rough = sum((made.diff(dim=axis).square().mean(dim=(1, 2, 3)) for axis in (2, 3)), start=made.new_zeros(()))
        return self.weights.content * kept, self.weights.style * style + self.weights.roughness * rough


def optimised(
    loss: Callable[[Tensor], Tensor], start: Tensor, low: Tensor, high: Tensor, iterations: int
) -> tuple[Tensor, list[float]]:
    """One picture (1, 3, y, x) of least loss between two others, by L-BFGS on its pixels from `start`.

    The bounds are kept by a logistic function, which leaves the loss smooth: clipping stalls L-BFGS.

    Parameters
    ----------
    loss : callable
        Picture -> (1,).
    start, low, high : Tensor
    iterations : int

    Returns
    -------
    picture : Tensor
        The best that was met.
    losses : list of float
        The best so far at each evaluation.
    """
    width = (high - low).clamp_min(1e-6)
    inside = ((start - low) / width).clamp(MARGIN, 1.0 - MARGIN)
    place = torch.logit(inside).contiguous().requires_grad_()
    best, losses = start.clone(), [float("inf")]
    solver = torch.optim.LBFGS(
        [place],
        max_iter=iterations,
        max_eval=2 * iterations,
        history_size=20,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-9,
        tolerance_change=1e-12,
    )

    def evaluated() -> Tensor:
        nonlocal best
        solver.zero_grad()
        made = low + width * torch.sigmoid(place)
        value = loss(made).sum()
        value.backward()
        found = float(value.detach())
        if found < losses[-1]:
            best = made.detach().clone()
        losses.append(min(found, losses[-1]))
        return value.detach()

    with torch.enable_grad():
        solver.step(evaluated)
    return best, losses[1:]
