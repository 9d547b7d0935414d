"""Flip one bit of a file at a time and count what reading it comes to: the table of docs/reliability.md.

    python scripts/measure_damage.py --mutants 300

Every file is read in a process of its own. A mutant is *refused* (one line that names the file), *equal* (unused bytes,
or the digest itself), *silently wrong* (read without an error, other contents), a *foreign* exception, *dead* (the
process ended) or a *hang* (over 30 s a mutant).
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import random
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import xarray as xr

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 30


def datasets() -> dict[str, xr.Dataset]:
    """Suffix -> samples."""
    spec = importlib.util.spec_from_file_location("conftest", ROOT / "tests" / "io" / "conftest.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    events, jets = made.particle_events(40), made.jets(40)
    stamps = xr.Dataset(
        {
            "image": (("sample", "y", "x"), np.arange(40 * 64, dtype=np.float32).reshape(40, 8, 8), {"units": "nJy"}),
            "redshift": ("sample", np.linspace(0.1, 0.4, 40), {"units": "1"}),
        },
        {"sample": np.arange(40)},
        {"plugin": "galaxy-images"},
    )
    return {
        ".nc": events,
        ".h5": events,
        ".root": events,
        ".jetnet.h5": jets,
        ".fits": stamps,
        ".hepmc3": events,
        ".hepmc3.gz": events,
        ".lhe": events,
    }


def format_of(path: Path):
    """The format that a suffix names."""
    from surrogates import io

    return io.Formats((io.NETCDF, io.HDF5, io.JETNET, io.ROOT, io.FITS, io.HEPMC3, io.LHE)).for_path(path)


def read(path: Path) -> xr.Dataset:
    from surrogates.io import concatenate

    return concatenate(format_of(path).read(path))


def judge(path: Path, content: bytes, seeds: range, results) -> None:
    """Report one outcome for each seed, before the next is begun."""
    from surrogates.io import FormatError

    warnings.simplefilter("ignore")
    path.write_bytes(content)
    whole = read(path)
    for seed in seeds:
        chance = random.Random(seed)
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            found = read(path)
            outcome = "equal" if found.identical(whole) else "silently wrong"
        except FormatError as error:
            outcome = "refused" if str(path) in str(error) and "\n" not in str(error) else "unnamed"
        except Exception:
            outcome = "foreign"
        results.send(outcome)
    results.send(None)


def count(suffix: str, samples: xr.Dataset, mutants: int) -> Counter:
    """Outcomes of `mutants` files with one flipped bit."""
    outcomes: Counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        format_of(path).write([samples], path)
        content = path.read_bytes()
        done = 0
        while done < mutants:
            ours, theirs = multiprocessing.Pipe()
            arguments = (path, content, range(done, mutants), theirs)
            process = multiprocessing.get_context("fork").Process(target=judge, args=arguments)
            process.start()
            theirs.close()
            while True:
                if not ours.poll(SECONDS):
                    outcome = "hang"
                else:
                    try:
                        outcome = ours.recv()
                    except EOFError:
                        outcome = "dead"
                if outcome is None:
                    break
                outcomes[outcome] += 1
                done += 1
                if outcome in ("hang", "dead"):
                    process.kill()
                    break
            process.join()
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=300)
    asked = parser.parse_args()
    columns = ("refused", "equal", "silently wrong", "unnamed", "foreign", "dead", "hang")
    print(f"| format | {' | '.join(columns)} |")
    for suffix, samples in datasets().items():
        outcomes = count(suffix, samples, asked.mutants)
        print(f"| `{suffix}` | {' | '.join(str(outcomes[name]) for name in columns)} |", flush=True)


if __name__ == "__main__":
    main()
