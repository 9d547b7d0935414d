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


class FromCT(nn.Module):
    """CT in thousands of Hounsfield units to MR, 0 or more where it matters."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.network = UNet(2, 1, width=width, levels=4, patch=patch)

    def forward(self, image: Tensor) -> Tensor:
        """The network sees the whole scale, and soft tissue's part of it spread."""
        soft = (10.0 * (image - 0.03)).clamp(-1.5, 1.5)
        return self.network(torch.cat((image.clamp(-1.1, 3.1), soft), dim=1))


class FromMR(nn.Module):
    """MR in any units to CT in thousands of Hounsfield units."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.network = UNet(1, 1, width=width, levels=4, patch=patch)

    def forward(self, image: Tensor) -> Tensor:
        """Brightness is taken in units of the mean of what is brighter than the mean."""
        bright = image > image.mean(dim=(1, 2, 3), keepdim=True)
        count = bright.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)
        scale = (image * bright).sum(dim=(1, 2, 3), keepdim=True) / count
        return self.network(image / scale.clamp_min(1e-6))


class Translator(nn.Module):
    """CT to MR (`forth`) and MR to CT (`back`); sampling goes the way that its conditions ask.

    Parameters
    ----------
    codec : Codec
    width : int
        Of the U-nets; the literature's is 64.
    patch : int
        Pixels on a side that their first convolutions fold.
    critics : int
        Width of the critics of unpaired training; 0 for none.
    """

    ships: tuple[str, ...] = ("generators",)

    def __init__(self, codec: Codec, width: int = 16, patch: int = 2, critics: int = 0) -> None:
        super().__init__()
        del codec
        self.generators = nn.ModuleDict({"forth": FromCT(width, patch), "back": FromMR(width, patch)})
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


def learn_pairs(model: Translator, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Absolute errors of both directions."""
    ct, mri = _there(batch, "ct"), _there(batch, "mri")
    forth = absolute_error(model.generators["forth"](ct), mri)
    back = absolute_error(model.generators["back"](mri), ct)
    batch.notes["forth"], batch.notes["back"] = forth.detach().mean(), back.detach().mean()
    yield "generators", 2.0 * forth + back


learn_unpaired = unpaired_steps(
    lambda model, batch: _there(batch, "ct"), lambda model, batch: _there(batch, "mri"), Cycle(identity=0.1)
)
"""CycleGAN's steps of CT and other heads' MR."""
