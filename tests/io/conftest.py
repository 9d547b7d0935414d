"""Synthetic samples for the tests of formats."""

from __future__ import annotations

import pytest
import xarray as xr
from io_samples import jets, particle_events


@pytest.fixture(scope="session")
def events() -> xr.Dataset:
    """Two hundred events."""
    return particle_events(200)


@pytest.fixture(scope="session")
def jet_sample() -> xr.Dataset:
    """Two hundred jets."""
    return jets(200)
