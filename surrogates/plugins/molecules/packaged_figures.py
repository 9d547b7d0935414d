"""Figures of molecules against the packaged numbers of a data set, for whoever has not its molecules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import nearest
from ...physics.molecules import distances
from .measure import condition_errors, reduce
from .packaged import NAMES, data_set

if TYPE_CHECKING:
    import xarray as xr


def figures_against(samples: xr.Dataset, name: str = "zinc") -> dict[str, float]:
    """Figures of samples against the test split of ZINC or QM9, from what the package holds of it.

    Parameters
    ----------
    samples : Dataset
        Molecules and what was asked of them; FCD is fixed at 10,000 by its users, as it falls with their number.
    name : {"zinc", "qm9"}

    Returns
    -------
    dict of float
        `invalid`, `duplicate`, `known` (among that data set's training molecules alone), `fcd` (against all 25,000 test
        molecules), `kl_properties` (of the five properties) and the errors of what was asked. The figures that compare
        molecules in pairs need the molecules: see `MoleculeMeasure`.

    Raises
    ------
    SchemaError
        Another name.
    """
    if name not in NAMES:
        raise SchemaError(
            f"name: {name!r} is no packaged data set; expected {' or '.join(NAMES)}{nearest(name, NAMES)}"
        )
    from ...physics.molecules.chemnet import summary

    reference, reduced = data_set(name), reduce(samples)
    good = reduced.isel(sample=np.flatnonzero(reduced["valid"].values))
    figures = {
        "invalid": 1.0 - float(reduced["valid"].values.mean()) if reduced.sizes["sample"] else float("nan"),
        "duplicate": distances.duplicate_share(good["canonical"].values),
        "known": distances.known_share(good["identity"].values, reference.training_keys),
        "fcd": float("nan"),
        "kl_properties": float("nan"),
    }
    if good.sizes["sample"] > 1:
        found = summary(good["activation"].values)
        figures["fcd"] = distances.frechet_distance(found, (reference.mean, reference.covariance))
        pairs = zip(reference.properties.T, good["found"].values.T, strict=True)
        figures["kl_properties"] = distances.kl_shortfall([distances.divergence(*pair) for pair in pairs])
    return figures | condition_errors(reduced)
