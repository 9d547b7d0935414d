"""The light behind observed cutouts: drawn in a galaxy's own frame, seen through each cutout's PSF and noise to learn.

Two networks draw in one pass from noise. `errors` draws what a galaxy is behind what was fitted to its cutout: radius,
shape, index and flux, by class and signal to noise. `light` draws its structure at that radius and shape: profiles of
an inner and an outer part, their colours, waves around the centre and a few spots beside it. Position angle, shear, the
half-light radius, total fluxes, PSF, pixels and noise are no network's work.

A cutout y of noise s is taken apart as y + s t and y - s t with normal numbers t: two images of the same light whose
noise is independent. The first is fitted, the second compared with what is drawn at that fit by energy scores, so that
no network can learn the noise that the fit has taken up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...networks.mlp import MLP
from ...physics.galaxies import polar_gaussians as polar
from ...physics.galaxies.optics import SIGMA, crop
from .codec import GalaxyCodec
from .observation import detector_draws, grid, stamp_size, with_defaults
from .observed_views import Frame, frame_of, score
from .variables import BAND_LIMIT_FWHM, BANDS, MORPHOLOGIES

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from ...noise import Noise

Tensors = dict[str, Tensor]

SPOTS = 4
"""Gaussians beside the centre."""

NOISE, ERROR_NOISE = 24, 8
"""Normal numbers that structure, and errors of a fit, are drawn from."""

MARGIN = 16
"""Pixels about a stamp that its transform has more, against what a periodic one brings in from the other side."""

ERRORS = 5 + len(BANDS) - 1
"""ln of radius, shape along and across the fitted axis, ln of index, ln of flux in r, and of g and i over r."""

_CLASSES, _WIDTHS = len(MORPHOLOGIES), len(polar.WIDTHS)
_CONTEXT = _CLASSES + 3
_WAVES = polar.ORDERS * 2 * _WIDTHS
_SIZES = (_WIDTHS, _WIDTHS, 1, len(BANDS) - 1, 1, _WAVES, 1, SPOTS, 2 * SPOTS, SPOTS)
"""Profiles of the inner and the outer part; share of the inner in r, in g and i over it; roundness of the inner; waves;
share of the spots, of each of them, their places and their widths."""

_ELLIPTICAL, _MERGER = MORPHOLOGIES.index("elliptical"), MORPHOLOGIES.index("merger")
_LEAST = 1e-4
_OUTLINE = (16, 24)  # radii and directions at which light must not be negative


class CutoutCodec(GalaxyCodec):
    """Codec of the light behind cutouts; nothing is fitted."""

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions as they are; of a training pool the cutouts too."""
        return dict(physical)


def context(morphology: Tensor, radius: Tensor, ellipticity: Tensor, index: Tensor) -> Tensor:
    """What structure is drawn at, (n, classes + 3): class, ln of radius in arcsec, |e|, an elliptical's index."""
    kinds = functional.one_hot(morphology.long().clamp(min=0), _CLASSES).float()
    told = torch.where(morphology == _ELLIPTICAL, torch.log(index.clamp(0.5, 6.0)) - 1.0, torch.zeros_like(index))
    columns = torch.stack(((torch.log(radius) + 0.7) / 0.5, 2.0 * ellipticity - 0.5, told), dim=-1)
    return torch.cat((kinds, columns.float()), dim=-1)


class Light(nn.Module):
    """Draws errors of fits and structures of galaxies.

    Parameters
    ----------
    width : int
        Of both networks.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.errors = MLP(ERROR_NOISE, ERRORS, width // 2, 3, context=_CONTEXT + 1, residual=True, zero_output=True)
        self.structure = MLP(NOISE, sum(_SIZES), width, 4, context=_CONTEXT, residual=True)
        self.strength = nn.Linear(_CLASSES, 2, bias=False)
        with torch.no_grad():
            self.structure.exit.weight.mul_(0.1)
            self.structure.exit.bias.zero_()
            self.strength.weight.zero_()

    def strengths(self, kind: Tensor) -> tuple[Tensor, Tensor]:
        """How strong a class's waves are (n, 1), and what is added to the logit of its spots' light (n, 1)."""
        waves, spots = self.strength(functional.one_hot(kind, _CLASSES).float()).split(1, dim=-1)
        return torch.exp(5.0 * waves), 5.0 * spots


class LightBehindCutouts(nn.Module):
    """Galaxies as the cutouts show them, freed of PSF and noise.

    Parameters
    ----------
    codec : CutoutCodec
    width : int
    deconvolve : bool
        Whether to learn what is behind the PSF and the noise, or the cutouts as they are.
    """

    ships: tuple[str, ...] = ("light",)

    def __init__(self, codec: CutoutCodec, width: int = 128, deconvolve: bool = True) -> None:
        super().__init__()
        self.deconvolve = deconvolve
        self.light = Light(width)

    def behind(self, fitted: Tensors, signal: Tensor, normal: Tensor) -> Tensors:
        """Radius, shape and fluxes behind those that were fitted.

        Parameters
        ----------
        fitted : dict of Tensor
            (n,) `morphology`, `radius` [arcsec], `ellipticity`, `index`.
        signal : Tensor
            (n,) signal to noise of the fits.
        normal : Tensor
            (n, ERROR_NOISE).

        Returns
        -------
        dict of Tensor
            `morphology`, `radius`, `ellipticity`, `turn` [rad] of the axis, `index`, and `flux` (n, bands), what the
            fitted fluxes are multiplied by.
        """
        told = context(**fitted)
        depth = ((torch.log(signal.clamp(min=1.0)) - 3.5) / 1.5).float()[:, None]
        found = self.light.errors(normal, torch.cat((told, depth), dim=-1))
        along = fitted["ellipticity"] + 0.5 * torch.tanh(found[:, 1])
        across = 0.5 * torch.tanh(found[:, 2])
        shape = torch.sqrt(along**2 + across**2 + 1e-8)
        red = torch.zeros_like(found[:, :1])
        colours = torch.cat((found[:, 5:6], red, found[:, 6:]), dim=-1)
        return {
            "morphology": fitted["morphology"],
            "radius": fitted["radius"] * torch.exp(0.7 * torch.tanh(found[:, 0])),
            "ellipticity": shape.clamp(max=0.9),
            "turn": 0.5 * torch.atan2(across, along),
            "index": (fitted["index"] * torch.exp(torch.tanh(found[:, 3]))).clamp(0.5, 6.0),
            "flux": torch.exp(0.7 * torch.tanh(found[:, 4:5] + 0.3 * colours)),
        }

    def parts(self, told: Tensors, normal: Tensor, turn: Tensor, mirrored: Tensor) -> Tensors:
        """Structures of n galaxies in their round frames, of half-light radius 1 in r.

        Parameters
        ----------
        told : dict of Tensor
            As `context` takes them.
        normal : Tensor
            (n, NOISE).
        turn, mirrored : Tensor
            (n,) an angle [rad] by which waves and spots are turned, and whether mirrored.

        Returns
        -------
        dict of Tensor
            `inner`, `outer` (n, widths) weights, `waves` (n, orders, 2, widths), `share` (n, bands) of the inner part,
            `roundness` (n,) its |e| over the galaxy's, `spots` (n, spots) shares of the outer part, `places`
            (n, spots, 2), `spot_widths` (n, spots); `unit` (n,), the half-light radius of it all.
        """
        raw = self.light.structure(normal, context(**{name: told[name] for name in _TOLD})).split(_SIZES, dim=-1)
        kind, index = told["morphology"].long(), told["index"].float()
        single = torch.where(kind == _ELLIPTICAL, index, torch.ones_like(index))
        outer = _shaped(polar.sersic_weights(single), raw[1])
        core = polar.sersic_weights(torch.full_like(index, 4.0))
        inner = _shaped(torch.roll(core, -2, dims=-1) + 1e-5, raw[0])
        tilt = torch.cat((-functional.softplus(raw[3][:, :1] - 1.0), torch.zeros_like(raw[3][:, :1]),
                          functional.softplus(raw[3][:, 1:] - 1.0)), dim=-1)  # fmt: skip
        share = torch.sigmoid(raw[2] - torch.where(kind == _ELLIPTICAL, 3.0, 1.0)[:, None] + tilt)
        strong, more = self.light.strengths(kind)
        waves = (strong * raw[5]).unflatten(-1, (polar.ORDERS, 2, _WIDTHS)) * outer[:, None, None]
        few = torch.where(kind == _MERGER, 0.0, 4.0)[:, None]
        spots = torch.sigmoid(raw[6] - few + more) * torch.softmax(5.0 * raw[7], dim=-1)
        places = 3.0 * torch.tanh(5.0 * raw[8]).unflatten(-1, (SPOTS, 2))
        widths = torch.exp(-0.8 + 0.8 * torch.tanh(raw[9]))
        waves, places = turned(waves, places, turn, mirrored)
        red = share[:, 1:2]
        rest = (1.0 - red) * (1.0 - spots.sum(-1, keepdim=True))
        distance = torch.sqrt(widths**2 + 0.5 * places.square().sum(-1))
        every = torch.cat((red * inner, rest * outer, (1.0 - red) * spots), dim=-1)
        fixed = torch.tensor(polar.WIDTHS, device=raw[0].device).expand(len(kind), -1)
        unit = polar.half_light(every, torch.cat((fixed, fixed, distance), dim=-1))
        return {
            "inner": inner, "outer": outer, "waves": waves, "share": share, "roundness": torch.sigmoid(raw[4][:, 0]),
            "spots": spots, "places": places, "spot_widths": widths, "unit": unit,
        }  # fmt: skip

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Light of each galaxy at the scale it is drawn at, and the detector's random numbers."""
        filled = with_defaults(conditions)
        drawn = detector_draws(filled, noise)
        first, second = filled["morphology"].long(), filled["blend_with"].long()
        share = torch.where(second >= 0, filled["blend_fraction"].double(), 0.0).float()
        sizes, scales = _grids(filled)
        normal, uniform = noise.normal((2, NOISE), "structure").float(), noise.uniform((2, 2), "isotropy").float()
        light = torch.zeros(len(first), len(BANDS), max(sizes), max(sizes))
        told = {
            "radius": filled["half_light_radius"].float(), "ellipticity": filled["ellipticity"].float(),
            "index": filled["sersic_index"].float(),
        }  # fmt: skip
        angle = torch.deg2rad(filled["position_angle"].float())
        made = []
        for number, kind in enumerate((first, torch.where(second < 0, first, second))):
            turn, mirror = uniform[:, number].unbind(-1)
            made.append(self.parts({"morphology": kind, **told}, normal[:, number], 2 * math.pi * turn, mirror < 0.5))
        for row, original in enumerate(drawn["same_as"].tolist()):
            if original != row:
                light[row] = light[original]
                continue
            one = slice(row, row + 1)
            image = _drawn(made[0], told, angle, one, sizes[row], scales[row])
            if float(share[row]) > 0.0:
                other = _drawn(made[1], told, angle, one, sizes[row], scales[row])
                image = torch.lerp(image, other, share[row])
            crop(light[row], sizes[row])[...] = image
        scale = torch.tensor(scales, dtype=torch.float64)
        return {"light": light.to(filled["redshift"].device), "scale": scale, **drawn}


_TOLD = ("morphology", "radius", "ellipticity", "index")


def _shaped(weights: Tensor, change: Tensor) -> Tensor:
    return torch.softmax(torch.log(weights.clamp(min=1e-6)) + change, dim=-1)


def turned(waves: Tensor, places: Tensor, angle: Tensor, mirrored: Tensor) -> tuple[Tensor, Tensor]:
    """Waves (n, orders, 2, widths) and places (n, spots, 2) mirrored about x where (n,) says so, then turned [rad]."""
    sign = torch.where(mirrored, -1.0, 1.0)
    order = torch.arange(1, waves.shape[1] + 1, dtype=waves.dtype, device=waves.device)
    cosine, sine = (part(angle[:, None] * order)[..., None] for part in (torch.cos, torch.sin))
    a, b = waves[:, :, 0], waves[:, :, 1] * sign[:, None, None]
    waves = torch.stack((a * cosine - b * sine, a * sine + b * cosine), dim=2)
    cosine, sine = torch.cos(angle)[:, None], torch.sin(angle)[:, None]
    x, y = places[..., 0], places[..., 1] * sign[:, None]
    return waves, torch.stack((x * cosine - y * sine, x * sine + y * cosine), dim=-1)


def spectra(made: Tensors, radius: Tensor, ellipticity: Tensor, angle: Tensor, size: int) -> Tensor:
    """Transforms of galaxies of flux 1 in each band, (n, bands, size, size // 2 + 1); the radius in pixels."""
    own = radius / made["unit"]
    shear = polar.shears(ellipticity, angle)
    inner = polar.smooth_spectrum(made["inner"], own, polar.shears(ellipticity * made["roundness"], angle), size)
    outer = polar.wavy_spectrum(made["outer"], made["waves"], own, shear, size)
    xx, xy, yy = (part[:, None] * own[:, None] for part in shear.unbind(-1))
    x, y = made["places"].unbind(-1)
    places = torch.stack((xx * x + xy * y, xy * x + yy * y), dim=-1)
    kx, ky = polar.round_frequencies(own, shear, size)
    square = (kx * kx + ky * ky)[:, None] * made["spot_widths"][..., None, None] ** 2
    bells = made["spots"][..., None, None] * torch.exp((-0.5 * square).clamp(min=-40.0))
    beside = (polar.shift(places, size) * bells).sum(1)
    outer = outer * (1.0 - made["spots"].sum(-1))[:, None, None] + beside
    share = made["share"][..., None, None]
    return share * inner[:, None] + (1.0 - share) * outer[:, None]


def _grids(filled: Tensors) -> tuple[list[int], list[float]]:
    widest = torch.stack([filled[f"psf_fwhm_{band}"].double() for band in BANDS]).amax(0).tolist()
    asked = zip(filled["psf"].tolist(), widest, filled["pixel_scale"].double().tolist(), strict=True)
    found = [grid(*row, stamp_size(filled)) for row in asked]
    return [size for size, _ in found], [scale for _, scale in found]


def _drawn(made: Tensors, told: Tensors, angle: Tensor, one: slice, size: int, scale: float) -> Tensor:
    """Share of one galaxy's flux in each pixel, (bands, size, size), through the band limit; nowhere negative."""
    own = {name: value[one] for name, value in made.items()}
    whole = size + 2 * MARGIN
    light = spectra(own, told["radius"][one] / scale, told["ellipticity"][one], angle[one], whole)
    ky, kx = polar.frequency_grid(whole)
    blur = torch.exp(-0.5 * (kx**2 + ky**2) * (SIGMA * BAND_LIMIT_FWHM / scale) ** 2)
    image = polar.centred(light * blur, whole, size)[0]
    clipped = image.clamp(min=0.0)
    return clipped * (image.sum((-2, -1), keepdim=True) / clipped.sum((-2, -1), keepdim=True).clamp(min=_LEAST))


# Training ----------------------------------------------------------------------------------------------------------


def learn(model: LightBehindCutouts, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Energy scores of two draws against each cutout, on the observed plane, and no light below zero.

    Raises
    ------
    ValueError
        Training galaxies that are no cutouts.
    """
    known = batch.encoded
    if "cutout_image" not in known:
        raise ValueError(
            "cutout_image: missing from the training data; this recipe learns from a folder of cutouts: --data FOLDER"
        )
    size = known["cutout_image"].shape[-1]
    whole = size + MARGIN
    transfer = polar.psf_spectrum(known["cutout_psf"].float(), whole) if model.deconvolve else None
    frame = frame_of(known, batch.conditions, size)
    sides, negative = [], torch.zeros(len(known["cutout_image"]), device=known["cutout_image"].device)
    for draw in ("first", "second"):
        image, below = observed(model, known, batch.conditions, frame, transfer, batch.noise, draw)
        sides.append(image)
        negative = negative + below
    value = score(sides[0], sides[1], known["cutout_image"].float(), known["cutout_weight"].float(), frame)
    batch.notes["energy_score"] = value.detach().mean()
    batch.notes["negative_light"] = negative.detach().mean()
    yield "light", value + 10.0 * negative


def observed(
    model: LightBehindCutouts,
    known: Tensors,
    conditions: Tensors,
    frame: Frame,
    transfer: Tensor | None,
    noise: Noise,
    draw: str,
) -> tuple[Tensor, Tensor]:
    """Cutouts drawn at the fits of others, (n, bands, size, size), and the share of their light below zero (n,)."""
    size = known["cutout_image"].shape[-1]
    fitted = {
        "morphology": conditions["morphology"], "radius": frame.radius * known["cutout_scale"].float(),
        "ellipticity": frame.ellipticity, "index": conditions["sersic_index"].float(),
    }  # fmt: skip
    normal = noise.normal((ERROR_NOISE,), f"errors {draw}").float()
    told = model.behind(fitted, known["cutout_signal"].float(), normal)
    turn, mirror = noise.uniform((2,), f"isotropy {draw}").float().unbind(-1)
    structure = noise.normal((NOISE,), f"structure {draw}").float()
    made = model.parts(told, structure, 2 * math.pi * turn, mirror < 0.5)
    radius = told["radius"] / known["cutout_scale"].float()
    light = spectra(made, radius, told["ellipticity"], frame.angle + told["turn"], size + MARGIN)
    light = light * polar.shift(frame.centre, size + MARGIN)[:, None] * told["flux"][..., None, None]
    image = polar.centred(light if transfer is None else light * transfer, size + MARGIN, size)
    if transfer is not None:
        deviation = known["cutout_noise"].float()[..., None, None]
        grain = noise.normal(tuple(image.shape[1:]), f"pixels {draw}").float()
        alone = known["cutout_single"][:, None, None, None] > 0
        image = image + deviation * torch.where(alone, grain[:, :1], grain)
    return image, below_zero(made)


def below_zero(made: Tensors) -> Tensor:
    """Share of the outer part's light that its waves take below zero, (n,)."""
    radii, directions = _OUTLINE
    widths = torch.tensor(polar.WIDTHS, device=made["outer"].device)
    radius = torch.logspace(-1.0, 0.7, radii, device=widths.device)[:, None]
    bells = torch.exp(-0.5 * (radius / widths) ** 2) / (2.0 * math.pi * widths**2)
    theta = 2.0 * math.pi * torch.arange(directions, device=widths.device) / directions
    brightness = (made["outer"] @ bells.T)[..., None].expand(-1, -1, directions)
    for order in range(1, polar.ORDERS + 1):
        waves = made["waves"][:, order - 1] @ (bells * (radius / widths) ** order).T
        brightness = brightness + waves[:, 0, :, None] * torch.cos(order * theta)
        brightness = brightness + waves[:, 1, :, None] * torch.sin(order * theta)
    area = radius**2
    lost = (functional.relu(-brightness) * area).sum((-2, -1))
    return lost / ((made["outer"] @ bells.T)[..., None] * area).sum((-2, -1)).clamp(min=1e-6) / directions
