"""Bispectrum, peaks, voids, haloes, velocities and meshes on fields whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from surrogates.physics.cosmology.density_statistics import (
    axis_powers,
    bispectrum,
    peak_heights,
    smoothed,
    void_radii,
)
from surrogates.physics.cosmology.haloes import halo_sizes, positions
from surrogates.physics.cosmology.laws import mass, momentum, positivity
from surrogates.physics.cosmology.painting import cloud_in_cell, density_contrast
from surrogates.physics.cosmology.particle_mesh import density_contrast as compiled_contrast
from surrogates.physics.cosmology.spectra import correlation, power
from surrogates.physics.cosmology.velocities import momentum_power, pairwise_velocity

BOX = 64.0


@pytest.fixture(scope="module")
def displacement() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 3, (16, 16, 16, 3)).astype(np.float32)


def test_tensors_and_compiled_loops_count_alike(displacement: np.ndarray):
    for size in (16, 32):
        tensor = cloud_in_cell(torch.tensor(displacement), size, BOX) - 1
        assert np.allclose(tensor.numpy(), compiled_contrast(displacement, size, BOX), atol=2e-4)


def test_meshes_are_differentiable_where_asked(displacement: np.ndarray):
    moved = torch.tensor(displacement, dtype=torch.float64, requires_grad=True)
    density_contrast(moved, 16, BOX).square().sum().backward()
    step = torch.zeros_like(moved)
    step[3, 4, 5, 1] = 1e-4
    with torch.no_grad():
        up, down = (cloud_in_cell(moved + s * step, 16, BOX).sub(1).square().sum() for s in (1, -1))
    assert moved.grad is not None
    assert float(moved.grad[3, 4, 5, 1]) == pytest.approx(float(up - down) / 2e-4, rel=1e-3)


def test_laws_hold_and_can_fail(displacement: np.ndarray):
    mesh = torch.tensor(compiled_contrast(displacement, 16, BOX))[None]
    outputs = {"density_contrast": mesh, "velocity": torch.zeros(1, 16, 16, 16, 3)}
    for law in (mass, positivity, momentum):
        assert float(law(outputs, {})) < 1e-6
    broken = {"density_contrast": mesh - 0.5, "velocity": torch.ones(1, 16, 16, 16, 3)}
    for law in (mass, positivity, momentum):
        assert float(law(broken, {})) > 0.1


def test_a_field_agrees_with_itself_and_not_with_another():
    first, second = np.random.default_rng(2).normal(size=(2, 32, 32, 32)).astype(np.float32)
    assert np.allclose(correlation(first, first, BOX), 1)
    assert np.abs(correlation(first, second, BOX)[8:]).max() < 0.15
    assert power(first, BOX)[8:].mean() == pytest.approx(BOX**3 / 32**3, rel=0.02)


def test_the_bispectrum_of_three_waves_is_their_amplitudes():
    n = 32
    x, y = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    unit = 2 * np.pi / n
    waves = np.cos(4 * unit * x) + np.cos(3 * unit * y) + np.cos(unit * (4 * x + 3 * y))
    field = np.repeat(waves[:, :, None], n, axis=2).astype(np.float32)
    sides = np.array([[4, 3, 5]]) * 2 * np.pi / BOX
    width = 0.2 * 2 * np.pi / BOX
    found = bispectrum(field, BOX, sides, width)[0]
    gaussian = np.random.default_rng(3).normal(size=field.shape).astype(np.float32)
    assert found > 0
    assert bispectrum(-field, BOX, sides, width)[0] == pytest.approx(-found)
    assert abs(bispectrum(gaussian, BOX, np.array([[0.6, 0.6, 0.6]]), 0.2)[0]) < 0.1 * found


def test_peaks_are_counted_across_the_boundary():
    field = np.zeros((16, 16, 16), np.float32)
    field[0, 0, 0], field[15, 15, 15], field[8, 8, 8] = 5, 4, 3
    assert peak_heights(field)[:2].tolist() == [5, 3]


def test_a_void_that_crosses_the_boundary_is_one():
    field = np.zeros((16, 16, 16), np.float32)
    field[15, 4:6, 4:6] = field[0, 4:6, 4:6] = -0.9
    field[8, 8, 8] = -0.9
    radii = void_radii(field, 16.0)
    assert radii == pytest.approx([(3 * 8 / (4 * np.pi)) ** (1 / 3), (3 / (4 * np.pi)) ** (1 / 3)])


def test_smoothing_keeps_the_mean_and_a_stretched_field_is_not_isotropic():
    field = np.random.default_rng(4).normal(size=(32, 32, 32)).astype(np.float32)
    assert smoothed(field, BOX, 3.0).mean() == pytest.approx(field.mean(), abs=1e-5)
    shares = axis_powers(field, BOX, 0.5, 1.5)
    assert shares / shares.mean() == pytest.approx(np.ones(3), abs=0.1)
    stretched = field + np.roll(field, 1, axis=0) + np.roll(field, 2, axis=0)
    assert axis_powers(stretched, BOX, 0.5, 1.5)[0] < 0.9 * axis_powers(stretched, BOX, 0.5, 1.5)[1]


def test_a_clump_is_a_halo_also_across_the_boundary():
    n = 16
    displacement = np.zeros((n, n, n, 3), np.float32)
    places = positions(displacement, BOX).reshape(n, n, n, 3)
    displacement[:3, :3, :3] = (np.array([63.95, 63.95, 0.05]) - places[:3, :3, :3]) + np.random.default_rng(5).normal(
        0, 0.05, (3, 3, 3, 3)
    )
    assert halo_sizes(displacement, BOX).tolist() == [27]
    assert halo_sizes(np.zeros_like(displacement), BOX).tolist() == []


def test_particles_that_fall_together_have_negative_pairwise_velocities():
    n = 16
    still = np.zeros((n, n, n, 3), np.float32)
    places = positions(still, BOX).reshape(n, n, n, 3)
    edges = np.array([3.0, 5.0])
    infall = -(places - BOX / 2)
    inner = np.abs(places - BOX / 2).max(axis=-1) < 0.4 * BOX
    falling = np.where(inner[..., None], infall, 0.0)
    gathered = 0.5 * falling
    found = pairwise_velocity(gathered, falling, BOX, edges)
    assert found[0] < -2
    assert pairwise_velocity(gathered, falling + 100.0, BOX, edges) == pytest.approx(found, rel=1e-5)
    assert pairwise_velocity(still, falling, BOX, edges)[0] == pytest.approx(0, abs=1e-9)  # of a lattice always


def test_momentum_power_scales_with_the_square_of_the_velocity(displacement: np.ndarray):
    once = momentum_power(displacement, displacement, 16, BOX)
    assert momentum_power(displacement, 2 * displacement, 16, BOX) == pytest.approx(4 * once, rel=1e-4)
