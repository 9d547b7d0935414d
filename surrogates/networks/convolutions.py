"""Convolutional generator and discriminator of square images, after DCGAN, whose samples do not depend on their batch.

Radford, Metz, Chintala 2016, arXiv:1511.06434: strided convolutions alone, ReLU in the generator, LeakyReLU in the
discriminator. Group norm (Wu, He 2018, arXiv:1803.08494) stands where DCGAN has batch norm. Context maps, images of
what is known at each pixel, may be given to both beside the vector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_GROUP = 8
_FIRST = 4
_SLOPE = 0.2


def stages_of(size: int) -> int:
    """Number of doublings from 4 pixels to `size`; ValueError unless it is 8, 16, 32, 64, …"""
    stages = (size // _FIRST).bit_length() - 1
    if stages < 1 or size != _FIRST << stages:
        raise ValueError(f"size: {size} pixels; expected {_FIRST} times a power of 2, from {2 * _FIRST} up")
    return stages


def pooled(maps: Tensor, size: int) -> Tensor:
    """Context maps (n, k, s, s) averaged down to (n, k, size, size)."""
    factor = maps.shape[-1] // size
    return maps if factor == 1 else functional.avg_pool2d(maps, factor)


def norm(channels: int) -> nn.GroupNorm:
    """Group norm of 8 channels a group."""
    return nn.GroupNorm(max(channels // _GROUP, 1), channels)


class ConvolutionalGenerator(nn.Module):
    """A vector (noise and condition together) to an image.

    Parameters
    ----------
    inputs, channels : int
        Length of the vector, channels of the image.
    size : int
        Pixels on a side, 4 times a power of 2.
    width : int
        Channels at the finest stage; each coarser stage has twice as many. The literature's is 64.
    maps : int
        Context maps, which every stage sees at its own resolution.
    patch : int
        Pixels on a side that the last convolution makes at once out of channels (Shi et al. 2016, arXiv:1609.05158):
        the finest stage is `patch`² times cheaper.
    """

    def __init__(
        self, inputs: int, channels: int, *, size: int = 64, width: int = 32, maps: int = 0, patch: int = 1
    ) -> None:
        super().__init__()
        widths = [width << k for k in reversed(range(stages_of(size // patch)))]
        self.entry = nn.Linear(inputs, widths[0] * _FIRST * _FIRST)
        self.norms = nn.ModuleList(norm(w) for w in widths)
        self.stages = nn.ModuleList(
            nn.ConvTranspose2d(before + maps, after, 4, 2, 1)
            for before, after in zip(widths, [*widths[1:], width], strict=True)
        )
        self.last_norm = norm(width)
        self.exit = nn.Conv2d(width + maps * patch * patch, channels * patch * patch, 3, padding=1)
        self.maps, self.patch = maps, patch

    def forward(self, vector: Tensor, maps: Tensor | None = None) -> Tensor:
        """Images (n, channels, size, size), unbounded, of vectors (n, inputs) and maps (n, maps, size, size)."""
        hidden = self.entry(vector).unflatten(1, (-1, _FIRST, _FIRST))
        for normalise, stage in zip(self.norms, self.stages, strict=True):
            hidden = stage(self._beside(functional.relu(normalise(hidden)), maps))
        hidden = functional.relu(self.last_norm(hidden))
        if maps is not None:
            hidden = torch.cat((hidden, functional.pixel_unshuffle(maps.to(hidden.dtype), self.patch)), dim=1)
        return functional.pixel_shuffle(self.exit(hidden), self.patch)

    def _beside(self, hidden: Tensor, maps: Tensor | None) -> Tensor:
        if (maps is None) == bool(self.maps):
            raise ValueError(f"maps: {'none' if maps is None else 'some'} given; the network has {self.maps}")
        return hidden if maps is None else torch.cat((hidden, pooled(maps, hidden.shape[-1]).to(hidden.dtype)), dim=1)


class ConvolutionalDiscriminator(nn.Module):
    """An image to numbers: scores of a discriminator, or the attributes of a predictor.

    Parameters
    ----------
    channels, outputs : int
    size, width, patch : int
        As for `ConvolutionalGenerator`; the first convolution sees `patch`² pixels as channels.
    context : int
        Length of a condition; its inner product with features of the image adds to every output (projection
        discriminator: Miyato, Koyama 2018, arXiv:1802.05637, eq. 3).
    maps : int
        Context maps, which the first convolution sees beside the image.
    minibatch : int
        Samples in a group whose spread is shown to the last layer, against mode collapse (Karras et al. 2018,
        arXiv:1710.10196, section 3); 0 for none.
    normalised : bool
        Whether group norms stand between the convolutions.
    """

    def __init__(
        self,
        channels: int,
        outputs: int = 1,
        *,
        size: int = 64,
        width: int = 16,
        context: int = 0,
        maps: int = 0,
        minibatch: int = 0,
        patch: int = 1,
        normalised: bool = True,
    ) -> None:
        super().__init__()
        widths = [width << k for k in range(stages_of(size // patch))]
        seen = (channels + maps) * patch * patch
        self.stages = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1) for before, after in zip([seen, *widths], widths, strict=False)
        )
        self.norms = nn.ModuleList(norm(w) if normalised else nn.Identity() for w in widths[1:])
        features = widths[-1] * _FIRST * _FIRST
        self.exit = nn.Linear(features + (minibatch > 0), outputs)
        self.project = nn.Linear(context, features, bias=False) if context else None
        self.maps, self.minibatch, self.patch = maps, minibatch, patch

    def forward(self, image: Tensor, context: Tensor | None = None, maps: Tensor | None = None) -> Tensor:
        """Numbers (n, outputs) of images (n, channels, size, size), conditions (n, context) and maps."""
        if (context is None) == (self.project is not None) or (maps is None) == bool(self.maps):
            raise ValueError("context, maps: expected exactly those that the network was made for")
        hidden = image if maps is None else torch.cat((image, maps.to(image.dtype)), dim=1)
        hidden = functional.pixel_unshuffle(hidden, self.patch)
        for number, stage in enumerate(self.stages):
            hidden = stage(hidden)
            hidden = functional.leaky_relu(hidden if number == 0 else self.norms[number - 1](hidden), _SLOPE)
        features = hidden.flatten(1)
        seen = features
        if self.minibatch:
            seen = torch.cat((features, spread_of_groups(features, self.minibatch)), dim=1)
        numbers = self.exit(seen)
        if self.project is not None:
            inner = (self.project(context) * features).sum(dim=1, keepdim=True)
            numbers = numbers + inner / features.shape[1] ** 0.5
        return numbers


def spread_of_groups(features: Tensor, group: int) -> Tensor:
    """(n, 1): mean over features of their standard deviation within the sample's group of `group` samples.

    Samples i, i + n / group, i + 2 n / group, … form a group; n is a multiple of `group`.
    """
    if len(features) % group:
        raise ValueError(f"minibatch: {len(features)} samples are no multiple of {group}; choose another batch size")
    grouped = features.float().unflatten(0, (group, -1))
    variance = (grouped - grouped.mean(dim=0)).square().mean(dim=0)
    return torch.sqrt(variance + 1e-8).mean(dim=1, keepdim=True).repeat(group, 1).to(features.dtype)
