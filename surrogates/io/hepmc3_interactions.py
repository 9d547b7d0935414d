"""HepMC3 text of interactions: beam and target (status 4), one vertex, and every entry of the record (status 1), GeV.

Conditions are event attributes; a nuclear remnant is a particle with its nucleus' code. An event's entries come back in
their order, floats bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .blocks import rows
from .event_layout import padded
from .formats import FileFormatError, Format
from .hepmc3 import HEPMC3
from .hepmc3_reading import Contents, Events, read_hepmc3
from .hepmc3_writing import write_hepmc3
from .ragged import check_counts, real_entries

if TYPE_CHECKING:
    import xarray as xr

_ENTRIES = ("pdg_id", "px", "py", "pz", "E", "mass", "charge")
_MOMENTUM = ("px", "py", "pz", "E")

Beams = Callable[["xr.Dataset"], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Block -> identities (n, 2), masses (n, 2) and four-momenta (n, 2, 4) of beam and target, GeV."""


def interaction_columns(block: xr.Dataset, *, beams: Beams) -> dict[str, np.ndarray]:
    """Return HEPEVT columns of all interactions one after the other: beam, target, entries."""
    n = rows(block)
    counts = block["n_particles"].values
    check_counts("n_particles", counts, "particle", block.sizes["particle"])
    real = real_entries(counts, block.sizes["particle"])
    offset = np.concatenate([[0], np.cumsum(2 + counts)])
    entry = np.repeat(offset[:-1] + 2, counts) + np.arange(counts.sum())
    entry -= np.repeat(np.cumsum(counts) - counts, counts)
    ids, masses, momenta = beams(block)
    first = offset[:-1, None] + np.arange(2)
    columns: dict[str, np.ndarray] = {name: np.zeros(offset[-1]) for name in (*_MOMENTUM, "mass")}
    columns |= {f"v{axis}": np.zeros(offset[-1]) for axis in "xyzt"}
    columns |= {name: np.zeros(offset[-1], np.int32) for name in ("pdg_id", "status")}
    parents = np.zeros((offset[-1], 2), np.int32)
    for k, name in enumerate(_MOMENTUM):
        columns[name][first] = momenta[..., k]
    columns["mass"][first], columns["pdg_id"][first], columns["status"][first] = masses, ids, 4
    for name in (*_MOMENTUM, "mass", "pdg_id"):
        columns[name][entry] = block[name].values[real]
    columns["status"][entry] = 1
    parents[entry] = (1, 2)
    assert len(counts) == n
    return columns | {"parents": parents, "offset": offset}


class InteractionEvents(Events):
    """Interactions as they are read."""

    def dataset(self, contents: Contents) -> xr.Dataset:
        """Return the events in the layout that the file describes."""
        description = contents.description
        if not len(self):
            return description.empty()
        if "projectile" not in description.variables:
            raise FileFormatError("another program's file: it does not say which conditions its events had")
        column = {name: np.concatenate(pieces) for name, pieces in self.columns.items()}
        event = np.repeat(np.arange(len(self)), self.particles)
        final = np.flatnonzero(column["status"] == 1)
        counts = np.bincount(event[final], minlength=len(self))
        flat = {"pdg_id": column["pid"][final], "mass": column["generated_mass"][final], "E": column["e"][final]}
        flat |= {name: column[name][final] for name in ("px", "py", "pz")}
        flat["charge"] = charges(flat["pdg_id"])
        values = padded(flat, counts, description.sizes["particle"])
        values["n_particles"] = counts
        values |= dict(zip(contents.weights, np.array(self.weights).reshape(len(self), -1).T, strict=True))
        return self.completed(values, contents)


def charges(pdg_id: np.ndarray) -> np.ndarray:
    """Charges in units of e of hadrons and nuclei, from the digits of their PDG codes."""
    from .event_layout import charge

    nucleus = pdg_id > 1_000_000_000
    return np.where(nucleus, (pdg_id // 10_000) % 1000, charge(np.where(nucleus, 0, pdg_id))).astype(np.int8)


def interactions_format(beams: Beams) -> Format:
    """HepMC3 of interactions, whose beams and targets `beams` knows."""
    return Format(
        name=HEPMC3.name,
        suffixes=HEPMC3.suffixes,
        description="HepMC3 text with beam and target; some 10,000 interactions a second",
        write=partial(
            write_hepmc3,
            needed=(*_ENTRIES, "n_particles", "energy"),
            columns=partial(interaction_columns, beams=beams),
        ),
        read=partial(read_hepmc3, gather=InteractionEvents, holding="interactions"),
        extra=HEPMC3.extra,
        streams=True,
    )
