"""Conservation laws of an interaction of a hadron with a nucleus, as residuals: one float64 value a sample.

Residuals take tensors in the padded layout (sample, particle); those of labels are counts and have no gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import beams
from .species import K_LONG, K_SHORT, conserved

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]


def _codes(conditions: Tensors) -> tuple[np.ndarray, np.ndarray]:
    return tuple(conditions[name].detach().cpu().numpy().astype(np.int64) for name in ("projectile", "target"))  # type: ignore[return-value]


def _filled(outputs: Tensors) -> int:
    used = (outputs["pdg_id"] != 0).any(dim=0).nonzero()
    return int(used.max()) + 1 if len(used) else 1


def four_momentum(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest component of all four-momenta less those of beam and target, relative to the beam's energy."""
    import torch

    projectile, target = _codes(conditions)
    energy = conditions["energy"].double()
    expected = torch.as_tensor(
        beams.total_momentum(projectile, energy.detach().cpu().numpy(), target), device=energy.device
    )
    slots = _filled(outputs)
    present = (outputs["pdg_id"][:, :slots] != 0).double()
    parts = [(outputs[name][:, :slots] * present).sum(-1) for name in ("px", "py", "pz", "E")]
    return ((torch.stack(parts, dim=-1) - expected).abs()).amax(dim=-1) / energy


def mass_shell(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest ``|E - sqrt(p^2 + m^2)| / E`` among the entries of an interaction."""
    slots = _filled(outputs)
    px, py, pz, energy, mass = (outputs[name][:, :slots] for name in ("px", "py", "pz", "E", "mass"))
    empty = (outputs["pdg_id"][:, :slots] == 0).to(energy.dtype)
    energy = energy + empty
    on_shell = (px * px + py * py + pz * pz + mass * mass + empty).sqrt()
    return ((energy - on_shell).abs() / energy.abs()).amax(dim=-1)


def charge(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Charge of all entries less that of projectile and target."""
    import torch

    projectile, target = _codes(conditions)
    expected = beams.PROJECTILE_CHARGE[projectile] + beams.TARGET_Z[target]
    found = outputs["charge"].double().sum(-1)
    return found - torch.as_tensor(expected, device=found.device).double()


def baryon_number(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Baryon number of all entries less that of projectile and target."""
    import torch

    projectile, target = _codes(conditions)
    number, _ = conserved(outputs["pdg_id"].detach().cpu().numpy().astype(np.int64))
    expected = beams.PROJECTILE_BARYON[projectile] + beams.TARGET_A[target]
    return torch.as_tensor((number.sum(-1) - expected).astype(np.float64), device=outputs["pdg_id"].device)


def strangeness(outputs: Tensors, conditions: Tensors) -> Tensor:
    """How far strangeness is from closing, where each neutral kaon, K0S or K0L, may count as a K0 or its antiparticle.

    With k of them and a lack d of strangeness among the others, 0 where \\|d\\| <= k and d has the parity of k.
    """
    import torch

    projectile, _ = _codes(conditions)
    ids = outputs["pdg_id"].detach().cpu().numpy().astype(np.int64)
    _, number = conserved(ids)
    kaons = np.isin(ids, (K_SHORT, K_LONG)).sum(-1)
    lack = beams.PROJECTILE_STRANGENESS[projectile] - number.sum(-1)
    residual = np.maximum(np.abs(lack) - kaons, 0) + (lack - kaons) % 2
    return torch.as_tensor(residual.astype(np.float64), device=outputs["pdg_id"].device)
