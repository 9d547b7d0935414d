"""Time the particle-mesh code and its surrogates in one run, and place the surrogate on the front of cheap codes.

python benchmarks/cosmic_web.py --seconds 60 --boxes 12 --output benchmark/cosmic-web

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
from surrogates.plugins.cosmic_web.prior import prior
from surrogates.plugins.cosmic_web.reference import TEST_SEED, NBodyReference
from surrogates.plugins.cosmic_web.variables import CONDITIONS, SPACING
from surrogates.timing.race import Contender, contenders, prior_conditions, race

STEPS = (2, 3, 4, 5, 7, 10, 20)
COARSE_STEPS = (2, 3, 5)
SHOWN = (0.2, 0.5, 1.0)

Code = Callable[[xr.Dataset], np.ndarray]


def _box(conditions: xr.Dataset) -> tuple[np.ndarray, Cosmology, float]:
    cosmology = Cosmology(float(conditions["omega_m"][0]), float(conditions["sigma_8"][0]))
    return conditions["initial_density"].values[0], cosmology, float(conditions["redshift"][0])


def perturbed(conditions: xr.Dataset) -> np.ndarray:
    """Displacements of second-order Lagrangian perturbation theory."""
    density, cosmology, redshift = _box(conditions)
    box_size, growth = len(density) * SPACING, cosmology.growth(redshift)
    return growth * first_order(density, box_size) + cosmology.second_order(growth)[0] * second_order(density, box_size)


def stepped(steps: int, mesh: int) -> Code:
    """The particle-mesh code with `mesh` points a particle and side."""

    def run(conditions: xr.Dataset) -> np.ndarray:
        density, cosmology, redshift = _box(conditions)
        code = ParticleMesh(len(density) * SPACING, mesh * len(density), steps)
        return code.run(density, cosmology, [redshift])[0].displacement

    return run


def sampled(simulator: Any) -> Code:
    """A surrogate's displacements."""
    return lambda conditions: simulator.sample(conditions, seed=1)["displacement"].values[0]


def front(boxes: int, redshift: float, seed: int, models: tuple[str, ...]) -> list[dict[str, Any]]:
    """CPU-seconds, power before and after a fitted transfer function, and r(k) of every code; one dict a code.

    The first half of 2 * `boxes` boxes fits the transfer functions, the second is measured.
    """
    asked = prior(CONDITIONS, 2 * boxes, seed)
    asked["redshift"][:] = redshift
    codes: dict[str, Code] = {"40 steps, 128^3 mesh (reference)": stepped(40, 2), "2LPT": perturbed}
    codes |= {f"{steps} steps, 64^3 mesh": stepped(steps, 1) for steps in COARSE_STEPS}
    codes |= {f"{steps} steps, 128^3 mesh": stepped(steps, 2) for steps in STEPS}
    codes |= {f"surrogate {model}": sampled(surrogates.load("cosmic-web", model=model)) for model in models}
    parameters = np.stack([asked["omega_m"].values, asked["sigma_8"].values], axis=1)
    side = asked.sizes["x"]
    _, k = shells(2 * side, side * SPACING)
    wide = np.linspace(0.02, 1.05, 12)
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
            mesh = density_contrast(moved, 2 * side, side * SPACING)
            truth = mesh if truth is None else truth
            found = power(mesh, side * SPACING)
            powers[name].append(np.array([found[shell == s].mean() for s in range(len(wide) - 1)]))
            phases[name].append(np.interp(SHOWN, k, correlation(mesh, truth, side * SPACING)))
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
                "power_scatter_after_transfer": float(mended.std(axis=0).max()),
                **{f"r_{s:g}": float(v) for s, v in zip(SHOWN, np.mean(phases[name][boxes:], axis=0), strict=True)},
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The front in Markdown."""
    lines = [
        "| code | CPU-s a box | worst P/P_ref - 1 | after T(k) | its scatter | r(0.2) | r(0.5) | r(1) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: row["cpu_seconds"]):
        phases = " | ".join(f"{row[f'r_{s:g}']:.4f}" for s in SHOWN)
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
@click.option("--seed", default=TEST_SEED, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmark/cosmic-web"), show_default=True)
def main(seconds: float, cores: tuple[int, ...], boxes: int, redshift: float, seed: int, output: Path) -> None:
    """Run the benchmark and write JSON, Markdown and a figure."""
    sides = [
        replace(side, smallest=1) for side in contenders("cosmic-web", models=("correction",))
    ]  # a box is seconds of work and 16 MB
    rows = front(boxes, redshift, seed, ("correction",))
    output.mkdir(parents=True, exist_ok=True)
    (output / "front.json").write_text(json.dumps(rows, indent=2) + "\n")
    (output / "front.md").write_text(table(rows))
    click.echo(table(rows))
    fewer = "the reference's code in fewer steps"
    sides += [Contender(f"{steps} steps", NBodyReference(steps=steps), fewer, 1) for steps in (5, 10)]
    found = race(
        "cosmic-web",
        sides,
        prior_conditions("cosmic-web"),
        seconds=seconds,
        cores=cores,
        rounds=2,
        seed=seed,
        files=False,
        described="boxes of 64^3 particles in 128 Mpc/h, cosmologies and redshifts of the prior",
        notes=[
            "what makes the reference slow: 40 forces on a mesh of 128^3 points",
            "where the surrogate does not win: see the front of cheap codes with fitted transfer functions",
        ],
        progress=lambda text: click.echo(text, err=True),
    )
    found.write(output)
    click.echo(found.to_markdown())


if __name__ == "__main__":
    sys.exit(main())
