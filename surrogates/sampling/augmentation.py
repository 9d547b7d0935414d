"""Real items and generated ones with their labels in one torch Dataset: new samples, or ones between two others.

>>> import surrogates, torch
>>> from surrogates.sampling.augmentation import Augmented, balancing
>>> surrogate = surrogates.load("medical-images")
>>> real = surrogate.plugin.truth(48, seed=1)
>>> missing = balancing(real["category"].values, surrogate.conditions["category"].categories, at_least=20)
>>> data = Augmented(real, surrogate, missing, seed=2)
>>> loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..contract.errors import SchemaError
from ..contract.schema import Schema, nearest
from ..noise import draws
from .torch_data import SampleDataset
from .walks import between

if TYPE_CHECKING:
    import xarray as xr

    from .surrogate import Surrogate

Mix = Literal["none", "noise", "labels"]
MIXES: tuple[Mix, ...] = ("none", "noise", "labels")

PARTNER = 1 << 40
"""Added to an identity for that of the sample at the other end."""

ROUNDS = 40
"""Draws of the prior, each of as many rows as are wanted, before a label counts as one that it does not give."""


def label_of(schema: Schema, named: str | None = None) -> str:
    """Name of the condition that labels samples: the one that is named, or the only one with labels.

    Raises
    ------
    SchemaError
        None, several of which none is named, or one without labels.
    """
    labelled = [variable.name for variable in schema if variable.categories]
    if named is not None and named not in labelled:
        expected = f"a condition with labels: {', '.join(labelled) or 'there is none'}"
        raise SchemaError.about("label", repr(named), expected, hint=nearest(named, labelled))
    if named is None and len(labelled) != 1:
        raise SchemaError.about(
            "label",
            f"{len(labelled)} conditions with labels",
            f"one, or the name of one of: {', '.join(labelled) or 'none'}",
            value=labelled,
        )
    return named or labelled[0]


def balancing(codes: np.ndarray, categories: Sequence[str], *, at_least: int = 0) -> dict[str, int]:
    """How many of each label are missing to as many as the most frequent has, and to `at_least`.

    Parameters
    ----------
    codes : ndarray
        Label of each real item, (n,) int.
    categories : sequence of str
        In the order of the codes.
    """
    there = np.bincount(np.asarray(codes, dtype=np.int64), minlength=len(categories))
    wanted = max(int(there.max(initial=0)), at_least)
    return {name: int(wanted - count) for name, count in zip(categories, there, strict=True)}


def labelled_rows(surrogate: Surrogate, label: str, counts: Mapping[str, int], *, seed: int) -> xr.Dataset:
    """Conditions of the plugin's prior, so many rows of each label, which take turns; `sample` counts from 0.

    Raises
    ------
    SchemaError
        An unknown label, a count below 0, or a label that the prior does not give.
    """
    import xarray as xr

    categories = surrogate.conditions[label].categories or ()
    for name, count in counts.items():
        if name not in categories:
            raise SchemaError.about(label, repr(name), ", ".join(categories), hint=nearest(name, categories))
        if count < 0:
            raise SchemaError.about("counts", f"{count} of {name}", "0 or more", value=count)
    wanted = np.array([counts.get(name, 0) for name in categories])
    found: list[xr.Dataset] = []
    there = np.zeros_like(wanted)
    for turn in range(ROUNDS):
        if np.all(there >= wanted):
            break
        rows = surrogate.plugin.prior(surrogate.conditions, max(int(wanted.sum()), 64), seed + turn)
        rows = rows[list(surrogate.conditions.names)]
        codes = rows[label].values
        kept = [np.flatnonzero(codes == code)[: wanted[code] - there[code]] for code in range(len(wanted))]
        there += [len(some) for some in kept]
        found.append(rows.isel(sample=np.sort(np.concatenate(kept))))
    missing = [name for name, short in zip(categories, there < wanted, strict=True) if short]
    if missing:
        raise SchemaError.about(label, missing[0], "a label that the plugin's prior draws", value=missing[0])
    if not found:
        return surrogate.conditions.dataset({}, np.arange(0))
    rows = xr.concat(found, dim="sample", combine_attrs="override", join="override")
    codes = rows[label].values
    turn = np.empty(len(codes), dtype=np.int64)
    for code in np.unique(codes):
        turn[codes == code] = np.arange(int((codes == code).sum()))
    return rows.isel(sample=np.lexsort((codes, turn))).assign_coords(sample=np.arange(len(codes)))


@dataclass(frozen=True)
class Interpolated:
    """A simulator each of whose samples lies between two of a surrogate's, anywhere on the way.

    Attributes
    ----------
    surrogate : Surrogate
    partners : Dataset, optional
        Conditions at the other end of the way of sample i, row i; a sample's own where they are left out, so that
        only the noise is mixed.
    """

    surrogate: Surrogate
    partners: xr.Dataset | None = None

    @property
    def conditions(self) -> Schema:
        """As the surrogate's."""
        return self.surrogate.conditions

    @property
    def outputs(self) -> Schema:
        """As the surrogate's."""
        return self.surrogate.outputs

    def fractions(self, samples: np.ndarray, seed: int) -> np.ndarray:
        """How far on the way each sample lies, (n,), even from 0 to 1."""
        return draws(seed, samples).uniform((), "way")

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Draw a sample for each row of conditions; see `surrogates.sampling.walks.between`."""
        samples = np.asarray(conditions["sample"].values, dtype=np.int64)
        last = None if self.partners is None else self.partners.isel(sample=samples)
        way = between(
            self.surrogate,
            conditions,
            last,
            fractions=self.fractions(samples, seed),
            seed=seed,
            others=samples + PARTNER,
        )
        return way.assign_coords(sample=samples)


class Augmented(Dataset[dict[str, Tensor]]):
    """Real items, and after them generated ones with labels, drawn as they are read; item i is always the same.

    Parameters
    ----------
    real : xarray.Dataset or torch Dataset
        Samples of the plugin's variables, or items that are dictionaries of them.
    surrogate : Surrogate
    counts : mapping of str to int
        How many are generated of each label; `balancing` gives what brings rare ones up.
    seed : int
    label : str, optional
        The condition that labels samples, where there are several.
    mix : {"noise", "none", "labels"}
        Generated items lie between two samples of one label; are new samples; or lie between two samples of any labels,
        and then the label of every item, real ones too, is a share of each label, (k,) float32.
    conditions : xarray.Dataset, optional
        Rows that generated items are asked at, in place of the prior's; `counts` is then left out of account.
    variables : sequence of str, optional
        What an item holds; the label and the outputs by default, as far as real items have them.
    block : int
        Samples that are drawn at once.

    Raises
    ------
    SchemaError
        No label, an unknown one, or `mix="labels"` where conditions have joint limits that a mixture would break.
    """

    def __init__(
        self,
        real: xr.Dataset | Dataset[dict[str, Tensor]],
        surrogate: Surrogate,
        counts: Mapping[str, int],
        *,
        seed: int,
        label: str | None = None,
        mix: Mix = "noise",
        conditions: xr.Dataset | None = None,
        variables: Sequence[str] | None = None,
        block: int = 16,
    ) -> None:
        if mix not in MIXES:
            raise SchemaError.about("mix", repr(mix), "one of none, noise and labels", hint=nearest(mix, MIXES))
        if mix == "labels" and surrogate.plugin.limits:
            found = f"labels of {surrogate.plugin.name}, whose conditions have joint limits"
            raise SchemaError.about("mix", found, "none or noise", value=mix)
        self.label, self.mix, self.seed = label_of(surrogate.conditions, label), mix, seed
        self.categories = surrogate.conditions[self.label].categories or ()
        chosen = tuple(variables or (self.label, *surrogate.outputs.names))
        self.real = real if isinstance(real, Dataset) else Rows(real, chosen)
        rows = labelled_rows(surrogate, self.label, counts, seed=seed) if conditions is None else conditions
        rows = rows.assign_coords(sample=np.arange(rows.sizes["sample"]))
        partners = rows.isel(sample=np.random.default_rng([seed, 7]).permutation(rows.sizes["sample"]))
        self.codes = np.asarray(rows[self.label].values, dtype=np.int64)
        self.partner_codes = np.asarray(partners[self.label].values, dtype=np.int64)
        self.simulator: Any = (
            surrogate if mix == "none" else Interpolated(surrogate, partners if mix == "labels" else None)
        )
        held = set(self.real[0]) if variables is None and len(self.real) else set(chosen)  # type: ignore[arg-type]
        self.generated = SampleDataset(
            self.simulator, rows, seed=seed, variables=[name for name in chosen if name in held], block=block
        )

    def __len__(self) -> int:
        return len(self.real) + len(self.generated)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Item `index`, a tensor a variable without the leading axis."""
        count = len(self.real)  # type: ignore[arg-type]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"index {index} of {len(self)} items")
        names = self.generated.variables
        found = self.real[place] if place < count else self.generated[place - count]
        item = {name: found[name] for name in names}
        if self.mix == "labels":
            code = int(item[self.label]) if place < count else None
            item[self.label] = torch.from_numpy(self._shares(code, place - count))
        return item

    def _shares(self, code: int | None, place: int) -> np.ndarray:
        """Share of each label: all of it a real item's own, or in the shares of the two ends."""
        shares = np.zeros(len(self.categories), dtype=np.float32)
        if code is not None:
            shares[code] = 1.0
            return shares
        fraction = float(self.simulator.fractions(np.array([place]), self.seed)[0])
        shares[self.codes[place]] += 1.0 - fraction
        shares[self.partner_codes[place]] += fraction
        return shares


class Rows(Dataset[dict[str, Tensor]]):
    """Rows of a Dataset of samples as items, those of its variables that are named and there."""

    def __init__(self, samples: xr.Dataset, names: Sequence[str]) -> None:
        self.arrays = {name: samples[name].values for name in names if name in samples}
        self.size = samples.sizes["sample"]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Row `index`."""
        return {name: torch.from_numpy(np.array(array[index])) for name, array in self.arrays.items()}
