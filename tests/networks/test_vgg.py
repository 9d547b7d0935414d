"""A user's VGG weights give feature maps, pooled where the layout skips a number; other files are refused by name."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from surrogates.contract.errors import SchemaError
from surrogates.measuring.picture_features import activations
from surrogates.networks.vgg import MEAN, SPREAD, VGGFeatures

WIDTHS = {0: (3, 4), 2: (4, 4), 5: (4, 6)}


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    """Weights of a small network in VGG's layout, with one of its linear layers."""
    generator = torch.Generator().manual_seed(0)
    made = {"classifier.0.weight": torch.zeros(5, 7), "classifier.0.bias": torch.zeros(5)}
    for number, (inputs, outputs) in WIDTHS.items():
        made[f"features.{number}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator)
        made[f"features.{number}.bias"] = torch.randn(outputs, generator=generator)
    return made


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_maps_are_those_of_the_layers(tmp_path, tensors, suffix):
    path = tmp_path / f"vgg.{suffix}"
    if suffix == "pth":
        torch.save(tensors, path)
    else:
        save_file(tensors, path)
    pictures = torch.rand(2, 3, 8, 8)
    hidden = (pictures - torch.tensor(MEAN)[:, None, None]) / torch.tensor(SPREAD)[:, None, None]
    wanted = []
    for number in WIDTHS:
        if number == 5:
            wanted.append(hidden)
            hidden = functional.max_pool2d(hidden, 2)
        layer = (tensors[f"features.{number}.weight"], tensors[f"features.{number}.bias"])
        hidden = functional.relu(functional.conv2d(hidden, *layer, padding=1))
    found = VGGFeatures(path)(pictures)
    assert [maps.shape for maps in found] == [(2, 4, 8, 8), (2, 6, 4, 4)]
    for one, other in zip(found, [*wanted, hidden], strict=True):
        torch.testing.assert_close(one, other)


def test_other_files_are_refused(tmp_path, tensors):
    save_file({"layer.0.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(SchemaError, match=r"other.safetensors holds no VGG network"):
        VGGFeatures(tmp_path / "other.safetensors")
    save_file(tensors | {"features.2.weight": torch.zeros(4, 9, 3, 3)}, tmp_path / "torn.safetensors")
    with pytest.raises(SchemaError, match="holds no VGG network"):
        VGGFeatures(tmp_path / "torn.safetensors")
    save_file(tensors | {"features.1.running_mean": torch.zeros(4)}, tmp_path / "norms.safetensors")
    with pytest.raises(SchemaError, match="norms.safetensors holds batch norms, which are not applied"):
        VGGFeatures(tmp_path / "norms.safetensors")
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(SchemaError, match="does not read as weights"):
        VGGFeatures(tmp_path / "tensor.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(SchemaError, match="does not read as weights"):
        VGGFeatures(tmp_path / "text.pth")
    with pytest.raises(SchemaError, match="does not read as weights"):
        VGGFeatures(tmp_path / "missing.safetensors")


def test_maps_have_the_precision_of_the_pictures(tmp_path, tensors):
    save_file(tensors, tmp_path / "vgg.safetensors")
    pictures = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    for maps in (*VGGFeatures(tmp_path / "vgg.safetensors")(pictures), *activations(pictures)):
        assert maps.dtype == torch.float64
