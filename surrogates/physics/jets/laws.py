"""What a jet's 30 leading constituents conserve, as residuals, and the projection that puts complete jets on the law.

The leading constituents carry most of the jet's momentum, not all: their sum is bounded by the jet, and equals it only
where the jet has no more than 30 constituents ("complete" jets). Residuals take tensors in the padded layout (sample,
constituent) and are differentiable in the continuous variables; torch comes with the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]


def present(outputs: Tensors) -> Tensor:
    """(n, m) booleans of the filled slots."""
    import torch

    pt = outputs["constituent_pt_rel"]
    return torch.arange(pt.shape[-1], device=pt.device) < outputs["n_constituents"][:, None]


def complete(outputs: Tensors) -> Tensor:
    """(n,) booleans: every constituent of the jet was kept."""
    return outputs["n_constituents_all"] <= outputs["n_constituents"]


def relative_momentum(outputs: Tensors) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sum of the constituents, massless, over the jet's pT: px along the axis, py across it, pz, E, axis at 0."""
    eta, phi, pt = (outputs[f"constituent_{name}_rel"].double() for name in ("eta", "phi", "pt"))
    parts = (pt * phi.cos(), pt * phi.sin(), pt * eta.sinh(), pt * eta.cosh())
    px, py, pz, energy = (part.sum(dim=-1) for part in parts)
    return px, py, pz, energy


def counts(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Constituents with pt_rel > 0, and the smaller of `n_constituents_all` and 30, against `n_constituents`; (n,)."""
    pt = outputs["constituent_pt_rel"]
    kept = outputs["n_constituents"]
    expected = outputs["n_constituents_all"].clamp(max=pt.shape[-1])
    return ((kept - expected).abs() + (kept - (pt > 0).sum(dim=-1)).abs()).double()


def padding(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest absolute value in the slots beyond `n_constituents`, which hold zeros; (n,)."""
    import torch

    stacked = torch.stack([outputs[f"constituent_{name}_rel"].double() for name in ("eta", "phi", "pt")], dim=-1)
    return (stacked.abs() * ~present(outputs)[..., None]).amax(dim=(-1, -2))


def ordering(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Constituents stand by decreasing pT, and none is negative: the largest rise, or size of a negative; (n,)."""
    import torch

    pt = outputs["constituent_pt_rel"].double()
    rise = (pt[:, 1:] - pt[:, :-1]).clamp(min=0.0).amax(dim=-1)
    return torch.maximum(rise, (-pt).clamp(min=0.0).amax(dim=-1))


def axis_momentum(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Momentum of the kept constituents along the jet axis beyond the jet's: max(0, sum pt_rel cos(phi_rel) - 1);
    (n,), in units of the jet's pT.

    The scalar sum of pt_rel may exceed 1; its component along the axis may not, as long as no dropped constituent
    points backwards.
    """
    return (relative_momentum(outputs)[0] - 1).clamp(min=0.0)


def mass_bound(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Invariant mass of the kept constituents beyond the jet's: max(0, m_30 - jet_mass); (n,) GeV.

    Invariant masses add up from below (m(A + B) >= m(A) + m(B) for time-like or light-like A, B), and taking
    constituents as massless lowers their sum's mass.
    """
    px, py, pz, energy = relative_momentum(outputs)
    squared = energy**2 - px**2 - py**2 - pz**2
    mass = squared.clamp(min=1e-30).sqrt() * conditions["jet_pt"].double()
    return (mass - outputs["jet_mass"].double()).clamp(min=0.0)


def complete_momentum(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Momentum of the constituents against the jet's, in units of its pT, where all were kept, else 0; (n,).

    Along the axis sum pt cos(phi) = 1, across it sum pt sin(phi) = 0, along the beam sum pt sinh(eta_jet + eta) =
    sinh(eta_jet).
    """
    import torch

    px, py, _, _ = relative_momentum(outputs)
    axis = outputs["jet_eta"].double()
    pt, eta = outputs["constituent_pt_rel"].double(), outputs["constituent_eta_rel"].double()
    along_beam = (pt * (axis[:, None] + eta).sinh()).sum(dim=-1) - axis.sinh()
    imbalance = torch.stack([px - 1, py, along_beam / axis.cosh()], dim=-1).abs().amax(dim=-1)
    return imbalance * complete(outputs)


def project(outputs: Tensors) -> dict[str, Tensor]:
    """Put complete jets on momentum conservation, and bring others within their bound.

    Complete jets are rotated in phi onto the axis, scaled in pt to the jet's, and shifted in eta by the closed-form
    root of sum pt sinh(eta_jet + eta + delta) = sinh(eta_jet): with A, B the sums of pt cosh and pt sinh of
    eta_jet + eta, delta = asinh(sinh(eta_jet) / sqrt(A^2 - B^2)) - atanh(B / A). Other jets are scaled down where their
    momentum along the axis exceeds the jet's.

    Parameters
    ----------
    outputs : mapping
        `jet_eta`, counts and constituents; order and padding are right already and stay so.

    Returns
    -------
    dict
        The same variables with projected constituents, float64, differentiable.
    """
    import torch

    filled, whole = present(outputs), complete(outputs)[:, None]
    eta, phi, pt = (outputs[f"constituent_{name}_rel"].double() for name in ("eta", "phi", "pt"))
    axis = outputs["jet_eta"].double()[:, None]
    px, py = (pt * phi.cos()).sum(dim=-1, keepdim=True), (pt * phi.sin()).sum(dim=-1, keepdim=True)
    size = torch.hypot(px, py).clamp(min=1e-12)
    phi = torch.where(whole & filled, phi - torch.atan2(py, px), phi)
    phi = torch.remainder(phi + torch.pi, 2 * torch.pi) - torch.pi
    pt = pt / torch.where(whole, size, px.clamp(min=1.0))
    cosh = (pt * (axis + eta).cosh()).sum(dim=-1, keepdim=True).clamp(min=1e-12)
    sinh = (pt * (axis + eta).sinh()).sum(dim=-1, keepdim=True)
    width = ((cosh - sinh) * (cosh + sinh)).clamp(min=1e-24).sqrt()
    shift = torch.asinh(axis.sinh() / width) - torch.atanh((sinh / cosh).clamp(-1 + 1e-12, 1 - 1e-12))
    eta = torch.where(whole & filled, eta + shift, eta)
    zero = eta.new_zeros(())
    projected = {"constituent_eta_rel": eta, "constituent_phi_rel": phi.where(filled, zero), "constituent_pt_rel": pt}
    return {**outputs, **projected}
