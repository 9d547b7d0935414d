"""Encodings that codecs are made of: quantiles by class, scores, contexts of conditions; what is missing stays missing.

Fitted numbers are buffers, so that weights carry them. All take and give float64 or float32 tensors (n, ...), NaN where
a sample has no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..contract.errors import PluginError
from ..contract.schema import Schema, Variable

Tensors = dict[str, Tensor]

EDGE = 1e-6
"""How near to 0 and 1 a probability may be."""


class Scores(nn.Module):
    """Standard scores of columns, (value - mean) / spread; NaN stays NaN and counts in neither.

    Parameters
    ----------
    columns : int
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(columns, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(columns, dtype=torch.float64))

    def fit(self, values: Tensor) -> None:
        """Means and spreads of (n, columns); a column without values, or without spread, is left as it is."""
        for place, column in enumerate(values.double().T):
            known = column[~column.isnan()]
            if len(known) > 1:
                self.centre[place] = known.mean()
                self.spread[place] = known.std().clamp(min=1e-9 * (1.0 + known.abs().max()))

    def encode(self, values: Tensor) -> Tensor:
        """Scores, (n, columns) float64."""
        return (values.double() - self.centre.to(values.device)) / self.spread.to(values.device)

    def decode(self, scores: Tensor) -> Tensor:
        """Values of scores."""
        return self.centre.to(scores.device) + self.spread.to(scores.device) * scores.double()


class Quantiles(nn.Module):
    """Columns as their quantiles among the training samples of the same class: evenly spread over (0, 1).

    Decoding interpolates between the training quantiles, so that no value lies beyond the training samples'.

    Parameters
    ----------
    columns : int
    classes : int
    knots : int
        Quantiles kept of each column and class, at equal steps of probability from 0 to 1.
    """

    table: Tensor

    def __init__(self, columns: int, classes: int = 1, knots: int = 257) -> None:
        super().__init__()
        grid = torch.linspace(0.0, 1.0, knots, dtype=torch.float64)
        self.register_buffer("table", grid.expand(classes, columns, knots).clone())

    def fit(self, values: Tensor, label: Tensor | None = None) -> None:
        """Quantiles of (n, columns), by the class codes `label` (n,); NaN is left out.

        Raises
        ------
        PluginError
            A class or column without two different values.
        """
        classes, columns, knots = self.table.shape
        levels = torch.linspace(0.0, 1.0, knots, dtype=torch.float64)
        label = torch.zeros(len(values), dtype=torch.int64) if label is None else label
        for code in range(classes):
            for place in range(columns):
                known = values[label == code, place].double()
                known = known[~known.isnan()].sort().values
                if len(known) < 2 or known[0] == known[-1]:
                    raise PluginError(
                        f"quantiles: column {place} of class {code} has no two different values among "
                        f"{len(known)}; expected training samples that differ"
                    )
                at = levels * (len(known) - 1)
                low = at.long().clamp(max=len(known) - 2)
                self.table[code, place] = known[low] + (at - low) * (known[low + 1] - known[low])

    def encode(self, values: Tensor, label: Tensor | None = None) -> Tensor:
        """Probabilities in (0, 1), (n, columns) float64; a value that is frequent takes the middle of its share."""
        table, found = self._tables(values, label), values.double().contiguous()
        steps = table.shape[-1] - 1
        sides = []
        for right in (False, True):
            after = torch.searchsorted(table, found[..., None], right=right)[..., 0].clamp(1, steps)
            low, high = (table.gather(-1, (after - k)[..., None])[..., 0] for k in (1, 0))
            share = ((found - low) / (high - low).clamp(min=1e-300)).clamp(0.0, 1.0)
            sides.append((after - 1 + share) / steps)
        probability = (0.5 * (sides[0] + sides[1])).clamp(EDGE, 1.0 - EDGE)
        return torch.where(found.isnan(), torch.nan, probability)

    def decode(self, probabilities: Tensor, label: Tensor | None = None) -> Tensor:
        """Values of probabilities, (n, columns) float64."""
        table, share = self._tables(probabilities, label), probabilities.double().clamp(0.0, 1.0)
        at = torch.nan_to_num(share) * (table.shape[-1] - 1)
        low = at.long().clamp(max=table.shape[-1] - 2)
        first, second = (table.gather(-1, (low + k)[..., None])[..., 0] for k in (0, 1))
        return torch.where(share.isnan(), torch.nan, first + (at - low) * (second - first))

    def _tables(self, values: Tensor, label: Tensor | None) -> Tensor:
        """(n, columns, knots) quantiles of each row's class."""
        table = self.table.to(values.device)
        codes = torch.zeros(len(values), dtype=torch.int64, device=values.device) if label is None else label
        return table[codes].contiguous()


def context(schema: Schema, physical: Mapping[str, Tensor]) -> Tensor:
    """Conditions as a network takes them, (n, k) float32: numbers over their bounds, labels one-hot, and what is there.

    A number becomes (value - low) / (high - low) - 1/2; where it is optional, 0 if it is not asked, and a further
    column says whether it is. A label that is not asked is 0 in every column.

    Parameters
    ----------
    schema : Schema
        Of the conditions; fields and texts are left out.
    physical : mapping
    """
    columns = []
    for variable in _plain(schema):
        value = physical[variable.name]
        if variable.categories is not None:
            columns += [(value == code).float() for code in range(len(variable.categories))]
            continue
        low, high = variable.bounds or (0.0, 1.0)
        there = ~value.double().isnan()
        columns.append(torch.where(there, (value.double() - low) / (high - low) - 0.5, 0.0).float())
        if variable.optional:
            columns.append(there.float())
    if not columns:
        raise PluginError("context: no condition is a number or a label; expected one of either")
    return torch.stack(columns, dim=-1)


def context_width(schema: Schema) -> int:
    """Columns of `context`."""
    widths = [len(v.categories) if v.categories is not None else 1 + int(v.optional) for v in _plain(schema)]
    return sum(widths)


def _plain(schema: Schema) -> list[Variable]:
    return [variable for variable in schema if not variable.dims and not variable.text]


class QuantileCodec(nn.Module):
    """A codec for outputs that are single numbers: their quantiles, under a context of the conditions.

    `encode` gives ``context`` (n, k) and, of samples, ``values`` (n, d) in (0, 1); `decode` takes ``values``.

    Parameters
    ----------
    conditions, outputs : Schema
        Outputs without dimensions or categories.
    by : str, optional
        Label whose classes have quantiles of their own.
    """

    def __init__(self, conditions: Schema, outputs: Schema, by: str | None = None) -> None:
        super().__init__()
        odd = [v.name for v in outputs if v.dims or v.categories is not None]
        if odd:
            raise PluginError(f"{odd[0]}: not a single number; write the plugin's own codec from Quantiles and context")
        self.conditions, self.outputs, self.by = conditions, outputs, by
        labels = conditions[by].categories if by is not None else None
        self.quantiles = Quantiles(len(outputs.names), len(labels) if labels else 1)

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Quantiles of the first pool."""
        self.quantiles.fit(self._stacked(pools[0]), self._label(pools[0]))

    def encode(self, physical: Tensors) -> Tensors:
        """Whichever of conditions and outputs are there."""
        encoded: Tensors = {}
        if all(name in physical for name in self.conditions.names):
            encoded["context"] = context(self.conditions, physical)
        if all(name in physical for name in self.outputs.names):
            encoded["values"] = self.quantiles.encode(self._stacked(physical), self._label(physical)).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Outputs, float64."""
        values = self.quantiles.decode(encoded["values"], self._label(conditions))
        return dict(zip(self.outputs.names, values.unbind(dim=-1), strict=True))

    def _stacked(self, physical: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([physical[name].double() for name in self.outputs.names], dim=-1)

    def _label(self, physical: Mapping[str, Tensor]) -> Tensor | None:
        return physical[self.by].long() if self.by is not None else None
