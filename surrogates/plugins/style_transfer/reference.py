"""The reference: each picture's pixels brought to the least loss by L-BFGS (Gatys, Ecker, Bethge 2016, CVPR, 2414)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

ITERATIONS = 60
"""Of L-BFGS; the loss changes by a hundredth or less beyond."""


@dataclass(frozen=True)
class OptimisedPictures:
    """What a surrogate of style transfer stands for.

    Attributes
    ----------
    iterations : int
    """

    iterations: int = ITERATIONS
    conditions, outputs = CONDITIONS, OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Optimise one picture a row; nothing is drawn."""
        import torch

        from .codec import StyleCodec

        asked = {name: torch.from_numpy(conditions[name].values) for name in CONDITIONS.names}
        codec = StyleCodec()
        encoded = codec.encode(asked)
        content, shares, strength = (encoded[name] for name in ("content", "shares", "strength"))
        rows = [slice(row, row + 1) for row in range(len(content))]
        made = [optimum(content[row], shares[row], strength[row], self.iterations)[0] for row in rows]
        pictures = torch.cat(made) if made else encoded["content"]
        values = codec.decode({"made": pictures}, asked)["stylised"].numpy().astype(np.float32)
        kept = CONDITIONS.dataset({name: conditions[name].values for name in CONDITIONS.names})
        samples = conditions["sample"].values
        return kept.merge(OUTPUTS.dataset({"stylised": values})).assign_coords(sample=samples).assign_attrs(seed=seed)


def optimum(content: Tensor, shares: Tensor, strength: Tensor, iterations: int) -> tuple[Tensor, list[float]]:
    """The picture (1, 3, y, x) of least loss no farther from `content` than the strength, and the loss on the way."""
    from ...models.style import optimised
    from ...networks.stylising import LEAST, mirrored
    from .loss import style_loss

    height, width = content.shape[-2:]
    least = 2 * LEAST
    whole = mirrored(content, max(height, least), max(width, least))
    loss, (amount,) = style_loss(), strength.flatten().tolist()
    if amount <= 0:
        return content, []
    kept = loss.content_of(whole)

    def value(made: Tensor) -> Tensor:
        parts = loss.parts(made, kept, shares)
        return parts[0] + amount * parts[1]

    low, high = (whole - amount).clamp(0.0, 1.0), (whole + amount).clamp(0.0, 1.0)
    made, losses = optimised(value, whole, low, high, iterations)
    return made[..., :height, :width], losses
