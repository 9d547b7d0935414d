"""Growth, linear power, initial fields and the particle-mesh code, against theory and against each other."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from surrogates.physics.cosmology.background import BARYON_DENSITY, HUBBLE_CONSTANT, SPECTRAL_INDEX, Cosmology
from surrogates.physics.cosmology.density_statistics import smoothed
from surrogates.physics.cosmology.initial_fields import (
    expected_variance,
    first_order,
    linear_density,
    second_order,
    wavevectors,
    white_noise,
)
from surrogates.physics.cosmology.linear_power import linear_power, top_hat_variance
from surrogates.physics.cosmology.particle_mesh import ParticleMesh, density_contrast, growths
from surrogates.physics.cosmology.spectra import correlation, power, shells

PLANCK = Cosmology(0.31, 0.81)
BOX = 64.0


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    """A linear field of 32 points a side in 64 Mpc/h."""
    return linear_density(white_noise(32, 1, 0), BOX, PLANCK)


def at(k: np.ndarray, values: np.ndarray, wavenumber: float) -> float:
    return float(np.interp(wavenumber, k, values))


def test_growth_is_the_scale_factor_where_matter_is_all():
    universe = Cosmology(1.0, 0.8)
    for redshift in (0.0, 1.0, 9.0):
        assert universe.growth(redshift) == pytest.approx(1 / (1 + redshift), rel=1e-5)
        assert universe.growth_rate(redshift) == pytest.approx(1.0, rel=1e-4)
    second, slope = universe.second_order(0.5)
    assert second == pytest.approx(-3 / 7 * 0.25, rel=1e-4)
    assert slope == pytest.approx(-6 / 7 * 0.5, rel=1e-4)


def test_growth_agrees_with_the_integral_of_heath():
    a = np.linspace(1e-4, 1, 200_001)
    integrand = (a / (0.31 + 0.69 * a**3)) ** 1.5  # 1 / (a H)^3
    whole = np.trapezoid(integrand, a)
    half = a <= 0.5
    expansion = np.sqrt(0.31 / 0.5**3 + 0.69)
    expected = expansion * np.trapezoid(integrand[half], a[half]) / whole
    assert PLANCK.growth(1.0) == pytest.approx(expected, rel=1e-4)


def test_redshift_of_growth_inverts_growth():
    for redshift in (0.0, 0.7, 3.0):
        assert PLANCK.redshift_of(PLANCK.growth(redshift)) == pytest.approx(redshift, abs=1e-3)


def test_linear_power_has_the_asked_sigma_8():
    k = np.geomspace(1e-4, 1e2, 4000)
    assert top_hat_variance(k, linear_power(k, PLANCK), 8.0) == pytest.approx(0.81**2, rel=1e-4)
    assert linear_power(np.array([0.0]), PLANCK)[0] == 0


def test_linear_power_lies_within_five_percent_of_camb():
    camb = pytest.importorskip("camb")
    h = HUBBLE_CONSTANT
    parameters = camb.CAMBparams()
    parameters.set_cosmology(
        H0=100 * h, ombh2=BARYON_DENSITY * h**2, omch2=(0.31 - BARYON_DENSITY) * h**2, mnu=0.0, TCMB=2.7255
    )
    parameters.InitPower.set_params(ns=SPECTRAL_INDEX)
    parameters.set_matter_power(redshifts=[0.0], kmax=20.0)
    parameters.NonLinear = camb.model.NonLinear_none
    results = camb.get_results(parameters)
    k, _, found = results.get_linear_matter_power_spectrum(hubble_units=True, k_hunit=True)
    ratio = linear_power(k, PLANCK) / (found[0] * (0.81 / results.get_sigma8_0()) ** 2)
    assert np.abs(ratio[(k > 0.01) & (k < 3)] - 1).max() < 0.05


def test_white_noise_depends_on_seed_and_sample_alone():
    assert np.array_equal(white_noise(8, 3, 5), white_noise(8, 3, 5))
    assert not np.array_equal(white_noise(8, 3, 5), white_noise(8, 3, 6))
    assert not np.array_equal(white_noise(8, 3, 5), white_noise(8, 4, 5))


def test_linear_fields_have_the_linear_power():
    _, k = shells(32, BOX)
    found = np.mean([power(linear_density(white_noise(32, 2, i), BOX, PLANCK), BOX) for i in range(12)], axis=0)
    ratio = found[4:] / linear_power(k[4:], PLANCK)
    assert abs(ratio.mean() - 1) < 0.02
    fields = [linear_density(white_noise(32, 2, i), BOX, PLANCK) for i in range(12)]
    assert np.var(fields) == pytest.approx(expected_variance(32, BOX, PLANCK), rel=0.05)


def test_first_order_displacement_has_minus_the_density_as_divergence(field: np.ndarray):
    psi = first_order(field, BOX)
    divergence = np.zeros(field.shape)
    for axis, k in enumerate(wavevectors(32, BOX)):
        spectrum = np.fft.rfftn(psi[..., axis])
        divergence += np.fft.irfftn(1j * k * spectrum, s=field.shape, axes=(0, 1, 2))
    below = np.fft.rfftn(field)
    below[16], below[:, 16], below[:, :, 16] = 0, 0, 0  # the Nyquist planes have no derivative
    smooth = np.fft.rfftn(divergence)
    smooth[16], smooth[:, 16], smooth[:, :, 16] = 0, 0, 0
    assert np.allclose(smooth, -below, atol=1e-3 * np.abs(below).max())


def test_a_plane_wave_has_no_second_order_displacement():
    x = np.arange(32)[:, None, None] * np.ones((32, 32, 32))
    wave = np.cos(2 * np.pi * x / 32).astype(np.float32)
    assert np.abs(second_order(wave, BOX)).max() < 1e-5 * np.abs(first_order(wave, BOX)).max()


def test_a_plane_wave_moves_straight_until_paths_cross():
    x = np.arange(32)[:, None, None] * np.ones((32, 32, 32))
    wave = 0.3 * np.cos(2 * np.pi * x / 32).astype(np.float32)
    evolved = ParticleMesh(BOX, 64, 20).run(wave, PLANCK, [0.0])[0]
    assert np.abs(evolved.displacement - first_order(wave, BOX)).max() < 0.02 * np.abs(first_order(wave, BOX)).max()


def test_runs_at_high_redshift_follow_second_order_perturbation_theory():
    waves = linear_density(white_noise(32, 4, 0), BOX, PLANCK)
    smooth = smoothed(waves, BOX, 4.0)  # two particles: the mesh resolves every wave, and nothing crosses at z = 3
    growth = PLANCK.growth(3.0)
    first = growth * first_order(smooth, BOX)
    expected = first + PLANCK.second_order(growth)[0] * second_order(smooth, BOX)
    evolved = ParticleMesh(BOX, 64, 8).run(smooth, PLANCK, [3.0])[0].displacement
    scale = np.sqrt((expected**2).mean())
    off, off_first = (np.sqrt(((evolved - other) ** 2).mean()) / scale for other in (expected, first))
    assert off < 0.05 and off < off_first


def test_large_scales_grow_linearly():
    box = 512.0
    smooth = linear_density(white_noise(64, 4, 0), box, PLANCK)
    late, early = (run.displacement for run in reversed(ParticleMesh(box, 128, 8).run(smooth, PLANCK, [1.0, 0.0])))
    _, k = shells(64, box)
    ratio = power(density_contrast(early, 64, box), box) / power(density_contrast(late, 64, box), box)
    assert ratio[k < 0.05].mean() == pytest.approx(PLANCK.growth(1.0) ** 2, rel=0.03)


def test_more_steps_come_nearer_to_forty(field: np.ndarray):
    _, k = shells(64, BOX)
    runs = {steps: ParticleMesh(BOX, 64, steps).run(field, PLANCK, [0.0])[0].displacement for steps in (2, 5, 10, 40)}
    meshes = {steps: density_contrast(moved, 64, BOX) for steps, moved in runs.items()}
    off = [1 - at(k, correlation(meshes[steps], meshes[40], BOX), 1.0) for steps in (2, 5, 10)]
    assert off[0] > off[1] > off[2]
    assert off[2] < 0.01


def test_a_lattice_at_rest_stays(field: np.ndarray):
    still = ParticleMesh(BOX, 64, 10).run(np.zeros_like(field), PLANCK, [0.0])[0]
    assert np.abs(still.displacement).max() == 0
    assert np.abs(density_contrast(still.displacement, 64, BOX)).max() < 1e-6


def test_no_momentum_and_no_mass_is_made(field: np.ndarray):
    evolved = ParticleMesh(BOX, 64, 10).run(field, PLANCK, [0.0])[0]
    assert np.abs(evolved.velocity.mean(axis=(0, 1, 2), dtype=float)).max() < 1e-4
    assert density_contrast(evolved.displacement, 64, BOX).mean(dtype=float) == pytest.approx(0, abs=1e-6)


def test_a_field_moved_by_a_lattice_cell_evolves_to_the_moved_box(field: np.ndarray):
    code = ParticleMesh(BOX, 64, 5)
    plain = code.run(field, PLANCK, [0.0])[0].displacement
    moved = code.run(np.roll(field, (3, 1), (0, 2)), PLANCK, [0.0])[0].displacement
    assert np.allclose(np.roll(plain, (3, 1), (0, 2)), moved, atol=0.05)


def test_snapshots_of_one_run_agree_with_runs_of_their_own(field: np.ndarray):
    together = ParticleMesh(BOX, 64, 40).run(field, PLANCK, [1.0, 0.0])
    alone = ParticleMesh(BOX, 64, 40).run(field, PLANCK, [0.0])[0]
    assert np.sqrt(((together[1].displacement - alone.displacement) ** 2).mean()) < 0.05
    assert [run.redshift for run in together] == [1.0, 0.0]


def test_steps_end_at_every_redshift_asked():
    ends = growths(PLANCK, [3.0, 0.0], 10)
    assert ends[0][-1] == pytest.approx(PLANCK.growth(3.0))
    assert ends[1][-1] == pytest.approx(1.0)
    assert sum(len(part) for part in ends) == 10


def test_velocity_is_the_rate_of_the_displacement(field: np.ndarray):
    code = ParticleMesh(BOX, 64, 40)
    before, after = code.run(field, PLANCK, [0.52, 0.48])
    rate = PLANCK.growth(0.48) - PLANCK.growth(0.52)
    found = (after.displacement - before.displacement) / rate
    middle = 0.5 * (after.velocity + before.velocity)
    assert np.corrcoef(found.ravel(), middle.ravel())[0, 1] > 0.995


@pytest.mark.slow
def test_power_lies_within_five_percent_of_halofit_to_half_an_inverse_megaparsec():
    camb = pytest.importorskip("camb")
    h = HUBBLE_CONSTANT
    parameters = camb.CAMBparams()
    parameters.set_cosmology(
        H0=100 * h, ombh2=BARYON_DENSITY * h**2, omch2=(0.31 - BARYON_DENSITY) * h**2, mnu=0.0, TCMB=2.7255
    )
    parameters.InitPower.set_params(ns=SPECTRAL_INDEX)
    parameters.set_matter_power(redshifts=[0.0], kmax=20.0)
    parameters.NonLinear = camb.model.NonLinear_none
    amplitude = (0.81 / camb.get_results(parameters).get_sigma8_0()) ** 2
    parameters.InitPower.set_params(ns=SPECTRAL_INDEX, As=2e-9 * amplitude)
    parameters.NonLinear = camb.model.NonLinear_pk
    parameters.NonLinearModel.set_params(halofit_version="mead2020")
    results = camb.get_results(parameters)
    k, _, found = results.get_matter_power_spectrum(minkh=0.05, maxkh=2.0, npoints=200)
    _, _, straight = results.get_linear_matter_power_spectrum(hubble_units=True, k_hunit=True)
    wavenumbers, _, _ = results.get_linear_matter_power_spectrum(hubble_units=True, k_hunit=True)
    asked = np.array([0.2, 0.3, 0.5])
    boost = np.interp(asked, k, found[0]) / np.interp(asked, wavenumbers, straight[0])
    _, fine = shells(256, 128.0)
    _, coarse = shells(64, 128.0)
    ratios = []
    for sample in range(10):  # over the linear power of the same box, so that its own modes cancel
        field = linear_density(white_noise(64, 1, sample), 128.0, PLANCK)
        evolved = ParticleMesh().run(field, PLANCK, [0.0])[0]
        mesh = power(density_contrast(evolved.displacement, 256, 128.0), 128.0)
        ratios.append(np.interp(asked, fine, mesh) / np.interp(asked, coarse, power(field, 128.0)))
    assert np.abs(np.mean(ratios, axis=0) / boost - 1).max() < 0.05
