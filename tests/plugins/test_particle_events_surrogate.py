"""The released tau-pair weights: laws, forced decays, spins, the reference's own promises."""

import numpy as np
import pytest
import torch

import surrogates
from surrogates.plugins.particle_events.impostors import shuffled_taus
from surrogates.plugins.particle_events.measure import measure
from surrogates.plugins.particle_events.particles import channel_names
from surrogates.training.pools import Pool
from surrogates.training.train import sample_figure

ENERGIES = (10.6, 29.0, 91.2, 133.0, 250.0)


@pytest.fixture(scope="module")
def surrogate() -> surrogates.Surrogate:
    return surrogates.load("particle-events")


@pytest.mark.parametrize("radiation", ["off", "on"])
def test_every_law_holds_in_float64_at_every_energy(surrogate, radiation):
    energies = np.repeat(ENERGIES, 400)
    events = surrogate.sample(len(energies), seed=3, energy=energies, initial_state_radiation=radiation)
    for law in surrogate.plugin.constraints:
        assert events.attrs[f"residual_{law.name}"] <= law.tolerance, law.name
    assert (events["n_dropped"] == 0).all()


def test_training_shows_whole_events_though_its_pools_hold_parts(surrogate):
    pool = Pool({"radiated": torch.zeros(5)}, {"energy": torch.full((5,), 91.2)})
    shown = sample_figure(surrogate.plugin, pool, seed=0, n=200)(surrogate.model, surrogate.codec)
    assert "200 events" in shown.legends[0].get_texts()[0].get_text()


def test_asked_decays_are_given(surrogate):
    events = surrogate.sample(500, seed=1, energy=91.2, asked_decay_minus="pi-", asked_decay_plus="pi0_pi-")
    names = channel_names()
    assert (events["tau_decay"].values == [names.index("pi-"), names.index("pi0_pi-")]).all()


def test_pion_energies_are_correlated_as_in_the_literature_and_shuffled_taus_are_not(surrogate):
    # 1/3 for two spin-1/2 taus with opposite helicities (Tsai 1971), less a little below the Z's velocity
    events = surrogate.sample(
        6000, seed=2, energy=91.2, initial_state_radiation="off", asked_decay_minus="pi-", asked_decay_plus="pi-"
    )
    found = {}
    for name, data in (("surrogate", events), ("shuffled", shuffled_taus(events, seed=1))):
        reduced = measure.reduce(data)
        found[name] = np.corrcoef(reduced["x_minus"].values, reduced["x_plus"].values)[0, 1]
    assert 0.27 < found["surrogate"] < 0.38
    assert abs(found["shuffled"]) < 0.06


def test_branching_fractions_are_those_of_the_table(surrogate):
    decays = surrogate.sample(8000, seed=4, energy=60.0)["tau_decay"].values
    share = (decays == channel_names().index("pi0_pi-")).mean()
    assert share == pytest.approx(0.2537, abs=4 * np.sqrt(0.25 * 0.75 / 16000))


def test_reference_rows_do_not_depend_on_one_another():
    pytest.importorskip("pythia8mc", reason="the reference needs the extra `particles`")
    pythia = surrogates.reference("particle-events")
    events = pythia.sample(4, seed=9, energy=91.2, initial_state_radiation="off")
    again = pythia.sample(events[list(pythia.conditions.names)].isel(sample=[2, 0]), seed=9)
    assert np.array_equal(again["px"].values, events["px"].values[[2, 0]])
