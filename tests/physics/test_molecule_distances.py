"""Distances between sets of molecules against cases worked out by hand."""

import math

import numpy as np
import pytest

from surrogates.physics.molecules import distances

FINGERPRINTS = np.packbits(
    np.array([[1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0, 0]], dtype=bool), axis=1
)
"""Tanimoto similarities: 0-1 is 2/3, 0-2 and 1-2 are 0."""


def test_uniqueness_counts_what_repeats():
    assert distances.duplicate_share(np.array([1, 2, 2, 3])) == 0.25
    assert distances.duplicate_share(np.array([5, 6])) == 0.0
    assert distances.duplicate_share(np.array([], dtype=int)) == 0.0


def test_novelty_is_of_distinct_molecules():
    training = np.array([2, 4, 9])
    assert distances.known_share(np.array([2, 2, 3, 5]), training) == pytest.approx(1 / 3)
    assert distances.known_share(np.array([10, 11]), training) == 0.0  # beyond the largest training key
    assert distances.known_share(np.array([9]), training) == 1.0


def test_tanimoto_similarity_is_shared_over_either():
    found = distances.similarity(FINGERPRINTS, FINGERPRINTS)
    np.testing.assert_allclose(found, [[1, 2 / 3, 0], [2 / 3, 1, 0], [0, 0, 1]], atol=1e-6)
    empty = np.zeros((1, 1), dtype=np.uint8)
    assert distances.similarity(empty, empty)[0, 0] == 0.0


def test_nearest_similarity_with_and_without_oneself():
    np.testing.assert_allclose(distances.nearest_similarity(FINGERPRINTS, FINGERPRINTS[1:]), [2 / 3, 1, 1], atol=1e-6)
    np.testing.assert_allclose(distances.nearest_other_similarity(FINGERPRINTS), [2 / 3, 2 / 3, 0], atol=1e-6)


def test_blocks_do_not_change_similarities():
    generator = np.random.default_rng(1)
    many = generator.integers(0, 256, (distances._BLOCK + 7, 16), dtype=np.uint8)
    whole = distances.similarity(many, many)
    np.testing.assert_allclose(distances.nearest_similarity(many, many[:50]), whole[:, :50].max(axis=1))
    np.fill_diagonal(whole, -1.0)
    np.testing.assert_allclose(distances.nearest_other_similarity(many), whole.max(axis=1))


def test_internal_diversity_averages_all_pairs():
    assert distances.internal_diversity(FINGERPRINTS) == pytest.approx(1.0 - (3 + 4 / 3) / 9)
    assert distances.internal_diversity(FINGERPRINTS[:1]) == pytest.approx(0.0)


def test_cosine_distance_counts_labels_and_ignores_empty_slots():
    first = np.array([[7, 8], [7, 0]], dtype=np.uint64)  # 7 twice, 8 once
    second = np.array([8, 8, 9], dtype=np.uint64)
    assert distances.cosine_distance(first, second) == pytest.approx(1.0 - 2.0 / math.sqrt(5 * 5))
    assert distances.cosine_distance(first, first) == pytest.approx(0.0)
    assert distances.cosine_distance(first, np.zeros(3, dtype=np.uint64)) == 1.0


def test_divergence_of_two_normal_distributions_is_near_its_closed_form():
    generator = np.random.default_rng(2)
    first, second = generator.normal(0, 1, 20_000), generator.normal(0.5, 1, 20_000)
    assert distances.divergence(first, second) == pytest.approx(0.125, abs=0.02)  # shift^2 / 2
    stats = pytest.importorskip("scipy.stats")
    points = np.linspace(-3, 3, 50)
    np.testing.assert_allclose(distances._density(first, points), stats.gaussian_kde(first)(points), rtol=1e-9)
    assert distances.divergence(first, first) == pytest.approx(0.0, abs=1e-9)
    assert distances.divergence(first, np.zeros(10)) == math.inf


def test_counted_divergence_is_the_sum_over_bins():
    truth = np.array([0, 0, 10, 10])
    samples = np.array([0, 10, 10, 10])
    assert distances.counted_divergence(truth, samples) == pytest.approx(
        0.5 * math.log(2.0) + 0.5 * math.log(2 / 3), abs=1e-6
    )
    assert distances.counted_divergence(truth, np.array([50])) == math.inf


def test_kl_score_is_a_mean_of_exponentials():
    assert distances.kl_shortfall([0.0, math.log(2.0), math.inf]) == pytest.approx(0.5)


def test_frechet_distance_of_one_dimension_and_of_rotated_axes():
    first = (np.array([0.0]), np.array([[4.0]]))
    second = (np.array([3.0]), np.array([[1.0]]))
    assert distances.frechet_distance(first, second) == pytest.approx(9.0 + (2.0 - 1.0) ** 2)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    narrow, wide = np.diag([1.0, 9.0]), np.diag([4.0, 1.0])
    mean = np.zeros(2)
    expected = (1 - 2) ** 2 + (3 - 1) ** 2
    rotated = [(mean, turn @ matrix @ turn.T) for matrix in (narrow, wide)]
    assert distances.frechet_distance(*rotated) == pytest.approx(expected)


def test_frechet_distance_agrees_with_the_matrix_root():
    linalg = pytest.importorskip("scipy.linalg")
    generator = np.random.default_rng(3)
    sides = []
    for _ in range(2):
        data = generator.normal(size=(40, 6)) @ generator.normal(size=(6, 6))
        sides.append((data.mean(axis=0), np.cov(data.T)))
    (m1, c1), (m2, c2) = sides
    expected = ((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * np.real(linalg.sqrtm(c1 @ c2)))
    assert distances.frechet_distance(*sides) == pytest.approx(expected, rel=1e-6)


def test_a_set_of_fewer_molecules_than_activations_has_a_finite_distance():
    generator = np.random.default_rng(4)
    data = generator.normal(size=(5, 20))
    summary = (data.mean(axis=0), np.cov(data.T))
    assert distances.frechet_distance(summary, summary) == pytest.approx(0.0, abs=1e-5)
