"""Boxes of particles as snapshots in the HDF5 layout of GADGET-4, which yt, pynbody and most halo finders open.

`Header`, `Parameters` and `PartType1` at the top are those of the first box; every box has its own under
``Boxes/0``, ``Boxes/1``, … (V. Springel et al. 2021, MNRAS 506, 2871, and the code's documentation, "Snapshot file
format"). Lengths are comoving kpc/h, which readers take for granted, masses 1e10 Msun/h; `Velocities` are peculiar
velocities over the square root of the scale factor, as GADGET stores them. The Dataset itself lies under ``Dataset``,
bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import replacing
from .blocks import SAMPLE, check_same_schema, opened
from .description import describe, from_json, to_json
from .formats import FileFormatError, Format, FormatError
from .seals import check_seal

if TYPE_CHECKING:
    import xarray as xr

DATASET = "Dataset"
DESCRIPTION = "surrogates_dataset"
BOXES = "Boxes"
NEEDED = ("displacement", "velocity", "omega_m", "redshift")
KILOPARSEC_CM = 3.085677581491367e21
SOLAR_MASS_G = 1.98840987e33
CRITICAL_DENSITY = 27.7536627
"""Of a flat universe, 1e10 h^2 Msun / Mpc^3."""


def write_gadget(
    blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False, spacing: float = 2.0
) -> None:
    """Write boxes of particles that started from a lattice.

    Parameters
    ----------
    blocks : iterable of Dataset
        With `displacement` (sample, x, y, z, component) in Mpc/h, `velocity` alike in km/s, `omega_m` and `redshift`.
    target : path
        Written under a temporary name, then renamed.
    overwrite : bool
        Whether an existing file may be replaced.
    spacing : float
        Mpc/h between lattice points.

    Raises
    ------
    FormatError
        Where the Dataset holds no boxes of particles; names what is missing.
    OutputError
        Where the file exists or cannot be written.
    """
    from .hdf5_disk import writable_hdf5

    first, stream = opened(blocks)
    _require(first)
    with replacing(Path(target), overwrite=overwrite, sealed=True) as temporary, writable_hdf5(temporary) as output:
        file = output.file
        file.attrs["spacing"] = spacing
        file.create_dataset(DESCRIPTION, data=to_json(describe(first)))
        boxes, exact = file.create_group(BOXES), file.create_group(DATASET)
        block: xr.Dataset | None = first
        while block is not None:
            _require(block)
            check_same_schema(first, block)
            output.check()
            for name, variable in block.variables.items():
                values = np.asarray(variable.values)
                if name not in exact:
                    limits = (None, *values.shape[1:])
                    empty = (0, *values.shape[1:])
                    exact.create_dataset(
                        str(name), empty, values.dtype, maxshape=limits, chunks=(1, *values.shape[1:]), fletcher32=True
                    )
                array: Any = exact[str(name)]
                array.resize(len(array) + len(values), axis=0)
                array[len(array) - len(values) :] = values
            for row in range(block.sizes[SAMPLE]):
                _write_box(boxes.create_group(str(len(boxes))), block.isel(sample=row), spacing)
            block = next(stream, None)
        if len(boxes):
            for name in ("Header", "Parameters", "PartType1"):
                file[name] = boxes[f"0/{name}"]


def _require(block: xr.Dataset) -> None:
    missing = [name for name in NEEDED if name not in block.variables]
    if missing:
        raise FormatError(f"a snapshot holds particles; the Dataset lacks {', '.join(missing)}")
    for name in ("displacement", "velocity"):
        if block[name].ndim != 5 or block[name].shape[-1] != 3 or len(set(block[name].shape[1:4])) != 1:
            raise FormatError(f"{name}: shape {block[name].shape}; expected (sample, n, n, n, 3)")
    for name, variable in block.variables.items():
        if variable.dims[:1] != (SAMPLE,):
            raise FormatError(f"{name}: a snapshot has no place for dimensions {variable.dims}")


def _write_box(group: Any, box: xr.Dataset, spacing: float) -> None:
    displacement = box["displacement"].values
    side = displacement.shape[0]
    box_size, count = side * spacing, side**3
    omega_m, redshift = float(box["omega_m"]), float(box["redshift"])
    axis = (np.arange(side) + 0.5) * spacing
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    places = np.mod(lattice + displacement, box_size).reshape(-1, 3)
    numbers, none = np.array([0, count], np.uint64), np.zeros(2, np.uint64)
    header = group.create_group("Header")
    header.attrs.update(
        {
            "NumPart_ThisFile": numbers,
            "NumPart_Total": numbers,
            "NumPart_Total_HighWord": none,
            "MassTable": np.array([0.0, CRITICAL_DENSITY * omega_m * spacing**3]),
            "Time": 1 / (1 + redshift),
            "Redshift": redshift,
            "BoxSize": 1e3 * box_size,
            "NumFilesPerSnapshot": 1,
            "Git_commit": "",
            "Git_date": "",
        }
    )
    parameters = group.create_group("Parameters")
    parameters.attrs.update(
        {
            "Omega0": omega_m,
            "OmegaLambda": 1 - omega_m,
            "OmegaBaryon": 0.0493,
            "HubbleParam": 0.6736,
            "Hubble": 100.0,
            "UnitLength_in_cm": KILOPARSEC_CM,
            "UnitMass_in_g": 1e10 * SOLAR_MASS_G,
            "UnitVelocity_in_cm_per_s": 1e5,
            "ComovingIntegrationOn": 1,
            "Nsample": side,
        }
    )
    for name in ("Omega0", "OmegaLambda", "HubbleParam"):  # where GADGET-2 had them, and some readers still look
        header.attrs[name] = parameters.attrs[name]
    particles = group.create_group("PartType1")
    options = {"fletcher32": True, "chunks": True}
    particles.create_dataset("Coordinates", data=1e3 * places, **options)
    velocities = box["velocity"].values.reshape(-1, 3) * np.float32(np.sqrt(1 + redshift))
    particles.create_dataset("Velocities", data=velocities.astype(np.float32), **options)
    particles.create_dataset("ParticleIDs", data=np.arange(1, count + 1, dtype=np.uint32), **options)


def read_gadget(path: str | Path, *, block_rows: int = 16) -> Iterator[xr.Dataset]:
    """Yield boxes from a file that `write_gadget` wrote.

    Raises
    ------
    FileFormatError
        A snapshot of another program, which does not say where its particles started, or a damaged file.
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
            if DESCRIPTION not in file or DATASET not in file:
                raise FileFormatError("expected a snapshot written by surrogates, with the group Dataset")
            stored: Any = file[DESCRIPTION]
            exact: Any = file[DATASET]
            description = from_json(stored.asstr()[()])
            if set(description.variables) != set(exact):
                raise FileFormatError("its Dataset does not hold the variables that it describes; it is damaged")
            lengths = {len(exact[name]) for name in exact}
            if len(lengths) != 1:
                raise FileFormatError(f"variables of {sorted(lengths)} boxes; expected one number")
            count = lengths.pop()
            for name, variable in description.variables.items():
                expected = (count, *(description.sizes[dim] for dim in variable.dims[1:]))
                if exact[name].shape != expected or exact[name].dtype.kind not in "iufb":
                    raise FileFormatError(f"{name} has shape {exact[name].shape}, expected {expected}")
                if exact[name].nbytes > 5000 * path.stat().st_size:
                    raise FileFormatError(f"{name} claims more than the file can hold; it is damaged")
            for start in range(0, max(count, 1), block_rows):
                yield description.dataset({name: exact[name][start : start + block_rows] for name in exact})
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path}: expected a snapshot in HDF5; {reason}") from None


GADGET = Format(
    name="gadget",
    suffixes=(".gadget.h5", ".gadget.hdf5"),
    description="HDF5 snapshots of particles in the layout of GADGET-4: Header, Parameters, PartType1",
    write=write_gadget,
    read=read_gadget,
)
