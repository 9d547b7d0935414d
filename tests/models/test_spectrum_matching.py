"""The filter gives drawn images the waves' means and powers of the data, and leaves them alone before."""

import pytest
import torch

from surrogates.models.spectrum_matching import SpectrumMatching, SpectrumTally, pixels, waves


def smooth(n: int, channels: int, generator: torch.Generator) -> torch.Tensor:
    """Images of coarse noise, drawn out to 16 pixels, about 0.2."""
    coarse = torch.randn(n, channels, 4, 4, generator=generator)
    return 0.2 + 0.3 * torch.nn.functional.interpolate(coarse, size=16, mode="bilinear")


@pytest.mark.parametrize("channels", [1, 3])
def test_waves_are_inverted(channels: int) -> None:
    images = torch.rand(3, channels, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(pixels(waves(images)), images, rtol=0.0, atol=1e-12)


def test_waves_of_grey_keep_the_sum_of_squares() -> None:
    images = torch.randn(4, 1, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(waves(images).square().sum((1, 2, 3)), images.square().sum((1, 2, 3)))


def test_unmatched_filter_changes_nothing() -> None:
    images = torch.rand(3, 3, 16, 16)
    label = torch.eye(3)[[0, 2, 1]]
    torch.testing.assert_close(SpectrumMatching(3, 3, 16)(images, label), images, rtol=0.0, atol=2e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_unseen_images_get_the_datas_waves(channels: int) -> None:
    generator = torch.Generator().manual_seed(1)
    given, drawn = SpectrumTally(1, channels, 16), SpectrumTally(1, channels, 16)

    def plain(n: int) -> torch.Tensor:
        return smooth(n, channels, generator) + 0.005 * torch.randn(n, channels, 16, 16, generator=generator)

    def noisy(n: int) -> torch.Tensor:
        return smooth(n, channels, generator) - 0.1 + 0.05 * torch.randn(n, channels, 16, 16, generator=generator)

    for _ in range(4):
        given.add(plain(200))
        drawn.add(noisy(200))
    matching = SpectrumMatching(1, channels, 16)
    matching.match(drawn, given)
    after, before, truth = (SpectrumTally(1, channels, 16) for _ in range(3))
    images = noisy(400)
    after.add(matching(images))
    before.add(images)
    truth.add(plain(400))
    fine = (0, slice(None), slice(10, None), slice(10, None))
    left, was, wanted = (tally.typical()[0][fine].mean() for tally in (after, before, truth))
    assert was > 5.0 * wanted
    assert abs(left / wanted - 1.0) < 0.1
    assert matching(images).mean().item() == pytest.approx(0.2, abs=0.02)


def test_categories_have_filters_of_their_own() -> None:
    generator = torch.Generator().manual_seed(2)
    label = torch.eye(3)[torch.arange(300) % 2]  # the third is never seen
    rough = torch.randn(300, 1, 8, 8, generator=generator)
    given, drawn = SpectrumTally(3, 1, 8), SpectrumTally(3, 1, 8)
    given.add(rough * torch.tensor([0.5, 2.0])[torch.arange(300) % 2][:, None, None, None], label)
    drawn.add(rough, label)
    matching = SpectrumMatching(3, 1, 8)
    matching.match(drawn, given)
    torch.testing.assert_close(
        matching.gain[:, 0, 3:, 3:].mean((1, 2)), torch.tensor([0.5, 2.0, 1.0]), rtol=1e-4, atol=0
    )
    images = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(matching(images, torch.eye(3))[2], images[2], rtol=0.0, atol=2e-6)


def test_absent_waves_are_not_amplified() -> None:
    given, drawn = SpectrumTally(1, 1, 8), SpectrumTally(1, 1, 8)
    given.add(torch.randn(50, 1, 8, 8, generator=torch.Generator().manual_seed(2)))
    drawn.add(torch.full((50, 1, 8, 8), 0.5))
    matching = SpectrumMatching(1, 1, 8)
    matching.match(drawn, given)
    assert matching.gain.max() <= 3.0
    assert torch.isfinite(matching(torch.rand(2, 1, 8, 8))).all()


def test_luminance_is_that_of_pictures() -> None:
    from surrogates.models.spectrum_matching import FROM_LUMINANCE, TO_LUMINANCE
    from surrogates.physics.images.colour import from_luminance, to_luminance

    colours = torch.rand(5, 3, dtype=torch.float64)
    torch.testing.assert_close(colours @ TO_LUMINANCE.T, to_luminance(colours))
    torch.testing.assert_close(colours @ FROM_LUMINANCE.T, from_luminance(colours))
