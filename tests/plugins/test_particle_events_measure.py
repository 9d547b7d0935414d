"""Figures of tau-pair events pass the truth and fail fakes, shuffled taus first of all."""

import numpy as np
import pytest

from surrogates.contract.schema import Schema
from surrogates.measuring.resampling import floor, rows
from surrogates.physics.particle_events import boost_to_rest_frame, observables
from surrogates.physics.particle_events.kinematics import unit
from surrogates.plugins.particle_events.features import FEATURES, flat_low_level, low_level
from surrogates.plugins.particle_events.impostors import IMPOSTORS, shuffled_taus
from surrogates.plugins.particle_events.laws import laws
from surrogates.plugins.particle_events.measure import TARGETS, energy_profile, measure
from surrogates.plugins.particle_events.particles import channels, particles
from surrogates.plugins.particle_events.schema import CONDITIONS, OUTPUTS

PION, TAU = 0.13957, 1.77682
EVENTS = Schema(CONDITIONS.variables + OUTPUTS.variables, OUTPUTS.dimensions)


def pi_pi_pairs(n, seed):
    """tau -> pi nu pairs with the spin correlations of a vector boson: density 1 + c- c+ in the pions' cosines.

    Each cosine is taken to its own tau's direction of flight; half of the rows claim initial-state radiation that is
    too soft to matter, at two energies.
    """
    generator = np.random.default_rng([seed, n])
    energy = np.where(generator.random(n) < 0.5, 60.0, 91.2)
    cosines = generator.uniform(-1, 1, (4 * n, 2))
    cosines = cosines[generator.random(4 * n) * 2 < 1 + cosines.prod(1)][:n]
    flight = unit(generator.normal(size=(n, 3)))
    size = np.sqrt((energy / 2) ** 2 - TAU**2)
    values = {name: np.zeros((n, 40)) for name in ("px", "py", "pz", "E", "mass", "vx", "vy", "vz", "vt")}
    values |= {name: np.zeros((n, 40), dtype=np.int64) for name in ("pdg_id", "charge", "parent")}
    values |= {"tau_" + name: np.zeros((n, 2)) for name in ("px", "py", "pz", "E", "vx", "vy", "vz", "vt")}
    for side, sign in enumerate((1, -1)):
        along = sign * flight
        across = unit(np.cross(along, generator.normal(size=(n, 3))))
        cosine = cosines[:, side, None]
        momentum = (TAU**2 - PION**2) / (2 * TAU)
        direction = cosine * along + np.sqrt(1 - cosine**2) * across
        tau = np.concatenate([along * size[:, None], energy[:, None] / 2], 1)
        pion = np.concatenate([momentum * direction, np.full((n, 1), np.hypot(momentum, PION))], 1)
        back = tau * [-1, -1, -1, 1]
        products = boost_to_rest_frame(pion, back)
        products[:, 3] = np.sqrt((products[:, :3] ** 2).sum(1) + PION**2)
        neutrino = tau - products
        neutrino[:, 3] = np.sqrt((neutrino[:, :3] ** 2).sum(1))
        for axis, name in enumerate(("px", "py", "pz", "E")):
            values["tau_" + name][:, side] = tau[:, axis]
            values[name][:, 2 * side] = products[:, axis]
            values[name][:, 2 * side + 1] = neutrino[:, axis]
        values["pdg_id"][:, 2 * side : 2 * side + 2] = [-211 * sign, 16 * sign]
        values["charge"][:, 2 * side] = -sign
        values["mass"][:, 2 * side] = PION
        values["parent"][:, 2 * side : 2 * side + 2] = -sign
    values |= {"n_particles": np.full(n, 4), "n_dropped": np.zeros(n), "tau_decay": np.zeros((n, 2))}
    values |= {"energy": energy, "initial_state_radiation": np.arange(n) % 2}
    values |= {"asked_decay_minus": np.zeros(n), "asked_decay_plus": np.zeros(n)}
    return EVENTS.dataset({name: values[name] for name in EVENTS.names})


@pytest.fixture(scope="module")
def truth():
    return pi_pi_pairs(4000, 1)


@pytest.fixture(scope="module")
def other():
    return pi_pi_pairs(4000, 2)


@pytest.fixture(scope="module")
def floors(truth, other):
    import xarray as xr

    pool = xr.concat([measure.reduce(truth), measure.reduce(other)], dim="sample")
    return {name: values.mean() for name, values in floor(measure, pool, 4000, splits=6, seed=0).items()}


def excess(fake, truth, floors):
    figures = measure(fake, truth)
    return {name: value / max(floors[name], 1e-12) for name, value in figures.items() if name in floors}


def test_two_truths_differ_by_about_the_floor(truth, other, floors):
    ratios = excess(other, truth, floors)
    assert len(ratios) > 30
    assert np.median(list(ratios.values())) < 1.5


def test_events_do_not_differ_from_themselves(truth):
    assert max(measure(truth, truth).values()) == 0.0


def test_reduced_events_give_the_same_figures(truth, other):
    assert measure(measure.reduce(other), measure.reduce(truth)) == measure(other, truth)


def test_spin_figures_expose_shuffled_taus_and_spectra_do_not(truth, other, floors):
    ratios = excess(shuffled_taus(other, 1), truth, floors)
    for name in ("energy_correlation", "energy_profile", "correlation_matrix"):
        assert max(ratios[f"{side}/pi_pi/{name}"] for side in ("off", "on")) > 3, name
    assert max(ratios[f"{side}/{name}"] for side in ("off", "on") for name in ("x_pi", "cosine_tau_minus")) < 3


def test_shuffled_taus_keep_every_law_and_each_tau_s_own_decay(truth):
    import torch

    fake = shuffled_taus(truth, 1)
    tensors = {
        str(name): torch.from_numpy(array.values.astype("f8" if array.dtype.kind == "f" else "i8"))
        for name, array in fake.data_vars.items()
    }
    stable = {i: particle.mass for i, particle in particles().items() if particle.stable}
    for law in laws(stable, [(16, -211)], {}):
        assert law.residual(tensors, tensors).max() <= max(law.tolerance, 1e-9), law.name
    before, after = (observables({n: d[n].values for n in d.data_vars}) for d in (truth, fake))
    np.testing.assert_allclose(after["x_minus"], before["x_minus"], rtol=1e-9)
    np.testing.assert_allclose(np.sort(after["x_plus"]), np.sort(before["x_plus"]), rtol=1e-6)
    assert (after["x_plus"] != before["x_plus"]).mean() > 0.9


@pytest.mark.parametrize("name", IMPOSTORS)
def test_every_impostor_is_caught(name, truth, other, floors):
    assert max(excess(IMPOSTORS[name](other, 1), truth, floors).values()) > 3


def test_wrong_condition_at_one_condition_is_a_lower_energy(truth):
    one = rows(truth, np.flatnonzero((truth["energy"].values == 91.2) & (truth["initial_state_radiation"].values == 0)))
    slowed = IMPOSTORS["wrong condition"](one, 1)
    np.testing.assert_allclose(slowed["tau_E"].values.sum(1), 0.85 * 91.2, rtol=1e-9)
    assert measure(slowed, one)["off/visible_energy_fraction"] > 0.1


def test_every_figure_has_a_target(truth, other):
    assert set(measure(other, truth)) - set(TARGETS) == {
        f"on/pi_pi/{name.removeprefix('off/pi_pi/')}" for name in TARGETS if name.startswith("off/pi_pi/")
    }


def test_a_branching_fraction_that_is_off_is_measured(truth):
    changed = truth.copy(deep=True)
    changed["tau_decay"].values[:400] = 4
    figure = measure(changed, truth)["off/branching_fractions"]
    assert figure == pytest.approx(np.sqrt(2 * 0.1**2 / 10), rel=1e-6)


def test_energy_profile_of_the_polarisation_is_zero_for_unpolarised_taus(truth):
    reduced = measure.reduce(truth)
    mean, error, count = energy_profile("polarisation", {str(n): reduced[n].values for n in reduced.data_vars})
    filled = count > 0
    assert filled.sum() == 2
    assert (np.abs(mean[filled]) < 4 * error[filled] + 0.01).all()


def test_features_are_finite_where_they_apply_and_name_their_columns(truth):
    array, names = FEATURES.high_level(truth)
    assert array.shape == (4000, len(names))
    assert "energy" in names and np.isfinite(array[:, names.index("x_minus")]).all()
    elements, mask = low_level(truth)
    assert elements.shape == (4000, 40, 19)
    np.testing.assert_array_equal(mask.sum(1), 4)
    assert np.isfinite(elements).all()
    assert not elements[~mask].any()


def test_flat_features_do_not_depend_on_the_order_of_particles(truth):
    turned = truth.isel(particle=[3, 2, 1, 0, *range(4, 40)])
    np.testing.assert_array_equal(flat_low_level(turned), flat_low_level(truth))


@pytest.mark.slow
def test_pythia_correlates_pion_energies_and_keeps_every_law():
    pytest.importorskip("pythia8mc")
    import torch

    from surrogates.plugins.particle_events.reference import PythiaReference

    asked = CONDITIONS.dataset(
        {
            "energy": np.full(3000, 91.2),
            "initial_state_radiation": np.zeros(3000),
            "asked_decay_minus": np.zeros(3000),
            "asked_decay_plus": np.zeros(3000),
        }
    )
    events = PythiaReference().sample(asked, seed=1)
    found = measure.reduce(events)
    assert np.corrcoef(found["x_minus"], found["x_plus"])[0, 1] == pytest.approx(0.32, abs=0.06)
    assert -9 * float((found["analyser_z_minus"] * found["analyser_z_plus"]).mean()) == pytest.approx(1.0, abs=0.25)
    assert float(np.cos(found["azimuth_sum"]).mean()) == pytest.approx(0.15, abs=0.05)
    tensors = {
        str(name): torch.from_numpy(array.values.astype("f8" if array.dtype.kind == "f" else "i8"))
        for name, array in events.data_vars.items()
    }
    stable = {i: particle.mass for i, particle in particles().items() if particle.stable}
    decaying = [i for i, particle in particles().items() if not particle.stable and i != 15]
    tables = {i: [channel.products for channel in channels(i)] for i in decaying}
    for law in laws(stable, [channel.products for channel in channels()], tables):
        assert law.residual(tensors, tensors).max() <= max(law.tolerance, 1e-8), law.name
