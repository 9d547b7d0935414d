"""The default model: a linear model of the weather draws large scales, one network makes days of them.

The weather's linear inverse model gives, in closed form, sequences of Gaussian fields whose covariances at lags 0 and 1
are the reference's. A network on the sphere sees them beside the ocean, the season, the land and fields of white noise
that keep a learned share from day to day, and adds what is not linear nor Gaussian: wet and dry, fronts, small scales.
A single day is the first of a sequence: a sequence costs no more a day than single days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...models.linear_inverse import correlated
from ...models.quantile_mapping import QuantileMapping, Tally
from ...networks.sphere import SphereNet
from ...physics.climate.gaussian_grid import T31
from .codec import SHAPE, ClimateCodec, season
from .ocean import ocean
from .variables import YEAR

if TYPE_CHECKING:
    from ...noise import Noise

Tensors = dict[str, Tensor]

DRIFT = (0, 0, 0, 0, 1, 2, 3, -1)
"""Cells by which each field of white noise moves east from one day to the next."""
GRID_NOISE = len(DRIFT)

PLACES = 8
"""Maps that are learned and say where on the sphere a cell is."""

SEASONS = 4
TALLIED = ((-8.0, 8.0), (-8.0, 8.0), (-4.0, 12.0))
"""Range of each encoded field that calibration counts in bins."""

_SEEN = 3 + 2 + 2 + 1 + 3 + GRID_NOISE + PLACES


class DayNetwork(nn.Module):
    """One day's fields of the weather's linear part, noise, ocean and season.

    Parameters
    ----------
    width, coarse_width : int
        Channels of `SphereNet`.
    """

    def __init__(self, width: int = 48, coarse_width: int = 80) -> None:
        super().__init__()
        self.maps = SphereNet(_SEEN, 3, width=width, coarse_width=coarse_width)
        self.maps.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.kept = nn.Parameter(torch.linspace(-2.0, 2.0, GRID_NOISE // 2).repeat(2))
        self.places = nn.Parameter(0.1 * torch.randn(PLACES, *SHAPE[1:]))

    @property
    def persistence(self) -> Tensor:
        """Share of each field of noise that is kept from day to day, (GRID_NOISE, 1, 1)."""
        return torch.sigmoid(self.kept)[:, None, None]

    def forward(self, seen: Tensor) -> Tensor:
        """Correction (n, 3, 48, 96) of maps (n, _SEEN - PLACES, 48, 96)."""
        seen = torch.cat((seen, self.places.expand(len(seen), -1, -1, -1)), dim=1)
        return self.maps(seen.contiguous(memory_format=torch.channels_last)).contiguous()

    def next_noise(self, before: Tensor, fresh: Tensor) -> Tensor:
        """Fields of noise (n, GRID_NOISE, 48, 96) one day later: moved, and renewed in part."""
        moved = torch.stack([before[:, number].roll(cells, -1) for number, cells in enumerate(DRIFT)], dim=1)
        return correlated(moved, fresh, self.persistence)


class WeatherModel(nn.Module):
    """Draws encoded fields of consecutive days.

    Parameters
    ----------
    codec : ClimateCodec
        Fitted; its linear parts are used and not copied.
    width, coarse_width : int
    """

    ships: tuple[str, ...] = ("generator", "calibration")

    def __init__(self, codec: ClimateCodec, width: int = 48, coarse_width: int = 80) -> None:
        super().__init__()
        self.linear = (codec,)  # in a tuple: the codec is released by itself
        self.generator = DayNetwork(width, coarse_width)
        cells = SHAPE[1] * SHAPE[2]
        self.calibration = nn.ModuleList(QuantileMapping(SEASONS, cells) for _ in TALLIED)
        self.drawn, self.given = (
            nn.ModuleList(Tally(SEASONS, cells, low, high) for low, high in TALLIED) for _ in range(2)
        )
        known, sine = ocean(), torch.as_tensor(T31.sines).float()
        self.register_buffer(
            "land",
            torch.stack(
                (
                    torch.as_tensor(known.land).float(),
                    torch.as_tensor(known.height).float() / 2000.0,
                    sine[:, None].expand(SHAPE[1:]),
                )
            ),
            persistent=False,
        )

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """As many days in turn as the rows ask for, calibrated."""
        length = int(conditions["days"].max()) if "days" in conditions else 1
        made = [
            self.calibrated(fields, conditions["day"] + day)
            for day, fields in enumerate(self.days(conditions, noise, length, "weather"))
        ]
        return {"fields": torch.stack(made, dim=1)}

    def calibrated(self, fields: Tensor, day_of_year: Tensor) -> Tensor:
        """Fields (n, 3, 48, 96) with every cell's own distribution in the season of the days (n,)."""
        weights = season_weights(day_of_year)
        maps = [
            mapping(fields[:, number].flatten(1), weights).unflatten(1, SHAPE[1:])
            for number, mapping in enumerate(self.calibration)
        ]
        return torch.stack(maps, dim=1)

    @torch.no_grad()
    def tally(self, drawn: Tensor, given: Tensor, day_of_year: Tensor) -> None:
        """Count drawn and given fields (n, 3, 48, 96) of the days (n,); dry is anywhere below no rain."""
        season_of = (year_share(day_of_year) * SEASONS).long().clamp(0, SEASONS - 1)
        dry = given[:, 2] <= 0.0
        given = torch.stack((given[:, 0], given[:, 1], torch.where(dry, -torch.rand_like(given[:, 2]), given[:, 2])), 1)
        for tallies, fields in ((self.drawn, drawn), (self.given, given)):
            for number, tally in enumerate(tallies):
                tally.add(fields[:, number].flatten(1), season_of)  # type: ignore[operator]

    def calibrate(self) -> None:
        """Match what was drawn to what was given, as far as both are counted."""
        for mapping, drawn, given in zip(self.calibration, self.drawn, self.given, strict=True):
            mapping.match(drawn.quantiles(), given.quantiles())  # type: ignore[operator]

    def days(self, conditions: Tensors, noise: Noise, length: int, name: str) -> Iterator[Tensor]:
        """Yield `length` consecutive days (n, 3, 48, 96); `name` goes into the names of the draws."""
        response = self.response(conditions)
        yield from self.days_of(self.codec.weather.states(noise, length, name), response, conditions, noise, name)

    @property
    def codec(self) -> ClimateCodec:
        return self.linear[0]

    def response(self, conditions: Tensors) -> Tensor:
        """Mean standardised fields (n, 3, 48, 96) that go with the ocean."""
        ocean_map = conditions["ocean"].float()
        with torch.autocast(ocean_map.device.type, enabled=False):
            return self.codec.to(ocean_map.device).linear(ocean_map)

    def truths_states(self, fields: Tensor, response: Tensor, conditions: Tensors) -> list[Tensor]:
        """The linear model's states (n, modes) of each day of encoded fields (n, day, 3, 48, 96)."""
        with torch.no_grad(), torch.autocast(fields.device.type, enabled=False):
            return [
                self.codec.states(fields[:, day], season(conditions["day"] + day).float(), response)
                for day in range(fields.shape[1])
            ]

    def days_of(
        self, states: Iterable[Tensor], response: Tensor, conditions: Tensors, noise: Noise, name: str
    ) -> Iterator[Tensor]:
        """Yield a day (n, 3, 48, 96) for each of these states of the linear model (n, modes)."""
        patterns = self.codec.weather.patterns.float()
        white = None
        for day, state in enumerate(states):
            with torch.autocast(response.device.type, enabled=False):
                fresh = noise.normal((GRID_NOISE, *SHAPE[1:]), name, "grid", day).float()
                white = fresh if white is None else self.generator.next_noise(white, fresh)
                base = response + (state @ patterns).reshape(-1, *SHAPE)
            yield self.day(base, white, conditions["ocean"].float(), conditions["day"] + day)

    def day(self, base: Tensor, white: Tensor, ocean_map: Tensor, day_of_year: Tensor) -> Tensor:
        """Fields (n, 3, 48, 96) of a linear base, fields of noise, the encoded ocean and the day of the year (n,)."""
        n = len(base)
        phase = season(day_of_year).float()
        mean, spread = self.linear[0].year(phase)
        dampness = torch.stack((mean[:, 2], spread[:, 2]), dim=1)
        seen = torch.cat(
            (
                self.land.expand(n, -1, -1, -1),  # type: ignore[operator]
                dampness,
                phase[:, 1:3, None, None].expand(-1, -1, *SHAPE[1:]),
                ocean_map[:, None],
                base,
                white,
            ),
            dim=1,
        )
        made = base + self.generator(seen).float()
        return torch.cat((made[:, :2], (mean[:, 2] + spread[:, 2] * made[:, 2])[:, None]), dim=1)


def year_share(day_of_year: Tensor) -> Tensor:
    """Share of the year that is over, 0 to below 1."""
    return ((day_of_year - 1.0) % YEAR) / YEAR


def season_weights(day_of_year: Tensor) -> Tensor:
    """(n, SEASONS): weights of the two seasons whose middles are nearest, linear between them."""
    middles = (torch.arange(SEASONS, device=day_of_year.device) + 0.5) / SEASONS
    apart = (year_share(day_of_year)[:, None] - middles + 0.5) % 1.0 - 0.5
    return (1.0 - SEASONS * apart.abs()).clamp(min=0.0).float()
