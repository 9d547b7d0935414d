"""What a sequence comes to so far: values of it, estimated by its short stretches of tokens as they are added up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .stretches import stretches

RIDGE, BATCH, RATE, LEAST = 30_000, 256, 3e-3, 300
"""Sequences, at most, of the ridge regression; sequences of an update of all, its largest learning rate, and how many
updates there are at least."""


class RunningEstimate(nn.Module):
    """Values of a sequence wherever one of its tokens ends, as if it ended there.

    Each stretch of simple tokens has a vector. The values are the first part of the vectors' sum, and what a small
    network adds that sees all of it. All is fitted beforehand (`fitted_estimate`), not with the network that is told.

    Parameters
    ----------
    values : int
        Values estimated.
    longest, slots : int
        Tokens of the longest stretch, and slots of their table.
    width : int
        Of the rest of the vectors.
    """

    table: Tensor

    def __init__(self, values: int, *, longest: int, slots: int, width: int) -> None:
        super().__init__()
        self.values, self.longest = values, longest
        self.register_buffer("table", torch.zeros(slots + 1, values + width))
        for name, shape in _shapes(values, width).items():
            self.register_buffer(name, torch.zeros(shape))

    @torch.no_grad()
    def forward(
        self, written: Tensor, ends: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Values (n, m, k) where each of m tokens ends, and the state to go on from; None to begin.

        Parameters
        ----------
        written, ends : Tensor
            As `simple_tokens` gives them.
        state : tuple, optional
        """
        if state is None:
            nothing = self.table.new_zeros(len(written), self.table.shape[1])
            state = (written.new_zeros(len(written), self.longest), nothing)
        before, total = state
        simple = torch.cat((before, written), dim=1)
        slots = stretches(simple, self.longest, len(self.table) - 1)[:, self.longest :]
        along = total[:, None] + functional.embedding_bag(
            slots.reshape(-1, self.longest), self.table, mode="sum"
        ).unflatten(0, slots.shape[:2]).cumsum(1)
        along = torch.cat((total[:, None], along), dim=1)
        totals = along.gather(1, ends[..., None].expand(-1, -1, along.shape[-1]))
        last = ends[:, -1:] + torch.arange(self.longest, device=ends.device)
        with torch.autocast(totals.device.type, enabled=False):
            found = _estimate(totals, self.values, dict(self.named_buffers()))
        return found, (simple.gather(1, last), totals[:, -1])


def _shapes(values: int, width: int) -> dict[str, tuple[int, ...]]:
    return {
        "widen": (2 * width, values + width),
        "bias": (2 * width,),
        "narrow": (values, 2 * width),
        "offset": (values,),
    }


def _estimate(totals: Tensor, values: int, parts: Mapping[str, Tensor]) -> Tensor:
    """Values (…, values) of sums (…, values + width)."""
    inner = functional.silu(functional.linear(totals, parts["widen"], parts["bias"]))
    return totals[..., :values] + functional.linear(inner, parts["narrow"], parts["offset"])


def fitted_estimate(
    tokens: Tensor,
    values: Tensor,
    *,
    longest: int,
    slots: int,
    width: int,
    passes: int = 6,
    seed: int = 0,
    tell: Callable[[int], object] | None = None,
) -> dict[str, Tensor]:
    """The state of a `RunningEstimate` of values of whole sequences: sums by ridge regression, then all of it by Adam.

    Parameters
    ----------
    tokens : Tensor
        (n, m), with the start token before each.
    values : Tensor
        (n, k), of the order of 1; NaN where a sequence's is unknown.
    longest, slots, width : int
        As of `RunningEstimate`.
    passes : int
        Passes over the sequences, to the least mean absolute error; more of few sequences.
    seed : int
    tell : callable, optional
        Is told now and then how many of ``passes * n`` sequences are done.
    """
    generator = torch.Generator().manual_seed(seed)
    kept = values.shape[1]
    chosen = torch.randperm(len(tokens), generator=generator)[:RIDGE].sort()[0]
    table = 0.02 * torch.randn(slots + 1, kept + width, generator=generator)
    table[:, :kept] = fitted_shares(tokens[chosen], values[chosen], longest=longest, slots=slots)
    table[-1] = 0.0
    parts = {name: torch.zeros(shape) for name, shape in _shapes(kept, width).items()}
    for name in ("widen", "narrow"):
        parts[name].normal_(std=0.5 * parts[name].shape[1] ** -0.5, generator=generator)
    parts = {name: part.requires_grad_() for name, part in ({"table": table} | parts).items()}
    optimiser = torch.optim.Adam(list(parts.values()), lr=RATE)
    count = max(len(tokens) // BATCH, 1)
    updates = max(passes * count, LEAST)
    for update in range(updates):
        if tell is not None and update % 50 == 0:
            tell(update * passes * len(tokens) // updates)
        if update % count == 0:
            order = torch.randperm(len(tokens), generator=generator)
        rows = order[update % count * BATCH :][:BATCH]
        found = stretches(_trimmed(tokens[rows]), longest, slots).flatten(1)
        totals = functional.embedding_bag(found, parts["table"], mode="sum", padding_idx=slots)
        wanted, known = values[rows].float(), values[rows].isfinite()
        error = torch.where(known, _estimate(totals, kept, parts) - wanted.nan_to_num(), 0.0)
        for group in optimiser.param_groups:
            group["lr"] = RATE * min((update + 1) / 50, 1.0 - update / updates)
        optimiser.zero_grad()
        (error.abs().sum() / known.sum().clamp(min=1)).backward()
        optimiser.step()
    return {name: part.detach() for name, part in parts.items()}


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

    found = stretches(_trimmed(tokens), longest, slots).flatten(1).numpy()
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


def _trimmed(tokens: Tensor) -> Tensor:
    """Tokens (n, m) without the places that no sequence reaches."""
    return tokens[:, : int((tokens != 0).sum(1).max())]
