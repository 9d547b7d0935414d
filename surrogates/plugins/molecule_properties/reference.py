"""The reference: RDKit's geometry and properties, GFN2-xTB's gap and dipole, behind the surrogate's own call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...contract.schema import Schema
from ...noise import fold
from ...physics.molecules.descriptors import describe
from ...physics.molecules.simulation import CONVERGED, UNPARSABLE, simulate
from ...physics.molecules.text import from_codes
from .graphs import graphs
from .labels import point_intervals
from .variables import CONDITIONS, OUTPUTS, RDKIT, SIMULATED

if TYPE_CHECKING:
    import xarray as xr

_LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class XtbReference:
    """GFN2-xTB on a conformer by ETKDGv3 and MMFF94, relaxed by GFN2-xTB where these do not know the molecule.

    The conformer is drawn anew for each (seed, sample): two seeds differ in the gap by 0.01 eV in the median and
    0.11 eV in the mean, as floppy molecules find other conformers. Intervals have no width. What fails is in
    `status`, its properties NaN: "unparsable"; "unsupported" (an element beyond radon, a bare nucleus, an open shell
    that the SMILES does not state); "not_embedded" (no geometry from 20 trials, then 20 from random coordinates);
    "not_converged" (GFN2-xTB itself, or no geometry whose bonds last).

    Raises
    ------
    ImportError
        Where tblite or RDKit is not installed.
    """

    conditions: Schema = field(default=CONDITIONS, repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)

    def __post_init__(self) -> None:
        import rdkit
        import tblite.interface

        del rdkit, tblite

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Simulate each molecule; a salt or mixture by its largest part, see `graphs.graph`."""
        samples = np.asarray(conditions["sample"].values, dtype=np.int64)
        read = graphs(from_codes(conditions["smiles"].values))
        numbers = {name: np.full(len(samples), np.nan) for name in SIMULATED}
        status = np.array([molecule.status for molecule in read], dtype=np.int8)
        for row in np.flatnonzero(status == CONVERGED):
            found = simulate(read[row].smiles, fold(seed, "conformer", int(samples[row])) % _LARGEST_SEED)
            status[row] = found.status
            for name in SIMULATED:
                numbers[name][row] = getattr(found, name)
        texts = ["" if molecule.status == UNPARSABLE else molecule.smiles for molecule in read]
        numbers |= dict(zip(RDKIT, describe(texts, RDKIT).T, strict=True))
        return conditions[["smiles"]].merge(point_intervals(numbers, status, read, samples))
