"""Particle events written as HepMC3 text; see :mod:`surrogates.io.hepmc3`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .atomic import byte_stream
from .blocks import SAMPLE, opened, rows
from .description import describe, to_json
from .event_layout import PARTICLE_VARIABLES, TAU_VARIABLES, require
from .event_weights import WEIGHT, CrossSection, cross_sections, named_weights, weight_table
from .formats import missing_library
from .hepevt import hepevt

if TYPE_CHECKING:
    import xarray as xr

DESCRIPTION = "surrogates_dataset"
BLOCK_EVENTS = 4096
NEEDED = (*PARTICLE_VARIABLES, *TAU_VARIABLES, "energy", "n_particles")
Columns = Callable[["xr.Dataset"], dict[str, np.ndarray]]
"""Block -> HEPEVT columns of all events one after the other, with their ``offset``; as `hepevt.hepevt` gives them."""


def write_hepmc3(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    cross_section: CrossSection | None = None,
    needed: tuple[str, ...] = NEEDED,
    columns: Columns = hepevt,
) -> None:
    """Write particle events as HepMC3 text (Asciiv3).

    Parameters
    ----------
    blocks : iterable of Dataset
        In the particle-events layout; every further variable over (sample) becomes an event attribute. `weight`
        and named weights become the event's weights; `cross_section` and its error [pb] its cross-section.
    target : path, or "-" for standard output
        A named pipe is written to as it is; ``.gz`` compresses.
    overwrite : bool
        Whether an existing file may be replaced.
    cross_section : callable, optional
        Dataset -> (n,) values and errors in pb, of events that bear none of their own; NaN where none is known.
    needed : tuple of str
        Variables that the layout is made of.
    columns : callable
        What makes particles of them; those of tau pairs by default.

    Raises
    ------
    FormatError
        Where pyhepmc is not installed or the Dataset is no set of particle events.
    OutputError
        Where the file exists or cannot be written.
    """
    pyhepmc = library()
    first, stream = opened(blocks)
    require(first, needed, "HepMC3")
    named = named_weights(first)
    run = pyhepmc.GenRunInfo()
    run.weight_names = ["Default", *("_".join(name.split()) for name in named.values())]
    version = str(first.attrs.get("version", first.attrs.get("surrogates_version", "")))
    run.tools = [pyhepmc.GenRunInfo.ToolInfo("surrogates", version, str(first.attrs.get("plugin", "")))]
    run.attributes[DESCRIPTION] = to_json(describe(first))
    with byte_stream(target, overwrite=overwrite, line="HepMC::Asciiv3-{}") as file:
        remembering = _Remembering(file)
        buffer = pyhepmc.io.pyiostream(remembering)
        writer = pyhepmc.io.WriterAscii(buffer, run)
        event = pyhepmc.GenEvent(run, pyhepmc.Units.GEV, pyhepmc.Units.MM)
        for block in chain([first], stream):
            for start in range(0, rows(block), BLOCK_EVENTS):
                part = block.isel({SAMPLE: slice(start, start + BLOCK_EVENTS)})
                _write_block(pyhepmc, writer, event, part, named, cross_section, remembering, needed, columns)
        writer.close()
        buffer.flush()
        remembering.check()


class _Remembering:
    """A binary file to write to whose first error is kept: the library's stream loses it, and goes on."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.error: BaseException | None = None

    def write(self, content: bytes) -> int:
        """Write, unless writing has failed before."""
        if self.error is None:
            try:
                self.file.write(content)
            except BaseException as error:
                self.error = error
        return len(content)

    def read(self, size: int = -1) -> bytes:
        """Nothing: the library asks whether the file could be read."""
        return b""

    def flush(self) -> None:
        """What is held back is written when the file is closed."""

    def check(self) -> None:
        """Raise the first error."""
        if self.error is not None:
            raise self.error


def library() -> Any:
    """``pyhepmc``; raises FormatError where it is not installed."""
    try:
        import pyhepmc
        import pyhepmc.io
    except ImportError:
        raise missing_library("pyhepmc", "formats", "HepMC3") from None
    return pyhepmc


def _write_block(
    pyhepmc: Any,
    writer: Any,
    event: Any,
    block: xr.Dataset,
    named: dict[str, str],
    cross_section: CrossSection | None,
    remembering: _Remembering,
    needed: tuple[str, ...],
    columns: Columns,
) -> None:
    require(block, needed, "HepMC3")
    record = columns(block)
    fixed = {*needed, "n_particles", WEIGHT, SAMPLE} - {"energy"}
    offsets = record["offset"]
    attributes = {
        str(name): [repr(value) for value in variable.values.tolist()]
        for name, variable in block.variables.items()
        if variable.dims == (SAMPLE,) and name not in fixed and name not in named
    }
    if "tau_decay" in block:
        attributes["tau_decay"] = [f"{minus} {plus}" for minus, plus in block["tau_decay"].values.tolist()]
    weights = weight_table(block, named).tolist()
    picobarns = cross_sections(block, cross_section)
    identity = block[SAMPLE].values.tolist() if SAMPLE in block.coords else list(range(rows(block)))
    listed = [record[name] for name in ("px", "py", "pz", "E", "mass", "pdg_id", "status", "parents")]
    vertices = [record[name] for name in ("vx", "vy", "vz", "vt")]
    for i, sample in enumerate(identity):
        here = slice(offsets[i], offsets[i + 1])
        *four, parents = (column[here] for column in listed)
        event.from_hepevt(sample & 0x7FFFFFFF, *four, parents, None, *(vertex[here] for vertex in vertices))
        event.weights = weights[i]
        stored = event.attributes
        for name, values in attributes.items():
            stored[name] = values[i]
        if sample > 0x7FFFFFFF or sample < 0:
            stored[SAMPLE] = str(sample)
        if picobarns[i][0] == picobarns[i][0]:
            stated = pyhepmc.GenCrossSection()
            stated.set_cross_section(*picobarns[i])
            event.cross_section = stated
        writer.write_event(event)
        remembering.check()
