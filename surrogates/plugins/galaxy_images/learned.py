"""The learned generator: networks make a galaxy's parts in their own frames, exact operators put them on the sky.

- A spheroid and a round disc: weights of concentric Gaussians by Sersic index, which shear, PSF and pixel grid keep
  exactly (multi-Gaussian expansion, Emsellem et al. 1994, A&A 285, 723).
- A disc from its side: weights of oblate Gaussians, learned once; its inclination is exact.
- Arms: amplitude and winding of harmonics at free radii, drawn in one pass from noise by a network that the energy
  score trained, of as many arms as a learned category says; knots: points of a learned intensity.
- A merger: where its parts lie, how bright, large and flat they are, drawn in one pass from noise as well.

Turn, mirror, shear, size, colours by SED and redshift, flux, PSF, pixels and noise are no network's work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...networks.mlp import MLP
from ...physics.galaxies.harmonics import harmonic_cells, turned_harmonics
from .codec import GalaxyCodec
from .geometry import SPIRAL
from .latents import KNOTS
from .learned_scene import PROFILE_WIDTHS, RADIAL_WIDTHS, THICKNESSES, build
from .observation import detector_draws, with_defaults
from .parts import HIGHEST, MERGER_NUMBERS, REFERENCE, RINGS
from .scene import draw_light

if TYPE_CHECKING:
    from ...noise import Noise

Tensors = dict[str, Tensor]

SCALES = ("disc_mean", "disc_spread", "merger_mean", "merger_spread", "knot_share")
DE_VAUCOULEURS = 4.0
"""Sersic index of a bulge."""

NOISE = 24
"""Normal numbers that a network draws a disc, or a merger, from."""

CELLS, ANGLES = 40, 64
"""Rings and directions of the cells that knots fall into."""

_CELL_FIRST, _CELL_LAST = math.log(0.05), math.log(6.5)
_WINDING = 8.0  # slope of a phase in whose units it counts
_LOG_RINGS = torch.tensor(np.log(RINGS), dtype=torch.float32)


class PartsCodec(GalaxyCodec):
    """Codec of the learned generator: parts to and from units of order 1.

    Attributes
    ----------
    disc_mean, disc_spread, merger_mean, merger_spread : Tensor
        Of the numbers that the networks make.
    knot_share : Tensor
        Share of a disc's light in each of its knots, (knots,).
    """

    disc_mean: Tensor
    disc_spread: Tensor
    merger_mean: Tensor
    merger_spread: Tensor
    knot_share: Tensor

    def __init__(self) -> None:
        super().__init__()
        disc = 2 * HIGHEST * len(RINGS)
        for name, size in (("disc", disc), ("merger", MERGER_NUMBERS)):
            self.register_buffer(f"{name}_mean", torch.zeros(size, dtype=torch.float64))
            self.register_buffer(f"{name}_spread", torch.ones(size, dtype=torch.float64))
        self.register_buffer("knot_share", torch.zeros(KNOTS, dtype=torch.float64))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Find means and spreads of discs and mergers, and the light of knots."""
        for pool in pools:
            if "part_merger" in pool:
                self.merger_mean = pool["part_merger"].double().mean(0)
                self.merger_spread = pool["part_merger"].double().std(0).clamp(min=1e-3)
            if "part_amplitude" in pool:
                numbers = _disc_numbers(pool["part_amplitude"].double(), pool["part_slope"].double())
                self.disc_mean, self.disc_spread = numbers.mean(0), numbers.std(0).clamp(min=0.05)
                self.knot_share = pool["part_knot_light"].double().mean(0)

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as they are; of a training pool its parts.

        Returns
        -------
        dict of Tensor
            With parts: `index` and `profile`; or `inclination` and `edge_on`; or `disc`, `arms`, `knots` and
            `amplitude`, `phase`; or `merger`.
        """
        if "image" in physical:
            return super().encode(physical)
        encoded = {name: value for name, value in physical.items() if not name.startswith("part_")}
        if "part_profile" in physical:
            encoded |= {"index": physical["part_index"], "profile": physical["part_profile"]}
        if "part_edge_on" in physical:
            encoded |= {"turned": physical["inclination"], "edge_on": physical["part_edge_on"]}
        if "part_merger" in physical:
            encoded["merger"] = (physical["part_merger"].double() - self.merger_mean) / self.merger_spread
        if "part_amplitude" in physical:
            amplitude, slope = physical["part_amplitude"].double(), physical["part_slope"].double()
            encoded["disc"] = (_disc_numbers(amplitude, slope) - self.disc_mean) / self.disc_spread
            encoded |= {"amplitude": amplitude, "phase": physical["part_phase"]}
            encoded |= {"arms": physical["part_arms"].long(), "knots": physical["part_knots"]}
        return encoded


def _disc_numbers(amplitude: Tensor, slope: Tensor) -> Tensor:
    """What a network makes of a disc, (n, 2 HIGHEST rings): amplitudes, and slopes that no amplitude leaves at 0."""
    shown = amplitude / (amplitude + 0.02)
    return torch.cat((amplitude.flatten(1), (slope * shown / _WINDING).flatten(1)), dim=1)


class Knots(nn.Module):
    """Logarithm of the chance of a cell of a disc to hold a knot, of its radius and what the arms do there."""

    def __init__(self) -> None:
        super().__init__()
        self.network = MLP(4, 1, 32, 3)

    def forward(self, amplitude: Tensor, phase: Tensor) -> Tensor:
        """(n, CELLS * ANGLES) logits of discs with amplitudes and phases (n, HIGHEST, CELLS)."""
        cells = harmonic_cells(amplitude, phase, ANGLES)
        place = cell_radii().to(cells)[None, :, None].expand_as(cells)
        told = torch.stack((place, 0.5 * torch.exp(place), cells, cells * cells), dim=-1)
        return self.network(told)[..., 0].flatten(1)


def cell_radii() -> Tensor:
    """ln of the radii of the middles of the cells' rings, in scale lengths, (CELLS,)."""
    step = (_CELL_LAST - _CELL_FIRST) / CELLS
    return _CELL_FIRST + step * (torch.arange(CELLS) + 0.5)


def knot_cells(knots: Tensor) -> Tensor:
    """Number of the cell of each knot, (n, knots), of ln radius and angle (n, knots, 2)."""
    step = (_CELL_LAST - _CELL_FIRST) / CELLS
    ring = ((knots[..., 0] - _CELL_FIRST) / step).floor().long().clamp(0, CELLS - 1)
    direction = (knots[..., 1] * (ANGLES / (2.0 * math.pi))).floor().long().clamp(0, ANGLES - 1)
    return ring * ANGLES + direction


def on_cells(amplitude: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
    """Amplitudes and phases at `RINGS` taken to the rings of the cells; inside the first ring arms fade as r^2."""
    wanted = cell_radii().to(amplitude)
    rings = _LOG_RINGS.to(amplitude)
    place = (wanted - rings[0]) / (rings[1] - rings[0])
    below = place.clamp(0, len(rings) - 2).floor().long()
    share = (place - below).clamp(max=1.0)
    fading = torch.exp(2.0 * (wanted - rings[0]).clamp(max=0.0))
    within = share.clamp(min=0.0)
    found = amplitude[..., below] * (1.0 - within) + amplitude[..., below + 1] * within
    return found * fading, phase[..., below] * (1.0 - share) + phase[..., below + 1] * share


class LearnedGalaxies(nn.Module):
    """Networks of the parts, see the module's docstring.

    Parameters
    ----------
    codec : PartsCodec
        Fitted.
    width : int
        Of the networks that draw discs and mergers.
    """

    disc_mean: Tensor
    disc_spread: Tensor
    merger_mean: Tensor
    merger_spread: Tensor
    knot_share: Tensor
    ships: tuple[str, ...] = ("profile", "edge_on", "arms", "disc", "knots", "merger")

    def __init__(self, codec: PartsCodec, width: int = 192) -> None:
        super().__init__()
        for name in SCALES:
            self.register_buffer(name, getattr(codec, name).clone(), persistent=False)
        self.profile = MLP(2, len(PROFILE_WIDTHS), 64, 3)
        self.edge_on = nn.ParameterList([torch.zeros(len(RADIAL_WIDTHS) * len(THICKNESSES))])
        self.arms = nn.ParameterList([torch.zeros(HIGHEST)])
        self.disc = MLP(NOISE, 2 * HIGHEST * len(RINGS), width, 4, context=HIGHEST, residual=True)
        self.knots = Knots()
        self.merger = MLP(NOISE, MERGER_NUMBERS, width, 4, residual=True)

    def weights_of_profile(self, index: Tensor) -> Tensor:
        """Weights of the Gaussians of spheroids of Sersic indices (n,); of round discs where the index is 0."""
        disc = (index == 0.0).float()
        told = torch.stack(
            (disc, torch.where(index == 0.0, torch.zeros_like(disc), torch.log(index.clamp(min=0.1)).float())), -1
        )
        return torch.softmax(self.profile(told), dim=-1)

    def weights_of_edge_on(self) -> Tensor:
        """Weights of the oblate Gaussians of a disc, (radial, thickness)."""
        return torch.softmax(self.edge_on[0], dim=0).reshape(len(RADIAL_WIDTHS), len(THICKNESSES))

    def disc_numbers(self, latent: Tensor, arms: Tensor) -> Tensor:
        """Encoded numbers of discs of latent vectors (n, NOISE), of the strongest harmonics `arms` + 1 (n,)."""
        return self.disc(latent, functional.one_hot(arms, HIGHEST).to(latent))

    def draw_disc(self, arms: Tensor, noise: Noise) -> Tensor:
        """Encoded numbers of discs of the strongest harmonics `arms` + 1 (n,)."""
        return self.disc_numbers(noise.normal((NOISE,), "disc").float(), arms)

    def draw_merger(self, noise: Noise) -> Tensor:
        """Encoded numbers of mergers, (n, MERGER_NUMBERS)."""
        return self.merger(noise.normal((NOISE,), "merger").float())

    def harmonics(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitudes and phases at `RINGS`, (n, HIGHEST, rings), of encoded numbers; phases are 0 at `REFERENCE`."""
        numbers = numbers * self.disc_spread.to(numbers) + self.disc_mean.to(numbers)
        amplitude, slope = numbers.unflatten(1, (2, HIGHEST, len(RINGS))).unbind(1)
        amplitude = amplitude.clamp(min=0.0)
        slope = slope * _WINDING * (amplitude + 0.02) / amplitude.clamp(min=0.02)
        step = float(_LOG_RINGS[1] - _LOG_RINGS[0])
        phase = torch.cumsum(0.5 * step * (slope[..., 1:] + slope[..., :-1]), dim=-1)
        phase = functional.pad(phase, (1, 0))
        place = (math.log(REFERENCE) - float(_LOG_RINGS[0])) / step
        below, share = int(place), place - int(place)
        return amplitude, phase - torch.lerp(phase[..., below], phase[..., below + 1], share)[..., None]

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Light of each galaxy at the scale it was drawn at, and the detector's random numbers."""
        filled = with_defaults(conditions)
        drawn = detector_draws(filled, noise)
        blended = (filled["blend_with"] == SPIRAL) & (filled["blend_fraction"] > 0)
        first = drawn["same_as"] == torch.arange(len(noise))
        knotted = torch.nonzero(((filled["morphology"] == SPIRAL) | blended).cpu() & first).flatten()
        made = self.arrays(filled["sersic_index"].float(), noise, knotted)
        arrays = {name: value.detach().cpu().numpy() for name, value in made.items()}
        light, scale = draw_light(filled, arrays, build, drawn["same_as"])
        light = light.clamp_(min=0.0)  # a harmonic may be deeper than the light it varies
        return {"light": light.to(filled["redshift"].device), "scale": scale, **drawn}

    def arrays(self, index: Tensor, noise: Noise, knotted: Tensor | None = None) -> Tensors:
        """All parts of n galaxies of Sersic indices (n,), as `learned_scene.build` takes them; see `parts`."""
        return self.parts(noise, knotted) | {
            "spheroid": self.weights_of_profile(index),
            "bulge": self.weights_of_profile(torch.full_like(index, DE_VAUCOULEURS)),
            "round_disc": self.weights_of_profile(torch.zeros_like(index)),
            "oblate": self.weights_of_edge_on().expand(len(index), -1, -1),
            "knot_share": self.knot_share.expand(len(index), -1),
        }

    def parts(self, noise: Noise, knotted: Tensor | None = None) -> Tensors:
        """Random parts of n galaxies, of all classes: arms, knots and mergers, in the sky's directions but round.

        Knots, which cost most, are drawn of the rows `knotted` alone; of all by default.
        """
        arms = noise.choice(self.arms[0].expand(len(noise), -1), "arms")
        amplitude, phase = self.harmonics(self.draw_disc(arms, noise))
        turn, mirror = noise.uniform((2, 2), "isotropy").unbind(-1)
        angle, mirrored = (2.0 * math.pi * turn).float(), mirror < 0.5
        phase = turned_harmonics(phase, angle[:, 0], mirrored[:, 0])
        uniform = noise.uniform((len(self.knot_share), 3), "knots")
        knots = torch.zeros_like(uniform[..., :2])
        for row in range(len(noise)) if knotted is None else knotted.tolist():  # by itself: its bits are its own
            one = slice(row, row + 1)
            knots[one] = self.draw_knots(amplitude[one], phase[one], uniform[one])
        numbers = self.draw_merger(noise) * self.merger_spread.float() + self.merger_mean.float()
        return {
            "amplitude": amplitude, "phase": phase, "knots": knots, "merger": numbers,
            "merger_angle": angle[:, 1], "merger_mirrored": mirrored[:, 1],
        }  # fmt: skip

    def draw_knots(self, amplitude: Tensor, phase: Tensor, uniform: Tensor) -> Tensor:
        """Places of knots, x and y in scale lengths (n, knots, 2), by uniform numbers (n, knots, 3)."""
        chance = torch.softmax(self.knots(*on_cells(amplitude, phase)).double(), dim=-1).cumsum(-1)
        cell = torch.searchsorted(chance, uniform[..., 0].contiguous() * chance[:, -1:]).clamp(max=CELLS * ANGLES - 1)
        ring, direction = cell // ANGLES, cell % ANGLES
        step = (_CELL_LAST - _CELL_FIRST) / CELLS
        radius = torch.exp(_CELL_FIRST + step * (ring + uniform[..., 1]))
        theta = 2.0 * math.pi * (direction + uniform[..., 2]) / ANGLES
        return torch.stack((radius * torch.cos(theta), radius * torch.sin(theta)), dim=-1)
