"""What the segmenter does beside its network: even brightness, bounded noise, and labels that keep volumes."""

import numpy as np
import pytest
import torch

pytest.importorskip("scipy")

from surrogates.plugins.tissue_segmentation.codec import normalised
from surrogates.plugins.tissue_segmentation.network import NOISE, calmed, counted, evened, texture


@pytest.fixture(scope="module")
def disc():
    """A bright disc with fine dark stripes, in units of its own brightness."""
    y, x = np.mgrid[:96, :96] - 47.5
    image = np.where(np.hypot(y, x) < 36, np.where((x // 12) % 2 == 0, 1.0, 0.8), 0.0)
    return torch.from_numpy(image)[None]


def test_a_coils_slow_brightness_is_taken_out(disc):
    slope = torch.exp(0.5 * torch.linspace(-1.0, 1.0, 96, dtype=torch.float64))[None, :, None]
    inside = disc[0] > 0
    apart = {}
    for name, make in (("as it is", lambda image: image), ("evened", evened)):
        plain, biased = make(normalised(disc)), make(normalised(disc * slope))
        apart[name] = float(((biased / plain)[0, 0][inside]).std())
    assert apart["evened"] < 0.5 * apart["as it is"]


def test_noisier_images_are_smoothed_and_others_left(disc):
    quiet = normalised(disc)
    noisy = quiet + 0.15 * torch.randn(quiet.shape, generator=torch.Generator().manual_seed(2))
    assert float(texture(quiet)) < NOISE[0] < NOISE[0] + NOISE[1] < float(texture(noisy))
    assert torch.equal(calmed(quiet, torch.zeros(1)), quiet)
    assert float(texture(calmed(noisy, torch.ones(1)))) < 0.6 * float(texture(noisy))


def test_labels_keep_the_volume_that_probabilities_add_up_to():
    generator = torch.Generator().manual_seed(4)
    likely = torch.rand(2, 40, 40, generator=generator) * 0.45
    logits = torch.stack((torch.log(1 - likely), torch.log(likely)), dim=1)
    assert int((logits.argmax(dim=1) == 1).sum()) == 0
    found = (counted(logits) == 1).sum(dim=(1, 2)).float()
    assert torch.allclose(found, likely.sum(dim=(1, 2)), rtol=0.05)


def test_certain_labels_stay():
    labels = torch.randint(0, 5, (2, 24, 24), generator=torch.Generator().manual_seed(1))
    logits = 12.0 * torch.nn.functional.one_hot(labels, 5).movedim(-1, 1).float()
    assert torch.equal(counted(logits), labels)
