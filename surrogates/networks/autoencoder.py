"""A convolutional autoencoder of square images whose code keeps a coarse grid, and a critic of patches of them.

The first stage of latent generative models (Rombach et al. 2022, arXiv:2112.10752, section 3.1): codes are bounded and
trained under a little noise, so that a generator of codes may err a little.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .convolutions import norm

PATCH = 2
_BOUND = 2.0


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions that add to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = norm(channels), norm(channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, s, s) to the same shape."""
        hidden = self.first(functional.silu(self.first_norm(x)))
        return x + self.second(functional.silu(self.second_norm(hidden)))


class Autoencoder(nn.Module):
    """Images (n, channels, 8 k, 8 k) to codes (n, code, k, k) within (-2, 2) and back; with one level, of 4 k pixels.

    Parameters
    ----------
    channels, code : int
    width : int
        Channels at half the image's resolution; each coarser level has twice as many.
    levels : int
        Halvings beyond that.
    """

    def __init__(self, channels: int, code: int = 16, *, width: int = 32, levels: int = 2) -> None:
        super().__init__()
        folded = channels * PATCH * PATCH
        widths = [width << level for level in range(levels + 1)]
        down: list[nn.Module] = [nn.Conv2d(folded, width, 3, padding=1)]
        for before, after in zip(widths, widths[1:], strict=False):
            down += [nn.SiLU(), nn.Conv2d(before, after, 4, 2, 1)]
        self.encoder = nn.Sequential(*down, ResidualBlock(widths[-1]), nn.SiLU(), nn.Conv2d(widths[-1], code, 1))
        up: list[nn.Module] = [nn.Conv2d(code, widths[-1], 3, padding=1)]
        for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
            up += [ResidualBlock(before), nn.SiLU(), nn.ConvTranspose2d(before, after, 4, 2, 1)]
        self.decoder = nn.Sequential(*up, norm(width), nn.SiLU(), nn.Conv2d(width, folded, 3, padding=1))

    def encode(self, image: Tensor) -> Tensor:
        """The code."""
        return _BOUND * torch.tanh(self.encoder(functional.pixel_unshuffle(image, PATCH)) / _BOUND)

    def decode(self, code: Tensor) -> Tensor:
        """The image, unbounded."""
        return functional.pixel_shuffle(self.decoder(code), PATCH)


class PatchCritic(nn.Module):
    """One score an image, the mean over its patches (Isola et al. 2017, arXiv:1611.07004, section 3.2.2)."""

    def __init__(self, channels: int, *, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels * PATCH * PATCH, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            norm(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 2 * width, 4, 2, 1),
            norm(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(n,) scores of images (n, channels, s, s)."""
        return self.layers(functional.pixel_unshuffle(image, PATCH)).flatten(1).mean(dim=1)
