"""The reference chain in arrays: Pythia pp events at 13 TeV, anti-kT R=0.8 jets, 30 leading constituents a jet.

Blocks of events are the unit of work. Each block reseeds Pythia from (seed, jet type, block number), so a block is the
same whatever ran before it: long runs can be interrupted, resumed, split and reordered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

JET_TYPES: tuple[str, ...] = ("gluon", "light_quark", "top")
"""Jet types in the order of their integer codes."""

N_CONSTITUENTS = 30
"""Leading constituents kept a jet, as in JetNet (Kansal et al. 2021, arXiv:2106.11535)."""

BLOCK_EVENTS = 250
"""Events a block: large enough to hide the reseeding, small enough (about 4 s) to resume with little lost."""

EVENTS_AT_ONCE = 50
"""Events in memory at a time: a full event record holds some 1,800 particles."""

PROCESSES: Mapping[str, tuple[str, ...]] = {
    "gluon": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
    "light_quark": ("HardQCD:qq2qq = on", "HardQCD:gg2qqbar = on", "HardQCD:qqbar2qqbarNew = on"),
    "top": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
}
"""Hard processes a jet type; `qq2qq` covers every quark-(anti)quark scattering, identical flavours included."""

PARTONS: Mapping[str, tuple[int, ...]] = {"gluon": (21,), "light_quark": (1, 2, 3), "top": (6,)}
"""Absolute PDG codes of the hard partons whose jets are kept: outgoing charm and bottom are no light quarks."""

NEUTRINOS = (12, 14, 16)

_FIRST_PARTON, _LAST_PARTON = 5, 7
_SEED_LIMIT = 900_000_000


@dataclass(frozen=True)
class JetSelection:
    """Cuts of the reference chain; energies and momenta in GeV.

    Attributes
    ----------
    beam_energy
        Centre-of-mass energy of the proton-proton collision.
    pt_hat
        Range of the hard process's transverse momentum in its rest frame.
    radius
        Anti-kT radius parameter, and the largest distance between a jet and its hard parton.
    particle_eta
        Largest absolute pseudorapidity of a visible particle (a general-purpose detector's calorimeters).
    jet_eta
        Largest absolute pseudorapidity of a jet (a general-purpose detector's tracker).
    jet_pt
        Window of the jet's transverse momentum; jets outside are dropped and counted.
    """

    beam_energy: float = 13_000.0
    pt_hat: tuple[float, float] = (800.0, 1200.0)
    radius: float = 0.8
    particle_eta: float = 5.0
    jet_eta: float = 2.5
    jet_pt: tuple[float, float] = (700.0, 1300.0)

    def attributes(self) -> dict[str, Any]:
        """The cuts as flat file attributes."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class JetArrays:
    """Jets of one type as arrays; the leading axis is the jet.

    Attributes
    ----------
    jet_pt, jet_eta, jet_mass
        (n,) float64, from the four-momentum sum of all the jet's constituents; GeV, 1, GeV.
    n_constituents_all
        (n,) int64, before the cut at 30.
    n_constituents
        (n,) int64, kept.
    constituents
        (n, 30, 3) float64: eta_rel, phi_rel, pt_rel by decreasing pt_rel; zeros beyond `n_constituents`.
    counts
        Events generated and jets dropped, by reason.
    """

    jet_pt: np.ndarray
    jet_eta: np.ndarray
    jet_mass: np.ndarray
    n_constituents_all: np.ndarray
    n_constituents: np.ndarray
    constituents: np.ndarray
    counts: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.jet_pt)

    def take(self, rows: np.ndarray) -> JetArrays:
        """The jets at `rows` (integers, a mask or a slice), with the counts unchanged."""
        return JetArrays(**{name: getattr(self, name)[rows] for name in ARRAYS}, counts=self.counts)


ARRAYS: tuple[str, ...] = (
    "jet_pt",
    "jet_eta",
    "jet_mass",
    "n_constituents_all",
    "n_constituents",
    "constituents",
)
"""Array fields of `JetArrays`, in order."""


def concatenate(blocks: list[JetArrays]) -> JetArrays:
    """Join blocks of jets; counts are added.

    Raises
    ------
    ValueError
        If `blocks` is empty.
    """
    if not blocks:
        raise ValueError("blocks is empty: pass at least one JetArrays to concatenate")
    counts: dict[str, int] = {}
    for block in blocks:
        for name, value in block.counts.items():
            counts[name] = counts.get(name, 0) + value
    return JetArrays(**{name: np.concatenate([getattr(b, name) for b in blocks]) for name in ARRAYS}, counts=counts)


def block_seed(seed: int, jet_type: str, block: int, cohort: int | None = None) -> int:
    """Pythia's seed (1 to 9e8) of one block, a hash of (seed, jet type, block, cohort); cohorts have streams apart."""
    if seed < 0 or block < 0:
        raise ValueError(f"seed {seed} and block {block} must not be negative: pass integers from 0")
    stream = [] if cohort is None else [cohort + 1]  # SeedSequence pads with zeros: 0 would repeat the plain stream
    words = np.random.SeedSequence([seed, JET_TYPES.index(jet_type), block, *stream]).generate_state(2)
    return 1 + int((int(words[0]) << 32 | int(words[1])) % (_SEED_LIMIT - 1))


def cluster(
    particles: np.ndarray, counts: np.ndarray, partons: np.ndarray, selection: JetSelection
) -> tuple[JetArrays, np.ndarray]:
    """Cluster events and keep the jets nearest to their hard partons.

    Parameters
    ----------
    particles
        (total, 4) float64 px, py, pz, E of the visible particles of all events, one event after the other; GeV.
    counts
        (n_events,) particles of each event.
    partons
        (n_events, k, 4) hard partons' four-momenta; NaN for a parton whose jet is not wanted.
    selection
        Radius and windows.

    Returns
    -------
    JetArrays
        Kept jets, in the order of events, then of partons.
    ndarray
        (n_jets, 2) event and parton of each jet.
    """
    import awkward as ak
    import fastjet

    edges = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    columns = {name: particles[:, i] for i, name in enumerate(("px", "py", "pz", "E"))}
    events = ak.Array(
        ak.contents.ListOffsetArray(
            ak.index.Index64(edges),
            ak.contents.RecordArray(
                [ak.contents.NumpyArray(np.ascontiguousarray(c)) for c in columns.values()],  # pyright: ignore[reportArgumentType]
                list(columns),
                parameters={"__record__": "Momentum4D"},
            ),
        )
    )
    sequence = fastjet.ClusterSequence(events, fastjet.JetDefinition(fastjet.antikt_algorithm, selection.radius))
    low, high = selection.jet_pt
    members = sequence.constituent_index(min_pt=low)
    n_jets = ak.to_numpy(ak.num(members, axis=1))
    sizes = ak.to_numpy(ak.flatten(ak.num(members, axis=2)))
    event_of_jet = np.repeat(np.arange(len(counts)), n_jets)
    member = ak.to_numpy(ak.flatten(ak.flatten(members, axis=2), axis=1)) + np.repeat(edges[:-1][event_of_jet], sizes)
    jet_of_member = np.repeat(np.arange(len(sizes)), sizes)

    momenta = particles[member]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    jets = np.add.reduceat(momenta, starts, axis=0) if len(sizes) else np.zeros((0, 4))
    jet_pt, jet_eta, jet_phi = _transverse(jets)

    _, parton_eta, parton_phi = _transverse(partons)
    matched = _nearest_jets(event_of_jet, jet_eta, jet_phi, parton_eta, parton_phi, selection.radius)
    event, parton = np.nonzero(matched >= 0)
    jet = matched[event, parton]
    first = np.sort(np.unique(jet, return_index=True)[1])  # two partons in one jet count once
    event, parton, jet = event[first], parton[first], jet[first]
    keep = (jet_pt[jet] <= high) & (np.abs(jet_eta[jet]) <= selection.jet_eta)
    tally = {
        "events": len(counts),
        "partons": int(np.isfinite(partons[..., 0]).sum()),
        "unmatched_or_below_window": int(np.isfinite(partons[..., 0]).sum() - len(jet)),
        "above_window": int((jet_pt[jet] > high).sum()),
        "outside_eta": int(((jet_pt[jet] <= high) & (np.abs(jet_eta[jet]) > selection.jet_eta)).sum()),
    }
    event, parton, jet = event[keep], parton[keep], jet[keep]

    pt, eta, phi = _transverse(momenta)
    order = np.lexsort((-pt, jet_of_member))
    rank = np.arange(len(order)) - starts[jet_of_member]
    row_of_jet = np.full(len(sizes), -1)
    row_of_jet[jet] = np.arange(len(jet))
    row = row_of_jet[jet_of_member]
    chosen = (rank < N_CONSTITUENTS) & (row >= 0)
    index, owner = order[chosen], jet_of_member[chosen]
    constituents = np.zeros((len(jet), N_CONSTITUENTS, 3))
    constituents[row[chosen], rank[chosen]] = np.stack(
        [eta[index] - jet_eta[owner], wrap(phi[index] - jet_phi[owner]), pt[index] / jet_pt[owner]], axis=-1
    )
    mass_squared = jets[:, 3] ** 2 - (jets[:, :3] ** 2).sum(axis=1)
    arrays = JetArrays(
        jet_pt=jet_pt[jet],
        jet_eta=jet_eta[jet],
        jet_mass=np.sqrt(np.maximum(mass_squared[jet], 0.0)),
        n_constituents_all=sizes[jet].astype(np.int64),
        n_constituents=np.minimum(sizes[jet], N_CONSTITUENTS).astype(np.int64),
        constituents=constituents,
        counts=tally | {"kept": len(jet)},
    )
    return arrays, np.stack([event, parton], axis=1)


def wrap(angle: np.ndarray) -> np.ndarray:
    """Angles brought to [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _transverse(momenta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    px, py, pz = momenta[..., 0], momenta[..., 1], momenta[..., 2]
    pt = np.hypot(px, py)
    return pt, np.arcsinh(pz / np.maximum(pt, 1e-300)), np.arctan2(py, px)


def _nearest_jets(
    event_of_jet: np.ndarray,
    jet_eta: np.ndarray,
    jet_phi: np.ndarray,
    parton_eta: np.ndarray,
    parton_phi: np.ndarray,
    radius: float,
) -> np.ndarray:
    """Index of the jet nearest to each parton, (n_events, k); -1 where none lies within `radius`."""
    best = np.full(parton_eta.shape, np.inf)
    nearest = np.full(parton_eta.shape, -1)
    n_jets = np.bincount(event_of_jet, minlength=len(parton_eta))
    position = np.arange(len(event_of_jet)) - np.repeat(np.cumsum(n_jets) - n_jets, n_jets)
    for rank in range(int(n_jets.max(initial=0))):
        jets = np.flatnonzero(position == rank)
        events = event_of_jet[jets]
        distance = np.hypot(jet_eta[jets, None] - parton_eta[events], wrap(jet_phi[jets, None] - parton_phi[events]))
        closer = distance < np.minimum(best[events], radius)
        best[events] = np.where(closer, distance, best[events])
        nearest[events] = np.where(closer, jets[:, None], nearest[events])
    return nearest


class JetSimulation:
    """Pythia for one jet type, generating blocks of jets on demand.

    Parameters
    ----------
    jet_type
        One of `JET_TYPES`.
    selection
        Cuts; the default is what the plugin ships.

    Raises
    ------
    ValueError
        If the jet type is unknown.
    ModuleNotFoundError
        If pythia8mc is not installed.
    RuntimeError
        If Pythia refuses its settings.
    """

    def __init__(self, jet_type: str, selection: JetSelection | None = None) -> None:
        if jet_type not in JET_TYPES:
            raise ValueError(f"jet_type is {jet_type!r}: expected one of {', '.join(JET_TYPES)}")
        import pythia8mc

        self.jet_type = jet_type
        self.selection = selection or JetSelection()
        self._pythia = pythia8mc.Pythia("", False)
        low, high = self.selection.pt_hat
        for line in (
            "Print:quiet = on",
            "Beams:idA = 2212",
            "Beams:idB = 2212",
            f"Beams:eCM = {self.selection.beam_energy}",
            f"PhaseSpace:pTHatMin = {low}",
            f"PhaseSpace:pTHatMax = {high}",
            "HardQCD:nQuarkNew = 3",
            "Random:setSeed = on",
            "Random:seed = 1",  # initialisation is the same for every block; `block` reseeds
            *PROCESSES[jet_type],
        ):
            if not self._pythia.readString(line):
                raise RuntimeError(f"Pythia refuses the setting {line!r}: install pythia8mc 8.317.2")
        if not self._pythia.init():
            raise RuntimeError(f"Pythia does not initialise for {jet_type} jets: install pythia8mc 8.317.2")

    def block(
        self,
        seed: int,
        block: int,
        n_events: int = BLOCK_EVENTS,
        cohort: int | None = None,
        enough: int | None = None,
    ) -> JetArrays:
        """All jets of one block of events, a function of the arguments alone.

        Parameters
        ----------
        seed, block : int
            Name the block.
        n_events : int
            Events generated, fifty at a time.
        cohort : int, optional
            A stream apart from the plain one, see `block_seed`.
        enough : int, optional
            Stop after the fifty events that bring this many jets; what comes back is the start of the whole block.
        """
        self._pythia.rndm.init(block_seed(seed, self.jet_type, block, cohort))
        parts: list[JetArrays] = []
        for start in range(0, n_events, EVENTS_AT_ONCE):
            if enough is not None and parts and sum(map(len, parts)) >= enough:
                break
            particles, counts, partons = self._events(min(EVENTS_AT_ONCE, n_events - start))
            parts.append(cluster(particles, counts, partons, self.selection)[0])
        return concatenate(parts)

    def _events(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        import awkward as ak

        record = self._pythia.nextBatch(n).prt
        sizes = ak.to_numpy(ak.num(record.id))
        ids = np.abs(ak.to_numpy(ak.flatten(record.id)))
        status = ak.to_numpy(ak.flatten(record.status))
        momenta = np.stack([ak.to_numpy(ak.flatten(record.p[c])) for c in ("px", "py", "pz", "e")], axis=-1)
        event = np.repeat(np.arange(len(sizes)), sizes)
        first = np.cumsum(sizes) - sizes

        pt, eta, _ = _transverse(momenta)
        visible = (status > 0) & ~np.isin(ids, NEUTRINOS) & (np.abs(eta) < self.selection.particle_eta) & (pt > 0)
        counts = np.bincount(event[visible], minlength=len(sizes))

        rows = first[:, None] + np.arange(_FIRST_PARTON, _LAST_PARTON)
        wanted = np.isin(ids[rows], PARTONS[self.jet_type])
        partons = np.where(wanted[..., None], momenta[rows], np.nan)
        return momenta[visible], counts, partons
