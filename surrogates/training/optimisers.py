"""The optimiser that a recipe's settings name, for one submodule of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ..contract.errors import PluginError
from ..contract.recipe import Adam, Muon

SHARE = "share"
"""Key of a parameter group: its learning rate in units of the settings'."""


def optimiser_of(module: nn.Module, settings: Adam, *, fused: bool) -> Optimiser:
    """What updates a submodule's parameters by `settings`.

    Raises
    ------
    ValueError
        Settings of `Muon` for a submodule that has no matrix inside the named part; tables of embeddings are none.
    """
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    found: list[torch.optim.Optimizer] = []
    if isinstance(settings, Muon):
        tables = {id(part.weight) for part in module.modules() if isinstance(part, (nn.Embedding, nn.EmbeddingBag))}
        inside = f"{settings.inside}."
        matrices = {
            name: p for name, p in parameters.items() if name.startswith(inside) and p.ndim == 2 and id(p) not in tables
        }
        if not matrices:
            raise PluginError(f"inside: {settings.inside!r} has no matrix; expected a part of the submodule with some")
        parameters = {name: p for name, p in parameters.items() if name not in matrices}
        share = settings.matrices / settings.learning_rate
        groups = [{"params": list(matrices.values()), SHARE: share}]
        found.append(torch.optim.Muon(groups, weight_decay=settings.weight_decay, adjust_lr_fn="match_rms_adamw"))
    if parameters:
        found.append(
            torch.optim.AdamW(
                [{"params": list(parameters.values()), SHARE: 1.0}],
                betas=settings.betas,
                weight_decay=settings.weight_decay,
                fused=fused,
            )
        )
    return Optimiser(found)


class Optimiser:
    """Several torch optimisers that step as one.

    Parameters
    ----------
    parts : sequence of Optimizer
        With parameter groups that hold `SHARE`.
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self.parts = tuple(parts)

    def step(self, learning_rate: float) -> None:
        """Update the parameters by their gradients."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = learning_rate * group[SHARE]
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """State of each part, by its number."""
        return {str(number): part.state_dict() for number, part in enumerate(self.parts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for number, part in enumerate(self.parts):
            part.load_state_dict(state[str(number)])
