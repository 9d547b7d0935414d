"""How like pictures are, one by one: tensors (n, y, x) or (n, channel, y, x) in [0, 1].

The published figures of super-resolution are of the luminance that MATLAB's `rgb2ycbcr` gives, whose 219 levels stand
within 255: `studio` brings luminance onto that scale.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .resampling import blurred


def studio(luminance: Tensor) -> Tensor:
    """Luminance in [0, 1] on the scale of ITU-R BT.601's 8 bits, 16/255 to 235/255."""
    return (16.0 + 219.0 * luminance) / 255.0


def without_border(pictures: Tensor, border: int) -> Tensor:
    """Pictures (…, y, x) less `border` pixels on each side."""
    return pictures[..., border : pictures.shape[-2] - border, border : pictures.shape[-1] - border]


def mean_squared_error(made: Tensor, true: Tensor) -> Tensor:
    """(n,) of pictures (n, …)."""
    return (made - true).square().flatten(1).mean(dim=1)


def psnr(made: Tensor, true: Tensor) -> Tensor:
    """Peak signal-to-noise ratio [dB], (n,), at a peak of 1; 100 at the most, where pictures agree."""
    return -10.0 * torch.log10(mean_squared_error(made, true).clamp_min(1e-10))


def ssim(made: Tensor, true: Tensor) -> Tensor:
    """Structural similarity, (n,), of pictures (n, y, x) of 11 pixels a side or more.

    Wang, Bovik, Sheikh, Simoncelli 2004, IEEE Trans. Image Process. 13, 600: a Gaussian window of 1.5 pixels cut at
    11 x 11, K1 = 0.01, K2 = 0.03, and means over places where the window fits.
    """
    reach = torch.arange(-5, 6, dtype=made.dtype)
    window = torch.exp(-0.5 * (reach / 1.5) ** 2)
    window = window / window.sum()

    def mean(pictures: Tensor) -> Tensor:
        rows = functional.conv2d(pictures[:, None], window.view(1, 1, -1, 1))
        return functional.conv2d(rows, window.view(1, 1, 1, -1))[:, 0]

    first, second = mean(made), mean(true)
    variances = [mean(side * side) - centre * centre for side, centre in ((made, first), (true, second))]
    covariance = mean(made * true) - first * second
    c1, c2 = 0.01**2, 0.03**2
    alike = (2 * first * second + c1) / (first.square() + second.square() + c1)
    alike = alike * (2 * covariance + c2) / (variances[0] + variances[1] + c2)
    return alike.flatten(1).mean(dim=1)


def slopes(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbours down and across, each (n, y - 1, x - 1), of pictures (n, y, x)."""
    down = pictures[:, 1:, :-1] - pictures[:, :-1, :-1]
    across = pictures[:, :-1, 1:] - pictures[:, :-1, :-1]
    return down, across


def slope_error(made: Tensor, true: Tensor) -> Tensor:
    """Mean absolute error of the slopes, (n,)."""
    apart = [(a - b).abs() for a, b in zip(slopes(made), slopes(true), strict=True)]
    return (apart[0] + apart[1]).flatten(1).mean(dim=1) / 2


def sharpness(pictures: Tensor) -> Tensor:
    """Root mean square slope, (n,)."""
    return sum(part.square().flatten(1).mean(dim=1) for part in slopes(pictures)).sqrt()  # type: ignore[union-attr]


def band(pictures: Tensor, fine: float, coarse: float) -> Tensor:
    """What of pictures (n, y, x) lies between Gaussian blurs of `fine` and `coarse` pixels; 0 is no blur."""
    planes = pictures[:, None]
    upper = planes if fine == 0 else blurred(planes, fine)
    return (upper - blurred(planes, coarse))[:, 0]


def spectrum(pictures: Tensor, bins: int) -> Tensor:
    """Power (n, bins) in rings of spatial frequency up to a half a pixel, of pictures (n, y, x) under a Hann window."""
    height, width = pictures.shape[-2:]
    rows, columns = (torch.hann_window(side, periodic=False, dtype=pictures.dtype) for side in (height, width))
    centred = pictures - pictures.mean(dim=(-2, -1), keepdim=True)
    power = torch.fft.rfft2(centred * rows[:, None] * columns).abs().square()
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None])
    ring = torch.clamp((frequency / 0.5 * bins).long(), max=bins).flatten()
    sums = pictures.new_zeros(len(pictures), bins + 1).index_add_(1, ring, power.flatten(1))
    counts = pictures.new_zeros(bins + 1).index_add_(0, ring, power.new_ones(len(ring)))
    return (sums / counts.clamp_min(1.0))[:, :bins]
