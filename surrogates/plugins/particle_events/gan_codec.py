"""Events as the GAN sees them: contents from a table, momenta as coordinates about the tau axis, and the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .kinematics import boost_to_rest, dot3, mass_squared
from .particles import CAP, TAU, channels, charge_of, particles, self_conjugate
from .secondaries import mass_of

Tensors = dict[str, Tensor]

SIDE = 12
"""Stable products of one tau at most."""
RADIATED = 12
"""Radiated photons at most; softer ones of the training events are left out."""
SLOTS = 2 * SIDE + RADIATED
WIDTH = 3 * SLOTS + 1
"""Coordinates of an event: three for each slot, and the polar angle of the tau axis."""
KINDS = (16, 12, -12, 14, -14, 11, -11, 13, -13, -211, 211, -321, 321, 130, 22)
"""Stable products of the tau-, in the order of the slots; equal kinds by decreasing energy."""
_DIGIT = 4
_SELF_CONJUGATE = (130, 22)
_TRANSVERSE = (0.2, 0.01)  # GeV, of the taus' products and of the radiation: linear below, logarithmic above
_LONGITUDINAL = 1e-3  # of the radiation, in units of the beam energy
_LARGEST = 12.0
_NEWTON = 7


def oriented(pdg_id: Tensor, parent: Tensor) -> Tensor:
    """Identities charge-conjugated where the particle descends from the tau+."""
    neutral = torch.isin(pdg_id, torch.tensor(_SELF_CONJUGATE, device=pdg_id.device))
    return torch.where((parent > 0) & ~neutral, -pdg_id, pdg_id)


def kind_of(pdg_id: Tensor) -> Tensor:
    """1 + position in `KINDS` of oriented identities, 0 for padding."""
    table = torch.zeros(1024, dtype=torch.int64, device=pdg_id.device)
    for place, kind in enumerate(KINDS):
        table[kind + 512] = place + 1
    return table[pdg_id.clamp(-512, 511) + 512]


def content_code(kinds: Tensor, channel: Tensor) -> Tensor:
    """One int64 for each tau's slots (..., SIDE) of kinds and decay channel (...)."""
    place = torch.arange(SIDE, device=kinds.device) * _DIGIT
    return (kinds << place).sum(-1) + (channel << (_DIGIT * SIDE))


def contents_of(code: Tensor) -> tuple[Tensor, Tensor]:
    """Identities (k, SIDE) of the tau-'s products and decay channels (k,) of content codes."""
    place = torch.arange(SIDE, device=code.device) * _DIGIT
    kinds = (code[:, None] >> place) & ((1 << _DIGIT) - 1)
    return torch.tensor((0, *KINDS), device=code.device)[kinds], code >> (_DIGIT * SIDE)


def usual_content(channel: int) -> list[int]:
    """Stable products of a tau- decay channel in which every secondary takes its most frequent mode."""
    pending, stable = list(channels()[channel].products), []
    while pending:
        particle = pending.pop()
        if particles()[abs(particle)].stable:
            stable.append(particle)
            continue
        best = max(channels(abs(particle)), key=lambda mode: mode.branching_fraction)
        pending += [p if particle > 0 or p in self_conjugate() else -p for p in best.products]
    return sorted(stable, key=KINDS.index)


def slots_of(physical: Tensors) -> tuple[Tensor, Tensor, Tensor]:
    """Kinds (n, SLOTS), momenta (n, SLOTS, 3) [GeV] and whether each event fits (n,), in canonical order."""
    ids, parent = physical["pdg_id"].long(), physical["parent"].long()
    kind = kind_of(oriented(ids, parent))
    group = torch.where(parent < 0, 0, torch.where(parent > 0, 1, 2))
    present = ids != 0
    key = torch.where(present, group * (len(KINDS) + 1) + kind, torch.full_like(kind, 1000))
    order = torch.argsort(-physical["E"], dim=1, stable=True)
    order = order.gather(1, torch.argsort(key.gather(1, order), dim=1, stable=True))
    kind, group, present = kind.gather(1, order), group.gather(1, order), present.gather(1, order)
    counts = torch.stack([((group == g) & present).sum(1) for g in range(3)], dim=1)
    first = torch.cumsum(counts, 1) - counts
    rank = torch.arange(ids.shape[1])[None] - first.gather(1, group)
    room = torch.tensor([SIDE, SIDE, RADIATED])[group]
    kept = present & (rank < room)
    row, place = torch.nonzero(kept, as_tuple=True)
    slot = group[row, place] * SIDE + rank[row, place]
    kinds = torch.zeros((len(ids), SLOTS), dtype=torch.int64)
    kinds[row, slot] = kind[row, place]
    momenta = torch.zeros((len(ids), SLOTS, 3), dtype=torch.float64)
    source = torch.stack([physical[name].double() for name in ("px", "py", "pz")], dim=-1)
    momenta[row, slot] = source[row, order[row, place]]
    fits = (counts[:, :2] <= SIDE).all(1) & (physical["tau_decay"] >= 0).all(1)
    return kinds, momenta, fits


def event_frame(p: Tensor) -> tuple[Tensor, Tensor]:
    """Momenta turned about the beam so that the tau axis has azimuth 0, and the axis's cosine.

    The axis is the direction of the tau-'s products' momentum less the tau+'s.
    """
    axis = p[:, :SIDE].sum(1) - p[:, SIDE : 2 * SIDE].sum(1)
    transverse = torch.sqrt(axis[:, 0] ** 2 + axis[:, 1] ** 2 + 1e-20)
    cosine = axis[:, 2] / torch.sqrt(transverse**2 + axis[:, 2] ** 2)
    c, s = (axis[:, 0] / transverse)[:, None], (axis[:, 1] / transverse)[:, None]
    turned = torch.stack((c * p[..., 0] + s * p[..., 1], c * p[..., 1] - s * p[..., 0], p[..., 2]), dim=-1)
    return turned, cosine


def _sides(like: Tensor) -> Tensor:
    """+1 for the tau-'s slots, -1 for the tau+'s."""
    return torch.cat((like.new_ones(SIDE), -like.new_ones(SIDE)))


def coordinates_of(p: Tensor, beam: Tensor) -> Tensor:
    """Coordinates (n, WIDTH) of momenta (n, SLOTS, 3) in units of the beam energy `beam` (n,) [GeV]."""
    p, cosine = event_frame(p)
    sine = torch.sqrt(torch.clamp(1.0 - cosine**2, min=1e-12))[:, None]
    products, photons = p[:, : 2 * SIDE], p[:, 2 * SIDE :]
    across = cosine[:, None] * products[..., 0] - sine * products[..., 2]
    along = (sine * products[..., 0] + cosine[:, None] * products[..., 2]) * _sides(p)
    inner, outer = ((beam / scale)[:, None] for scale in _TRANSVERSE)
    local = torch.stack((torch.asinh(across * inner), torch.asinh(products[..., 1] * inner), along), dim=-1)
    radiated = (photons[..., 0] * outer, photons[..., 1] * outer, photons[..., 2] / _LONGITUDINAL)
    both = torch.cat((local, torch.asinh(torch.stack(radiated, dim=-1))), dim=1)
    return torch.cat((both.flatten(1), torch.atanh(cosine.clamp(-0.99999, 0.99999))[:, None]), dim=1)


def momenta_of(coordinates: Tensor, beam: Tensor) -> Tensor:
    """Inverse of `coordinates_of`, at azimuth 0."""
    u = coordinates[:, :-1].reshape(-1, SLOTS, 3).clamp(-_LARGEST, _LARGEST)
    cosine = torch.tanh(coordinates[:, -1:])
    sine = torch.sqrt(torch.clamp(1.0 - cosine**2, min=1e-12))
    inner, outer = ((scale / beam)[:, None] for scale in _TRANSVERSE)
    products, photons = u[:, : 2 * SIDE], torch.sinh(u[:, 2 * SIDE :])
    across, out = torch.sinh(products[..., 0]) * inner, torch.sinh(products[..., 1]) * inner
    along = products[..., 2] * _sides(u)
    local = torch.stack((cosine * across + sine * along, out, cosine * along - sine * across), dim=-1)
    radiated = (photons[..., 0] * outer, photons[..., 1] * outer, photons[..., 2] * _LONGITUDINAL)
    return torch.cat((local, torch.stack(radiated, dim=-1)), dim=1)


def on_shell(p: Tensor, mass: Tensor, present: Tensor) -> Tensor:
    """Four-momenta (n, slots, 4) of the particles that are there."""
    p = p * present[..., None]
    return torch.cat((p, torch.sqrt(dot3(p, p) + mass**2 + 1e-30)[..., None] * present[..., None]), dim=-1)


def project(p: Tensor, mass: Tensor, total: Tensor) -> Tensor:
    """Four-momenta with sum (0, 0, 0, total): boosted to their rest frame and rescaled on shell, differentiably.

    Kleiss, Stirling, Ellis 1986, Comput. Phys. Commun. 40, 359, section 4: the scale x of all momenta solves
    sum sqrt(m^2 + x^2 p^2) = total, by Newton's method from above; its last step carries the implicit gradient.

    Parameters
    ----------
    p : Tensor
        (n, k, 4), 0 where there is no particle.
    mass : Tensor
        (n, k), in the momenta's units.
    total : Tensor
        (n,).
    """
    whole = p.sum(1)
    invariant = torch.sqrt(torch.clamp(mass_squared(whole), min=1e-9 * whole[:, 3].detach() ** 2))
    rest = boost_to_rest(p, whole[:, None], invariant[:, None])
    square = dot3(rest, rest)

    def newton(x: Tensor) -> Tensor:
        energy = torch.sqrt(mass**2 + x[:, None] ** 2 * square + 1e-36)
        slope = (x[:, None] * square / energy).sum(1)
        return x - (energy.sum(1) - total) / torch.clamp(slope, min=1e-9 * total)

    with torch.no_grad():
        x = total / torch.clamp(torch.sqrt(square).sum(1), min=1e-6 * total)
        for _ in range(_NEWTON):
            x = newton(x)
    x = newton(x)
    scaled = rest[..., :3] * x[:, None, None]
    energy = torch.sqrt(dot3(scaled, scaled) + mass**2 + 1e-36) * (p[..., 3] > 0)
    return torch.cat((scaled, energy[..., None]), dim=-1)


class EventGANCodec(nn.Module):
    """Codec of the GAN: fitted are the table of contents and the coordinates' means and spreads.

    Attributes
    ----------
    code, share : Tensor
        (k,) contents of one tau with its decay channel (see `content_code`), ascending, and how often each occurs
        within its channel; channels that the training events lack have one usual content.
    radiation : Tensor
        (2, RADIATED + 1) probabilities of the number of photons without and with initial-state radiation.
    mean, spread : Tensor
        (WIDTH,) of the coordinates.
    """

    code: Tensor
    share: Tensor
    radiation: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("code", torch.zeros(1, dtype=torch.int64))
        self.register_buffer("share", torch.ones(1, dtype=torch.float64))
        self.register_buffer("radiation", torch.full((2, RADIATED + 1), 1.0 / (RADIATED + 1), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(WIDTH, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(WIDTH, dtype=torch.float64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Table of contents, photon numbers and scales of the training events."""
        (events,) = pools
        kinds, momenta, fits = slots_of(events)
        sides = kinds[:, : 2 * SIDE].reshape(-1, 2, SIDE)
        counted = Counter(content_code(sides, events["tau_decay"].long())[fits].flatten().tolist())
        seen = {code >> (_DIGIT * SIDE) for code in counted}
        for channel in range(len(channels())):
            if channel not in seen:
                usual = kind_of(torch.tensor(usual_content(channel) + [0] * SIDE)[:SIDE])
                counted[int(content_code(usual, torch.tensor(channel)))] = 1
        self.code = torch.tensor(sorted(counted))
        number = torch.tensor([counted[code] for code in sorted(counted)], dtype=torch.float64)
        channel = contents_of(self.code)[1]
        self.share = number / torch.zeros(len(channels()), dtype=torch.float64).index_add(0, channel, number)[channel]
        photons = (kinds[:, 2 * SIDE :] > 0).sum(1)
        on = events["initial_state_radiation"].long()
        number = torch.zeros((2, RADIATED + 1), dtype=torch.float64)
        number.index_put_((on, photons), torch.ones(len(on), dtype=torch.float64), accumulate=True)
        self.radiation = (number + 1e-12) / (number + 1e-12).sum(1, keepdim=True)
        beam = events["energy"] / 2.0
        found = coordinates_of(momenta / beam[:, None, None], beam)[fits]
        present = torch.nn.functional.pad((kinds > 0).repeat_interleave(3, dim=1), (0, 1), value=True)[fits]
        count = present.sum(0).clamp(min=1)
        self.mean = (found * present).sum(0) / count
        variance = ((found - self.mean) ** 2 * present).sum(0) / count
        self.spread = torch.where(count > 20, torch.sqrt(variance).clamp(min=1e-3), torch.ones_like(variance))

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as they are; events as contents and standardised coordinates (0 where there is no particle)."""
        if "pdg_id" not in physical:
            return dict(physical)
        kinds, momenta, fits = slots_of(physical)
        code = content_code(kinds[:, : 2 * SIDE].reshape(-1, 2, SIDE), physical["tau_decay"].long())
        content = torch.searchsorted(self.code, code).clamp(max=len(self.code) - 1)
        beam = physical["energy"] / 2.0
        found = coordinates_of(momenta / beam[:, None, None], beam)
        present = torch.nn.functional.pad((kinds > 0).repeat_interleave(3, dim=1), (0, 1), value=True)
        asked = {name: physical[name] for name in ("energy", "initial_state_radiation")}
        asked |= {name: value for name, value in physical.items() if name.startswith("asked_")}
        return asked | {
            "content": torch.where(fits[:, None], content, torch.zeros_like(content)),
            "photons": (kinds[:, 2 * SIDE :] > 0).sum(1),
            "coordinates": torch.where(fits[:, None], (found - self.mean) / self.spread * present, 0.0),
        }

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Events in the plugin's output schema (float64), on shell and with the beams' four-momentum.

        `encoded` holds `content` (n, 2), `photons` (n,), `coordinates` (n, WIDTH), `azimuth` (n,) in turns and
        `lifetime` (n, 2), uniform.
        """
        ids, present = identities(self.code, encoded["content"], encoded["photons"])
        mass = mass_of(ids)
        beam = conditions["energy"].double() / 2.0
        raw = momenta_of(encoded["coordinates"].double() * self.spread + self.mean, beam)
        p = project(on_shell(raw, mass / beam[:, None], present), mass / beam[:, None], 2.0 * torch.ones_like(beam))
        p = p * beam[:, None, None]
        angle = 2.0 * torch.pi * encoded["azimuth"].double()[:, None]
        c, s = torch.cos(angle), torch.sin(angle)
        px, py, pz = c * p[..., 0] - s * p[..., 1], s * p[..., 0] + c * p[..., 1], p[..., 2]
        energy = torch.sqrt(px**2 + py**2 + pz**2 + mass**2)
        four = torch.stack((px, py, pz, energy), dim=-1) * present[..., None]
        taus = four[:, : 2 * SIDE].reshape(-1, 2, SIDE, 4).sum(2)
        tau = particles()[TAU]
        proper = -torch.log(encoded["lifetime"].double()) * tau.proper_lifetime / tau.mass
        vertices = taus * proper[..., None]
        parent = torch.tensor([-1] * SIDE + [1] * SIDE + [0] * RADIATED, device=ids.device).expand_as(ids)
        born = torch.cat((vertices.repeat_interleave(SIDE, dim=1), four.new_zeros(len(ids), RADIATED, 4)), dim=1)
        order = torch.argsort((~present).to(torch.int8), dim=1, stable=True)
        charge = torch.as_tensor(charge_of(ids.cpu().numpy()), device=ids.device).long()

        def packed(values: Tensor) -> Tensor:
            return nn.functional.pad((values * present).gather(1, order), (0, CAP - SLOTS))

        kinematics = dict(zip(("px", "py", "pz", "E"), four.unbind(-1), strict=True))
        kinematics |= dict(zip(("vx", "vy", "vz", "vt"), born.unbind(-1), strict=True))
        kinematics |= {"pdg_id": ids, "mass": mass, "charge": charge, "parent": parent}
        count = present.sum(1)
        return {
            "n_particles": count,
            "n_dropped": torch.zeros_like(count),
            **{name: packed(values) for name, values in kinematics.items()},
            **{f"tau_{name}": taus[..., i] for i, name in enumerate(("px", "py", "pz", "E"))},
            **{f"tau_{name}": vertices[..., i] for i, name in enumerate(("vx", "vy", "vz", "vt"))},
            "tau_decay": contents_of(self.code)[1][encoded["content"]],
        }


def identities(code: Tensor, content: Tensor, photons: Tensor) -> tuple[Tensor, Tensor]:
    """PDG identities (n, SLOTS) and whether a particle is there."""
    table = contents_of(code)[0]
    minus = table[content[:, 0]]
    plus = table[content[:, 1]]
    neutral = torch.isin(plus, torch.tensor(_SELF_CONJUGATE, device=plus.device))
    plus = torch.where(neutral, plus, -plus)
    radiated = (torch.arange(RADIATED, device=plus.device) < photons[:, None]).long() * 22
    ids = torch.cat((minus, plus, radiated), dim=1)
    return ids, ids != 0
