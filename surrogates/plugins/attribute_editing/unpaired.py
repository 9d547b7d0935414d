"""Editing by labels without pairs: a picture is kept under its own labels, and believed under others.

After He et al. 2019, "AttGAN: facial attribute editing by only changing what you want", arXiv:1711.10678: absolute
error under a picture's own labels, a classifier of labels and a discriminator on edited ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.adversarial import discriminator_loss, generator_loss
from ...networks.convolutions import ConvolutionalDiscriminator
from ...networks.unet import ContextUNet
from .variables import SIZE

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]


class LabelCodec(nn.Module):
    """Codec of pictures and labels; nothing is fitted.

    Parameters
    ----------
    labels : sequence of str
        Conditions that are 0 or 1, or -1 where nothing is asked.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        self.labels = tuple(labels)

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """`given` and `made` (n, 3, y, x), and `labels` (n, k) of 1, -1 and 0 where nothing is asked."""
        encoded: Tensors = {}
        for name, key in (("image", "given"), ("edited", "made")):
            if name in physical:
                encoded[key] = physical[name].float().permute(0, 3, 1, 2)
        if self.labels and self.labels[0] in physical:
            codes = torch.stack([physical[name] for name in self.labels], dim=1)
            encoded["labels"] = torch.where(codes < 0, 0, 2 * codes - 1).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """`edited`, within [0, 1]."""
        return {"edited": encoded["made"].double().clamp(0.0, 1.0).permute(0, 2, 3, 1)}


class LabelEditor(nn.Module):
    """Pictures with other labels."""

    ships: tuple[str, ...] = ("network",)

    def __init__(self, labels: int, width: int, classifier: float) -> None:
        super().__init__()
        self.network = ContextUNet(3, attributes=labels, width=width, multipliers=(1, 2, 4), patch=2)
        self.judge = ConvolutionalDiscriminator(3, size=SIZE, width=width, outputs=1 + labels)
        self.classifier = classifier

    def edit(self, given: Tensor, labels: Tensor) -> Tensor:
        """Pictures (n, 3, y, x)."""
        return given + self.network(2.0 * given - 1.0, given.new_zeros(len(given)), attributes=labels)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Edit; nothing is drawn."""
        del noise
        return {"made": self.edit(conditions["given"], conditions["labels"])}


def learn(model: LabelEditor, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """The judge on real and edited pictures, then the editor: own labels, labels left out, and one of them turned."""
    real = batch.encoded["made"]
    own = batch.conditions["labels"]
    turn = functional.one_hot(batch.noise.choice(torch.zeros_like(own), "turned"), own.shape[1]).float()
    told = (batch.noise.uniform((own.shape[1],), "told") < 0.5).float() * own
    wanted = own * (1.0 - 2.0 * turn)
    change = told * (1.0 - turn) + wanted * turn  # the one that is turned, and some that are kept
    with torch.no_grad():
        fake = model.edit(real, change)
    verdicts = [model.judge(2.0 * side - 1.0) for side in (real, fake)]
    right = _classified(verdicts[0][:, 1:], own)
    yield "judge", discriminator_loss(verdicts[0][:, 0], verdicts[1][:, 0], "hinge") + right
    made = model.edit(real, change)
    verdict = model.judge(2.0 * made - 1.0)
    kept = (model.edit(real, told) - real).abs().mean(dim=(1, 2, 3))
    near = (made - real).abs().mean(dim=(1, 2, 3))
    weight = model.classifier
    yield (
        "network",
        kept
        + 0.2 * near
        + weight * _classified(verdict[:, 1:], wanted)
        + 0.1 * weight * generator_loss(verdict[:, 0], "hinge"),
    )


def _classified(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.softplus(-logits * labels).mean(dim=1)
