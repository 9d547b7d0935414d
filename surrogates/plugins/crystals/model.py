"""The model that is trained and shipped: the network that writes crystals, and the one that ranks them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ...noise import Noise
from .energy import Estimator
from .network import CrystalNetwork
from .writing import CrystalSampler, write

Tensors = dict[str, Tensor]


class CrystalModel(nn.Module):
    """Crystals step by step, with an estimate of their energies.

    Parameters
    ----------
    codec : CrystalCodec
        Fitted.
    width, layers, heads : int
    """

    ships: tuple[str, ...] = ("network", "estimator")

    def __init__(self, codec: Any, *, width: int = 128, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.network = CrystalNetwork(width, layers, heads)
        self.network.centre.copy_(codec.centre)
        self.network.scale.copy_(codec.scale)
        self.estimator: Estimator = Estimator()
        self.estimator.centre.copy_(codec.shell_centre)
        self.estimator.spread.copy_(codec.shell_spread)
        self.options = CrystalSampler()

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw encoded crystals for what is asked."""
        return write(self.network, self.estimator, conditions, noise, self.options)
