"""Harmonics of a disc: measured and drawn again, on any frame, with no flux of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from surrogates.physics.galaxies.arms import Arms, draw_arms
from surrogates.physics.galaxies.harmonics import (
    Harmonics,
    amplitudes_and_slopes,
    harmonic_cells,
    measured_harmonics,
    turned_harmonics,
)

SIGMA = 0.085
RADII = np.geomspace(0.25, 7.5, 48)
WINDING, CONTRAST = 6.0, 0.7


def spiral(step: float = 0.0625, size: int = 256, number: int = 2) -> np.ndarray:
    at = (np.arange(size) - (size - 1) / 2) * step
    x, y = np.meshgrid(at, at)
    radius, theta = np.hypot(x, y), np.arctan2(y, x)
    share = CONTRAST * radius**2 / (radius**2 + 0.25)
    return np.exp(-radius) / (2 * np.pi) * (1 + share * np.cos(number * theta - WINDING * np.log(radius)))


def tables(number: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    amplitude, phase = torch.zeros(4, len(RADII)), torch.zeros(4, len(RADII))
    amplitude[number - 1] = torch.tensor(CONTRAST * RADII**2 / (RADII**2 + 0.25))
    phase[number - 1] = torch.tensor(WINDING * np.log(RADII))
    return torch.tensor(-RADII - math.log(2 * math.pi)).float(), amplitude, phase


def drawn(shear: torch.Tensor, length: float, number: int = 2, scale: float = 0.1) -> np.ndarray:
    light, amplitude, phase = tables(number)
    first, step = math.log(RADII[0]), math.log(RADII[1] / RADII[0])
    return Harmonics(length, shear, first, step, light, amplitude, phase).draw(SIGMA, 64, scale).double().numpy()


def test_what_is_measured_is_what_the_disc_was_made_of():
    found = measured_harmonics(spiral(), 0.0625, RADII, 4)
    amplitude, _, slope = amplitudes_and_slopes(found, RADII)
    outer = RADII > 0.5
    assert amplitude[1, outer] == pytest.approx((CONTRAST * RADII**2 / (RADII**2 + 0.25))[outer], abs=5e-3)
    assert slope[1, outer] == pytest.approx(np.full(outer.sum(), WINDING), abs=0.15)
    assert amplitude[[0, 2, 3]][:, outer].max() < 5e-3
    assert found[0].real[outer] == pytest.approx(np.exp(-RADII[outer]) / (2 * np.pi), rel=5e-3)


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize(("g", "length"), [(0.0, 0.4), (0.45, 0.3)])
def test_drawn_harmonics_are_the_arms_in_closed_form(number, g, length):
    shear = torch.tensor([[1 + g, 0.0], [0.0, 1 - g]], dtype=torch.float64) / math.sqrt(1 - g * g)
    size, *numbers = (torch.tensor([x], dtype=torch.float64) for x in (length, number, WINDING, 0.0, CONTRAST))
    expected = draw_arms(Arms(size, shear[None], *numbers, softening=0.5), [0], SIGMA, 64, 0.1)[0].double().numpy()
    found = drawn(shear, length, number)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()
    assert abs(found.sum()) < 2e-3  # of a disc of flux 1


def test_a_finer_grid_shows_the_same_light():
    """Anti-aliased: four pixels of half the side hold what one pixel holds."""
    shear = torch.eye(2, dtype=torch.float64)
    coarse, fine = drawn(shear, 0.2), drawn(shear, 0.2, scale=0.05)
    middle = coarse[16:48, 16:48]
    assert np.abs(fine.reshape(32, 2, 32, 2).sum((1, 3)) - middle).max() < 0.12 * np.abs(middle).max()


def test_a_turn_and_a_mirror_are_undone_exactly():
    torch.manual_seed(0)
    phase = torch.randn(3, 5, 7, dtype=torch.float64)
    angle, mirrored = torch.tensor([0.3, 2.0, 5.0]).double(), torch.tensor([True, False, True])
    there = turned_harmonics(phase, angle, mirrored)
    numbers = torch.arange(1, 6).double()[None, :, None]
    back = there - numbers * angle[:, None, None]
    assert torch.allclose(torch.where(mirrored[:, None, None], -back, back), phase)
    amplitude = torch.rand(3, 5, 7, dtype=torch.float64)
    step = torch.full((3,), 2 * math.pi / 16, dtype=torch.float64)
    whole = turned_harmonics(phase, step, torch.zeros(3, dtype=torch.bool))
    assert torch.allclose(harmonic_cells(amplitude, whole, 16), harmonic_cells(amplitude, phase, 16).roll(1, dims=-1))
