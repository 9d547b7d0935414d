"""HepMC text read as particle events; see :mod:`surrogates.io.hepmc3`."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import SAMPLE
from .description import Description, from_json
from .event_layout import CAP, TAU, charge, foreign_description, padded
from .event_weights import CROSS_SECTION, CROSS_SECTION_ERROR, NAME, WEIGHT, variables_named, with_weights
from .formats import FileFormatError
from .hepmc3_writing import BLOCK_EVENTS, DESCRIPTION, library
from .seals import check_seal

if TYPE_CHECKING:
    import xarray as xr


def read_hepmc3(
    path: str | Path,
    *,
    block_rows: int = BLOCK_EVENTS,
    gather: type[Events] | None = None,
    holding: str = "e+e- -> tau+ tau- events",
) -> Iterator[xr.Dataset]:
    """Yield the events of a HepMC file as Datasets in the particle-events layout.

    Files of other programs are read too, as far as HepMC says what they hold: stable particles, the last tau- and tau+
    of each event and their decay vertices, the beams' energy, weights, and a cross-section. Momenta come in GeV and
    lengths in mm, whatever the file's units.

    Parameters
    ----------
    path : path
        HepMC3 or HepMC2 text, also compressed.
    block_rows : int
        Events in a block.
    gather : type
        What makes variables of the particles; those of tau pairs by default.
    holding : str
        What the file should hold, in words.

    Raises
    ------
    FileFormatError
        Where the file is something else, ends early, or an event lacks what the layout needs, such as a tau pair.
    """
    pyhepmc = library()
    gather = gather or Events
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    try:
        check_seal(path)
        expected, weighted = _announced_events(path)
        found = 0
        with pyhepmc.open(str(path), "r") as file:
            reader = file._reader
            event = pyhepmc.GenEvent()
            contents: Contents | None = None
            events = gather()
            while not reader.failed():
                good = reader.read_event(event)
                if contents is None:
                    contents = _contents(event, weighted)
                if not good or reader.failed() or len(event.particles) == 0:
                    break
                event.set_units(pyhepmc.Units.GEV, pyhepmc.Units.MM)
                events.add(event, contents)
                found += 1
                if len(events) == block_rows:
                    yield events.dataset(contents)
                    events = gather()
            if found != expected:
                raise FileFormatError(f"{path}: event {found + 1} of {expected} cannot be read; the file is damaged")
            if len(events) or not found:
                yield events.dataset(contents) if contents is not None else foreign_description().empty()
    except FileFormatError as error:
        text = str(error)
        raise FileFormatError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path}: expected HepMC3 text with {holding}; {reason}") from None


def _announced_events(path: Path) -> tuple[int, bool]:
    """Return how many events begin in the file, and whether one has a weight that is not 1.

    Raises FileFormatError where the file has no proper beginning or end.
    """
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")
    with opened as file:
        head = file.read(4096)
        if b"HepMC::Version" not in head:
            raise FileFormatError("expected HepMC text, which begins with HepMC::Version")
        n, weights, ones, tail, piece = 0, 0, 0, b"", head
        while piece:
            kept = tail[-_ONE_BYTES:]
            both, before = kept + piece, len(kept)
            n += _count_after(both, b"\nE ", before)
            weights += _count_after(both, b"\nW ", before)
            ones += _count_after(both, _ONE, before)
            tail = (tail + piece)[-240:]
            piece = file.read(1 << 22)
        if b"END_EVENT_LISTING" not in tail:
            raise FileFormatError("the file ends before its last line, END_EVENT_LISTING: it was truncated")
    return n, weights - 1 != ones


_ONE = b"\nW 1.0000000000000000000000e+00\n"
_ONE_BYTES = len(_ONE) - 1


def _count_after(content: bytes, wanted: bytes, before: int) -> int:
    """Count `wanted` in `content`, its first `before` bytes were searched already."""
    return content.count(wanted, max(0, before - len(wanted) + 1))


@dataclass(frozen=True)
class Contents:
    """What the events of a file hold: the layout, and the place of each weight in an event's list."""

    description: Description
    weights: dict[str, int]
    cross_section: bool

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.description.variables) - set(self.weights)


def _contents(event: Any, weighted: bool) -> Contents:
    """Read the first event: weights are taken where the file is another program's, or has any that is not 1."""
    run = event.run_info
    stored = None if run is None or DESCRIPTION not in list(run.attributes) else _text(run.attributes[DESCRIPTION])
    description = foreign_description() if stored is None else from_json(stored)
    listed = list(run.weight_names) if run is not None else []
    own = {name: str(entry.attrs[NAME]) for name, entry in description.variables.items() if NAME in entry.attrs}
    places = {"_".join(name.split()): place for place, name in enumerate(listed)}
    known = {name: places["_".join(text.split())] for name, text in own.items() if "_".join(text.split()) in places}
    if stored is not None and not weighted and WEIGHT not in description.variables:
        return Contents(description, known, False)
    others = [place for place in range(1, len(event.weights)) if place not in known.values()]
    names = [listed[place] if place < len(listed) else str(place) for place in others]
    added = variables_named(names, description.variables)
    known |= dict(zip(added, others, strict=True))
    stated = stored is None and event.cross_section is not None
    return Contents(with_weights(description, added, cross_section=stated), {WEIGHT: 0, **known}, stated)


def _text(attribute: Any) -> str:
    return attribute if isinstance(attribute, str) else str(attribute.astype(str))


class Events:
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
        self.weights: list[list[float]] = []
        self.picobarns: list[tuple[float, float]] = []
        self._n_particles = 0
        self._n_vertices = 0

    def __len__(self) -> int:
        return len(self.particles)

    def add(self, event: Any, contents: Contents) -> None:
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
        names = contents.names
        texts = {name: _text(stored[name]) for name in stored if name in names}
        texts.setdefault(SAMPLE, str(event.event_number))
        self.attributes.append(texts)
        weights = event.weights or [1.0]
        if len(weights) <= max(contents.weights.values(), default=0):
            raise FileFormatError(f"event {event.event_number} has {len(weights)} weights, fewer than the first event")
        self.weights.append([weights[place] for place in contents.weights.values()])
        if contents.cross_section:
            stated = event.cross_section
            self.picobarns.append((np.nan, np.nan) if stated is None else (stated.xsec(), stated.xsec_err()))

    def dataset(self, contents: Contents) -> xr.Dataset:
        """Return the events in the particle-events layout."""
        description = contents.description
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
        values |= dict(zip(contents.weights, np.array(self.weights).reshape(n, -1).T, strict=True))
        if contents.cross_section:
            values[CROSS_SECTION], values[CROSS_SECTION_ERROR] = np.array(self.picobarns).T
        beams = np.zeros((n, 4))
        np.add.at(beams, event[status == 4], momentum[status == 4])
        values["energy"] = np.sqrt(np.maximum(beams[:, 3] ** 2 - np.sum(beams[:, :3] ** 2, axis=1), 0))
        values["tau_decay"] = np.full((n, 2), -1)
        return self.completed(values, contents)

    def completed(self, values: dict[str, np.ndarray], contents: Contents) -> xr.Dataset:
        """Return `values` with what stands in the events' attributes, in the described layout."""
        description, n = contents.description, len(self)
        for name, variable in description.variables.items():
            texts = [stored[name] for stored in self.attributes if name in stored]
            if len(texts) == n and name not in ("n_particles", *contents.weights):
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
