"""Three subjets of each jet: assignment of constituents to winner-take-all axes, and moments of labelled sets."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

SUBJETS = 3


def assign(jets: np.ndarray, chunk: int = 4096) -> np.ndarray:
    """Subjet of each constituent, by exclusive kT clustering to three winner-take-all axes and the nearest of them.

    Parameters
    ----------
    jets : numpy.ndarray
        (n, m, 3): eta_rel, phi_rel, pt_rel; padding has pt_rel 0 and comes last.

    Returns
    -------
    numpy.ndarray
        (n, m) int64 labels 0, 1, 2 by falling summed pT; a jet of fewer constituents has fewer subjets. Clustering as
        in Larkoski, Neill and Thaler 2014, arXiv:1401.2158.
    """
    return np.concatenate([_assign(jets[i : i + chunk]) for i in range(0, len(jets), chunk)])


def _assign(jets: np.ndarray) -> np.ndarray:
    n, m, _ = jets.shape
    pt = jets[..., 2].copy()
    position = jets[..., :2]
    distance = ((position[:, :, None] - position[:, None]) ** 2).sum(-1)
    active = pt > 0
    rows = np.arange(n)
    for _ in range(m - SUBJETS):
        merging = active.sum(1) > SUBJETS
        if not merging.any():
            break
        cost = np.minimum(pt[:, :, None], pt[:, None]) ** 2 * distance
        cost[~(active[:, :, None] & active[:, None])] = np.inf
        cost[:, np.arange(m), np.arange(m)] = np.inf
        first, second = np.divmod(cost.reshape(n, -1).argmin(1), m)
        swap = pt[rows, first] < pt[rows, second]
        winner, loser = np.where(swap, second, first), np.where(swap, first, second)
        r, w, lost = rows[merging], winner[merging], loser[merging]
        pt[r, w] += pt[r, lost]
        pt[r, lost] = 0.0
        active[r, lost] = False
    axes = np.argsort(~active, axis=1, kind="stable")[:, :SUBJETS]
    there = np.take_along_axis(active, axes, axis=1)
    reach = np.where(there[:, None], np.take_along_axis(distance, axes[:, None].repeat(m, 1), axis=2), np.inf)
    label = reach.argmin(-1)
    sums = np.stack([(jets[..., 2] * (label == k)).sum(1) for k in range(SUBJETS)], axis=1)
    rank = np.argsort(np.argsort(-sums, axis=1, kind="stable"), axis=1)
    return np.take_along_axis(rank, label, axis=1)


def one_hot(counts: Tensor, slots: int) -> Tensor:
    """Membership (n, slots, SUBJETS) of slots filled subjet by subjet with `counts` (n, SUBJETS)."""
    ends = counts.cumsum(-1)[:, None]
    slot = torch.arange(slots, device=counts.device)[None, :, None]
    return ((slot < ends) & (slot >= ends - counts[:, None])).to(torch.float32)


def whiten(points: Tensor, member: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Positions with share-weighted centroid 0 and mean square radius 1 in each subjet, and shares that sum to 1 there.

    A subjet whose radius is below 0.1 is stretched tenfold only: no soft constituent is thrown out of the jet.

    Parameters
    ----------
    points : Tensor
        (n, m, 3): asinh of both positions, log share.
    member : Tensor
        (n, m, SUBJETS), 1 where a slot belongs to a subjet.

    Returns
    -------
    x, y, share : Tensor
        (n, m), 0 at the padding.
    """
    filled = member.sum(-1)
    weight = torch.exp(points[..., 2].clamp(-16.0, 3.0)) * filled
    total = _sums(weight, member)
    share = weight / _spread(total, member).clamp(min=1e-12)
    x, y = (torch.sinh(points[..., i].clamp(-6.0, 6.0)) * filled for i in range(2))
    x = x - _spread(_sums(share * x, member), member)
    y = y - _spread(_sums(share * y, member), member)
    square = _sums(share * (x**2 + y**2), member)
    size = torch.sqrt(_spread(square, member).clamp(min=1e-2)) + (1.0 - filled)
    return x / size * filled, y / size * filled, share * filled


def _sums(values: Tensor, member: Tensor) -> Tensor:
    return (values[..., None] * member).sum(1)


def _spread(values: Tensor, member: Tensor) -> Tensor:
    return (values[:, None] * member).sum(-1)
