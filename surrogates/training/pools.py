"""Training pools: tensors of outputs and conditions, from Datasets or one HDF5 file, and batches drawn by counter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..contract.errors import SurrogatesError
from ..contract.recipe import Batch
from ..contract.schema import Schema
from ..io.atomic import replacing
from ..noise import Noise, fold

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.recipe import Codec

    Tensors = dict[str, Tensor]

_CHUNK = 16384
_FIELD = 1024  # values a sample from which float32 is kept
_LARGE = 1 << 30  # bytes in float64 up to which a whole variable is given to a codec's `fit` in that type
_SCHEMAS = "schemas"
_WINDOW = 32  # batches among which rows that are alike are gathered


class PoolError(SurrogatesError, ValueError):
    """Training data that cannot be used; one line that names the variable or file and what was expected."""


@dataclass(frozen=True)
class Pool:
    """Samples that are shuffled together: outputs and conditions by name, leading axis `sample`.

    Attributes
    ----------
    outputs, conditions : mapping of Tensor
        Physical values in schema units, float64 or integer codes; or encoded ones. Fields of float32 are kept so, and
        become float64 a part at a time: see `in_doubles`.
    """

    outputs: Mapping[str, Tensor]
    conditions: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        lengths = {name: len(tensor) for name, tensor in self.physical.items()}
        if len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
            raise PoolError(f"samples: lengths {lengths}; expected one length above 0 for every variable")

    def __len__(self) -> int:
        return len(next(iter(self.physical.values())))

    @property
    def physical(self) -> Tensors:
        """Outputs and conditions in one mapping."""
        return {**self.outputs, **self.conditions}


def pool_from_arrays(arrays: Mapping[str, Any], conditions: Sequence[str]) -> Pool:
    """A pool of numpy arrays; integers become int64, floats float64 (fields of float32 stay what they are), and
    variables named in `conditions` conditions."""
    tensors = {name: _tensor(name, np.asarray(array)) for name, array in arrays.items()}
    return Pool(
        {name: tensor for name, tensor in tensors.items() if name not in conditions},
        {name: tensor for name, tensor in tensors.items() if name in conditions},
    )


def pool_from_dataset(dataset: xr.Dataset, conditions: Sequence[str]) -> Pool:
    """A pool of a Dataset's variables along `sample`."""
    arrays = {str(name): v.values for name, v in dataset.data_vars.items() if v.dims[:1] == ("sample",)}
    return pool_from_arrays(arrays, conditions)


def write_pools(
    path: str | Path, pools: Sequence[Pool], schemas: Mapping[str, tuple[Schema, Schema]] | None = None
) -> None:
    """Write pools to one HDF5 file that trains anywhere: a group a pool, and in it ``outputs`` and ``conditions``.

    Parameters
    ----------
    path : path
    pools : sequence of Pool
    schemas : mapping, optional
        Plugin -> conditions and outputs, where the data say what the plugin leaves open.
    """
    import h5py

    with replacing(Path(path), overwrite=True) as partial, h5py.File(partial, "w") as file:
        stated = {name: [schema.to_json() for schema in pair] for name, pair in (schemas or {}).items()}
        if stated:
            file.attrs[_SCHEMAS] = json.dumps(stated)
        for k, pool in enumerate(pools):
            for kind, tensors in (("outputs", pool.outputs), ("conditions", pool.conditions)):
                group = file.create_group(f"{k}/{kind}")
                for name, tensor in tensors.items():
                    group.create_dataset(name, data=tensor.numpy(), fletcher32=True, chunks=True)


def read_pools(path: str | Path, conditions: Sequence[str] = ()) -> tuple[Pool, ...]:
    """Read what `write_pools` wrote, or a flat HDF5 file of padded variables whose leading axis is `sample`.

    Parameters
    ----------
    path : path
    conditions : sequence of str
        Condition variables of a flat file.

    Raises
    ------
    PoolError
        Unreadable file.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if "0" in file:
                return tuple(
                    Pool(*(_read_group(file[f"{k}/{kind}"]) for kind in ("outputs", "conditions")))
                    for k in sorted(file, key=int)
                )
            arrays = {name: v[()] for name, v in file.items() if isinstance(v, h5py.Dataset) and name != "sample"}
    except (OSError, KeyError, ValueError) as error:
        raise PoolError(f"{path}: no training pools ({error}); expected a file written by write_pools") from None
    longest = max((len(array) for array in arrays.values() if np.ndim(array)), default=0)
    arrays = {name: array for name, array in arrays.items() if np.ndim(array) and len(array) == longest}
    return (pool_from_arrays(arrays, conditions),)


def read_schemas(path: str | Path) -> dict[str, tuple[Schema, Schema]]:
    """What `write_pools` was told of the schemas: plugin -> conditions and outputs."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            stated = json.loads(str(file.attrs.get(_SCHEMAS, "{}")))
        return {name: (Schema.from_json(pair[0]), Schema.from_json(pair[1])) for name, pair in stated.items()}
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise PoolError(f"{path}: no training pools ({error}); expected a file written by write_pools") from None


def _read_group(group: Any) -> Tensors:
    return {name: _tensor(name, dataset[()]) for name, dataset in group.items()}


def _tensor(name: str, array: np.ndarray) -> Tensor:
    if array.dtype.kind in "iub":
        return torch.from_numpy(np.array(array, dtype=np.uint8 if array.dtype == np.uint8 else np.int64))
    if array.dtype == np.float32 and array[:1].size >= _FIELD:
        return torch.from_numpy(array if array.flags.writeable and array.flags.c_contiguous else array.copy())
    if array.dtype.kind == "f":
        return torch.from_numpy(np.array(array, dtype=np.float64))
    raise PoolError(f"{name}: dtype {array.dtype} does not train; expected numbers or integer codes")


def in_doubles(tensor: Tensor) -> Tensor:
    """A variable as codecs have it, float64 where it is a floating-point number."""
    return tensor.double() if tensor.is_floating_point() else tensor


def for_fitting(pool: Pool) -> Tensors:
    """The variables of a pool as codecs are fitted on them: float64, fields above a gigabyte in what they are kept."""
    return {
        name: in_doubles(tensor) if 8 * tensor.numel() <= _LARGE else tensor for name, tensor in pool.physical.items()
    }


def check_pools(pools: Sequence[Pool], schemas: Sequence[Schema]) -> None:
    """Raise PoolError for the first value that no model can learn from; names the variable and its row.

    A number has to be finite (NaN passes in an optional variable, where it stands for "not asked"), a code one of the
    categories. Variables that stand in none of `schemas`, parts of samples for one, are the recipe's own business.
    """
    for number, pool in enumerate(pools):
        for name, tensor in pool.physical.items():
            variable = next((schema[name] for schema in schemas if name in schema), None)
            if variable is None or variable.text:
                continue
            values = tensor.numpy()
            if variable.categories is not None:
                bad = (values < (-1 if variable.optional else 0)) | (values >= len(variable.categories))
                expected = f"codes 0 to {len(variable.categories) - 1}, {variable.describe_range()}"
            elif values.dtype.kind == "f":
                bad = ~np.isfinite(values)
                bad &= ~(np.isnan(values) & variable.optional)
                expected = "finite numbers"
            else:
                continue
            if bad.any():
                row = int(np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))[0])
                where = f" of pool {number}" if len(pools) > 1 else ""
                raise PoolError(
                    f"{name}: {values[bad].flat[0]} in row {row}{where} of the training data; expected {expected}",
                    variable=name,
                    value=values[bad].flat[0],
                    expected=expected,
                )


@contextmanager
def naming_what_is_missing(schemas: Sequence[Schema]) -> Iterator[None]:
    """Turn a codec's KeyError into the line that says which variable the training data lack."""
    try:
        yield
    except KeyError as error:
        name = str(error.args[0]) if error.args else ""
        variable = next((schema[name] for schema in schemas if name in schema), None)
        if variable is None:
            raise
        raise PoolError(
            f"{name}: missing from the training data; expected {variable.long_name or name} in every sample",
            variable=name,
            expected="a variable of the training data",
        ) from None


def digest(pools: Sequence[Pool]) -> str:
    """What tells training data from others: 16 hexadecimal digits of a hash of all names and values."""
    found = hashlib.sha256()
    for pool in pools:
        for name, tensor in sorted(pool.physical.items()):
            kept = np.dtype(np.float64) if tensor.dtype == torch.float32 else tensor.detach().cpu().numpy().dtype
            found.update(f"{name} {kept} {tuple(tensor.shape)}".encode())
            for part in tensor.detach().cpu().split(_CHUNK):
                found.update(in_doubles(part).contiguous().numpy().data)
    return found.hexdigest()[:16]


def encode_pool(pool: Pool, codec: Codec, dtype: torch.dtype, device: torch.device | str = "cpu") -> Pool:
    """Encode a pool once, before training; floating-point values come out in `dtype` on `device`.

    What the codec makes of the conditions alone are conditions; whatever else it makes of all variables, outputs.
    """
    outputs: Tensors = {}
    conditions: Tensors = {}

    def place(kind: Tensors, name: str, tensor: Tensor, rows: slice) -> None:
        if name not in kind:  # room for all at once: a list of parts would be held twice when it is joined
            held = dtype if tensor.is_floating_point() else tensor.dtype
            kind[name] = torch.empty((len(pool), *tensor.shape[1:]), dtype=held, device=device)
        kind[name][rows] = tensor.to(device)

    largest = max(tensor[:1].numel() for tensor in pool.physical.values())
    step = max(1, min(_CHUNK, _LARGE // (8 * largest)))
    for start in range(0, len(pool), step):
        rows = slice(start, start + step)
        asked = {name: in_doubles(tensor[rows]) for name, tensor in pool.conditions.items()}
        asked = codec.encode(asked) if asked else {}
        whole = codec.encode({name: in_doubles(tensor[rows]) for name, tensor in pool.physical.items()})
        for name, tensor in asked.items():
            place(conditions, name, tensor, rows)
        for name, tensor in whole.items():
            if name not in asked:
                place(outputs, name, tensor, rows)
    return Pool(outputs, conditions)


class Order:
    """Which rows of a pool form batch number `step`: a new permutation every epoch, found by counting.

    Parameters
    ----------
    length, batch : int
        Rows of the pool, and of a batch over all ranks together.
    seed : int
        Of the permutations.
    key : Tensor, optional
        (length,) numbers; within every 32 batches of the permutation, rows of like numbers come together.
    """

    def __init__(self, length: int, batch: int, seed: int, key: Tensor | None = None) -> None:
        self.length, self.batch, self.seed = length, batch, seed
        self.key = None if key is None else key.cpu()
        self._epochs: dict[int, Tensor] = {}

    def _permutation(self, epoch: int) -> Tensor:
        if epoch not in self._epochs:
            self._epochs = {e: rows for e, rows in self._epochs.items() if e == epoch - 1}
            generator = torch.Generator().manual_seed(fold(self.seed, epoch))
            rows = torch.randperm(self.length, generator=generator)
            if self.key is not None:
                first = -epoch * self.length % self.batch  # rows up to here complete the last epoch's last batch
                parts = [rows[:first]]
                for window in rows[first:].split(_WINDOW * self.batch):
                    alike = window[torch.argsort(self.key[window], stable=True)]
                    whole = len(window) // self.batch
                    order = torch.randperm(whole, generator=generator)
                    parts += [alike[: whole * self.batch].reshape(whole, self.batch)[order].flatten()]
                    parts += [alike[whole * self.batch :]]
                rows = torch.cat(parts)
            self._epochs[epoch] = rows
        return self._epochs[epoch]

    def rows(self, step: int, rank: int = 0, ranks: int = 1) -> Tensor:
        """Rows of this rank's share of batch `step`, int64."""
        share = self.batch // ranks
        start = step * self.batch + rank * share
        parts = []
        while share > 0:
            epoch, offset = divmod(start, self.length)
            taken = self._permutation(epoch)[offset : offset + share]
            parts.append(taken)
            start, share = start + len(taken), share - len(taken)
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class Batches:
    """The batches of one phase, each a function of (seed, phase, step, rank) alone.

    Rows and their noise are those of one rank's batch, cut in shares: what several ranks learn from is the same. Only
    torch's own generators, for dropout and the like, are seeded by rank.
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        size: int,
        seed: int,
        phase: int,
        rank: int = 0,
        ranks: int = 1,
        alike: Callable[[Mapping[str, Tensor]], Tensor] | None = None,
    ) -> None:
        self.pools, self.seed, self.phase, self.rank, self.ranks = pools, seed, phase, rank, ranks
        self.orders = [
            Order(len(pool), size, fold(seed, "order", phase, k), alike(pool.outputs) if alike else None)
            for k, pool in enumerate(pools)
        ]
        device = next(iter(pools[0].physical.values())).device
        self.slots = torch.arange(size // ranks, device=device) + rank * (size // ranks)

    def __getitem__(self, step: int) -> Batch:
        """Batch number `step`; also reseeds torch's own generators."""
        encoded: Tensors = {}
        conditions: Tensors = {}
        for k, (pool, order) in enumerate(zip(self.pools, self.orders, strict=True)):
            prefix = f"{k}/" if len(self.pools) > 1 else ""
            rows = order.rows(step, self.rank, self.ranks).to(self.slots.device)
            encoded |= {prefix + name: tensor.index_select(0, rows) for name, tensor in pool.outputs.items()}
            conditions |= {prefix + name: tensor.index_select(0, rows) for name, tensor in pool.conditions.items()}
        seed = fold(self.seed, self.phase, step, self.rank)
        # torch.manual_seed keeps a stack trace for every backend that is not initialised: slow, and it grows
        torch.default_generator.manual_seed(seed)
        if self.slots.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        return Batch(encoded, conditions, Noise(fold(self.seed, self.phase, step, 0), self.slots), step)
