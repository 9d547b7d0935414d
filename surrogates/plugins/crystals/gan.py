"""The literature's GAN of crystals: 100 normals and five properties in; lattice, positions and elements out, at once.

After Kim, Noh, Gu, Aspuru-Guzik, Jung 2020, "Generative adversarial networks for crystal structure prediction", ACS
Cent. Sci. 6, 1412, and Nouira, Sokolovska, Crivello 2018, "CrystalGAN", arXiv:1810.11203, whose loss of too short
distances it corrects: distances are Cartesian and of the nearest among 27 images in a reduced cell, an atom's own
images included, and each pair of elements has its own limit. No symmetry is imposed on the generator: what it draws is
P1 unless a space group is found in it. Trained by the relativistic game of Huang et al. 2024, arXiv:2501.05441.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.recipe import Batch
from ...models.adversarial import Game, Penalty, adversarial_steps
from ...networks.mlp import MLP
from ...noise import Noise
from ...physics.crystals.elements import ELECTRONEGATIVITY, MASS_UNIT, MASSES, MOST, RADIUS
from ...physics.crystals.periodic import shortest_images, shortfall
from .gan_codec import MOST_SLOTS, STATED, GanCodec, lattices

Tensors = dict[str, Tensor]

LATENT = 100
SHELLS = torch.linspace(0.4, 2.2, 10)
"""Centres of shells in which the discriminator sees distances, in sums of covalent radii."""
GAME = Game("relativistic", r1=0.3, r2=0.3, penalty_every=4)
TOLD = 2 * len(STATED)
SLOT = 6 + MOST
"""Numbers of a slot in a sample: cosines and sines of the position, then the element's one-hot vector."""
FIRST = 6 + MOST_SLOTS
"""Numbers before the slots: the lattice, and which slots are atoms."""


class Generator(nn.Module):
    """Samples (n, FIRST + MOST_SLOTS * SLOT), see `SLOT`, from noise and what is asked."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = MLP(LATENT, 6 + MOST_SLOTS * (1 + SLOT), width, 4, context=TOLD, residual=True)

    def forward(self, latent: Tensor, asked: Tensor, uniform: Tensor) -> Tensor:
        """Elements are drawn by `uniform` (n, slot), numbers of atoms the likeliest; gradients pass straight through.

        An element that is drawn, not the likeliest, keeps a generator from repeating one composition.
        """
        raw = self.trunk(latent, asked)
        edges = torch.cat((functional.softplus(raw[:, :3] + 1.5), raw[:, 3:6]), dim=1)
        count = straight(raw[:, 6:FIRST])  # one of 1 to MOST_SLOTS
        there = count.flip(1).cumsum(1).flip(1)
        slots = raw[:, FIRST:].unflatten(1, (MOST_SLOTS, SLOT))
        turned = functional.normalize(slots[..., :6].unflatten(-1, (2, 3)), dim=-2, eps=1e-4).flatten(-2)
        kinds = drawn(slots[..., 6:], uniform)
        held = torch.cat((turned, kinds), dim=-1) * there[..., None]
        return torch.cat((edges, there, held.flatten(1)), dim=1)


def straight(logits: Tensor) -> Tensor:
    """One-hot vectors of the largest logits, with the gradient of the softmax."""
    soft = logits.softmax(-1)
    hard = functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def drawn(logits: Tensor, uniform: Tensor) -> Tensor:
    """One-hot vectors of categories drawn by the inverse of their distribution, with the gradient of the softmax.

    Parameters
    ----------
    logits : Tensor
        (..., category)
    uniform : Tensor
        (...), in [0, 1).
    """
    soft = logits.softmax(-1)
    below = soft.detach().cumsum(-1)
    chosen = (below < uniform[..., None] * below[..., -1:]).sum(-1).clamp_max(logits.shape[-1] - 1)
    hard = functional.one_hot(chosen, logits.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def company(kinds: Tensor) -> Tensor:
    """How alike a batch's compositions are: mean cosine with the others and its fourth power, (n, 2).

    Parameters
    ----------
    kinds : Tensor
        (n, slot, element), one-hot vectors; zeros where there is no atom.

    Notes
    -----
    After the minibatch discrimination of Salimans et al. 2016, arXiv:1606.03498: what repeats itself is seen.
    """
    told = functional.normalize(kinds.sum(1), dim=-1, eps=1e-3)
    alike = told @ told.T
    alike = alike - torch.diag_embed(alike.diagonal())
    others = max(len(kinds) - 1, 1)
    return torch.stack((alike.sum(1), alike.pow(4).sum(1)), dim=1) / others


class Discriminator(nn.Module):
    """Verdicts on crystals: every atom by its element, its place and the distances around it, and all together."""

    shells: Tensor
    pull: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("shells", SHELLS.clone(), persistent=False)
        self.register_buffer("pull", torch.from_numpy(ELECTRONEGATIVITY).float(), persistent=False)
        self.element = nn.Linear(MOST, 24, bias=False)
        self.atom = MLP(6 + 24 + 3 * len(SHELLS), width // 2, width // 2, 2, context=24)
        self.whole = MLP(9 + 2 * (width // 2), 1, width, 3, context=TOLD)

    def forward(self, samples: Tensor, asked: Tensor) -> Tensor:
        """Scores (n,)."""
        edges, there, slots = parts(samples)
        kinds, pull = slots[..., 6:], slots[..., 6:] @ self.pull
        distances, radii = geometry(samples)
        ratio = distances / (radii[:, :, None] + radii[:, None]).clamp_min(0.3)
        pairs = there[:, :, None] * there[:, None]
        bump = torch.exp(-0.5 * ((ratio[..., None] - self.shells) / 0.15) ** 2) * pairs[..., None]
        apart = pull[:, None] - pull[:, :, None]
        seen = [bump.sum(2), (bump * apart[..., None]).sum(2), (bump * apart[..., None] ** 2).sum(2)]
        own = self.element(kinds)
        count = there.sum(1, keepdim=True).clamp_min(1.0)
        mean = (own * there[..., None]).sum(1) / count
        atoms = self.atom(torch.cat((slots[..., :6], own, *seen), dim=-1), mean[:, None]) * there[..., None]
        pooled = atoms.sum(1) / count
        spread = ((atoms - pooled[:, None]) ** 2 * there[..., None]).sum(1) / count
        whole = (edges, count.log(), company(kinds * there[..., None]), pooled, (spread + 1e-4).sqrt())
        return self.whole(torch.cat(whole, dim=1), asked)[:, 0]


def parts(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Lattice numbers (n, 6), which slots are atoms (n, slot), and slots (n, slot, SLOT)."""
    return samples[:, :6], samples[:, 6:FIRST], samples[:, FIRST:].unflatten(1, (MOST_SLOTS, SLOT))


def geometry(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Shortest distances (n, slot, slot) [angstrom] and radii (n, slot) [angstrom]."""
    edges, there, slots = parts(samples)
    points = torch.atan2(slots[..., 3:6], slots[..., :3]) / (2 * math.pi)
    points = torch.where(there[..., None] > 0.5, points, 0.0)
    radii = slots[..., 6:] @ torch.from_numpy(RADIUS).to(samples)
    return shortest_images(lattices(edges, there.sum(1)), points), radii


class CrystalGAN(nn.Module):
    """Generator and discriminator of crystals.

    Parameters
    ----------
    codec : GanCodec
        Fitted.
    width : int
        Of both.
    """

    ships: tuple[str, ...] = ("generator",)
    middle: Tensor
    spread: Tensor

    def __init__(self, codec: GanCodec, width: int = 256) -> None:
        super().__init__()
        self.generator = Generator(width)
        self.discriminator = Discriminator(width)
        self.register_buffer("middle", codec.middle.clone(), persistent=False)
        self.register_buffer("spread", codec.width.clone(), persistent=False)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw encoded crystals; their energies are not estimated."""
        latent = noise.normal((LATENT,), "latent").float()
        uniform = noise.uniform((MOST_SLOTS,), "elements").float()
        edges, there, slots = parts(self.generator(latent, conditions["asked"], uniform))
        turn = torch.atan2(slots[..., 3:6], slots[..., :3]) / (2 * math.pi)
        held = there.round()
        return {
            "edges": edges,
            "points": turn % 1.0 * held[..., None],
            "kinds": (slots[..., 6:].argmax(-1) + 1) * held.long(),
            "count": held.sum(1).long(),
        }


# Training ----------------------------------------------------------------------------------------------------------


def real(model: CrystalGAN, batch: Batch) -> Tensor:
    """Training crystals as samples."""
    del model
    kinds = batch.encoded["kinds"]
    there = (kinds > 0).float()
    turn = 2 * math.pi * batch.encoded["points"]
    one_hot = functional.one_hot((kinds - 1).clamp(min=0), MOST).float()
    held = torch.cat((turn.cos(), turn.sin(), one_hot), dim=-1) * there[..., None]
    return torch.cat((batch.encoded["edges"], there, held.flatten(1)), dim=1)


def generate(model: CrystalGAN, batch: Batch, draw: str) -> Tensor:
    """Generated samples at what is asked of the training crystals."""
    latent = batch.noise.normal((LATENT,), "latent", draw).float()
    uniform = batch.noise.uniform((MOST_SLOTS,), "elements", draw).float()
    return model.generator(latent, batch.conditions["asked"], uniform)


def judge(model: CrystalGAN, batch: Batch, samples: Tensor) -> Tensor:
    """Scores (n,)."""
    return model.discriminator(samples, batch.conditions["asked"])


def overlapping(model: CrystalGAN, batch: Batch, samples: Tensor) -> Tensor:
    """The corrected validity loss, (n,)."""
    del model, batch
    distances, radii = geometry(samples)
    return shortfall(distances, radii, parts(samples)[1])


def missed_size(model: CrystalGAN, batch: Batch, samples: Tensor) -> Tensor:
    """Squared error of the density and volume an atom that were asked, which follow from a crystal exactly, (n,)."""
    edges, there, slots = parts(samples)
    count = there.sum(1).clamp_min(1.0)
    volume = edges[:, :3].prod(1)  # an atom's, for lattices are scaled by the number of atoms
    mass = (slots[..., 6:] @ torch.from_numpy(MASSES).to(samples)).sum(1) / count
    found = torch.stack(((MASS_UNIT * mass / volume.clamp_min(0.1)).log(), volume.clamp_min(0.1).log()), dim=1)
    places = [STATED.index(name) for name in ("density", "volume_per_atom")]
    scores = (found - model.middle[places]) / model.spread[places]
    asked = batch.conditions["asked"]
    wrong = (scores - asked[:, places]).square() * asked[:, [len(STATED) + k for k in places]]
    return wrong.clamp_max(16.0).sum(1).to(samples.dtype)


def _noted(name: str, residual: Any) -> Any:
    def told(model: CrystalGAN, batch: Batch, samples: Tensor) -> Tensor:
        found = residual(model, batch, samples)
        batch.notes[name] = found.mean().detach()
        return found

    return told


_play = adversarial_steps(
    real,
    generate,
    judge,
    GAME,
    penalties=(Penalty(20.0, _noted("overlap", overlapping)), Penalty(0.5, _noted("size", missed_size))),
)


def play(model: CrystalGAN, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """One turn of the game, with a random part of what is asked hidden."""
    uniform = batch.noise.uniform((len(STATED) + 1,), "hidden")
    kept = (uniform[:, :-1] > 0.2) & (uniform[:, -1:] > 0.1)
    asked = batch.conditions["asked"] * kept.repeat(1, 2)
    yield from _play(model, replace(batch, conditions={"asked": asked}))
