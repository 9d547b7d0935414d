"""Attacks on membership: whether samples give away who was trained on."""

from __future__ import annotations

import numpy as np


def nearest_neighbour_attack(
    samples: np.ndarray,
    members: np.ndarray,
    others: np.ndarray,
    *,
    false_positives: float = 0.01,
    mask_weight: float = 1.0,
    most: int = 4_000,
) -> float:
    """Share of members that lie nearer to a sample than all but `false_positives` of non-members do.

    0.01 for samples that tell nothing, 1 for copies. The distance is that of mean squares of robustly scaled values
    that both have, plus the share of cells that one of them lacks. A black-box attack: at chance it proves little.

    Parameters
    ----------
    samples, members, others : ndarray
        Tables (n, k), NaN where nothing was measured; others were not trained on.
    most : int
        Samples and members looked at, the first ones.

    References
    ----------
    Chen et al. 2020, "GAN-Leaks", CCS; operating point after Carlini et al. 2022, "Membership inference attacks from
    first principles", IEEE S&P.
    """
    samples, members = samples[:most], members[:most]
    middle = np.nan_to_num(np.nanmedian(others, axis=0))
    low, high = np.nan_to_num(np.nanquantile(others, (0.1, 0.9), axis=0))
    spread = np.where(high > low, high - low, 1.0)
    scaled = [np.clip((t - middle) / spread, -3.0, 3.0) for t in (samples, members, others)]
    nearest = [_nearest(side, scaled[0], mask_weight) for side in scaled[1:]]
    threshold = np.quantile(nearest[1], false_positives)
    return float((nearest[0] < threshold).mean())


def _nearest(rows: np.ndarray, samples: np.ndarray, mask_weight: float, block: int = 500) -> np.ndarray:
    """Distance of each row to its nearest sample, (n,)."""
    there = np.isfinite(samples).astype(np.float32)
    value = np.where(there > 0, samples, 0.0).astype(np.float32)
    square = value**2
    found = []
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        known = np.isfinite(part).astype(np.float32)
        own = np.where(known > 0, part, 0.0).astype(np.float32)
        both = known @ there.T
        apart = (own**2) @ there.T + known @ square.T - 2.0 * own @ value.T
        unlike = known.sum(axis=1)[:, None] + there.sum(axis=1)[None, :] - 2.0 * both
        found.append(
            (np.maximum(apart, 0.0) / np.maximum(both, 1.0) + mask_weight * unlike / rows.shape[1]).min(axis=1)
        )
    return np.concatenate(found)
