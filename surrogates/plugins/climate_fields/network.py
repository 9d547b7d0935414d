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

from ...models.lag_matching import LagMatching, LagTally
from ...models.linear_inverse import correlated
from ...models.mean_matching import MeanMatching, MeanTally
from ...models.quantile_mapping import QuantileMapping, Tally
from ...networks.sphere import SphereCritic, SphereNet
from ...physics.climate.gaussian_grid import T31
from .codec import SHAPE, WAVES, ClimateCodec, around, index, season
from .ocean import ocean
from .scores import seen_fields

if TYPE_CHECKING:
    from ...noise import Noise

Tensors = dict[str, Tensor]

DRIFT = (0, 0, 0, 0, 1, 2, 3, -1)
"""Cells by which each field of white noise moves east from one day to the next."""
GRID_NOISE = len(DRIFT)

PLACES = 8
"""Maps that are learned and say where on the sphere a cell is."""

TALLIED = (-4.0, 12.0)
"""Range of the root of rain that calibration counts in bins."""

BANDS = 3
"""South, tropics and north: windows of latitude that go over into one another from 45 degrees to the equator."""

LAGGED = 2
"""Temperature and pressure: their correlation from day to day is calibrated, cell by cell."""

KNOWN = 5 + WAVES
"""What the mean rain of a band follows: waves of the year, and the Nino3.4 index by season."""

_QUICK = 10.0
"""Times that the noise's persistence learns faster than weights do."""

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
        self.kept = nn.Parameter(torch.linspace(-2.0, 2.0, GRID_NOISE // 2).repeat(2) / _QUICK)
        self.places = nn.Parameter(0.1 * torch.randn(PLACES, *SHAPE[1:]))

    @property
    def persistence(self) -> Tensor:
        """Share of each field of noise that is kept from day to day, (GRID_NOISE, 1, 1)."""
        return torch.sigmoid(_QUICK * self.kept)[:, None, None]

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

    ships: tuple[str, ...] = ("generator", "bands", "calibration", "lags")

    def __init__(self, codec: ClimateCodec, width: int = 48, coarse_width: int = 80) -> None:
        super().__init__()
        self.linear = (codec,)  # in a tuple: the codec is released by itself
        self.generator = DayNetwork(width, coarse_width)
        self.discriminator = SphereCritic(2 * SHAPE[0] + 6, width=width)
        cells = SHAPE[1] * SHAPE[2]
        self.calibration = QuantileMapping(1, cells)
        self.drawn, self.given = (Tally(1, cells, *TALLIED) for _ in range(2))
        self.bands = MeanMatching(KNOWN, BANDS)
        self.drawn_bands, self.given_bands = (MeanTally(KNOWN, BANDS) for _ in range(2))
        self.lags = LagMatching((LAGGED, *SHAPE[1:]))
        self.drawn_lags, self.given_lags = (LagTally((LAGGED, *SHAPE[1:])) for _ in range(2))
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
        days = enumerate(self.lagged(self.days(conditions, noise, length, "weather"), conditions))
        made = [self.calibrated(self.with_bands(fields, conditions, day)) for day, fields in days]
        return {"fields": torch.stack(made, dim=1)}

    def lagged(self, days: Iterable[Tensor], conditions: Tensors) -> Iterator[Tensor]:
        """Consecutive days (n, 3, 48, 96) whose temperature and pressure stay as long as the reference's."""
        before, drawn_before = None, None
        for day, fields in enumerate(days):
            usual = self.response(conditions, day)[:, :LAGGED]
            anomaly = fields[:, :LAGGED] - usual
            before = anomaly if before is None else self.lags(before, drawn_before, anomaly)
            drawn_before = anomaly
            yield torch.cat((usual + before, fields[:, LAGGED:]), dim=1)

    @torch.no_grad()
    def tally_lags(self, drawn: Tensor, given: Tensor, conditions: Tensors) -> None:
        """Count two consecutive days of drawn and given fields (n, 2, 3, 48, 96)."""
        usual = torch.stack([self.response(conditions, day)[:, :LAGGED] for day in range(2)], dim=1)
        self.drawn_lags.add(*(drawn[:, :, :LAGGED] - usual).unbind(1))
        self.given_lags.add(*(given[:, :, :LAGGED] - usual).unbind(1))

    def match_lags(self) -> None:
        """Match the correlations of temperature and pressure from day to day, over cells and their neighbours."""
        drawn, given = (
            around(covariance) / around(variance).clamp(min=1e-9)
            for covariance, variance in (self.drawn_lags.moments(), self.given_lags.moments())
        )
        self.lags.match(drawn, given)

    def with_bands(self, fields: Tensor, conditions: Tensors, day: int) -> Tensor:
        """Fields (n, 3, 48, 96) of so many days later whose rain over bands of latitude is calibrated."""
        means = self.band_means(fields)
        wanted = self.bands(means, self.known(conditions, day))
        factor = (wanted / means.clamp(min=1e-3)).clamp(0.4, 2.5) @ _windows(means)
        rain = fields[:, 2]
        rain = torch.where(rain > 0.0, rain * factor.sqrt()[:, :, None], rain)
        return torch.cat((fields[:, :2], rain[:, None]), dim=1)

    def band_means(self, fields: Tensor) -> Tensor:
        """Mean rain of each band, mm a day, of fields (n, 3, 48, 96); (n, BANDS)."""
        window = _windows(fields) * torch.as_tensor(T31.cell_weights().sum(1)).to(fields)
        zonal = fields[:, 2].clamp(min=0.0).square().mean(-1)
        return zonal @ (window / window.sum(1, keepdim=True)).T

    def known(self, conditions: Tensors, day: int) -> Tensor:
        """(n, KNOWN) of so many days after the first."""
        phase = season(conditions["day"] + day).float()
        return torch.cat((phase, index(conditions["ocean"].float())[:, None] * phase[:, :WAVES]), dim=1)

    @torch.no_grad()
    def tally_bands(self, drawn: Tensor, given: Tensor, conditions: Tensors, day: int) -> None:
        """Count the bands' rain of drawn and given fields (n, 3, 48, 96)."""
        known = self.known(conditions, day)
        self.drawn_bands.add(self.band_means(drawn), known)
        self.given_bands.add(self.band_means(given), known)

    def calibrated(self, fields: Tensor) -> Tensor:
        """Fields (n, 3, 48, 96) with every cell's own distribution of rain over the year."""
        rain = self.calibration(fields[:, 2].flatten(1), fields.new_ones(len(fields), 1)).unflatten(1, SHAPE[1:])
        return torch.cat((fields[:, :2], rain[:, None]), dim=1)

    @torch.no_grad()
    def tally(self, drawn: Tensor, given: Tensor) -> None:
        """Count the rain of drawn and given fields (n, 3, 48, 96); dry is anywhere below no rain."""
        rain, all_year = given[:, 2], torch.zeros(len(given), dtype=torch.int64)
        rain = torch.where(rain <= 0.0, -torch.rand_like(rain), rain)
        self.drawn.add(drawn[:, 2].flatten(1), all_year)
        self.given.add(rain.flatten(1), all_year)

    def calibrate(self) -> None:
        """Match what was drawn to what was given, as far as both are counted."""
        self.calibration.match(self.drawn.quantiles(), self.given.quantiles())

    def days(self, conditions: Tensors, noise: Noise, length: int, name: str) -> Iterator[Tensor]:
        """Yield `length` consecutive days (n, 3, 48, 96); `name` goes into the names of the draws."""
        with torch.autocast(conditions["ocean"].device.type, enabled=False):
            states = list(self.codec.weather.states(noise, length, name))
        yield from self.days_of(states, conditions, noise, name)

    @property
    def codec(self) -> ClimateCodec:
        return self.linear[0]

    def response(self, conditions: Tensors, day: int) -> Tensor:
        """Mean standardised fields (n, 3, 48, 96) of so many days later that go with the ocean."""
        ocean_map = conditions["ocean"].float()
        with torch.autocast(ocean_map.device.type, enabled=False):
            return self.codec.to(ocean_map.device).linear(ocean_map, season(conditions["day"] + day).float())

    def shown(self, fields: Tensor, conditions: Tensors) -> Tensor:
        """What the critic sees (n, 12, 48, 96) of two encoded days (n, 2, 3, 48, 96): them, land, season and ocean."""
        n = len(fields)
        phase = season(conditions["day"]).float()[:, 1:3, None, None].expand(-1, -1, *SHAPE[1:])
        land = self.land.expand(n, -1, -1, -1)  # type: ignore[operator]
        ocean_map = conditions["ocean"].float()[:, None]
        return torch.cat((seen_fields(fields).flatten(1, 2), land, phase, ocean_map), dim=1)

    def truths_states(self, fields: Tensor, conditions: Tensors) -> list[Tensor]:
        """The linear model's states (n, modes) of each day of encoded fields (n, day, 3, 48, 96)."""
        with torch.no_grad(), torch.autocast(fields.device.type, enabled=False):
            return [
                self.codec.states(
                    fields[:, day], season(conditions["day"] + day).float(), self.response(conditions, day)
                )
                for day in range(fields.shape[1])
            ]

    def days_of(self, states: Iterable[Tensor], conditions: Tensors, noise: Noise, *names: str) -> Iterator[Tensor]:
        """Yield a day (k n, 3, 48, 96), k draws of n rows, for each of these states of the linear model (n, modes)."""
        patterns = self.codec.weather.patterns.float()
        copies = len(names)
        ocean_map, first_day = conditions["ocean"].float().repeat(copies, 1, 1), conditions["day"].repeat(copies)
        white = None
        for day, state in enumerate(states):
            with torch.autocast(ocean_map.device.type, enabled=False):
                fresh = torch.cat([noise.normal((GRID_NOISE, *SHAPE[1:]), name, "grid", day) for name in names]).float()
                white = fresh if white is None else self.generator.next_noise(white, fresh)
                weather = (state @ patterns).reshape(-1, *SHAPE)
                base = (self.response(conditions, day) + weather).repeat(copies, 1, 1, 1)
            yield self.day(base, white, ocean_map, first_day + day)

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


def _windows(like: Tensor) -> Tensor:
    """Share of each latitude in each band, (BANDS, 48)."""
    north = torch.as_tensor(T31.latitudes).to(like) / 45.0
    sides = (-north).clamp(0.0, 1.0), north.clamp(0.0, 1.0)
    return torch.stack((sides[0], 1.0 - sides[0] - sides[1], sides[1]))
