"""A causal transformer over tokens, which keeps the keys and values of what it has read while it writes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Read:
    """How far a `TokenTransformer` is.

    Attributes
    ----------
    keys, values : tuple of Tensor
        (n, longest, heads, size), one a layer; places from `count` on are yet to be written.
    count : int
        Tokens read.
    weights : tuple of dict
        Matrices of each layer in the precision in which it goes on.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    count: int
    weights: tuple[dict[str, Tensor], ...]


class AttentionLayer(nn.Module):
    """Attention to all tokens so far, then a network of each token; normalised before each (Xiong et al. 2020,
    arXiv:2002.04745).

    Parameters
    ----------
    width, heads, layers : int
        Length of a token's vector, heads of attention, and layers of the network that this one belongs to.
    """

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width, bias=False)
        self.tell = nn.Linear(width, width, bias=False)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)
        for matrix in (self.tell, self.narrow):
            nn.init.normal_(matrix.weight, std=0.04 / layers**0.5)

    def split(self, seen: Tensor, weights: dict[str, Tensor]) -> list[Tensor]:
        """Queries, keys and values (n, m, heads, size) of vectors (n, m, width)."""
        asked = functional.linear(self.first(seen).to(weights["ask"].dtype), weights["ask"])
        return [part.unflatten(-1, (self.heads, -1)) for part in asked.chunk(3, dim=-1)]

    def onward(self, seen: Tensor, found: Tensor, weights: dict[str, Tensor]) -> Tensor:
        """Vectors (n, m, width) after the layer, given what attention found (n, m, heads, size)."""
        seen = seen + functional.linear(found.flatten(2), weights["tell"])
        inner = functional.gelu(functional.linear(self.second(seen).to(weights["widen"].dtype), weights["widen"]))
        return seen + functional.linear(inner, weights["narrow"])

    def matrices(self, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """The layer's matrices, in another precision where one is named."""
        found = {name: getattr(self, name).weight for name in ("ask", "tell", "widen", "narrow")}
        return found if dtype is None else {name: matrix.to(dtype) for name, matrix in found.items()}


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention (n, m, heads, size) of all tokens of a sequence, each to those up to itself.

    Written out: for sequences so short torch's fused attention takes ten times as long backwards on a processor in
    bfloat16 (0.62 s against 0.05; in float32 it is the faster one, 0.08 s against 0.10).
    """
    query, key, value = (part.transpose(1, 2) for part in (query * query.shape[-1] ** -0.5, key, value))
    score = query @ key.transpose(-1, -2)
    score = score + torch.full(score.shape[-2:], -1e4, dtype=score.dtype, device=score.device).triu(1)
    return (score.softmax(-1, dtype=torch.float32).to(value.dtype) @ value).transpose(1, 2)


def _next_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention (n, m, heads, size) of the last m tokens to all k so far, for which keys and values are (n, k, ...)."""
    mask = None
    if query.shape[1] > 1:
        mask = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool, device=query.device)
        mask = mask.tril(key.shape[1] - query.shape[1])
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)


class TokenTransformer(nn.Module):
    """Logits of the next token (Vaswani et al. 2017, arXiv:1706.03762), given those before it and a context.

    Parameters
    ----------
    tokens : int
        Size of the vocabulary.
    context : int
        Length of the context.
    longest : int
        Most tokens of a sequence.
    width, layers, heads : int
    """

    def __init__(
        self, tokens: int, context: int, longest: int, *, width: int = 256, layers: int = 6, heads: int = 8
    ) -> None:
        super().__init__()
        self.longest = longest
        self.embedding = nn.Embedding(tokens, width)
        nn.init.normal_(self.embedding.weight, std=0.5)
        self.place = nn.Parameter(0.02 * torch.randn(longest, width))
        self.enter = nn.Linear(context, width)
        self.layers = nn.ModuleList(AttentionLayer(width, heads, layers) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.exit = nn.Linear(width, tokens)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Logits (n, m, vocabulary) of the token after each of `tokens` (n, m), given contexts (n, k) or (n, m, k)."""
        seen = self._entered(tokens, context, 0)
        for layer in self.layers:
            weights = layer.matrices()  # type: ignore[operator]
            found = _attention(*layer.split(seen, weights))  # type: ignore[operator]
            seen = layer.onward(seen, found, weights)  # type: ignore[operator]
        return self.exit(self.norm(seen))

    @torch.no_grad()
    def step(self, tokens: Tensor, context: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits after each of `tokens` (n, m), and the state to go on from, a `Read`; None to begin.

        A state goes on once: its keys and values are written into.
        """
        if state is None:
            state = self._begun(tokens)
        end = state.count + tokens.shape[1]
        seen = self._entered(tokens, context, state.count)
        for layer, keys, values, weights in zip(self.layers, state.keys, state.values, state.weights, strict=True):
            query, key, value = layer.split(seen, weights)  # type: ignore[operator]
            keys[:, state.count : end], values[:, state.count : end] = key, value
            found = _next_attention(query, keys[:, :end], values[:, :end])
            seen = layer.onward(seen, found, weights)  # type: ignore[operator]
        return self.exit(self.norm(seen)), Read(state.keys, state.values, end, state.weights)

    def select(self, state: Read, rows: Tensor) -> Read:
        """The state of sequences `rows` (k,) alone."""
        keys, values = (tuple(map(self._some(rows, state.count), part)) for part in (state.keys, state.values))
        return Read(keys, values, state.count, state.weights)

    def _some(self, rows: Tensor, count: int) -> Callable[[Tensor], Tensor]:
        def some(whole: Tensor) -> Tensor:
            found = whole.new_empty(len(rows), *whole.shape[1:])
            found[:, :count] = whole[rows, :count]
            return found

        return some

    def _entered(self, tokens: Tensor, context: Tensor, first: int) -> Tensor:
        if first + tokens.shape[1] > self.longest:
            raise ValueError(f"tokens: {first + tokens.shape[1]}; expected at most {self.longest}")
        told = self.enter(context.to(self.enter.weight.dtype))
        told = told[:, None] if told.ndim == 2 else told
        return self.embedding(tokens) + told + self.place[first : first + tokens.shape[1]]

    def _begun(self, tokens: Tensor) -> Read:
        kind, width = tokens.device.type, self.place.shape[1]
        reduced = torch.is_autocast_enabled(kind)
        dtype = torch.get_autocast_dtype(kind) if reduced else self.place.dtype
        first: Any = self.layers[0]
        shape = (len(tokens), self.longest, first.heads, width // first.heads)
        empty = [torch.empty(shape, dtype=dtype, device=tokens.device) for _ in range(2 * len(self.layers))]
        weights = tuple(layer.matrices(dtype) for layer in self.layers)  # type: ignore[operator]
        return Read(tuple(empty[::2]), tuple(empty[1::2]), 0, weights)
