"""HepMC3 text: beams (status 4), taus with their decay vertices (status 2), stable particles (status 1), GeV and mm.

Particles that were made away from a tau's decay vertex (photons of a flying pi0, pions of a K0S) hang on an
intermediate particle (status 2) that carries their summed four-momentum, so that vertices, momenta and flavours stay
consistent. Conditions and `tau_decay` (tau-, tau+) are event attributes; units and flags travel in the run's
attributes. An event's particles come back in their order, floats bit for bit, except that radiated photons start at the
primary vertex.

Text costs: the library writes some 10,000 events a second on one core, whatever the speed of the simulator, and an
event of eight particles takes 2.6 kB.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import byte_stream
from .blocks import SAMPLE, opened, rows
from .description import Description, describe, from_json, to_json
from .event_layout import (
    CAP,
    ELECTRON,
    ELECTRON_MASS,
    PARTICLE_VARIABLES,
    TAU,
    TAU_VARIABLES,
    charge,
    foreign_description,
    padded,
    require,
)
from .formats import FileFormatError, Format, missing_library
from .ragged import check_counts, real_entries

if TYPE_CHECKING:
    import xarray as xr

DESCRIPTION = "surrogates_dataset"
BLOCK_EVENTS = 4096
UNKNOWN_INTERMEDIATE = 90
"""A code that the PDG leaves to generators, for an intermediate state that is neither a pi0 nor a K0S."""
_INTERMEDIATES = ((111, 0.1349768), (310, 0.497611))
_FIXED = {*PARTICLE_VARIABLES, *TAU_VARIABLES, "n_particles", "weight", SAMPLE}


def write_hepmc3(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write particle events as HepMC3 text (Asciiv3).

    Parameters
    ----------
    blocks : iterable of Dataset
        In the particle-events layout; every further variable over (sample) becomes an event attribute. A variable
        `weight` over (sample) becomes the event weight.
    target : path, or "-" for standard output
        A named pipe is written to as it is; ``.gz`` compresses.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FormatError
        Where pyhepmc is not installed or the Dataset is no set of particle events.
    OutputError
        Where the file exists or cannot be written.
    """
    pyhepmc = _library()
    first, stream = opened(blocks)
    require(first, (*PARTICLE_VARIABLES, *TAU_VARIABLES, "energy", "n_particles"), "HepMC3")
    run = pyhepmc.GenRunInfo()
    run.weight_names = ["Default"]
    version = str(first.attrs.get("version", first.attrs.get("surrogates_version", "")))
    run.tools = [pyhepmc.GenRunInfo.ToolInfo("surrogates", version, str(first.attrs.get("plugin", "")))]
    run.attributes[DESCRIPTION] = to_json(describe(first))
    with byte_stream(target, overwrite=overwrite) as file:
        buffer = pyhepmc.io.pyiostream(file)
        writer = pyhepmc.io.WriterAscii(buffer, run)
        event = pyhepmc.GenEvent(run, pyhepmc.Units.GEV, pyhepmc.Units.MM)
        for block in _chained(first, stream):
            for start in range(0, rows(block), BLOCK_EVENTS):
                _write_block(writer, event, block.isel({SAMPLE: slice(start, start + BLOCK_EVENTS)}))
                if writer.failed():
                    raise OSError("the writer stopped")
        writer.close()
        buffer.flush()


def _chained(first: xr.Dataset, others: Iterator[xr.Dataset]) -> Iterator[xr.Dataset]:
    yield first
    yield from others


def _library() -> Any:
    try:
        import pyhepmc
        import pyhepmc.io
    except ImportError:
        raise missing_library("pyhepmc", "formats", "HepMC3") from None
    return pyhepmc


def _write_block(writer: Any, event: Any, block: xr.Dataset) -> None:
    require(block, (*PARTICLE_VARIABLES, *TAU_VARIABLES, "energy", "n_particles"), "HepMC3")
    record = _hepevt(block)
    offsets = record["offset"]
    attributes = {
        str(name): [repr(value) for value in variable.values.tolist()]
        for name, variable in block.variables.items()
        if variable.dims == (SAMPLE,) and name not in _FIXED
    }
    if "tau_decay" in block:
        attributes["tau_decay"] = [f"{minus} {plus}" for minus, plus in block["tau_decay"].values.tolist()]
    weight = block["weight"].values.tolist() if "weight" in block else None
    identity = block[SAMPLE].values.tolist() if SAMPLE in block.coords else list(range(rows(block)))
    columns = [record[name] for name in ("px", "py", "pz", "E", "mass", "pdg_id", "status", "parents")]
    vertices = [record[name] for name in ("vx", "vy", "vz", "vt")]
    for i, sample in enumerate(identity):
        here = slice(offsets[i], offsets[i + 1])
        *four, parents = (column[here] for column in columns)
        event.from_hepevt(sample & 0x7FFFFFFF, *four, parents, None, *(vertex[here] for vertex in vertices))
        event.weights = [1.0 if weight is None else weight[i]]
        stored = event.attributes
        for name, values in attributes.items():
            stored[name] = values[i]
        if sample > 0x7FFFFFFF or sample < 0:
            stored[SAMPLE] = str(sample)
        writer.write_event(event)


def _hepevt(block: xr.Dataset) -> dict[str, np.ndarray]:
    """Return HEPEVT columns of all events one after the other: beams, taus, intermediates, stable particles."""
    n = rows(block)
    counts = block["n_particles"].values
    check_counts("n_particles", counts, "particle", block.sizes["particle"])
    real = real_entries(counts, block.sizes["particle"])
    final = {name: block[name].values[real] for name in PARTICLE_VARIABLES}
    event = np.repeat(np.arange(n), counts)
    tau_vertex = np.stack([block[f"tau_v{axis}"].values for axis in "xyzt"], axis=-1)
    tau = np.stack([block[f"tau_{axis}"].values for axis in ("px", "py", "pz", "E")], axis=-1)

    side = (final["parent"] > 0).astype(int)
    vertex = np.stack([final[f"v{axis}"] for axis in "xyzt"], axis=-1)
    of_tau = final["parent"] != 0
    apart = np.abs(vertex - tau_vertex[event, side]) > 1e-12 * (1 + np.abs(vertex))
    displaced = np.flatnonzero(of_tau & apart.any(axis=-1))
    keys = np.column_stack([event[displaced], side[displaced], vertex[displaced]])
    groups, member = np.unique(keys, axis=0, return_inverse=True)
    group_event = groups[:, 0].astype(int)
    momentum = np.zeros((len(groups), 4))
    np.add.at(momentum, member.reshape(-1), np.stack([final[k][displaced] for k in ("px", "py", "pz", "E")], axis=-1))
    in_event = np.bincount(group_event, minlength=n)
    rank = np.arange(len(groups)) - np.repeat(np.cumsum(in_event) - in_event, in_event)

    offset = np.concatenate([[0], np.cumsum(4 + in_event + counts)])
    at_group = offset[group_event] + 4 + rank
    at_final = np.repeat(offset[:-1] + 4 + in_event, counts)
    at_final += np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)

    columns: dict[str, np.ndarray] = {name: np.zeros(offset[-1]) for name in ("px", "py", "pz", "E", "mass")}
    columns |= {f"v{axis}": np.zeros(offset[-1]) for axis in "xyzt"}
    columns |= {name: np.zeros(offset[-1], np.int32) for name in ("pdg_id", "status")}
    parents = np.zeros((offset[-1], 2), np.int32)
    half = block["energy"].values / 2
    for slot, sign in enumerate((1, -1)):
        at = offset[:-1] + slot
        columns["pz"][at] = sign * np.sqrt(np.maximum(half**2 - ELECTRON_MASS**2, 0))
        columns["E"][at], columns["mass"][at] = half, ELECTRON_MASS
        columns["pdg_id"][at], columns["status"][at] = sign * ELECTRON, 4
    for slot, sign in enumerate((1, -1)):
        at = offset[:-1] + 2 + slot
        _put(columns, at, tau[:, slot])
        columns["pdg_id"][at], columns["status"][at] = sign * TAU, 2
        parents[at] = (1, 2)
    _put(columns, at_group, momentum)
    columns["pdg_id"][at_group] = _intermediate(columns["mass"][at_group])
    columns["status"][at_group] = 2
    group_side = groups[:, 1].astype(int)
    parents[at_group] = (3 + group_side)[:, None]
    for i, axis in enumerate("xyzt"):
        columns[f"v{axis}"][at_group] = tau_vertex[group_event, group_side, i]
    for name in ("px", "py", "pz", "E", "mass", "pdg_id", "vx", "vy", "vz", "vt"):
        columns[name][at_final] = final[name]
    columns["status"][at_final] = 1
    parents[at_final] = np.where(of_tau[:, None], (3 + side)[:, None], [[1, 2]])
    mother = at_group[member.reshape(-1)] - offset[event[displaced]] + 1
    parents[at_final[displaced]] = mother[:, None]
    return columns | {"parents": parents, "offset": offset}


def _put(columns: dict[str, np.ndarray], at: np.ndarray, momentum: np.ndarray) -> None:
    for i, name in enumerate(("px", "py", "pz", "E")):
        columns[name][at] = momentum[:, i]
    squared = momentum[:, 3] ** 2 - np.sum(momentum[:, :3] ** 2, axis=1)
    columns["mass"][at] = np.sqrt(np.maximum(squared, 0))


def _intermediate(mass: np.ndarray) -> np.ndarray:
    code = np.full(mass.shape, UNKNOWN_INTERMEDIATE, np.int32)
    for pdg_id, known in _INTERMEDIATES:
        code[np.abs(mass - known) < 1e-3] = pdg_id
    return code


def read_hepmc3(path: str | Path, *, block_rows: int = BLOCK_EVENTS) -> Iterator[xr.Dataset]:
    """Yield the events of a HepMC file as Datasets in the particle-events layout.

    Files of other programs are read too, as far as HepMC says what they hold: stable particles, the last tau- and tau+
    of each event and their decay vertices, and the beams' energy.

    Parameters
    ----------
    path : path
        HepMC3 or HepMC2 text, also compressed.
    block_rows : int
        Events in a block.

    Raises
    ------
    FileFormatError
        Where the file is something else, ends early, or an event has no tau pair.
    """
    pyhepmc = _library()
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    try:
        expected = _announced_events(path)
        found = 0
        with pyhepmc.open(str(path), "r") as file:
            reader = file._reader
            event = pyhepmc.GenEvent()
            description = None
            names: frozenset[str] = frozenset()
            events = _Events()
            while not reader.failed():
                good = reader.read_event(event)
                if description is None:
                    description = _stored_description(event)
                    names = frozenset(description.variables)
                if not good or reader.failed() or len(event.particles) == 0:
                    break
                events.add(event, names)
                found += 1
                if len(events) == block_rows:
                    yield events.dataset(description)
                    events = _Events()
            if found != expected:
                raise FileFormatError(f"{path}: event {found + 1} of {expected} cannot be read; the file is damaged")
            if len(events) or not found:
                yield events.dataset(description or foreign_description())
    except FileFormatError as error:
        text = str(error)
        raise FileFormatError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path}: expected HepMC3 text with e+e- -> tau+ tau- events; {reason}") from None


def _announced_events(path: Path) -> int:
    """Return how many events begin in the file; raise where it has no proper beginning or end."""
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")
    with opened as file:
        head = file.read(4096)
        if b"HepMC::Version" not in head:
            raise FileFormatError("expected HepMC text, which begins with HepMC::Version")
        n, tail, piece = 0, b"", head
        while piece:
            n += (tail[-2:] + piece).count(b"\nE ")
            tail = (tail + piece)[-80:]
            piece = file.read(1 << 22)
        if b"END_EVENT_LISTING" not in tail:
            raise FileFormatError("the file ends before its last line, END_EVENT_LISTING: it was truncated")
    return n


def _stored_description(event: Any) -> Description:
    run = event.run_info
    if run is None or DESCRIPTION not in list(run.attributes):
        return foreign_description()
    return from_json(_text(run.attributes[DESCRIPTION]))


def _text(attribute: Any) -> str:
    return attribute if isinstance(attribute, str) else str(attribute.astype(str))


class _Events:
    """Events as they are read: flat columns of particles, vertices and links, and one dictionary of texts an event."""

    def __init__(self) -> None:
        self.columns: dict[str, list[np.ndarray]] = {name: [] for name in (*_PARTICLE_COLUMNS, *_VERTEX_COLUMNS)}
        self.particles: list[int] = []
        self.made: list[int] = []
        self.made_at: list[int] = []
        self.ended: list[int] = []
        self.ended_at: list[int] = []
        self.mother: list[int] = []
        self.attributes: list[dict[str, str]] = []
        self.weights: list[float] = []
        self._n_particles = 0
        self._n_vertices = 0

    def __len__(self) -> int:
        return len(self.particles)

    def add(self, event: Any, names: frozenset[str]) -> None:
        arrays = event.numpy
        for name in _PARTICLE_COLUMNS:
            self.columns[name].append(getattr(arrays.particles, name))
        for name in _VERTEX_COLUMNS:
            self.columns[name].append(getattr(arrays.vertices, name))
        first, at = self._n_particles - 1, self._n_vertices
        for vertex in event.vertices:
            incoming = [first + particle.id for particle in vertex.particles_in]
            outgoing = [first + particle.id for particle in vertex.particles_out]
            self.made += outgoing
            self.made_at += [at] * len(outgoing)
            self.mother += [incoming[0] if len(incoming) == 1 else -1] * len(outgoing)
            self.ended += incoming
            self.ended_at += [at] * len(incoming)
            at += 1
        n = len(self.columns["pid"][-1])
        self.particles.append(n)
        self._n_particles += n
        self._n_vertices = at
        stored = event.attributes
        texts = {name: _text(stored[name]) for name in stored if name in names}
        texts.setdefault(SAMPLE, str(event.event_number))
        self.attributes.append(texts)
        weights = event.weights
        self.weights.append(float(weights[0]) if weights else 1.0)

    def dataset(self, description: Description) -> xr.Dataset:
        """Return the events in the particle-events layout."""
        if not len(self):
            return description.empty()
        column = {name: np.concatenate(pieces) for name, pieces in self.columns.items()}
        n, total = len(self), self._n_particles
        event = np.repeat(np.arange(n), self.particles)
        momentum = np.stack([column[name] for name in ("px", "py", "pz", "e")], axis=-1)
        position = np.stack([column[axis] for axis in "xyzt"], axis=-1)
        vertex, end = np.zeros((2, total, 4))
        vertex[self.made] = position[self.made_at]
        mother = np.full(total, -1)
        mother[self.made] = self.mother
        end[:] = vertex
        end[self.ended] = position[self.ended_at]
        pid, status = column["pid"], column["status"]
        taus = np.stack([_last(event, n, (pid == code) & (status == 2), code) for code in (TAU, -TAU)], axis=-1)
        final = np.flatnonzero(status == 1)
        counts = np.bincount(event[final], minlength=n)
        columns = {
            "pdg_id": pid[final],
            "mass": np.where(column["is_generated_mass_set"], column["generated_mass"], 0.0)[final],
        }
        columns |= {name: momentum[final, i] for i, name in enumerate(("px", "py", "pz", "E"))}
        columns |= {f"v{axis}": vertex[final, i] for i, axis in enumerate("xyzt")}
        columns |= {"parent": _parents(final, mother, taus), "charge": charge(columns["pdg_id"])}
        size = description.sizes.get("particle", CAP)
        values = padded(columns, counts, size)
        values |= {f"tau_{name}": momentum[taus, i] for i, name in enumerate(("px", "py", "pz", "E"))}
        values |= {f"tau_v{axis}": end[taus, i] for i, axis in enumerate("xyzt")}
        values |= {"n_particles": np.minimum(counts, size), "n_dropped": np.maximum(counts - size, 0)}
        values["weight"] = np.array(self.weights)
        beams = np.zeros((n, 4))
        np.add.at(beams, event[status == 4], momentum[status == 4])
        values["energy"] = np.sqrt(np.maximum(beams[:, 3] ** 2 - np.sum(beams[:, :3] ** 2, axis=1), 0))
        values["tau_decay"] = np.full((n, 2), -1)
        for name, variable in description.variables.items():
            texts = [stored[name] for stored in self.attributes if name in stored]
            if len(texts) == n and name not in ("n_particles", "weight"):
                shape = (n, *(description.sizes[dim] for dim in variable.dims[1:]))
                values[name] = np.array(" ".join(texts).split()).astype(variable.dtype).reshape(shape)
            elif name not in values:
                raise FileFormatError(f"an event lacks its attribute {name!r}")
        return description.dataset(values)


_PARTICLE_COLUMNS = ("pid", "status", "px", "py", "pz", "e", "generated_mass", "is_generated_mass_set")
_VERTEX_COLUMNS = ("x", "y", "z", "t")


def _last(event: np.ndarray, n: int, wanted: np.ndarray, code: int) -> np.ndarray:
    """Return the last wanted particle of each event."""
    found = np.flatnonzero(wanted)
    last = np.full(n, -1)
    last[event[found]] = found
    if (last < 0).any():
        raise FileFormatError(f"an event has no particle {code} of status 2")
    return last


def _parents(final: np.ndarray, mother: np.ndarray, taus: np.ndarray) -> np.ndarray:
    """Return -1 for descendants of the tau-, +1 of the tau+, 0 of neither."""
    side = np.zeros(mother.size + 1, np.int8)
    side[taus[:, 0]], side[taus[:, 1]] = -1, 1
    parent = np.zeros(final.size, np.int8)
    mother = np.append(mother, -1)
    here = final
    for _ in range(10_000):
        here = np.where(parent == 0, mother[here], -1)
        parent = np.where(parent == 0, side[here], parent)
        if (here < 0).all():
            return parent
    raise FileFormatError("an event's particles descend from each other in a circle")


HEPMC3 = Format(
    name="hepmc3",
    suffixes=(".hepmc3", ".hepmc", ".hepmc3.gz", ".hepmc.gz"),
    description="HepMC3 text with tau decay vertices; some 10,000 events a second",
    write=write_hepmc3,
    read=read_hepmc3,
    extra="formats",
    streams=True,
)
