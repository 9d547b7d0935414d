"""Populations of galaxies: counts against published ones, K-corrections, sizes, shapes and photometric errors."""

import numpy as np
import pytest

from surrogates.physics.cosmology.background import Cosmology
from surrogates.physics.cosmology.distances import comoving_distance, distance_modulus
from surrogates.physics.galaxies import photometric_errors, population, templates

UNIVERSE = Cosmology(0.31, 0.81)
COSMOS2020 = {22.25: 4.21, 22.75: 4.38, 23.25: 4.54, 23.75: 4.71, 24.25: 4.86, 24.75: 4.97, 25.25: 5.08}
"""log10 galaxies per mag and deg^2 in HSC i: Weaver et al. 2022 (ApJS 258, 11), table 2, the Farmer."""


def by_redshift(limit: float, last: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Redshifts and galaxies per deg^2 and unit redshift, brighter than i = `limit`."""
    redshift = np.linspace(0.01, last, 600)
    volume = comoving_distance(redshift, UNIVERSE) ** 2 * np.gradient(comoving_distance(redshift, UNIVERSE), redshift)
    modulus = distance_modulus(redshift, UNIVERSE, population.HUBBLE)
    density = sum(f.densities(redshift, modulus, limit, 3).sum(1) for f in population.POPULATIONS.values())
    return redshift, density * volume * (np.pi / 180) ** 2


def below(limit: float) -> float:
    redshift, number = by_redshift(limit)
    return float(np.trapezoid(number, redshift))


@pytest.mark.parametrize("magnitude", COSMOS2020)
def test_counts_lie_within_a_fifth_of_published_ones(magnitude):
    count = (below(magnitude + 0.25) - below(magnitude - 0.25)) / 0.5
    assert count == pytest.approx(10 ** COSMOS2020[magnitude], rel=0.2)
    science_book = 46 * 3600 * 0.31 * np.log(10) * 10 ** (0.31 * (magnitude - 25))  # arXiv:0912.0201, eq. 3.7
    assert count == pytest.approx(science_book, rel=0.2)


@pytest.mark.parametrize("limit", [23.0, 24.0])
def test_the_mean_redshift_is_near_the_published_one(limit):
    redshift, number = by_redshift(limit)
    mean = np.trapezoid(redshift * number, redshift) / np.trapezoid(number, redshift)
    assert mean == pytest.approx(3 * (0.0417 * limit - 0.744), rel=0.1)  # arXiv:0912.0201, eq. 3.8


def test_densities_fall_with_redshift_and_grow_with_depth():
    redshift = np.linspace(0.01, 3, 200)
    modulus = distance_modulus(redshift, UNIVERSE, population.HUBBLE)
    for function in population.POPULATIONS.values():
        bright, faint = (function.densities(redshift, modulus, limit, 3).sum(1) for limit in (24.0, 26.0))
        assert (faint >= bright).all()
        assert (np.diff(bright)[10:] <= 0).all()  # nearer than that the faintest galaxies of all are seen


def test_luminosities_are_drawn_above_the_limit_by_the_function():
    function = population.BLUE
    faintest = np.full(200_000, np.log(0.1))
    drawn = function.luminosity_of(np.random.default_rng(1).random(200_000) * function.brighter_than(faintest))
    assert drawn.min() >= np.log(0.1) - 1e-3
    share = (drawn > 0).mean()
    expected = function.brighter_than(np.array([0.0]))[0] / function.brighter_than(faintest)[0]
    assert share == pytest.approx(expected, abs=5 * np.sqrt(expected / 200_000))


def test_the_table_of_colours_is_what_the_templates_give():
    pytest.importorskip("galsim")
    some = np.array([0.0, 0.5, 1.5])
    fresh = templates.tabulate(some)["correction"]
    for kind, name in enumerate(templates.TYPES):
        table = templates.correction(some, np.full(3, float(kind)))
        assert np.abs(np.array(fresh[name]).T - table).max() < 2e-3


def test_colours_run_from_red_to_blue():
    kinds = np.linspace(0, templates.LATEST, 14)
    colour = templates.correction(np.full(14, 0.5), kinds)
    assert (np.diff(colour[:, 1] - colour[:, 3]) < 0).all()


def test_a_point_source_at_the_depth_has_five_standard_deviations():
    for band in "ugrizy":
        flux = photometric_errors.flux(np.array([25.0]))
        error = photometric_errors.flux_error(flux, 25.0, band)
        assert flux / error == pytest.approx(5.0, rel=2e-3)
    bright = photometric_errors.flux(np.array([15.0]))
    assert photometric_errors.flux_error(bright, 25.0, "i") / bright == pytest.approx(0.005, rel=0.05)
    assert np.isnan(photometric_errors.magnitude(np.array([-1.0, 0.0]))).all()


def test_sizes_follow_the_relations_they_are_taken_from():
    zero = np.zeros(4)
    mass = np.full(4, np.log10(5e10))
    red = np.array([True, True, False, False])
    kpc = population.half_light_radius(mass, np.array([0.25, 2.25, 0.25, 2.25]), red, zero)
    assert np.log10(kpc) == pytest.approx([0.60, -0.05, 0.86, 0.55])
    dwarf = population.half_light_radius(np.array([8.5]), np.array([0.25]), np.array([True]), zero[:1])
    assert 0.3 < dwarf[0] < 2


def test_ellipticities_have_the_spread_that_surveys_see():
    random = np.random.default_rng(2)
    red = random.random(100_000) < 0.15
    q = population.axis_ratio(red, random.random((100_000, 2)), random.standard_normal((100_000, 2)))
    assert q.min() > 0 and q.max() <= 1
    ellipticity = (1 - q) / (1 + q)
    component = np.sqrt((ellipticity**2).mean() / 2)
    assert component == pytest.approx(0.26, abs=0.04)  # Chang et al. 2013 (MNRAS 434, 2121)
