"""What a sample costs on a cluster: start, CPU time, memory and bytes of one worker, and a thousand million of them.

    python benchmarks/cluster.py --out cluster.json

Each line is a command in a process of its own, one thread; CPU-seconds and the largest memory are the system's own
(`wait4`). What the start costs is measured with no samples and taken off. The load of the machine stands beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVENTS, GALAXIES = 10**9, 10**8
FORMATS = (
    ("events.nc", ()),
    ("zstd.nc", ("--compression", "zstd")),
    ("gzip.nc", ("--compression", "gzip")),
    ("events.hepmc3.gz", ()),
    ("events.lhe", ()),
    ("events.root", ()),
)


def measured(*words: str, folder: Path) -> dict[str, float]:
    """Wall and CPU seconds and MiB of a command of `surrogates`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "surrogates", *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"surrogates {' '.join(words)}: exit status {status}")
    return {
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "mib": usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    }


def size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def events(folder: Path, n: int, repeats: int) -> dict[str, float]:
    """Of one process that writes parts of a folder: the best of some repeats."""
    words = ("generate", "particle-events", "--energy", "91.2GeV", "--seed", "1")
    starts = [measured(*words, "-n", "0", "-o", f"none{k}.nc", folder=folder) for k in range(repeats)]
    runs = [measured(*words, "-n", str(n), "-o", f"parts{k}/", folder=folder) for k in range(repeats)]
    start, run = (min(found, key=lambda line: line["cpu"]) for found in (starts, runs))
    return {
        "start_cpu_seconds": start["cpu"],
        "start_wall_seconds": min(line["wall"] for line in starts),
        "events_a_cpu_second": n / (run["cpu"] - start["cpu"]),
        "mib": run["mib"],
        "bytes_an_event": size(folder / "parts0") / n,
    }


def formats(folder: Path, n: int) -> dict[str, float]:
    """Bytes an event in each format."""
    found = {}
    for name, options in FORMATS:
        words = ("generate", "particle-events", "-n", str(n), "--energy", "91.2GeV", "--seed", "1", *options)
        measured(*words, "-o", name, folder=folder)
        found[name] = size(folder / name) / n
    return found


def galaxies(folder: Path, area: float) -> dict[str, float]:
    """Of a catalogue to i = 25.3 and its HATS files, and of one tile of images."""
    words = ("survey", "--area", f"{area}deg2", "--seed", "1", "-o", "mock")
    run = measured(*words, "--catalogue-only", folder=folder)
    rows = json.loads((folder / "mock" / "catalogue" / "manifest.json").read_text())["rows"]
    tile = measured(*words, "--resume", "--tile", "0,0", "--tile-pixels", "1024", "--format", "none", folder=folder)
    from astropy.io import fits

    drawn = int(fits.getheader(next((folder / "mock" / "images").glob("*.fits")), "TRUTH")["NAXIS2"])
    return {
        "galaxies": rows,
        "galaxies_a_cpu_second": rows / run["cpu"],
        "catalogue_mib": run["mib"],
        "bytes_a_galaxy": size(folder / "mock" / "catalogue") / rows,
        "hats_bytes_a_galaxy": size(folder / "mock" / "hats") / rows,
        "tile_cpu_milliseconds_a_galaxy": 1e3 * tile["cpu"] / drawn,
        "tile_galaxies": drawn,
        "tile_mib": tile["mib"],
        "tile_bytes_a_galaxy": size(folder / "mock" / "images") / drawn,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=400_000, help="events")
    parser.add_argument("--area", type=float, default=1.0, help="of the survey, deg2")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = events(folder, given.n, given.repeats)
        kinds = formats(folder, min(given.n, 20_000))
        seen = galaxies(folder, given.area)
    facts = {
        "cores": os.cpu_count(),
        "load": [before, os.getloadavg()[0]],
        "events": made,
        "bytes_an_event": kinds,
        "galaxies": seen,
        f"{EVENTS:.0e} events": {
            "core_hours": EVENTS / made["events_a_cpu_second"] / 3600,
            "terabytes_in_parts": EVENTS * made["bytes_an_event"] / 1e12,
            "terabytes": {name: EVENTS * each / 1e12 for name, each in kinds.items()},
        },
        f"{GALAXIES:.0e} galaxies": {
            "core_hours": GALAXIES / seen["galaxies_a_cpu_second"] / 3600,
            "terabytes": GALAXIES * (seen["bytes_a_galaxy"] + seen["hats_bytes_a_galaxy"]) / 1e12,
            "core_hours_of_images": GALAXIES * seen["tile_cpu_milliseconds_a_galaxy"] / 3.6e6,
            "terabytes_of_images": GALAXIES * seen["tile_bytes_a_galaxy"] / 1e12,
        },
    }
    text = json.dumps(facts, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
