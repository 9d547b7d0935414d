"""What hats-import reads where there are no files: galaxies of a mock survey, or samples at places on the sky.

hats-import (https://hats-import.readthedocs.io) builds a HATS catalogue by Dask from whatever an `InputReader` yields.
It asks for each input twice, first for the positions alone; an input is a name, so it may as well be made where it is
read. The same rows come whoever makes them, and there is no file in between but hats-import's own.

>>> from hats_import.pipeline import pipeline_with_client
>>> reader = surrogates.survey.hats_reader(area="100 deg2", depth=25.3, seed=1)
>>> pipeline_with_client(surrogates.survey.hats_arguments(reader, "catalogues", "mock"), client)
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..contract.errors import SchemaError
from ..io.formats import missing_library
from ..io.tables import parquet_for
from ..sampling.tables import others, with_others
from . import lightcone
from .catalogues import part
from .files import MOST_ROWS
from .galaxies import columns, positions
from .request import Survey

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.simulator import Opened

PLACE = ("ra", "dec")
"""Columns of right ascension and declination, degrees."""

PIECE = 200_000
"""Samples in an input, or a little more: hats-import takes three times as long with inputs of 5,000."""

_NAME = "piece-"
_ONE_AT_A_TIME = threading.Lock()  # a worker of several threads would draw several pieces at once


class Pieces(Protocol):
    """Rows that are made piece by piece."""

    @property
    def identity(self) -> str:
        """Name of the column of identities."""
        ...

    def __len__(self) -> int:
        """How many pieces."""
        ...

    def rows(self, number: int) -> xr.Dataset:
        """One of them."""
        ...

    def places(self, number: int) -> xr.Dataset:
        """Its `PLACE` alone."""
        ...


@dataclass(frozen=True)
class HatsReader:
    """What hats-import calls an input reader, of rows that are made when they are read.

    It has the one method of `hats_import.catalog.file_readers.InputReader` that is called (hats-import 0.11), and needs
    hats-import neither here nor where a worker opens it.

    Attributes
    ----------
    pieces : Pieces
    """

    pieces: Pieces

    @property
    def inputs(self) -> list[str]:
        """For `ImportArguments(input_file_list=…)`: a name for each piece."""
        return [f"{_NAME}{number:06d}" for number in range(len(self.pieces))]

    def read(self, input_file: Any, read_columns: Sequence[str] | None = None) -> Iterator[Any]:
        """Make one input.

        Parameters
        ----------
        input_file : str or path
            One of `inputs`.
        read_columns : sequence of str, optional
            These alone.

        Yields
        ------
        pyarrow.Table
            One, none where the piece has no rows; `units` and `description` in the metadata of each column.

        Raises
        ------
        SchemaError
            A name that is none of `inputs`, or a column that is not there.
        """
        name = str(input_file).rpartition("/")[2]
        number = name.removeprefix(_NAME)
        if not (name.startswith(_NAME) and number.isdecimal() and int(number) < len(self.pieces)):
            raise SchemaError.about("input_file", name, f"{_NAME}000000 to {self.inputs[-1]}")
        alone = read_columns is not None and set(read_columns) <= set(PLACE)
        with _ONE_AT_A_TIME:
            rows = self.pieces.places(int(number)) if alone else self.pieces.rows(int(number))
        if rows.sizes["sample"]:
            yield _table(rows, self.pieces.identity, read_columns)


@dataclass(frozen=True)
class _Cells:
    survey: Survey
    identity: str = "galaxy_id"

    def __len__(self) -> int:
        return len(lightcone.cells(self.survey))

    def rows(self, number: int) -> xr.Dataset:
        made = part(self.survey, number)
        return made[[name for name in columns(self.survey.bands) if name != self.identity]]

    def places(self, number: int) -> xr.Dataset:
        import xarray as xr

        found = positions(self.survey, lightcone.cells(self.survey)[number])
        return xr.Dataset({name: ("sample", values) for name, values in zip(PLACE, found, strict=True)})


@dataclass(frozen=True)
class _Samples:
    simulator: bytes
    asked: xr.Dataset
    seed: int
    size: int
    identity: str = "sample"

    def __len__(self) -> int:
        return max(1, -(-self.asked.sizes["sample"] // self.size))

    def rows(self, number: int) -> xr.Dataset:
        from ..io import concatenate

        simulator, start = _opened(self.simulator), number * self.size
        asked = self._asked(number)
        left = others(asked, simulator.conditions)
        blocks = simulator.stream(asked.drop_vars(left), seed=self.seed)
        return concatenate(with_others(blocks, self.asked, simulator.conditions, start))

    def places(self, number: int) -> xr.Dataset:
        return self._asked(number)[list(PLACE)]

    def _asked(self, number: int) -> xr.Dataset:
        return self.asked.isel(sample=slice(number * self.size, (number + 1) * self.size))


def hats_reader(**asked: Any) -> HatsReader:
    """The galaxies of a mock survey for hats-import, a box of the lightcone an input.

    Parameters
    ----------
    **asked
        As for :class:`surrogates.survey.Survey`.

    Returns
    -------
    HatsReader
        With the columns of :func:`surrogates.survey.galaxies.columns`.
    """
    return HatsReader(_Cells(Survey(**asked)))


def hats_reader_of(simulator: Opened, rows: xr.Dataset, *, seed: int, piece: int = PIECE) -> HatsReader:
    """Samples of any simulator at places on the sky for hats-import.

    Parameters
    ----------
    simulator : Surrogate or ReferenceSimulator
    rows : Dataset
        Conditions along `sample`, `ra` and `dec` [degrees, float64] beside them, and what else comes along; numbered
        from 0 where `sample` has no coordinate. It is read by each task: of very many rows give each field or tile a
        reader of its own.
    seed : int
    piece : int
        Samples in an input, rounded up to whole batches.

    Returns
    -------
    HatsReader
        With `sample`, `ra`, `dec` and all conditions and outputs of one number or text a sample; images and other
        fields are left out.

    Raises
    ------
    SchemaError
        No `ra` or `dec`, values that are no degrees of right ascension or declination, or a `piece` below 1.
    """
    for name, (least, most) in zip(PLACE, ((0.0, 360.0), (-90.0, 90.0)), strict=True):
        if name not in rows or rows[name].dims != ("sample",):
            raise SchemaError.about(name, "missing", "a column of the rows, degrees, float64")
        values = rows[name].values
        if values.dtype.kind not in "iuf":
            raise SchemaError.about(name, f"of type {values.dtype}", f"numbers, {least:g} to {most:g} degrees")
        wrong = ~((values >= least) & (values <= most))
        if wrong.any():
            found = f"{values[wrong][0]} in row {int(np.flatnonzero(wrong)[0])}"
            raise SchemaError.about(name, found, f"{least:g} to {most:g} degrees")
    asked = rows.assign({name: rows[name].astype(np.float64) for name in PLACE})
    if "sample" not in asked.coords:  # else every input would begin at 0, with the draws of the first
        asked = asked.assign_coords(sample=np.arange(asked.sizes["sample"]))
    if isinstance(piece, bool) or not isinstance(piece, Integral) or piece < 1:
        raise SchemaError.about("piece", repr(piece), "a whole number of samples, 1 or more", value=piece)
    size = -(-int(piece) // simulator.batch) * simulator.batch
    return HatsReader(_Samples(pickle.dumps(simulator), asked, seed, size))


def hats_arguments(reader: HatsReader, folder: str | Path, name: str, **options: Any) -> Any:
    """hats-import's arguments for a catalogue of what a reader makes.

    Parameters
    ----------
    reader : HatsReader
    folder : path
        The catalogue comes into `name` within; all workers have to see it.
    name : str
        Of the catalogue.
    **options
        Of `hats_import.ImportArguments`, in place of those that are set here.

    Returns
    -------
    hats_import.catalog.arguments.ImportArguments

    Raises
    ------
    FormatError
        hats-import is not installed.
    """
    try:
        from hats_import.catalog.arguments import ImportArguments  # type: ignore[import-not-found]
    except ImportError as error:
        raise missing_library("hats-import", "hats", "a HATS catalogue by Dask") from error
    ra, dec = PLACE
    chosen = {
        "file_reader": reader,
        "input_file_list": reader.inputs,
        "output_path": str(folder),
        "output_artifact_name": name,
        "ra_column": ra,
        "dec_column": dec,
        "sort_columns": reader.pieces.identity,
        "pixel_threshold": MOST_ROWS,
    }
    return ImportArguments(**(chosen | options))


@lru_cache(maxsize=2)
def _opened(payload: bytes) -> Any:
    return pickle.loads(payload)


def _table(rows: xr.Dataset, identity: str, chosen: Sequence[str] | None) -> Any:
    arrow = parquet_for("a HATS catalogue")
    found = {identity: rows["sample"]} | {str(name): rows[name] for name in rows.data_vars}
    flat = {name: array for name, array in found.items() if array.dims == ("sample",)}
    for name in chosen or ():
        if name not in flat:
            raise SchemaError.about("read_columns", name, f"some of {', '.join(flat)}")
    names = list(flat) if chosen is None else list(chosen)
    arrays = [arrow.array(_plain(flat[name].values)) for name in names]
    described = [
        arrow.field(name, array.type, metadata=_described(flat[name].attrs))
        for name, array in zip(names, arrays, strict=True)
    ]
    return arrow.table(arrays, schema=arrow.schema(described))


def _plain(values: np.ndarray) -> Any:
    return values.tolist() if values.dtype.kind in "UO" else values


def _described(attrs: Any) -> dict[str, str]:
    known = {"units": attrs.get("units"), "description": attrs.get("long_name")}
    return {key: str(value) for key, value in known.items() if value}
