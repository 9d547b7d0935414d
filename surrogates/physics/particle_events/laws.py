"""Conservation laws of e+e- -> tau+ tau- as residuals: one float64 value a sample, 0 where the law holds.

Residuals take tensors in the padded layout (sample, particle) and are differentiable in the momenta; those of labels
(charge, lepton number, decay channels) are counts and have no gradient. torch comes with the tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]

SIDES = (-1, 1, 0)
"""`parent` of the tau-'s products, the tau+'s products and the radiation."""


def _present(outputs: Tensors) -> Tensor:
    """(n, particle) booleans of the filled slots."""
    return outputs["pdg_id"] != 0


def _complete(outputs: Tensors) -> Tensor:
    """(n,) float64: 1 where every particle of the event was kept, so that sums over the event mean something."""
    kept = outputs["E"].new_ones(outputs["E"].shape[0])
    return kept * (outputs["n_dropped"] == 0) if "n_dropped" in outputs else kept


@dataclass(frozen=True)
class MassShell:
    """Largest |E - sqrt(p^2 + m^2)| / E among the particles of an event."""

    name: str = "mass_shell"
    units: str = "1"
    strength: str = "construction"
    tolerance: float = 1e-9

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """(n,) largest relative departure from the mass shell."""
        present = _present(outputs)
        squared = outputs["px"] ** 2 + outputs["py"] ** 2 + outputs["pz"] ** 2 + outputs["mass"] ** 2
        on_shell = squared.where(present, squared.new_ones(())).sqrt()
        energy = outputs["E"].where(present, on_shell.new_ones(()))
        return ((energy - on_shell).abs() / energy.abs()).amax(dim=-1)


@dataclass(frozen=True)
class FourMomentum:
    """Largest component of |sum of four-momenta - (0, 0, 0, sqrt(s))| relative to sqrt(s), the condition `energy`."""

    name: str = "four_momentum"
    units: str = "1"
    strength: str = "projection"
    tolerance: float = 1e-9

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """(n,) largest relative violation."""
        present = _present(outputs)
        total = [(outputs[name] * present).sum(dim=-1) for name in ("px", "py", "pz", "E")]
        total[3] = total[3] - conditions["energy"]
        worst = total[0].abs()
        for component in total[1:]:
            worst = worst.maximum(component.abs())
        return worst / conditions["energy"] * _complete(outputs)


@dataclass(frozen=True)
class TauMomentum:
    """Largest component of |sum of a tau's products - the tau|, relative to sqrt(s), over both taus."""

    name: str = "tau_momentum"
    units: str = "1"
    strength: str = "construction"
    tolerance: float = 1e-9

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """(n,) largest relative violation."""
        present = _present(outputs)
        worst = conditions["energy"] * 0.0
        for side, parent in enumerate(SIDES[:2]):
            mine = present & (outputs["parent"] == parent)
            for name in ("px", "py", "pz", "E"):
                difference = (outputs[name] * mine).sum(dim=-1) - outputs["tau_" + name][:, side]
                worst = worst.maximum(difference.abs())
        return worst / conditions["energy"] * _complete(outputs)


@dataclass(frozen=True)
class ChargeConservation:
    """Charge [e] missing or in excess, summed over the tau-'s products (-1), the tau+'s (+1) and the radiation (0)."""

    name: str = "charge"
    units: str = "1"
    strength: str = "construction"
    tolerance: float = 0.0

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """(n,) units of e in violation."""
        present = _present(outputs)
        violation = outputs["E"].new_zeros(outputs["E"].shape[0])
        for parent in SIDES:
            mine = present & (outputs["parent"] == parent)
            violation = violation + ((outputs["charge"] * mine).sum(dim=-1) - parent).abs()
        return violation * _complete(outputs)


@dataclass(frozen=True)
class LeptonNumber:
    """Lepton number of one flavour missing or in excess, summed over the two taus' products and the radiation.

    Attributes
    ----------
    flavour : str
        "electron", "muon" or "tau".
    """

    flavour: str
    units: str = "1"
    strength: str = "construction"
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """Name of the law."""
        return f"{self.flavour}_lepton_number"

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """(n,) lepton number in violation."""
        lepton = {"electron": 11, "muon": 13, "tau": 15}[self.flavour]
        ids = outputs["pdg_id"]
        number = ids.sign() * ((ids.abs() == lepton) | (ids.abs() == lepton + 1))
        violation = outputs["E"].new_zeros(outputs["E"].shape[0])
        for parent in SIDES:
            expected = -parent if self.flavour == "tau" else 0
            violation = violation + ((number * (outputs["parent"] == parent)).sum(dim=-1) - expected).abs()
        return violation * _complete(outputs)


@dataclass(frozen=True)
class TableMasses:
    """Largest |mass - mass of the simulator's table| [GeV]; an id that is not in the table counts 1 GeV.

    Attributes
    ----------
    ids : tuple of int
        Positive PDG ids, ascending.
    masses : tuple of float
        Their masses, GeV.
    """

    ids: tuple[int, ...]
    masses: tuple[float, ...]
    name: str = "table_masses"
    units: str = "GeV"
    strength: str = "construction"
    tolerance: float = 1e-9

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """(n,) largest departure from the table."""
        import torch

        mass = outputs["mass"]
        known = torch.tensor(self.ids, device=mass.device)
        table = torch.tensor(self.masses, dtype=torch.float64, device=mass.device)
        size = outputs["pdg_id"].abs()
        position = torch.searchsorted(known, size.contiguous()).clamp(max=len(self.ids) - 1)
        listed = known[position] == size
        departure = (mass - table[position]).abs().where(listed, mass.new_ones(()))
        return departure.where(_present(outputs), mass.new_zeros(())).amax(dim=-1)


_HADRONS = (-211, 211, -321, 321, 130)
_NEUTRINOS = (12, 14, 16)
_BASE, _OFFSET = 32, 8


@dataclass(frozen=True)
class DecayChannels:
    """Number of taus (0 to 2) whose products are no final state of the decay channel that `tau_decay` names.

    Attributes
    ----------
    allowed : tuple of int
        Codes of (channel, final state) pairs from `final_states`.
    """

    allowed: tuple[int, ...]
    name: str = "decay_channels"
    units: str = "1"
    strength: str = "construction"
    tolerance: float = 0.0

    def residual(self, outputs: Tensors, conditions: Tensors) -> Tensor:
        """(n,) number of taus with a forbidden final state."""
        import torch

        allowed = torch.tensor(self.allowed, device=outputs["E"].device)
        violation = outputs["E"].new_zeros(outputs["E"].shape[0])
        for side, parent in enumerate(SIDES[:2]):
            ids = outputs["pdg_id"] * (outputs["parent"] == parent) * -parent
            hadrons = [(ids.abs() == 130 if hadron == 130 else ids == hadron).sum(dim=-1) for hadron in _HADRONS]
            leptons = [((ids == lepton).long() - (ids == -lepton).long()).sum(dim=-1) for lepton in (11, 13)]
            neutrinos = [((ids == kind).long() - (ids == -kind).long()).sum(dim=-1) for kind in _NEUTRINOS]
            pairs = sum(torch.minimum((ids == lepton).sum(dim=-1), (ids == -lepton).sum(dim=-1)) for lepton in (11, 13))
            quanta = (ids.abs() == 22).sum(dim=-1) + pairs
            code = outputs["tau_decay"][:, side].long() + 1
            for count in (*hadrons, *leptons, *neutrinos, quanta):
                code = code * _BASE + count + _OFFSET
            violation = violation + (~torch.isin(code, allowed)).to(violation.dtype)
        return violation * _complete(outputs)


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
        Numbers of (pi-, pi+, K-, K+, K0L), net numbers of (e-, mu-, nu_e, nu_mu, nu_tau), and electromagnetic quanta:
        photons plus e+e- and mu+mu- pairs, so that a neutral pion gives 2 with or without Dalitz conversion.
    """
    options = [_stable_contents(pdg_id, decays) for pdg_id in products]
    return {_finish(tuple(sum(parts) for parts in zip(*choice, strict=True))) for choice in product(*options)}


_SELF_CONJUGATE = frozenset((22, 111, 113, 130, 221, 223, 310, 331, 333))
_COUNTED = (-211, 211, -321, 321, 130, 11, -11, 13, -13, 12, -12, 14, -14, 16, -16, 22)


def _stable_contents(pdg_id: int, decays: Mapping[int, Sequence[Sequence[int]]]) -> set[tuple[int, ...]]:
    """Counts of every stable particle that `pdg_id` can end in."""
    if abs(pdg_id) not in decays:
        particle = 130 if abs(pdg_id) == 130 else pdg_id
        if particle not in _COUNTED:
            raise ValueError(f"pdg_id: {pdg_id} neither decays nor is counted; add it to the decay table")
        return {tuple(int(particle == counted) for counted in _COUNTED)}
    found: set[tuple[int, ...]] = set()
    for channel in decays[abs(pdg_id)]:
        oriented = [p if pdg_id > 0 or abs(p) in _SELF_CONJUGATE else -p for p in channel]
        for choice in product(*(_stable_contents(p, decays) for p in oriented)):
            found.add(tuple(sum(parts) for parts in zip(*choice, strict=True)))
    return found


def _finish(counts: tuple[int, ...]) -> tuple[int, ...]:
    """The content that `DecayChannels` compares, from counts in the order of `_COUNTED`."""
    number = dict(zip(_COUNTED, counts, strict=True))
    net = [number[kind] - number[-kind] for kind in (11, 13, *_NEUTRINOS)]
    pairs = sum(min(number[kind], number[-kind]) for kind in (11, 13))
    return (*(number[hadron] for hadron in _HADRONS), *net, number[22] + pairs)


def _code(channel: int, content: Iterable[int]) -> int:
    code = channel + 1
    for count in content:
        code = code * _BASE + count + _OFFSET
    return code


def laws(
    masses: Mapping[int, float],
    channels: Sequence[Sequence[int]],
    decays: Mapping[int, Sequence[Sequence[int]]],
) -> tuple[
    MassShell | FourMomentum | TauMomentum | ChargeConservation | LeptonNumber | TableMasses | DecayChannels, ...
]:
    """Every law of tau-pair events.

    Parameters
    ----------
    masses : mapping
        Mass [GeV] by positive PDG id of the stable particles.
    channels : sequence
        Products of each decay channel of the tau-, in the order of `tau_decay`.
    decays : mapping
        Products of each channel of every other unstable particle, by positive PDG id.
    """
    ids = tuple(sorted(masses))
    allowed = sorted(
        _code(index, content) for index, products in enumerate(channels) for content in final_states(products, decays)
    )
    return (
        MassShell(),
        FourMomentum(),
        TauMomentum(),
        ChargeConservation(),
        LeptonNumber("electron"),
        LeptonNumber("muon"),
        LeptonNumber("tau"),
        TableMasses(ids, tuple(float(masses[i]) for i in ids)),
        DecayChannels(tuple(allowed)),
    )
