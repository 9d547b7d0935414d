"""The default generator for any pair of tables: levels that never occur are never drawn, labels share nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..network import K, R, RecordNetwork, Shape, tents

if TYPE_CHECKING:
    from ....noise import Noise
    from .codec import TableCodec

    Tensors = dict[str, Tensor]

NEVER = -1e9
"""Logit of a level that does not occur."""


NOT_ASKED = 0.15
"""Share of conditions that training leaves out."""


class TableNetwork(RecordNetwork):
    """Logits of every level of a record of a pair of tables.

    Parameters
    ----------
    codec : TableCodec
        Fitted.
    width, hidden, dropout
        As for `RecordNetwork`.
    """

    asked: Tensor
    shut: Tensor

    def __init__(self, codec: TableCodec, width: int = 128, hidden: int = 128, dropout: float = 0.1) -> None:
        atoms = [int(codec.used[len(codec.drawn) + k]) for k in range(len(codec.measured))]
        apart = [sign.kind != "continuous" for sign in codec.measured]
        most = max([R, *(1 + count for count, single in zip(atoms, apart, strict=True) if single)])
        shape = Shape(
            people=max(len(codec.asked), 1),
            outcomes=1,
            stature=len(codec.drawn),
            signs=len(codec.measured),
            bins=codec.layout.bins.count,
            functions=most,
        )
        super().__init__(width, hidden, dropout, shape)
        basis = torch.zeros(len(codec.measured), K, most)
        basis[:, :, :R] = tents()
        for sign, single in enumerate(apart):
            if single:
                basis[sign] = torch.eye(K, most)
        self.register_buffer("basis", basis, persistent=False)
        shut = torch.where(codec.occurs, 0.0, NEVER)
        self.register_buffer("asked", torch.tensor(codec.asked, dtype=torch.int64), persistent=False)
        self.register_buffer("shut", shut, persistent=False)
        self.register_buffer("shut_signs", shut[len(codec.drawn) :].clone(), persistent=False)

    def people(self, conditions: Tensors, n: int) -> Tensor:
        """Features of what is asked of a stay, (n, 64); in training some of it is not, so that all may be left out."""
        if "asked" not in conditions:
            return self.person(self.bias.new_zeros((n, self.shape.people)))
        asked = conditions["asked"].to(self.bias.dtype)
        if self.training:
            there = torch.rand((n, int(self.asked.max()) + 1), device=asked.device) >= NOT_ASKED
            asked = asked * there[:, self.asked]
        return self.person(asked)

    def biases(self) -> Tensor:
        """Logits of levels whatever else is known, (J, K)."""
        return self.bias + self.shut_signs  # pyright: ignore[reportOperatorIssue]

    def stature_logits(self, k: int, person: Tensor) -> Tensor:
        """Logits of column k of a stay, (n, K)."""
        return self.stature[k](functional.silu(person)) + self.shut[k]


class TableModel(nn.Module):
    """Records of a pair of tables drawn from the network."""

    ships: tuple[str, ...] = ("network",)

    def __init__(self, codec: TableCodec, width: int = 128, hidden: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        self.network = TableNetwork(codec, width, hidden, dropout)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Encoded records."""
        return self.network.draw(conditions, noise)
