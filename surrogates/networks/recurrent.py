"""Networks over tokens: one that writes on, one that places a whole sequence on a sphere, one that reads it whole."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TokenLSTM(nn.Module):
    """Logits of the next token (Hochreiter, Schmidhuber 1997, Neural Comput. 9, 1735), given those before it and a
    context.

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
    outputs : int, optional
        Numbers a step instead of logits of all tokens.

    Notes
    -----
    A gated recurrent unit has a quarter fewer parameters, yet torch fuses an LSTM's whole sequence on a processor and
    trains it in half the time.
    """

    def __init__(
        self,
        tokens: int,
        context: int,
        *,
        width: int = 448,
        layers: int = 3,
        embedding: int = 64,
        dropout: float = 0.0,
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, embedding)
        self.cells = nn.LSTM(embedding + context, width, layers, batch_first=True, dropout=dropout)
        self.exit = nn.Linear(width, tokens if outputs is None else outputs)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Logits (n, m, vocabulary) of the token after each of `tokens` (n, m), given contexts (n, context)."""
        return self.step(tokens, context, None)[0]

    def step(self, tokens: Tensor, context: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits after each of `tokens` (n, m), and the state to go on from: (2, layers, n, width)."""
        seen = self.embedding(tokens)
        seen = torch.cat((seen, context[:, None].to(seen.dtype).expand(-1, tokens.shape[1], -1)), dim=-1)
        hidden, following = self.cells(seen, None if state is None else tuple(state))
        return self.exit(hidden.to(self.exit.weight.dtype)), torch.stack(following)


class FragmentEncoder(nn.Module):
    """A point on a sphere for each sequence of tokens, by the short stretches of tokens that it holds.

    Parameters
    ----------
    size : int
        Dimensions of the sphere's space; its radius is the root of them.
    longest : int
        Tokens of the longest stretch counted.
    slots, width : int
        Of the table in which stretches are looked up by their hash, and of its vectors.

    Notes
    -----
    Stretches are hashed as in Joulin et al. 2017, arXiv:1607.01759. Token 0 ends a sequence.
    """

    def __init__(self, size: int, *, longest: int = 5, slots: int = 4096, width: int = 128) -> None:
        super().__init__()
        self.size, self.longest, self.slots = size, longest, slots
        self.table = nn.EmbeddingBag(slots + 1, width, mode="sum", padding_idx=slots)
        self.exit = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Points (n, size) of tokens (n, m)."""
        there = tokens != 0
        stretch, found = torch.zeros_like(tokens), []
        for length in range(min(self.longest, tokens.shape[1])):
            # multiplier and modulus: Knuth's, and a prime under 2^31, so that products stay within 63 bits
            stretch = (stretch[:, : tokens.shape[1] - length] * 2654435761 + tokens[:, length:] + 1) % 2147483647
            found.append(torch.where(there[:, length:], stretch % self.slots, self.slots))
        count = there.sum(1, keepdim=True).clamp(min=1).to(self.table.weight.dtype)
        point = self.exit(self.table(torch.cat(found, dim=1)) / count.sqrt()).float()
        return nn.functional.normalize(point, dim=-1) * self.size**0.5


class GatedCell(nn.Module):
    """Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078): a state, from a step's gates and the state before it.

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
        return candidate + keep * (state - candidate)


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
            state = state + there[place] * (cell(seen[place], state) - state)
            states[place] = state
        return states
