"""Longitudinal phase space: particles put exactly onto the four-momentum that they share.

Transverse momenta are kept but for their imbalance; rapidities y become a + b y, with the two numbers that conservation
asks for (the method of Jadach 1975, Comput. Phys. Commun. 9, 297). Particles that nearly conserve move little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 64  # a number of rows of which a result for one does not depend on its place
ROOM = 0.999
"""Share of the invariant mass that transverse masses may take."""


def closed(
    mass: Tensor, px: Tensor, py: Tensor, rapidity: Tensor, real: Tensor, total: Tensor, steps: int = 60
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Momenta and energies (n, k) of particles on their mass shell that add up to `total`.

    Parameters
    ----------
    mass, px, py, rapidity : Tensor
        (n, k) float64, GeV; anything where `real` is False.
    real : Tensor
        (n, k) bool; two particles a row at least, and masses of less than the invariant mass of `total`.
    total : Tensor
        (n, 4): px, py, pz, E.

    Returns
    -------
    px, py, pz, E : Tensor
        Zero where `real` is False.
    """
    import torch

    weight = real.double()
    number = weight.sum(1, keepdim=True)
    plus = total[:, 3] + total[:, 2]
    transverse = total[:, :2]
    invariant = total[:, 3] ** 2 - (total[:, :3] ** 2).sum(-1)
    # E - pz of a fast system by its invariant mass: the difference itself would lose digits
    minus = (invariant + (transverse**2).sum(-1)) / plus
    across = torch.sqrt(plus * minus)
    mean = transverse[:, None, :] / number[..., None]
    p = torch.stack((px, py), dim=-1) * weight[..., None]
    size = torch.sqrt((p**2).sum(-1)) + 1e-12 * weight
    share = size / size.sum(1, keepdim=True)
    summed = torch.stack([side.contiguous().sum(1) for side in p.unbind(-1)], dim=-1)  # along rows: bits do not
    p = p + share[..., None] * (transverse - summed)[:, None, :]  # depend on how many rows there are
    p = _fitting(mass, p, mean, weight, ROOM * across)
    mt = torch.sqrt(mass**2 + (p**2).sum(-1)) * weight
    y = torch.where(real, rapidity, torch.zeros_like(rapidity))
    y = y - ((y * weight).sum(1, keepdim=True) / number)
    spread = (y.abs() * weight).amax(1, keepdim=True)
    rank = torch.cumsum(weight, 1) / number - 0.5
    y = torch.where(spread > 1e-6, y / spread.clamp(min=1e-6, max=1.0), rank) * weight
    log_mt = torch.where(real, torch.log(mt.clamp(min=1e-12)), torch.full_like(mt, -torch.inf))
    b = _stretch(log_mt, y, 2.0 * torch.log(across), steps)
    up, down = log_mt + b[:, None] * y, log_mt - b[:, None] * y
    shift = 0.5 * (torch.log(plus / minus) - torch.logsumexp(up, 1) + torch.logsumexp(down, 1))
    moved = shift[:, None] + b[:, None] * y
    return p[..., 0], p[..., 1], mt * torch.sinh(moved) * weight, mt * torch.cosh(moved) * weight


def _fitting(mass: Tensor, p: Tensor, mean: Tensor, weight: Tensor, most: Tensor) -> Tensor:
    """Transverse momenta (n, k, 2) drawn towards `mean` where transverse masses add up to more than `most`."""
    import torch

    def whole(scale: Tensor) -> Tensor:
        drawn = mean + (p - mean) * scale[:, None, None]
        return (torch.sqrt(mass**2 + (drawn**2).sum(-1)) * weight).sum(1)

    one = torch.ones_like(most)
    over = whole(one) > most
    if not bool(over.any()):
        return p
    low, high = torch.zeros_like(one), one
    for _ in range(40):
        middle = 0.5 * (low + high)
        fits = whole(middle) <= most
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    drawn = (mean + (p - mean) * low[:, None, None]) * weight[..., None]
    return torch.where(over[:, None, None], drawn, p)


def _stretch(log_mt: Tensor, y: Tensor, aim: Tensor, steps: int) -> Tensor:
    """The b > 0 with ln(sum mt exp(b y)) + ln(sum mt exp(-b y)) = aim, by Newton's method: convex in b, (n,)."""
    import torch

    found = torch.ones_like(aim)
    rows = torch.arange(len(aim), device=aim.device)
    for _ in range(steps):
        b = found[rows]
        up, down = log_mt[rows] + b[:, None] * y[rows], log_mt[rows] - b[:, None] * y[rows]
        a_up, a_down = torch.logsumexp(up, 1), torch.logsumexp(down, 1)
        value = a_up + a_down - aim[rows]
        slope = ((torch.exp(up - a_up[:, None]) - torch.exp(down - a_down[:, None])) * y[rows]).sum(1)
        found[rows] = (b - (value / slope.clamp(min=1e-9)).clamp(-0.5, 0.5)).clamp(min=1e-9)
        rows = rows[value.abs() > 1e-12].unique()  # of the others the last step has squared it
        if not len(rows):
            break
        rows = torch.cat((rows, rows[-1:].expand(-len(rows) % _ROWS)))
    return found
