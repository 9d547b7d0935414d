"""Events and jets as awkward arrays whose momenta behave as `vector` four-vectors: ``events.particles.pt``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import SAMPLE, count_variables
from .formats import FormatError, missing_library
from .ragged import check_counts, real_entries

if TYPE_CHECKING:
    import xarray as xr


def to_awkward(dataset: xr.Dataset) -> Any:
    """Return samples as an awkward record array with `vector` behaviours.

    Parameters
    ----------
    dataset : Dataset
        In the particle-events or the jets layout.

    Returns
    -------
    awkward.Array
        One record a sample, with the variables over (sample) as fields, and four-vectors named Momentum4D:

        - events: `particles` (jagged, GeV; with charge, pdg_id, parent, generated_mass and the vertex as further
          fields) and `taus` (two for each event: tau-, tau+);
        - jets: `jet` (at phi = 0, which the layout does not hold) and `constituents` (jagged, massless, with
          pt = pt_rel * jet pt, eta = eta_rel + jet eta, phi = phi_rel: the JetNet convention).

    Raises
    ------
    FormatError
        Where the Dataset has neither layout, or awkward or vector is not installed.
    """
    try:
        import awkward
        import vector
    except ImportError:
        raise missing_library("awkward and vector", "formats", "to_awkward") from None
    vector.register_awkward()
    fields: dict[str, Any] = {
        str(name): variable.values for name, variable in dataset.variables.items() if variable.dims == (SAMPLE,)
    }
    if {"px", "py", "pz", "E"} <= set(dataset.variables):
        fields["particles"] = _particles(awkward, dataset)
        if "tau_px" in dataset:
            names = [str(name) for name, variable in dataset.variables.items() if variable.dims == (SAMPLE, "tau")]
            columns = {name.removeprefix("tau_"): awkward.Array(dataset[name].values) for name in names}
            fields["taus"] = awkward.zip(columns, with_name="Momentum4D")
    elif {"jet_pt", "jet_eta", "jet_mass", "constituent_pt_rel"} <= set(dataset.variables):
        fields["jet"], fields["constituents"] = _jets(awkward, dataset)
    else:
        raise FormatError("to_awkward takes particle events (px, py, pz, E) or jets (jet_pt, constituent_pt_rel)")
    return awkward.zip(fields, depth_limit=1)


def _flat(dataset: xr.Dataset, dim: str) -> tuple[np.ndarray, np.ndarray]:
    counted = count_variables(dataset)
    if dim not in counted:
        raise FormatError(f"no variable counts the entries of dimension {dim!r}")
    counts = dataset[counted[dim]].values
    check_counts(counted[dim], counts, dim, dataset.sizes[dim])
    return counts, real_entries(counts, dataset.sizes[dim])


def _particles(awkward: Any, dataset: xr.Dataset) -> Any:
    counts, real = _flat(dataset, "particle")
    columns = {
        "generated_mass" if name == "mass" else str(name): variable.values[real]
        for name, variable in dataset.variables.items()
        if variable.dims == (SAMPLE, "particle")
    }
    return awkward.unflatten(awkward.zip(columns, with_name="Momentum4D"), counts)


def _jets(awkward: Any, dataset: xr.Dataset) -> tuple[Any, Any]:
    pt, eta = dataset["jet_pt"].values, dataset["jet_eta"].values
    jet = {"pt": pt, "eta": eta, "phi": np.zeros_like(pt), "mass": dataset["jet_mass"].values}
    counts, real = _flat(dataset, "constituent")
    owner = np.repeat(np.arange(counts.size), counts)
    constituents = {
        "pt": dataset["constituent_pt_rel"].values[real] * pt[owner],
        "eta": dataset["constituent_eta_rel"].values[real] + eta[owner],
        "phi": dataset["constituent_phi_rel"].values[real],
        "mass": np.zeros(owner.size),
    }
    made = awkward.zip(constituents, with_name="Momentum4D")
    return awkward.zip(jet, with_name="Momentum4D"), awkward.unflatten(made, counts)
