"""A small classifier of labels, trained on real items with generated ones beside them: what these are worth to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.schema import Schema

LARGEST = 32
"""Pixels on a side beyond which pictures are averaged over blocks."""

BATCH = 32
JITTER = 0.1
"""Of tables, in standard deviations."""


@dataclass(frozen=True)
class Scale:
    """How outputs become inputs of order one; fitted to real training items.

    Attributes
    ----------
    names : tuple of str
        Outputs that are seen: the one picture, or every number.
    pictures : bool
    bounded : bool
        Whether values are taken as they are; else the inverse hyperbolic sine of their ratio to the median.
    unit, middle, spread : ndarray
    """

    names: tuple[str, ...]
    pictures: bool
    bounded: bool
    unit: np.ndarray
    middle: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, outputs: Schema, samples: xr.Dataset) -> Scale:
        """From the outputs' schema and real training items.

        Raises
        ------
        SchemaError
            No output is a number.
        """
        from ..contract.errors import SchemaError

        numbers = [
            v for v in outputs if np.dtype(v.dtype).kind in "fiu" and not v.text and v.dims[-1:] != ("character",)
        ]
        fields = [v for v in numbers if np.dtype(v.dtype).kind == "f" and _sides(samples[v.name].values) is not None]
        seen = [min(fields, key=lambda v: len(v.dims))] if fields else numbers
        if not seen:
            raise SchemaError.about("outputs", "no numbers", "numbers or a picture, which a classifier can see")
        bounded = bool(fields) and seen[0].bounds is not None
        plain = cls(tuple(v.name for v in seen), bool(fields), bounded, np.ones(1), np.zeros(1), np.ones(1))
        values = plain.values(samples)
        axis = None if fields else 0
        size = np.abs(values)
        unit = np.ones(1) if bounded else np.atleast_1d(np.nanmedian(np.where(size > 0, size, np.nan), axis=axis))
        unit = np.where(np.isfinite(unit) & (unit > 0), unit, 1.0)
        seen_values = values if bounded else np.arcsinh(values / unit)
        middle = np.atleast_1d(np.nanmean(seen_values, axis=axis))
        spread = np.atleast_1d(np.nanstd(seen_values, axis=axis))
        middle = np.where(np.isfinite(middle), middle, 0.0)
        return cls(plain.names, bool(fields), bounded, unit, middle, np.where(spread > 0, spread, 1.0))

    def values(self, samples: xr.Dataset) -> np.ndarray:
        """Pictures (n, channel, y, x) or columns (n, k), in their own units."""
        if not self.pictures:
            return np.concatenate([samples[name].values.reshape(samples.sizes["sample"], -1) for name in self.names], 1)
        values = samples[self.names[0]].values.astype(np.float64)
        if values.ndim == 4 and values.shape[-1] <= 4:
            values = values.transpose(0, 3, 1, 2)
        values = values.reshape(len(values), -1, *values.shape[-2:])
        step = max(-(-max(values.shape[-2:]) // LARGEST), 1)
        rows, columns = (side // step * step for side in values.shape[-2:])
        blocks = values[..., :rows, :columns].reshape(*values.shape[:2], rows // step, step, columns // step, step)
        return blocks.mean(axis=(3, 5))

    def __call__(self, samples: xr.Dataset) -> np.ndarray:
        """Inputs, float32; what is missing counts as the mean."""
        values = self.values(samples).astype(np.float64)
        seen = values if self.bounded else np.arcsinh(values / self.unit)
        return np.nan_to_num((seen - self.middle) / self.spread, nan=0.0).astype(np.float32)


def _sides(values: np.ndarray) -> tuple[int, int] | None:
    """Rows and columns where an array (n, …) holds pictures of 8 pixels or more on a side."""
    if values.ndim < 3:
        return None
    rows, columns = values.shape[1:3] if values.ndim == 4 and values.shape[-1] <= 4 else values.shape[-2:]
    return (rows, columns) if min(rows, columns) >= 8 else None


@dataclass(frozen=True)
class Beside:
    """Generated items: inputs, and the share of each label, (n, k)."""

    inputs: np.ndarray
    shares: np.ndarray


def trained_on(
    inputs: np.ndarray,
    codes: np.ndarray,
    test: np.ndarray,
    *,
    labels: int,
    beside: Beside | None = None,
    plain: bool = False,
    updates: int = 200,
    width: int = 16,
    seed: int = 0,
) -> np.ndarray:
    """Codes that a classifier gives to test items.

    Parameters
    ----------
    inputs, codes : ndarray
        Real items: pictures (n, channel, y, x) or columns (n, k), and labels (n,). Labels are drawn equally often.
    test : ndarray
    labels : int
    beside : Beside, optional
        Generated items, which make up half of each batch.
    plain : bool
        Whether items are changed at random: pictures mirrored left to right and shifted by up to an eighth of their
        side, columns jittered.
    updates : int
        The same for whatever it learns from.
    width : int
        Channels of the first layer.
    seed : int
        Of the network's start and the batches.

    Returns
    -------
    ndarray
        (m,) int64.
    """
    import torch

    from .image_classifier import pooled_convolutions

    generator = np.random.default_rng([seed, 5])
    pictures = inputs.ndim == 4
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Any = (
            pooled_convolutions(inputs.shape[1], width, logits=labels)
            if pictures
            else torch.nn.Sequential(
                torch.nn.Linear(inputs.shape[1], 4 * width),
                torch.nn.SiLU(),
                torch.nn.Linear(4 * width, 4 * width),
                torch.nn.SiLU(),
                torch.nn.Linear(4 * width, labels),
            )
        )
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=max(updates, 2))
    rows_of = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    for _ in range(updates):
        count = BATCH if beside is None else BATCH // 2
        rows = np.array([generator.choice(rows_of[k]) for k in generator.integers(0, len(rows_of), count)])
        batch, shares = inputs[rows], np.eye(labels, dtype=np.float32)[codes[rows]]
        if beside is not None:
            others = generator.integers(0, len(beside.inputs), BATCH - count)
            batch = np.concatenate((batch, beside.inputs[others]))
            shares = np.concatenate((shares, beside.shares[others]))
        if plain:
            batch = _shifted(batch, generator) if pictures else batch + JITTER * generator.normal(size=batch.shape)
        seen = torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32))
        loss = torch.nn.functional.cross_entropy(network(seen), torch.from_numpy(shares.astype(np.float32)))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return torch.cat([network(part).argmax(dim=1) for part in torch.from_numpy(test).split(512)]).numpy()


def _shifted(batch: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Pictures mirrored at random and shifted, their edges repeated."""
    rows, columns = batch.shape[-2:]
    most = (rows // 8, columns // 8)
    padded = np.pad(batch, np.array([0, 0, *most])[:, None], mode="edge")
    made = np.empty_like(batch)
    for place, picture in enumerate(padded):
        down, right = (int(generator.integers(0, 2 * step + 1)) for step in most)
        cut = picture[:, down : down + rows, right : right + columns]
        made[place] = cut[..., ::-1] if generator.random() < 0.5 else cut
    return made


def balanced_accuracy(right: np.ndarray, codes: np.ndarray) -> float:
    """Mean over labels of the share of their items that are right; right (n,) of 0 and 1, codes (n,)."""
    return float(np.mean([right[codes == code].mean() for code in np.unique(codes)]))
