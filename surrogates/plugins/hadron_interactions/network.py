"""The model of an interaction: how much of the target is struck, how many particles, and these along rapidity.

A chain by falling rapidity, each particle given what is left of charge, baryon number, strangeness and momentum and of
what came before: a Markov chain of balances, whose densities are learned by maximum likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.recipe import Batch
from ...models.mixture import bin_angle, log_density, mixture_sample
from ...networks.mlp import MLP
from ...noise import Noise
from ...physics.hadrons import beams, species
from .states import FEATURES, GROUPS, context, features, first_state, groups
from .variables import CAP

Tensors = dict[str, Tensor]

NUCLEONS = int(beams.TARGET_A.max())
PROTONS = int(beams.TARGET_Z.max())
CONTEXT = len(beams.PROJECTILES) + len(beams.TARGETS) + 2
FEWEST, MOST = 3, CAP - 1
LEAST_PT, MOST_PT = 3e-3, 8.0
"""GeV: UrQMD's diffracted mesons have none, which is learned as the former."""
ANGLES = 16
WIDTH = 0.0  # logarithm of the width that a part of the transverse momentum's density has at most
PAIRS = 32
_FERMI = 0.3
_ROWS = 64  # a number of rows of which a network's result for one does not depend on its place
_SHARE, _APIECE = 0.85, 0.25  # of the invariant mass that rest masses may take, and GeV that a particle asks at least


class Event(nn.Module):
    """Numbers of an interaction: nucleons struck, protons among them, particles; the remnant's momentum."""

    def __init__(self, hidden: int = 96, components: int = 8) -> None:
        super().__init__()
        self.struck = MLP(CONTEXT, NUCLEONS, hidden, 2)
        self.protons = MLP(CONTEXT + 2, PROTONS + 1, hidden, 2)
        self.particles = MLP(CONTEXT + 4, 3 * components, hidden, 3)
        self.remnant_pt = MLP(CONTEXT + 5, 9, hidden, 2)
        self.remnant_pz = MLP(CONTEXT + 6, 9, hidden, 2)

    def struck_logits(self, about: Tensor, target: Tensor) -> Tensor:
        """(n, 56) for 1, 2, … nucleons."""
        most = torch.as_tensor(beams.TARGET_A, device=target.device)[target]
        allowed = torch.arange(NUCLEONS, device=target.device) < most[:, None]
        return self.struck(about).masked_fill(~allowed, -1e9)

    def proton_logits(self, about: Tensor, target: Tensor, struck: Tensor) -> Tensor:
        """(n, 27) for 0, 1, … protons among the struck."""
        a, z = (torch.as_tensor(values, device=target.device)[target] for values in (beams.TARGET_A, beams.TARGET_Z))
        number = torch.arange(PROTONS + 1, device=target.device)
        low, high = (struck - (a - z)).clamp(min=0)[:, None], torch.minimum(struck, z)[:, None]
        inputs = torch.cat((about, _numbers(struck)), -1)
        return self.protons(inputs).masked_fill((number < low) | (number > high), -1e9)

    @staticmethod
    def known(about: Tensor, struck: Tensor, protons: Tensor) -> Tensor:
        """(n, context + 4): inputs of the number of particles."""
        return torch.cat((about, _numbers(struck), _numbers(protons)), -1)


class Chain(nn.Module):
    """Densities of a particle, given the balance: its species, share of E + pz, transverse momentum, azimuth."""

    def __init__(self, hidden: int = 144, head: int = 96, shares: int = 10, momenta: int = 6) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(FEATURES + CONTEXT, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
        )
        self.kind = nn.Linear(hidden, species.SPECIES)
        self.shared = nn.Linear(hidden, 3 * head)
        self.of_kind = nn.Embedding(species.SPECIES, 3 * head)
        self.of_share = nn.Linear(3, 2 * head)
        self.of_momentum = nn.Linear(2, head)
        self.share = nn.Linear(head, 3 * shares)
        self.momentum = nn.Linear(head, 3 * momenta)
        self.angle = nn.Linear(head, ANGLES)

    def heads(self, hidden: Tensor, kind: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden values (r, head) of share, momentum and angle, which learn of one another below."""
        first, second, third = (self.shared(hidden) + self.of_kind(kind)).chunk(3, -1)
        return first, second, third

    def with_share(self, second: Tensor, third: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """What the logit of the share (r,) adds."""
        inputs = torch.stack((share / 4.0, torch.sigmoid(share), torch.sigmoid(share + 3.0)), -1).float()
        more, most = self.of_share(inputs).chunk(2, -1)
        return second + more, third + most

    def with_momentum(self, third: Tensor, momentum: Tensor) -> Tensor:
        """What the logarithm of the transverse momentum (r,) adds."""
        return third + self.of_momentum(torch.stack((momentum / 2.0, momentum.exp()), -1).float())


class InteractionModel(nn.Module):
    """`event` and `chain`."""

    ships: tuple[str, ...] = ("event", "chain")
    table_mass: Tensor
    table_count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.event, self.chain = Event(), Chain()
        mass, count = species.least()
        self.register_buffer("table_mass", torch.as_tensor(mass), persistent=False)
        self.register_buffer("table_count", torch.as_tensor(count), persistent=False)
        self.register_buffer("numbers", torch.as_tensor(species.NUMBERS), persistent=False)
        self.register_buffer("masses", torch.as_tensor(species.MASS), persistent=False)
        self.numbers: Tensor
        self.masses: Tensor

    def demand(self, balance: Tensor) -> tuple[Tensor, Tensor]:
        """See `species.demand`."""
        return species.demand((self.table_mass.double(), self.table_count), balance)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw what `InteractionCodec.decode` closes exactly."""
        drawn = self._event(conditions, noise)
        order = torch.argsort(drawn["particles"], descending=True, stable=True)
        chain = self._chain({name: value[order] for name, value in drawn.items()}, noise, order)
        back = torch.argsort(order)
        drawn |= {name: value[back] for name, value in chain.items()}
        drawn["azimuth"] = 2.0 * math.pi * noise.uniform((1,), "azimuth")[:, 0]
        return {name: value for name, value in drawn.items() if name not in ("about", "balance", "total")}

    def _event(self, conditions: Tensors, noise: Noise) -> Tensors:
        projectile, target = conditions["projectile"].long(), conditions["target"].long()
        energy = conditions["energy"].double()
        about = context(projectile, target, energy)
        event, device = self.event, projectile.device
        struck = 1 + noise.choice(event.struck_logits(about, target), "struck")
        protons = noise.choice(event.proton_logits(about, target, struck), "protons")
        known = event.known(about, struck, protons)
        size = mixture_sample(event.particles(known), noise.uniform((2,), "particles"))
        particles = (FEWEST + torch.floor(torch.exp(size.clamp(-9.0, 6.5)) - 0.5).clamp(min=0.0)).long()
        known = torch.cat((known, torch.log(particles.double())[:, None].float() - 2.5), -1)
        left = torch.as_tensor(beams.TARGET_A, device=device)[target] - struck
        some = left > 0
        # the momenta of all nucleons of a nucleus at rest add up to 0, and none has more than some .3 GeV
        bound = _FERMI * torch.minimum(left, struck).clamp(min=1).double()
        log_pt = mixture_sample(event.remnant_pt(known), noise.uniform((2,), "remnant across")).clamp(min=-8.0)
        log_pt = torch.minimum(log_pt, torch.log(bound))
        inputs = torch.cat((known, log_pt[:, None].float()), -1)
        pz = mixture_sample(event.remnant_pz(inputs), noise.uniform((2,), "remnant along"))
        pz = torch.maximum(torch.minimum(pz, bound), -bound)
        zero = torch.zeros_like(pz)
        pt, pz = torch.where(some, torch.exp(log_pt), zero), torch.where(some, pz, zero)
        numbers = [
            torch.as_tensor(table, device=device)[projectile]
            for table in (beams.PROJECTILE_CHARGE, beams.PROJECTILE_BARYON, beams.PROJECTILE_STRANGENESS)
        ]
        balance = torch.stack((numbers[0] + protons, numbers[1] + struck, numbers[2]), -1)
        total = remaining(projectile, target, energy, left, pt, pz)
        mass, count = self.demand(balance)
        room = _SHARE * torch.sqrt((total[:, 0] * total[:, 1] - pt**2).clamp(min=0.0)) - mass
        most = count + torch.floor(room / _APIECE).long().clamp(min=0)
        # where the density errs: never fewer than the balance needs, nor more than the energy makes
        particles = torch.minimum(torch.maximum(particles, count), most).clamp(min=2, max=MOST)
        return {
            "about": about,
            "struck": struck,
            "struck_protons": protons,
            "particles": particles,
            "remnant_pt": pt,
            "remnant_pz": pz,
            "balance": balance,
            "total": total,
        }

    def _chain(self, drawn: Tensors, noise: Noise, order: Tensor) -> Tensors:
        counts = drawn["particles"]
        n, longest = len(counts), int(counts[0])
        state = first_state(drawn)
        kinds = torch.full((n, longest), -1, dtype=torch.long, device=counts.device)
        columns = torch.zeros((4, n, longest), dtype=torch.float64, device=counts.device)
        samples = noise.samples[order]
        budget = _SHARE * torch.sqrt((drawn["total"][:, 0] * drawn["total"][:, 1]).clamp(min=0.0))
        for step in range(longest):
            active = int((counts > step).sum())
            rows = min(-(-active // _ROWS) * _ROWS, n)
            here = {name: value[:rows] for name, value in state.items()}
            draws = Noise(noise.seed, samples[:rows]).uniform((8,), "chain", step)
            hidden = self.chain.trunk(torch.cat((drawn["about"][:rows], features(here)), -1))
            logits = self.chain.kind(hidden).masked_fill(~self._possible(here, budget[:rows]), -1e9)
            cumulative = torch.cumsum(torch.softmax(logits.double(), -1), -1)
            kind = (draws[:, :1] > cumulative).sum(-1).clamp(max=species.SPECIES - 1)
            kind = torch.where(logits.gather(1, kind[:, None])[:, 0] > -1e8, kind, logits.argmax(-1))
            momentum = self._momentum(here, hidden, kind, draws)
            self._pair(here, hidden, kind, momentum, Noise(noise.seed, samples[:rows]))
            self._take(here, kind, momentum)
            for name, value in here.items():
                state[name][:rows] = value
            kinds[:active, step] = kind[:active]
            for column, value in zip(columns, (*momentum, draws[:, 7]), strict=True):
                column[:active, step] = value[:active]
        plus, px, py, long = columns
        return {"species": kinds, "plus": plus, "px": px, "py": py, "long": long}

    def _possible(self, state: Tensors, budget: Tensor) -> Tensor:
        """(r, species): whether the balance and the mass that are left can close after it."""
        mass, count = self.demand(state["balance"][:, None] - self.numbers)
        after = (state["left"] - 1)[:, None]
        rest = mass + species.PION * (after - count).clamp(min=0)
        fits = state["mass"][:, None] + self.masses + rest <= budget[:, None] + 1e-9
        closes = (count <= after) & torch.isfinite(mass)
        fits = fits & closes
        # what is lightest where nothing fits: at the edge of the least energies
        total = torch.where(closes, self.masses + rest, torch.inf)
        lightest = total <= total.amin(-1, keepdim=True) + 1e-9
        return torch.where(fits.any(-1, keepdim=True), fits, lightest)

    def _momentum(self, state: Tensors, hidden: Tensor, kind: Tensor, draws: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """E + pz and transverse momentum of the next particle; the last takes what is left."""
        first, second, third = self.chain.heads(hidden, kind)
        # what the invariant mass that is left allows: tails of the densities go beyond
        mass, others = self.masses[kind], species.PION * (state["left"] - 1)
        squared = torch.maximum(state["plus"] * state["minus"], (2.0 * mass + others) ** 2)
        least, most = 1.02 * mass**2 / squared, 1.0 - 0.5 * others**2 / squared
        low, high = torch.logit(least), torch.logit(most.clamp(max=1.0 - 1e-7))
        share = mixture_sample(self.chain.share(functional.silu(first)), draws[:, 1:3], low, high)
        second, third = self.chain.with_share(second, third, share)
        part = torch.sigmoid(share)
        room = torch.minimum(torch.sqrt((part * squared - mass**2).clamp(min=4.0 * LEAST_PT**2)), 0.5 * squared.sqrt())
        high = torch.log(room.clamp(max=MOST_PT))
        low = torch.full_like(high, math.log(LEAST_PT))
        log_pt = mixture_sample(self.chain.momentum(functional.silu(second)), draws[:, 3:5], low, high, WIDTH)
        third = self.chain.with_momentum(third, log_pt)
        angle = bin_angle(self.chain.angle(functional.silu(third)), draws[:, 5])
        angle = torch.where(draws[:, 6] < 0.5, -angle, angle) + torch.atan2(state["py"], state["px"])
        last = state["left"] <= 1
        pt = torch.exp(log_pt)
        plus = torch.where(last, state["plus"], state["plus"] * part)
        px = torch.where(last, state["px"], pt * torch.cos(angle))
        py = torch.where(last, state["py"], pt * torch.sin(angle))
        return plus, px, py

    def _pair(
        self, state: Tensors, hidden: Tensor, kind: Tensor, momentum: tuple[Tensor, Tensor, Tensor], noise: Noise
    ) -> None:
        """Of the last but one particle, the draw among 32 after which the last meets E - pz best, put into `momentum`.

        The chain keeps E + pz and transverse momentum; that E - pz is met too leaves fewer numbers than are drawn.
        """
        rows = (state["left"] == 2).nonzero()[:, 0]
        if not len(rows):
            return
        rows = torch.cat((rows, rows[-1:])) if len(rows) % 2 else rows  # 2 x 32 rows: see _ROWS
        many = rows.repeat_interleave(PAIRS)
        draws = Noise(noise.seed, noise.samples[rows]).uniform((PAIRS, 8), "pair").flatten(0, 1)
        about = {name: state[name][many] for name in ("plus", "minus", "px", "py", "left")}
        plus, px, py = self._momentum(about, hidden[many], kind[many], draws)
        last, _ = self.demand((state["balance"] - self.numbers[kind])[rows])
        first = (self.masses[kind[many]] ** 2 + px**2 + py**2) / plus
        mt2 = last.repeat_interleave(PAIRS) ** 2 + (about["px"] - px) ** 2 + (about["py"] - py) ** 2
        second = mt2 / (about["plus"] - plus).clamp(min=1e-9)
        away = torch.log((first + second) / about["minus"]).abs().unflatten(0, (-1, PAIRS))
        chosen = away.argmin(-1) + torch.arange(len(rows), device=away.device) * PAIRS
        for column, found in zip(momentum, (plus, px, py), strict=True):
            column[rows] = found[chosen]

    def _take(self, state: Tensors, kind: Tensor, momentum: tuple[Tensor, Tensor, Tensor]) -> None:
        """Note in `state` what is left when the particle is gone."""
        plus, px, py = momentum
        mt2 = self.masses[kind] ** 2 + px**2 + py**2
        share = plus / state["plus"]
        advance(state, kind, (plus, mt2 / plus.clamp(min=1e-9), px, py), share)
        state["balance"] = state["balance"] - self.numbers[kind]
        state["mass"] = state["mass"] + self.masses[kind]
        state["plus"] = (state["plus"] - plus).clamp(min=1e-9)
        state["minus"] = (state["minus"] - mt2 / plus.clamp(min=1e-9)).clamp(min=1e-6)
        state["px"], state["py"] = state["px"] - px, state["py"] - py
        state["left"] = state["left"] - 1


def advance(state: Tensors, kind: Tensor, momentum: tuple[Tensor, ...], share: Tensor) -> None:
    """Remember a particle: the last two, the first, and how many of each group there were."""
    plus, minus, px, py = momentum
    begins = state["last"] < 0
    state["first"] = torch.where(begins, kind, state["first"])
    state["first_share"] = torch.where(begins, share, state["first_share"])
    state["before"], state["last"] = state["last"], kind
    state["last_plus"], state["last_minus"], state["last_px"], state["last_py"] = plus, minus, px, py
    state["made"] = state["made"] + functional.one_hot(groups(kind), GROUPS)


def remaining(projectile: Tensor, target: Tensor, energy: Tensor, left: Tensor, pt: Tensor, pz: Tensor) -> Tensor:
    """E + pz and E - pz (n, 2) of all but the remnant, GeV; `pt` and `pz` are the remnant's."""
    total = torch.as_tensor(
        beams.total_momentum(projectile.cpu().numpy(), energy.cpu().numpy(), target.cpu().numpy()),
        device=energy.device,
    )
    bound = torch.as_tensor(beams.BOUND_ENERGY, device=energy.device)[target] * left
    mass = torch.as_tensor(beams.target_mass(target.cpu().numpy()), device=energy.device)
    projectile_mass = torch.as_tensor(beams.PROJECTILE_MASS, device=energy.device)[projectile]
    beam = projectile_mass**2 / (total[:, 3] - mass + total[:, 2])
    return torch.stack((total[:, 3] + total[:, 2] - bound - pz, beam + mass - bound + pz), -1)


def _numbers(count: Tensor) -> Tensor:
    return torch.stack((torch.log1p(count.double()), count.double() / 8.0), -1).float()


def learn(model: InteractionModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Negative log-likelihoods of the numbers, and of every particle of the chains."""
    data = {**batch.conditions, **batch.encoded}
    yield "event", _event_loss(model.event, data, batch.noise)
    yield "chain", _chain_loss(model, data)


def _event_loss(event: Event, data: Tensors, noise: Noise) -> Tensor:
    target, struck, protons = (data[name].long() for name in ("target", "struck", "struck_protons"))
    about = context(data["projectile"].long(), target, data["energy"].double())
    loss = functional.cross_entropy(event.struck_logits(about, target), struck - 1, reduction="none")
    loss = loss + functional.cross_entropy(event.proton_logits(about, target, struck), protons, reduction="none")
    known = event.known(about, struck, protons)
    spread = noise.uniform((1,), "spread")[:, 0].to(about)
    size = torch.log(data["particles"].to(about) - FEWEST + 0.5 + spread)
    loss = loss - log_density(event.particles(known), size)
    known = torch.cat((known, torch.log(data["particles"].to(about))[:, None] - 2.5), -1)
    some = data["remnant_pt"] > 0
    log_pt = torch.log(data["remnant_pt"].clamp(min=3e-4)).to(about)
    inputs = torch.cat((known, log_pt[:, None]), -1)
    momenta = log_density(event.remnant_pt(known), log_pt)
    momenta = momenta + log_density(event.remnant_pz(inputs), data["remnant_pz"].to(about))
    return loss - torch.where(some, momenta, torch.zeros_like(momenta))


def _chain_loss(model: InteractionModel, data: Tensors) -> Tensor:
    about = context(data["projectile"].long(), data["target"].long(), data["energy"].double())
    row, slot = torch.nonzero(data["species"] >= 0, as_tuple=True)
    state = known_states(data, model.numbers, row, slot)
    kind = data["species"].long()[row, slot]
    chain = model.chain
    hidden = chain.trunk(torch.cat((about[row], features(state)), -1))
    loss = functional.cross_entropy(chain.kind(hidden), kind, reduction="none")
    free = state["left"] > 1
    first, second, third = chain.heads(hidden[free], kind[free])
    plus, px, py = (data[name].double()[row, slot][free] for name in ("plus", "px", "py"))
    after = state["plus"][free] - plus
    share = (torch.log(plus) - torch.log(after.clamp(min=1e-9))).clamp(-14.0, 18.0)
    momentum = torch.log(torch.hypot(px, py).clamp(min=LEAST_PT))
    angle = torch.atan2(py, px) - torch.atan2(state["py"][free], state["px"][free])
    angle = torch.abs(torch.remainder(angle + math.pi, 2.0 * math.pi) - math.pi)
    place = (angle * (ANGLES / math.pi)).long().clamp(0, ANGLES - 1)
    found = log_density(chain.share(functional.silu(first)), share.float())
    second, third = chain.with_share(second, third, share)
    found = found + log_density(chain.momentum(functional.silu(second)), momentum.float(), WIDTH)
    third = chain.with_momentum(third, momentum)
    turned = functional.cross_entropy(chain.angle(functional.silu(third)), place, reduction="none")
    return (loss.sum() + (turned - found).sum()) / len(row)


def known_states(data: Tensors, numbers: Tensor, row: Tensor, slot: Tensor) -> Tensors:
    """States before each particle (`row`, `slot`) of complete chains; what is left is summed from the slow end."""
    kinds = data["species"].long()
    real = kinds >= 0
    kind = kinds.clamp(min=0)

    def left(values: Tensor) -> Tensor:
        return torch.flip(torch.cumsum(torch.flip(values, (1,)), 1), (1,))

    def shifted(values: Tensor, by: int, fill: float) -> Tensor:
        return functional.pad(values, (by, 0), value=fill)[:, : values.shape[1]]

    momenta = {name: data[name].double() for name in ("plus", "minus", "px", "py")}
    state = {name: left(value)[row, slot] for name, value in momenta.items()}
    state["balance"] = left(numbers[kind] * real[..., None])[row, slot]
    state["left"] = left(real.long())[row, slot]
    state["whole"] = data["particles"].long()[row]
    state["struck"], state["protons"] = data["struck"].long()[row], data["struck_protons"].long()[row]
    state["last"], state["before"] = shifted(kinds, 1, -1)[row, slot], shifted(kinds, 2, -1)[row, slot]
    for name, value in momenta.items():
        state[f"last_{name}"] = shifted(value, 1, 1.0 if name in ("plus", "minus") else 0.0)[row, slot]
    state["first"] = torch.where(slot > 0, kinds[row, 0], torch.full_like(slot, -1))
    share = momenta["plus"][:, 0] / momenta["plus"].sum(1)
    state["first_share"] = torch.where(slot > 0, share[row], torch.zeros_like(share[row]))
    made = functional.one_hot(groups(kind), GROUPS) * real[..., None]
    state["made"] = (torch.cumsum(made, 1) - made)[row, slot]
    return state
