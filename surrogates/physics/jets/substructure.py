"""Differentiable substructure of jets whose constituents belong to subjets: shapes, correlators, N-subjettiness.

Tensors in the layout (sample, constituent). Shapes follow `observables`; N-subjettiness takes its axes from the hardest
constituents of the subjets instead of clustering, and is an upper bound on the clustered value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SHAPES: tuple[str, ...] = (
    "pt_dispersion",
    "girth",
    "les_houches_angularity",
    "log_tau1",
    "log_tau2",
    "log_tau3",
    "tau21",
    "tau32",
    "log_e2",
    "log_e3",
    "log_square",
    "log_star",
)
"""Columns of `shapes`."""

RADIUS = 0.8
_SOFT = 1e-10
_LEAST = 1e-6


def shapes(eta: Tensor, phi: Tensor, pt: Tensor, member: Tensor) -> Tensor:
    """Shapes of jets; (n, 12) in the order of `SHAPES`.

    Parameters
    ----------
    eta, phi, pt : Tensor
        (n, m) relative to the jet, zeros at the padding.
    member : Tensor
        (n, m, subjets) membership.

    Notes
    -----
    e2 and e3 are energy correlation functions (Larkoski, Salam, Thaler 2013, arXiv:1305.0007) of beta = 1; the square
    and the star are energy flow polynomials of those graphs (Komiske, Metodiev, Thaler 2018, arXiv:1712.07124). With
    B_ij = sqrt(z_i z_j) R_ij the closed walks of length 3 and 4 are traces of powers of B.
    """
    import torch

    z = pt / pt.sum(-1, keepdim=True).clamp(min=1e-9)
    radius = torch.sqrt(eta**2 + phi**2 + _SOFT)
    distance = torch.sqrt((eta[:, :, None] - eta[:, None]) ** 2 + (phi[:, :, None] - phi[:, None]) ** 2 + _SOFT)
    root = torch.sqrt(z.clamp(min=_SOFT))
    weighted = root[:, :, None] * distance * root[:, None]
    squared = weighted @ weighted
    reach = (distance * z[:, None]).sum(-1)
    tau1, tau2, tau3 = _subjettiness(distance / RADIUS, z, member)

    def log(values: Tensor) -> Tensor:
        return torch.log(values.clamp(min=_LEAST))

    return torch.stack(
        (
            torch.sqrt((z**2).sum(-1)),
            (z * radius).sum(-1) / RADIUS,
            (z * torch.sqrt(radius / RADIUS)).sum(-1),
            log(tau1),
            log(tau2),
            log(tau3),
            tau2 / tau1.clamp(min=_LEAST),
            tau3 / tau2.clamp(min=_LEAST),
            log((z * reach).sum(-1)),
            log((squared * weighted).sum((-1, -2))),
            log((squared * squared).sum((-1, -2))),
            log((z * reach**3).sum(-1)),
        ),
        dim=-1,
    )


def _subjettiness(distance: Tensor, z: Tensor, member: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """tau_1 to tau_3, axes at the hardest constituents of the subjets; the best of all choices of fewer axes."""
    import torch

    hardest = (z[..., None] * member).argmax(1)
    axes = distance.gather(2, hardest[:, None].expand(-1, distance.shape[1], -1))
    there = member.sum(1) > 0
    axes = torch.where(there[:, None], axes, torch.full_like(axes, 10.0))

    def summed(nearest: Tensor) -> Tensor:
        return (z * nearest).sum(-1)

    one = torch.stack([summed(axes[..., k]) for k in range(3)], dim=-1).amin(-1)
    pairs = ((0, 1), (0, 2), (1, 2))
    two = torch.stack([summed(torch.minimum(axes[..., a], axes[..., b])) for a, b in pairs], dim=-1).amin(-1)
    return one, two, summed(axes.amin(-1))
