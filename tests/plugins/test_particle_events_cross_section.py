"""The cross-section that event files state is Pythia's own."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from surrogates.plugins.particle_events.cross_section import cross_section


def at(energy: float, radiation: int) -> tuple[float, float]:
    events = xr.Dataset({"energy": ("sample", [energy]), "initial_state_radiation": ("sample", [radiation])})
    (value,), (error,) = cross_section(events)
    return value, error


@pytest.mark.parametrize(("energy", "radiation"), [(10.58, 1), (34.7, 1), (91.2, 0), (90.03, 0), (240.0, 1)])
def test_the_table_agrees_with_a_run_of_pythia_between_its_energies(energy, radiation):
    pytest.importorskip("pythia8mc")
    from surrogates.plugins.particle_events.cross_section import simulated

    value, error = at(energy, radiation)
    ran, ran_error = simulated(energy, bool(radiation), 10_000, seed=77)
    assert abs(value - ran) < 4 * np.hypot(error, ran_error)
    assert error < 0.01 * value


def test_the_peak_of_the_z_is_where_it_was_measured():
    """Without radiation, 12 pi / MZ^2 Gamma_ee Gamma_tautau / GammaZ^2 = 2.00 nb, and the photon's less than 1 %.

    S. Schael et al., Phys. Rept. 427 (2006) 257.
    """
    energies = np.linspace(88, 95, 141)
    values = [at(energy, 0)[0] for energy in energies]
    assert energies[int(np.argmax(values))] == pytest.approx(91.19, abs=0.1)
    assert max(values) == pytest.approx(2000, rel=0.03)


def test_energies_beyond_the_table_have_none():
    assert np.isnan(at(1000.0, 1)).all()
