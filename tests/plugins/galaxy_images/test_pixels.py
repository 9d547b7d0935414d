"""Images and conditions as the GAN and the diffusion model see them: nothing is lost, and every law is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from surrogates.plugins.galaxy_images import geometry, pixels
from surrogates.plugins.galaxy_images.observation import fluxes
from surrogates.plugins.galaxy_images.pixels import ATTRIBUTES, PixelCodec, attributes_of, fold, folded_angle, unfold
from surrogates.plugins.galaxy_images.prior import prior
from surrogates.plugins.galaxy_images.variables import BANDS, CONDITIONS, PIXEL_SCALE, STAMP

Tensors = dict[str, Tensor]


def asked(n: int, seed: int = 1) -> Tensors:
    """Conditions from the prior."""
    drawn = prior(CONDITIONS, n, seed)
    return {name: torch.tensor(drawn[name].values) for name in CONDITIONS.names}


def gaussian_galaxies(conditions: Tensors) -> Tensors:
    """Elliptical Gaussians of the asked radius, shape and flux, off centre, in the plugin's outputs."""
    radius = conditions["half_light_radius"].double() / PIXEL_SCALE / math.sqrt(2 * math.log(2))
    q = torch.as_tensor(geometry.axis_ratio(conditions["ellipticity"].double().numpy()))
    angle = torch.deg2rad(conditions["position_angle"].double())
    place = torch.arange(STAMP, dtype=torch.float64) - (STAMP - 1) / 2
    x, y = place[None, None, :] - 1.5, place[None, :, None] + 0.7
    c, s = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    square = (c * x + s * y) ** 2 * q[:, None, None] + (c * y - s * x) ** 2 / q[:, None, None]
    light = torch.exp(-0.5 * square / radius[:, None, None] ** 2) / (2 * math.pi * radius[:, None, None] ** 2)
    light = light[:, None].repeat(1, len(BANDS), 1, 1)
    return {
        "image": light * fluxes(conditions)[..., None, None],
        "enclosed_flux_fraction": light.sum((-1, -2)).clamp(max=1.0),
    }


def position_angle(image: Tensor) -> Tensor:
    """Of the second moments of images (n, band, y, x), deg, in (-90, 90]."""
    place = torch.arange(image.shape[-1], dtype=torch.float64) - (image.shape[-1] - 1) / 2
    light = image[:, 1].double() / image[:, 1].double().sum((-1, -2), keepdim=True)
    x, y = place[None, None, :], place[None, :, None]
    x, y = x - (light * x).sum((-1, -2))[:, None, None], y - (light * y).sum((-1, -2))[:, None, None]
    xx, yy, xy = ((light * part).sum((-1, -2)) for part in (x * x, y * y, x * y))
    return 0.5 * torch.rad2deg(torch.atan2(2 * xy, xx - yy))


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 180.0), st.integers(0, 5))
def test_folding_keeps_every_pixel_and_leaves_an_angle_of_at_most_45_degrees(angle: float, seed: int) -> None:
    image = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    angles = torch.tensor([angle, 180.0 - angle], dtype=torch.float64)
    assert torch.equal(unfold(fold(image, angles), angles), image)
    assert torch.all((folded_angle(angles) >= 0.0) & (folded_angle(angles) <= 45.0))


def test_a_folded_galaxy_has_the_folded_position_angle() -> None:
    conditions = asked(9)
    conditions |= {
        "position_angle": torch.tensor([3.0, 30.0, 50.0, 85.0, 93.0, 120.0, 140.0, 170.0, 179.0], dtype=torch.float64),
        "ellipticity": torch.full((9,), 0.4, dtype=torch.float64),
        "half_light_radius": torch.full((9,), 0.5, dtype=torch.float64),
    }
    image = gaussian_galaxies(conditions)["image"]
    found = position_angle(fold(image, conditions["position_angle"]))
    assert torch.allclose(found, folded_angle(conditions["position_angle"]), atol=0.5)
    assert torch.allclose(position_angle(image) % 180.0, conditions["position_angle"], atol=0.5)


def test_attributes_are_numbers_between_0_and_1_that_tell_the_conditions_apart() -> None:
    conditions = asked(2000)
    attributes = attributes_of(conditions, conditions["morphology"])
    assert attributes.shape == (2000, len(ATTRIBUTES))
    assert torch.all((attributes >= 0.0) & (attributes <= 1.0))
    kinds = attributes[:, :3].round().long()
    for kind, weights in enumerate(((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0))):
        assert torch.all(kinds[conditions["morphology"] == kind] == torch.tensor(weights))
    assert torch.all(attributes[:, 3:].std(0) > 0.05)
    radius = 0.25 * 6.0 ** attributes[:, 3]
    assert torch.allclose(radius, conditions["half_light_radius"].double())


def test_encoding_a_galaxy_and_decoding_it_gives_the_galaxy() -> None:
    conditions = asked(40)
    galaxies = gaussian_galaxies(conditions)
    codec = PixelCodec()
    codec.fit([conditions | galaxies])
    encoded = codec.encode(conditions | galaxies)
    assert float(encoded["image"].min()) >= -1.0 and 0.9 < float(encoded["image"].max()) < 1.0
    found = codec.decode(encoded, conditions)
    peak = galaxies["image"].amax((1, 2, 3), keepdim=True)
    assert float(((found["image"] - galaxies["image"]) / peak).abs().max()) < 1e-4
    assert torch.allclose(found["enclosed_flux_fraction"], galaxies["enclosed_flux_fraction"], atol=2e-4)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_flux_is_exact_whatever_a_network_makes(seed: int) -> None:
    conditions = asked(8)
    generator = torch.Generator().manual_seed(seed)
    encoded = {
        "image": 0.7 * torch.randn(8, 3, STAMP, STAMP, generator=generator),
        "missing_flux": 4.0 * torch.randn(8, 3, generator=generator) - 3.0,
    }
    found = PixelCodec().decode(encoded, conditions)
    enclosed = found["enclosed_flux_fraction"]
    assert torch.all((enclosed >= 0.0) & (enclosed <= 1.0)) and torch.all(found["image"] >= 0.0)
    assert torch.allclose(found["image"].sum((-1, -2)), enclosed * fluxes(conditions), rtol=1e-6, atol=1e-9)


def test_a_blend_is_the_flux_weighted_sum_of_its_two_classes() -> None:
    conditions, codec = asked(6), PixelCodec()
    torch.manual_seed(2)
    parts = [
        {"image": torch.randn(6, 3, STAMP, STAMP) - 1.0, "missing_flux": torch.randn(6, 3) - 4.0} for _ in range(2)
    ]
    first, second = (codec.decode(part, conditions) for part in parts)
    blended = conditions | {
        "blend_with": torch.tensor([0, 1, 2, 3, -1, 0]),
        "blend_fraction": torch.tensor([0.3, 0.3, 0.3, 0.3, 0.3, 0.0], dtype=torch.float64),
    }
    both = parts[0] | {f"second_{name}": value for name, value in parts[1].items()}
    found = codec.decode(both, blended)
    for name, value in found.items():
        assert torch.allclose(value[:4], 0.7 * first[name][:4] + 0.3 * second[name][:4], rtol=1e-5)
        assert torch.allclose(value[4:], first[name][4:], rtol=1e-5)


def test_the_shape_map_draws_the_asked_ellipse() -> None:
    conditions = asked(60)
    conditions["ellipticity"] = conditions["ellipticity"].clamp(0.2, 0.7)
    attributes = attributes_of(conditions, torch.ones(60))
    shape = pixels.shape_map(attributes)
    light = torch.exp(0.02 - torch.exp(2.0 * shape)).repeat(1, 3, 1, 1)  # exp(-R^2), R the elliptical radius
    area = pixels.observed_area(attributes)
    inside = area < 500
    assert inside.sum() > 20
    assert torch.allclose(light[inside, 0].sum((-1, -2)), area[inside] / 2.0, rtol=0.01)  # pi r^2
    angles = folded_angle(conditions["position_angle"].double())
    assert torch.allclose(position_angle(light)[inside], angles[inside], atol=0.3)


def test_encoding_conditions_alone_names_no_image() -> None:
    conditions = asked(4)
    encoded = PixelCodec().encode(conditions)
    assert "image" not in encoded and set(encoded) == {
        "attributes", "second_attributes", "blend_fraction", "noise_g", "noise_r", "noise_i"
    }  # fmt: skip
    bare = {name: conditions[name] for name in CONDITIONS.names if name[:5] not in ("blend", "noise")}
    assert set(PixelCodec().encode(bare)) == {"attributes"}
    assert np.isfinite(encoded["attributes"].numpy()).all()


@pytest.mark.parametrize("fraction", [1.0, 0.9995, 0.98, 0.6])
def test_the_missing_flux_keeps_the_enclosed_fraction(fraction: float) -> None:
    conditions = asked(1)
    galaxy = gaussian_galaxies(conditions) | {"enclosed_flux_fraction": torch.full((1, 3), fraction).double()}
    missing = PixelCodec().encode(conditions | galaxy)["missing_flux"]
    assert torch.allclose(pixels.enclosed_fraction(missing), torch.tensor(fraction).double(), atol=1e-9)
