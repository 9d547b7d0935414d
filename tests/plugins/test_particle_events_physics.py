"""The exact steps of tau-pair events: production, spin, radiation, decay coordinates and secondary decays."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.plugins.particle_events import decay_coordinates, radiation, secondaries, spin
from surrogates.plugins.particle_events.kinematics import mass_squared, perpendicular
from surrogates.plugins.particle_events.particles import channels, particles

UNIT = st.floats(1e-6, 1.0 - 1e-6)


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def current_along(cosine: torch.Tensor) -> torch.Tensor:
    """Lepton current for a beam at `cosine` to the tau- direction (z), in the x z plane."""
    sine = torch.sqrt(1 - cosine**2)
    axis = torch.stack((sine, torch.zeros_like(sine), cosine), dim=-1)
    x, y = perpendicular(axis)
    right = torch.complex(-x, -y) / math.sqrt(2)
    left = torch.complex(x, -y) / math.sqrt(2)
    return torch.stack((left, right), dim=1)


def test_photon_exchange_reproduces_the_spin_correlations_of_quantum_electrodynamics():
    # Tsai 1971: C_zz, C_xx, C_yy of e+e- -> gamma* -> tau+ tau- with masses
    energy = tensor(5.3)
    for cosine in (-0.7, 0.1, 0.5):
        c = tensor(cosine)
        norm, minus, _, matrix = spin.spin_state(2 * energy, current_along(c), energy, kappa=0.0)
        inverse_gamma_squared = (spin.TAU_MASS / energy) ** 2
        sine_squared = 1 - c**2
        expected_norm = 1 + c**2 + inverse_gamma_squared * sine_squared
        beta_squared = 1 - inverse_gamma_squared
        assert (matrix[0, 2, 2] / norm - (1 + c**2 - inverse_gamma_squared * sine_squared) / expected_norm).abs() < 1e-9
        assert (matrix[0, 0, 0] / norm - (1 + inverse_gamma_squared) * sine_squared / expected_norm).abs() < 1e-9
        assert (matrix[0, 1, 1] / norm + beta_squared * sine_squared / expected_norm).abs() < 1e-9
        assert minus.abs().max() < 1e-9 * norm


def test_tau_polarisation_at_the_z_is_that_of_the_effective_mixing_angle():
    c = torch.linspace(-0.999, 0.999, 401, dtype=torch.float64)
    mass = torch.full_like(c, spin.Z_MASS)
    norm, minus, _, _ = spin.spin_state(mass, current_along(c), mass / 2)
    ratio = spin.VECTOR / spin.AXIAL
    assert (minus[:, 2].sum() / norm.sum()).item() == pytest.approx(-2 * ratio / (1 + ratio**2), abs=2e-3)


def test_angular_distribution_is_the_norm_of_the_spin_state_of_equal_couplings():
    c = torch.linspace(-0.99, 0.99, 41, dtype=torch.float64)
    for value in (12.0, 60.0, 91.2, 200.0):
        mass = torch.full_like(c, value)
        norm = spin.spin_state(mass, current_along(c), mass / 2, spin.Z_STRENGTH)[0]
        a, b, d = spin.angular_coefficients(mass)
        shape = a + b * c + d * c**2
        assert torch.allclose(norm / norm.sum(), shape / shape.sum(), rtol=1e-9)


@given(st.floats(10.6, 250.0), st.floats(-1, 1), st.lists(st.floats(-1, 1), min_size=6, max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_pair_of_polarimeters_has_a_negative_weight(energy, cosine, parts):
    first, second = (v / v.norm().clamp(min=1.0) for v in (tensor(*parts[:3]), tensor(*parts[3:])))
    e = tensor(energy)
    norm, minus, plus, matrix = spin.spin_state(e, current_along(tensor(cosine)), e / 2)
    weight = norm[0] + minus[0] @ first + plus[0] @ second + first @ matrix[0] @ second
    assert weight >= -1e-9 * norm[0]


def test_cosines_follow_the_quadratic_density():
    u = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    a, b, c = (torch.full_like(u, value) for value in (1.3, -0.9, 0.8))
    x = spin.sample_quadratic(a, b, c, u)
    cumulative = (a * (x + 1) + b * (x**2 - 1) / 2 + c * (x**3 + 1) / 3) / (2 * a + 2 * c / 3)
    assert torch.allclose(cumulative, u, atol=1e-12)


@given(st.floats(10.6, 250.0), UNIT)
@settings(max_examples=50, deadline=None)
def test_pair_mass_coordinate_inverts(energy, coordinate):
    e = tensor(energy)
    mass = radiation.decode_mass(tensor(coordinate), e)
    assert 2 * spin.TAU_MASS < mass.item() <= energy
    assert radiation.encode_mass(mass, e).item() == pytest.approx(coordinate, abs=1e-4)


@given(st.floats(10.6, 250.0), UNIT, st.integers(0, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_initial_state_photons_leave_exactly_the_pair_mass(energy, coordinate, count, seed):
    draw = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=draw, dtype=torch.float64)

    e = tensor(energy)
    mass = radiation.decode_mass(tensor(coordinate), e)
    photons, remnants = radiation.decode_initial(
        e, mass, torch.tensor([count]), uniform(1, 3), uniform(1, 5, 2), 2 * math.pi * uniform(1, 6)
    )
    rest = torch.stack((tensor(0), tensor(0), tensor(0), e), dim=-1) - photons.sum(1)
    rest[:, 2] -= remnants[:, 0] - remnants[:, 1]
    rest[:, 3] -= remnants.sum(-1)
    assert (photons[..., 3] >= 0).all() and (remnants >= 0).all()
    assert mass_squared(rest).sqrt().item() == pytest.approx(mass.item(), rel=1e-9)


@given(st.floats(8.0, 250.0), UNIT, UNIT, UNIT, st.booleans())
@settings(max_examples=60, deadline=None)
def test_emission_conserves_momentum_and_keeps_the_taus_on_shell(mass, hardness, collinearity, turn, from_minus):
    momentum = math.sqrt(mass**2 / 4 - spin.TAU_MASS**2)
    minus, plus = tensor(0, 0, momentum, mass / 2)[None], tensor(0, 0, -momentum, mass / 2)[None]
    after = radiation.emit(
        minus,
        plus,
        tensor(0.4 + 0.6 * hardness, 0.3 + 0.4 * collinearity)[None],
        torch.tensor([from_minus]),
        tensor(6.28 * turn),
        torch.tensor([True]),
    )
    assert torch.allclose(sum(after), minus + plus, atol=1e-9 * mass)
    for tau in after[:2]:
        assert mass_squared(tau).item() == pytest.approx(spin.TAU_MASS**2, abs=1e-9 * mass**2)
    kept = after[1] if from_minus else after[0]
    assert abs(kept[0, 0]) < 1e-9 and abs(kept[0, 1]) < 1e-9


def test_decay_coordinates_invert_in_every_channel():
    count = len(channels())
    draw = torch.Generator().manual_seed(4)
    channel = torch.arange(count).repeat(20)
    u = 0.03 + 0.94 * torch.rand((len(channel), decay_coordinates.DIMENSIONS), generator=draw, dtype=torch.float64)
    masses = decay_coordinates.channel_tables()[1][channel]
    products, neutrino = decay_coordinates.decode(u, channel, masses)
    total = products.sum(1) + neutrino
    assert torch.allclose(total[:, 3], torch.full_like(total[:, 3], spin.TAU_MASS), atol=1e-12)
    assert total[:, :3].abs().max() < 1e-12
    again, axes = decay_coordinates.encode(products, neutrino, channel)
    used = decay_coordinates.dimension_mask(channel)
    assert ((again - u).abs() * used).max() < 1e-6
    several = axes[used.any(-1)]
    identity = torch.eye(3, dtype=torch.float64).expand_as(several)
    assert torch.allclose(several @ several.mT, identity, atol=1e-9)


@pytest.mark.parametrize("pdg_id", [111, 310, 311, -311, 221, 223, 323, -323])
def test_secondary_decays_end_in_stable_particles_and_conserve_momentum_and_charge(pdg_id):
    n = 400
    ids = torch.full((n,), pdg_id)
    draw = torch.Generator().manual_seed(abs(pdg_id))
    mass = secondaries.mass_of(ids)
    p = torch.randn((n, 3), generator=draw, dtype=torch.float64)
    p = torch.cat((p, torch.sqrt((p**2).sum(-1) + mass**2)[:, None]), dim=-1)
    found, momenta, vertices = secondaries.chains(
        ids, p, torch.zeros_like(p), torch.rand(n, generator=draw, dtype=torch.float64), torch.arange(n) * 7919
    )
    assert not secondaries.is_unstable(found).any()
    assert torch.allclose(momenta.sum(1), p, atol=1e-9)
    expected = secondaries.mass_of(found) ** 2
    assert ((mass_squared(momenta) - expected).abs() * (found != 0)).max() < 1e-8
    charge = {i: particle.charge for i, particle in particles().items()}
    total = [sum(int(np.sign(i)) * charge[abs(int(i))] for i in row if i) for row in found.tolist()]
    assert set(total) == {int(np.sign(pdg_id)) * charge[abs(pdg_id)]}
    assert (vertices[..., 3] >= 0).all()
