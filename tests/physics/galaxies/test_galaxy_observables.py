"""Differentiable observables and laws of galaxy images, on Gaussians that have them in closed form."""

import math

import pytest
import torch

from surrogates.physics.galaxies import laws, observables, rendering
from surrogates.plugins.galaxy_images.plugin import LAWS


def gaussian(major: float, minor: float, angle: float, flux: float = 3.0) -> torch.Tensor:
    covariance = rendering.covariance(
        *(torch.tensor([value], dtype=torch.float64) for value in (major**2, minor**2, angle))
    )
    return rendering.draw_gaussians(torch.full((1, 1), flux).double(), covariance, None, 64, 0.1)[0].double()


def test_flux_centroid_and_moments_of_a_gaussian():
    image = gaussian(0.6, 0.4, 0.5)
    assert float(observables.flux(image)) == pytest.approx(3.0, rel=1e-5)
    assert observables.centroid(image, 0.1).tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
    moments = observables.second_moments(image, 0.1)
    assert float(moments[0] + moments[2]) == pytest.approx(0.6**2 + 0.4**2, rel=1e-4)
    size = observables.ellipticity(moments).norm()
    assert float(size) == pytest.approx((0.6 - 0.4) / (0.6 + 0.4), rel=1e-4)
    assert float(observables.position_angle(moments)) == pytest.approx(0.5, abs=1e-4)


def test_half_the_light_of_a_round_gaussian_lies_within_1_1774_sigma():
    radius = observables.half_light_radius(gaussian(0.5, 0.5, 0.0), 0.1)
    assert float(radius) == pytest.approx(0.5 * math.sqrt(2 * math.log(2)), rel=0.01)


def test_the_half_light_radius_has_a_gradient():
    image = gaussian(0.5, 0.5, 0.0).requires_grad_()
    observables.half_light_radius(image, 0.1).backward()
    assert image.grad is not None
    assert float(image.grad[32, 32]) < 0 < float(image.grad[32, 60])


def test_surface_brightness_of_one_nanojansky_in_an_arcsecond_squared():
    found = observables.surface_brightness(torch.tensor([0.01, 1.0, 0.0]), 0.1)
    assert found.tolist() == pytest.approx([31.4, 26.4, 99.0], abs=1e-4)


def outputs(image: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Two galaxies of magnitude 20 whose stamps hold 0.9 of their flux."""
    flux = 10 ** (-0.4 * (20.0 - 31.4))
    held = image / image.sum() * 0.9 * flux
    conditions = {f"magnitude_{band}": torch.full((2,), 20.0) for band in "gri"}
    conditions |= {f"noise_{band}": torch.zeros(2) for band in "gri"}
    samples = {"image": held.expand(2, 3, -1, -1).clone(), "enclosed_flux_fraction": torch.full((2, 3), 0.9).double()}
    return samples, conditions


def test_laws_hold_for_a_galaxy_and_break_with_it():
    samples, conditions = outputs(gaussian(0.5, 0.4, 0.3))
    for law in LAWS:
        assert float(law.residual(samples, conditions).max()) <= max(law.tolerance, 1e-6)
    samples["image"][1, 0, 5, 5] -= 100.0
    samples["enclosed_flux_fraction"][1, 2] = 1.2
    for law in LAWS:
        broken = law.residual(samples, conditions)
        assert float(broken[1]) > law.tolerance >= float(broken[0])


def test_noisy_images_are_not_held_to_the_laws_of_clean_ones():
    samples, conditions = outputs(gaussian(0.5, 0.4, 0.3))
    samples["image"] -= 1.0
    conditions["noise_r"][0] = 2.0
    for residual in (laws.flux, laws.positive_light):
        found = residual(samples, conditions)
        assert float(found[0]) == 0.0 < float(found[1])


def test_residuals_are_differentiable():
    samples, conditions = outputs(gaussian(0.5, 0.4, 0.3))
    samples["image"] = (samples["image"] * 1.1).requires_grad_()
    laws.flux(samples, conditions).sum().backward()
    assert float(samples["image"].grad.abs().min()) > 0
