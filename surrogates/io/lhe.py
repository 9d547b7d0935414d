"""Les Houches events: the production process e+e- -> tau+ tau- with its radiated photons, before the taus decay.

The format describes hard processes, so it carries the beams, the two taus and the photons that come from no tau decay
(parent 0): what a generator needs to decay the taus itself. The taus' decay products are left out. Conditions and
`tau_decay` are attributes of each event; a tau's flight is its proper lifetime, from which the decay vertex is rebuilt
on reading. Momenta and weights are written with 17 digits. The file's one cross-section is the mean over its first
block, at the beams of its highest energy: write each energy to a file of its own where it matters. Events with weights
are announced as strategy -4, of which the standard takes the mean weight for the cross-section in pb.

J. Alwall et al., Comput. Phys. Commun. 176 (2007) 300 (LHE); J. R. Andersen et al., arXiv:1405.1067 (version 3).
"""

from __future__ import annotations

import gzip
import warnings
import xml.etree.ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np

from .atomic import byte_stream
from .blocks import SAMPLE, opened, rows
from .description import Description, describe, from_json, to_json
from .event_layout import (
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
from .event_weights import (
    CROSS_SECTION,
    CROSS_SECTION_ERROR,
    NAME,
    WEIGHT,
    CrossSection,
    cross_sections,
    named_weights,
    variables_named,
    weight_table,
    with_weights,
)
from .formats import FileFormatError, Format, missing_library
from .seals import check_seal

if TYPE_CHECKING:
    import xarray as xr

HEADER = "surrogates_dataset"
PROCESS = 1
_UNKNOWN_SPIN = 9.0
UNWEIGHTED, WEIGHTED = 3, -4
_UNKNOWN_CROSS_SECTION = 1.0
"""pb; readers refuse a process of 0."""
_FIXED = {*PARTICLE_VARIABLES, *TAU_VARIABLES, "n_particles", "tau_decay", WEIGHT, SAMPLE}
_INFO = "{nparticles:d} {pid:d} {weight:.16e} {scale:.16e} {aqed:.10e} {aqcd:.10e}"
_PROCESS = "{xSection:.16e} {error:.16e} {unitWeight:.16e} {procId:d}"
_INIT = (
    "{beamA:d} {beamB:d} {energyA:.16e} {energyB:.16e} {PDFgroupA:d} {PDFgroupB:d} {PDFsetA:d} {PDFsetB:d} "
    "{weightingStrategy:d} {numProcesses:d}"
)
_DIGITS = "{id:d} {status:d} {mother1:d} {mother2:d} {color1:d} {color2:d} " + " ".join(
    f"{{{name}:.16e}}" for name in ("px", "py", "pz", "e", "m", "lifetime", "spin")
)


def write_lhe(
    blocks: Iterable[xr.Dataset],
    target: str | Path,
    *,
    overwrite: bool = False,
    cross_section: CrossSection | None = None,
) -> None:
    """Write the production level of particle events as a Les Houches event file (version 3).

    Parameters
    ----------
    blocks : iterable of Dataset
        In the particle-events layout; every further variable over (sample) becomes an attribute of its event,
        `weight` and named weights its weights.
    target : path, or "-" for standard output
        A named pipe is written to as it is; ``.gz`` compresses.
    overwrite : bool
        Whether an existing file may be replaced.
    cross_section : callable, optional
        Dataset -> (n,) values and errors in pb, where the Dataset has no `cross_section` and `cross_section_error` of
        its own.

    Raises
    ------
    FormatError
        Where pylhe is not installed or the Dataset is no set of particle events.
    OutputError
        Where the file exists or cannot be written.
    """
    pylhe = _library()
    first, stream = opened(blocks)
    require(first, (*PARTICLE_VARIABLES, *TAU_VARIABLES, "energy", "n_particles"), "LHE")
    named = named_weights(first)
    layout = pylhe.LHEXMLFormat(
        particle=_DIGITS, eventinfo=_INFO, procinfo=_PROCESS, initinfo=_INIT, weights=pylhe.LHEWeightFormat.NONE
    )
    with byte_stream(target, overwrite=overwrite, line="<!-- {} -->") as file:
        text = TextIOWrapper(file, encoding="utf-8", write_through=True)
        text.write('<LesHouchesEvents version="3.0">\n')
        text.write(_header(first, named))
        weighted = WEIGHT in first or bool(named)
        text.write(_init(pylhe, first, cross_sections(first, cross_section), weighted).tolhe(layout) + "\n")
        for block in chain([first], stream):
            require(block, (*PARTICLE_VARIABLES, *TAU_VARIABLES, "energy", "n_particles"), "LHE")
            weights = weight_table(block, named)
            for event, further in zip(_events(pylhe, block, weights[:, 0], named), weights[:, 1:], strict=True):
                text.write(_with_weights(event.tolhe(layout), named, further))
        text.write("</LesHouchesEvents>\n")
        text.flush()
        text.detach()


def _library() -> Any:
    try:
        import pylhe
    except ImportError:
        raise missing_library("pylhe", "formats", "LHE") from None
    return pylhe


def _header(first: xr.Dataset, named: dict[str, str]) -> str:
    """The header, a tag a line: HepMC3's reader takes a header on one line for the rest of the file."""
    header = xml.etree.ElementTree.Element("header")
    header.text = "\n"
    stored = xml.etree.ElementTree.SubElement(header, HEADER)
    stored.text, stored.tail = to_json(describe(first)), "\n"
    if named:
        group = xml.etree.ElementTree.SubElement(
            xml.etree.ElementTree.SubElement(header, "initrwgt"), "weightgroup", name="weights", combine="none"
        )
        for name in named.values():
            weight = xml.etree.ElementTree.SubElement(group, "weight", id=name)
            weight.text, weight.tail = name, "\n"
    return xml.etree.ElementTree.tostring(header, encoding="unicode") + "\n"


def _init(pylhe: Any, first: xr.Dataset, picobarns: list[tuple[float, float]], weighted: bool) -> Any:
    half = float(first["energy"].values.max()) / 2 if rows(first) else 0.0
    info = pylhe.LHEInitInfo(ELECTRON, -ELECTRON, half, half, 0, 0, 0, 0, WEIGHTED if weighted else UNWEIGHTED, 1)
    known = np.array([pair for pair in picobarns if pair[0] == pair[0]]).reshape(-1, 2)
    value, error = known.mean(axis=0).tolist() if len(known) else (_UNKNOWN_CROSS_SECTION, 0.0)
    process = pylhe.LHEProcInfo(xSection=value, error=error, unitWeight=1.0, procId=PROCESS)
    return pylhe.LHEInit(initInfo=info, procInfo=[process], generators=[])


def _with_weights(event: str, named: dict[str, str], weights: np.ndarray) -> str:
    """Add an event's named weights in full: the library writes five digits."""
    if not named:
        return event + "\n"
    entries = zip(named.values(), weights.tolist(), strict=True)
    lines = [f"<wgt id={quoteattr(name)}>{value!r}</wgt>\n" for name, value in entries]
    return event.removesuffix("</event>") + f"<rwgt>\n{''.join(lines)}</rwgt>\n</event>\n"


def _events(pylhe: Any, block: xr.Dataset, weights: np.ndarray, named: dict[str, str]) -> Iterator[Any]:
    identity = block[SAMPLE].values if SAMPLE in block.coords else np.arange(rows(block))
    attributes = {SAMPLE: [str(value) for value in identity.tolist()]}
    for name, variable in block.variables.items():
        if variable.dims == (SAMPLE,) and name not in _FIXED and name not in named:
            attributes[str(name)] = [repr(value) for value in variable.values.tolist()]
    if "tau_decay" in block:
        attributes["tau_decay"] = [f"{minus} {plus}" for minus, plus in block["tau_decay"].values.tolist()]
    tau = np.stack([block[f"tau_{name}"].values for name in ("px", "py", "pz", "E")], axis=-1)
    mass = np.sqrt(np.maximum(tau[..., 3] ** 2 - np.sum(tau[..., :3] ** 2, axis=-1), 0))
    lifetime = (block["tau_vt"].values * mass / tau[..., 3]).tolist()
    pair = tau.sum(axis=1)
    scale = np.sqrt(np.maximum(pair[:, 3] ** 2 - np.sum(pair[:, :3] ** 2, axis=-1), 0))
    slots = np.arange(block.sizes["particle"])
    photon = (block["parent"].values == 0) & (slots < block["n_particles"].values[:, None])
    momentum = np.stack([block[name].values for name in ("px", "py", "pz", "E", "mass")], axis=-1)
    pdg_id = block["pdg_id"].values
    for i, half in enumerate((block["energy"].values / 2).tolist()):
        along = float(np.sqrt(max(half**2 - ELECTRON_MASS**2, 0.0)))
        particles = [
            pylhe.LHEParticle(
                s * ELECTRON, -1, 0, 0, 0, 0, 0.0, 0.0, s * along, half, ELECTRON_MASS, 0.0, _UNKNOWN_SPIN
            )
            for s in (1, -1)
        ]
        for side, sign in enumerate((1, -1)):
            four, flight = tau[i, side].tolist(), lifetime[i][side]
            m = float(mass[i, side])
            particles.append(pylhe.LHEParticle(sign * TAU, 1, 1, 2, 0, 0, *four, m, flight, _UNKNOWN_SPIN))
        for slot in np.flatnonzero(photon[i]):
            five = momentum[i, slot].tolist()
            particles.append(pylhe.LHEParticle(int(pdg_id[i, slot]), 1, 1, 2, 0, 0, *five, 0.0, _UNKNOWN_SPIN))
        info = pylhe.LHEEventInfo(len(particles), PROCESS, float(weights[i]), float(scale[i]), -1.0, -1.0)
        yield pylhe.LHEEvent(info, particles, attributes={name: texts[i] for name, texts in attributes.items()})


def read_lhe(path: str | Path, *, block_rows: int = 4096) -> Iterator[xr.Dataset]:
    """Yield the production level of the events of a Les Houches event file.

    The particles of each event are its radiated photons alone (parent 0); their number is `n_particles`.

    Raises
    ------
    FileFormatError
        Where the file is something else, ends early, or an event has no tau pair.
    """
    pylhe = _library()
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            check_seal(path)
            file = pylhe.LHEFile.fromfile(str(path))
            layout = _stored_layout(file)
            found = 0
            block: list[dict[str, Any]] = []
            for event in file.events:
                if not found:
                    layout = layout.with_first(event, path)
                block.append(_record(event, layout, found))
                found += 1
                if len(block) == block_rows:
                    yield _assemble(block, layout)
                    block = []
            if block or not found:
                yield _assemble(block, layout) if block else layout.description.empty()
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from None
    except (MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileFormatError(f"{path}: expected a Les Houches file of e+e- -> tau+ tau-; {reason}") from None


@dataclass(frozen=True)
class _Layout:
    """What the events of a file hold: variables, those that are named weights, and texts that all events share."""

    description: Description
    shared: dict[str, str]
    foreign: bool
    named: dict[str, str] = field(default_factory=dict)

    def with_first(self, event: Any, path: Path) -> _Layout:
        """Add the weights of the first event, where the file is another program's or was weighted by one."""
        stored = self.description.variables
        own = {name: str(entry.attrs[NAME]) for name, entry in stored.items() if NAME in entry.attrs}
        added = variables_named([name for name in event.weights if name not in own.values()], stored)
        if not (self.foreign or own or added or WEIGHT in stored or _is_weighted(path)):
            return self
        described = with_weights(self.description, added, cross_section=self.foreign)
        return replace(self, description=described, named=own | added)


def _stored_layout(file: Any) -> _Layout:
    for element in file.header.extra_elements if file.header else ():
        if element.tag == HEADER:
            return _Layout(from_json(element.text or ""), {}, foreign=False)
    processes = file.init.procInfo
    total = sum(process.xSection for process in processes)
    error = sum(process.error**2 for process in processes) ** 0.5
    shared = {CROSS_SECTION: repr(float(total)), CROSS_SECTION_ERROR: repr(float(error))}
    return _Layout(foreign_description(), shared, foreign=True)


def _is_weighted(path: Path) -> bool:
    """Whether a weight in the file is not 1: the third number of the line after ``<event>``."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
        return any(
            float(next(file, b"0 0 1").split()[2]) != 1.0 for line in file if line.lstrip().startswith(b"<event")
        )


def _record(event: Any, layout: _Layout, index: int) -> dict[str, Any]:
    found: dict[int, Any] = {particle.id: particle for particle in event.particles if abs(particle.id) == TAU}
    if set(found) != {TAU, -TAU}:
        raise FileFormatError("an event has no pair of taus")
    taus = [found[code] for code in (TAU, -TAU)]
    momentum = [(tau.px, tau.py, tau.pz, tau.e) for tau in taus]
    flight = [
        tuple(component * tau.lifetime / tau.m for component in four) for tau, four in zip(taus, momentum, strict=True)
    ]
    beams = [particle for particle in event.particles if particle.status == -1]
    total = np.sum([(beam.px, beam.py, beam.pz, beam.e) for beam in beams], axis=0) if beams else np.zeros(4)  # type: ignore
    variables = layout.description.variables
    missing = [name for name in layout.named.values() if name not in event.weights]
    if missing:
        raise FileFormatError(f"event {index + 1} lacks the weight {missing[0]!r}, which the first event has")
    texts = layout.shared | {name: text for name, text in event.attributes.items() if name in variables}
    texts |= {variable: repr(float(event.weights[name])) for variable, name in layout.named.items()}
    texts |= {WEIGHT: repr(float(event.eventinfo.weight))} if WEIGHT in variables else {}
    texts.setdefault("energy", repr(float(np.sqrt(max(total[3] ** 2 - np.sum(total[:3] ** 2), 0.0)))))
    texts.setdefault(SAMPLE, str(index))
    texts.setdefault("tau_decay", "-1 -1")
    texts.setdefault("n_dropped", "0")
    photons = [particle for particle in event.particles if particle.status == 1 and abs(particle.id) != TAU]
    return {"tau": momentum, "vertex": flight, "texts": texts, "photons": photons}


def _assemble(block: list[dict[str, Any]], layout: _Layout) -> xr.Dataset:
    description = layout.description
    counts = np.array([len(record["photons"]) for record in block])
    photons = [photon for record in block for photon in record["photons"]]
    fields = {"px": "px", "py": "py", "pz": "pz", "E": "e", "mass": "m"}
    flat = {name: np.array([getattr(photon, field) for photon in photons], float) for name, field in fields.items()}
    flat["pdg_id"] = np.array([photon.id for photon in photons], np.int32)
    flat["charge"] = charge(flat["pdg_id"])
    flat |= {name: np.zeros(len(photons)) for name in ("parent", "vx", "vy", "vz", "vt")}
    values = padded(flat, counts, description.sizes["particle"])
    tau = np.array([record["tau"] for record in block])
    vertex = np.array([record["vertex"] for record in block])
    values |= {f"tau_{name}": tau[..., i] for i, name in enumerate(("px", "py", "pz", "E"))}
    values |= {f"tau_v{axis}": vertex[..., i] for i, axis in enumerate("xyzt")}
    values["n_particles"] = np.minimum(counts, description.sizes["particle"])
    for name, variable in description.variables.items():
        if name in values:
            continue
        shape = tuple(len(block) if dim == SAMPLE else description.sizes[dim] for dim in variable.dims)
        if not all(name in record["texts"] for record in block):
            raise FileFormatError(f"an event lacks its attribute {name!r}")
        texts = " ".join(record["texts"][name] for record in block).split()
        values[name] = np.array(texts).astype(variable.dtype).reshape(shape)
    return description.dataset(values)


LHE = Format(
    name="lhe",
    suffixes=(".lhe", ".lhe.gz"),
    description="Les Houches events: the production of the tau pair with its photons, without decays",
    write=write_lhe,
    read=read_lhe,
    extra="formats",
    streams=True,
    leaves_out="the taus' decay products",
)
