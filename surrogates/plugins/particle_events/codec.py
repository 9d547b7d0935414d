"""From radiation, decay coordinates and polarimeters to events: the exact steps between networks and particles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from . import decay_coordinates, radiation, secondaries, spin
from .kinematics import boost_from_rest, boost_to_rest, direction, dot3, mass_squared, perpendicular, unit
from .particles import CAP, TAU, charge_of, particles, self_conjugate
from .training_pools import EMISSIONS, HADRONS

Tensors = dict[str, Tensor]


class EventCodec(nn.Module):
    """Codec of tau-pair events; nothing is fitted, every number is Pythia's or physics."""

    def __init__(self) -> None:
        super().__init__()

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as the networks take them, or a training pool as coordinates."""
        if "pair_mass" in physical:
            return _encode_production(physical)
        if "products" in physical:
            return _encode_decays(physical)
        return dict(physical)

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Events in the plugin's output schema (float64); `network` says what `encoded` holds."""
        minus, plus, photons, current, boosts = _production(encoded, conditions)
        taus, products, neutrinos = _decays(encoded, minus, plus, current, boosts)
        return _assemble(encoded, taus, products, neutrinos, photons)


def _encode_production(pool: Tensors) -> Tensors:
    energy = pool["energy"].double()
    core, soft = radiation.encode_initial(pool["isr"], pool["remnant"])
    emitted = pool["fsr_photon"] > 0
    mass = torch.where(emitted, pool["fsr_mass"], 10.0 * torch.ones_like(pool["fsr_mass"]))
    photon = torch.where(emitted, pool["fsr_photon"], torch.ones_like(mass))
    recoil = torch.where(emitted, pool["fsr_recoil"], 4.5 * torch.ones_like(mass))
    return {
        "energy": energy,
        "radiating": pool["radiating"].long(),
        "pair_mass": pool["pair_mass"],
        "mass": radiation.encode_mass(pool["pair_mass"], energy)[:, None],
        "n_isr": pool["n_isr"].long(),
        "core": torch.nan_to_num(core, nan=0.5),
        "soft": soft,
        "n_fsr": pool["n_fsr"].long(),
        "fsr_mass": mass,
        "fsr": radiation.encode_final(mass, photon, recoil),
    }


def _encode_decays(pool: Tensors) -> Tensors:
    channel = pool["channel"].long()
    coordinates, axes = decay_coordinates.encode(pool["products"], pool["neutrino"], channel)
    spin_body = (axes * pool["spin"][:, None, :]).sum(-1)
    return {"channel": channel, "coordinates": coordinates, "spin": spin_body}


def _production(encoded: Tensors, conditions: Tensors) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Taus and final-state photons in the pair's frame before radiation, all photons in the laboratory, beam axis."""
    energy = conditions["energy"].double()
    mass = encoded["pair_mass"]
    on = conditions["initial_state_radiation"] > 0
    zero = torch.zeros_like(energy)
    laboratory = torch.stack((zero, zero, zero, energy), dim=-1)
    z = torch.zeros_like(laboratory[:, :3])
    z[:, 2] = 1.0
    axis = z
    radiated = energy.new_zeros(len(energy), 0, 4)
    if bool(on.any()):
        initial, remnants = radiation.decode_initial(
            energy, mass, encoded["n_isr"], encoded["core"], encoded["soft"], 2.0 * torch.pi * encoded["isr_azimuth"]
        )
        along = torch.stack((remnants, -remnants), dim=-1)[:, [0, 1], [0, 1]]
        none = torch.zeros_like(remnants)
        collinear = torch.stack((none, none, along, remnants), dim=-1)
        radiated = torch.cat((initial, collinear), dim=1) * on[:, None, None]
        pair = laboratory
        for i in range(radiated.shape[1]):
            pair = pair - radiated[:, i]
        mass = torch.where(on, torch.sqrt(mass_squared(pair)), mass)
        laboratory = pair
        sign = torch.where(initial[:, 0, 2] > 0, -1.0, 1.0).to(energy.dtype)
        beam = torch.cat((z * sign[:, None], torch.ones_like(zero)[:, None]), dim=-1)
        seen = unit(boost_to_rest(beam, pair, mass)) * sign[:, None]
        axis = torch.where(on[:, None], seen, z)
    cosine = spin.sample_cosine(mass, encoded["scatter"][:, 0])
    towards = direction(axis, cosine, 2.0 * torch.pi * encoded["scatter"][:, 1])
    momentum = torch.sqrt(mass**2 / 4.0 - spin.TAU_MASS**2)[:, None]
    minus = torch.cat((momentum * towards, mass[:, None] / 2.0), dim=-1)
    plus = torch.cat((-momentum * towards, mass[:, None] / 2.0), dim=-1)
    emitted = []
    for i in range(EMISSIONS):
        active = encoded["n_fsr"] > i
        if not bool(active.any()):
            break
        minus, plus, photon = radiation.emit(
            minus,
            plus,
            encoded["fsr"][:, i],
            encoded["fsr_side"][:, i] < 0.5,
            2.0 * torch.pi * encoded["fsr_azimuth"][:, i],
            active,
        )
        emitted.append(photon)
    pair_mass = mass
    if emitted:
        final = boost_from_rest(torch.stack(emitted, dim=1), laboratory[:, None], pair_mass[:, None])
        radiated = torch.cat((radiated, final), dim=1)
    return minus, plus, radiated, axis, (laboratory, pair_mass)


def _lepton_current(axis: Tensor, dipole: Tensor, mass: Tensor) -> Tensor:
    """Spatial lepton current of both electron helicities in the rest frame of the tau pair, (n, 2, 3) complex."""
    x, y = perpendicular(axis)
    still = torch.zeros_like(x[:, :1])
    real = boost_to_rest(torch.cat((x, still), -1), dipole, mass)[:, :3]
    imaginary = boost_to_rest(torch.cat((y, still), -1), dipole, mass)[:, :3]
    right = torch.complex(-real, -imaginary) / 2.0**0.5
    left = torch.complex(real, -imaginary) / 2.0**0.5
    return torch.stack((left, right), dim=1)


def _decays(
    encoded: Tensors, minus: Tensor, plus: Tensor, axis: Tensor, boosts: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Taus (n, 2, 4), products (n, 2, HADRONS, 4) and neutrinos (n, 2, 4) in the laboratory, spins correlated."""
    laboratory, mass = boosts
    dipole = minus + plus
    pair_mass = torch.sqrt(mass_squared(dipole))
    flying = boost_to_rest(minus, dipole, pair_mass)
    z = unit(flying)
    x, y = perpendicular(z)
    frame = torch.stack((x, y, z), dim=-2)
    current = _lepton_current(axis, dipole, pair_mass)
    local = torch.stack([(current * frame[:, None, i].to(current.dtype)).sum(-1) for i in range(3)], dim=-1)
    norm, spin_minus, spin_plus, correlation = spin.spin_state(mass, local, flying[:, 3])
    h = encoded["polarimeter"]
    length = torch.sqrt(dot3(h, h))
    u = encoded["orientation"]
    first = spin.sample_polarimeter(length[:, 0], spin_minus / norm[:, None], u[:, 0, :2])
    analysed = first * length[:, 0, None]
    weight = norm + dot3(spin_minus, analysed)
    induced = spin_plus + (correlation * analysed[:, :, None]).sum(1)
    second = spin.sample_polarimeter(length[:, 1], induced / weight[:, None], u[:, 1, :2])
    channel = encoded["channel"]
    masses = secondaries.resonance_mass(
        decay_coordinates.channel_tables()[0].to(channel.device)[channel], encoded["secondary"][..., 3]
    )
    body, neutrino = decay_coordinates.decode(
        encoded["coordinates"].double().flatten(0, 1), channel.flatten(), masses.flatten(0, 1)
    )
    body = body.reshape(*channel.shape, HADRONS, 4)
    neutrino = neutrino.reshape(*channel.shape, 4)
    momenta = torch.cat((neutrino[:, :, None], body), dim=2)
    taus = []
    out = []
    for side, (tau, towards, parity) in enumerate(((minus, first, 1.0), (plus, second, -1.0))):
        spun = _orient(momenta[:, side], h[:, side], towards, u[:, side, 2])
        turned = torch.stack([spun[..., i : i + 1] * frame[:, None, i] for i in range(3)])
        rotated = turned.sum(0) * parity
        rest = torch.cat((rotated, spun[..., 3:4]), dim=-1)
        tau_mass = torch.full_like(mass, spin.TAU_MASS)
        in_pair = boost_to_rest(tau, dipole, pair_mass)
        moved = boost_from_rest(rest, in_pair[:, None], tau_mass[:, None])
        moved = boost_from_rest(moved, dipole[:, None], pair_mass[:, None])
        out.append(boost_from_rest(moved, laboratory[:, None], mass[:, None]))
        taus.append(boost_from_rest(tau, laboratory, mass))
    both = torch.stack(out, dim=1)
    return torch.stack(taus, dim=1), both[:, :, 1:], both[:, :, 0]


def _orient(momenta: Tensor, polarimeter: Tensor, towards: Tensor, turn: Tensor) -> Tensor:
    """Rotate body-frame momenta (n, k, 4) so that `polarimeter` points along `towards`, turned at random about it."""
    source = unit(polarimeter)
    sx, sy = perpendicular(source)
    tx, ty = perpendicular(towards)
    angle = 2.0 * torch.pi * turn
    cosine, sine = torch.cos(angle)[:, None], torch.sin(angle)[:, None]
    rx, ry = cosine * tx + sine * ty, cosine * ty - sine * tx
    along = [dot3(momenta, axis[:, None]) for axis in (sx, sy, source)]
    vector = sum(a[..., None] * b[:, None] for a, b in zip(along, (rx, ry, towards), strict=True))
    assert isinstance(vector, Tensor)
    return torch.cat((vector, momenta[..., 3:4]), dim=-1)


def _assemble(encoded: Tensors, taus: Tensor, products: Tensor, neutrinos: Tensor, photons: Tensor) -> Tensors:
    """Decay the secondaries and lay the stable particles out: those of the tau-, of the tau+, then the radiation."""
    n = len(taus)
    device = taus.device
    channel = encoded["channel"]
    u = encoded["secondary"]
    tau_vertex = secondaries.flight(
        taus,
        torch.full((n, 2), particles()[TAU].proper_lifetime, dtype=torch.float64, device=device),
        encoded["lifetime"],
    )
    ids = decay_coordinates.channel_tables()[0].to(device)[channel]
    conjugate = torch.tensor([1, -1], device=device)[None, :, None]
    neutral = torch.isin(ids, torch.tensor(self_conjugate(), device=device))
    ids = torch.where(neutral, ids, ids * conjugate)
    event = torch.arange(n, device=device)[:, None].expand(n, 2)
    group = torch.tensor([0, 1], device=device)[None].expand(n, 2)
    pieces: list[tuple[Tensor, ...]] = [
        (
            event.flatten(),
            group.flatten(),
            (16 * conjugate[..., 0]).expand(n, 2).flatten(),
            neutrinos.flatten(0, 1),
            tau_vertex.flatten(0, 1),
        )
    ]

    def spread(mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        row, side, slot = torch.nonzero(mask, as_tuple=True)
        return row, side, ids[row, side, slot], products[row, side, slot], tau_vertex[row, side]

    decaying = secondaries.is_unstable(ids)
    to_photons = (ids == 111) & (u[..., 0] < secondaries.neutral_pion_to_photons())
    pieces.append(spread((ids != 0) & ~decaying))
    row, side, pion, p, vertex = spread(to_photons)
    draws = u[to_photons]
    vertex = vertex + secondaries.flight(p, secondaries.lifetime_of(pion), draws[:, 3])
    pairs = secondaries.photons(p, draws[:, 1:3])
    for i in range(2):
        pieces.append((row, side, torch.full_like(pion, 22), pairs[:, i], vertex))
    rare = decaying & ~to_photons
    if bool(rare.any()):
        row, side, kind, p, vertex = spread(rare)
        slot = torch.nonzero(rare, as_tuple=True)[2]
        key = encoded["key"][row] * 16 + side * 8 + slot
        found, momenta, vertices = secondaries.chains(kind, p, vertex, u[rare][:, 0], key)
        r, k = torch.nonzero(found, as_tuple=True)
        pieces.append((row[r], side[r], found[r, k], momenta[r, k], vertices[r, k]))
    row, slot = torch.nonzero(photons[..., 3] > 0, as_tuple=True)
    pieces.append(
        (
            row,
            torch.full_like(row, 2),
            torch.full_like(row, 22),
            photons[row, slot],
            torch.zeros_like(photons[row, slot]),
        )
    )
    event, group, kind, p, vertex = (torch.cat(parts) for parts in zip(*pieces, strict=True))
    order = torch.argsort(event * 3 + group, stable=True)
    event, group, kind, p, vertex = event[order], group[order], kind[order], p[order], vertex[order]
    counts = torch.bincount(event, minlength=n)
    start = torch.cumsum(counts, 0) - counts
    slot = torch.arange(len(event), device=device) - start[event]
    kept = slot < CAP
    event, slot, group, kind, p, vertex = (t[kept] for t in (event, slot, group, kind, p, vertex))
    masses = secondaries.mass_of(kind)
    energy = torch.sqrt(dot3(p, p) + masses**2)

    def padded(values: Tensor) -> Tensor:
        return torch.zeros((n, CAP), dtype=values.dtype, device=device).index_put((event, slot), values)

    return {
        "n_particles": torch.clamp(counts, max=CAP),
        "n_dropped": torch.clamp(counts - CAP, min=0),
        "pdg_id": padded(kind),
        "px": padded(p[:, 0]),
        "py": padded(p[:, 1]),
        "pz": padded(p[:, 2]),
        "E": padded(energy),
        "mass": padded(masses),
        "charge": padded(torch.as_tensor(charge_of(kind.cpu().numpy()), device=device).long()),
        "parent": padded(torch.tensor([-1, 1, 0], device=device)[group]),
        **{name: padded(vertex[:, i]) for i, name in enumerate(("vx", "vy", "vz", "vt"))},
        **{f"tau_{name}": taus[..., i] for i, name in enumerate(("px", "py", "pz", "E"))},
        **{f"tau_{name}": tau_vertex[..., i] for i, name in enumerate(("vx", "vy", "vz", "vt"))},
        "tau_decay": channel,
    }
