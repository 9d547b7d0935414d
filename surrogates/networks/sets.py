"""Networks of sets: permutation-equivariant EPiC layers, a set generator and a permutation-invariant classifier.

Buhmann, Kasieczka, Thaler 2023, "EPiC-GAN: equivariant point cloud generation for particle jets", arXiv:2301.08128,
section 3; with flow matching: Buhmann et al. 2023, arXiv:2310.00049. Elements talk through a global vector alone, so
that the cost is linear in their number.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SUM_SCALE = 0.01  # of the pooled sum, as in the reference implementation of EPiC-GAN
_SLOPE = 0.01
_CHUNK = 3072  # elements that pass together when no gradient is needed, so that they stay in a core's cache
_ROWS = 64  # sets that pass together are a multiple of it: matrix kernels treat fewer rows otherwise, bit for bit


def pooled(elements: Tensor, weights: Tensor, inverse_count: Tensor) -> Tensor:
    """Masked mean and scaled sum over the elements of each set.

    Parameters
    ----------
    elements : Tensor
        (n, k, width).
    weights : Tensor
        (n, 1, k), 1 for elements and 0 for padding.
    inverse_count : Tensor
        (n, 1), 1 / max(number of elements, 1).

    Returns
    -------
    Tensor
        (n, 2 width).
    """
    total = torch.bmm(weights, elements).squeeze(1)
    return torch.cat((total * inverse_count, total * SUM_SCALE), dim=-1)


class EquivariantLayer(nn.Module):
    """One EPiC layer: the global vector reads the pooled set, then every element reads the global vector.

    Parameters
    ----------
    width, global_width : int
        Lengths of an element's vector and of the global vector.
    """

    def __init__(self, width: int, global_width: int) -> None:
        super().__init__()
        self.pool = nn.Linear(2 * width, width, bias=False)
        self.recall = nn.Linear(global_width, width)
        self.update_global = nn.Linear(width, global_width)
        self.element = nn.Linear(width, width, bias=False)
        self.broadcast = nn.Linear(global_width, width)
        self.update_element = nn.Linear(width, width, bias=False)

    def forward(
        self, elements: Tensor, summary: Tensor, weights: Tensor, inverse_count: Tensor, condition: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Update elements (n, k, width) and the global vector (n, global_width); `condition` (n, width) is added."""
        message = self.pool(pooled(elements, weights, inverse_count)).add_(self.recall(summary))
        if condition is not None:
            message = message.add_(condition)
        step = self.update_global(functional.leaky_relu_(message, _SLOPE))
        summary = functional.leaky_relu_(step.add_(summary), _SLOPE)
        # W1 x + (W2 g) broadcast, in place of a linear layer of the concatenated [x, g]
        message = self.element(elements).add_(self.broadcast(summary).unsqueeze(1))
        message = functional.leaky_relu_(message, _SLOPE).flatten(0, 1)
        updated = torch.addmm(elements.flatten(0, 1), message, self.update_element.weight.t())
        return updated.view(elements.shape), summary


class _SetTrunk(nn.Module):
    """Embedding of the elements and a stack of equivariant layers."""

    def __init__(self, inputs: int, context: int, width: int, global_width: int, layers: int) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers: {layers}; expected at least one")
        self.context, self.global_width = context, global_width
        self.entry = nn.Linear(inputs, width)
        self.first_pool = nn.Linear(2 * width, global_width)
        self.conditions = nn.Linear(context, global_width + layers * width, bias=False) if context else None
        self.layers = nn.ModuleList(EquivariantLayer(width, global_width) for _ in range(layers))

    def forward(self, elements: Tensor, context: Tensor | None, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if (context is None) != (self.conditions is None):
            expected = None if self.conditions is None else f"(n, {self.context})"
            raise ValueError(f"context: {None if context is None else tuple(context.shape)} given; expected {expected}")
        hidden = functional.leaky_relu_(self.entry(elements), _SLOPE)
        weights = mask.unsqueeze(1).to(hidden.dtype)
        inverse_count = 1.0 / weights.sum(dim=-1).clamp_min(1.0)
        summary = self.first_pool(pooled(hidden, weights, inverse_count))
        parts: list[Tensor | None] = [None] * len(self.layers)
        if self.conditions is not None:
            width = hidden.shape[-1]
            first, *parts = self.conditions(context).split([self.global_width] + [width] * len(self.layers), dim=-1)
            summary = summary.add_(first)
        summary = functional.leaky_relu_(summary, _SLOPE)
        for layer, part in zip(self.layers, parts, strict=True):
            hidden, summary = layer(hidden, summary, weights, inverse_count, part)
        return hidden, summary, weights, inverse_count


class SetGenerator(nn.Module):
    """A permutation-equivariant map of a set, given a context vector: a generator of noise, or a velocity field.

    Parameters
    ----------
    inputs, outputs : int
        Features of an element in and out.
    context : int
        Length of the context vector; 0 for none.
    width, global_width : int
        Lengths of the hidden element vectors and of the global vector.
    layers : int
        Equivariant layers.
    zero_output : bool
        Start from outputs that are 0.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        context: int = 0,
        width: int = 64,
        global_width: int = 16,
        layers: int = 6,
        zero_output: bool = False,
    ) -> None:
        super().__init__()
        self.trunk = _SetTrunk(inputs, context, width, global_width, layers)
        self.exit = nn.Linear(width, outputs)
        if zero_output:
            nn.init.zeros_(self.exit.weight)
            nn.init.zeros_(self.exit.bias)

    def forward(self, elements: Tensor, context: Tensor | None, mask: Tensor) -> Tensor:
        """Map a set to a set of equal size.

        Parameters
        ----------
        elements : Tensor
            (n, k, inputs).
        context : Tensor or None
            (n, context).
        mask : Tensor
            (n, k) bool, False for padding.

        Returns
        -------
        Tensor
            (n, k, outputs), 0 at the padding.
        """
        n, k = mask.shape
        sets = max(round(_CHUNK / max(k, 1) / _ROWS), 1) * _ROWS
        if torch.is_grad_enabled() or elements.device.type != "cpu" or n <= sets:
            return self._together(elements, context, mask)
        contexts = [None] * -(-n // sets) if context is None else context.split(sets)
        parts = zip(elements.split(sets), contexts, mask.split(sets), strict=True)
        return torch.cat([self._together(*part) for part in parts])

    def _together(self, elements: Tensor, context: Tensor | None, mask: Tensor) -> Tensor:
        hidden = self.trunk(elements, context, mask)[0]
        return self.exit(functional.leaky_relu(hidden, _SLOPE)) * mask.unsqueeze(-1)


class SetClassifier(nn.Module):
    """A permutation-invariant function of a set and a context vector: a classifier, discriminator or regressor.

    Parameters
    ----------
    inputs, outputs : int
        Features of an element; values a set.
    context, width, global_width, layers : int
        As for `SetGenerator`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        context: int = 0,
        width: int = 64,
        global_width: int = 16,
        layers: int = 3,
    ) -> None:
        super().__init__()
        self.trunk = _SetTrunk(inputs, context, width, global_width, layers)
        self.pool = nn.Linear(2 * width, width)
        self.summary = nn.Linear(global_width, width, bias=False)
        self.exit = nn.Linear(width, outputs)

    def forward(self, elements: Tensor, context: Tensor | None, mask: Tensor) -> Tensor:
        """Map (n, k, inputs), (n, context) and the mask (n, k) to (n, outputs)."""
        hidden, summary, weights, inverse_count = self.trunk(elements, context, mask)
        hidden = functional.leaky_relu(hidden, _SLOPE)
        read = self.pool(pooled(hidden, weights, inverse_count)) + self.summary(summary)
        return self.exit(functional.leaky_relu(read, _SLOPE))
