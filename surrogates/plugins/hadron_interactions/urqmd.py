"""UrQMD 3.4, and SIBYLL 2.3d, through chromo: interactions made in a process of their own.

A generator of chromo lives once a process, prints to the standard output, writes a table into the working directory,
and UrQMD's four-momentum no longer closes where a proton is the target after a nucleus was (by up to 60 GeV at 10 TeV).
So proton targets and nuclei have a process each, which works in a temporary folder and talks through a pipe.

UrQMD also returns records in which nothing happened: a meson that passes with its momentum unchanged, or nucleons of
the target that met each other. An interaction here produces a particle: where a record holds but nucleons and the
projectile itself, the next one of the same stream is taken.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, Any

import numpy as np

from ...contract.errors import SurrogatesError
from ...contract.simulator import ELSEWHERE
from ...noise import fold
from ...physics.hadrons.beams import BOUND_ENERGY, PROJECTILE_IDS, PROJECTILES

MODELS = ("UrQMD34", "Sibyll23d")
_CODES = ("p", "N14", "O16", "Fe56")
_ATTEMPTS, _RESTARTS = 2_000, 3
_WARMING = 60  # interactions before the first: a generator's first ones depend on what it has computed before
_SPECTATOR = 5e-6  # GeV: how near a spectator's energy lies to that of a bound nucleon

Row = tuple[int, float, int, int]  # projectile, energy [GeV], target, seed


class _Ended(SurrogatesError):
    """The generator's process is gone."""


class Generator:
    """One generator in its process, started when it is first asked and ended with this one.

    Parameters
    ----------
    model : str
        Of `MODELS`.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self._folder = tempfile.TemporaryDirectory(prefix="surrogates-chromo-")
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, model],
            cwd=self._folder.name,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the process and remove its folder."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()
        self._folder.cleanup()

    def run(self, rows: list[Row]) -> dict[str, Any]:
        """Interactions of rows, in order; see `interactions`.

        Raises
        ------
        SurrogatesError
            The process has ended, or chromo refused a row.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            try:
                pickle.dump(rows, self._process.stdin)
                self._process.stdin.flush()
                answer = pickle.load(self._process.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):
                raise _Ended(f"{self.model}: chromo's process ended; expected interactions; run again") from None
        if isinstance(answer, str):
            raise SurrogatesError(f"{self.model}: {answer}")
        return answer


_RUNNING: dict[tuple[int, str, bool], Generator] = {}


@atexit.register
def _end() -> None:
    for (process, _, _), running in _RUNNING.items():
        if process == os.getpid():
            running.close()


def generator(model: str, free: bool) -> Generator:
    """The running process of a model, for targets that are `free` protons or for nuclei."""
    if sys.modules.get("chromo", "") is None or importlib.util.find_spec("chromo") is None:
        raise ModuleNotFoundError("No module named 'chromo'", name="chromo")
    key = (os.getpid(), model, free)
    if key not in _RUNNING:
        _RUNNING[key] = Generator(model)
    return _RUNNING[key]


def interactions(rows: list[Row], model: str = "UrQMD34", block: int = 500) -> dict[str, Any]:
    """Interactions of rows of (projectile code, total energy [GeV], target code, seed), each from its own seed.

    Returns
    -------
    dict
        ``count`` (n,), and flat over the entries of one interaction after another: ``pdg_id``, ``charge``, ``px``,
        ``py``, ``pz``, ``E``, ``mass`` [GeV]; particles by falling energy, the remnant last. ``cpu_seconds``: of the
        generator.
    """
    order: list[int] = []
    parts: list[dict[str, Any]] = []
    for free in (True, False):
        mine = [i for i, row in enumerate(rows) if (row[2] == 0) == free]
        for start in range(0, len(mine), block):
            here = mine[start : start + block]
            parts += _made([rows[i] for i in here], model, free)
            order += here
    names = ("pdg_id", "charge", "px", "py", "pz", "E", "mass")
    if not parts:
        empty: dict[str, Any] = {name: np.zeros(0) for name in names}
        return empty | {"count": np.zeros(0, np.int64), "cpu_seconds": 0.0}
    count = np.concatenate([part["count"] for part in parts])
    back = np.argsort(order)
    first = (np.cumsum(count) - count)[back]
    sorted_count = count[back]
    take = np.repeat(first - (np.cumsum(sorted_count) - sorted_count), sorted_count) + np.arange(count.sum())
    flat: dict[str, Any] = {name: np.concatenate([part[name] for part in parts])[take] for name in names}
    spent = float(sum(part["cpu_seconds"] for part in parts))
    ELSEWHERE.seconds += spent
    return flat | {"count": sorted_count, "cpu_seconds": spent}


def _made(rows: list[Row], model: str, free: bool, again: int = 0) -> list[dict[str, Any]]:
    """Interactions of rows; where the generator stops its own process, as UrQMD does once in some 30,000 of them
    ("STOP 137"), the row that it stops at is found by halves and gets another seed."""
    try:
        return [generator(model, free).run(rows)]
    except _Ended:
        _RUNNING.pop((os.getpid(), model, free)).close()
        if again == _RESTARTS:
            raise
    if len(rows) > 1:
        middle = len(rows) // 2
        return _made(rows[:middle], model, free) + _made(rows[middle:], model, free)
    (row,) = rows
    return _made([row if again == 0 else (*row[:3], fold(row[3], "again"))], model, free, again + 1)


# In the generator's process ----------------------------------------------------------------------------------------


def _serve(model: str, asked: IO[bytes], answers: IO[bytes]) -> None:
    import warnings

    warnings.simplefilter("ignore")
    instance: Any = None
    while True:
        try:
            rows = pickle.load(asked)
        except EOFError:
            return
        try:
            start = time.process_time()
            if instance is None:
                import chromo

                instance = getattr(chromo.models, model)(_kinematics(rows[0]), seed=1)
                for seed in range(_WARMING):
                    _interaction(instance, (0, 10_000.0, rows[0][2], seed))
                start = time.process_time()  # starting once is no part of an interaction's cost
            parts = [_interaction(instance, row) for row in rows]
            answer: Any = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            answer["cpu_seconds"] = time.process_time() - start
        except Exception as error:  # told to the asking process, which raises it
            answer = f"chromo refused {rows[0][:3]} or a row after it: {type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


def _kinematics(row: Row) -> Any:
    from chromo.constants import GeV
    from chromo.kinematics import FixedTarget

    projectile, energy, target, _ = row
    return FixedTarget(float(energy) * GeV, PROJECTILES[projectile], _CODES[target])


def _interaction(instance: Any, row: Row) -> dict[str, np.ndarray]:
    instance.kinematics = _kinematics(row)
    instance.random_state = np.random.PCG64(row[3]).state
    for _ in range(_ATTEMPTS):
        (record,) = [event.final_state().copy() for event in instance(1)]
        if _produces(record.pid, row[0]):
            break
    else:
        raise RuntimeError(f"no particle produced in {_ATTEMPTS} attempts")
    columns = {
        "pdg_id": record.pid,
        "charge": record.charge,
        "px": record.px,
        "py": record.py,
        "pz": record.pz,
        "E": record.en,
        "mass": record.m,
    }
    columns = {name: np.array(values) for name, values in columns.items()}
    order = np.argsort(-columns["E"], kind="stable")
    return _with_remnant({name: values[order] for name, values in columns.items()}, row[2])


def _produces(ids: np.ndarray, projectile: int) -> bool:
    """Whether a record holds more than nucleons and, once, a projectile that is none of them."""
    others = ids[~np.isin(ids, (2112, 2212))]
    return len(others) > 1 or (len(others) == 1 and int(others[0]) != int(PROJECTILE_IDS[projectile]))


def _with_remnant(columns: dict[str, np.ndarray], target: int) -> dict[str, np.ndarray]:
    """Nucleons that were never struck, which still have the energy of a bound one, become one entry, the last."""
    nucleon = np.isin(columns["pdg_id"], (2112, 2212))
    idle = nucleon & (np.abs(columns["E"] - BOUND_ENERGY[target]) < _SPECTATOR) & (target > 0)
    kept = {name: values[~idle] for name, values in columns.items()}
    if idle.any():
        z, a = int(columns["charge"][idle].sum()), int(idle.sum())
        px, py, pz, energy = (float(columns[name][idle].sum()) for name in ("px", "py", "pz", "E"))
        mass = np.sqrt(max(energy**2 - px**2 - py**2 - pz**2, 0.0))
        values = (1_000_000_000 + 10_000 * z + 10 * a, z, px, py, pz, energy, mass)
        kept = {name: np.append(kept[name], value) for name, value in zip(kept, values, strict=True)}
    kinds = {"pdg_id": np.int32, "charge": np.int8}
    kept = {name: values.astype(kinds.get(name, np.float64)) for name, values in kept.items()}
    return kept | {"count": np.array([len(kept["E"])], np.int64)}


def _main(model: str) -> None:
    answers = os.fdopen(os.dup(1), "wb")
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)  # the generator's own words
    _serve(model, sys.stdin.buffer, answers)


if __name__ == "__main__":
    _main(sys.argv[1])
