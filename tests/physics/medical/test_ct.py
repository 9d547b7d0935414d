"""The scanner shows what Hounsfield's scale says, and its noise is that of photons."""

import numpy as np
import pytest

from surrogates.physics.medical import ct

pytest.importorskip("skimage")

PLACE = np.hypot(*np.mgrid[-32:32, -32:32])
DISC = np.where(PLACE < 22, 40.0, ct.AIR)
SCANNER = ct.Scanner(pixel=4.0, views=90, photons=5e4)


def test_scale_has_water_at_0_and_air_at_minus_1000():
    assert ct.attenuation(np.array([-1000.0, 0.0])) == pytest.approx([0.0, ct.ATTENUATION_OF_WATER])
    assert ct.hounsfield(ct.attenuation(np.array([350.0]))) == pytest.approx([350.0])


def test_line_integral_through_the_middle_is_length_times_attenuation():
    middle = SCANNER.project(DISC)[32, 0]
    assert middle == pytest.approx(43 * 4.0 * ct.attenuation(np.array(40.0)), rel=0.05)


def test_reconstruction_without_noise_gives_the_inside_back():
    inside = SCANNER.without_noise(DISC)[PLACE < 16]
    assert abs(inside.mean() - 40.0) < 5.0 and inside.std() < 10.0


def test_noise_falls_with_the_root_of_the_photons():
    spreads = []
    for photons in (2e4, 8e4):
        scanner = ct.Scanner(pixel=4.0, views=90, photons=photons)
        draws = [scanner.scan(DISC, np.random.default_rng(seed)) for seed in range(6)]
        spreads.append(np.std(draws, axis=0)[PLACE < 16].mean())
    assert spreads[0] / spreads[1] == pytest.approx(2.0, rel=0.2)


def test_metal_starves_rays_and_leaves_streaks():
    metal = np.where(np.hypot(*(np.mgrid[-32:32, -32:32] - np.array([[[8]], [[0]]]))) < 3, ct.METAL, DISC)
    far = (PLACE < 20) & (metal < 100)
    streaks = SCANNER.scan(metal, np.random.default_rng(1))[far].std()
    assert streaks > 3 * SCANNER.scan(DISC, np.random.default_rng(1))[far].std()


def test_an_oblong_slice_is_refused():
    with pytest.raises(ValueError, match="square"):
        SCANNER.project(np.zeros((4, 5)))
