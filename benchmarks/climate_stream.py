"""Stream days of `climate-fields` and watch the memory of the process, which should stay flat.

OMP_NUM_THREADS=1 python benchmarks/climate_stream.py --days 10000

Samples are seasons of 50 days, 8 in a block; each block is looked at and dropped, as an analysis would.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

import surrogates

SEASON, BLOCK = 50, 8


def resident() -> float:
    """Memory of this process, MiB."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024.0


@click.command(help=__doc__)
@click.option("--days", default=10_000, show_default=True)
@click.option("--model", default="weather", show_default=True)
def main(days: int, model: str) -> None:
    surrogate, done, rain, seen = surrogates.load("climate-fields", model=model, threads=1), 0, 0.0, []
    before = time.process_time()
    for block in surrogate.stream(-(-days // SEASON), seed=1, block=BLOCK, n_days=SEASON, day_of_year=335):
        done += block.sizes["sample"] * SEASON
        rain += float(block["pr"].mean()) * block.sizes["sample"] * SEASON * 86_400.0
        seen.append(resident())
        print(f"{done} days, {time.process_time() - before:.0f} CPU-s, {seen[-1]:.0f} MiB", flush=True)
    rest = seen[2:] or seen
    print(f"mean rain {rain / done:.2f} mm a day; memory after the second block {min(rest):.0f} to {max(rest):.0f} MiB")


if __name__ == "__main__":
    main()
