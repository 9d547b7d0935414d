"""The figures of molecules: MOSES' and GuacaMol's distances, and how far found properties are from asked ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...physics.molecules import distances
from ...physics.molecules.descriptors import DESCRIPTORS, parse
from ...physics.molecules.structure import BITS, COUNTS, counts, fingerprints, fragments, inchi_key, label
from ...physics.molecules.structure import scaffold as scaffold_of
from ...physics.molecules.text import from_codes
from .packaged import key, known_keys
from .simulated import MOST, found_by_simulation, simulation_errors

if TYPE_CHECKING:
    import xarray as xr

NAMES = tuple(DESCRIPTORS)
FRAGMENTS = 24
"""Most fragments of a molecule that are compared."""
BENZENE = label("c1ccccc1")


def texts(dataset: xr.Dataset) -> list[str]:
    """SMILES of a Dataset of molecules, each of `n_characters` characters."""
    codes = dataset["smiles"].values
    return from_codes(np.where(np.arange(codes.shape[1]) < dataset["n_characters"].values[:, None], codes, 0))


def reduce(dataset: xr.Dataset, simulated: int = MOST) -> xr.Dataset:
    """What the figures need of each molecule, computed once; a molecule that repeats is computed once too.

    Parameters
    ----------
    dataset : Dataset
        One that is reduced already is given back.
    simulated : int
        Most molecules that GFN2-xTB simulates, of those of which a gap or dipole is asked.

    Returns
    -------
    Dataset
        `valid` (sanitised by RDKit), `canonical` and `scaffold` (hashes of SMILES), `identity` (of the InChIKey),
        `asked` and `found` (sample, property), `count` (sample, counted), `fragment` (sample, slot), `fingerprint`
        (sample, byte), `activation` (sample, unit). Rows that are not valid hold 0, and NaN where numbers are found.
        Where a gap or dipole is asked, also what `found_by_simulation` gives.
    """
    if "activation" in dataset:
        return dataset
    import xarray as xr

    written = texts(dataset)
    distinct, place = np.unique(np.array(written, dtype=np.str_), return_inverse=True)
    known = _described(tuple(str(text) for text in distinct))
    data: dict[str, Any] = {}
    for name, values in known.items():
        dims = ("sample",) if values.ndim == 1 else ("sample", f"{name}_column")
        data[name] = (dims, values[place])
    unasked = np.full(dataset.sizes["sample"], np.nan)
    asked = [dataset[name].values if name in dataset else unasked for name in NAMES]
    data["asked"] = (("sample", "found_column"), np.stack(asked, axis=-1))
    valid = known["valid"][place]
    return xr.Dataset(data | found_by_simulation(dataset, written, valid, simulated))


@lru_cache(maxsize=8)
def _described(smiles: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What is known of distinct molecules; one truth asked in several ways is described once."""
    from rdkit import Chem

    from ...physics.molecules.chemnet import WIDTH, activations

    molecules = [parse(text).molecule for text in smiles]
    good = [row for row, molecule in enumerate(molecules) if molecule is not None]
    n = len(smiles)
    known = {
        "valid": np.array([molecule is not None for molecule in molecules], dtype=bool),
        "canonical": np.zeros(n, dtype=np.uint64),
        "scaffold": np.zeros(n, dtype=np.uint64),
        "identity": np.zeros(n, dtype=np.int64),
        "found": np.full((n, len(NAMES)), np.nan),
        "count": np.full((n, len(COUNTS)), np.nan),
        "fragment": np.zeros((n, FRAGMENTS), dtype=np.uint64),
        "fingerprint": np.zeros((n, BITS // 8), dtype=np.uint8),
        "activation": np.zeros((n, WIDTH), dtype=np.float32),
    }
    written = []
    for row in good:
        molecule = molecules[row]
        text = Chem.MolToSmiles(molecule)
        written.append(text)
        frame = scaffold_of(molecule)
        known["canonical"][row] = label(text)
        known["scaffold"][row] = label(frame) if frame else 0
        known["identity"][row] = key(inchi_key(molecule), text)
        known["found"][row] = [describe(molecule) for describe in DESCRIPTORS.values()]
        known["count"][row] = counts(molecule)
        parts = [label(part) for part in fragments(molecule)[:FRAGMENTS]]
        known["fragment"][row, : len(parts)] = parts
    if good:
        known["fingerprint"][good] = fingerprints([molecules[row] for row in good])
        known["activation"][good] = activations(written)
    return known


def features(dataset: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Features of the two-sample classifier: found properties and counts, (n, 11); NaN rows for what is not valid.

    Conditions are left out: the truth's are its own properties to the last digit, which would give away everything
    else. How well conditions are met is a figure of its own.
    """
    names = (*NAMES, *COUNTS)
    if "found" in dataset:
        return np.concatenate([dataset["found"].values, dataset["count"].values], axis=1), names
    table = np.full((dataset.sizes["sample"], len(names)), np.nan)
    for row, text in enumerate(texts(dataset)):
        molecule = parse(text).molecule
        if molecule is not None:
            table[row] = [*(describe(molecule) for describe in DESCRIPTORS.values()), *counts(molecule)]
    return table, names


def condition_errors(reduced: xr.Dataset) -> dict[str, float]:
    """Mean absolute difference of found and asked properties over the valid molecules of which it is asked.

    `<property>_error` in the property's units; `joint_error`: the root of the mean over molecules of the mean square
    over asked properties, each in units of its spread among the asked values.
    """
    asked, found = (reduced[name].values[reduced["valid"].values] for name in ("asked", "found"))
    difference = np.abs(found - asked)
    known = np.isfinite(difference)
    figures = {
        f"{name}_error": float(difference[known[:, column], column].mean())
        for column, name in enumerate(NAMES)
        if known[:, column].any()
    }
    spread = np.array([np.std(column[there]) if there.any() else 1.0 for column, there in zip(asked.T, known.T)])  # noqa: B905
    squares = np.where(known, (difference / np.where(spread > 0, spread, 1.0)) ** 2, 0.0)
    rows = known.any(axis=1)
    if rows.any():
        figures["joint_error"] = float(np.sqrt((squares[rows].sum(axis=1) / known[rows].sum(axis=1)).mean()))
    return figures


@dataclass(frozen=True)
class MoleculeMeasure:
    """Figures of molecules; 0 is agreement.

    Attributes
    ----------
    pairs : int
        Molecules of each side whose pairs are compared.
    simulated : int
        Most molecules of a side that GFN2-xTB simulates (13 ms each of QM9's): the first valid ones of which a gap or
        dipole is asked.

    Notes
    -----
    - `invalid`: 1 - validity, over all that was generated. Everything below is of the valid molecules, none filtered.
    - `duplicate`: 1 - uniqueness, of canonical SMILES. `known`: 1 - novelty, the share of distinct molecules whose
      InChIKey is among the training molecules of ZINC or QM9.
    - `fcd`: Frechet ChemNet distance.
    - `nearest_similarity`: difference of MOSES' SNN and what the truth's molecules have among themselves.
    - `fragments`, `scaffolds`: 1 - cosine similarity of BRICS fragments and Bemis-Murcko scaffolds.
      `scaffolds_without_benzene` leaves out the most frequent one; MOSES counts only scaffolds of two rings or more.
    - `internal_diversity`: difference of IntDiv (p = 1).
    - `kl_properties`: 1 - GuacaMol's score, over the five properties and six counts.
    - `log_p_error` …, `joint_error`: see `condition_errors`. `gap_error`, `dipole_error`, `simulation_failed`: see
      `simulation_errors`; they need tblite.
    - `nearest_training`, where training molecules are given: difference of the mean nearest similarity to them.
    """

    pairs: int = 4000
    simulated: int = MOST

    def reduce(self, dataset: xr.Dataset) -> xr.Dataset:
        """See `reduce`."""
        return reduce(dataset, self.simulated)

    def __call__(self, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset | None = None) -> dict[str, float]:
        """Figures of `samples` against `truth`; reduced Datasets are taken as they are."""
        whole = self.reduce(samples)
        first, second = (_valid(side) for side in (whole, self.reduce(truth)))
        figures = {"invalid": 1.0 - float(whole["valid"].values.mean()) if whole.sizes["sample"] else float("nan")}
        figures["duplicate"] = distances.duplicate_share(first["canonical"].values)
        figures["known"] = distances.known_share(first["identity"].values, known_keys())
        if first.sizes["sample"] > 1 and second.sizes["sample"] > 1:
            figures |= self._distances(first, second)
            if training is not None and training.sizes["sample"]:
                figures["nearest_training"] = self._nearest_training(first, second, training)
        else:
            figures |= dict.fromkeys(DISTANCES, float("nan"))
        return figures | condition_errors(whole) | simulation_errors(whole)

    def _distances(self, samples: xr.Dataset, truth: xr.Dataset) -> dict[str, float]:
        from ...physics.molecules.chemnet import chemnet_distance

        prints = [side["fingerprint"].values[: self.pairs] for side in (samples, truth)]
        near = distances.nearest_similarity(*prints).mean() - distances.nearest_other_similarity(prints[1]).mean()
        diverse = [distances.internal_diversity(side) for side in prints]
        frames = [side["scaffold"].values for side in (samples, truth)]
        rarer = [frame[frame != BENZENE] for frame in frames]
        divergences = [
            *map(distances.divergence, truth["found"].values.T, samples["found"].values.T),
            *map(distances.counted_divergence, truth["count"].values.T, samples["count"].values.T),
        ]
        values = (
            chemnet_distance(samples["activation"].values, truth["activation"].values),
            abs(float(near)),
            distances.cosine_distance(samples["fragment"].values, truth["fragment"].values),
            distances.cosine_distance(*frames),
            distances.cosine_distance(*rarer),
            abs(diverse[0] - diverse[1]),
            distances.kl_shortfall(divergences),
        )
        return dict(zip(DISTANCES, values, strict=True))

    def _nearest_training(self, samples: xr.Dataset, truth: xr.Dataset, training: xr.Dataset) -> float:
        chosen = np.linspace(0, training.sizes["sample"] - 1, min(self.pairs, training.sizes["sample"])).astype(int)
        found = (parse(text).molecule for text in texts(training.isel(sample=chosen)))
        known = fingerprints([molecule for molecule in found if molecule is not None])
        near = [
            distances.nearest_similarity(side["fingerprint"].values[: self.pairs], known).mean()
            for side in (samples, truth)
        ]
        return abs(float(near[0] - near[1]))


DISTANCES = (
    "fcd",
    "nearest_similarity",
    "fragments",
    "scaffolds",
    "scaffolds_without_benzene",
    "internal_diversity",
    "kl_properties",
)
"""Figures that compare two sets of molecules."""

measure = MoleculeMeasure()
"""The figures that the plugin declares."""


def _valid(reduced: xr.Dataset) -> xr.Dataset:
    return reduced.isel(sample=np.flatnonzero(reduced["valid"].values))
