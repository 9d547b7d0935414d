"""PSFs, convolution and resampling, against GalSim's own."""

import numpy as np
import pytest
import torch

from surrogates.physics.galaxies import optics

galsim = pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")

PSFS = {
    "gaussian": (optics.gaussian_transfer, lambda fwhm: galsim.Gaussian(fwhm=fwhm)),
    "moffat": (optics.moffat_transfer, lambda fwhm: galsim.Moffat(beta=3.5, fwhm=fwhm)),
    "kolmogorov": (optics.kolmogorov_transfer, lambda fwhm: galsim.Kolmogorov(fwhm=fwhm)),
}
GALAXY = {"half_light_radius": 0.6, "q": 0.5, "angle": 0.5}


def galaxy():
    round_galaxy = galsim.Exponential(half_light_radius=GALAXY["half_light_radius"])
    return round_galaxy.shear(q=GALAXY["q"], beta=GALAXY["angle"] * galsim.radians)


def intrinsic(size: int) -> torch.Tensor:
    seen = galsim.Convolve(galaxy(), galsim.Gaussian(fwhm=0.2))
    return torch.tensor(seen.drawImage(nx=size, ny=size, scale=0.1, method="no_pixel", dtype=float).array)


@pytest.mark.parametrize("kind", PSFS)
@pytest.mark.parametrize("fwhm", [0.2, 0.7, 2.0])
def test_transfer_functions_are_galsims(kind, fwhm):
    ours, theirs = PSFS[kind]
    k = np.linspace(0.0, 8.0 / fwhm, 30)
    expected = [theirs(fwhm).kValue(float(value), 0.0).real for value in k]
    assert ours(torch.tensor(k), fwhm).numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", PSFS)
@pytest.mark.parametrize("fwhm", [0.3, 0.7, 1.0])
@pytest.mark.parametrize("pixel_scale", [0.1, 0.05, 0.17])
def test_a_convolved_galaxy_is_galsims_own_convolution(kind, fwhm, pixel_scale):
    ours, theirs = PSFS[kind]
    ky, kx = optics.frequencies(160, 0.1)
    spectrum = torch.fft.rfft2(intrinsic(160)) * ours(torch.hypot(ky, kx), fwhm)
    found = optics.resample(spectrum, 0.1, 64, pixel_scale).numpy()
    seen = galsim.Convolve(galaxy(), galsim.Gaussian(fwhm=0.2), theirs(fwhm))
    expected = seen.drawImage(nx=64, ny=64, scale=pixel_scale, method="no_pixel", dtype=float).array
    assert np.abs(found - expected).max() < 1e-4 * expected.max()
    a, b = (galsim.hsm.FindAdaptiveMom(galsim.Image(image)) for image in (found, expected))
    assert a.moments_sigma == pytest.approx(b.moments_sigma, rel=5e-4)
    assert a.observed_shape.g == pytest.approx(b.observed_shape.g, abs=1e-4)


def test_a_psf_image_acts_as_galsims_interpolated_image():
    at = np.arange(41) - 20.0
    image = np.exp(-0.5 * ((at / 3.0) ** 2 + (at[:, None] / 4.0 - 0.2) ** 2))
    ky, kx = optics.frequencies(160, 0.1)
    transfer = optics.image_transfer(torch.tensor(image), 0.1, ky, kx)
    found = optics.crop(optics.convolve(intrinsic(160), transfer), 64).numpy()
    psf = galsim.InterpolatedImage(galsim.Image(image, scale=0.1), flux=1.0)
    seen = galsim.Convolve(galaxy(), galsim.Gaussian(fwhm=0.2), psf)
    expected = seen.drawImage(nx=64, ny=64, scale=0.1, method="no_pixel", dtype=float).array
    assert np.abs(found - expected).max() < 1e-3 * expected.max()


def test_resampling_onto_the_same_grid_changes_nothing():
    image = intrinsic(64)
    found = optics.resample(torch.fft.rfft2(image), 0.1, 64, 0.1)
    assert torch.allclose(found, image, atol=1e-12)


def test_beyond_the_image_there_is_no_light():
    found = optics.resample(torch.fft.rfft2(torch.ones(32, 32, dtype=torch.float64)), 0.1, 64, 0.2)
    assert float(found[:15].abs().max()) == 0.0
    assert float(found[32, 32]) == pytest.approx(4.0)


def test_convolution_keeps_the_flux_and_padding_the_centre():
    image = optics.pad(intrinsic(64), 128)
    ky, kx = optics.frequencies(128, 0.1)
    seen = optics.convolve(image, optics.moffat_transfer(torch.hypot(ky, kx), 0.8))
    assert float(seen.sum()) == pytest.approx(float(image.sum()), rel=1e-12)
    assert torch.equal(optics.crop(image, 64), intrinsic(64))


def test_convolution_is_differentiable():
    image = torch.rand(1, 32, 32, dtype=torch.float64, requires_grad=True)
    ky, kx = optics.frequencies(32, 0.1)
    transfer = optics.gaussian_transfer(torch.hypot(ky, kx), 0.4)
    assert torch.autograd.gradcheck(lambda x: optics.convolve(x, transfer)[0, 3:5, 3:5], (image,))
