"""The learned parts of tau-pair events: photon radiation, the hadronic and leptonic decays, and their polarimeters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.recipe import Batch
from ...models.coupling import SplineCoupling
from ...noise import Noise
from . import radiation
from .decay_coordinates import DIMENSIONS, channel_tables, dimension_mask
from .particles import channels
from .training_pools import EMISSIONS, HADRONS

Tensors = dict[str, Tensor]
_COUNTS = EMISSIONS + 1
_PERIODIC = (4, 7, 10)


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Two hidden layers with SiLU."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, outputs)
    )


def _scaled(energy: Tensor) -> Tensor:
    """Energies or masses [GeV] to numbers of order one, (n, 3): smooth in the logarithm, sharp at the Z."""
    smooth = (torch.log(energy) - 4.0) / 1.5
    resonance = torch.atan((energy - radiation.Z_MASS) / 2.0)
    return torch.stack((smooth, smooth**2, resonance), dim=-1).float()


def _one_hot(index: Tensor, size: int) -> Tensor:
    return functional.one_hot(index.clamp(0, size - 1), size).float()


class Polarimeter(nn.Module):
    """Polarimeter vector of a decay in its body frame, length <= 1; exact for a single spin-0 hadron."""

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.network = perceptron(DIMENSIONS + 2 * len(_PERIODIC) + len(channels()), hidden, 3)
        codes = torch.tensor([channel.matrix_element for channel in channels()])
        self.register_buffer("flat", codes == 0, persistent=False)
        self.register_buffer("single", channel_tables()[2] == 1, persistent=False)

    def forward(self, coordinates: Tensor, channel: Tensor) -> Tensor:
        """(m, DIMENSIONS) and (m,) -> (m, 3)."""
        used = dimension_mask(channel)
        centred = (2.0 * coordinates.float() - 1.0) * used
        angles = torch.pi * centred[:, list(_PERIODIC)]
        inputs = torch.cat((centred, torch.sin(angles), torch.cos(angles), _one_hot(channel, len(channels()))), dim=-1)
        raw = self.network(inputs)
        size = torch.sqrt((raw**2).sum(-1, keepdim=True) + 1e-12)
        vector = raw / size * torch.tanh(size)
        along = torch.zeros_like(vector)
        along[:, 2] = 1.0
        vector = torch.where(self.single[channel][:, None], along, vector)  # type: ignore[index]
        return torch.where(self.flat[channel][:, None], torch.zeros_like(vector), vector)  # type: ignore[index]


class EventModel(nn.Module):
    """Conditional densities of radiation and decays; the codec joins them exactly.

    Parameters
    ----------
    hidden : int
        Width of the decay flow's networks.
    """

    ships: tuple[str, ...] = ("mass", "initial_count", "core", "soft", "final_count", "final", "decay", "polarimeter")

    def __init__(self, hidden: int = 96, couplings: int = 6, bins: int = 10) -> None:
        super().__init__()
        self.mass = SplineCoupling(1, 3, hidden=32, layers=2, couplings=1, bins=32)
        self.initial_count = perceptron(4, 32, _COUNTS)
        self.core = SplineCoupling(3, 4 + _COUNTS, hidden=48, layers=2, couplings=4, bins=16)
        self.soft = SplineCoupling(2, 8 + EMISSIONS, hidden=32, layers=2, couplings=2, bins=12)
        self.final_count = perceptron(3, 32, _COUNTS)
        self.final = SplineCoupling(2, 5 + _COUNTS + EMISSIONS, hidden=32, layers=2, couplings=2, bins=12)
        self.decay = SplineCoupling(
            DIMENSIONS, len(channels()), hidden=hidden, layers=2, couplings=couplings, bins=bins, periodic=_PERIODIC
        )
        self.polarimeter = Polarimeter()
        fractions = torch.tensor([channel.branching_fraction for channel in channels()], dtype=torch.float64)
        self.fractions: Tensor
        self.register_buffer("fractions", torch.log(fractions), persistent=False)

    def initial_context(self, energy: Tensor, mass: Tensor) -> Tensor:
        """(n, 4) context of the initial-state radiation: energy and mass coordinate."""
        return torch.cat((_scaled(energy), 2.0 * mass.float() - 1.0), dim=-1)

    def core_context(self, energy: Tensor, mass: Tensor, count: Tensor) -> Tensor:
        """(n, 4 + counts)."""
        return torch.cat((self.initial_context(energy, mass), _one_hot(count, _COUNTS)), dim=-1)

    def soft_context(self, energy: Tensor, mass: Tensor, count: Tensor, core: Tensor, last: Tensor, i: int) -> Tensor:
        """Context of photon i + 1 given the coordinates of the one before."""
        place = _one_hot(torch.full_like(count, i), EMISSIONS)
        more = ((count - i).float() / 3.0)[:, None]
        seen = torch.cat((core[:, 2:3], last), dim=-1).float() * 2.0 - 1.0
        return torch.cat((self.initial_context(energy, mass), more, seen, place), dim=-1)

    def final_context(self, mass: Tensor, count: Tensor, last: Tensor, i: int) -> Tensor:
        """Context of emission i of the final-state shower: dipole mass, count, the emission before."""
        place = _one_hot(torch.full_like(count, i), EMISSIONS)
        return torch.cat((_scaled(mass), _one_hot(count, _COUNTS), last.float() * 2.0 - 1.0, place), dim=-1)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw everything that `EventCodec.decode` needs."""
        n = len(noise)
        energy = conditions["energy"].double()
        on = conditions["initial_state_radiation"] > 0
        out: Tensors = {"pair_mass": energy, "n_isr": torch.zeros_like(noise.samples)}
        if bool(on.any()):
            self._initial(out, energy, on, noise)
        self._final(out, noise)
        asked = torch.stack((conditions["asked_decay_minus"], conditions["asked_decay_plus"]), dim=1)
        free = torch.stack([noise.choice(self.fractions.expand(n, -1), "channel", side) for side in range(2)], dim=1)
        channel = torch.where(asked >= 0, asked, free)
        out["channel"] = channel
        flat = channel.flatten()
        draws = noise.uniform((2, DIMENSIONS), "decay").flatten(0, 1)
        used = dimension_mask(flat)
        coordinates = self.decay.sample(_one_hot(flat, len(channels())), draws, used)
        out["coordinates"] = coordinates.double().reshape(n, 2, DIMENSIONS).clamp(0.0, 1.0)
        out["polarimeter"] = self.polarimeter(coordinates, flat).double().reshape(n, 2, 3)
        out["orientation"] = noise.uniform((2, 3), "orientation")
        out["scatter"] = noise.uniform((2,), "scatter")
        out["lifetime"] = noise.uniform((2,), "lifetime")
        out["secondary"] = noise.uniform((2, HADRONS, 4), "secondary")
        out["key"] = (noise.uniform((1,), "key")[:, 0] * 2.0**52).long()
        return out

    def _initial(self, out: Tensors, energy: Tensor, on: Tensor, noise: Noise) -> None:
        mass = self.mass.sample(_scaled(energy), noise.uniform((1,), "mass")).double()
        context = self.initial_context(energy, mass)
        count = noise.choice(self.initial_count(context), "initial count")
        out["n_isr"] = torch.where(on, count, torch.zeros_like(count))
        used = torch.ones((len(count), 3), dtype=torch.bool, device=count.device)
        used[:, 1:] = (count > 0)[:, None]
        core = self.core.sample(self.core_context(energy, mass, count), noise.uniform((3,), "core"), used).double()
        last = torch.cat((torch.zeros_like(core[:, :1]), core[:, 2:3]), dim=1)
        soft = []
        draws = noise.uniform((EMISSIONS - 1, 2), "soft")
        for i in range(EMISSIONS - 1):
            if not bool((count > i + 1).any()):
                soft.append(torch.full_like(last, 0.5))
                continue
            last = self.soft.sample(self.soft_context(energy, mass, count, core, last, i), draws[:, i]).double()
            soft.append(last)
        out["core"], out["soft"] = core.clamp(0.0, 1.0), torch.stack(soft, dim=1).clamp(0.0, 1.0)
        out["isr_azimuth"] = noise.uniform((EMISSIONS,), "initial azimuth")
        out["pair_mass"] = torch.where(on, radiation.decode_mass(mass[:, 0].clamp(0.0, 1.0), energy), energy)

    def _final(self, out: Tensors, noise: Noise) -> None:
        mass = out["pair_mass"]
        count = noise.choice(self.final_count(_scaled(mass)), "final count")
        draws = noise.uniform((EMISSIONS, 2), "final")
        last = torch.zeros_like(draws[:, 0])
        emissions = []
        for i in range(EMISSIONS):
            if not bool((count > i).any()):
                emissions.append(torch.full_like(last, 0.5))
                continue
            last = self.final.sample(self.final_context(mass, count, last, i), draws[:, i]).double().clamp(0.0, 1.0)
            emissions.append(last)
            mass = torch.where(count > i, radiation.mass_after(mass, last[:, 0]), mass)
        out["n_fsr"], out["fsr"] = count, torch.stack(emissions, dim=1)
        out["fsr_side"] = noise.uniform((EMISSIONS,), "final side")
        out["fsr_azimuth"] = noise.uniform((EMISSIONS,), "final azimuth")


def radiation_losses(model: EventModel, data: Tensors) -> Iterator[tuple[str, Tensor]]:
    """Negative log-likelihoods of the production pool, one submodule at a time."""
    pair_mass, fsr_count = data["pair_mass"], data["n_fsr"]
    yield "final_count", functional.cross_entropy(model.final_count(_scaled(pair_mass)), fsr_count, reduction="none")
    contexts, targets = [], []
    last = torch.zeros_like(data["fsr"][:, 0])
    for i in range(EMISSIONS):
        rows = fsr_count > i
        contexts.append(model.final_context(data["fsr_mass"][:, i], fsr_count, last, i)[rows])
        targets.append(data["fsr"][:, i][rows])
        last = data["fsr"][:, i]
    yield "final", -model.final.log_prob(torch.cat(targets).float(), torch.cat(contexts))
    on = data["radiating"] > 0
    energy, mass, count = data["energy"][on], data["mass"][on], data["n_isr"][on]
    core, soft = data["core"][on], data["soft"][on]
    yield "mass", -model.mass.log_prob(mass.float(), _scaled(energy))
    yield (
        "initial_count",
        functional.cross_entropy(model.initial_count(model.initial_context(energy, mass)), count, reduction="none"),
    )
    used = torch.ones_like(core, dtype=torch.bool)
    used[:, 1:] = (count > 0)[:, None]
    yield "core", -model.core.log_prob(core.float(), model.core_context(energy, mass, count), used)
    contexts, targets = [], []
    last = torch.cat((torch.zeros_like(core[:, :1]), core[:, 2:3]), dim=1)
    for i in range(EMISSIONS - 1):
        rows = count > i + 1
        contexts.append(model.soft_context(energy, mass, count, core, last, i)[rows])
        targets.append(soft[:, i][rows])
        last = soft[:, i]
    yield "soft", -model.soft.log_prob(torch.cat(targets).float(), torch.cat(contexts))


def decay_losses(model: EventModel, data: Tensors) -> Iterator[tuple[str, Tensor]]:
    """Negative log-likelihoods of the decay pool: coordinates, and spin given the coordinates."""
    channel, coordinates = data["channel"], data["coordinates"]
    context = _one_hot(channel, len(channels()))
    yield "decay", -model.decay.log_prob(coordinates.float(), context, dimension_mask(channel))
    h = model.polarimeter(coordinates, channel)
    yield "polarimeter", -torch.log(torch.clamp(1.0 + (h * data["spin"].float()).sum(-1), min=1e-4))


def pool_of(batch: Batch, number: int) -> Tensors:
    """Encoded variables of one of the batch's pools."""
    whole = {**batch.conditions, **batch.encoded}
    return {name[2:]: value for name, value in whole.items() if name.startswith(f"{number}/")}
