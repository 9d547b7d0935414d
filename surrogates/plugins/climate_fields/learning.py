"""Steps of training: energy scores of two draws of two days at each row's conditions, then the calibration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

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


def calibrate(model: WeatherModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Count what the trained model draws at the batch's conditions, and the batch; now and then match the two.

    The first match is of the rain over bands of latitude; the cells' distributions are counted and matched behind it.
    """
    with torch.no_grad():
        made = drawn(model, batch, "calibration")
    last = batch.step % MATCHED_EVERY == MATCHED_EVERY - 1
    banded = bool(model.bands.matched)
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
