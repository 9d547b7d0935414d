"""A small network that ranks crystals by energy: composition, Wyckoff positions, and what surrounds each orbit.

It ranks and never judges: what is reported as stable is judged by another program.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...physics.crystals.distances import SHELL_FEATURES
from ...physics.crystals.elements import MOST


class Estimator(nn.Module):
    """Formation energy and energy above the hull [eV an atom] of crystals given orbit by orbit."""

    centre: Tensor
    spread: Tensor

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(SHELL_FEATURES))
        self.register_buffer("spread", torch.ones(SHELL_FEATURES))
        self.element = nn.Embedding(MOST + 1, 48)
        self.orbit = nn.Sequential(
            nn.Linear(48 * 2 + SHELL_FEATURES, width * 2), nn.SiLU(), nn.Linear(width * 2, width), nn.SiLU()
        )
        self.whole = nn.Sequential(nn.Linear(2 * width + 48, width * 2), nn.SiLU(), nn.Linear(width * 2, 2))

    def forward(self, elements: Tensor, share: Tensor, shells: Tensor) -> Tensor:
        """(n, 2): formation energy, and root of the energy above the hull.

        Parameters
        ----------
        elements : Tensor
            (n, orbits) atomic numbers, 0 for none.
        share : Tensor
            (n, orbits) share of the atoms.
        shells : Tensor
            (n, orbits, SHELL_FEATURES).
        """
        own = self.element(elements)
        mean = (own * share[..., None]).sum(1)
        seen = (shells - self.centre) / self.spread
        orbit = self.orbit(torch.cat((own, mean[:, None].expand_as(own), seen), dim=-1))
        pooled = (orbit * share[..., None]).sum(1)
        spread = ((orbit - pooled[:, None]) ** 2 * share[..., None]).sum(1)
        return self.whole(torch.cat((pooled, (spread + 1e-6).sqrt(), mean), dim=-1))

    def energies(self, elements: Tensor, share: Tensor, shells: Tensor) -> tuple[Tensor, Tensor]:
        """Formation energy and energy above the hull [eV an atom], (n,) each."""
        formation, root = self(elements, share, shells).unbind(dim=1)
        return formation, root.clamp(min=0.0) ** 2
