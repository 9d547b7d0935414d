"""Comoving distances: closed forms, astropy's, and the way back."""

import numpy as np
import pytest

from surrogates.physics.cosmology import distances
from surrogates.physics.cosmology.background import Cosmology


def test_distances_of_a_universe_of_matter_have_a_closed_form():
    redshift = np.array([0.1, 1.0, 5.0])
    expected = 2 * distances.HUBBLE_LENGTH * (1 - 1 / np.sqrt(1 + redshift))
    assert distances.comoving_distance(redshift, Cosmology(1.0, 0.8)) == pytest.approx(expected, rel=1e-6)


def test_distances_agree_with_astropy():
    from astropy.cosmology import FlatLambdaCDM

    universe = FlatLambdaCDM(H0=70, Om0=0.31, Tcmb0=0)
    redshift = np.array([0.02, 0.5, 3.0])
    found = distances.comoving_distance(redshift, Cosmology(0.31, 0.8)) / 0.7
    assert found == pytest.approx(universe.comoving_distance(redshift).value, rel=1e-5)
    modulus = distances.distance_modulus(redshift, Cosmology(0.31, 0.8), 0.7)
    assert modulus == pytest.approx(universe.distmod(redshift).value, abs=1e-4)


def test_the_way_back():
    redshift = np.linspace(0, 10, 50)
    cosmology = Cosmology(0.31, 0.8)
    back = distances.redshift_at(distances.comoving_distance(redshift, cosmology), cosmology)
    assert back == pytest.approx(redshift, abs=1e-6)
