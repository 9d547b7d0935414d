"""Generator and discriminator of periodic volumes: convolutions that wrap round, so that a box has no faces.

The generator starts from a latent field on a coarse mesh and doubles it, with fresh noise at every stage (Karras et al.
2019, arXiv:1812.04948, section 3.2); every layer is a convolution, so that a larger latent field makes a larger box.
The discriminator sees the finest details as channels, and its condition through an inner product with its features
(Miyato, Koyama 2018, arXiv:1802.05637).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_SLOPE = 0.2
_CUBE = 8  # points of a cube of two a side


def unshuffled(volumes: Tensor, factor: int) -> Tensor:
    """(n, c, x, y, z) -> (n, c factor^3, x / factor, …): each cube of points as channels."""
    n, c, *sides = volumes.shape
    split = volumes.reshape(n, c, *(part for side in sides for part in (side // factor, factor)))
    return split.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(n, c * factor**3, *(side // factor for side in sides))


def shuffled(volumes: Tensor, factor: int) -> Tensor:
    """(n, c factor^3, x, y, z) -> (n, c, x factor, …), the inverse of `unshuffled`."""
    n, c, *sides = volumes.shape
    split = volumes.reshape(n, c // factor**3, factor, factor, factor, *sides)
    joined = split.permute(0, 1, 5, 2, 6, 3, 7, 4)
    return joined.reshape(n, c // factor**3, *(side * factor for side in sides))


def periodic(before: int, after: int, kernel: int = 3, stride: int = 1) -> nn.Conv3d:
    """A convolution of a periodic volume that keeps its sides, or divides them by `stride`."""
    return nn.Conv3d(before, after, kernel, stride, padding=(kernel - 1) // 2, padding_mode="circular")


class Styled(nn.Module):
    """Each point's channels to unit size, then scaled and shifted by a condition.

    Parameters
    ----------
    channels, context : int
    """

    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.by_context = nn.Sequential(nn.Linear(context, 32), nn.SiLU(), nn.Linear(32, 2 * channels))

    def forward(self, volumes: Tensor, context: Tensor) -> Tensor:
        """(n, channels, x, y, z) under conditions (n, context)."""
        scale, shift = self.by_context(context)[:, :, None, None, None].chunk(2, dim=1)
        size = torch.rsqrt(volumes.square().mean(dim=1, keepdim=True) + 1e-6)
        return functional.leaky_relu(volumes * size * (1.0 + scale) + shift, _SLOPE)


class VolumeGenerator(nn.Module):
    """A latent field and a condition to a periodic volume.

    Parameters
    ----------
    latent, context, channels : int
        Channels of the latent field, length of the condition, channels of the volume.
    width : int
        Channels at the volume's own resolution, were they computed there: the last stage stands on a mesh of half of
        it, with twice as many, and its convolution makes cubes of two points a side (Shi et al. 2016,
        arXiv:1609.05158). Each coarser stage has twice as many again.
    doublings : int
        The volume's sides are the latent field's times 2 to their number.
    """

    def __init__(self, latent: int, context: int, channels: int = 1, *, width: int = 16, doublings: int = 3) -> None:
        super().__init__()
        widths = [width << k for k in reversed(range(1, doublings + 1))]
        self.latent, self.doublings = latent, doublings
        self.entry = periodic(latent, widths[0])
        self.styles = nn.ModuleList(Styled(w, context) for w in widths)
        self.narrow = nn.ModuleList(nn.Conv3d(a, b, 1) for a, b in zip(widths, widths[1:], strict=False))
        fresh = [1] * (doublings - 2) + [_CUBE]  # the last stage sees the finest noise too
        self.noises = nn.ModuleList(nn.Conv3d(k, w, 1, bias=False) for k, w in zip(fresh, widths[1:], strict=True))
        self.refined = nn.ModuleList(periodic(w, w) for w in widths[1:])
        self.exit = periodic(widths[-1], _CUBE * channels)

    def shapes(self, side: int) -> list[tuple[int, int, int, int]]:
        """Shapes of the normal numbers that a volume of `side` points needs: latent field and noise of each stage."""
        coarse = side >> self.doublings
        fresh = [coarse << k for k in (*range(1, self.doublings - 1), self.doublings)]
        return [(self.latent, coarse, coarse, coarse)] + [(1, n, n, n) for n in fresh]

    def forward(self, normals: Sequence[Tensor], context: Tensor) -> Tensor:
        """(n, channels, x, y, z), unbounded, of normal numbers in `shapes` and conditions (n, context)."""
        hidden = self.styles[0](self.entry(normals[0]), context)
        stages = zip(self.narrow, self.noises, self.refined, self.styles[1:], normals[1:], strict=True)
        for narrow, weight, refined, style, noise in stages:
            doubled = functional.interpolate(narrow(hidden), scale_factor=2, mode="nearest")
            if noise.shape[-1] != doubled.shape[-1]:
                noise = unshuffled(noise, 2)
            hidden = style(refined(functional.leaky_relu(doubled + weight(noise), _SLOPE)), context)
        return shuffled(self.exit(hidden), 2)


class VolumeDiscriminator(nn.Module):
    """A periodic volume and a condition to one number.

    Parameters
    ----------
    channels, context : int
    width : int
        Channels of the first stage; each coarser stage has twice as many.
    stages : int
        Halvings behind the first, which sees cubes of two points a side as channels.
    """

    def __init__(self, channels: int, context: int, *, width: int = 24, stages: int = 2) -> None:
        super().__init__()
        widths = [width << k for k in range(stages + 1)]
        self.entry = periodic(_CUBE * channels, width)
        self.stages = nn.ModuleList(periodic(a, b, 4, 2) for a, b in zip(widths, widths[1:], strict=False))
        self.last = periodic(widths[-1], widths[-1])
        self.exit = nn.Linear(widths[-1], 1)
        self.project = nn.Linear(context, widths[-1])

    def forward(self, volumes: Tensor, context: Tensor) -> Tensor:
        """(n,) scores of volumes (n, channels, x, y, z), sides a multiple of 8, at conditions (n, context)."""
        hidden = functional.leaky_relu(self.entry(unshuffled(volumes, 2)), _SLOPE)
        for stage in self.stages:
            hidden = functional.leaky_relu(stage(hidden), _SLOPE)
        features = functional.leaky_relu(self.last(hidden), _SLOPE).mean(dim=(2, 3, 4))
        return self.exit(features)[:, 0] + (self.project(context) * features).sum(dim=1)
