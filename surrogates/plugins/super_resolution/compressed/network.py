"""The default's network without its projection, for what a JPEG file holds is not what the photograph reduces to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..network import SuperResolution, absolute_error

if TYPE_CHECKING:
    from ....contract.recipe import Batch

CLEAN = Path(__file__).parents[1] / "weights" / "fidelity.json"
"""Card of the weights for clean reductions."""


class CompressedSuperResolution(SuperResolution):
    """Pictures of some times the sides of compressed ones, less their artefacts."""

    projections = 0


def begin_clean(model: CompressedSuperResolution) -> None:
    """Take from the weights for clean reductions all that is of the same shape; nothing where there are none."""
    from safetensors.torch import load_file

    from ....release.cards import weights_file

    path = weights_file(CLEAN)
    if not path.exists():
        return
    own = model.state_dict()
    released = {name: tensor for name, tensor in load_file(path).items() if name in own}
    fits = {name: tensor.to(own[name]) for name, tensor in released.items() if tensor.shape == own[name].shape}
    model.load_state_dict({**own, **fits})


def learn(model: CompressedSuperResolution, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Mean absolute error of crops, each of one of the ways that its photograph was compressed."""
    versions = batch.encoded["reduced"]
    which = (batch.noise.uniform((1,), "version")[:, 0] * versions.shape[1]).long()
    small = versions[torch.arange(len(versions), device=versions.device), which.to(versions.device)]
    yield "network", absolute_error(model, batch, small)
