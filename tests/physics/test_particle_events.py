"""Tau-pair physics: laws that hold exactly and notice breakage, observables on hand-made and simulated events."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.physics.particle_events import (
    boost_to_rest_frame,
    invariant_mass,
    observables,
    spin_observables,
)
from surrogates.physics.particle_events.kinematics import angle, boost_matrix, production_axes, tau_frames
from surrogates.physics.particle_events.laws import final_states
from surrogates.plugins.particle_events.laws import laws

PION, MUON, TAU = 0.13957, 0.10566, 1.77682
CHANNELS = ((16, -211), (16, 14, -14))
DECAYS = {111: ((22, 22), (22, 11, -11))}
LAWS = {
    law.name: law for law in laws({11: 0.000511, 16: 0.0, 22: 0.0, 211: PION}, ((16, -211), (16, 111, -211)), DECAYS)
}


def two_body(direction, heavy, light):
    """Momentum of the heavy product in the rest frame of a tau that decays to it and a massless one."""
    size = (TAU**2 - heavy**2) / (2 * TAU) if light == 0 else np.nan
    return np.append(size * direction, np.hypot(size, heavy))


def boosted(momentum, tau):
    """From the tau's rest frame to the laboratory."""
    back = tau * np.array([-1, -1, -1, 1])
    return boost_to_rest_frame(momentum[None], back[None])[0]


def pi_pi_events(cosines, energy=91.2, tau_polar=0.7):
    """Events tau -> pi nu on both sides; `cosines` (n, 2) of the pion to its tau's direction of flight."""
    n = len(cosines)
    size = np.sqrt((energy / 2) ** 2 - TAU**2)
    axis = np.array([np.sin(tau_polar), 0.0, np.cos(tau_polar)])
    across = np.array([0.0, 1.0, 0.0])
    taus = np.zeros((n, 2, 4))
    particles = np.zeros((n, 40, 4))
    ids = np.zeros((n, 40), dtype=np.int32)
    for row, side in itertools.product(range(n), (0, 1)):
        along = axis if side == 0 else -axis
        taus[row, side] = [*(size * along), energy / 2]
        cosine = cosines[row, side]
        direction = cosine * along + np.sqrt(1 - cosine**2) * across
        pion = two_body(direction, PION, 0.0)
        neutrino = np.append(-pion[:3], TAU - pion[3])
        particles[row, 2 * side] = boosted(pion, taus[row, side])
        particles[row, 2 * side + 1] = boosted(neutrino, taus[row, side])
        ids[row, 2 * side : 2 * side + 2] = [-211, 16] if side == 0 else [211, -16]
    events = {
        "pdg_id": ids,
        "charge": np.sign(ids) * (np.abs(ids) == 211),
        "mass": np.where(np.abs(ids) == 211, PION, 0.0),
        "parent": np.where(ids == 0, 0, np.where(np.arange(40) < 2, -1, 1)).astype(np.int8),
        "energy": np.full(n, energy),
        "initial_state_radiation": np.zeros(n, dtype=np.int8),
        "tau_decay": np.zeros((n, 2), dtype=np.int16),
        "n_dropped": np.zeros(n, dtype=np.int32),
    }
    for axis_number, name in enumerate(("px", "py", "pz", "E")):
        events[name] = particles[..., axis_number]
        events["tau_" + name] = taus[..., axis_number]
    return events


def tensors(events):
    return {
        name: torch.from_numpy(np.asarray(array).astype("f8" if np.asarray(array).dtype.kind == "f" else "i8"))
        for name, array in events.items()
    }


@pytest.fixture
def events():
    return pi_pi_events(np.array([[0.5, -0.5], [-0.9, 0.9], [0.1, 0.2]]))


@pytest.mark.parametrize("name", LAWS)
def test_laws_hold_on_a_hand_made_event(name, events):
    found = LAWS[name].residual(tensors(events), tensors(events))
    assert found.dtype == torch.float64
    assert found.shape == (3,)
    assert found.max() <= LAWS[name].tolerance


def broken(events, law):
    """The events with one thing changed that the law forbids, in event 1 alone."""
    changed = {name: array.copy() for name, array in events.items()}
    if law == "mass_shell":
        changed["E"][1, 0] *= 1 + 1e-6
    elif law in ("four_momentum", "tau_momentum"):
        changed["px"][1, 0] += 1e-5
    elif law == "charge":
        changed["charge"][1, 0] = 1
    elif law == "electron_lepton_number":
        changed["pdg_id"][1, 1] = 12
    elif law == "muon_lepton_number":
        changed["pdg_id"][1, 3] = -14
    elif law == "tau_lepton_number":
        changed["pdg_id"][1, 3] = 16
    elif law == "table_masses":
        changed["mass"][1, 0] = 0.14
    elif law == "decay_channels":
        changed["tau_decay"][1, 0] = 1
    return changed


@pytest.mark.parametrize("name", LAWS)
def test_a_broken_law_is_noticed_in_the_event_that_breaks_it(name, events):
    changed = tensors(broken(events, name))
    found = LAWS[name].residual(changed, changed)
    assert found[1] > 10 * max(LAWS[name].tolerance, 1e-12)
    assert max(found[0], found[2]) <= LAWS[name].tolerance


@pytest.mark.parametrize("name", ["mass_shell", "four_momentum", "tau_momentum"])
def test_momentum_laws_pull_momenta_back(name, events):
    moved = tensors(events)
    for component in ("px", "py", "pz", "E"):
        moved[component] = (moved[component] * 1.01).requires_grad_()
    LAWS[name].residual(moved, moved).sum().backward()
    assert torch.isfinite(moved["E"].grad).all()
    assert moved["E"].grad.abs().sum() > 0


def test_unknown_particle_has_no_table_mass(events):
    events["pdg_id"][0, 0] = -2212
    found = LAWS["table_masses"].residual(tensors(events), tensors(events))
    assert found[0] == 1.0


def test_events_with_dropped_particles_are_not_judged_on_sums(events):
    events["pdg_id"][0, 0] = 0
    events["n_dropped"][0] = 1
    found = LAWS["four_momentum"].residual(tensors(events), tensors(events))
    assert found[0] == 0.0


def test_final_states_follow_every_decay_of_a_neutral_pion():
    assert final_states((16, 111, -211), DECAYS) == {
        (1, 0, 0, 0, 0, 0, 0, 0, 0, 2),
        (1, 0, 0, 0, 0, 1, 1, 0, 0, 1),
    }


def test_antiparticles_decay_into_conjugates():
    kaon_star = {323: ((311, 211),), 311: ((130,),)}
    assert final_states((-323,), kaon_star) == {(1, 0, 0, 0, 1, 0, 0, 0, 0, 0)}


def test_a_particle_missing_from_the_decay_table_is_named():
    with pytest.raises(ValueError, match="pdg_id: 3122 neither decays nor is counted"):
        final_states((3122,), DECAYS)


def test_x_is_the_pion_energy_over_the_beam_energy(events):
    found = observables(events)
    np.testing.assert_allclose(found["x_pi_minus"], events["E"][:, 0] / 45.6)
    np.testing.assert_allclose(found["x_plus"], events["E"][:, 2] / 45.6)
    assert np.isnan(found["x_rho_minus"]).all()


def test_forward_pion_is_hard_and_backward_pion_is_soft():
    found = observables(pi_pi_events(np.array([[1.0, -1.0]])))
    assert found["x_minus"][0] > 0.99
    assert found["x_plus"][0] < 0.02


def test_energies_and_angles_of_a_pi_pi_event(events):
    found = observables(events)
    np.testing.assert_allclose(found["visible_energy_fraction"], (events["E"][:, 0] + events["E"][:, 2]) / 91.2)
    np.testing.assert_allclose(found["pair_mass_fraction"], 1.0)
    np.testing.assert_allclose(found["cosine_tau_minus"], np.cos(0.7))
    np.testing.assert_array_equal(found["charged_multiplicity"], 2)
    np.testing.assert_array_equal(found["radiated_fraction"], 0)
    recoil = np.array([0, 0, 0, 91.2]) - np.stack(
        [events[name][:, 0] + events[name][:, 2] for name in ("px", "py", "pz", "E")], -1
    )
    np.testing.assert_allclose(found["missing_mass_fraction"] * 91.2, invariant_mass(recoil))


def test_analyser_of_a_single_pion_is_its_direction_in_the_tau_rest_frame(events):
    found = spin_observables(events)
    np.testing.assert_allclose(found["analyser_z_minus"], [0.5, -0.9, 0.1], atol=1e-9)
    np.testing.assert_allclose(found["analyser_z_plus"], [0.5, -0.9, -0.2], atol=1e-9)


def test_pions_in_one_plane_have_azimuths_that_agree(events):
    found = spin_observables(events)
    np.testing.assert_allclose(np.cos(found["azimuth_difference"]), 1.0, atol=1e-9)


def test_polarimeter_of_the_rho_is_a_unit_vector_and_aligns_with_a_fast_pion():
    events = pi_pi_events(np.array([[0.3, 0.3]]))
    tau = np.stack([events["tau_" + name][0, 0] for name in ("px", "py", "pz", "E")])
    rho_mass, axis = 0.775, np.array([np.sin(0.7), 0.0, np.cos(0.7)])
    rho = two_body(axis, rho_mass, 0.0)
    size = np.sqrt(rho_mass**2 / 4 - PION**2)
    parts = [np.append(sign * size * axis, rho_mass / 2) for sign in (1, -1)]
    pions = [boosted(boost_to_rest_frame(part[None], (rho * [-1, -1, -1, 1])[None])[0], tau) for part in parts]
    neutrino = boosted(np.append(-rho[:3], TAU - rho[3]), tau)
    for name, column in zip(("px", "py", "pz", "E"), np.stack([pions[0], neutrino, pions[1]]).T, strict=True):
        events[name][0, 4:6] = 0.0
        events[name][0, [0, 1, 4]] = column
    events["pdg_id"][0, 4], events["parent"][0, 4] = 22, -1
    events["tau_decay"][0, 0] = 4
    found = spin_observables(events)
    assert found["analyser_z_minus"][0] == pytest.approx(1.0, abs=1e-6)
    assert observables(events)["mass_rho_minus"][0] == pytest.approx(rho_mass, rel=1e-6)
    assert observables(events)["rho_asymmetry_minus"][0] > 0.9


momenta = st.tuples(*[st.floats(-100, 100)] * 3, st.floats(0.01, 20))


@given(momenta, momenta)
@settings(max_examples=60, deadline=None)
def test_boosts_keep_masses_and_take_a_frame_to_rest(first, second):
    vectors = [np.append(p[:3], np.sqrt(np.sum(np.square(p[:3])) + p[3] ** 2))[None] for p in (first, second)]
    moved = boost_to_rest_frame(vectors[0], vectors[1])
    scale = vectors[0][0, 3] * vectors[1][0, 3] / second[3]
    assert moved[0, 3] ** 2 - np.sum(moved[0, :3] ** 2) == pytest.approx(first[3] ** 2, abs=1e-9 * max(1, scale) ** 2)
    at_rest = boost_to_rest_frame(vectors[1], vectors[1])[0]
    np.testing.assert_allclose(at_rest, [0, 0, 0, second[3]], atol=1e-9 * vectors[1][0, 3] ** 2 / second[3])
    np.testing.assert_allclose(
        (boost_matrix(vectors[1]) @ vectors[0][0])[0], moved[0], rtol=1e-7, atol=1e-9 * max(1.0, scale)
    )


def test_production_axes_are_right_handed_with_z_along_the_tau():
    taus = np.stack([np.stack([pi_pi_events(np.zeros((1, 2)))["tau_" + n][0] for n in ("px", "py", "pz", "E")], -1)])
    axes, in_pair = production_axes(taus)
    np.testing.assert_allclose(axes[0] @ axes[0].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes[0]) == pytest.approx(1.0)
    assert angle(axes[0, 2], in_pair[0, 0, :3]) == pytest.approx(0.0, abs=1e-9)
    assert axes[0, 1] @ np.array([0.0, 0.0, 1.0]) == pytest.approx(0.0, abs=1e-12)
    rest = tau_frames(taus, 1) @ taus[:, 1, :, None]
    np.testing.assert_allclose(rest[0, :, 0], [0, 0, 0, TAU], atol=1e-9)
