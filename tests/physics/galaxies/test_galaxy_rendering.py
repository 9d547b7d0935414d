"""Galaxies drawn as Gaussians and arms, against GalSim's own drawing."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.physics.galaxies import arms, concentric, mixtures, rendering
from surrogates.physics.galaxies.optics import SIGMA

galsim = pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")

BLUR = SIGMA * 0.2


def sersic(n: float, radius: float, q: float, angle: float, *, size: int = 64, scale: float = 0.1) -> np.ndarray:
    weights = mixtures.sersic_weights(torch.tensor(n, dtype=torch.float64))
    variance = (torch.tensor(mixtures.SERSIC_WIDTHS, dtype=torch.float64) * radius) ** 2
    covariances = rendering.covariance(
        variance / q + BLUR**2, variance * q + BLUR**2, torch.tensor(angle, dtype=torch.float64)
    )
    return rendering.draw_gaussians(weights[None], covariances, None, size, scale)[0].double().numpy()


def drawn_by_galsim(profile, scale: float = 0.1) -> np.ndarray:
    seen = galsim.Convolve(profile, galsim.Gaussian(fwhm=0.2))
    return seen.drawImage(nx=64, ny=64, scale=scale, method="no_pixel", dtype=float).array


@pytest.mark.parametrize("n", [0.5, 0.8, 1.0, 2.3, 4.0, 6.0])
@pytest.mark.parametrize(("radius", "q", "angle"), [(0.3, 0.3, 0.4), (1.2, 0.7, 2.0)])
def test_a_sersic_profile_has_the_size_and_shape_that_galsim_draws(n, radius, q, angle):
    found = sersic(n, radius, q, angle)
    expected = drawn_by_galsim(galsim.Sersic(n=n, half_light_radius=radius).shear(q=q, beta=angle * galsim.radians))
    ours, theirs = (galsim.hsm.FindAdaptiveMom(galsim.Image(image)) for image in (found, expected))
    assert ours.moments_sigma == pytest.approx(theirs.moments_sigma, rel=2e-3 if n > 5 else 1e-3)
    for component in ("g1", "g2"):
        difference = getattr(ours.observed_shape, component) - getattr(theirs.observed_shape, component)
        assert abs(difference) < 1e-3
    assert np.abs(found - expected).max() < 2.5e-3 * expected.max()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 6.0))
def test_weights_of_a_sersic_profile_sum_to_one_and_change_smoothly(n):
    near = mixtures.sersic_weights(torch.tensor([n, n + 1e-4], dtype=torch.float64))
    assert near.sum(-1) == pytest.approx(np.ones(2), abs=1e-12)
    assert float((near[1] - near[0]).abs().max()) < 1e-3


def test_a_sersic_profile_holds_half_its_light_within_the_half_light_radius():
    width = torch.tensor(mixtures.SERSIC_WIDTHS, dtype=torch.float64)
    for n in (0.7, 1.0, 2.5, 4.0):
        weights = mixtures.sersic_weights(torch.tensor(n, dtype=torch.float64))
        inside = (weights * (1 - torch.exp(-0.5 / width**2))).sum()
        assert float(inside) == pytest.approx(0.5, abs=1e-3)


def test_the_vertical_mixture_is_a_squared_hyperbolic_secant():
    height = torch.linspace(0, 6, 25, dtype=torch.float64)[:, None]
    width = torch.tensor(mixtures.VERTICAL_WIDTHS, dtype=torch.float64)
    gaussians = torch.exp(-0.5 * (height / width) ** 2) / (math.sqrt(2 * math.pi) * width)
    found = (mixtures.vertical_weights() * gaussians).sum(-1)
    assert found.numpy() == pytest.approx(0.5 / np.cosh(height[:, 0].numpy()) ** 2, abs=2e-5)


def test_gaussians_about_the_centre_are_drawn_alike_with_and_without_symmetry():
    covariances = torch.tensor([[0.3, 0.1, 0.2], [0.05, -0.01, 0.02]], dtype=torch.float64)
    fluxes = torch.tensor([[0.4, 0.6], [0.9, 0.1]], dtype=torch.float64)
    centred = rendering.draw_gaussians(fluxes, covariances, None, 64, 0.1)
    placed = rendering.draw_gaussians(fluxes, covariances, torch.zeros(2, 2), 64, 0.1)
    assert torch.allclose(centred, placed, rtol=1e-4, atol=1e-9)
    assert centred.sum((-1, -2)).numpy() == pytest.approx(np.ones(2), rel=1e-4)


def test_round_gaussians_are_what_elliptical_ones_with_equal_axes_are():
    centres = torch.tensor([[0.33, -0.7], [-1.1, 0.2]], dtype=torch.float64)
    variances = torch.tensor([0.01, 0.2], dtype=torch.float64)
    fluxes = torch.tensor([[0.7, 0.3]], dtype=torch.float64)
    covariances = torch.stack((variances, torch.zeros(2, dtype=torch.float64), variances), dim=-1)
    apart = rendering.draw_round(fluxes, variances, centres, 64, 0.1)
    together = rendering.draw_gaussians(fluxes, covariances, centres, 64, 0.1)
    assert torch.allclose(apart, together, rtol=1e-3, atol=1e-7)


def profiles(centres: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor, concentric.Profile]:
    """Weights and covariances of five galaxies' Sersic profiles, and the same made ready."""
    weights = mixtures.sersic_weights(torch.tensor([0.6, 1.0, 2.0, 4.0, 5.5], dtype=torch.float64))
    radius = torch.tensor([0.2, 0.9, 0.4, 0.3, 1.5], dtype=torch.float64)[:, None]
    variance = (torch.tensor(mixtures.SERSIC_WIDTHS, dtype=torch.float64) * radius) ** 2
    q, angle = torch.tensor([0.9, 0.3, 0.6, 0.7, 0.5])[:, None], torch.tensor([0.1, 1.0, 2.0, 3.0, 0.5])[:, None]
    covariances = rendering.covariance(variance / q + BLUR**2, variance * q + BLUR**2, angle.double())
    return weights, covariances, concentric.profile(weights, covariances, 1.09 * BLUR**2, centres)


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("moved", [False, True])
def test_profiles_drawn_as_far_as_they_reach_are_those_drawn_whole(size, moved):
    """Within a ten-thousandth of the peak, of which all but 1e-7 comes of drawing the narrowest Gaussians as one."""
    places = torch.tensor([[0.0, 0.0], [0.73, -0.2], [-1.31, 1.02], [0.04, 2.9], [-1.2, 0.0]], dtype=torch.float64)
    weights, covariances, ready = profiles(places if moved else None)
    found = concentric.draw_profiles(ready, range(5), size, 0.1)
    for row in range(5):
        centres = places[row].expand(weights.shape[1], 2) if moved else None
        whole = rendering.draw_gaussians(weights[row][None], covariances[row], centres, size, 0.1)[0]
        assert float((found[row] - whole).abs().max()) < 1e-4 * float(whole.max())
    assert min(len(reaches) - start for reaches, start in zip(ready.reaches, ready.starts, strict=True)) < 16


def test_a_galaxys_bits_do_not_depend_on_those_drawn_beside_it():
    _, _, ready = profiles()
    whole = concentric.draw_profiles(ready, range(5), 128, 0.1)
    alone = concentric.draw_profiles(ready, [3], 128, 0.1)
    assert torch.equal(whole[3], alone[0])
    some = {name: torch.rand(9, dtype=torch.float64, generator=torch.manual_seed(1)) for name in ("a", "b", "c", "d")}
    shear = torch.tensor([[1.15, 0.1], [0.1, 0.8783]], dtype=torch.float64).expand(9, 2, 2)
    number = torch.arange(9, dtype=torch.float64) % 3 + 2
    winding = 8.0 * some["a"]
    core = arms.core_fluxes(number, winding, some["b"], some["c"], 0.5, 0.125)
    nine = arms.Arms(
        0.1 + 0.5 * some["d"], shear, number, winding, some["b"], some["c"], 0.5, 0.125, [True, False, True] * 3, core
    )
    together = arms.draw_arms(nine, range(9), BLUR, 128, 0.1)
    for row in (0, 4, 8):
        assert torch.equal(together[row], arms.draw_arms(nine, [row], BLUR, 128, 0.1)[0])


@pytest.mark.parametrize("number", [2, 3, 4])
def test_arms_are_those_of_a_fine_image(number):
    length, winding, phase, contrast = 0.4, number / math.tan(math.radians(20.0)), 0.7, 0.8
    shear = torch.tensor([[1.15, 0.1], [0.1, 0.8783]], dtype=torch.float64)
    numbers = (torch.tensor([x], dtype=torch.float64) for x in (number, winding, phase, contrast))
    drawn = arms.Arms(torch.tensor([length]), shear[None], *numbers, softening=0.5)
    found = arms.draw_arms(drawn, [0], BLUR, 64, 0.1)[0].double().numpy()
    fine = (np.arange(2560) - 2559 / 2) * 0.0025
    x, y = np.meshgrid(fine, fine)
    inverse = np.linalg.inv(shear.numpy()) / length
    u, v = inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    bright = np.exp(-radius) * contrast * radius**2 / (radius**2 + 0.25) / (2 * np.pi * length**2)
    bright *= np.cos(number * angle - winding * np.log(radius) - phase)
    pixels = (np.arange(64) - 31.5) * 0.1
    blur = np.exp(-0.5 * ((pixels[:, None] - fine) / BLUR) ** 2) * 0.0025 / (math.sqrt(2 * np.pi) * BLUR)
    expected = blur @ bright @ blur.T * 0.01
    assert np.abs(found - expected).max() < 5e-3 * np.abs(expected).max()


def test_round_gaussians_of_several_galaxies_are_those_of_each():
    generator = torch.manual_seed(3)
    fluxes, variances = (torch.rand(4, 7, dtype=torch.float64, generator=generator) + 0.02 for _ in range(2))
    centres = torch.randn(4, 7, 2, dtype=torch.float64, generator=generator)
    found = rendering.draw_rounds(fluxes, variances, centres, 64, 0.1)
    for row in range(4):
        one = rendering.draw_round(fluxes[row][None], variances[row], centres[row], 64, 0.1)[0]
        assert torch.allclose(found[row], one, rtol=1e-5, atol=1e-9)


def test_drawing_is_differentiable_in_shape_and_place():
    covariances = torch.tensor([[0.3, 0.1, 0.2]], dtype=torch.float64, requires_grad=True)
    centres = torch.tensor([[0.1, 0.2]], dtype=torch.float64, requires_grad=True)
    image = rendering.draw_gaussians(torch.ones(1, 1, dtype=torch.float64), covariances, centres, 32, 0.1)
    (image**2).sum().backward()
    assert covariances.grad is not None and float(covariances.grad.abs().min()) > 0
    assert centres.grad is not None and bool(torch.isfinite(centres.grad).all())
