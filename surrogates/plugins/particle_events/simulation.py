"""Pythia runs of e+e- -> tau+ tau- and the extraction of their events into padded arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...contract.errors import SurrogatesError
from .particles import CAP, channels, charge_of, self_conjugate

MINIMUM_MASS = 3.6  # GeV, lower edge of the generated tau-pair mass, just above twice the tau mass


def settings(energy: float, initial_state_radiation: bool, seed: int) -> list[str]:
    """Pythia settings of e+e- -> gamma*/Z -> tau+ tau- at sqrt(s) = `energy` [GeV]."""
    return [
        "Print:quiet = on",
        "Beams:idA = 11",
        "Beams:idB = -11",
        f"Beams:eCM = {energy!r}",
        f"PDF:lepton = {'on' if initial_state_radiation else 'off'}",
        "WeakSingleBoson:ffbar2gmZ = on",
        "23:onMode = off",
        "23:onIfAny = 15",
        f"23:mMin = {MINIMUM_MASS}",
        "Random:setSeed = on",
        f"Random:seed = {1 + seed % 899_999_999}",
    ]


def forced(minus: int, plus: int) -> list[str]:
    """Settings that force the tau- into channel `minus` and the tau+ into channel `plus` (-1: free)."""
    if minus < 0 and plus < 0:
        return []
    lines = []
    for index in range(len(channels())):
        particle, antiparticle = minus in (-1, index), plus in (-1, index)
        mode = 1 if particle and antiparticle else 2 if particle else 3 if antiparticle else 0
        lines.append(f"15:{index}:onMode = {mode}")
    return lines


def pythia(lines: list[str]) -> Any:
    """An initialised Pythia with these settings.

    Raises
    ------
    ModuleNotFoundError
        pythia8mc is not installed.
    RuntimeError
        Pythia refuses a setting or its initialisation.
    """
    import pythia8mc

    instance = pythia8mc.Pythia("", False)
    for line in lines:
        if not instance.readString(line):
            raise SurrogatesError(f"pythia: setting {line!r} refused; check the installed pythia8mc version (8.317.2)")
    if not instance.init():
        raise SurrogatesError("pythia: initialisation failed; check the settings " + "; ".join(lines[2:6]))
    return instance


def flatten(batch: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Event offsets and flat particle columns of a Pythia batch (mothers as flat indices)."""
    import awkward as ak

    record = batch.prt
    offsets = np.concatenate([[0], np.cumsum(ak.num(record.id).to_numpy())])
    flat = ak.flatten(record)
    columns = {name: flat[name].to_numpy() for name in ("id", "status", "m", "scale")}
    start = np.repeat(offsets[:-1], np.diff(offsets))
    columns["event"] = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    columns["mother"] = flat.mother1.to_numpy() + start
    for name in ("px", "py", "pz", "e"):
        columns[name] = flat.p[name].to_numpy()
        columns["v" + name[-1]] = ak.to_numpy(ak.fill_none(flat.vProd[name], 0.0))
    columns["vt"] = columns.pop("ve")
    return offsets, columns


def collect(instance: Any, seeds: list[int]) -> dict[str, np.ndarray]:
    """One event for each seed, as padded output arrays.

    Pythia's generator is re-seeded before each event; a failed event is tried again with the next state.
    """
    integers: list[tuple[int, int, int]] = []
    numbers: list[tuple[float, ...]] = []
    lengths = []
    for seed in seeds:
        instance.rndm.init(1 + seed % 899_999_999)
        for _ in range(10):
            if instance.next() and _is_pair(instance.event):
                break
        else:
            raise SurrogatesError(f"pythia: 10 failed attempts in a row with seed {seed}; check the conditions")
        record = instance.event
        lengths.append(record.size())
        for q in record:
            integers.append((q.id(), q.status(), q.mother1()))
            numbers.append(
                (q.m(), q.scale(), q.px(), q.py(), q.pz(), q.e(), q.xProd(), q.yProd(), q.zProd(), q.tProd())
            )
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    whole, real = np.array(integers), np.array(numbers)
    columns: dict[str, np.ndarray] = dict(zip(("id", "status", "mother"), whole.T, strict=True))
    columns |= dict(zip(("m", "scale", "px", "py", "pz", "e", "vx", "vy", "vz", "vt"), real.T, strict=True))
    columns["event"] = np.repeat(np.arange(len(lengths)), lengths)
    columns["mother"] = columns["mother"] + offsets[:-1][columns["event"]]
    return _padded_events(offsets, columns)


def _is_pair(record: Any) -> bool:
    """Whether exactly two taus decay: a radiated photon makes a second pair in one event of ten thousand."""
    return sum(abs(q.id()) == 16 and abs(q.status()) == 91 for q in record) == 2


def ancestry(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Charge of the tau each entry descends from by decay (0: none), and flags of the decay's direct products."""
    direct = (np.abs(columns["status"]) == 91) & (np.abs(columns["id"][columns["mother"]]) == 15)
    label = np.where(direct, -np.sign(columns["id"][columns["mother"]]), 0)
    while True:
        inherited = np.where(label == 0, label[columns["mother"]], label)
        if np.array_equal(inherited, label):
            return label, direct
        label = inherited


_WEIGHT = np.random.default_rng(15).integers(1, 2**40, 400)


def _signature(ids: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Additive code of a product, charge-conjugated for the tau+."""
    oriented = np.where(np.isin(ids, self_conjugate()), ids, ids * sign)
    return _WEIGHT[np.abs(oriented) % 400] * np.where(oriented < 0, 7, 1)


def decay_channels(columns: dict[str, np.ndarray], label: np.ndarray, direct: np.ndarray, n: int) -> np.ndarray:
    """Channel index of (tau-, tau+) for each event, (n, 2) int16; -1 where no channel of the table matches."""
    table = {}
    for channel in channels():
        products = np.array(channel.products)
        table[int(_signature(products, np.ones_like(products)).sum())] = channel.index
    out = np.full((n, 2), -1, dtype=np.int16)
    for side, charge in enumerate((-1, 1)):
        chosen = direct & (label == charge)
        code = np.zeros(n, dtype=np.int64)
        np.add.at(code, columns["event"][chosen], _signature(columns["id"][chosen], np.full(chosen.sum(), -charge)))
        out[:, side] = [table.get(int(value), -1) for value in code]
    return out


def events(batch: Any) -> dict[str, np.ndarray]:
    """Padded output arrays of a Pythia batch, in the plugin's output schema."""
    return _padded_events(*flatten(batch))


def _padded_events(offsets: np.ndarray, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    n = len(offsets) - 1
    label, direct = ancestry(columns)
    final = columns["status"] > 0
    order = np.flatnonzero(final)
    rank = {-1: 0, 1: 1, 0: 2}
    group = np.vectorize(rank.get, otypes=[int])(label[order])
    order = order[np.lexsort((order, group, columns["event"][order]))]
    event = columns["event"][order]
    counts = np.bincount(event, minlength=n)
    slot = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = slot < CAP
    rows, slots, order = event[kept], slot[kept], order[kept]

    def padded(values: np.ndarray, dtype: str = "float64") -> np.ndarray:
        out = np.zeros((n, CAP), dtype=dtype)
        out[rows, slots] = values
        return out

    result = {
        "n_particles": np.minimum(counts, CAP).astype(np.int64),
        "n_dropped": np.maximum(counts - CAP, 0).astype(np.int32),
        "pdg_id": padded(columns["id"][order], "int32"),
        "px": padded(columns["px"][order]),
        "py": padded(columns["py"][order]),
        "pz": padded(columns["pz"][order]),
        "E": padded(columns["e"][order]),
        "mass": padded(columns["m"][order]),
        "charge": padded(charge_of(columns["id"][order]), "int8"),
        "parent": padded(label[order], "int8"),
        **{name: padded(columns[name][order]) for name in ("vx", "vy", "vz", "vt")},
        "tau_decay": decay_channels(columns, label, direct, n),
    }
    for side, charge in enumerate((-1, 1)):
        children = np.flatnonzero(direct & (label == charge))
        taus = columns["mother"][children]
        for name, source in (("px", "px"), ("py", "py"), ("pz", "pz"), ("E", "e")):
            result.setdefault("tau_" + name, np.zeros((n, 2)))[columns["event"][taus], side] = columns[source][taus]
        for name in ("vx", "vy", "vz", "vt"):
            result.setdefault("tau_" + name, np.zeros((n, 2)))[columns["event"][children], side] = columns[name][
                children
            ]
    return result
