"""What short stretches of tokens say of a sequence: a point for the whole of it, and running totals along it."""

from __future__ import annotations

import numpy as np
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


class RunningTotals(nn.Module):
    """What a sequence adds up to so far, as a sum over its stretches of simple tokens.

    Parameters
    ----------
    shares : Tensor
        (slots + 1, k): what each stretch adds, the last row 0 (see `fitted_shares`).
    longest : int
        Tokens of the longest stretch.
    """

    shares: Tensor

    def __init__(self, shares: Tensor, longest: int) -> None:
        super().__init__()
        self.longest = longest
        self.register_buffer("shares", shares)

    @torch.no_grad()
    def forward(
        self, written: Tensor, ends: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Totals (n, m, k) where each of m tokens ends, and the state to go on from; None to begin.

        Parameters
        ----------
        written, ends : Tensor
            As `simple_tokens` gives them.
        state : tuple, optional
        """
        if state is None:
            nothing = self.shares.new_zeros(len(written), self.shares.shape[1])
            state = (written.new_zeros(len(written), self.longest), nothing)
        before, total = state
        simple = torch.cat((before, written), dim=1)
        slots = stretches(simple, self.longest, len(self.shares) - 1)[:, self.longest :]
        along = total[:, None] + self.shares[slots].sum(2).cumsum(1)
        along = torch.cat((total[:, None], along), dim=1)
        totals = along.gather(1, ends[..., None].expand(-1, -1, along.shape[-1]))
        last = ends[:, -1:] + torch.arange(self.longest, device=ends.device)
        return totals, (simple.gather(1, last), totals[:, -1])


def fitted_shares(tokens: Tensor, values: Tensor, *, longest: int, slots: int, least: float = 1.0) -> Tensor:
    """What each stretch of tokens adds to values of the whole sequence, by ridge regression; (slots + 1, k) float32.

    Parameters
    ----------
    tokens : Tensor
        (n, m), with the start token before each.
    values : Tensor
        (n, k); NaN where a sequence's is unknown.
    longest, slots : int
        As in `stretches`.
    least : float
        Weight of the squared shares.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import lsmr

    found = stretches(tokens, longest, slots).flatten(1).numpy()
    there = found < slots
    rows = np.nonzero(there)[0]
    counts = csr_matrix((np.ones(len(rows)), (rows, found[there])), shape=(len(found), slots))
    shares = np.zeros((slots + 1, values.shape[1]), dtype=np.float32)
    for place, column in enumerate(values.double().numpy().T):
        known = np.isfinite(column)
        if known.any():
            solved = lsmr(counts[known], column[known], damp=least**0.5, atol=1e-5, btol=1e-5, maxiter=300)
            shares[:slots, place] = solved[0]
    return torch.from_numpy(shares)
