"""The decoder: galaxies drawn from their parts at random structure, and a learned calibration of their light.

Structure (arms, knots, the merging parts and their tail) is drawn from its own law, and everything that has a closed
form is drawn by it. What is left to learn is how much of a spiral's light the reference's finite transforms put into
the stamp: a small network, told conditions and arms, multiplies the light of each band by a factor near 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...contract.recipe import Batch
from ...networks.mlp import MLP
from ...noise import Noise
from .closed_scene import draw_parts
from .codec import CONTEXT, LATENT_FEATURES, latent_features
from .geometry import SPIRAL
from .latents import SPIRAL_LATENTS, UNIFORMS, structure
from .observation import detector_draws, with_defaults
from .variables import BANDS

Tensors = dict[str, Tensor]

_LARGEST = 0.01  # relative change that the calibration can make


class Calibration(nn.Module):
    """Factors near 1 on the light of each band.

    Parameters
    ----------
    width, layers : int
        Of the network.
    """

    def __init__(self, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        self.network = MLP(CONTEXT + LATENT_FEATURES, len(BANDS), width, layers)

    def forward(self, told: Tensor) -> Tensor:
        """(n, CONTEXT + LATENT_FEATURES) -> (n, bands)."""
        return 1.0 + _LARGEST * torch.tanh(self.network(told))


class GalaxyDecoder(nn.Module):
    """Galaxies drawn from their parts, the light of spirals multiplied by the learned `calibration`."""

    ships: tuple[str, ...] = ("calibration",)

    def __init__(self) -> None:
        super().__init__()
        self.calibration = Calibration()

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Light of each galaxy at the scale it was drawn at, and the detector's random numbers."""
        filled = with_defaults(conditions)
        drawn = detector_draws(filled, noise)
        found = structure(noise.uniform((UNIFORMS,), "structure").cpu().numpy())
        parts = draw_parts(filled, found, drawn["same_as"])
        arms = {f"latent_{name}": torch.tensor(found[name]) for name in SPIRAL_LATENTS}
        context = conditions["context"]
        told = torch.cat((context.float(), latent_features(arms).to(context.device)), dim=-1)
        blended = (filled["blend_with"] >= 0) & (filled["blend_fraction"] > 0)
        calibrated = (filled["morphology"] == SPIRAL) & ~blended
        factor = torch.ones(len(told), len(BANDS), device=told.device)
        for row in torch.nonzero(calibrated).flatten().tolist():  # by itself: its bits are the same in any batch
            first = int(drawn["same_as"][row])
            factor[row] = self.calibration(told[row : row + 1])[0] if first == row else factor[first]
        share = parts.share.to(context.device) * factor[..., None]
        drawn |= {"share": share, "parts": torch.tensor(parts.count), "scale": parts.scale.to(context.device)}
        return {"light": parts.light.to(context.device), **drawn}


def learn(model: GalaxyDecoder, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Squared relative error of the stamp's flux, in parts per thousand, of spirals.

    Raises
    ------
    ValueError
        Training galaxies without their structure.
    """
    if "drawn_flux" not in batch.encoded:
        raise ValueError(
            "latent_arms: missing from the training data; the decoder learns from simulated galaxies, whose structure "
            "is known; choose cutouts for images of the sky"
        )
    told = torch.cat((batch.conditions["context"], batch.encoded["latents"]), dim=-1)
    error = model.calibration(told) * batch.encoded["drawn_flux"] / batch.encoded["flux"] - 1.0
    yield "calibration", (1e3 * error).square().mean(-1)
