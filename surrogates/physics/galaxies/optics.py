"""From the intrinsic image to the detector's: PSFs in Fourier space, convolution, another pixel scale, noise.

Convolutions are periodic on the grid that they get: leave a margin around the stamp. Frequencies are k in 1/arcsec,
with phases exp(-i k x).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MOFFAT_BETA = 3.5
KOLMOGOROV_FWHM = 0.975865
"""FWHM of a Kolmogorov PSF in units of wavelength / r0."""

KOLMOGOROV_K0 = 2.992934
"""Its transfer function is exp(-(k / k0)^(5/3)), k0 in units of r0 / wavelength (Fried 1966)."""

SIGMA = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
"""Standard deviation of a Gaussian over its FWHM."""


def frequencies(size: int, scale: Tensor | float) -> tuple[Tensor, Tensor]:
    """ky (size, 1) and kx (1, size // 2 + 1) of `torch.fft.rfft2` of a square image [1/arcsec], float64.

    Parameters
    ----------
    size : int
    scale : Tensor or float
        Pixel scale [arcsec].
    """
    ky = torch.fft.fftfreq(size, dtype=torch.float64) * (2 * math.pi)
    kx = torch.fft.rfftfreq(size, dtype=torch.float64) * (2 * math.pi)
    return ky[:, None] / scale, kx[None, :] / scale


def gaussian_transfer(k: Tensor, fwhm: Tensor | float) -> Tensor:
    """Transfer function of a Gaussian PSF."""
    return torch.exp(-0.5 * (k * (SIGMA * fwhm)) ** 2)


def moffat_transfer(k: Tensor, fwhm: Tensor | float) -> Tensor:
    """Transfer function of a Moffat PSF (1 + (r / r_d)^2)^(-3.5), untruncated.

    The transform of a Moffat profile is (k r_d)^(beta - 1) K_(beta - 1)(k r_d), which ends after three terms for
    beta = 3.5: exp(-x) (1 + x + x^2 / 3), x = k r_d.
    """
    x = k * (fwhm / (2.0 * math.sqrt(2.0 ** (1.0 / MOFFAT_BETA) - 1.0)))
    return torch.exp(-x) * (1.0 + x + x**2 / 3.0)


def kolmogorov_transfer(k: Tensor, fwhm: Tensor | float) -> Tensor:
    """Transfer function of long-exposure Kolmogorov turbulence, exp(-(k / k0)^(5/3)) (Fried 1966)."""
    return torch.exp(-((k * (fwhm / (KOLMOGOROV_FWHM * KOLMOGOROV_K0))) ** (5.0 / 3.0)))


def image_transfer(psf: Tensor, scale: Tensor | float, ky: Tensor, kx: Tensor) -> Tensor:
    """Transfer function of a PSF given as an image, centred on its middle pixel, between pixels a quintic.

    Parameters
    ----------
    psf : Tensor
        (m, m), m odd, of positive sum; normalised here.
    scale : Tensor or float
        Its pixel scale [arcsec].
    ky, kx : Tensor
        As from `frequencies`.

    Returns
    -------
    Tensor
        Complex, ky by kx.
    """
    psf = psf.double().to(ky.device)
    psf = psf / psf.sum()
    place = (torch.arange(psf.shape[-1], dtype=torch.float64) - (psf.shape[-1] - 1) / 2) * scale
    rows = torch.exp(-1j * ky * place)
    columns = torch.exp(-1j * kx.T * place)
    between = _quintic_transfer(ky * scale) * _quintic_transfer(kx * scale)
    return (rows @ psf.to(rows.dtype) @ columns.T) * between


def _quintic_transfer(k: Tensor) -> Tensor:
    """Transform of the piecewise quintic interpolant (Bernstein & Gruen 2014, PASP 126, 287, eq. B6), k per pixel."""
    sinc, cosine, square = torch.sinc(k / (2 * math.pi)), torch.cos(k / 2), (k / 2) ** 2
    return sinc**5 * (sinc * (55.0 - 19.0 * square) + 2.0 * cosine * (square - 27.0))


def convolve(image: Tensor, transfer: Tensor) -> Tensor:
    """Convolve images (..., size, size) with PSFs (..., size, size // 2 + 1) of the same leading axes, periodically."""
    return torch.fft.irfft2(torch.fft.rfft2(image) * transfer, s=image.shape[-2:])


def resample(spectrum: Tensor, scale: Tensor | float, size: int, pixel_scale: Tensor | float) -> Tensor:
    """Band-limited image on another grid about the same centre.

    Parameters
    ----------
    spectrum : Tensor
        `torch.fft.rfft2` of images (..., m, m), m even.
    scale : Tensor or float
        Their pixel scale [arcsec].
    size : int
        Pixels a side of the result.
    pixel_scale : Tensor or float
        Of the result [arcsec].

    Returns
    -------
    Tensor
        (..., size, size), flux in a pixel; 0 outside the original image.
    """
    count = spectrum.shape[-2]
    ratio = torch.as_tensor(pixel_scale, dtype=torch.float64) / torch.as_tensor(scale, dtype=torch.float64)
    place = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2) * ratio
    inside = (place.abs() <= count / 2).to(torch.float64)
    place = place + (count - 1) / 2
    ky = torch.fft.fftfreq(count, dtype=torch.float64) * (2 * math.pi)
    kx = torch.fft.rfftfreq(count, dtype=torch.float64) * (2 * math.pi)
    rows = torch.exp(1j * place[:, None] * ky)
    rows[:, count // 2] = rows[:, count // 2].real.to(rows.dtype)
    columns = torch.exp(1j * place[:, None] * kx)
    columns[:, 1:-1] *= 2.0
    columns[:, -1] = columns[:, -1].real.to(columns.dtype)
    rows = (rows * (inside[:, None] * ratio**2 / count**2)).to(spectrum)
    columns = (columns * inside[:, None]).to(spectrum)
    return (rows @ spectrum @ columns.transpose(-1, -2)).real


def pad(image: Tensor, size: int) -> Tensor:
    """Zeros around images (..., m, m) up to (..., size, size), the centre where it was."""
    margin = (size - image.shape[-1]) // 2
    return torch.nn.functional.pad(image, (margin, margin, margin, margin)) if margin else image


def crop(image: Tensor, size: int) -> Tensor:
    """The middle (..., size, size) of images."""
    margin = (image.shape[-1] - size) // 2
    return image[..., margin : margin + size, margin : margin + size]
