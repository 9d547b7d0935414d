"""Feature maps of a user's own VGG weights (Simonyan, Zisserman 2015, arXiv:1409.1556), for perceptual losses.

The layout is the usual one, ``features.0.weight``, ``features.0.bias``, ``features.2.weight``, …: a step of more than
two between convolutions is a pooling, as in all VGG networks without batch norm. No such weights are packaged.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..contract.errors import SchemaError

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet, in which such networks see pictures."""

_NAME = re.compile(r"(?:features\.)?(\d+)\.(weight|bias)")


class VGGFeatures(nn.Module):
    """Maps before every pooling and behind the last convolution, of pictures (n, 3, y, x) in [0, 1].

    Parameters
    ----------
    path : str or Path
        A ``.safetensors`` file, or one of torch's own that holds tensors alone (``.pth``, ``.pt``).

    Raises
    ------
    SchemaError
        The file does not read, or holds no convolutions of such a network.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        found: dict[int, dict[str, Tensor]] = {}
        tensors = _tensors(Path(path))
        if any(name.endswith("running_mean") for name in tensors):
            raise SchemaError(f"features: {path} holds batch norms, which are not applied; expected VGG without them")
        for name, tensor in tensors.items():
            if (match := _NAME.fullmatch(name)) and (match[2] == "bias" or tensor.ndim == 4):
                found.setdefault(int(match[1]), {})[match[2]] = tensor.float()
        self.places = sorted(number for number, layer in found.items() if len(layer) == 2)
        wanted = 3
        for number in self.places:
            if found[number]["weight"].shape[1:] != (wanted, 3, 3):
                self.places = []
                break
            wanted = len(found[number]["weight"])
        if len(self.places) < 2:
            raise SchemaError(
                f"features: {path} holds no VGG network; expected features.0.weight (64, 3, 3, 3) and so on"
            )
        for number in self.places:
            for kind, tensor in found[number].items():
                self.register_buffer(f"{kind}_{number}", tensor, persistent=False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Maps from fine to coarse."""
        mean, spread = (pictures.new_tensor(colours)[:, None, None] for colours in (MEAN, SPREAD))
        maps, kept = (pictures - mean) / spread, []
        for before, number in zip([None, *self.places], self.places, strict=False):
            if before is not None and number - before > 2:
                kept.append(maps)
                maps = functional.max_pool2d(maps, 2)
            weight, bias = self.get_buffer(f"weight_{number}"), self.get_buffer(f"bias_{number}")
            maps = functional.relu(functional.conv2d(maps, weight.to(maps), bias.to(maps), padding=1))
        return [*kept, maps]


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        held = dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise SchemaError(f"{path}: does not read as weights ({type(error).__name__}); expected .safetensors") from None
    return {name: tensor for name, tensor in held.items() if isinstance(tensor, Tensor)}
