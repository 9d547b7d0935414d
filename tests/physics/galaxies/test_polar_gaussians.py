"""Polar Gaussians drawn by their transforms are those of real space; profiles are found behind their PSF."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.physics.galaxies import polar_gaussians as polar
from surrogates.physics.galaxies.profile_fitting import fit_profiles, profile_images

WIDTHS = torch.tensor(polar.WIDTHS)


def direct(waves: torch.Tensor, radius: float, shear: torch.Tensor, size: int) -> np.ndarray:
    """Waves evaluated at pixel centres."""
    xx, xy, yy = shear.double().numpy()
    inverse = np.linalg.inv(radius * np.array([[xx, xy], [xy, yy]]))
    axis = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(axis, axis)
    u, v = (row[0] * x + row[1] * y for row in inverse)
    r, theta, image = np.hypot(u, v), np.arctan2(v, u), np.zeros_like(x)
    for order in range(1, polar.ORDERS + 1):
        for (a, b), s in zip(waves[order - 1].double().numpy().T, polar.WIDTHS, strict=True):
            wave = (a * np.cos(order * theta) + b * np.sin(order * theta)) * (r / s) ** order
            image += wave * np.exp(-0.5 * (r / s) ** 2) / (2 * np.pi * s**2) * np.linalg.det(inverse)
    return image


@settings(max_examples=12, deadline=None)
@given(st.floats(0.0, 0.5), st.floats(0.0, 3.1), st.integers(0, 2**31))
def test_waves_drawn_by_their_transform_are_those_of_real_space(ellipticity, angle, seed):
    generator = torch.Generator().manual_seed(seed)
    waves = torch.zeros(polar.ORDERS, 2, len(polar.WIDTHS))
    waves[..., 7:9] = torch.randn(polar.ORDERS, 2, 2, generator=generator)
    shear = polar.shears(torch.tensor([ellipticity]), torch.tensor([angle]))
    spectrum = polar.wavy_spectrum(torch.zeros(1, len(WIDTHS)), waves[None], torch.tensor([6.0]), shear, 128)
    image = polar.centred(spectrum, 128, 48)[0].numpy()
    expected = direct(waves, 6.0, shear[0], 48)
    assert np.abs(image - expected).max() < 1e-4 * np.abs(expected).max()
    assert abs(float(spectrum[0, 0, 0].real)) < 1e-5


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 6.0))
def test_weights_of_a_sersic_profile_have_unit_flux_and_half_light_radius(index):
    weights = polar.sersic_weights(torch.tensor([index]))
    assert float(weights.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(polar.half_light(weights, WIDTHS[None])[0]) == pytest.approx(1.0, abs=0.06)


def test_profiles_agree_with_galsim_through_a_psf():
    galsim = pytest.importorskip("galsim")
    spread = galsim.Kolmogorov(fwhm=0.7)
    psf = torch.tensor(spread.drawImage(nx=41, ny=41, scale=0.2, method="no_pixel").array)[None]
    for index in (1.0, 2.5, 4.0):
        truth = galsim.Convolve(
            galsim.Sersic(index, half_light_radius=0.6).shear(g=0.3, beta=30 * galsim.degrees), spread
        ).drawImage(nx=48, ny=48, scale=0.2, method="no_pixel")
        numbers = torch.tensor([[0.0, 0.0, np.log(3.0), 0.3 * 0.5, 0.3 * np.sqrt(0.75), np.log(index)]])
        image = profile_images(numbers.float(), polar.psf_spectrum(psf, 96)[:, None], 96, 48)[0, 0].numpy()
        assert np.abs(image - truth.array).max() < 0.02 * truth.array.max()


def test_half_light_radius_is_differentiable():
    weights = torch.softmax(torch.randn(3, len(WIDTHS), generator=torch.Generator().manual_seed(1)), -1).double()
    weights.requires_grad_()
    widths = WIDTHS.double().expand(3, -1)
    (slope,) = torch.autograd.grad(polar.half_light(weights, widths).sum(), weights)
    moved = weights.detach().clone()
    moved[:, 9] += 1e-4
    difference = (polar.half_light(moved, widths) - polar.half_light(weights, widths)).detach() / 1e-4
    np.testing.assert_allclose(difference.numpy(), slope[:, 9].numpy(), rtol=0.02, atol=1e-3)


def test_a_fit_recovers_a_profile_behind_its_psf():
    n = 12
    generator = torch.Generator().manual_seed(4)
    truth = torch.stack(
        [
            torch.rand(n, generator=generator) - 0.5,
            torch.rand(n, generator=generator) - 0.5,
            torch.log(2.0 + 2.0 * torch.rand(n, generator=generator)),
            0.6 * torch.rand(n, generator=generator) - 0.3,
            0.6 * torch.rand(n, generator=generator) - 0.3,
            torch.log(1.0 + 2.0 * torch.rand(n, generator=generator)),
        ],
        dim=-1,
    )
    axis = torch.arange(41) - 20.0
    psf = torch.exp(-0.5 * (axis[:, None] ** 2 + axis**2) / 1.6**2)
    transfer = polar.psf_spectrum(psf[None, None].expand(n, 1, -1, -1), 48)
    images = 50.0 * profile_images(truth, transfer, 48, 32)
    noise = 0.01
    seen = images + noise * torch.randn(images.shape, generator=generator)
    found = fit_profiles(seen, torch.full_like(images, noise**-2), transfer, 48)
    np.testing.assert_allclose(found.radius.numpy(), torch.exp(truth[:, 2]).numpy(), rtol=0.05)
    np.testing.assert_allclose(found.parameters[:, 3:5].numpy(), truth[:, 3:5].numpy(), atol=0.03)
    np.testing.assert_allclose(found.fluxes[:, 0].numpy(), 50.0, rtol=0.05)
    blind = fit_profiles(seen, torch.full_like(images, noise**-2), None, 48)
    assert (blind.radius > found.radius).all()
    assert 0.7 < float(found.misfit.median()) < 1.3
