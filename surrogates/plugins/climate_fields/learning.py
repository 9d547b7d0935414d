"""Steps of training: energy scores of two draws of two days at each row's conditions, a critic, the calibration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...models.adversarial import discriminator_loss, generator_loss, separation, squared_gradient
from .recipes import MATCHED_EVERY
from .scores import climate_score

if TYPE_CHECKING:
    from ...contract.recipe import Batch
    from .network import WeatherModel


def drawn(model: WeatherModel, batch: Batch, name: str) -> Tensor:
    """Two consecutive days (n, 2, 3, 48, 96) at the batch's conditions."""
    return torch.stack(list(model.days(batch.conditions, batch.noise, 2, name)), dim=1)


def score(model: WeatherModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Energy score of what two draws and the truth look like."""
    shift = (batch.step * 5 % 8, batch.step * 3 % 8)
    states = model.truths_states(batch.encoded["fields"], batch.conditions)
    both = model.days_of(states, batch.conditions, batch.noise, "first", "second")
    made = torch.stack(list(both), dim=1).chunk(2)
    with torch.autocast(made[0].device.type, enabled=False):
        loss = climate_score(*made, batch.encoded["fields"], shift)  # type: ignore[operator]
    yield "generator", loss


SLOPE = 20.0
"""Weight of the critic's squared slopes at days of either kind (Huang et al. 2024, arXiv:2501.05441)."""

SLOPE_EVERY = 4
"""Updates between two that count the slopes; they weigh as many times more."""


def refine(model: WeatherModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """A critic of two days' texture beside the energy score, at states that the linear model draws itself.

    The scores alone leave neighbouring cells too seldom wet together; a critic sees what no listed view does. It is
    told season, ocean and land, and pairs drawn with true days in a relativistic game.
    """
    truth = batch.encoded["fields"]
    both = [drawn(model, batch, name) for name in ("first", "second")]
    made = both[0].detach()
    counted = batch.step % SLOPE_EVERY == 0
    real, fake = (days.clone().requires_grad_(counted) for days in (truth, made))
    above, below = (model.discriminator(model.shown(days, batch.conditions)) for days in (real, fake))
    loss = discriminator_loss(above, below, "relativistic")
    if counted:
        slopes = squared_gradient(above, real) + squared_gradient(below, fake)
        loss = loss + 0.5 * SLOPE * SLOPE_EVERY * slopes
    batch.notes["separation"] = separation(above.detach(), below.detach())
    yield "discriminator", loss
    with torch.autocast(truth.device.type, enabled=False):
        score = climate_score(*both, truth, (batch.step * 5 % 8, batch.step * 3 % 8))  # type: ignore[arg-type]
    batch.notes["score"] = score.detach().mean()
    with torch.no_grad():
        true = model.discriminator(model.shown(truth, batch.conditions))
    judged = torch.stack([model.discriminator(model.shown(days, batch.conditions)) for days in both]).mean(0)
    yield "generator", score + generator_loss(judged, "relativistic", true)


def calibrate(model: WeatherModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Count what the trained model draws at the batch's conditions, and the batch; now and then match the two.

    The first match is of the rain over bands of latitude; the cells' distributions are counted and matched behind it,
    and beside both how temperature and pressure stay from day to day.
    """
    with torch.no_grad():
        made = drawn(model, batch, "calibration")
    last = batch.step % MATCHED_EVERY == MATCHED_EVERY - 1
    banded = bool(model.bands.matched)
    model.tally_lags(made, batch.encoded["fields"], batch.conditions)
    if last:
        model.match_lags()
    for day in range(made.shape[1]):
        given = batch.encoded["fields"][:, day]
        if banded:
            model.tally(model.with_bands(made[:, day], batch.conditions, day), given)
        else:
            model.tally_bands(made[:, day], given, batch.conditions, day)
    if last and banded:
        model.calibrate()
    elif last:
        model.bands.match(model.drawn_bands, model.given_bands)
    yield from ()
