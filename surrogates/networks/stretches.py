"""Short stretches of tokens, and the point that a sequence has by those that it holds."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def stretches(tokens: Tensor, longest: int, slots: int) -> Tensor:
    """Slots of the stretches of 1 to `longest` tokens that end at each place; (n, m, longest) int64.

    Stretches are hashed as in Joulin et al. 2017, arXiv:1607.01759. Token 0 is part of none: slot number `slots`.
    """
    found = []
    there, stretch = tokens != 0, torch.zeros_like(tokens)
    for length in range(1, longest + 1):
        # multiplier and modulus: Knuth's, and a prime under 2^31, so that products stay within 63 bits
        stretch = (_later(stretch) * 2654435761 + tokens + 1) % 2147483647
        found.append(torch.where(there, (stretch + length) % slots, slots))
        there = there & _later(there)
    return torch.stack(found, dim=-1)


def _later(row: Tensor) -> Tensor:
    """A row (n, m) one place later, with 0 before."""
    return nn.functional.pad(row[:, :-1], (1, 0)) if row.shape[1] else row


def simple_tokens(tokens: Tensor, parts: Tensor) -> tuple[Tensor, Tensor]:
    """The simple tokens that tokens are made of, without gaps.

    Parameters
    ----------
    tokens : Tensor
        (n, m).
    parts : Tensor
        (vocabulary, p) int64: those of each token, padded with 0.

    Returns
    -------
    simple : Tensor
        (n, k), padded with 0.
    ends : Tensor
        (n, m): how many of them are written after each token.
    """
    made = parts[tokens]
    ends = (made != 0).sum(-1).cumsum(1)
    if tokens.shape[1] == 1:
        return made[:, 0, : int(ends.max())], ends
    simple = tokens.new_zeros(len(tokens), int(ends[:, -1].max()) + 1)
    starts = nn.functional.pad(ends[:, :-1], (1, 0))
    for number in range(made.shape[-1]):
        part = made[..., number]
        simple.scatter_(1, torch.where(part != 0, starts + number, simple.shape[1] - 1), part)  # or behind the end
    return simple[:, :-1], ends


class FragmentEncoder(nn.Module):
    """A point on a sphere for each sequence of tokens, by the short stretches of tokens that it holds.

    Parameters
    ----------
    size : int
        Dimensions of the sphere's space; its radius is the root of them.
    longest : int
        Tokens of the longest stretch counted.
    slots, width : int
        Of the table in which stretches are looked up, and of its vectors.
    """

    def __init__(self, size: int, *, longest: int = 5, slots: int = 4096, width: int = 128) -> None:
        super().__init__()
        self.size, self.longest, self.slots = size, longest, slots
        self.table = nn.EmbeddingBag(slots + 1, width, mode="sum", padding_idx=slots)
        self.exit = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Points (n, size) of tokens (n, m)."""
        count = (tokens != 0).sum(1, keepdim=True).clamp(min=1).to(self.table.weight.dtype)
        found = self.table(stretches(tokens, self.longest, self.slots).flatten(1))
        return nn.functional.normalize(self.exit(found / count.sqrt()).float(), dim=-1) * self.size**0.5
