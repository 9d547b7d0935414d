"""U-net of images in a context: time, class weights and attributes as embeddings, known images as further channels.

Ronneberger et al. 2015, arXiv:1505.04597, with the residual blocks, group norm and bottom attention of Ho et al. 2020,
arXiv:2006.11239, appendix B; embeddings scale and shift the features of each block (Dhariwal, Nichol 2021,
arXiv:2105.05233, section 3, adaptive group normalisation).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .convolutions import norm
from .time import fourier_features


class ContextBlock(nn.Module):
    """A residual block of two convolutions whose second norm is scaled and shifted by the embedding."""

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.first_norm = norm(inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.second_norm = norm(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(n, inputs, s, s) and (n, embedding) to (n, outputs, s, s)."""
        hidden = self.first(functional.silu(self.first_norm(x)))
        scale, shift = self.modulation(embedding)[..., None, None].chunk(2, dim=1)
        hidden = self.second_norm(hidden) * (1.0 + scale) + shift
        return self.shortcut(x) + self.second(functional.silu(hidden))


class PixelAttention(nn.Module):
    """Self-attention of all pixels of a small image, one head, residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = norm(channels)
        self.queries_keys_values = nn.Conv2d(channels, 3 * channels, 1)
        self.exit = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, s, s) to the same shape."""
        q, k, v = self.queries_keys_values(self.norm(x)).flatten(2).transpose(1, 2).chunk(3, dim=2)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return x + self.exit(mixed.transpose(1, 2).reshape(x.shape))


class ContextUNet(nn.Module):
    """A function of an image, a time and a context, of the image's shape.

    Parameters
    ----------
    channels : int
        Of the image.
    classes, attributes : int
        Lengths of the class weights (a one-hot vector, or a blend) and of the attributes, each embedded apart; 0 for
        none.
    maps : int
        Context maps, which the first convolution sees beside the image.
    width : int
        Channels at the finest level; the literature's is 64 or 128.
    multipliers : sequence of int
        Channels of each level in units of `width`; each level halves the resolution.
    patch : int
        Pixels on a side that the first convolution folds into channels, and the last unfolds: a `patch`² times cheaper
        finest level.
    filters : int
        Linear 5 x 5 filters of each channel whose sum, weighted by the embedding, adds to the result: what a coarse
        patch has no room for, such as white noise; 0 for none.
    """

    def __init__(
        self,
        channels: int,
        *,
        classes: int = 0,
        attributes: int = 0,
        maps: int = 0,
        width: int = 32,
        multipliers: Sequence[int] = (1, 2, 4),
        patch: int = 1,
        filters: int = 0,
    ) -> None:
        super().__init__()
        embedding = 4 * width
        widths = [width * m for m in multipliers]
        self.patch, self.maps, self.time_features, self.levels = patch, maps, 2 * width, len(widths)
        self.multiple = patch << (len(widths) - 1)
        self.time = nn.Sequential(nn.Linear(self.time_features, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.classes = nn.Linear(classes, embedding, bias=False) if classes else None
        self.attributes = (
            nn.Sequential(nn.Linear(attributes, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
            if attributes
            else None
        )
        self.entry = nn.Conv2d((channels + maps) * patch * patch, width, 3, padding=1)
        self.down = nn.ModuleList()
        self.shrink = nn.ModuleList()
        for before, here in zip([width, *widths], widths, strict=False):
            self.down.append(ContextBlock(before, here, embedding))
            self.shrink.append(nn.Conv2d(here, here, 3, 2, 1))
        self.shrink[-1] = nn.Identity()
        self.bottom = nn.ModuleList(
            (ContextBlock(widths[-1], widths[-1], embedding), ContextBlock(widths[-1], widths[-1], embedding))
        )
        self.attention = PixelAttention(widths[-1])
        self.up = nn.ModuleList()
        for here, below in zip(reversed(widths), [widths[-1], *reversed(widths)], strict=False):
            self.up.append(ContextBlock(below + here, here, embedding))
        self.filters = nn.Conv2d(channels, filters * channels, 5, padding=2, groups=channels) if filters else None
        self.filter_weights = nn.Linear(embedding, filters * channels) if filters else None
        self.exit_norm = norm(widths[0])
        self.exit = nn.Conv2d(widths[0], channels * patch * patch, 3, padding=1)
        for zeroed in (self.exit, self.filter_weights):
            if zeroed is not None:
                nn.init.zeros_(zeroed.weight)
                nn.init.zeros_(zeroed.bias)  # pyright: ignore[reportArgumentType]

    def forward(
        self,
        image: Tensor,
        time: Tensor,
        classes: Tensor | None = None,
        attributes: Tensor | None = None,
        maps: Tensor | None = None,
    ) -> Tensor:
        """Map images (n, channels, s, s) at times (n,) in [0, 1] to (n, channels, s, s).

        Parameters
        ----------
        classes, attributes : Tensor, optional
            (n, classes) and (n, attributes).
        maps : Tensor, optional
            (n, maps, s, s).
        """
        if image.shape[-1] % self.multiple or image.shape[-2] % self.multiple:
            raise ValueError(f"image: {tuple(image.shape[-2:])} pixels; expected multiples of {self.multiple}")
        embedding = self._embedding(image, time, classes, attributes)
        if (maps is None) == bool(self.maps):
            raise ValueError(f"maps: {'none' if maps is None else 'some'} given; the network has {self.maps}")
        seen = image if maps is None else torch.cat((image, maps.to(image.dtype)), dim=1)
        hidden = self.entry(functional.pixel_unshuffle(seen, self.patch))
        kept = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            hidden = block(hidden, embedding)
            kept.append(hidden)
            hidden = shrink(hidden)
        hidden = self.bottom[1](self.attention(self.bottom[0](hidden, embedding)), embedding)
        for level, block in enumerate(self.up):
            if level:
                hidden = functional.interpolate(hidden, scale_factor=2, mode="nearest")
            hidden = block(torch.cat((hidden, kept.pop()), dim=1), embedding)
        hidden = self.exit(functional.silu(self.exit_norm(hidden)))
        made = functional.pixel_shuffle(hidden, self.patch)
        if self.filters is not None and self.filter_weights is not None:
            weighted = self.filters(image) * self.filter_weights(embedding)[..., None, None]
            made = made + weighted.unflatten(1, (image.shape[1], -1)).sum(dim=2)
        return made

    def _embedding(self, image: Tensor, time: Tensor, classes: Tensor | None, attributes: Tensor | None) -> Tensor:
        embedding = self.time(fourier_features(time.to(image.dtype), self.time_features, periods=64.0))
        for name, part, given in (
            ("classes", self.classes, classes),
            ("attributes", self.attributes, attributes),
        ):
            if (part is None) != (given is None):
                expected = "none" if part is None else "some"
                raise ValueError(f"{name}: {'none' if given is None else 'some'} given; expected {expected}")
            if part is not None and given is not None:
                embedding = embedding + part(given.to(image.dtype))
        return functional.silu(embedding)
