"""The reference simulator of the jets domain: natural-spectrum jets, jets at an asked pT, and the conditions' prior."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError, SurrogatesError
from ...contract.schema import Schema
from ...counting import Counter
from ...physics.jets.simulation import (
    ARRAYS,
    EVENTS_AT_ONCE,
    JET_TYPES,
    N_CONSTITUENTS,
    JetArrays,
    JetSelection,
    JetSimulation,
    concatenate,
)
from ...training.simulated import kept
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

TRAINING_SEED = 271828
"""Seed of the natural-spectrum jets that the shipped weights learned from."""

TEST_SEED = 314159
"""Seed of the natural-spectrum jets that the printed figures were measured on."""

WIDER = (300.0, 2000.0)
"""GeV: transverse momenta that the reference serves; the surrogate's own are those of `JetSelection`."""

_WINDOWS = ((300.0, 467.0), (467.0, 700.0), (1300.0, 2000.0))
"""Beyond the shipped window, jets come from windows of their own, with hard processes wider by a quarter."""

COHORT = 1024
"""Consecutive sample identities that share one pool of jets, aligned with sampling batches."""

PART_BLOCKS = 4
"""Blocks of events in one part file of a kept run."""

SPECTRUM = Path(__file__).with_name("spectrum.json")


def to_dataset(
    jets: JetArrays, jet_type: np.ndarray, jet_pt: np.ndarray, samples: np.ndarray, **attrs: Any
) -> xr.Dataset:
    """Conditions and outputs as one Dataset.

    Parameters
    ----------
    jets : JetArrays
        Jets in the order of the rows.
    jet_type, jet_pt : ndarray
        (n,) conditions: codes, GeV.
    samples : ndarray
        (n,) sample identities.
    **attrs
        Attributes of the Dataset.
    """
    asked = CONDITIONS.dataset({"jet_type": jet_type, "jet_pt": jet_pt}, samples)
    outputs = OUTPUTS.dataset(
        {
            "jet_eta": jets.jet_eta,
            "jet_mass": jets.jet_mass,
            "n_constituents": jets.n_constituents,
            "n_constituents_all": jets.n_constituents_all,
            "constituent_eta_rel": jets.constituents[..., 0],
            "constituent_phi_rel": jets.constituents[..., 1],
            "constituent_pt_rel": jets.constituents[..., 2],
        },
        samples,
    )
    return asked.merge(outputs).assign_attrs(attrs)


def wider(schema: Schema) -> Schema:
    """The conditions with all transverse momenta that the reference serves."""
    return replace(
        schema,
        variables=tuple(
            replace(variable, bounds=WIDER) if variable.name == "jet_pt" else variable for variable in schema
        ),
    )


def _selections(asked: np.ndarray) -> Iterator[tuple[JetSelection, np.ndarray]]:
    """Windows that the asked transverse momenta need, each with the rows (bool) that lie in it."""
    own = JetSelection()
    rows = (asked >= own.jet_pt[0]) & (asked <= own.jet_pt[1])
    if rows.any():
        yield own, rows
    for low, high in _WINDOWS:
        inside = (asked >= low) & (asked <= high) & ~rows
        rows = rows | inside
        if inside.any():
            yield replace(own, jet_pt=(low, high), pt_hat=(0.8 * low, 1.25 * high)), inside


def provenance() -> dict[str, Any]:
    """Attributes that say how the reference jets were made."""
    return {
        "reference": f"pythia8mc {version('pythia8mc')}, fastjet {version('fastjet')}",
        "selection": json.dumps(JetSelection().attributes()),
    }


# Natural spectrum --------------------------------------------------------------------------------------------------


def natural_jets(
    jet_type: str, n: int, seed: int, folder: Path | None = None, selection: JetSelection | None = None
) -> JetArrays:
    """The first n jets of one type's natural-spectrum stream; each keeps the pT that Pythia gave it.

    Parameters
    ----------
    jet_type : str
        One of gluon, light_quark, top.
    n : int
        Jets wanted.
    seed : int
        Names the stream; jet i depends on (seed, jet type, i) alone.
    folder : Path, optional
        Where finished parts are kept, see `surrogates.training.simulated.kept`. A run that was killed continues where
        it stopped, and a folder that holds enough jets needs no Pythia at all.
    selection : JetSelection, optional
        Cuts; what the plugin ships by default.

    Returns
    -------
    JetArrays
        n jets, with the counts of all generated blocks.

    Raises
    ------
    SurrogatesError
        If a part in `folder` came from another seed or other cuts.
    """

    def make(blocks: tuple[int, int]) -> dict[str, np.ndarray]:
        start = _simulation(jet_type, selection)
        several = [start.block(seed, number, enough=enough) for number in range(*blocks)]
        jets = concatenate(several)
        return {name: getattr(jets, name) for name in ARRAYS} | {name: np.array(n) for name, n in jets.counts.items()}

    at_once = PART_BLOCKS if folder is not None else 1
    names = ((f"part-{i:05d}", {"blocks": (i * at_once, (i + 1) * at_once)}) for i in count())
    made_with = {"jet_type": jet_type, "seed": seed, "cuts": (selection or JetSelection()).attributes()}
    parts: list[JetArrays] = []
    enough = n if folder is None else None
    with Counter(f"{jet_type} jets", n, shown=folder is not None) as counter:
        for arrays in kept(folder / jet_type if folder is not None else None, names, make, made_with):
            counts = {name: int(value) for name, value in arrays.items() if name not in ARRAYS}
            parts.append(JetArrays(**{name: arrays[name] for name in ARRAYS}, counts=counts))
            missing = n - sum(map(len, parts))
            enough = missing if folder is None else None
            counter.update(n - max(missing, 0))
            if missing <= 0:
                break
    return concatenate(parts).take(np.arange(n))


@lru_cache(maxsize=1)
def _simulation(jet_type: str, selection: JetSelection | None) -> JetSimulation:
    try:
        return JetSimulation(jet_type, selection)
    except RuntimeError as error:
        raise SurrogatesError(str(error)) from None


def truth(n: int, seed: int, folder: Path | None = None) -> xr.Dataset:
    """Natural-spectrum jets with their own conditions, equal thirds of the types.

    Sample i is a jet of type i mod 3, and the (i div 3)-th jet of that type's stream: it depends on (seed, i) alone.

    Parameters
    ----------
    n : int
        Jets in all.
    seed : int
        Names the streams; `TRAINING_SEED` and `TEST_SEED` are taken.
    folder : Path, optional
        Keeps finished parts, see `natural_jets`.

    Returns
    -------
    Dataset
        Conditions and outputs; attribute `simulated_events` and the dropped jets' counts are Pythia's work for it.
    """
    samples = np.arange(n)
    codes = samples % len(JET_TYPES)
    streams = [
        natural_jets(name, int((codes == code).sum()), seed, folder) for code, name in enumerate(JET_TYPES[: min(n, 3)])
    ]
    if not streams:
        return to_dataset(_no_jets(), codes, np.zeros(0), samples, seed=seed)
    jets = concatenate(streams)
    order = np.argsort(np.concatenate([np.flatnonzero(codes == code) for code in range(len(streams))]))
    jets = jets.take(order)
    attrs = {f"simulated_{name}": count for name, count in jets.counts.items()}
    return to_dataset(jets, codes, jets.jet_pt, samples, seed=seed, **provenance(), **attrs)


def _no_jets() -> JetArrays:
    none, counted = np.zeros(0), np.zeros(0, dtype=np.int64)
    return JetArrays(none, none, none, counted, counted, np.zeros((0, N_CONSTITUENTS, 3)))


# Prior -------------------------------------------------------------------------------------------------------------


@cache
def spectrum() -> Mapping[str, np.ndarray]:
    """Quantiles of the natural pT spectrum a type, at equal steps of probability from 0 to 1; GeV."""
    table = json.loads(SPECTRUM.read_text())
    return {name: np.asarray(table["quantiles"][name]) for name in JET_TYPES}


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Conditions drawn from the natural spectrum, equal thirds of the types.

    Parameters
    ----------
    schema : Schema
        Its bounds on `jet_pt` cut the spectrum.
    n : int
        Rows.
    seed : int
        Row i depends on (seed, i) alone.

    Returns
    -------
    Dataset
        `jet_type` (i mod 3) and `jet_pt` by inversion of the tabulated cumulative spectrum of that type.
    """
    import torch

    from ...noise import Noise

    samples = np.arange(n)
    codes = samples % len(JET_TYPES)
    uniform = Noise(seed, torch.as_tensor(samples)).uniform((1,), "jet_pt").numpy()[:, 0]
    jet_pt = np.empty(n)
    bounds = schema["jet_pt"].bounds or (-np.inf, np.inf)
    for code, name in enumerate(JET_TYPES):
        quantiles = spectrum()[name]
        probability = np.linspace(0.0, 1.0, len(quantiles))
        low, high = np.interp(bounds, quantiles, probability)
        rows = codes == code
        jet_pt[rows] = np.interp(low + uniform[rows] * (high - low), probability, quantiles)
    return schema.dataset({"jet_type": codes, "jet_pt": np.clip(jet_pt, *bounds)}, samples)


# Asked conditions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JetsReference:
    """Pythia and FastJet behind the call of a surrogate: jets of an asked type near an asked pT.

    Pythia cannot fix a jet's pT. So each type has a pool of natural-spectrum jets, generated on demand, and a row is
    served the unused jet whose pT is nearest to the asked one, if it lies within `tolerance`; where none does, the pool
    grows by fifty events. A pool jet is served at most once. The served jet's four-momenta are scaled by asked over own
    pT, at most 1 %: relative quantities stay as simulated, the mass scales along, and every law of the jet still holds.

    Attributes
    ----------
    tolerance : float
        Largest relative distance between a served jet's pT and the asked one.
    budget : int
        Largest number of events generated for one cohort and type, plus `budget_a_row` for each row asked of it.
    budget_a_row : int
        See `budget`.
    conditions, outputs : Schema

    Notes
    -----
    What a row depends on: pools are keyed by (seed, jet type, cohort), a cohort being `COHORT` = 1024 consecutive
    sample identities, and rows choose in increasing order of identity. So a row is a function of the seed and of the
    conditions asked for the same type at identities up to its own in its cohort: the order of rows, later rows, other
    cohorts and other types change nothing, and shards aligned to 1024 equal the whole. A pool for each row would make
    it depend on its own identity alone, at some hundred times the cost.
    """

    tolerance: float = 0.01
    budget: int = 25_000
    budget_a_row: int = 100
    conditions: Schema = field(default=wider(CONDITIONS), repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Serve one simulated jet for each row.

        Parameters
        ----------
        conditions : Dataset
            `jet_type` (codes) and `jet_pt` (GeV) along `sample`, with the integer coordinate `sample`.
        seed : int
            Names the pools.

        Returns
        -------
        Dataset
            Conditions and outputs. Attributes `simulated_events`, `simulated_kept` (pool jets) and `rejected_jets`
            (pool jets that were not served) count the work; `largest_pt_offset` is the worst relative distance in pT.

        Raises
        ------
        SchemaError
            If a pT cannot be filled within the budget, or lies outside the declared window.
        """
        samples = np.asarray(conditions["sample"].values, dtype=np.int64)
        codes = np.asarray(conditions["jet_type"].values, dtype=np.int64)
        asked = np.asarray(conditions["jet_pt"].values, dtype=np.float64)
        self.conditions["jet_pt"].check(asked)
        if len(np.unique(samples)) != len(samples) or (len(samples) and samples.min() < 0):
            raise SchemaError("sample: identities repeat or are negative; expected distinct integers, 0 or more")
        served: list[JetArrays] = []
        rows: list[np.ndarray] = []
        for selection, inside in _selections(asked):
            for code, name in enumerate(JET_TYPES):
                members = np.flatnonzero((codes == code) & inside)
                if not len(members):
                    continue
                simulation = _simulation(name, selection)
                members = members[np.argsort(samples[members])]
                for cohort in np.unique(samples[members] // COHORT):
                    row = members[samples[members] // COHORT == cohort]
                    served.append(self._serve(simulation, asked[row], seed, int(cohort)))
                    rows.append(row)
        if not served:
            return to_dataset(_no_jets(), codes, asked, samples, seed=seed)
        jets = concatenate(served).take(np.argsort(np.concatenate(rows)))
        attrs: dict[str, Any] = {f"simulated_{name}": count for name, count in jets.counts.items()}
        attrs["rejected_jets"] = jets.counts["kept"] - len(jets)
        scale = asked / jets.jet_pt
        attrs["largest_pt_offset"] = float(np.max(np.abs(scale - 1)))
        jets = replace(jets, jet_pt=asked, jet_mass=jets.jet_mass * scale)
        return to_dataset(jets, codes, asked, samples, seed=seed, **provenance(), **attrs)

    def _serve(self, simulation: JetSimulation, asked: np.ndarray, seed: int, cohort: int) -> JetArrays:
        """The jets of one cohort and type, in the order of `asked`."""
        allowed = self.budget + self.budget_a_row * len(asked)
        blocks: list[JetArrays] = []
        pt_of_pool, free = np.empty(0), np.empty(0, dtype=bool)
        chosen = np.empty(len(asked), dtype=np.int64)
        for row, pt in enumerate(asked):
            while True:
                offset = np.where(free, np.abs(pt_of_pool / pt - 1), np.inf)
                nearest = int(np.argmin(offset)) if len(offset) else -1
                if nearest >= 0 and offset[nearest] <= self.tolerance:
                    break
                events = len(blocks) * EVENTS_AT_ONCE
                if events >= allowed:
                    raise SchemaError(
                        f"jet_pt: {pt:g} GeV has no {simulation.jet_type} jet left within {self.tolerance:.0%} after "
                        f"{events} events; expected a pT nearer to the spectrum's bulk, or raise the budget"
                    )
                blocks.append(simulation.block(seed, len(blocks), EVENTS_AT_ONCE, cohort))
                pt_of_pool = np.concatenate([pt_of_pool, blocks[-1].jet_pt])
                free = np.concatenate([free, np.ones(len(blocks[-1]), dtype=bool)])
            free[nearest] = False
            chosen[row] = nearest
        return concatenate(blocks).take(chosen)
