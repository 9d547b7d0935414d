"""Networks from image to image keep the size, do not mix a batch, and drop channels only where they are given draws."""

import pytest
import torch

from surrogates.networks.image_translation import PatchDiscriminator, ResidualTranslator, UNet, cropped, padded


@pytest.mark.parametrize(
    "network",
    [
        UNet(2, 3, width=4, levels=3),
        UNet(2, 3, width=4, levels=3, patch=2),
        UNet(2, 3, width=4, levels=3, patch=2, detail=4, norm="pixel"),
        ResidualTranslator(2, 3, width=4),
    ],
)
@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_size_is_kept(network, size):
    assert network(torch.randn(2, 2, *size)).shape == (2, 3, *size)


@pytest.mark.parametrize("network", [UNet(1, 1, width=4, levels=3), ResidualTranslator(1, 1, width=4)])
def test_an_image_does_not_depend_on_its_batch(network):
    images = torch.randn(3, 1, 32, 32)
    assert torch.allclose(network(images)[1:2], network(images[1:2]), atol=1e-5)


def test_a_norm_of_pixels_keeps_the_level_of_an_image_and_one_of_instances_takes_it_away():
    flat = torch.full((1, 1, 32, 32), 0.3)
    apart = {}
    for norm in ("instance", "pixel"):
        torch.manual_seed(3)
        network = UNet(1, 1, width=8, levels=2, norm=norm)
        apart[norm] = (network(flat) - network(4.0 * flat))[..., 8:-8, 8:-8].abs().max().item()
    assert apart["pixel"] > 1e-2 and apart["instance"] < 1e-3


def test_detail_sees_each_pixel_where_folded_ones_are_blurred():
    torch.manual_seed(1)
    network = UNet(1, 1, width=4, levels=2, patch=2, detail=4)
    for part in (network.exit.weight, network.exit.bias):
        torch.nn.init.zeros_(part)
    image = torch.zeros(1, 1, 16, 16)
    image[0, 0, 8, 8] = 1.0
    changed = (network(image) - network(torch.zeros(1, 1, 16, 16)))[0, 0].abs() > 1e-7
    assert changed[8, 8] and not changed[:6].any() and not changed[11:].any()


def test_padding_repeats_the_edge_and_is_cropped_off():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    wide, size = padded(image, 4)
    assert wide.shape == (1, 1, 4, 4) and bool((wide[..., 3, :3] == image[..., 1, :]).all())
    assert torch.equal(cropped(wide, size), image)


def test_dropout_is_by_the_draws_alone():
    network, image = UNet(1, 1, width=4, levels=4, dropout=0.5), torch.randn(2, 1, 32, 32)

    def draw(seed):
        return lambda shape, number: torch.rand(2, *shape, generator=torch.Generator().manual_seed(seed + number))

    assert torch.equal(network(image), network(image))
    assert torch.equal(network(image, draw(1)), network(image, draw(1)))
    assert not torch.allclose(network(image, draw(1)), network(image, draw(7)))


@pytest.mark.parametrize(("strides", "field"), [((2, 2, 2), 70), ((2, 2), 34)])
def test_a_score_sees_a_patch_of_the_literatures_size(strides, field):
    network = PatchDiscriminator(1, width=4, strides=strides, spectral=True)
    image = torch.zeros(1, 1, 128, 128, requires_grad=True)
    scores = network(image)
    middle = scores.shape[-1] // 2
    scores[0, middle, middle].backward()
    seen = image.grad[0, 0].abs().sum(0).nonzero()
    assert int(seen.max() - seen.min()) + 1 == field
