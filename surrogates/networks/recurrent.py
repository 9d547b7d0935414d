"""Recurrent networks over tokens: one that writes on, and one that reads a sequence whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Written:
    """How far a `TokenLSTM` is: its states, and the weights with which it goes on a token at a time.

    Attributes
    ----------
    hidden, cell : tuple of Tensor
        (n, width), one a layer.
    weights : tuple of (Tensor, Tensor)
        Weights and biases of each layer as `TokenLSTM.joined` gives them; none before they are needed.
    """

    hidden: tuple[Tensor, ...]
    cell: tuple[Tensor, ...]
    weights: tuple[tuple[Tensor, Tensor], ...] = ()


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

    def step(self, tokens: Tensor, context: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits after each of `tokens` (n, m), and the state to go on from, a `Written`; None to begin."""
        seen = self.embedding(tokens)
        seen = torch.cat((seen, context[:, None].to(seen.dtype).expand(-1, tokens.shape[1], -1)), dim=-1)
        if tokens.shape[1] == 1 and not torch.is_grad_enabled():
            return self._one(seen[:, 0], state)
        before = None if state is None else (torch.stack(state.hidden), torch.stack(state.cell))
        hidden, (last, cell) = self.cells(seen, before)
        return self.exit(hidden.to(self.exit.weight.dtype)), Written(last.unbind(0), cell.unbind(0))

    def select(self, state: Written, rows: Tensor) -> Written:
        """The state of sequences `rows` (k,) alone."""
        hidden, cell = (tuple(part[rows] for part in side) for side in (state.hidden, state.cell))
        return Written(hidden, cell, state.weights)

    def joined(self, dtype: torch.dtype) -> tuple[tuple[Tensor, Tensor], ...]:
        """Weights (4 width, input + width) and biases (4 width,) of each layer, for one product a step.

        The gates come in the order input, forget, output, candidate.
        """
        width, found = self.cells.hidden_size, []
        for layer in range(self.cells.num_layers):
            enter, recur, *biases = (getattr(self.cells, f"{name}_l{layer}") for name in _PARTS)
            whole = torch.cat((enter, recur, (biases[0] + biases[1])[:, None]), dim=1)
            gates = whole.split(width)
            whole = torch.cat((gates[0], gates[1], gates[3], gates[2])).to(dtype)
            found.append((whole[:, :-1].contiguous(), whole[:, -1].contiguous()))
        return tuple(found)

    def _one(self, seen: Tensor, state: Written | None) -> tuple[Tensor, Written]:
        """`step` of one token, whose inputs are (n, k): what torch's LSTM computes, less its work before each call."""
        kind, width = seen.device.type, self.cells.hidden_size
        if state is None:
            nothing = (seen.new_zeros(len(seen), width, dtype=torch.float32),) * self.cells.num_layers
            state = Written(nothing, nothing)
        weights = state.weights
        if not weights:
            reduced = torch.is_autocast_enabled(kind)
            weights = self.joined(torch.get_autocast_dtype(kind) if reduced else self.exit.weight.dtype)
        hidden, cells = [], []
        for (weight, bias), before, cell in zip(weights, state.hidden, state.cell, strict=True):
            entered = torch.cat((seen.to(weight.dtype), before.to(weight.dtype)), dim=1)
            gates = functional.linear(entered, weight, bias)
            parts = [_gated(*rows) for rows in zip(gates.split(_STRETCH), cell.split(_STRETCH), strict=True)]
            seen, cell = (torch.cat(side) for side in zip(*parts, strict=True))
            hidden.append(seen)
            cells.append(cell)
        return self.exit(seen)[:, None], Written(tuple(hidden), tuple(cells), weights)


_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_STRETCH = 128  # rows whose gates stay in a processor's cache


def _gated(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """State and cell (n, width) after gates (n, 4 width) in the order of `TokenLSTM.joined`; the cell in float32."""
    width, opened = cell.shape[1], gates.float()
    opened[:, : 3 * width].sigmoid_()
    opened[:, 3 * width :].tanh_()
    enter, forget, leave, candidate = opened.split(width, dim=1)
    cell = (forget * cell).addcmul_(enter, candidate)
    return torch.tanh(cell).mul_(leave).to(gates.dtype), cell


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
