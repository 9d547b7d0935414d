"""Time the particle-mesh code and its surrogates in one run, and place the surrogate on the front of cheap codes.

python benchmarks/cosmic_web.py --seconds 60 --boxes 12 --output benchmark/cosmic-web
python benchmarks/cosmic_web.py --spacing 1 --boxes 3 --output benchmark/cosmic-web-fine    # particles 1 Mpc/h apart

Each cheap code's density is multiplied by a transfer function fitted on other boxes, which mends its power and leaves
its phases: what a code is worth is then r(k) for its CPU-seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import xarray as xr

import surrogates
from surrogates.physics.cosmology.background import Cosmology
from surrogates.physics.cosmology.initial_fields import first_order, second_order
from surrogates.physics.cosmology.particle_mesh import ParticleMesh, density_contrast
from surrogates.physics.cosmology.spectra import correlation, power, shells
from surrogates.physics.cosmology.transfer import Transfer
from surrogates.plugins.cosmic_web.fine.codec import coarsened
from surrogates.plugins.cosmic_web.prior import prior
from surrogates.plugins.cosmic_web.reference import TEST_SEED, NBodyReference
from surrogates.plugins.cosmic_web.variables import FINE_SPACING, SPACING
from surrogates.plugins.cosmic_web.variables import conditions as conditions_of
from surrogates.timing.race import Contender, contenders, race

STEPS = (2, 3, 4, 5, 7, 10, 20)
COARSE_STEPS = (2, 3, 5)
SHOWN = {SPACING: (0.2, 0.5, 1.0), FINE_SPACING: (0.5, 1.0, 2.0)}
"""Wavenumbers, h/Mpc, that r(k) is printed at."""

Code = Callable[[xr.Dataset], np.ndarray]


def _box(conditions: xr.Dataset) -> tuple[np.ndarray, Cosmology, float]:
    cosmology = Cosmology(float(conditions["omega_m"][0]), float(conditions["sigma_8"][0]))
    return conditions["initial_density"].values[0], cosmology, float(conditions["redshift"][0])


def perturbed(spacing: float) -> Code:
    """Displacements of second-order Lagrangian perturbation theory."""

    def run(conditions: xr.Dataset) -> np.ndarray:
        density, cosmology, redshift = _box(conditions)
        box_size, growth = len(density) * spacing, cosmology.growth(redshift)
        second = cosmology.second_order(growth)[0]
        return growth * first_order(density, box_size) + second * second_order(density, box_size)

    return run


def stepped(steps: int, mesh: int, spacing: float, every: int = 1) -> Code:
    """The particle-mesh code with `mesh` points a particle and side, on all particles or on the coarser lattice's."""

    def run(conditions: xr.Dataset) -> np.ndarray:
        density, cosmology, redshift = _box(conditions)
        box_size = len(density) * spacing
        density = density if every == 1 else coarsened(density)
        return ParticleMesh(box_size, mesh * len(density), steps).run(density, cosmology, [redshift])[0].displacement

    return run


def sampled(simulator: Any) -> Code:
    """A surrogate's displacements."""
    return lambda conditions: simulator.sample(conditions, seed=1)["displacement"].values[0]


def codes_of(spacing: float, models: tuple[str, ...]) -> dict[str, Code]:
    """Every code that is compared, the reference first."""
    found: dict[str, Code] = {}
    if spacing == SPACING:
        found["40 steps, 128^3 mesh (reference)"] = stepped(40, 2, spacing)
        found |= {f"{steps} steps, 64^3 mesh": stepped(steps, 1, spacing) for steps in COARSE_STEPS}
        found |= {f"{steps} steps, 128^3 mesh": stepped(steps, 2, spacing) for steps in STEPS}
    else:
        found["20 steps, 256^3 mesh (reference)"] = stepped(20, 2, spacing)
        found |= {f"64^3 particles, {steps} steps, 128^3 mesh": stepped(steps, 2, spacing, 2) for steps in (7, 20)}
        found |= {f"{steps} steps, 128^3 mesh": stepped(steps, 1, spacing) for steps in (2, 3, 5)}
        found |= {f"{steps} steps, 256^3 mesh": stepped(steps, 2, spacing) for steps in (2, 3, 5, 10)}
    found["2LPT"] = perturbed(spacing)
    return found | {f"surrogate {model}": sampled(surrogates.load("cosmic-web", model=model)) for model in models}


def front(
    boxes: int, redshift: float, seed: int, models: tuple[str, ...], spacing: float = SPACING
) -> list[dict[str, Any]]:
    """CPU-seconds, power before and after a fitted transfer function, and r(k) of every code; one dict a code.

    The first half of 2 * `boxes` boxes fits the transfer functions, the second is measured.
    """
    asked = prior(conditions_of(spacing), 2 * boxes, seed)
    asked["redshift"][:] = redshift
    codes, finer, shown = codes_of(spacing, models), SPACING / spacing, SHOWN[spacing]
    parameters = np.stack([asked["omega_m"].values, asked["sigma_8"].values], axis=1)
    side = asked.sizes["x"]
    _, k = shells(2 * side, side * spacing)
    wide = np.linspace(0.02, 1.05, 12) * finer
    shell = np.digitize(k, wide) - 1
    seconds = dict.fromkeys(codes, 0.0)
    powers: dict[str, list[np.ndarray]] = {name: [] for name in codes}
    phases: dict[str, list[np.ndarray]] = {name: [] for name in codes}
    for code in codes.values():  # what is compiled or opened at the first call is no cost of a box
        code(asked.isel(sample=[0]))
    for row in range(2 * boxes):
        conditions, truth = asked.isel(sample=[row]), None
        for name, code in codes.items():
            start = time.process_time()
            moved = code(conditions)
            seconds[name] += (time.process_time() - start) / (2 * boxes)
            mesh = density_contrast(moved, 2 * side, side * spacing)
            truth = mesh if truth is None else truth
            found = power(mesh, side * spacing)
            powers[name].append(np.array([found[shell == s].mean() for s in range(len(wide) - 1)]))
            phases[name].append(np.interp(shown, k, correlation(mesh, truth, side * spacing)))
        click.echo(f"box {row + 1} of {2 * boxes}", err=True)
    true = np.array(next(iter(powers.values())))
    rows = []
    for name in codes:
        own = np.array(powers[name])
        fit = Transfer.fitted(own[:boxes], true[:boxes], parameters[:boxes])
        plain = own[boxes:] / true[boxes:]
        mended = plain * fit.squared(parameters[boxes:])
        rows.append(
            {
                "code": name,
                "cpu_seconds": seconds[name],
                "power_error": float(np.abs(plain.mean(axis=0) - 1).max()),
                "power_error_after_transfer": float(np.abs(mended.mean(axis=0) - 1).max()),
                "power_error_smallest": float(abs(plain.mean(axis=0)[-1] - 1)),
                "power_scatter_after_transfer": float(mended.std(axis=0).max()),
                **{f"r_{s:g}": float(v) for s, v in zip(shown, np.mean(phases[name][boxes:], axis=0), strict=True)},
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The front in Markdown."""
    shown = [name for name in rows[0] if name.startswith("r_")]
    lines = [
        "| code | CPU-s a box | worst P/P_ref - 1 | after T(k) | its scatter | "
        + " | ".join(f"r({name[2:]})" for name in shown)
        + " |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: row["cpu_seconds"]):
        phases = " | ".join(f"{row[name]:.4f}" for name in shown)
        lines.append(
            f"| {row['code']} | {row['cpu_seconds']:.3f} | {row['power_error']:.3f} | "
            f"{row['power_error_after_transfer']:.3f} | {row['power_scatter_after_transfer']:.3f} | {phases} |"
        )
    return "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.option("--seconds", default=60.0, show_default=True, help="CPU-seconds for each side and number of cores.")
@click.option("--cores", "--threads", multiple=True, type=int, default=(1,), show_default=True, help="Repeatable.")
@click.option("--boxes", default=12, show_default=True, help="Boxes that the front is measured on; as many fit T(k).")
@click.option("--redshift", default=0.0, show_default=True, help="Of the front.")
@click.option("--spacing", type=click.FloatRange(1.0, 2.0), default=SPACING, show_default=True, help="2 or 1 Mpc/h.")
@click.option("--seed", default=TEST_SEED, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/cosmic-web"), show_default=True)
def main(
    seconds: float, cores: tuple[int, ...], boxes: int, redshift: float, spacing: float, seed: int, output: Path
) -> None:
    """Run the benchmark and write JSON, Markdown and a figure."""
    if spacing not in SHOWN:
        raise click.BadParameter(f"{spacing:g} Mpc/h; expected {' or '.join(f'{s:g}' for s in SHOWN)}")
    model = "correction" if spacing == SPACING else "super"
    rows = front(boxes, redshift, seed, (model,), spacing)
    output.mkdir(parents=True, exist_ok=True)
    (output / "front.json").write_text(json.dumps(rows, indent=2) + "\n")
    (output / "front.md").write_text(table(rows))
    click.echo(table(rows))
    sides = [replace(side, smallest=1) for side in contenders("cosmic-web", models=(model,))]  # a box takes seconds
    surrogate: Any = sides[-1].simulator
    served = surrogate.plugin
    fewer = "the reference's code in fewer steps"
    schemas = served.conditions, served.outputs
    sides += [Contender(f"{steps} steps", NBodyReference(*schemas, steps), fewer, 1) for steps in (5, 10)]
    side, mesh, steps = ("64", "128", "40") if spacing == SPACING else ("128", "256", "20")

    def conditions(n: int, first: int) -> xr.Dataset:
        return served.prior(served.conditions, n, first).assign_coords(sample=np.arange(first, first + n))

    found = race(
        "cosmic-web",
        sides,
        conditions,
        seconds=seconds,
        cores=cores,
        rounds=2,
        seed=seed,
        files=False,
        described=f"boxes of {side}^3 particles in 128 Mpc/h, cosmologies and redshifts of the prior",
        notes=[
            f"what makes the reference slow: {steps} forces on a mesh of {mesh}^3 points",
            "where the surrogate does not win: see the front of cheap codes with fitted transfer functions",
        ],
        progress=lambda text: click.echo(text, err=True),
    )
    found.write(output)
    click.echo(found.to_markdown())


if __name__ == "__main__":
    sys.exit(main())
