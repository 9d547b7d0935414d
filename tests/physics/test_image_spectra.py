"""Radial power: a wave stands in its ring, white noise is flat at its variance."""

import numpy as np
import pytest

from surrogates.physics.images.spectra import radial_power


def test_white_noise_has_its_variance_at_every_frequency():
    power = radial_power(3.0 * np.random.default_rng(1).standard_normal((200, 32, 32))).mean(axis=0)
    assert power == pytest.approx(np.full(8, 9.0), rel=0.15)


def test_a_wave_stands_in_its_ring():
    x = np.arange(64)
    wave = np.broadcast_to(np.sin(2 * np.pi * 0.35 * x), (1, 64, 64))
    assert radial_power(wave)[0].argmax() == int(0.35 * 16)
