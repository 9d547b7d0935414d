"""Angular clustering: Limber's integral in closed form, and the estimator on fields whose correlation is known."""

import numpy as np
import pytest

from surrogates.physics.cosmology import angular
from surrogates.physics.cosmology.background import Cosmology
from surrogates.physics.cosmology.distances import HUBBLE_LENGTH, comoving_distance

UNIVERSE = Cosmology(0.31, 0.81)
EDGES = np.geomspace(2.0, 20.0, 5)


def test_limber_of_a_power_law_has_a_closed_form():
    """P = A / k projects to A / (2 pi r), for the integral of J0 is 1."""
    redshift = np.linspace(0.5, 1.0, 41)
    weight = np.full(41, 2.0)
    angle = np.array([3.0, 10.0]) * angular.ARCMIN
    found = angular.limber(angle, redshift, weight, lambda k, z: 5.0 / k, UNIVERSE)
    rate = np.array([UNIVERSE.expansion_rate(z) for z in redshift]) / HUBBLE_LENGTH
    across = angle[None, :] * comoving_distance(redshift, UNIVERSE)[:, None]
    expected = np.trapezoid((weight**2 * rate)[:, None] * 5.0 / (2 * np.pi * across), redshift, axis=0)
    assert found == pytest.approx(expected, rel=0.02)


def test_strewn_points_are_not_correlated():
    random = np.random.default_rng(1)
    x, y = 60 * random.random((2, 200_000))
    found, separation = angular.angular_correlation(x, y, 60.0, EDGES)
    assert np.abs(found).max() < 2e-4
    assert ((separation > EDGES[:-1]) & (separation < EDGES[1:])).all()


def test_a_known_correlation_is_found_again():
    """Points about a Gaussian field of known correlation, less the field's own mean."""
    random = np.random.default_rng(2)
    cells, side, scale = 240, 60.0, 3.0
    wavenumber = 2 * np.pi * np.hypot(*np.meshgrid(np.fft.fftfreq(480, 0.25), np.fft.fftfreq(480, 0.25)))
    found, expected = [], None
    for _ in range(8):
        noise = np.fft.fft2(random.standard_normal((480, 480)))
        wide = np.fft.ifft2(noise * np.exp(-0.25 * (wavenumber * scale) ** 2)).real
        field = 0.1 * wide[:cells, :cells] / 0.0665  # 0.1 deep
        counts = random.poisson(20 * np.maximum(1 + field, 0))
        rows, columns = np.nonzero(counts)
        x, y = (np.repeat(place, counts[rows, columns]) for place in (rows, columns))
        jitter = random.random((2, len(x)))
        found.append(angular.angular_correlation((x + jitter[0]) / 4, (y + jitter[1]) / 4, side, EDGES)[0])
        deviation = (0.1 * wide / 0.0665).std()
        one = angular.mean_in_square(
            lambda t, deviation=deviation: deviation**2 * np.exp(-(t**2) / 2 / scale**2), side, EDGES
        )
        expected = one[0] - one[1] if expected is None else expected + one[0] - one[1]
    assert expected is not None
    error = np.std(found, axis=0, ddof=1) / np.sqrt(8)
    assert np.abs(np.mean(found, axis=0) - expected / 8).max() < 4 * error.max()
    assert np.mean(found, axis=0)[0] == pytest.approx(expected[0] / 8, rel=0.1)


def test_pairs_of_one_slab_alone_count():
    """Two slabs with the same pattern: pairs across them are left out."""
    random = np.random.default_rng(3)
    centres = 60 * random.random((300, 2))
    points = np.concatenate([centres + 0.8 * random.standard_normal((300, 2)) for _ in range(60)]) % 60
    twice = np.concatenate((points, points))
    slab = np.repeat([0, 1], len(points))
    alone, _ = angular.angular_correlation(points[:, 0], points[:, 1], 60.0, EDGES)
    both, _ = angular.angular_correlation(twice[:, 0], twice[:, 1], 60.0, EDGES, slab=slab)
    assert both == pytest.approx(alone / 2, rel=1e-6)
