"""ROOT files: one TTree `Events` with run, luminosityBlock and event, jagged branches with a shared counter.

Branches bear the Dataset's names and types. Units, dimensions and flags travel in the object `surrogates_dataset`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, check_same_schema, opened, rows
from .description import Description, describe, from_json, to_json
from .formats import FileFormatError, Format, FormatError, missing_library
from .ragged import check_counts, pack, real_entries, unpack
from .seals import check_seal

if TYPE_CHECKING:
    import xarray as xr

TREE = "Events"
DESCRIPTION = "surrogates_dataset"


def write_root(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write blocks into a TTree.

    Parameters
    ----------
    blocks : iterable of Dataset
        Variables over (sample), over (sample, dim) where `dim` has a count (jagged branches, one counter for each
        dimension) and over further fixed dimensions (arrays of fixed size). The sample's identity becomes `event`.
    target : path
        Written under a temporary name, then renamed.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FormatError
        Where uproot is not installed or a variable does not fit a branch; names it.
    OutputError
        Where the file exists or cannot be written.
    """
    awkward, uproot = _libraries()
    first, stream = opened(blocks)
    description = _checked(describe(first))
    with replacing(Path(target), overwrite=overwrite, sealed=True) as temporary:
        with uproot.recreate(str(temporary)) as file:
            counters = {f"{dim}_entries": name for dim, name in description.counts.items()}
            tree = file.mktree(
                TREE,
                _branches(awkward, first.isel({SAMPLE: slice(0, 0)}), description, as_types=True),
                counter_name=lambda collection: counters[collection],
                field_name=lambda collection, field: field,
                title=str(first.attrs.get("plugin", "samples")),
            )
            file[DESCRIPTION] = to_json(description)
            block: xr.Dataset | None = first
            while block is not None:
                check_same_schema(first, block)
                if rows(block):
                    tree.extend(_branches(awkward, block, description, as_types=False))
                block = next(stream, None)


def _libraries() -> tuple[Any, Any]:
    try:
        import awkward
        import uproot
    except ImportError:
        raise missing_library("uproot", "formats", "ROOT") from None
    return awkward, uproot


def _checked(description: Description) -> Description:
    for name, variable in description.variables.items():
        if variable.dims[:1] != (SAMPLE,):
            raise FormatError(f"{name}: dimensions are {variable.dims}; a TTree holds variables over {SAMPLE!r} first")
        if variable.dtype.kind not in "iufb":
            raise FormatError(f"{name}: type {variable.dtype} does not fit a branch; expected numbers or booleans")
    return description


def _branches(awkward: Any, block: xr.Dataset, description: Description, *, as_types: bool) -> dict[str, Any]:
    n = rows(block)
    run = np.full(n, int(block.attrs.get("run", 1)), np.uint32)
    branches: dict[str, Any] = {"run": run, "luminosityBlock": np.ones(n, np.uint32)}
    identity = block[SAMPLE].values if SAMPLE in block.coords else np.arange(n)
    branches["event"] = identity.astype(np.int64)
    counts = {}
    for dim, name in description.counts.items():
        counts[dim] = block[name].values.astype(np.int64)
        check_counts(name, counts[dim], dim, block.sizes[dim])
    jagged: dict[str, dict[str, Any]] = {dim: {} for dim in counts}
    for name, variable in description.variables.items():
        values = block.variables[name].values
        dim = variable.dims[1] if len(variable.dims) > 1 else ""
        if dim in counts:
            flat = pack(name, values, real_entries(counts[dim], block.sizes[dim]))
            jagged[dim][name] = awkward.unflatten(flat, counts[dim])
        elif name != SAMPLE and name not in description.counts.values():
            branches[name] = values
    if as_types:
        branches = {name: np.dtype((values.dtype, values.shape[1:])) for name, values in branches.items()}
    for dim, fields in jagged.items():
        record = awkward.zip(fields, depth_limit=2)
        branches[f"{dim}_entries"] = record.type if as_types else record
    return branches


def read_root(path: str | Path, *, block_rows: int = 1 << 16) -> Iterator[xr.Dataset]:
    """Yield the Datasets of a ROOT file that :func:`write_root` wrote, in blocks.

    Raises
    ------
    FileFormatError
        Where the file is foreign, truncated or altered.
    """
    _, uproot = _libraries()
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    try:
        check_seal(path)
        with uproot.open(str(path)) as file:
            if TREE not in file or DESCRIPTION not in file:
                raise FileFormatError(f"expected a TTree {TREE!r} and {DESCRIPTION!r}; found {file.keys()[:6]}")
            description = from_json(str(file[DESCRIPTION]))
            tree = file[TREE]
            n = int(tree.num_entries)
            if n == 0:
                yield description.empty()
            for start in range(0, n, block_rows):
                yield description.dataset(_values(tree, description, start, min(start + block_rows, n)))
    except FileFormatError as error:
        text = str(error)
        raise FileFormatError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path}: expected a ROOT file written by this package; {reason}") from None


def _values(tree: Any, description: Description, start: int, stop: int) -> dict[str, np.ndarray]:
    def array(branch: str) -> Any:
        return tree[branch].array(entry_start=start, entry_stop=stop, library="ak")

    import awkward

    values: dict[str, np.ndarray] = {}
    counts: Mapping[str, np.ndarray] = {
        dim: np.asarray(array(name), dtype=np.int64) for dim, name in description.counts.items()
    }
    for name, variable in description.variables.items():
        shape = tuple(stop - start if dim == SAMPLE else description.sizes[dim] for dim in variable.dims)
        dim = variable.dims[1] if len(variable.dims) > 1 else ""
        if dim in counts:
            check_counts(description.counts[dim], counts[dim], dim, description.sizes[dim])
            jagged = array(name)
            if not np.array_equal(awkward.num(jagged).to_numpy(), counts[dim]):
                raise FileFormatError(f"{name} does not have as many entries as {description.counts[dim]} says")
            values[name] = unpack(awkward.flatten(jagged).to_numpy(), counts[dim], description.sizes[dim])
        else:
            values[name] = array("event" if name == SAMPLE else name).to_numpy()
        if values[name].shape != shape:
            raise FileFormatError(f"{name} has shape {values[name].shape}, expected {shape}")
    return values


ROOT = Format(
    name="root",
    suffixes=(".root",),
    description="ROOT TTree with jagged branches, run, luminosityBlock and event",
    write=write_root,
    read=read_root,
    extra="formats",
)
