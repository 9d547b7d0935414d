"""What a validation says: remarks, broken laws, and its section of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..measuring import Validation


def differing_conditions(plugin: Plugin, samples: xr.Dataset, truth: xr.Dataset) -> list[str]:
    """One line for each condition whose values are distributed otherwise in the two files."""
    remarks = []
    for variable in plugin.conditions:
        if variable.dims or not all(variable.name in side for side in (samples, truth)):
            continue
        sides = [np.sort(np.asarray(side[variable.name].values, dtype=np.float64)) for side in (samples, truth)]
        sides = [side[~np.isnan(side)] for side in sides]
        if not all(len(side) for side in sides):
            if len(sides[0]) != len(sides[1]):
                remarks.append(f"{variable.name} is asked in only one of the two files")
            continue
        everywhere = np.concatenate(sides)
        shares = [np.searchsorted(side, everywhere, side="right") / len(side) for side in sides]
        distance = float(np.abs(shares[0] - shares[1]).max())
        if distance > 2.0 * np.sqrt(1 / len(sides[0]) + 1 / len(sides[1])):
            remarks.append(
                f"{variable.name} is distributed otherwise in the two files: the figures compare different conditions"
            )
    return remarks


def broken_laws(plugin: Plugin, residuals: Mapping[str, float]) -> list[str]:
    """Names of the laws whose residual is above their tolerance, or not a number."""
    tolerances = {constraint.name: constraint.tolerance for constraint in plugin.constraints}
    return [law for law, value in residuals.items() if law in tolerances and not value <= tolerances[law]]


def validation_section(
    plugin: Plugin,
    found: Validation,
    samples: xr.Dataset,
    truth: xr.Dataset,
    *,
    notes: list[str] | None = None,
    **shown: Any,
) -> Any:
    """The report's section on a comparison; `shown` goes to `surrogates.report.Section`."""
    from ..reporting.page import Section

    made = {"samples": samples, "truth": truth}
    origin = {
        key: str(side.attrs.get("history") or side.attrs.get("recipe") or "no history") for key, side in made.items()
    }
    remarks = [*(notes or []), *found.notes]
    remarks += [f"the baseline {name!r} met every figure: these figures cannot expose it" for name in found.uncaught]
    return Section(
        plugin=plugin,
        findings=found.findings,
        baselines=found.baselines,
        residuals=found.residuals,
        figures={f"{plugin.name}: samples and truth": plugin.figure(samples, truth)},
        samples_attrs=samples.attrs,
        truth_attrs=truth.attrs,
        compared=f"{samples.sizes['sample']:,} samples ({origin['samples']}) against "
        f"{truth.sizes['sample']:,} of the truth ({origin['truth']}).",
        notes=remarks,
        **shown,
    )
