"""Two builds of this package and a reference in turns on one core: what a change made quicker, and what it changed.

    git worktree add /tmp/before COMMIT
    OMP_NUM_THREADS=1 python benchmarks/builds.py galaxy-images particle-events --before /tmp/before

Each build runs in a process of its own, pinned to the same core; they are asked in turns, with the same conditions and
seeds, after a call that warms up. Times are CPU-seconds of the fastest and of the median call. The core's limits stand
below: what a product of two matrices and a copy of memory reach in the same minutes.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Case:
    """What is asked of a plugin.

    Attributes
    ----------
    plugin : str
    n : int
        Samples a call.
    reference : int
        Of the reference's call; 0 for none.
    conditions : dict
    """

    plugin: str
    n: int
    reference: int
    conditions: dict[str, Any]


PSF = {"psf": "kolmogorov", "psf_fwhm_g": 0.7, "psf_fwhm_r": 0.7, "psf_fwhm_i": 0.7}
CASES = {
    "galaxy-images": (
        Case("galaxy-images", 64, 16, PSF),
        *(
            Case("galaxy-images", 64, 0, {**PSF, "morphology": kind})
            for kind in ("spiral", "elliptical", "merger", "edge_on")
        ),
    ),
    "particle-events": (
        Case("particle-events", 4096, 500, {"energy": 91.2, "initial_state_radiation": "on"}),
        Case("particle-events", 4096, 0, {"energy": 91.2, "initial_state_radiation": "off"}),
    ),
}


def work() -> None:
    """A build's process: answer what comes on stdin until it is closed."""
    import torch

    import surrogates

    torch.set_num_threads(1)
    given, taken = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    opened: dict[tuple[str, bool], Any] = {}
    while True:
        try:
            case, reference, seed = pickle.load(given)
        except EOFError:
            return
        if case is None:
            answer: Any = limits()
        else:
            key = case["plugin"], reference
            if key not in opened:
                opened[key] = (surrogates.reference if reference else surrogates.load)(case["plugin"])
            begun = time.process_time()
            n = case["reference"] if reference else case["n"]
            samples = opened[key].sample(n, seed=seed, **case["conditions"])
            spent = time.process_time() - begun
            answer = spent, {str(name): samples[name].values for name in samples.data_vars}
        pickle.dump(answer, taken)
        taken.flush()


def limits() -> tuple[float, float]:
    """What the core reaches: 1e9 operations a second of a float32 product, 1e9 bytes a second of a copy."""
    import torch

    a, big = torch.rand(512, 512), torch.rand(1 << 24)
    into = torch.empty_like(big)
    rates = []
    for act, amount in ((lambda: torch.mm(a, a), 2.0 * 512**3), (lambda: into.copy_(big), 8.0 * big.numel())):
        best = np.inf
        for _ in range(20):
            begun = time.process_time()
            act()
            best = min(best, time.process_time() - begun)
        rates.append(amount / best / 1e9)
    return rates[0], rates[1]


class Build:
    """A build in a process of its own.

    Parameters
    ----------
    path : Path
        Its source tree.
    core : int
        That it is pinned to.
    """

    def __init__(self, path: Path, core: int) -> None:
        environment = {**os.environ, "PYTHONPATH": str(path), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--work"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=path, env=environment, **pipes)
        os.sched_setaffinity(self.process.pid, {core})

    def ask(self, case: Case | None, seed: int = 0, reference: bool = False) -> Any:
        """CPU-seconds of a call and what it gave; without a case the core's limits."""
        assert self.process.stdin is not None and self.process.stdout is not None
        pickle.dump((None if case is None else vars(case), reference, seed), self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)

    def end(self) -> None:
        """Close it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


def difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """Largest difference of a number, over the largest of its variable in the sample."""
    worst = 0.0
    for name, values in ours.items():
        if values.dtype.kind == "f" and name in theirs:
            rows = len(values)
            most = np.nanmax(np.abs(theirs[name]).reshape(rows, -1), axis=1, initial=1e-300)
            most = np.where(most > 0, most, 1.0)
            apart = np.nan_to_num(np.abs(values.astype(float) - theirs[name])).reshape(rows, -1).max(axis=1, initial=0)
            worst = max(worst, float((apart / most).max()))
    return worst


def compared(case: Case, before: Build, after: Build, turns: int) -> str:
    """A row of the table."""
    spent: dict[str, list[float]] = {"before": [], "after": [], "reference": []}
    worst = 0.0
    for turn in range(-1, turns):
        (old, theirs), (new, ours) = before.ask(case, 1000 + turn), after.ask(case, 1000 + turn)
        worst = max(worst, difference(ours, theirs))
        if turn >= 0:  # the first warms up
            spent["before"].append(old / case.n)
            spent["after"].append(new / case.n)
        if case.reference and turn % 4 == 0:
            spent["reference"].append(after.ask(case, 1000 + turn, reference=True)[0] / case.reference)
    best = {side: min(values) if values else np.nan for side, values in spent.items()}
    median = {side: float(np.median(values)) if values else np.nan for side, values in spent.items()}
    asked = ", ".join(f"{name} {value}" for name, value in case.conditions.items() if not name.startswith("psf_"))
    cells = [case.plugin, asked, f"{case.n:,}"]
    cells += [f"{1e3 * best[side]:.3g} ({1e3 * median[side]:.3g})" for side in ("before", "after")]
    cells += [f"{best['before'] / best['after']:.2f}", f"{median['before'] / median['after']:.2f}"]
    cells += [f"{1e3 * best['reference']:.3g}" if case.reference else "", f"{worst:.0e}" if worst else "0"]
    return "| " + " | ".join(cells) + " |"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("plugins", nargs="*", choices=[*CASES, []], help="all by default")
    parser.add_argument("--before", type=Path, help="source tree of the other build")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.work:
        work()
        return 0
    if given.before is None or not (given.before / "surrogates").is_dir():
        parser.error("--before FOLDER: expected the source tree of the other build")
    before, after = Build(given.before.resolve(), given.core), Build(ROOT, given.core)
    head = ("plugin", "asked", "samples a call", "before [ms]", "after [ms]", "times, fastest", "times, median")
    head += ("reference [ms]", "largest relative difference")
    print("| " + " | ".join(head) + " |\n|---|---|" + "--:|" * (len(head) - 2))
    for name in given.plugins or CASES:
        for case in CASES[name]:
            print(compared(case, before, after, given.turns), flush=True)
    products, copied = after.ask(None)
    print(
        f"\nCPU-milliseconds a sample, the fastest call and (the median). {products:.0f} GFlop/s in float32 products, ",
        end="",
    )
    print(f"{copied:.1f} GB/s moved by a copy; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    before.end()
    after.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
