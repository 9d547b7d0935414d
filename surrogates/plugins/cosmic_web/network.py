"""What a cheap run misses, learned: a small periodic network that moves with the lattice, the boost and the box.

Its first kernels sum to zero over the channels of displacement and velocity, so that a uniform shift or boost of all
particles changes nothing; every layer is a convolution, so that a shifted field gives a shifted answer; it looks five
particles far, so that a larger box is its tiles with a halo. The cosmology scales each layer's kernels and sets its
biases.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.errors import SchemaError
from ...physics.cosmology.painting import cloud_in_cell
from .codec import CHANNELS
from .variables import SPACING

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

_MOVING = 6  # channels of displacement and velocity
_SLOPE = 0.1

TILE = 64
"""Particles a side that are corrected at once."""

CUBE = 32
"""Particles a side of the cubes that the network learns from."""

PRECISIONS = ("fastest", "float32")


@dataclass(frozen=True)
class BoxSampler:
    """How boxes are corrected.

    Attributes
    ----------
    precision : {"fastest", "float32"}
        Of the network; the fastest is bfloat16 where the processor computes it, and float32 elsewhere.
    """

    precision: str = "fastest"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SchemaError(f"precision: {self.precision!r} is unknown; expected one of {', '.join(PRECISIONS)}")

    @property
    def reduced(self) -> bool:
        """Whether the network runs in bfloat16 here."""
        return self.precision == "fastest" and torch.cpu._is_avx512_bf16_supported()


class Correction(nn.Module):
    """Valid convolutions (1, channel, x, y, z) -> (1, made, x - 10, y - 10, z - 10), modulated by the cosmology.

    Parameters
    ----------
    channels, made : int
        What it reads, displacement and velocity first, and what it makes, half of it displacements, then velocities.
    width : int
        Channels of the hidden layers.
    dilations : tuple of int
        Of the hidden layers, which add to what they read.
    """

    def __init__(
        self, width: int = 16, dilations: tuple[int, ...] = (1, 2), channels: int = CHANNELS, made: int = 6
    ) -> None:
        super().__init__()
        self.dilations = (1, *dilations, 1)
        widths = (channels, *(width,) * (len(dilations) + 1))
        self.layers = nn.ModuleList(nn.Conv3d(a, width, 3) for a in widths[:-1])
        self.last = nn.Conv3d(width, made, 3, bias=False)
        nn.init.zeros_(self.last.weight)
        set_by_cosmology = nn.Linear(32, 2 * width * len(self.layers) + 2)
        nn.init.zeros_(set_by_cosmology.weight)
        nn.init.zeros_(set_by_cosmology.bias)
        self.modulation = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), set_by_cosmology)

    @property
    def halo(self) -> int:
        """Points that an answer needs on each side."""
        return sum(self.dilations)

    def forward(self, features: Tensor, context: Tensor) -> Tensor:
        """Correction of one tile; `context` (3,)."""
        modulation = self.modulation(context)
        hidden = features
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Conv3d)
            scale, shift = modulation[2 * number * len(layer.weight) :][: 2 * len(layer.weight)].chunk(2)
            kernel = layer.weight
            if number == 0:
                moving = kernel[:, :_MOVING] - kernel[:, :_MOVING].mean(dim=(2, 3, 4), keepdim=True)
                kernel = torch.cat((moving, kernel[:, _MOVING:]), dim=1)
            kernel = kernel * (1 + scale)[:, None, None, None, None]
            if number:
                kernel = kernel + _identity(kernel)
            assert layer.bias is not None
            bias = layer.bias * (1 + scale) + shift
            hidden = functional.conv3d(hidden, kernel, bias, dilation=self.dilations[number])
            hidden = functional.leaky_relu(hidden, _SLOPE, inplace=True)
        gains = torch.exp(modulation[-2:]).repeat_interleave(len(self.last.weight) // 2)
        return functional.conv3d(hidden, self.last.weight * gains[:, None, None, None, None])


def _identity(kernel: Tensor) -> Tensor:
    """The kernel that copies each channel, so that a layer's sum with what it reads costs nothing."""
    copy = torch.zeros_like(kernel)
    copy[torch.arange(len(kernel)), torch.arange(len(kernel)), 1, 1, 1] = 1.0
    return copy


class CosmicWeb(nn.Module):
    """The cheap run's particles and their learned correction."""

    ships: tuple[str, ...] = ("correction",)

    def __init__(self, correction: Correction | None = None) -> None:
        super().__init__()
        self.correction = correction or Correction()
        self.options = BoxSampler()

    def correct(self, features: Tensor, context: Tensor) -> Tensor:
        """Correction (x, y, z, made) with mean 0 of one box's features (x, y, z, channel), in tiles."""
        halo, sides = self.correction.halo, features.shape[:3]
        padded = _wrapped(features, halo).permute(3, 0, 1, 2)[None]  # channels stay last in memory
        blocks = [range(0, side, TILE) for side in sides]
        planes = []
        for x in blocks[0]:
            rows = []
            for y in blocks[1]:
                row = []
                for z in blocks[2]:
                    ends = [min(start + TILE, side) + 2 * halo for start, side in zip((x, y, z), sides, strict=True)]
                    tile = padded[:, :, x : ends[0], y : ends[1], z : ends[2]]
                    row.append(self.correction(tile, context)[0].permute(1, 2, 3, 0).float())
                rows.append(_joined(row, 2))
            planes.append(_joined(rows, 1))
        found = _joined(planes, 0)
        return found - found.mean(dim=(0, 1, 2))

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Particles of each box; nothing is left to chance."""
        del noise
        rows = zip(conditions["cheap"], conditions["features"], conditions["context"], strict=True)
        reduced = self.options.reduced and conditions["features"].device.type == "cpu"
        with torch.autocast("cpu", torch.bfloat16) if reduced else nullcontext():
            moved = [cheap + self.correct(features.float(), context.float()) for cheap, features, context in rows]
        return {"particles": torch.stack(moved)}


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    """Tiles side by side; one alone is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=dim)


def _wrapped(features: Tensor, halo: int) -> Tensor:
    """(x, y, z, c) with `halo` periodic points on each side of each axis."""
    for axis in range(3):
        side = features.shape[axis]
        features = torch.cat(
            (features.narrow(axis, side - halo, halo), features, features.narrow(axis, 0, halo)), dim=axis
        )
    return features


def learn(model: CosmicWeb, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Logarithms of the squared errors of displacement, velocity and density, so that no box or redshift rules.

    Of each box one cube of particles is corrected, at random; the error of the density is what their own errors make
    on the mesh.
    """
    correction, losses = model.correction, []
    starts = batch.noise.uniform((3,), "cube").tolist()
    names = ("cheap", "features", "context")
    rows = zip(*(batch.conditions[n] for n in names), batch.encoded["missing"], starts, strict=True)
    for cheap, features, context, missing, start in rows:
        side = len(cheap)
        first = [int(part * side) for part in start]
        near = cube(features, [place - correction.halo for place in first], CUBE + 2 * correction.halo)
        cheap, missing = cube(cheap, first, CUBE), cube(missing, first, CUBE)
        found = correction(near.permute(3, 0, 1, 2)[None], context)[0].permute(1, 2, 3, 0).float()
        error = (found - missing).square()
        box_size = CUBE * SPACING  # the cube's own, periodic or not: the difference of two meshes is theirs alone
        with torch.no_grad():
            true = cloud_in_cell(cheap[..., :3] + missing[..., :3], CUBE, box_size)
        made = cloud_in_cell(cheap[..., :3] + found[..., :3], CUBE, box_size)
        density = (made - true).square().mean() / true.var()
        displacement, velocity = error[..., :3].mean(), error[..., 3:].mean()
        losses.append(displacement.log() + 0.6 * velocity.log() + density.log())
        batch.notes["displacement_error"] = displacement.detach() / missing[..., :3].square().mean()
        batch.notes["velocity_error"] = velocity.detach() / missing[..., 3:].square().mean()
        batch.notes["density_error"] = density.detach()
    yield "correction", torch.stack(losses)


def cube(box: Tensor, first: list[int], side: int) -> Tensor:
    """(side, side, side, c) of a periodic box (x, y, z, c) from the point `first` on."""
    for axis, start in enumerate(first):
        places = torch.arange(start, start + side, device=box.device) % box.shape[axis]
        box = box.index_select(axis, places)
    return box
