"""A U-net from an MR slice to its tissues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from ...models.translation import cross_entropy, paired_steps, soft_dice
from ...networks.image_translation import UNet
from .variables import TISSUES

if TYPE_CHECKING:
    from ...contract.recipe import Batch, Codec
    from ...noise import Noise

Tensors = dict[str, Tensor]


class Segmenter(nn.Module):
    """Logits of every pixel's tissue, of which sampling takes the likeliest.

    Parameters
    ----------
    codec : Codec
    width : int
        Of the U-net; the literature's is 64.
    patch : int
        Pixels on a side that its first convolution folds.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, codec: Codec, width: int = 16, patch: int = 2) -> None:
        super().__init__()
        del codec
        self.generator = UNet(1, len(TISSUES), width=width, levels=4, patch=patch)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Labels (n, y, x); nothing is left to chance."""
        del noise
        return {"tissue": self.generator(conditions["mri"].float()).argmax(dim=1)}


def _mirrored(batch: Batch, image: Tensor) -> Tensor:
    """The batch's images, the odd updates' left to right."""
    return image.flip(-1) if batch.step % 2 else image


def _loss(made: Tensor, target: Tensor) -> Tensor:
    return cross_entropy(made, target) + soft_dice(made, target)


learn = paired_steps(
    lambda model, batch: _mirrored(batch, batch.encoded["tissue"]),
    lambda model, batch, draw: model.generator(_mirrored(batch, batch.conditions["mri"])),
    loss=_loss,
)
"""Cross-entropy and Dice of mirrored slices."""
