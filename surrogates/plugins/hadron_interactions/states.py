"""What the chain of an interaction knows before each particle, as numbers of order one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...physics.hadrons import beams, species

Tensors = dict[str, Tensor]

_GROUP = torch.tensor(
    [
        {211: 0, -211: 1, 111: 2, 221: 2}.get(int(i), 3 if abs(i) < 1000 else 4 if i in (2212, 2112) else 5)
        for i in species.IDS
    ]
)
GROUPS = 6
"""Positive, negative and neutral pions with etas, kaons, nucleons, other baryons."""

FEATURES = 3 * (species.SPECIES + 1) + 28 + GROUPS


def groups(kind: Tensor) -> Tensor:
    """Group of each species."""
    return _GROUP.to(kind.device)[kind]


def context(projectile: Tensor, target: Tensor, energy: Tensor) -> Tensor:
    """(n, 12): beam, target and energy."""
    scaled = (torch.log(energy.double()) - 6.1) / 1.8
    return torch.cat(
        (
            functional.one_hot(projectile, len(beams.PROJECTILES)).float(),
            functional.one_hot(target, len(beams.TARGETS)).float(),
            torch.stack((scaled, scaled**2), -1).float(),
        ),
        -1,
    )


def first_state(drawn: Tensors) -> Tensors:
    """The state before the first particle, of the numbers that were drawn."""
    n, device = len(drawn["particles"]), drawn["particles"].device
    one, zero = torch.ones(n, dtype=torch.float64, device=device), torch.zeros(n, dtype=torch.float64, device=device)
    none = torch.full((n,), -1, dtype=torch.long, device=device)
    total = drawn["total"]
    return {
        "plus": total[:, 0].clone(),
        "minus": total[:, 1].clone(),
        "px": -drawn["remnant_pt"],
        "py": zero.clone(),
        "balance": drawn["balance"].clone(),
        "left": drawn["particles"].clone(),
        "whole": drawn["particles"].clone(),
        "struck": drawn["struck"].clone(),
        "protons": drawn["struck_protons"].clone(),
        "mass": zero.clone(),
        "last": none.clone(),
        "before": none.clone(),
        "first": none.clone(),
        "first_share": zero.clone(),
        "last_plus": one.clone(),
        "last_minus": one.clone(),
        "last_px": zero.clone(),
        "last_py": zero.clone(),
        "made": torch.zeros((n, GROUPS), dtype=torch.long, device=device),
    }


def features(state: Tensors) -> Tensor:
    """(r, FEATURES) float32 of a state's values (r,)."""
    plus, minus = (torch.log(state[name].clamp(min=1e-6)) for name in ("plus", "minus"))
    left, whole = state["left"].double(), state["whole"].double()
    balance = state["balance"].double()
    size = torch.hypot(state["px"], state["py"])
    last_pt = torch.hypot(state["last_px"], state["last_py"])
    across = (state["px"] * state["last_px"] + state["py"] * state["last_py"]) / (size * last_pt + 1e-9)
    rapidity, last = 0.5 * (plus - minus), 0.5 * (torch.log(state["last_plus"]) - torch.log(state["last_minus"]))
    begun = (state["last"] >= 0).double()
    invariant = 0.5 * (plus + minus)
    apiece = 1.0 / left
    values = (
        plus / 4.0,
        minus / 2.0,
        invariant / 3.0,
        rapidity / 3.0,
        invariant - torch.log(left),
        minus - torch.log(left),
        minus - torch.log(balance[:, 1].clamp(min=0) + 0.3),
        torch.log(left) - 1.5,
        torch.log(whole) - 2.5,
        apiece,
        (left == 1).double(),
        (left == 2).double(),
        (left == 3).double(),
        balance[:, 0] / 3.0,
        balance[:, 1] / 3.0,
        balance[:, 2] / 2.0,
        balance[:, 0] * apiece,
        balance[:, 1] * apiece,
        balance[:, 2] * apiece,
        torch.log(size + 0.05),
        size * apiece,
        begun * last / 3.0,
        begun * (last - rapidity) / 2.0,
        torch.log(last_pt + 0.02) * begun,
        across,
        torch.log1p(state["struck"].double()) - 1.0,
        state["protons"].double() / state["struck"].double() - 0.5,
        state["first_share"],
    )
    kinds = [functional.one_hot(state[name] + 1, species.SPECIES + 1).float() for name in ("last", "before", "first")]
    made = state["made"].double() / whole[:, None]
    return torch.cat((torch.stack(values, -1).float(), made.float(), *kinds), -1)
