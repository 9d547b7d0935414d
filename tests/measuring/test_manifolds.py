"""Coverage, density, precision and recall of clouds of points."""

import numpy as np
import pytest

from surrogates.measuring.manifolds import NEIGHBOURS, cloud_shares, frechet_distance

DRAW = np.random.default_rng(4)
CLOUD, OTHER = DRAW.normal(size=(600, 4)), DRAW.normal(size=(600, 4))


def test_two_clouds_of_one_distribution_have_the_coverage_and_density_of_the_lemma():
    found = cloud_shares(CLOUD, OTHER)
    assert found["coverage"] == pytest.approx(1.0 - 0.5**NEIGHBOURS, abs=0.03)
    assert found["density"] == pytest.approx(1.0, abs=0.1)
    assert min(found["precision"], found["recall"]) > 0.9


def test_a_memoriser_covers_little_and_far_points_nothing():
    few = OTHER[np.random.default_rng(5).integers(0, 12, 600)]
    found = cloud_shares(few, OTHER)
    assert found["coverage"] < 0.3 and found["precision"] == 1.0
    assert cloud_shares(OTHER + 50.0, OTHER)["coverage"] == 0.0


def test_frechet_distance_of_shifted_and_stretched_gaussians_is_known():
    assert frechet_distance(CLOUD + np.array([3.0, 0, 0, 0]), CLOUD) == pytest.approx(9.0, rel=1e-6)
    stretched = (CLOUD - CLOUD.mean(axis=0)) * 2.0 + CLOUD.mean(axis=0)
    assert frechet_distance(stretched, CLOUD) == pytest.approx(np.trace(np.cov(CLOUD, rowvar=False)), rel=1e-6)
