"""A scanner's blur and noise without its projections are those that its projections give."""

import numpy as np
import pytest
import torch

pytest.importorskip("skimage")

from surrogates.physics.medical import ct, ct_chain

SIZE = 64
SCANNER = ct.Scanner(pixel=4.0, views=90, photons=4e4)


@pytest.fixture(scope="module")
def response():
    return ct_chain.measured(SCANNER, SIZE, 2)


@pytest.fixture(scope="module")
def slab():
    """A wide, flat body with two holes: rays along it meet far more than rays across it."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2.0
    image = np.where((np.abs(y) < 12) & (np.abs(x) < 25), 40.0, ct.AIR)
    return np.where(np.hypot(y, np.abs(x) - 12) < 6, -800.0, image)


def tables(response):
    return torch.from_numpy(response.modulation), torch.from_numpy(response.spectrum)


def test_the_blur_is_the_scanners(response, slab):
    seen = SCANNER.without_noise(slab)
    made = ct_chain.blurred(torch.from_numpy(slab)[None, None], tables(response)[0])[0, 0].numpy()
    inside = np.hypot(*(np.mgrid[:SIZE, :SIZE] - SIZE / 2)) < 28
    assert np.sqrt(((made - seen)[inside] ** 2).mean()) < 0.1 * np.sqrt(((slab - seen)[inside] ** 2).mean())


def test_the_noise_is_as_strong_and_as_directed_as_the_scanners(response, slab):
    random = np.random.default_rng(5)
    clean = SCANNER.without_noise(slab)
    true = np.stack([SCANNER.scan(slab, random) - clean for _ in range(6)])
    rays = ct_chain.ray_noise(torch.from_numpy(clean)[None, None], SCANNER.photons, SCANNER.pixel)
    white = torch.randn(24, 1, SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    made = ct_chain.shaped(white, rays.expand(24, -1, -1, -1), tables(response)[1])[:, 0].numpy()
    for inside in (slab > 0, slab == -800.0):
        assert made[:, inside].std() == pytest.approx(true[:, inside].std(), rel=0.15)
    shares = []
    for side in (made, true):
        power = (np.abs(np.fft.fft2(side)) ** 2).mean(axis=0)
        shares.append(power[8:20, :4].sum() / power[:4, 8:20].sum())
    assert shares[1] > 1.5 and 0.6 * shares[1] < shares[0] < 1.3 * shares[1]


def test_any_size_will_do(response):
    image = torch.full((2, 1, 37, 50), 40.0, dtype=torch.float64)
    modulation, spectrum = tables(response)
    rays = ct_chain.ray_noise(image, 1e4, 2.0)
    assert rays.shape == (2, ct_chain.DIRECTIONS, 37, 50)
    assert ct_chain.shaped(torch.ones_like(image), rays, spectrum).shape == image.shape
    flat = ct_chain.blurred(image, modulation)
    assert torch.allclose(flat, image, atol=1e-6)
