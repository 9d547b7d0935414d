"""Jets in the layout of the JetNet data set, so that its tools read them.

`particle_features` (n, 30, 4) holds etarel, phirel, ptrel, mask; `jet_features` (n, 4) holds pt, eta, mass,
num_particles (R. Kansal et al., NeurIPS 2021, arXiv:2106.11535; Zenodo record 6975118). The published files hold one
jet type each; here the further array `type` (n) tells the types apart by JetNet's class index: g, q, t, w, z.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, opened
from .description import Description, VariableDescription, describe, from_json, to_json
from .formats import FileFormatError, Format, FormatError
from .ragged import check_counts, real_entries
from .seals import check_seal

if TYPE_CHECKING:
    import xarray as xr

PARTICLE_FEATURES = ("constituent_eta_rel", "constituent_phi_rel", "constituent_pt_rel")
JET_FEATURES = ("jet_pt", "jet_eta", "jet_mass", "n_constituents")
DESCRIPTION = "surrogates_dataset"
TYPES = ("g", "q", "t", "w", "z")
_CHUNK_ROWS = 1024


def write_jetnet(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write jets in the JetNet layout.

    Parameters
    ----------
    blocks : iterable of Dataset
        In the layout of the jets plugin; further variables over (sample) become arrays of their own.
    target : path
        Written under a temporary name, then renamed.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FormatError
        Where the Dataset is no set of jets; names what is missing.
    OutputError
        Where the file exists or cannot be written.
    """
    import h5py

    from .hdf5_disk import writable_hdf5

    first, stream = opened(blocks)
    _require(first)
    with replacing(Path(target), overwrite=overwrite, sealed=True) as temporary, writable_hdf5(temporary) as output:
        file = output.file
        file.attrs["particle_features"] = ["etarel", "phirel", "ptrel", "mask"]
        file.attrs["jet_features"] = ["pt", "eta", "mass", "num_particles"]
        file.attrs["types"] = list(TYPES)
        file.create_dataset(DESCRIPTION, data=to_json(describe(first)))
        block: xr.Dataset | None = first
        while block is not None:
            _require(block)
            output.check()
            for name, values in _arrays(block).items():
                if name not in file:
                    chunks = (_CHUNK_ROWS, *values.shape[1:])
                    limits = (None, *values.shape[1:])
                    options: dict[str, Any] = {"chunks": chunks, "maxshape": limits, "fletcher32": True}
                    file.create_dataset(
                        name, (0, *values.shape[1:]), values.dtype, compression="gzip", compression_opts=1, **options
                    )
                array = file[name]
                assert isinstance(array, h5py.Dataset)
                start = array.shape[0]
                array.resize(start + len(values), axis=0)
                array[start:] = values
            block = next(stream, None)


def _require(block: xr.Dataset) -> None:
    missing = [name for name in (*PARTICLE_FEATURES, *JET_FEATURES) if name not in block.variables]
    if missing:
        raise FormatError(f"the JetNet layout holds jets; the Dataset lacks {', '.join(missing)}")
    unfit = [name for name, variable in block.variables.items() if variable.dims not in ((SAMPLE,), _PARTICLE_DIMS)]
    if unfit:
        raise FormatError(f"{unfit[0]}: the JetNet layout has no place for dimensions {block[unfit[0]].dims}")


_PARTICLE_DIMS = (SAMPLE, "constituent")


def _arrays(block: xr.Dataset) -> dict[str, np.ndarray]:
    counts = block["n_constituents"].values
    check_counts("n_constituents", counts, "constituent", block.sizes["constituent"])
    mask = real_entries(counts, block.sizes["constituent"]).astype(float)
    arrays = {
        "particle_features": np.stack([*(block[name].values for name in PARTICLE_FEATURES), mask], axis=-1),
        "jet_features": np.stack([block[name].values.astype(float) for name in JET_FEATURES], axis=-1),
    }
    if "jet_type" in block:
        arrays["type"] = block["jet_type"].values
    known = {*PARTICLE_FEATURES, *JET_FEATURES, "jet_type"}
    return arrays | {str(name): variable.values for name, variable in block.variables.items() if name not in known}


def read_jetnet(path: str | Path, *, block_rows: int = 1 << 16) -> Iterator[xr.Dataset]:
    """Yield jets from a file in the JetNet layout: one of ours, or one of the published ones.

    A published file holds one type, which the first letter of its name tells (``g.hdf5``, ``t.hdf5``).

    Raises
    ------
    FileFormatError
        Where the arrays are missing, of another shape, or damaged.
    """
    import h5py

    from .hdf5_heaps import endless_heap

    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    check_seal(path)
    try:
        if (heap := endless_heap(path)) is not None:
            raise FileFormatError(f"the heap at byte {heap} is damaged; expected an intact HDF5 file")
        with h5py.File(path, "r") as file:
            arrays = {name: entry for name, entry in file.items() if isinstance(entry, h5py.Dataset)}
            if not {"particle_features", "jet_features"} <= set(arrays):
                found = ", ".join(sorted(arrays)) or "nothing"
                raise FileFormatError(f"expected arrays particle_features and jet_features; found {found}")
            n, shape = len(arrays["jet_features"]), arrays["particle_features"].shape
            if shape != (n, shape[1], 4) or arrays["jet_features"].shape != (n, 4):
                raise FileFormatError(
                    f"particle_features {shape}: expected (n, particles, 4) beside jet_features (n, 4)"
                )
            if arrays["particle_features"].nbytes > 5000 * path.stat().st_size:
                raise FileFormatError("particle_features claims more than the file can hold; it is damaged")
            description = _stored_description(arrays, shape[1])
            for start in range(0, max(n, 1), block_rows):
                yield _dataset(arrays, description, path, slice(start, min(start + block_rows, n)))
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path}: expected HDF5 in the JetNet layout; {reason}") from None


def _stored_description(arrays: dict[str, Any], size: int) -> Description:
    if DESCRIPTION in arrays:
        return from_json(arrays[DESCRIPTION].asstr()[()])
    jet = {"jet_pt": "GeV", "jet_eta": "1", "jet_mass": "GeV"}
    flags = {"flag_values": np.arange(5, dtype=np.int8), "flag_meanings": "gluon light_quark top w z"}
    variables = {
        SAMPLE: VariableDescription((SAMPLE,), np.dtype("i8"), {"units": "1", "long_name": "row in the file"}, True),
        "jet_type": VariableDescription((SAMPLE,), np.dtype("i1"), {"units": "1", "long_name": "jet type", **flags}),
        "n_constituents": VariableDescription(
            (SAMPLE,), np.dtype("i8"), {"units": "1", "long_name": "constituents kept"}
        ),
    }
    for name, units in jet.items():
        variables[name] = VariableDescription(
            (SAMPLE,), np.dtype("f8"), {"units": units, "long_name": f"{name} of a jet"}
        )
    for name in PARTICLE_FEATURES:
        attrs = {"units": "1", "long_name": f"{name}, relative to the jet"}
        variables[name] = VariableDescription(_PARTICLE_DIMS, np.dtype("f8"), attrs)
    return Description({"constituent": size}, variables, {"Conventions": "CF-1.12"}, {"constituent": "n_constituents"})


def _dataset(arrays: dict[str, Any], description: Description, path: Path, here: slice) -> xr.Dataset:
    particle, jet = arrays["particle_features"][here], arrays["jet_features"][here]
    real = particle[..., 3] > 0.5
    values = {name: np.where(real, particle[..., i], 0) for i, name in enumerate(PARTICLE_FEATURES)}
    values |= {name: jet[:, i] for i, name in enumerate(JET_FEATURES[:3])}
    values["n_constituents"] = real.sum(axis=1)
    stem = TYPES.index(path.name[0]) if path.name[0] in TYPES else -1
    values["jet_type"] = arrays["type"][here] if "type" in arrays else np.full(len(jet), stem)
    for name, variable in description.variables.items():
        if name not in values:
            values[name] = arrays[name][here] if name in arrays else np.arange(here.start, here.stop)
        expected = tuple(len(jet) if dim == SAMPLE else description.sizes[dim] for dim in variable.dims)
        if values[name].shape != expected or values[name].dtype.kind not in "iufb":
            raise FileFormatError(f"{name} has shape {values[name].shape}, expected {expected}")
    return description.dataset(values)


JETNET = Format(
    name="jetnet",
    suffixes=(".jetnet.h5", ".jetnet.hdf5"),
    description="HDF5 in the JetNet layout: particle_features, jet_features",
    write=write_jetnet,
    read=read_jetnet,
)
