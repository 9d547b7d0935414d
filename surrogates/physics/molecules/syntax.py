"""What is open in SMILES as far as they are written: rings, with what lies on the way round, and branches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .tokens import Vocabulary
from .valence import DIGITS

RINGS = 4
"""Ring digits, from 1 on, that are told."""
DEEPEST = 8
"""Branches within branches that are kept apart."""
FEATURES = 4 * RINGS + 2

_DONORS = ("o", "s", "[nH]")  # aromatic atoms that give two electrons

State = tuple[Tensor, ...]


class OpenSyntax(nn.Module):
    """Reads tokens one after another and tells what is open.

    Parameters
    ----------
    vocabulary : Vocabulary
        Of SMILES; in another language nothing opens.
    """

    kinds: Tensor
    ring: Tensor
    turn: Tensor

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        names = vocabulary.tokens[: vocabulary.simple]
        atom = [name[0].isalpha() or name[0] == "[" for name in names]
        aromatic = [is_atom and name.strip("[")[:1].islower() for name, is_atom in zip(names, atom, strict=True)]
        donor = [name in _DONORS for name in names]
        buffers = {
            "kinds": torch.tensor([atom, aromatic, donor], dtype=torch.float32).T.contiguous(),
            "ring": torch.tensor([DIGITS.index(name) if name in DIGITS else -1 for name in names]),
            "turn": torch.tensor([{"(": 1, ")": -1}.get(name, 0) for name in names]),
        }
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer, persistent=False)

    @torch.no_grad()
    def forward(self, written: Tensor, ends: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """What is open where each of m tokens ends, and the state to go on from; None to begin.

        Parameters
        ----------
        written : Tensor
            (n, k) simple tokens, padded with 0.
        ends : Tensor
            (n, m): how many of them are written after each token.
        state : tuple, optional

        Returns
        -------
        Tensor
            (n, m, FEATURES): for each of the first digits whether its ring is open, and how many atoms, aromatic ones
            and those of them that give two electrons a ring would have if it closed here; open rings; open branches.
        """
        state = self._begun(len(written)) if state is None else state
        told = [self._told(state)]
        for codes in written.unbind(1):
            state = self._took(codes, state)
            told.append(self._told(state))
        found = torch.stack(told, dim=1)
        return found.gather(1, ends[..., None].expand(-1, -1, FEATURES)), state

    def _begun(self, count: int) -> State:
        zeros = self.kinds.new_zeros
        depth = torch.zeros(count, dtype=torch.int64, device=self.kinds.device)
        is_open = torch.zeros(count, len(DIGITS), dtype=torch.bool, device=self.kinds.device)
        opened = zeros(count, len(DIGITS), 3)
        return zeros(count, 3), zeros(count, DEEPEST, 3), depth, is_open, opened, zeros(count, 3)

    def _took(self, codes: Tensor, state: State) -> State:
        """State after one simple token (n,) more: atoms on the way from the first one, and where each ring opened."""
        path, stack, depth, is_open, opened, last = state
        kinds = self.kinds[codes]
        last = torch.where(kinds[:, :1] > 0.0, kinds, last)
        turn = self.turn[codes]
        rows = torch.arange(len(codes), device=codes.device)
        left = rows[turn > 0]
        stack = stack.index_put((left, depth[left].clamp(0, DEEPEST - 1)), path[left])
        depth = depth + turn
        back = stack[rows, depth.clamp(0, DEEPEST - 1)]
        path = torch.where((turn < 0)[:, None], back, path) + kinds
        hit = torch.arange(len(DIGITS), device=codes.device) == self.ring[codes][:, None]
        opened = torch.where((hit & ~is_open)[..., None], (path - last)[:, None], opened)
        return path, stack, depth, is_open ^ hit, opened, last

    @staticmethod
    def _told(state: State) -> Tensor:
        path, _, depth, is_open, opened, _ = state
        rings = is_open[:, :RINGS, None].float()
        since = (path[:, None] - opened[:, :RINGS]) * rings
        whole = torch.stack((is_open.sum(1) / 2.0, depth / 3.0), dim=1).float()
        return torch.cat((rings.flatten(1), since.flatten(1) / 4.0, whole), dim=1)
