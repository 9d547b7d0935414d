"""What a call of one sample costs beside a call of many, of every released default and its reference, on one core.

OMP_NUM_THREADS=1 python benchmarks/calls.py jets --table docs/call-overhead.md
OMP_NUM_THREADS=1 python benchmarks/calls.py --cards          every plugin, the break-even written on its card

Both sides are called in turns in one process, warmed up, with conditions of the plugin's prior; CPU time, medians.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import click

import surrogates
from surrogates import registry
from surrogates.contract.errors import SimulatorMissing
from surrogates.release.cards import Card
from surrogates.timing.calls import SIZES, CallCosts, call_costs, worthwhile_from
from surrogates.timing.race import hardware, prior_conditions


def row(name: str, costs: dict[str, CallCosts]) -> list[str]:
    """Two rows of the table: the surrogate's calls, and the reference's."""
    cells = []
    for side, cost in costs.items():
        numbers = [f"{1e3 * cost.warm[size]:,.3g}" if size in cost.warm else "—" for size in SIZES]
        last = ""
        if side == "surrogate" and "reference" in costs:
            found = worthwhile_from(cost, costs["reference"])
            last = "never" if found is None else f"{found:,}"
        cells.append(f"| {name} | {side} | {1e3 * cost.cold:,.3g} | " + " | ".join(numbers) + f" | {last} |")
    return cells


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
@click.option("--calls", default=9, show_default=True, help="Calls of each size.")
@click.option("--patience", default=20.0, show_default=True, help="CPU-seconds for one size of one side.")
@click.option("--reference/--no-reference", default=True, help="Time the reference too.")
@click.option("--cards", is_flag=True, help="Write the break-even on the cards of the released defaults.")
@click.option("--table", type=click.Path(path_type=Path), help="Append the rows to a Markdown file.")
def main(names: tuple[str, ...], calls: int, patience: float, reference: bool, cards: bool, table: Path | None) -> None:
    """Time the calls and print a table."""
    head = ["plugin", "side", "cold 1", *(str(size) for size in SIZES), "cheaper from, samples a call"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    for entry in registry.plugins():
        if (names and entry.name not in names) or not any(entry.weights.glob("*.safetensors")):
            continue
        surrogate = surrogates.load(entry.name)
        sides: dict[str, object] = {"surrogate": surrogate}
        try:
            sides |= {"reference": surrogates.reference(entry.name)} if reference else {}
        except SimulatorMissing as error:
            click.echo(str(error), err=True)
        told = lambda text, name=entry.name: click.echo(f"{name}: {text}", err=True)  # noqa: E731
        found = call_costs(sides, prior_conditions(entry.name), calls=calls, patience=patience, tell=told)
        costs = {cost.side: cost for cost in found}
        lines += row(entry.name, costs)
        click.echo(json.dumps({"plugin": entry.name, "calls": [asdict(cost) for cost in found]}), err=True)
        if cards and "reference" in costs:
            path = surrogate.path.with_suffix(".json")
            own = worthwhile_from(costs["surrogate"], costs["reference"])
            replace(Card.read(path), worthwhile_from=own).write(path)
    text = "\n".join(lines) + f"\n\nCPU-milliseconds a call, one core. {hardware()}.\n"
    click.echo(text)
    if table is not None:
        with open(table, "a", encoding="utf-8") as stream:
            stream.write("\n" + text)


if __name__ == "__main__":
    sys.exit(main())
