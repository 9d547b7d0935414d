"""Photographs as arrays, held against Pillow and scikit-image: sizes, colours, likeness, holes and fills."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogates.physics.images import colour, fidelity, filling, masks, resampling
from surrogates.physics.images.cropping import cropped
from surrogates.physics.images.laws import same_when_reduced, untouched
from surrogates.physics.images.photographs import SIDE, crops, photographs

PICTURES = torch.from_numpy(np.stack(list(photographs().values()))[:4] / 255.0).permute(0, 3, 1, 2)


@pytest.mark.parametrize(("way", "name"), [("cubic", "BICUBIC"), ("lanczos", "LANCZOS")])
def test_enlarging_agrees_with_pillow(way, name):
    image = pytest.importorskip("PIL.Image")
    plane = PICTURES[0, 0, :40, :30].float()
    wanted = np.asarray(image.fromarray(plane.numpy()).resize((120, 160), getattr(image.Resampling, name)))
    enlarge = resampling.enlarged if way == "cubic" else resampling.lanczos
    np.testing.assert_allclose(enlarge(plane[None, None], 4)[0, 0].numpy(), wanted, atol=2e-4)


def test_reducing_agrees_with_pillow():
    image = pytest.importorskip("PIL.Image")
    plane = PICTURES[1, 0].float()
    wanted = np.asarray(image.fromarray(plane.numpy()).resize((48, 48), image.Resampling.BICUBIC))
    found = resampling.reduced(plane[None, None], 4)[0, 0].numpy()
    np.testing.assert_allclose(found, wanted.clip(0, 1), atol=0.5 / 255 + 1e-4)
    with pytest.raises(ValueError, match="multiples of 5"):
        resampling.reduced(PICTURES, 5)


def test_luminance_and_colour_go_there_and_back():
    pictures = PICTURES.permute(0, 2, 3, 1)
    there = colour.to_luminance(pictures)
    torch.testing.assert_close(colour.from_luminance(there), pictures)
    torch.testing.assert_close(there[..., 0], colour.luminance(pictures))
    grey = pictures[..., :1].expand(-1, -1, -1, 3)
    assert float(colour.to_luminance(grey)[..., 1:].abs().max()) < 1e-12


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_picture_keeps_its_channels(channels):
    picture = torch.rand(2, 5, 4, channels, dtype=torch.float64)
    alpha = picture[..., -1] if colour.has_alpha(channels) else None
    torch.testing.assert_close(colour.with_channels_of(colour.in_colour(picture), alpha, channels), picture)


def test_likeness_agrees_with_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    true = fidelity.studio(PICTURES[:, 0])
    made = (true + 0.03 * torch.randn(true.shape, generator=torch.Generator().manual_seed(0))).double()
    for row in range(2):
        pair = true[row].numpy(), made[row].numpy()
        assert float(fidelity.psnr(made, true)[row]) == pytest.approx(
            metrics.peak_signal_noise_ratio(*pair, data_range=1.0), abs=1e-6
        )
        whole = metrics.structural_similarity(
            *pair, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
        )[1]
        assert float(fidelity.ssim(made, true)[row]) == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-4)


def test_equal_pictures_are_wholly_alike():
    true = PICTURES[:, 0]
    assert fidelity.psnr(true, true).tolist() == [100.0] * 4
    torch.testing.assert_close(fidelity.ssim(true, true), torch.ones(4, dtype=torch.float64))
    assert float(fidelity.slope_error(true, true).max()) == 0.0


def test_a_blur_takes_fine_power_first():
    true = PICTURES[:, 0]
    ratio = fidelity.spectrum(resampling.blurred(true[:, None], 1.5)[:, 0], 8) / fidelity.spectrum(true, 8)
    assert float(ratio[:, 0].min()) > 0.8 and float(ratio[:, 5].max()) < 0.1


def test_a_fill_keeps_what_is_known_and_carries_a_ramp():
    ramp = torch.linspace(0, 1, 37)[None, None, None].expand(1, 1, 29, 37).contiguous()
    known = torch.ones(1, 1, 29, 37)
    known[..., 8:20, 10:24] = 0.0
    for fill, near in ((filling.filled, 0.1), (filling.harmonic, 0.01)):
        found = fill(torch.where(known > 0, ramp, torch.tensor(7.0)), known)
        assert torch.equal(found[known > 0], ramp[known > 0])
        assert float((found - ramp).abs().max()) < near


def test_a_fill_of_nothing_known_is_dark_and_of_one_pixel_is_it():
    known = torch.zeros(1, 1, 9, 5)
    assert not filling.filled(torch.ones(1, 2, 9, 5), known).any()
    known[..., 4, 2] = 1.0
    torch.testing.assert_close(filling.filled(torch.full((1, 2, 9, 5), 0.3), known), torch.full((1, 2, 9, 5), 0.3))


def test_a_harmonic_fill_solves_its_equation_within_a_grey_level():
    hole = masks.holes(torch.rand(4, 1 + masks.DRAWS, generator=torch.Generator().manual_seed(2)), SIDE)[:, None]
    found = filling.harmonic(PICTURES, 1 - hole.double())
    inner = torch.nn.functional.pad(found, (1, 1, 1, 1), mode="replicate")
    mean = (inner[..., :-2, 1:-1] + inner[..., 2:, 1:-1] + inner[..., 1:-1, :-2] + inner[..., 1:-1, 2:]) / 4
    assert float(((mean - found) * hole).abs().max()) < 1 / 255


def test_holes_are_of_their_size_and_the_same_for_the_same_draws():
    drawn = torch.rand(300, 1 + masks.DRAWS, generator=torch.Generator().manual_seed(1))
    found = masks.holes(drawn, 64)
    assert set(found.unique().tolist()) == {0.0, 1.0} and torch.equal(found, masks.holes(drawn, 64))
    share = found.mean((1, 2))
    assert 0.02 < float(share.min()) and float(share.max()) < 0.6 and 0.15 < float(share.mean()) < 0.3


def test_crops_of_both_sizes_are_of_one_place():
    small = torch.arange(4 * 12 * 12).reshape(4, 12, 12, 1).float()
    large = small.repeat_interleave(2, 1).repeat_interleave(2, 2)
    drawn = torch.rand(4, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    torch.testing.assert_close(cropped(large, drawn, 10, multiple=2)[:, ::2, ::2], cropped(small, drawn, 5))


def test_packaged_crops_depend_on_their_row_alone():
    drawn = np.random.default_rng(1).random((9, 3))
    assert np.array_equal(crops(drawn, 40)[:4], crops(drawn[:4], 40))
    assert np.array_equal(crops(drawn, 40)[1:], crops(drawn[1:], 40, first=1))
    assert not np.array_equal(crops(drawn, 40)[0], crops(drawn, 40, first=1)[0])
    assert crops(drawn[:0], 40).shape == (0, 40, 40, 3) and crops(drawn[:3], SIDE).shape == (3, SIDE, SIDE, 3)


def test_laws_are_0_where_they_hold_and_see_a_pixel_where_not():
    large = PICTURES.permute(0, 2, 3, 1)
    small = resampling.cubic(PICTURES, (48, 48)).permute(0, 2, 3, 1)
    law = same_when_reduced({"large": large}, {"small": small}, large="large", small="small")
    assert law.dtype == torch.float64 and float(law.max()) < 1e-9
    mask = torch.zeros(4, SIDE, SIDE)
    mask[:, 5, 5] = 1
    moved = large.clone()
    moved[0, 5, 5], moved[1, 6, 5, 0] = 0.0, moved[1, 6, 5, 0] + 1e-6
    found = untouched({"made": moved}, {"given": large, "mask": mask}, made="made", given="given", mask="mask")
    assert found[0] == 0.0 and float(found[1]) == pytest.approx(1e-6) and found[2] == 0.0
