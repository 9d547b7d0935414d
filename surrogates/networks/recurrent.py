"""A gated recurrent network over tokens that sees a context at every step."""

from __future__ import annotations

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
