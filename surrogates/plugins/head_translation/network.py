"""Both directions in one model: a generator each way, and for unpaired training a critic of patches each.

A generator sees MR in units of the slice's own brightness, so that a user's units do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...models.translation import Cycle, ImagePool, absolute_error, unpaired_steps
from ...networks.image_translation import PatchDiscriminator, UNet
from ...physics.medical.head import SIZE

if TYPE_CHECKING:
    from ...contract.recipe import Batch, Codec
    from ...noise import Noise

Tensors = dict[str, Tensor]


def soft_window(image: Tensor) -> Tensor:
    """Soft tissue's part of CT in thousands of Hounsfield units, 100 of them as 1, from -120 to 180."""
    return (10.0 * (image - 0.03)).clamp(-1.5, 1.5)


class FromCT(nn.Module):
    """CT in thousands of Hounsfield units to MR, 0 or more where it matters."""

    def __init__(self, width: int, patch: int, detail: int) -> None:
        super().__init__()
        self.network = UNet(2, 1, width=width, levels=4, patch=patch, detail=detail, norm="pixel")

    def forward(self, image: Tensor) -> Tensor:
        """The network sees the whole scale, and soft tissue's part of it spread."""
        return self.network(torch.cat((image.clamp(-1.1, 3.1), soft_window(image)), dim=1))


class FromMR(nn.Module):
    """MR in any units to CT in thousands of Hounsfield units."""

    def __init__(self, width: int, patch: int, detail: int) -> None:
        super().__init__()
        self.network = UNet(1, 2, width=width, levels=4, patch=patch, detail=detail, norm="pixel")

    def forward(self, image: Tensor) -> Tensor:
        """Brightness is taken in units of the mean of what is brighter than the mean.

        The network gives the whole scale and soft tissue's finer one, a tenth of it; both add up.
        """
        bright = image > image.mean(dim=(1, 2, 3), keepdim=True)
        count = bright.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)
        scale = (image * bright).sum(dim=(1, 2, 3), keepdim=True) / count
        coarse, fine = self.network(image / scale.clamp_min(1e-6)).split(1, dim=1)
        return coarse + 0.1 * fine


class Translator(nn.Module):
    """CT to MR (`forth`) and MR to CT (`back`); sampling goes the way that its conditions ask.

    Parameters
    ----------
    codec : Codec
    width : int
        Of the U-nets; the literature's is 64.
    patch : int
        Pixels on a side that their first convolutions fold.
    detail : int
        Channels of what they see of every pixel.
    critics : int
        Width of the critics of unpaired training; 0 for none.
    """

    ships: tuple[str, ...] = ("generators",)

    def __init__(self, codec: Codec, width: int = 20, patch: int = 2, detail: int = 12, critics: int = 0) -> None:
        super().__init__()
        del codec
        self.generators = nn.ModuleDict({"forth": FromCT(width, patch, detail), "back": FromMR(width, patch, detail)})
        if critics:
            strides = (2, 2)
            self.discriminators = nn.ModuleDict(
                {way: PatchDiscriminator(1, width=critics, strides=strides) for way in ("forth", "back")}
            )
            self.pools = nn.ModuleDict({way: ImagePool((1, SIZE, SIZE)) for way in ("forth", "back")})

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """The other modality (n, 1, y, x); nothing is left to chance."""
        del noise
        if "ct" in conditions:
            return {"mri": self.generators["forth"](conditions["ct"].float())}
        return {"ct": self.generators["back"](conditions["mri"].float())}


def _there(batch: Batch, name: str) -> Tensor:
    """An image of the batch, of whichever pool, the odd updates' mirrored left to right."""
    found = {**batch.encoded, **batch.conditions}
    image = next(value for key, value in found.items() if key.rpartition("/")[2] == name)
    return image.flip(-1) if batch.step % 2 else image


SOFT = 0.6
"""Weight of the absolute error in soft tissue's window beside that of the whole scale: a lesion of 15 Hounsfield units
weighs as much as an error of 100 in bone."""


def learn_pairs(model: Translator, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Absolute errors of both directions; of CT in soft tissue's window too."""
    ct, mri = _there(batch, "ct"), _there(batch, "mri")
    forth = absolute_error(model.generators["forth"](ct), mri)
    made = model.generators["back"](mri)
    whole, soft = absolute_error(made, ct), absolute_error(soft_window(made), soft_window(ct))
    batch.notes["forth"], batch.notes["back"] = forth.detach().mean(), whole.detach().mean()
    batch.notes["soft"] = soft.detach().mean()
    yield "generators", 2.0 * forth + whole + SOFT * soft


learn_unpaired = unpaired_steps(
    lambda model, batch: _there(batch, "ct"), lambda model, batch: _there(batch, "mri"), Cycle(identity=0.1)
)
"""CycleGAN's steps of CT and other heads' MR."""
