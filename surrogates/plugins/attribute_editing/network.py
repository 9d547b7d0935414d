"""The model: what an affine map and a factor leave of an edit, by an encoder-decoder told what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ...networks.unet import ContextUNet

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]


class Editor(nn.Module):
    """Pictures with what was asked changed.

    Parameters
    ----------
    numbers : int
        Of what is asked.
    width : int
    """

    ships: tuple[str, ...] = ("network",)

    def __init__(self, numbers: int, width: int) -> None:
        super().__init__()
        self.network = ContextUNet(3, attributes=numbers, maps=3, width=width, multipliers=(1, 2, 4), patch=2)

    def edit(self, conditions: Tensors) -> Tensor:
        """Pictures (n, 3, y, x)."""
        start, given = conditions["start"], conditions["given"]
        time = start.new_zeros(len(start))
        centred = 4.0 * start - 1.0
        return start + 0.25 * self.network(centred, time, attributes=conditions["asked"], maps=4.0 * given - 1.0)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Edit; nothing is drawn."""
        del noise
        return {"made": self.edit(conditions)}


def learn(model: Editor, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Mean absolute error against the exact counterfactual, with the errors of its slopes."""
    error = model.edit(batch.conditions) - batch.encoded["made"]
    slopes = sum((error.diff(dim=axis).abs().mean(dim=(1, 2, 3)) for axis in (2, 3)), start=error.new_zeros(()))
    loss = error.abs().mean(dim=(1, 2, 3))
    batch.notes["error"] = loss.detach().mean()
    yield "network", loss + slopes
