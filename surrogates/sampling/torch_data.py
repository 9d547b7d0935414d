"""Samples within a training pipeline of torch: a dataset that is drawn as it is read, and a transform of real items.

>>> import surrogates, torch
>>> from surrogates.sampling.torch_data import Drawn, SampleDataset
>>> drawn = SampleDataset(surrogates.load("muon-decay"), 1000, seed=1, muon_momentum="3 GeV")
>>> loader = torch.utils.data.DataLoader(torch.utils.data.ConcatDataset((drawn, drawn)), batch_size=64, shuffle=True)
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from ..contract.errors import SchemaError
from ..noise import fold
from .request import condition_dataset

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.simulator import Simulator

_BLOCK = 256
"""Samples that are drawn at once where the simulator computes one at a time."""

_KEPT = 4  # blocks, for readers that go through several places in turn


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(values))  # owned and writable


class SampleDataset(Dataset[dict[str, Tensor]]):
    """Samples of a simulator as a torch Dataset: nothing is drawn before it is read, and item i is always the same.

    Beside real items in a `torch.utils.data.ConcatDataset`, or read by several workers, each of which draws its own.

    Parameters
    ----------
    simulator : Simulator
        A surrogate, or a reference.
    n_or_conditions : int or xarray.Dataset
        Number of samples, or a row of conditions for each.
    seed : int
    variables : sequence of str, optional
        Conditions and outputs that an item holds; all by default.
    block : int
        Samples that are drawn at once; a shuffled reader wants few, one that goes in order many.
    **conditions
        The same for all samples, as `simulator.sample` takes them.

    Raises
    ------
    SchemaError
        A variable that the simulator does not have, or a block below 1.
    """

    def __init__(
        self,
        simulator: Simulator,
        n_or_conditions: int | xr.Dataset,
        *,
        seed: int,
        variables: Sequence[str] | None = None,
        block: int = 16,
        **conditions: Any,
    ) -> None:
        self.variables = _chosen(simulator, variables)
        self.simulator, self.seed, self.block = simulator, seed, _whole_block(block)
        self.rows = None if isinstance(n_or_conditions, int) else n_or_conditions
        self.size = n_or_conditions if isinstance(n_or_conditions, int) else n_or_conditions.sizes["sample"]
        self.conditions = conditions
        self._blocks: OrderedDict[int, dict[str, np.ndarray]] = OrderedDict()

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Sample `index`, a tensor a variable without the leading axis."""
        place = index + self.size if index < 0 else index
        if not 0 <= place < self.size:
            raise IndexError(f"index {index} of {self.size} samples")
        block, row = divmod(place, self.block)
        return {name: _tensor(values[row]) for name, values in self._drawn(block).items()}

    def _drawn(self, block: int) -> dict[str, np.ndarray]:
        if block not in self._blocks:
            first = block * self.block
            count = min(self.block, self.size - first)
            if self.rows is None:
                simulator: Any = self.simulator
                found = simulator.sample(count, seed=self.seed, first=first, **self.conditions)
            else:
                rows = self.rows.isel(sample=slice(first, first + count))
                found = self.simulator.sample(rows, seed=self.seed, **self.conditions)
            self._blocks[block] = {name: found[name].values for name in self.variables if name in found}
            while len(self._blocks) > _KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        return self._blocks[block]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_blocks": OrderedDict()}


class SampleStream(IterableDataset[dict[str, Tensor]]):
    """Samples of a simulator without end: no identity comes twice, however many processes and workers read.

    Reader r of R, where every worker of a `torch.utils.data.DataLoader` on every rank is one, draws the blocks r,
    r + R, r + 2 R, ... of the identities: what it reads is a function of (seed, r, R) alone.

    Parameters
    ----------
    simulator : Simulator
        A surrogate, or a reference.
    seed : int
    variables : sequence of str, optional
        Conditions and outputs that an item holds; all by default. The identity comes along as `sample`.
    block : int, optional
        Samples that are drawn at once; as many as the simulator computes at a time by default.
    first : int
        Identities begin there.
    prior : bool
        Draw the conditions, where they are not given, from the plugin's prior, anew for every block.
    rank, ranks : int, optional
        Of this process and in all; those of `torch.distributed` or torchrun by default, else 0 of 1.
    **conditions
        The same for all samples, as `simulator.sample` takes them.

    Raises
    ------
    SchemaError
        A variable that the simulator does not have, a block below 1, or a rank that is not one of `ranks`.
    """

    def __init__(
        self,
        simulator: Simulator,
        *,
        seed: int,
        variables: Sequence[str] | None = None,
        block: int | None = None,
        first: int = 0,
        prior: bool = False,
        rank: int | None = None,
        ranks: int | None = None,
        **conditions: Any,
    ) -> None:
        self.variables = _chosen(simulator, variables)
        batch = getattr(simulator, "batch", 1)
        self.block = _whole_block(block if block is not None else batch if batch > 1 else _BLOCK)
        self.simulator, self.seed, self.first, self.prior = simulator, seed, first, prior
        self.conditions = conditions
        self._given = None if rank is None and ranks is None else (rank or 0, ranks or 1)
        if self._given is not None and not 0 <= self._given[0] < self._given[1]:
            raise SchemaError.about("rank", f"{self._given[0]} of {self._given[1]}", "0 to ranks - 1", value=rank)
        self._place = 0

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Items of this reader, a tensor a variable without the leading axis; begins where `load_state_dict` says."""
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        rank, ranks = self._rank()
        reader, readers = rank * workers + number, ranks * workers
        while True:
            turn, row = divmod(self._place, self.block)
            drawn = self._drawn(turn * readers + reader)
            for place in range(row, self.block):
                self._place += 1
                yield {name: _tensor(values[place]) for name, values in drawn.items()}

    def state_dict(self) -> dict[str, int]:
        """How far this reader is, as torchdata's StatefulDataLoader keeps it."""
        return {"place": self._place}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on from there."""
        self._place = int(state["place"])

    def _rank(self) -> tuple[int, int]:
        if self._given is not None:
            return self._given
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))

    def _drawn(self, block: int) -> dict[str, np.ndarray]:
        simulator: Any = self.simulator
        first = self.first + block * self.block
        if self.prior:
            drawn = simulator.plugin.prior(simulator.conditions, self.block, fold(self.seed, "prior", block))
            values = {str(name): drawn[name].values for name in drawn.data_vars if name in simulator.conditions}
            asked = {**values, **self.conditions}
            rows = condition_dataset(simulator.conditions, n=self.block, first=first, check=False, **asked)
            found = simulator.sample(rows, seed=self.seed)
        else:
            found = simulator.sample(self.block, seed=self.seed, first=first, **self.conditions)
        return {name: found[name].values for name in ("sample", *self.variables) if name in found.variables}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_given": self._rank()}  # what a spawned worker cannot ask for


def as_torch_dataset(
    simulator: Simulator, n_or_conditions: int | xr.Dataset | None = None, *, seed: int, **options: Any
) -> SampleStream | SampleDataset:
    """Samples as a torch Dataset: an endless stream, or as many as asked in any order.

    Parameters
    ----------
    simulator : Simulator
    n_or_conditions : int or xarray.Dataset, optional
        None gives a `SampleStream`; a number of samples, or a row of conditions for each, a `SampleDataset`.
    seed : int
    **options
        Of either, and conditions by name.

    Examples
    --------
    >>> stream = as_torch_dataset(surrogates.load("muon-decay"), seed=1, polarisation=0.5, muon_momentum="3 GeV")
    >>> batches = torch.utils.data.DataLoader(stream, batch_size=256, num_workers=4)
    """
    if n_or_conditions is None:
        return SampleStream(simulator, seed=seed, **options)
    return SampleDataset(simulator, n_or_conditions, seed=seed, **options)


def _chosen(simulator: Simulator, variables: Sequence[str] | None) -> tuple[str, ...]:
    known = (*simulator.conditions.names, *simulator.outputs.names)
    strange = [name for name in variables or () if name not in known]
    if strange:
        raise SchemaError.about("variables", ", ".join(strange), f"some of {', '.join(known)}")
    return tuple(variables or known)


def _whole_block(block: int) -> int:
    if block < 1:
        raise SchemaError.about("block", f"{block}", "1 or more", value=block)
    return block


class Drawn:
    """A transform of items, dictionary to dictionary, as MONAI's: outputs are drawn anew to the item's own conditions.

    In a share of the calls the simulator's outputs, of the item's masks or numbers, take the place of those in the
    item; everything else stays. `set_random_state` is MONAI's, so that `monai.transforms.Compose` seeds it.

    Parameters
    ----------
    simulator : Simulator
    share : float
        Of the calls, 0 to 1.
    seed : int
    keys : mapping of str to str, optional
        Item's key by variable, where they differ.

    Raises
    ------
    SchemaError
        A share beyond 0 to 1; in a call, an item that holds none of the conditions.
    """

    def __init__(
        self, simulator: Simulator, *, share: float = 0.5, seed: int = 0, keys: Mapping[str, str] | None = None
    ) -> None:
        if not 0.0 <= share <= 1.0:
            raise SchemaError.about("share", f"{share:g}", "0 to 1", value=share)
        self.simulator, self.share, self.keys = simulator, share, dict(keys or {})
        self.random = np.random.RandomState(seed)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> Drawn:
        """Begin anew from a seed, or go on from a state."""
        self.random = state if state is not None else np.random.RandomState(seed)
        return self

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The item, with drawn outputs in a share of the calls."""
        made = dict(item)
        if self.random.uniform() >= self.share:
            return made
        asked = {name: self._key(name) for name in self.simulator.conditions.names}
        given = {name: _plain(item[key])[None] for name, key in asked.items() if key in item}
        if not given:
            found = f"an item of {', '.join(map(str, item)) or 'nothing'}"
            raise SchemaError.about("item", found, f"one of the conditions {', '.join(asked.values())}")
        simulator: Any = self.simulator
        drawn = simulator.sample(1, seed=int(self.random.randint(2**31)), **given)
        for name in self.simulator.outputs.names:
            if name in drawn:
                own = item.get(self._key(name))
                values = drawn[name].values[0]
                made[self._key(name)] = _tensor(values) if own is None or isinstance(own, Tensor) else values
        return made

    def _key(self, name: str) -> str:
        return self.keys.get(name, name)


def _plain(value: Any) -> np.ndarray:
    """A number, array or tensor as numpy has it; a lone channel in front of an image is left out."""
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    return array[0] if array.ndim == 3 and array.shape[0] == 1 else array
