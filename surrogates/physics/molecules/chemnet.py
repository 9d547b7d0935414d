"""ChemNet activations, and the Frechet ChemNet distance between sets of molecules.

Preuer et al. 2018, J. Chem. Inf. Model. 58, 1736, arXiv:1803.09518; ChemNet's weights come with fcd_torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from .distances import frechet_distance

WIDTH = 512
"""Activations of a molecule."""


@cache
def _chemnet() -> Any:
    from fcd_torch import FCD

    return FCD(canonize=False).model.eval()


def activations(smiles: Sequence[str], *, batch: int = 256) -> np.ndarray:
    """ChemNet's last but one layer.

    Parameters
    ----------
    smiles : sequence of str
        Canonical; ChemNet sees the text.
    batch : int
        Molecules at a time.

    Returns
    -------
    ndarray
        (n, 512) float32.
    """
    import torch
    from fcd_torch.utils import SmilesDataset

    found = np.zeros((len(smiles), WIDTH), dtype=np.float32)
    texts = SmilesDataset(list(smiles), canonize=False)
    with torch.no_grad():
        for start in range(0, len(smiles), batch):
            rows = range(start, min(start + batch, len(smiles)))
            encoded = torch.from_numpy(np.stack([texts[row] for row in rows])).transpose(1, 2).float()
            found[start : rows.stop] = _chemnet()(encoded).numpy()
    return found


def summary(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (512,) and covariance (512, 512) of activations (n, 512), float64."""
    wide = np.asarray(found, dtype=np.float64)
    return wide.mean(axis=0), np.cov(wide.T)


def chemnet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Frechet ChemNet distance of two sets of activations (n, 512), (m, 512); NaN for fewer than two molecules."""
    if min(len(first), len(second)) < 2:
        return float("nan")
    return frechet_distance(summary(first), summary(second))
