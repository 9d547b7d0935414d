"""Flows of images by category that can be guided towards their label, and the flow of pixels itself.

Flow matching: Lipman et al. 2023, arXiv:2210.02747. Where labels are left out of some training samples, the flow can
be guided towards its label (Ho, Salimans 2022, arXiv:2207.12598). Small images need no autoencoder: a U-net that folds
patches of pixels into channels learns their flow directly (Li, He 2025, arXiv:2511.13720, on plain patches).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..contract.errors import SchemaError
from ..networks.unet import ContextUNet
from .flow import Sampler, Target, integrate, matching_steps
from .spectrum_matching import SpectrumMatching, SpectrumTally

if TYPE_CHECKING:
    from ..contract.recipe import Batch
    from ..noise import Noise
    from .image_codec import ImageCodec

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class GuidedSampler(Sampler):
    """How the flow is integrated, and how strongly towards its label.

    Attributes
    ----------
    guidance : float
        1 follows the flow of the label; w > 1 goes w times as far from the flow without a label, for twice the work.
    """

    guidance: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.guidance >= 1.0:
            raise SchemaError(f"guidance: {self.guidance}; expected 1 or more")


class LabelledVelocity(nn.Module):
    """Velocity of images (n, channels, s, s) at times (n,) for label vectors (n, categories), all 0 for no label."""

    def __init__(self, channels: int, categories: int, width: int, **network: Any) -> None:
        super().__init__()
        self.network = ContextUNet(channels, classes=categories, width=width, multipliers=(1, 2), **network)

    def forward(self, x: Tensor, time: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Of x's shape; there is no mask."""
        return self.network(x, time, context)


class GuidedFlow(nn.Module, ABC):
    """A flow from noise to what a category's images are made of; `using(steps=…, guidance=…)` chooses the sampler.

    Behind it the waves of images are given the size that they have in the data, see `match_spectrum`.

    Parameters
    ----------
    flow : LabelledVelocity
    shape : tuple of int
        Of one start.
    codec : ImageCodec
        Fitted; gives the number of categories, channels and pixels.
    unlabelled : float
        Share of training samples whose label the flow is not told, so that it can be guided; 0 for none.
    flips : bool
        Whether images are as good mirrored left to right, as photographs are and radiographs are not.
    sampler : Sampler
    """

    ships: tuple[str, ...] = ("flow", "spectrum")

    def __init__(
        self,
        flow: LabelledVelocity,
        shape: tuple[int, ...],
        codec: ImageCodec,
        *,
        unlabelled: float,
        flips: bool,
        sampler: Sampler,
    ) -> None:
        super().__init__()
        pictures = codec.categories, codec.channels, codec.size
        self.spectrum = SpectrumMatching(*pictures)
        self.drawn, self.given = SpectrumTally(*pictures), SpectrumTally(*pictures)
        self.flow, self.shape = flow, shape
        self.unlabelled, self.flips, self.options = unlabelled, flips, sampler

    def noise(self, noise: Noise) -> Tensor:
        """Where the flow starts."""
        return noise.normal(self.shape, "code").float()

    def velocity(self) -> Callable[..., Tensor]:
        """The flow, guided as the options say."""
        guidance = getattr(self.options, "guidance", 1.0)
        if guidance == 1.0:
            return self.flow
        if not self.unlabelled:
            raise SchemaError(f"guidance: {guidance}; this model was trained with every label told, expected 1")

        def guided(x: Tensor, time: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
            told, plain = self.flow(x, time, context), self.flow(x, time, torch.zeros_like(context))
            return plain + guidance * (told - plain)

        return guided

    def images(self, start: Tensor, label: Tensor) -> Tensor:
        """Encoded images of starts (n, …) and label vectors (n, categories)."""
        return self.spectrum(self.unmatched(start, label), label)

    def unmatched(self, start: Tensor, label: Tensor) -> Tensor:
        """The same before their waves are given the data's sizes."""
        return self.made(integrate(self.velocity(), start, label, sampler=self.options))

    @abstractmethod
    def made(self, end: Tensor) -> Tensor:
        """Images of where the flow ends."""

    @abstractmethod
    def learned(self, images: Tensor) -> Tensor:
        """Where the flow is to end, of images."""

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw images."""
        return {"image": self.images(self.noise(noise), conditions["label"])}


class PixelFlow(GuidedFlow):
    """Images by category from a flow of their pixels.

    Parameters
    ----------
    codec : ImageCodec
        Fitted; gives the number of categories, channels and pixels.
    width : int
        Channels of the flow's U-net at its finest level; the literature's is 128 or more.
    patch : int
        Pixels on a side that the network folds into channels.
    unlabelled, flips, sampler
        As of `GuidedFlow`.
    """

    def __init__(
        self,
        codec: ImageCodec,
        width: int = 64,
        *,
        patch: int = 2,
        unlabelled: float = 0.0,
        flips: bool = False,
        sampler: Sampler | None = None,
    ) -> None:
        super().__init__(
            LabelledVelocity(codec.channels, codec.categories, width, patch=patch, filters=FILTERS),
            (codec.channels, codec.size, codec.size),
            codec,
            unlabelled=unlabelled,
            flips=flips,
            sampler=sampler or GuidedSampler(steps=10, method="heun"),
        )

    def made(self, end: Tensor) -> Tensor:
        return end / GAIN

    def learned(self, images: Tensor) -> Tensor:
        return images * GAIN


FILTERS = 6
GAIN = 2.0
"""Pixels lie in [-1, 1]; photographs' spread about half of that, the noise's 1."""


def shown(model: GuidedFlow, batch: Batch) -> Tensor:
    """A batch's images, some of them mirrored where the model may."""
    images = batch.encoded["image"]
    if not model.flips:
        return images
    if "turned" not in batch.encoded:
        turn = batch.noise.uniform((1,), "mirrored").to(images.device)[:, :, None, None] < 0.5
        batch.encoded["turned"] = torch.where(turn, images.flip(3), images)
    return batch.encoded["turned"]


def _aims(model: GuidedFlow, batch: Batch) -> Target:
    label = batch.conditions["label"]
    if model.unlabelled:
        label = label * (batch.noise.uniform((1,), "unlabelled").to(label) >= model.unlabelled)
    with torch.no_grad():
        return Target(model.learned(shown(model, batch)), label)


_match: Any = matching_steps(_aims, "flow", spread=1.0)


def match(model: GuidedFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Flow matching of what the model learns of its images."""
    yield from _match(model, batch)


def match_spectrum(model: GuidedFlow, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Draw images for a batch's categories, count their waves and the batch's, and match all that is counted so far."""
    images, label = shown(model, batch), batch.conditions["label"]
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        model.drawn.add(model.unmatched(model.noise(batch.noise), label).clamp(-1.0, 1.0), label)
        model.given.add(images, label)
        model.spectrum.match(model.drawn, model.given)
    yield from ()
