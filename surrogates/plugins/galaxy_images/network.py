"""The decoder: closed-form parts drawn at random structure, and a learned correction of what they leave out.

Structure (arms, knots, the merging parts and their tail) is drawn from its own law. What closed forms do not say is how
the reference's finite grid shows the arms where they wind tightest: a small convolutional network, told conditions and
arms, learns to multiply the middle of a spiral by a factor near 1; its flux stays as it is by renormalisation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogates.noise import Noise
from surrogates.physics.galaxies.optics import crop
from surrogates.recipe import Batch

from .codec import CONTEXT, LATENT_FEATURES, PIXELS, latent_features
from .geometry import SPIRAL
from .latents import SPIRAL_LATENTS, UNIFORMS, structure
from .observation import detector_draws, with_defaults
from .scene import draw_light
from .variables import BANDS, PIXEL_SCALE

Tensors = dict[str, Tensor]

CORRECTED = 32
"""Pixels a side of the middle of the stamp that is corrected."""

_LARGEST = 0.3  # relative change that the correction can make
_SOFTENING = 0.05  # brightness in mean pixels where its input turns from linear to logarithmic


class Correction(nn.Module):
    """Relative correction of an image, from the image, the radius of each pixel, conditions and arms.

    Parameters
    ----------
    width : int
        Channels.
    hidden : int
        Of the network that conditions them.
    """

    def __init__(self, width: int = 16, hidden: int = 32) -> None:
        super().__init__()
        self.first = nn.Conv2d(len(BANDS) + 2, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, len(BANDS), 3, padding=1)
        self.condition = nn.Sequential(
            nn.Linear(CONTEXT + LATENT_FEATURES, hidden), nn.SiLU(), nn.Linear(hidden, 4 * width)
        )
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        axis = torch.arange(CORRECTED, dtype=torch.float32) - (CORRECTED - 1) / 2
        radius = torch.hypot(axis[:, None], axis)
        self.place: Tensor
        self.register_buffer(
            "place", torch.stack((torch.exp(-(radius**2) / 8.0), torch.log(radius) / 2.0 - 1.0)), persistent=False
        )
        self.reach: Tensor
        self.register_buffer("reach", _LARGEST * (1.0 - (2.0 * radius / CORRECTED) ** 4).clamp(min=0), persistent=False)

    def forward(self, light: Tensor, told: Tensor) -> Tensor:
        """Light (n, bands, 32, 32) and (n, CONTEXT + LATENT_FEATURES) -> light of the same flux."""
        brightness = torch.asinh(light * (PIXELS / _SOFTENING)) / 5.0 - 1.0
        scale1, shift1, scale2, shift2 = self.condition(told)[..., None, None].chunk(4, dim=1)
        inputs = torch.cat((brightness, self.place.expand(len(light), -1, -1, -1)), dim=1)
        hidden = functional.silu(self.first(inputs) * (1.0 + scale1) + shift1)
        hidden = functional.silu(self.second(hidden) * (1.0 + scale2) + shift2)
        changed = light * (1.0 + self.reach * torch.tanh(self.last(hidden)))
        return changed * (light.sum((-1, -2), keepdim=True) / changed.sum((-1, -2), keepdim=True).clamp(min=1e-12))


class GalaxyDecoder(nn.Module):
    """Galaxies drawn from their parts, with the learned `correction` of the image at 0.1 arcsec."""

    ships: tuple[str, ...] = ("correction",)

    def __init__(self) -> None:
        super().__init__()
        self.correction = Correction()

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Light of each galaxy at the scale it was drawn at, and the detector's random numbers."""
        filled = with_defaults(conditions)
        drawn = detector_draws(filled, noise)
        found = structure(noise.uniform((UNIFORMS,), "structure").cpu().numpy())
        light, scale = draw_light(filled, found, drawn["same_as"])
        arms = {f"latent_{name}": torch.tensor(found[name]) for name in SPIRAL_LATENTS}
        told = torch.cat((conditions["context"].float().cpu(), latent_features(arms)), dim=-1)
        device = conditions["context"].device
        light, told = light.to(device), told.to(device)
        spiral = ((filled["morphology"] == SPIRAL) | (filled["blend_with"] == SPIRAL)).tolist()
        for row, original in enumerate(drawn["same_as"].tolist()):
            if original != row:
                light[row] = light[original]
            elif spiral[row] and math.isclose(float(scale[row]), PIXEL_SCALE, rel_tol=1e-9):
                middle = crop(light[row : row + 1], CORRECTED)
                middle[...] = self.correction(middle, told[row : row + 1])
        return {"light": light, "scale": scale.to(device), **drawn}


def learn(model: GalaxyDecoder, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Root of the squared error of the corrected images over their squared brightness, in parts per thousand.

    Raises
    ------
    ValueError
        The training galaxies' structure is not known.
    """
    if "drawn" not in batch.encoded:
        raise ValueError(
            "latent_arms: missing from the training data; the decoder learns from simulated galaxies, whose structure "
            "is known; choose gan or ddpm for images of the sky"
        )
    light, drawn = (crop(batch.encoded[name], CORRECTED) for name in ("light", "drawn"))
    told = torch.cat((batch.conditions["context"], batch.encoded["latents"]), dim=-1)
    found = model.correction(drawn, told)
    error = (found - light).square().mean((-1, -2)) / light.square().mean((-1, -2))
    yield "correction", torch.sqrt(error.mean(-1) + 1e-12) * 1e3
