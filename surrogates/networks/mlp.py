"""A conditional multi-layer perceptron, plain or with residual blocks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "gelu": functional.gelu,
    "tanh": torch.tanh,
}


def activation_function(name: str) -> Callable[[Tensor], Tensor]:
    """The activation called `name`; ValueError names the known ones."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: {name!r} is unknown; expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


class MLP(nn.Module):
    """A perceptron of a vector and a context vector.

    Parameters
    ----------
    inputs, outputs : int
        Lengths of the vectors in and out.
    hidden, layers : int
        Width and number of hidden layers.
    context : int
        Length of the context vector; 0 for none.
    residual : bool
        Hidden layers after the first add to their input.
    activation : str
        A key of `ACTIVATIONS`.
    zero_output : bool
        Start from outputs that are 0, as a residual correction or a velocity may.

    Notes
    -----
    The first layer acts on the input and the context apart, W x + V c: nothing is concatenated, and a context of shape
    (n, 1, context) serves every element of an input (n, k, inputs).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        hidden: int = 128,
        layers: int = 3,
        *,
        context: int = 0,
        residual: bool = False,
        activation: str = "silu",
        zero_output: bool = False,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers: {layers}; expected at least one hidden layer")
        self.activation, self.residual = activation_function(activation), residual
        self.entry = nn.Linear(inputs, hidden)
        self.context_entry = nn.Linear(context, hidden, bias=False) if context else None
        self.middle = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers - 1))
        self.exit = nn.Linear(hidden, outputs)
        if zero_output:
            nn.init.zeros_(self.exit.weight)
            nn.init.zeros_(self.exit.bias)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Map (..., inputs) and (..., context) to (..., outputs)."""
        if (context is None) != (self.context_entry is None):
            expected = None if self.context_entry is None else f"(..., {self.context_entry.in_features})"
            raise ValueError(f"context: {None if context is None else tuple(context.shape)} given; expected {expected}")
        hidden = self.entry(x)
        if self.context_entry is not None:
            hidden = hidden + self.context_entry(context)
        hidden = self.activation(hidden)
        for linear in self.middle:
            step = self.activation(linear(hidden))
            hidden = hidden + step if self.residual else step
        return self.exit(hidden)
