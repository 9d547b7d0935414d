"""Gated recurrent networks over tokens (Cho et al. 2014, arXiv:1406.1078): one that writes on, one that reads whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TokenGRU(nn.Module):
    """Logits of the next token (Cho et al. 2014, arXiv:1406.1078), given all before it and a context.

    Parameters
    ----------
    tokens : int
        Size of the vocabulary.
    context : int
        Length of the context.
    width, layers : int
    embedding : int
        Length of a token's vector.
    dropout : float
        Between layers, in training.
    """

    def __init__(
        self, tokens: int, context: int, *, width: int = 512, layers: int = 3, embedding: int = 64, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, embedding)
        self.cells = nn.GRU(embedding + context, width, layers, batch_first=True, dropout=dropout)
        self.exit = nn.Linear(width, tokens)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Logits (n, m, vocabulary) of the token after each of `tokens` (n, m), given contexts (n, context)."""
        return self.step(tokens, context, None)[0]

    def step(self, tokens: Tensor, context: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits after each of `tokens` (n, m), and the state to go on from: (layers, n, width)."""
        seen = self.embedding(tokens)
        seen = torch.cat((seen, context[:, None].to(seen.dtype).expand(-1, tokens.shape[1], -1)), dim=-1)
        hidden, following = self.cells(seen, state)
        return self.exit(hidden.to(self.exit.weight.dtype)), following


class GatedCell(nn.Module):
    """One direction of one layer: the state after a step, from the step's gates and the state before it.

    Parameters
    ----------
    width : int
    enter : nn.Module
        What makes gates (n, 3 width) of a step's input.
    """

    def __init__(self, width: int, enter: nn.Module) -> None:
        super().__init__()
        self.enter = enter
        self.recur = nn.Linear(width, 3 * width)

    def forward(self, seen: Tensor, state: Tensor) -> Tensor:
        """State (n, width) after `seen`."""
        width = state.shape[-1]
        new, old = self.enter(seen), self.recur(state)
        reset, keep = torch.sigmoid(new[:, : 2 * width] + old[:, : 2 * width]).chunk(2, dim=-1)
        candidate = torch.tanh(new[:, 2 * width :] + reset * old[:, 2 * width :])
        return torch.lerp(candidate, state, keep)


class SequenceReader(nn.Module):
    """A vector for each sequence of tokens, read from both ends (Schuster, Paliwal 1997, IEEE Trans. Signal Process.
    45, 2673); token 0 ends a sequence.

    Parameters
    ----------
    tokens : int
        Size of the vocabulary.
    width, layers : int
        Of each direction.

    Attributes
    ----------
    size : int
        Length of the vector: means and sums over the sequence, and the states at both ends.

    Notes
    -----
    Steps go one by one, each a product of the same shape whatever the length of the longest sequence, and what lies
    beyond a sequence's end changes neither its states nor its sums: a row's bits do not depend on the rows beside it.
    """

    def __init__(self, tokens: int, *, width: int = 128, layers: int = 2) -> None:
        super().__init__()
        self.width, self.size = width, 6 * width
        self.layers = nn.ModuleList(
            nn.ModuleList(
                GatedCell(width, nn.Linear(2 * width, 3 * width) if layer else nn.Embedding(tokens, 3 * width))
                for _ in range(2)
            )
            for layer in range(layers)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Vectors (n, size) of tokens (n, m)."""
        present = tokens != 0
        longest = int(present.sum(1).max()) if len(tokens) else 0
        there = present.to(self.layers[0][0].recur.weight.dtype)[:, :longest, None].unbind(1)  # type: ignore[index]
        seen = tokens[:, :longest].unbind(1)
        start = self.layers[0][0].recur.weight.new_zeros(len(tokens), self.width)  # type: ignore[index]
        ends: list[Tensor] = [start, start]
        for cells in self.layers:
            onward = self._read(cells[0], seen, there, start, range(longest))  # type: ignore[index]
            backward = self._read(cells[1], seen, there, start, range(longest - 1, -1, -1))  # type: ignore[index]
            ends = [onward[-1], backward[0]] if longest else ends
            seen = [torch.cat(pair, dim=-1) for pair in zip(onward, backward, strict=True)]
        total = start.new_zeros(len(tokens), 2 * self.width)
        for state, is_there in zip(seen, there, strict=True):
            total = total + state * is_there
        count = present.sum(1, keepdim=True).clamp(min=1)
        return torch.cat((total / count, total / 16.0, *ends), dim=-1)

    @staticmethod
    def _read(
        cell: nn.Module, seen: Sequence[Tensor], there: Sequence[Tensor], state: Tensor, places: range
    ) -> list[Tensor]:
        """States (n, width) by place, read in the order of `places`."""
        states = [state] * len(seen)
        for place in places:
            state = torch.lerp(state, cell(seen[place], state), there[place])
            states[place] = state
        return states
