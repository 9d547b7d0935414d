"""A U-net from an MR slice to its tissues, behind two steps that are not learned: even brightness, bounded noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.translation import cross_entropy, paired_steps, soft_dice
from ...networks.image_translation import UNet
from .variables import TISSUES

if TYPE_CHECKING:
    from ...contract.recipe import Batch, Codec
    from ...noise import Noise

Tensors = dict[str, Tensor]

BRAIN = (0.45, 1.5)
"""Brightness, in units of the slice's own, of grey and white matter: what the coil's brightness is estimated from."""

REACH = 33
"""Pixels on a side of the averages, taken twice, that the coil's brightness is estimated by."""

KERNEL = (0.2, 0.6, 0.2)
"""Along rows and columns, of what smooths noise."""

NOISE = (0.085, 0.04)
"""Fine texture of an image that is left as it is, and how much more of it is wholly smoothed: training images, which
have noise of 0.01 to 0.03 of white matter's signal, have 0.06 to 0.09 of it."""


def _box(image: Tensor, side: int) -> Tensor:
    down = functional.avg_pool2d(image, (side, 1), 1, (side // 2, 0), count_include_pad=False)
    return functional.avg_pool2d(down, (1, side), 1, (0, side // 2), count_include_pad=False)


def evened(image: Tensor) -> Tensor:
    """Images (n, 1, y, x) over the slow brightness of their grey and white matter, which a coil varies."""
    made = image
    for _ in range(2):
        there = ((made > BRAIN[0]) & (made < BRAIN[1])).to(image.dtype)
        above, below = (_box(_box(part, REACH), REACH) for part in (there * image, there))
        made = image / ((above + 0.05) / (below + 0.05)).clamp(0.2, 5.0)
    return made


def smoothed(image: Tensor) -> Tensor:
    """Images (n, 1, y, x) through `KERNEL`."""
    kernel = torch.tensor(KERNEL, dtype=image.dtype, device=image.device)
    image = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    return functional.conv2d(functional.conv2d(image, kernel.view(1, 1, 1, 3)), kernel.view(1, 1, 3, 1))


def texture(image: Tensor) -> Tensor:
    """Median size of what `smoothed` takes from the head in images (n, 1, y, x), as a deviation, (n,)."""
    rest, there = (image - smoothed(image)).abs() / 0.688, _box(image, 5) > 0.35
    rest = torch.where(there, rest, torch.nan).flatten(1)
    return 1.4826 * rest.nanmedian(dim=1).values.nan_to_num(0.0)


def calmed(image: Tensor, share: Tensor) -> Tensor:
    """Images of which a share (n,) of the fine texture is smoothed away."""
    return image + share[:, None, None, None] * (smoothed(image) - image)


def counted(logits: Tensor, steps: int = 12) -> Tensor:
    """Labels (n, y, x) of logits (n, k, y, x), as many of each tissue as its probabilities add up to.

    The likeliest label of every pixel alone forgoes thin structures, of which no pixel is certain; an offset for each
    tissue and image, found by repeated counting, keeps their volumes.
    """
    expected = logits.softmax(dim=1).sum(dim=(2, 3))
    offset = torch.zeros_like(expected)
    for step in range(steps):
        labels = (logits + offset[..., None, None]).argmax(dim=1)
        count = functional.one_hot(labels, logits.shape[1]).sum(dim=(1, 2)).to(logits.dtype)
        change = torch.log((expected + 2.0) / (count + 2.0)) * (1.0 - step / steps)
        offset = (offset + change).clamp(-2.0, 2.0)
    return (logits + offset[..., None, None]).argmax(dim=1)


class Segmenter(nn.Module):
    """Logits of every pixel's tissue, of which sampling takes the likeliest that keep the tissues' volumes.

    Parameters
    ----------
    codec : Codec
    width : int
        Of the U-net; the literature's is 64.
    patch : int
        Pixels on a side that its first convolution folds.
    detail : int
        Channels of what it sees of every pixel.
    """

    ships: tuple[str, ...] = ("generator",)

    def __init__(self, codec: Codec, width: int = 16, patch: int = 2, detail: int = 16) -> None:
        super().__init__()
        del codec
        self.generator = UNet(1, len(TISSUES), width=width, levels=4, patch=patch, detail=detail)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Labels (n, y, x); nothing is left to chance."""
        del noise
        image = evened(conditions["mri"].float())
        share = ((texture(image) - NOISE[0]) / NOISE[1]).clamp(0.0, 1.0)
        return {"tissue": counted(self.generator(calmed(image, share)))}


def _mirrored(batch: Batch, image: Tensor) -> Tensor:
    """The batch's images, the odd updates' left to right."""
    return image.flip(-1) if batch.step % 2 else image


def _seen(batch: Batch) -> Tensor:
    """What the U-net sees in training: half of the images smoothed by any share, as noisier ones are in use."""
    image = evened(_mirrored(batch, batch.conditions["mri"]))
    share = (2.0 * batch.noise.uniform((), "smoothed") - 1.0).clamp_min(0.0)
    return calmed(image, share.to(image.dtype))


def _loss(made: Tensor, target: Tensor) -> Tensor:
    return cross_entropy(made, target) + 0.5 * soft_dice(made, target)


learn = paired_steps(
    lambda model, batch: _mirrored(batch, batch.encoded["tissue"]),
    lambda model, batch, draw: model.generator(_seen(batch)),
    loss=_loss,
)
"""Cross-entropy and Dice of mirrored slices."""
