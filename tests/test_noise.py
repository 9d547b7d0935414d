"""A draw depends on (seed, sample, name) alone, and has the distribution that it says."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.noise import MixedNoise, Noise, SeedOfSeveral, fold, philox

WORDS = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((WORDS,) * 4, (WORDS,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter, key, expected):
    words = philox(tuple(torch.tensor([word]) for word in counter), key)
    assert tuple(int(word) for word in words) == expected


def test_philox_agrees_with_plain_integers():
    counter, key = (123456789, 987654321, 42, 4294967290), (3735928559, 195948557)
    tensors = philox(tuple(torch.tensor([word]) for word in counter), key)
    assert tuple(int(word) for word in tensors) == philox(counter, key)


def test_few_words_are_those_of_many():
    samples = torch.tensor([5, -7, 2**40 + 3])
    many = samples.repeat(4096)  # beyond what numpy draws
    for draw in ("uniform", "normal"):
        few, of_many = (getattr(Noise(9, asked), draw)((11,), "name") for asked in (samples, many))
        assert torch.equal(few, of_many[:3])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40), st.integers(0, 2**63), st.randoms())
def test_a_sample_draws_the_same_whatever_is_beside_it(samples, seed, random):
    shuffled = samples.copy()
    random.shuffle(shuffled)
    draws = dict(zip(samples, Noise(seed, torch.tensor(samples)).normal((3,), "z"), strict=True))
    again = Noise(seed, torch.tensor(shuffled)).normal((3,), "z")
    assert all(torch.equal(draws[s], row) for s, row in zip(shuffled, again, strict=True))


def test_seed_sample_and_name_each_change_the_draw():
    samples = torch.arange(100)
    base = Noise(1, samples).uniform((), "a")
    assert not torch.equal(base, Noise(2, samples).uniform((), "a"))
    assert not torch.equal(base, Noise(1, samples).uniform((), "b"))
    assert not torch.equal(base, Noise(1, samples + 100).uniform((), "a"))
    assert not torch.equal(base, Noise(1, samples + 2**32).uniform((), "a"))


def test_a_name_is_used_once():
    noise = Noise(1, torch.arange(3))
    noise.uniform((), "step", 1)
    noise.uniform((), "step", 2)
    with pytest.raises(RuntimeError, match="used twice"):
        noise.uniform((), "step", 1)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3)])
def test_shapes_and_no_samples(shape):
    for n in (0, 1, 7):
        for draw in ("uniform", "normal"):
            drawn = getattr(Noise(0, torch.arange(n)), draw)(shape, draw)
            assert drawn.shape == (n, *shape)
            assert drawn.dtype == torch.float64


def test_uniform_fills_the_open_unit_interval_evenly():
    drawn = Noise(3, torch.arange(200_000)).uniform((), "u").numpy()
    assert 0.0 < drawn.min() < 1e-4 and 1 - 1e-4 < drawn.max() < 1.0
    ranks = np.abs(np.sort(drawn) - (np.arange(len(drawn)) + 0.5) / len(drawn)).max()
    assert ranks < 1.95 / math.sqrt(len(drawn))  # Kolmogorov-Smirnov at a probability of 0.001


def test_normal_has_the_normal_moments_and_no_correlation():
    drawn = Noise(4, torch.arange(100_000)).normal((2,), "z").numpy()
    error = 1 / math.sqrt(len(drawn))
    assert np.abs(drawn.mean(axis=0)).max() < 4 * error
    assert np.abs(drawn.var(axis=0) - 1).max() < 4 * math.sqrt(2) * error
    assert np.abs((drawn**4).mean(axis=0) - 3).max() < 4 * math.sqrt(96) * error
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 4 * error


def test_choice_follows_its_probabilities():
    probabilities = torch.tensor([0.5, 0.0, 0.2, 0.3], dtype=torch.float64)
    drawn = Noise(5, torch.arange(100_000)).choice(probabilities.log().expand(100_000, 4), "c")
    shares = torch.bincount(drawn, minlength=4) / 100_000
    assert shares[1] == 0
    assert torch.allclose(shares.double(), probabilities, atol=4 * math.sqrt(0.25 / 100_000))


def test_fold_separates_steps_and_is_stable():
    assert fold(1, "phase", 2) == fold(1, "phase", 2)
    assert len({fold(seed, step) for seed in range(10) for step in range(100)}) == 1000
    assert all(0 <= fold(7, step) < 2**63 for step in range(100))


def mixed(identities, weights):
    return MixedNoise(5, torch.tensor(identities), torch.tensor(weights), torch.arange(len(identities)))


def test_mixed_noise_whose_only_weight_is_one_is_that_samples_own():
    ends = mixed([[3, 8], [3, 8], [4, 4]], [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    own = Noise(5, torch.tensor([3, 8, 4]))
    assert torch.equal(ends.normal((7,), "z"), own.normal((7,), "z"))
    assert torch.equal(ends.uniform((2, 3), "u"), own.uniform((2, 3), "u"))
    assert torch.equal(ends.choice(torch.zeros(3, 4), "c"), own.choice(torch.zeros(3, 4), "c"))


def test_mixed_noise_has_the_law_of_noise_and_lies_near_what_it_is_mixed_of():
    n = 100_000
    pairs = torch.stack((torch.arange(n), torch.arange(n) + n), dim=1).tolist()
    halfway, first = mixed(pairs, [[1.0, -1.0]] * n), Noise(5, torch.arange(n))
    z = halfway.normal((), "z")
    assert abs(float(z.mean())) < 0.02 and abs(float(z.var()) - 1.0) < 0.02
    assert abs(float((z * first.normal((), "z")).mean()) - math.sqrt(0.5)) < 0.02
    u = halfway.uniform((), "u").numpy()
    assert np.abs(np.sort(u) - (np.arange(n) + 0.5) / n).max() < 1.95 / math.sqrt(n)


def test_mixed_noise_has_no_seed_and_some_weight():
    with pytest.raises(SeedOfSeveral, match="seed"):
        _ = mixed([[1, 2]], [[1.0, 1.0]]).seed
    with pytest.raises(ValueError, match="0 throughout a row"):
        mixed([[1, 2], [1, 2]], [[1.0, 0.0], [0.0, 0.0]])
    noise = mixed([[1, 2]], [[1.0, 1.0]])
    noise.normal((), "a")
    with pytest.raises(RuntimeError, match="used twice"):
        noise.normal((), "a")
