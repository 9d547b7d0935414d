"""The literature's baseline: a conditional perceptron GAN that makes all momenta of an event at once.

100 normals and the conditions in, the momenta of every particle out; losses are adversarial, conservation of
four-momentum and the taus' mass shell. After Butter, Plehn, Winterhalder 2019, SciPost Phys. 7, 075, and Otten et al.
2021, Nature Commun. 12, 2985; trained by the relativistic game of Huang et al. 2024, arXiv:2501.05441.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.recipe import Batch
from ...networks.mlp import MLP
from ...noise import Noise
from .gan_codec import (
    KINDS,
    RADIATED,
    SIDE,
    WIDTH,
    EventGANCodec,
    contents_of,
    coordinates_of,
    identities,
    kind_of,
    momenta_of,
    on_shell,
    project,
)
from .kinematics import mass_squared
from .particles import TAU, channels, particles
from .secondaries import mass_of

Tensors = dict[str, Tensor]

LATENT = 100
_SIDE_CONTEXT = len(KINDS) + len(channels())
CONTEXT = 2 * _SIDE_CONTEXT + RADIATED + 1 + 4
RESIDUALS = 2
"""Columns behind the coordinates of a sample: violation of four-momentum before the projection, and of the tau mass."""


class EventGAN(nn.Module):
    """Generator and discriminator of tau-pair events; contents are drawn from the codec's table.

    Parameters
    ----------
    codec : EventGANCodec
        Fitted.
    hidden, layers : int
        Width and depth of both perceptrons.
    """

    ships: tuple[str, ...] = ("generator",)

    code: Tensor
    cumulative: Tensor
    photon_cumulative: Tensor
    side_context: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, codec: EventGANCodec, hidden: int = 192, layers: int = 4) -> None:
        super().__init__()
        self.generator = MLP(LATENT, WIDTH, hidden, layers, context=CONTEXT, activation="leaky_relu")
        self.discriminator = MLP(WIDTH, 1, hidden, layers, context=CONTEXT, activation="leaky_relu")
        ids, channel = contents_of(codec.code)
        fractions = torch.tensor([c.branching_fraction for c in channels()], dtype=torch.float64)
        within = functional.one_hot(channel, len(channels())).double().T * codec.share
        free = (fractions[channel] * codec.share)[None]
        weights = torch.cat((free / free.sum(), within))
        counts = functional.one_hot(kind_of(ids), len(KINDS) + 1)[..., 1:].sum(1)
        side = torch.cat((counts, functional.one_hot(channel, len(channels()))), dim=1).float()
        for name, value in {
            "code": codec.code,
            "cumulative": torch.cumsum(weights, 1),
            "photon_cumulative": torch.cumsum(codec.radiation, 1),
            "side_context": side,
            "mean": codec.mean,
            "spread": codec.spread,
        }.items():
            self.register_buffer(name, value.clone(), persistent=False)

    def context(self, energy: Tensor, radiation: Tensor, content: Tensor, photons: Tensor) -> Tensor:
        """(n, CONTEXT) energy, radiation switch, and contents of both taus and of the radiation."""
        smooth = (torch.log(energy) - 4.0) / 1.5
        resonance = torch.atan((energy - 91.19) / 2.0)
        scalars = torch.stack((smooth, smooth**2, resonance, radiation.to(energy.dtype)), dim=-1).float()
        sides = self.side_context[content].flatten(1)
        return torch.cat((scalars, sides, functional.one_hot(photons, RADIATED + 1).float()), dim=1)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw contents, standardised coordinates, azimuth and lifetimes."""
        energy, on = conditions["energy"].double(), conditions["initial_state_radiation"].long()
        asked = torch.stack((conditions["asked_decay_minus"], conditions["asked_decay_plus"]), dim=1).long()
        points = noise.uniform((6,), "contents, azimuth and lifetimes")
        content = (points[:, :2, None] > self.cumulative[asked + 1]).sum(-1)
        photons = (points[:, 2:3] > self.photon_cumulative[on]).sum(-1)
        content, photons = content.clamp(max=len(self.code) - 1), photons.clamp(max=RADIATED)
        context = self.context(energy, on, content, photons)
        latent = noise.normal((LATENT,), "latent").float()
        return {
            "content": content,
            "photons": photons,
            "coordinates": self.generator(latent, context),
            "azimuth": points[:, 3],
            "lifetime": points[:, 4:],
        }


def real(model: EventGAN, batch: Batch) -> Tensor:
    """(n, WIDTH + RESIDUALS) training events, whose residuals are 0."""
    return functional.pad(batch.encoded["coordinates"].float(), (0, RESIDUALS))


def generate(model: EventGAN, batch: Batch, draw: str) -> Tensor:
    """(n, WIDTH + RESIDUALS) generated events with the contents of the training events, projected as in `decode`."""
    content, photons = batch.encoded["content"], batch.encoded["photons"]
    latent = torch.randn(len(content), LATENT, device=content.device)  # the loop seeds it anew every step
    made = model.generator(latent, _context(model, batch))
    beam = batch.conditions["energy"].float() / 2.0
    ids, present = identities(model.code, content, photons)
    mass = mass_of(ids).float() / beam[:, None]
    mean, spread = model.mean.float(), model.spread.float()
    raw = on_shell(momenta_of(made * spread + mean, beam), mass, present)
    whole = raw.sum(1)
    violation = (whole[:, :3] / 2.0).square().sum(1) + (whole[:, 3] / 2.0 - 1.0).square()
    p = project(raw, mass, torch.full_like(beam, 2.0))
    taus = p[:, : 2 * SIDE].reshape(-1, 2, SIDE, 4).sum(2)
    square = torch.clamp(mass_squared(taus), min=1e-8) * (beam[:, None] / particles()[TAU].mass) ** 2
    shell = (0.5 * torch.log(square)).square().sum(1)
    used = functional.pad(present.repeat_interleave(3, dim=1), (0, 1), value=True)
    coordinates = (coordinates_of(p[..., :3], beam) - mean) / spread * used
    return torch.cat((coordinates, violation[:, None], shell[:, None]), dim=1)


def judge(model: EventGAN, batch: Batch, samples: Tensor) -> Tensor:
    """(n,) scores of samples; the residuals are not shown."""
    return model.discriminator(samples[:, :WIDTH], _context(model, batch))[:, 0]


def conservation(model: EventGAN, batch: Batch, samples: Tensor) -> Tensor:
    """(n,) squared violation of four-momentum before the projection, relative to sqrt(s), bounded."""
    return torch.tanh(samples[:, WIDTH])


def mass_shell(model: EventGAN, batch: Batch, samples: Tensor) -> Tensor:
    """(n,) squared logarithms of the taus' invariant masses over the tau mass."""
    return samples[:, WIDTH + 1]


def _context(model: EventGAN, batch: Batch) -> Tensor:
    conditions, encoded = batch.conditions, batch.encoded
    return model.context(
        conditions["energy"], conditions["initial_state_radiation"], encoded["content"], encoded["photons"]
    )
