"""The model: pictures in several styles by one network, as far as they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...contract.errors import SchemaError
from ...networks.stylising import LEAST, PATCH, Stylist, mirrored
from ...physics.images.cropping import cropped
from ...physics.images.drawn_styles import NAMES
from .loss import style_loss

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

CROP = 96
"""Pixels on a side of the crops that the network learns from."""

WHOLE, PURE = 0.5, 0.7
"""Shares of training batches of full strength, and of one style alone."""

LITTLE = 0.05
"""Loss that is small enough."""

BEYOND = 10.0
"""Weight of what lies beyond black and white."""


@dataclass(frozen=True)
class StyleOptions:
    """How pictures are drawn.

    Attributes
    ----------
    tile : int
        Pixels on a side that a layer computes at once, a multiple of 4.
    """

    tile: int = 512

    def __post_init__(self) -> None:
        if self.tile < PATCH or self.tile % PATCH:
            raise SchemaError(f"tile: {self.tile} pixels; expected a multiple of {PATCH}, {PATCH} or more")


class StyleTransfer(nn.Module):
    """Pictures in a style."""

    ships: tuple[str, ...] = ("network",)

    def __init__(self, width: int, fine: int, blocks: int) -> None:
        super().__init__()
        self.network = Stylist(len(NAMES), width=width, fine=fine, blocks=blocks)
        self.options = StyleOptions()

    def draw(self, content: Tensor, shares: Tensor, strength: Tensor, *, tile: int | None = None) -> Tensor:
        """Pictures (n, 3, y, x): `content` and its change, `strength` (n, 1, 1, 1) times."""
        return content + strength * self.network(content, shares * strength[:, :, 0, 0], tile=tile)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw; no number is drawn."""
        del noise
        content = conditions["content"]
        height, width = content.shape[-2:]
        sides = (max(-(-side // PATCH) * PATCH, LEAST) for side in (height, width))
        made = self.draw(
            mirrored(content, *sides), conditions["shares"], conditions["strength"], tile=self.options.tile
        )
        return {"made": made[..., :height, :width]}


def learn(model: StyleTransfer, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Logarithm of the loss of crops in styles at random, some in a mixture of two, some in part."""
    drawn, loss = batch.noise, style_loss()
    crop = cropped(batch.encoded["photograph"], drawn.uniform((3,), "crop"), CROP)
    content = (crop.float() / 255).permute(0, 3, 1, 2).contiguous()
    even = content.new_zeros(len(content), len(NAMES))
    first, second = (
        nn.functional.one_hot(drawn.choice(even, name), len(NAMES)).float() for name in ("style", "second")
    )
    whole, pure = drawn.uniform((2,), "kind").float().unbind(dim=1)
    strength, share = drawn.uniform((2,), "how much").float().unbind(dim=1)
    strength = torch.where(whole < WHOLE, 1.0, strength)
    share = torch.where(pure < PURE, 0.0, share)[:, None]
    shares = (1.0 - share) * first + share * second
    made = model.draw(content, shares, strength[:, None, None, None])
    kept, styled = loss.parts(made, loss.content_of(content), shares)
    beyond = (made - made.clamp(0.0, 1.0)).square().mean(dim=(1, 2, 3))
    batch.notes.update(content=kept.detach().mean(), style=styled.detach().mean())
    yield "network", torch.log(kept + strength * styled + BEYOND * beyond + LITTLE)
