"""Convolutions of maps of the sphere: periodic in longitude, and continued across the poles."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def padded(maps: Tensor, border: int = 1) -> Tensor:
    """Maps (n, c, latitude, longitude) with `border` cells more on each side.

    A row beyond a pole is the row as far from it on the other side, half a turn away; an even number of longitudes.
    """
    half = maps.shape[-1] // 2
    south = maps[..., :border, :].flip(-2).roll(half, -1)
    north = maps[..., -border:, :].flip(-2).roll(half, -1)
    maps = torch.cat((south, maps, north), dim=-2)
    return torch.cat((maps[..., -border:], maps, maps[..., :border]), dim=-1)


class SphericalConvolution(nn.Conv2d):
    """A convolution of odd kernel that keeps the size of a map of the sphere (see `padded`)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, kernel, stride=stride)
        self.border = kernel // 2

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(padded(input, self.border) if self.border else input)


class Residual(nn.Module):
    """Two convolutions around a bypass, group norm before each (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, channels: int, group: int = 8) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(channels // group, channels) for _ in range(2))
        self.convolutions = nn.ModuleList(SphericalConvolution(channels, channels) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels, latitude, longitude) -> the same."""
        hidden = maps
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            hidden = convolution(functional.silu(norm(hidden)))
        return maps + hidden


class SphereNet(nn.Module):
    """Maps to maps through two resolutions, both coarser than the maps: cheap, and each cell sees a continent.

    Blocks of `patch` x `patch` cells become channels (Shi et al. 2016, arXiv:1609.05158), so that most of the work is
    done on `patch`² times fewer cells.

    Parameters
    ----------
    channels_in, channels_out : int
    width, coarse_width : int
        Channels at the finer and at the coarser resolution, multiples of 8.
    blocks : (int, int, int)
        Residual blocks before, at and after the coarser resolution.
    patch : int
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        width: int = 48,
        coarse_width: int = 80,
        blocks: tuple[int, int, int] = (1, 2, 2),
        patch: int = 2,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.entry = SphericalConvolution(channels_in * patch**2, width)
        self.before = nn.Sequential(*(Residual(width) for _ in range(blocks[0])))
        self.down = nn.Conv2d(width, coarse_width, 2, stride=2)
        self.coarse = nn.Sequential(*(Residual(coarse_width) for _ in range(blocks[1])))
        self.up = nn.ConvTranspose2d(coarse_width, width, 2, stride=2)
        self.after = nn.Sequential(*(Residual(width) for _ in range(blocks[2])))
        self.norm = nn.GroupNorm(width // 8, width)
        self.exit = SphericalConvolution(width, channels_out * patch**2)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, channels_in, latitude, longitude) -> (n, channels_out, latitude, longitude), unbounded."""
        fine = self.before(self.entry(functional.pixel_unshuffle(maps, self.patch)))
        fine = self.after(fine + self.up(self.coarse(self.down(fine))))
        return functional.pixel_shuffle(self.exit(functional.silu(self.norm(fine))), self.patch)


class SphereCritic(nn.Module):
    """Maps to one score, through strided convolutions of the sphere.

    Parameters
    ----------
    channels_in, width : int
    patch : int
        As in `SphereNet`.
    """

    def __init__(self, channels_in: int, *, width: int = 32, patch: int = 2) -> None:
        super().__init__()
        self.patch = patch
        widths = [channels_in * patch**2, width, 2 * width, 3 * width]
        self.stages = nn.ModuleList(
            SphericalConvolution(before, after, stride=1 if k == 0 else 2)
            for k, (before, after) in enumerate(zip(widths, widths[1:], strict=False))
        )
        self.exit = nn.Linear(2 * widths[-1], 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(n,) scores of (n, channels_in, latitude, longitude)."""
        hidden = functional.pixel_unshuffle(maps, self.patch)
        for stage in self.stages:
            hidden = functional.leaky_relu(stage(hidden), 0.2)
        pooled = torch.cat((hidden.mean((-2, -1)), hidden.square().mean((-2, -1)).add(1e-6).sqrt()), dim=1)
        return self.exit(pooled)[:, 0]
