"""Where the surrogate's range ends, the reference's own, wider one counts; and the error says so."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc", reason="the extra `particles` is not installed")
pytest.importorskip("fastjet", reason="the extra `particles` is not installed")

import surrogates
from surrogates.contract.errors import SchemaError


@pytest.mark.parametrize("energy", [10.02, 10.58, 365.0, 1000.0])
def test_tau_pairs_beyond_the_trained_energies_come_from_pythia(energy):
    events = surrogates.load("particle-events", fallback="reference").sample(
        3, seed=1, energy=[91.2, energy, energy], initial_state_radiation="off"
    )
    assert events["source"].values.tolist() == [0, 1, 1]
    total = events["E"].where(events["pdg_id"] != 0, 0.0).sum("particle")
    np.testing.assert_allclose(total, [91.2, energy, energy], rtol=1e-9)


@pytest.mark.parametrize("momentum", [350.0, pytest.param(600.0, marks=pytest.mark.slow), 1500.0])
def test_jets_beyond_the_trained_momenta_come_from_pythia(momentum):
    jets = surrogates.load("jets", fallback="reference").sample(
        4, seed=1, jet_type=["gluon", "gluon", "light_quark", "top"], jet_pt=[900.0, momentum, momentum, momentum]
    )
    assert jets["source"].values.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(jets["jet_pt"], [900.0, momentum, momentum, momentum])
    assert (jets["n_constituents"].values > 3).all()


@pytest.mark.parametrize(
    ("name", "asked", "ways"),
    [
        ("particle-events", {"energy": 365.0}, "load with fallback='reference' or extrapolate=True to go beyond"),
        ("particle-events", {"energy": 10.58}, "load with fallback='reference' or extrapolate=True to go beyond"),
        ("jets", {"jet_type": "top", "jet_pt": 600.0}, "load with fallback='reference' or extrapolate=True"),
    ],
)
def test_the_error_names_the_ways_beyond_the_trained_range(name, asked, ways):
    with pytest.raises(SchemaError, match=ways):
        surrogates.load(name).sample(1, seed=1, **asked)


def test_what_the_reference_cannot_do_either_is_an_error_of_its_own_range():
    with pytest.raises(SchemaError, match=r"energy: 5 GeV is out of range; expected 10\.01 to 1000 GeV"):
        surrogates.load("particle-events", fallback="reference").sample(1, seed=1, energy=5.0)
    with pytest.raises(SchemaError) as refused:
        surrogates.load("particle-events").sample(1, seed=1, energy=5.0)
    assert "fallback" not in str(refused.value)
