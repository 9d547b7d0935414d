"""Conservation laws of e+e- -> tau+ tau- as residuals: one float64 value a sample, 0 where the law holds.

Residuals take tensors in the padded layout (sample, particle) and are differentiable in the momenta; those of labels
(charge, lepton number, decay channels) are counts and have no gradient. torch comes with the tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]

SIDES = (-1, 1, 0)
"""`parent` of the tau-'s products, the tau+'s products and the radiation."""


def _filled(outputs: Tensors, *names: str) -> list[Tensor]:
    """The named particle variables without the slots that no event of the batch fills."""
    ids = outputs["pdg_id"]
    used = (ids != 0).any(dim=0).nonzero()
    slots = int(used.max()) + 1 if len(used) else 1
    return [outputs[name][:, :slots] for name in names]


def _complete(outputs: Tensors) -> Tensor | float:
    """(n,) 1 where every particle of the event was kept, so that sums over the event mean something."""
    return (outputs["n_dropped"] == 0).to(outputs["E"].dtype) if "n_dropped" in outputs else 1.0


def _by_parent(values: Tensor, parent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums (n,) of integer `values` (n, particle) over the tau-'s products, the tau+'s and the radiation."""
    signed = values * parent
    total, difference, descended = values.sum(-1), signed.sum(-1), (signed * parent).sum(-1)
    return (descended - difference) // 2, (descended + difference) // 2, total - descended


def mass_shell(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest ``|E - sqrt(p^2 + m^2)| / E`` among the particles of an event."""
    ids, px, py, pz, energy, mass = _filled(outputs, "pdg_id", "px", "py", "pz", "E", "mass")
    empty = (ids == 0).to(energy.dtype)
    on_shell = (px * px + py * py + pz * pz + mass * mass + empty).sqrt()
    energy = energy + empty
    return ((energy - on_shell).abs() / energy.abs()).amax(dim=-1)


def four_momentum(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest component of all four-momenta less (0, 0, 0, sqrt(s)), relative to sqrt(s), the condition `energy`."""
    ids, *momentum = _filled(outputs, "pdg_id", "px", "py", "pz", "E")
    present = (ids != 0).to(momentum[0].dtype)
    total = [(component * present).sum(dim=-1) for component in momentum]
    total[3] = total[3] - conditions["energy"]
    worst = total[0].abs()
    for component in total[1:]:
        worst = worst.maximum(component.abs())
    return worst / conditions["energy"] * _complete(outputs)


def tau_momentum(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Largest component of the sum of a tau's products less the tau, relative to sqrt(s), over both taus."""
    ids, parent, *momentum = _filled(outputs, "pdg_id", "parent", "px", "py", "pz", "E")
    worst = conditions["energy"] * 0.0
    for side, sign in enumerate(SIDES[:2]):
        mine = ((ids != 0) & (parent == sign)).to(momentum[0].dtype)
        for name, component in zip(("px", "py", "pz", "E"), momentum, strict=True):
            difference = (component * mine).sum(dim=-1) - outputs["tau_" + name][:, side]
            worst = worst.maximum(difference.abs())
    return worst / conditions["energy"] * _complete(outputs)


def charge(outputs: Tensors, conditions: Tensors) -> Tensor:
    """Charge [e] missing or in excess, summed over the tau-'s products (-1), the tau+'s (+1) and the radiation (0)."""
    minus, plus, radiated = _by_parent(*_filled(outputs, "charge", "parent"))
    violation = (minus + 1).abs() + (plus - 1).abs() + radiated.abs()
    return violation.to(outputs["E"].dtype) * _complete(outputs)


def lepton_number(outputs: Tensors, conditions: Tensors, *, flavour: str) -> Tensor:
    """Lepton number of one flavour missing or in excess, summed over the two taus' products and the radiation.

    Parameters
    ----------
    outputs, conditions : mapping of Tensor
    flavour : str
        "electron", "muon" or "tau".
    """
    lepton = {"electron": 11, "muon": 13, "tau": 15}[flavour]
    ids, parent = _filled(outputs, "pdg_id", "parent")
    size = ids.abs()
    number = ids.sign() * ((size == lepton) | (size == lepton + 1))
    minus, plus, radiated = _by_parent(number, parent)
    own = 1 if flavour == "tau" else 0
    violation = (minus - own).abs() + (plus + own).abs() + radiated.abs()
    return violation.to(outputs["E"].dtype) * _complete(outputs)


def table_masses(outputs: Tensors, conditions: Tensors, *, ids: tuple[int, ...], masses: tuple[float, ...]) -> Tensor:
    """Largest distance of a mass from that of the simulator's table [GeV]; an id that is not in the table counts 1 GeV.

    Parameters
    ----------
    outputs, conditions : mapping of Tensor
    ids : tuple of int
        Positive PDG ids, ascending.
    masses : tuple of float
        Their masses, GeV.
    """
    import torch

    found, mass = _filled(outputs, "pdg_id", "mass")
    table = torch.full((_IDS,), float("nan"), dtype=torch.float64, device=mass.device)
    table[0] = 0.0
    table[list(ids)] = torch.tensor(masses, dtype=torch.float64, device=mass.device)
    departure = (mass - table[found.abs().clamp(max=_IDS - 1)]).abs()
    return departure.nan_to_num(nan=1.0).amax(dim=-1)


_IDS = 512
_COUNTED = (-211, 211, -321, 321, 130, 11, -11, 13, -13, 22)
_DIGIT = 4
_SELF_CONJUGATE = frozenset((22, 111, 130, 221, 223, 310, 331))
_UNCOUNTED = frozenset((12, 14, 16))


def decay_channels(outputs: Tensors, conditions: Tensors, *, allowed: tuple[int, ...]) -> Tensor:
    """Number of taus (0 to 2) whose products are no final state of the decay channel that `tau_decay` names.

    Parameters
    ----------
    outputs, conditions : mapping of Tensor
    allowed : tuple of int
        Codes of (channel, final state) pairs from `final_states`.
    """
    import torch

    ids, parent = _filled(outputs, "pdg_id", "parent")
    device = ids.device
    known = torch.tensor(allowed, device=device)
    weight = torch.zeros(2 * _IDS, dtype=torch.int64, device=device)
    for digit, kind in enumerate(_COUNTED):
        for sign in (1, -1) if kind in _SELF_CONJUGATE else (1,):
            weight[_IDS + sign * kind] = 1 << (_DIGIT * digit)
    oriented = (-ids * parent).clamp(1 - _IDS, _IDS - 1)
    minus, plus, _ = _by_parent(weight[_IDS + oriented], parent)
    code = torch.stack([minus, plus], dim=-1) + ((outputs["tau_decay"].long() + 1) << (_DIGIT * len(_COUNTED)))
    place = torch.searchsorted(known, code).clamp(max=len(allowed) - 1)
    return (known[place] != code).sum(dim=-1).to(outputs["E"].dtype) * _complete(outputs)


def final_states(products: Sequence[int], decays: Mapping[int, Sequence[Sequence[int]]]) -> set[tuple[int, ...]]:
    """Contents of every stable final state that follows from `products`.

    Parameters
    ----------
    products : sequence of int
        PDG ids.
    decays : mapping
        Products of each channel of every unstable particle, by positive PDG id; antiparticles decay into conjugates.

    Returns
    -------
    set of tuple of int
        Numbers of (pi-, pi+, K-, K+, K0L, e-, e+, mu-, mu+, photons). Neutrinos follow from the lepton numbers.
    """
    options = [_stable_contents(pdg_id, decays) for pdg_id in products]
    return {tuple(sum(parts) for parts in zip(*choice, strict=True)) for choice in product(*options)}


def _stable_contents(pdg_id: int, decays: Mapping[int, Sequence[Sequence[int]]]) -> set[tuple[int, ...]]:
    """Counts of every stable particle that `pdg_id` can end in."""
    if abs(pdg_id) not in decays:
        if pdg_id not in _COUNTED and abs(pdg_id) not in _UNCOUNTED:
            raise ValueError(f"pdg_id: {pdg_id} neither decays nor is counted; add it to the decay table")
        return {tuple(int(pdg_id == counted) for counted in _COUNTED)}
    found: set[tuple[int, ...]] = set()
    for channel in decays[abs(pdg_id)]:
        oriented = [p if pdg_id > 0 or abs(p) in _SELF_CONJUGATE else -p for p in channel]
        for choice in product(*(_stable_contents(p, decays) for p in oriented)):
            found.add(tuple(sum(parts) for parts in zip(*choice, strict=True)))
    return found


def _code(channel: int, content: Iterable[int]) -> int:
    return ((channel + 1) << (_DIGIT * len(_COUNTED))) + sum(n << (_DIGIT * digit) for digit, n in enumerate(content))


def allowed_final_states(
    channels: Sequence[Sequence[int]], decays: Mapping[int, Sequence[Sequence[int]]]
) -> tuple[int, ...]:
    """Codes of every (decay channel, final state) of a tau, ascending, as `decay_channels` takes them.

    Parameters
    ----------
    channels : sequence
        Products of each decay channel of the tau-, in the order of `tau_decay`.
    decays : mapping
        Products of each channel of every other unstable particle, by positive PDG id.
    """
    found = {
        _code(index, content) for index, products in enumerate(channels) for content in final_states(products, decays)
    }
    return tuple(sorted(found))
