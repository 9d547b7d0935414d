"""The two-sample classifier on pixels tells what differs, and only that."""

from __future__ import annotations

import numpy as np

from surrogates.measuring import image_network


def discs(n: int, seed: int, width: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian blobs of a width, with their brightness as condition."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((24, 24)) - 11.5
    brightness = rng.uniform(0.5, 1.5, (n, 1))
    centre = rng.normal(0, 2, (n, 2, 1, 1))
    squared = (y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2
    images = brightness[:, :, None] * np.exp(-0.5 * squared / width**2) + rng.normal(0, 0.05, (n, 24, 24))
    return images[:, None], brightness


def test_equal_images_are_not_told_apart():
    found = image_network(discs(240, 1), discs(240, 2), epochs=4)
    assert abs(found.auc - 0.5) < 4 * found.error


def test_another_width_is_seen():
    assert image_network(discs(240, 1), discs(240, 2, width=2.2), epochs=6).auc > 0.9


def test_another_brightness_is_seen():
    images, asked = discs(300, 1)
    assert image_network((1.5 * images, asked), discs(300, 2), epochs=6).auc > 0.75


def test_the_verdict_is_reproducible():
    pairs = discs(80, 1), discs(80, 2)
    assert image_network(*pairs, seed=3, epochs=1) == image_network(*pairs, seed=3, epochs=1)
