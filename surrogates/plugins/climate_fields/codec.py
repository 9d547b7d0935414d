"""Codec of climate fields: departures from a smooth year, the ocean's linear part, and a linear model of the weather.

Temperature and the logarithm of surface pressure are standardised cell by cell, day of the year by day of the year, so
that orography stands in the mean. Precipitation becomes the square root of its daily amount, 0 where it is dry; a
negative root decodes to no rain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...models.linear_inverse import LinearInverseModel
from ...physics.climate.enso import nino34_weights
from ...physics.climate.gaussian_grid import T31
from ...physics.climate.laws import rain, rain_root, with_mean_pressure
from .variables import YEAR

Tensors = dict[str, Tensor]

SHAPE = (3, T31.n_latitude, T31.n_longitude)
"""Temperature, surface pressure and rain on the grid."""

MODES = 200
RAIN_SHARE = 0.03
"""Weight of rain beside temperature and pressure in the choice of patterns: its own are far from Gaussian."""

OCEAN_PATTERNS = 5
RIDGE = 0.3
"""Added to the variance of the Nino3.4 index, K²: the oceans of a few years are few. Twice as much for its seasons."""

LOCAL_RIDGE = 0.005
"""Added to the variance of a cell's own anomaly, in units of (2 K)²."""

WAVES = 3
"""Waves of the year that the response to the index has: 1, a cosine and a sine."""

SMALLEST_SPREAD = (0.1, 2e-4, 0.08)
"""Of temperature, K, the logarithm of pressure, and the root of rain in mm a day."""

SMALLEST_SEASON = 0.25
"""Least variance of a season in units of the year's."""


def season(day_of_year: Tensor, harmonics: int = 2) -> Tensor:
    """(…, 1 + 2 harmonics): 1 and the cosines and sines of the year at days of the year (…)."""
    angle = (day_of_year.double() - 1.0) * (2.0 * math.pi / YEAR)
    waves = [torch.ones_like(angle)]
    for k in range(1, harmonics + 1):
        waves += [torch.cos(k * angle), torch.sin(k * angle)]
    return torch.stack(waves, -1)


class ClimateCodec(nn.Module):
    """Days to standardised fields and back.

    The ocean's part is linear: each cell's response to the anomalies around it, and all cells' to the Nino3.4 index,
    season by season.

    Encoded are `fields` (n, day, 3, 48, 96): standardised temperature and log-pressure, and the root of rain; and of
    the conditions `day` (n,), `days` (n,) and `ocean` (n, 48, 96), the anomaly in units of 2 K.
    """

    mean: Tensor
    spread: Tensor
    ocean_patterns: Tensor
    response: Tensor
    local: Tensor

    def __init__(self, modes: int = MODES) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(5, *SHAPE))
        self.register_buffer("spread", torch.ones(3, *SHAPE))
        self.register_buffer("ocean_patterns", torch.zeros(OCEAN_PATTERNS, *SHAPE[1:]))
        self.register_buffer("response", torch.zeros(WAVES, *SHAPE))
        self.register_buffer("local", torch.zeros(SHAPE))
        self.weather = LinearInverseModel(modes, math.prod(SHAPE))

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Fit year, spread, response to the ocean and the weather's linear model to rows of two consecutive days."""
        physical = pools[0]
        raw = _raw(physical).float()
        first = physical["day_of_year"].double()
        phase = season(first[:, None] + torch.arange(raw.shape[1]))
        flat, waves = raw.flatten(0, 1).flatten(1), phase.flatten(0, 1)
        mean = torch.linalg.lstsq(waves, flat.double()).solution
        self.mean.copy_(mean.reshape(5, *SHAPE))
        departure = (flat - (waves.float() @ mean.float())).square_()
        variance = torch.linalg.lstsq(waves[:, :3], departure.double()).solution
        self.spread.copy_(variance.reshape(3, *SHAPE))
        del departure
        standard = self.standardised(raw, phase)
        ocean = physical["sst_anomaly"].float() / 2.0
        self._fit_patterns(ocean)
        self._fit_response(standard.mean(1), ocean, phase[:, 0])
        standard -= torch.stack([self.linear(ocean, phase[:, day]) for day in range(raw.shape[1])], dim=1)
        self.weather.fit(standard[:, 0].flatten(1), standard[:, 1].flatten(1), _weights())

    def _fit_patterns(self, ocean: Tensor) -> None:
        root = torch.as_tensor(T31.cell_weights()).float().sqrt()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            _, _, axes = torch.svd_lowrank((ocean * root).flatten(1), q=OCEAN_PATTERNS + 10, niter=4)
        axes = axes[:, :OCEAN_PATTERNS].T.reshape(OCEAN_PATTERNS, *SHAPE[1:]) * root
        amplitude = torch.einsum("kij,nij->nk", axes, ocean)
        self.ocean_patterns.copy_(axes / amplitude.square().mean(0).sqrt()[:, None, None])

    def _fit_response(self, daily: Tensor, ocean: Tensor, phase: Tensor) -> None:
        """Slopes of standardised days (n, 3, 48, 96) on the ocean, neither with what a smooth year explains of it."""
        year = torch.linalg.qr(phase).Q.float()

        def apart(rows: Tensor) -> Tensor:
            flat = rows.flatten(1)
            return (flat - year @ (year.T @ flat)).reshape(rows.shape)

        own, departure = apart(ocean), apart(daily)
        shared = torch.stack([(own * departure[:, k]).mean(0) for k in range(SHAPE[0])])
        slope = around(shared) / (around(own.square().mean(0)[None]) + LOCAL_RIDGE)
        self.local.copy_(slope)
        known = apart(index(ocean)[:, None] * phase[:, :WAVES].float()).double()
        rest = apart(daily - slope * ocean[:, None]).flatten(1).double()
        ridge = torch.tensor([RIDGE] + [2.0 * RIDGE] * (WAVES - 1)).to(known)
        gram = known.T @ known / len(known) + torch.diag(ridge)
        self.response.copy_(torch.linalg.solve(gram, known.T @ rest / len(known)).reshape(self.response.shape))

    def linear(self, ocean: Tensor, phase: Tensor) -> Tensor:
        """Mean standardised fields (n, 3, 48, 96) that go with an encoded ocean (n, 48, 96) at waves of the year."""
        known = index(ocean)[:, None] * phase[:, :WAVES].to(ocean.dtype)
        far = torch.einsum("nw,wvij->nvij", known, self.response.to(ocean.dtype))
        return far + self.local.to(ocean.dtype) * ocean[:, None]

    def year(self, phase: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the raw fields, (…, 3, 48, 96), at waves of the year (…, 5)."""
        mean = torch.tensordot(phase.to(self.mean.dtype), self.mean, 1)
        variance = torch.tensordot(phase[..., :3].to(self.spread.dtype), self.spread, 1)
        least = torch.tensor(SMALLEST_SPREAD, dtype=mean.dtype, device=mean.device)[:, None, None]
        variance = torch.maximum(variance, SMALLEST_SEASON * self.spread[0].to(variance.dtype))
        return mean, torch.maximum(variance.clamp(min=0.0).sqrt(), least)

    def standardised(self, raw: Tensor, phase: Tensor) -> Tensor:
        """Raw fields less their mean over their standard deviation, rain included."""
        made = torch.empty_like(raw)
        for rows in range(0, len(raw), 256):
            mean, spread = self.year(phase[rows : rows + 256])
            made[rows : rows + 256] = (raw[rows : rows + 256] - mean) / spread
        return made

    def states(self, fields: Tensor, phase: Tensor, response: Tensor) -> Tensor:
        """Coordinates (n, modes) of encoded fields (n, 3, 48, 96) in the weather's patterns.

        `phase` holds the waves of the year (n, 5), and `response` what `linear` gives for the ocean.
        """
        mean, spread = self.year(phase)
        rain = (fields[:, 2] - mean[:, 2]) / spread[:, 2]
        departure = torch.cat((fields[:, :2], rain[:, None]), dim=1) - response
        return self.weather.coordinates(departure.flatten(1), _weights())

    def encode(self, physical: Tensors) -> Tensors:
        encoded: Tensors = {}
        if "tas" in physical:
            raw = _raw(physical)
            phase = season(physical["day_of_year"].double()[:, None] + torch.arange(raw.shape[1], device=raw.device))
            standard = self.standardised(raw, phase)
            encoded["fields"] = torch.cat((standard[:, :, :2], raw[:, :, 2:]), dim=2).float()
        if "day_of_year" in physical:
            encoded["day"] = physical["day_of_year"].double()
        if "n_days" in physical:
            encoded["days"] = physical["n_days"]
        if "sst_anomaly" in physical:
            encoded["ocean"] = (physical["sst_anomaly"] / 2.0).float()
        return encoded

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Float64 `tas`, `pr` and `ps` (n, day, 48, 96), the last with the climate's mean."""
        fields = encoded["fields"].double()
        days = torch.arange(fields.shape[1], device=fields.device)
        mean, spread = self.year(season(conditions["day_of_year"].double()[:, None] + days))
        raw = mean[:, :, :2] + spread[:, :, :2] * fields[:, :, :2]
        return {
            "tas": raw[:, :, 0],
            "pr": rain(fields[:, :, 2]),
            "ps": with_mean_pressure(torch.exp(raw[:, :, 1])),
        }


def index(ocean: Tensor) -> Tensor:
    """Nino3.4 index, K, of an encoded ocean; (n,)."""
    return 2.0 * (ocean * torch.as_tensor(nino34_weights()).to(ocean)).sum((-2, -1))


def around(maps: Tensor) -> Tensor:
    """Means over cells and their eight neighbours, of maps (k, 48, 96)."""
    ring = torch.cat((maps[..., -1:], maps, maps[..., :1]), dim=-1)
    return nn.functional.avg_pool2d(nn.functional.pad(ring[:, None], (0, 0, 1, 1), mode="replicate"), 3, 1)[:, 0]


def _weights() -> Tensor:
    """Weight of every number of a day's fields in the choice of patterns, (3 * 48 * 96,)."""
    area = torch.as_tensor(T31.cell_weights()).float()
    return torch.stack((area, area, RAIN_SHARE * area)).flatten()


def _raw(physical: Tensors) -> Tensor:
    """(n, day, 3, 48, 96): temperature, logarithm of the projected pressure, root of rain."""
    pressure = torch.log(with_mean_pressure(physical["ps"].double()))
    return torch.stack((physical["tas"].double(), pressure, rain_root(physical["pr"].double())), dim=2)
