"""Jets: observables, energy flow polynomials, laws and JetNet's distances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.physics.jets import energy_flow, laws, measures, observables, substructure
from surrogates.plugins.jets.plugin import LAWS


def random_jets(n: int = 40, m: int = 30, seed: int = 0, spread: float = 0.2) -> np.ndarray:
    """Jets of 1 to m constituents by decreasing pt, which sum to at most the jet's pT."""
    generator = np.random.default_rng(seed)
    jets = generator.normal(0.0, spread, (n, m, 3))
    jets[..., 2] = -np.sort(-generator.exponential(1.0, (n, m)), axis=1)
    count = generator.integers(1, m + 1, n)
    jets *= (np.arange(m) < count[:, None])[..., None]
    jets[..., 2] /= jets[..., 2].sum(axis=1, keepdims=True) * 1.05
    return jets


def two_prongs(separation: float) -> np.ndarray:
    jets = np.zeros((1, 30, 3))
    jets[0, :2] = [[separation / 2, 0.0, 0.6], [-separation / 2, 0.0, 0.4]]
    return jets


# Observables


def test_two_collinear_constituents_have_no_mass():
    assert observables.relative_mass(two_prongs(0.0)) == pytest.approx(0.0, abs=1e-7)


def test_mass_of_two_prongs_follows_the_exact_formula():
    expected = np.sqrt(2 * 0.6 * 0.4 * (np.cosh(0.3) - 1.0))
    assert observables.relative_mass(two_prongs(0.3)) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=10, deadline=None)
@given(angle=st.floats(-3.0, 3.0), seed=st.integers(0, 1000))
def test_mass_does_not_depend_on_where_the_axis_points_in_azimuth(angle, seed):
    jets = random_jets(5, seed=seed)
    turned = jets.copy()
    turned[..., 1] += angle
    np.testing.assert_allclose(observables.relative_mass(turned), observables.relative_mass(jets), atol=1e-7)


def test_distances_wrap_around_the_azimuth():
    jets = np.zeros((1, 2, 3))
    jets[0, :, 1] = [np.pi - 0.05, -np.pi + 0.05]
    assert np.sqrt(observables.squared_distances(jets)[0, 0, 1]) == pytest.approx(0.1)


def test_angularities_of_two_prongs_by_hand():
    assert observables.girth(two_prongs(0.4)) == pytest.approx(0.2 / 0.8)
    assert observables.les_houches_angularity(two_prongs(0.4)) == pytest.approx(np.sqrt(0.25))
    assert observables.pt_dispersion(two_prongs(0.4)) == pytest.approx(np.sqrt(0.6**2 + 0.4**2))


def test_two_prongs_have_one_subjet_too_many_for_tau1_and_none_for_tau2():
    tau = observables.n_subjettiness(two_prongs(0.4))
    assert tau[0, 0] == pytest.approx(0.4 * 0.4 / 0.8)  # the softer prong (z = 0.4) lies 0.4 from the winner
    assert tau[0, 1:] == pytest.approx([0.0, 0.0])


def test_n_subjettiness_falls_with_the_number_of_axes_and_ignores_padding():
    jets = random_jets(60, m=12)
    tau = observables.n_subjettiness(jets)
    assert (np.diff(tau, axis=1) <= 1e-12).all()
    padded = np.concatenate([jets, np.zeros((60, 18, 3))], axis=1)
    np.testing.assert_allclose(observables.n_subjettiness(padded), tau, rtol=1e-12)


def test_winner_take_all_axes_agree_with_fastjet():
    fastjet = pytest.importorskip("fastjet")
    jets = random_jets(6, m=14, seed=3)
    tau = observables.n_subjettiness(jets)
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, 100.0, fastjet.WTA_pt_scheme)
    for row, jet in enumerate(jets):
        jet = jet[jet[:, 2] > 0]
        particles = []
        for eta, phi, pt in jet:
            particle = fastjet.PseudoJet()
            particle.reset_PtYPhiM(float(pt), float(eta), float(phi), 0.0)
            particles.append(particle)
        sequence = fastjet.ClusterSequence(particles, definition)
        for n in range(1, min(3, len(jet)) + 1):
            axes = np.array([[axis.rap(), axis.phi_std()] for axis in sequence.exclusive_jets(n)])
            distance = np.hypot(jet[:, None, 0] - axes[None, :, 0], jet[:, None, 1] - axes[None, :, 1]).min(axis=1)
            expected = (jet[:, 2] * distance).sum() / jet[:, 2].sum() / 0.8
            assert tau[row, n - 1] == pytest.approx(expected, rel=1e-4, abs=1e-7)


# Energy flow polynomials


def test_there_are_36_multigraphs_of_up_to_four_edges():
    edges = [len(graph) for graph in energy_flow.GRAPHS.values()]
    assert [edges.count(d) for d in range(5)] == [1, 1, 2, 5, 12]  # OEIS A076864
    assert len(energy_flow.PRIME) + len(energy_flow.COMPOSITE) == 36
    assert {len({v for edge in energy_flow.GRAPHS[name] for v in edge}) for name in energy_flow.JETNET_W1} == {4}


@pytest.mark.parametrize("name", energy_flow.PRIME)
def test_contracted_polynomial_equals_the_sum_over_all_vertices(name):
    jets = random_jets(4, m=6, seed=1)
    z, theta = jets[..., 2], np.sqrt(observables.squared_distances(jets))
    graph = energy_flow.GRAPHS[name]
    vertices = 1 + max((v for edge in graph for v in edge), default=0)
    letters = "abcde"
    terms = ["n" + letters[v] for v in range(vertices)] + ["n" + letters[a] + letters[b] for a, b in graph]
    expected = np.einsum(",".join(terms) + "->n", *[z] * vertices, *[theta] * len(graph), optimize=True)
    found = energy_flow.prime_polynomials(jets)[:, energy_flow.PRIME.index(name)]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_polynomials_of_two_prongs_by_hand():
    values = dict(zip(energy_flow.PRIME, energy_flow.prime_polynomials(two_prongs(0.5))[0], strict=True))
    assert values["dot"] == pytest.approx(1.0)
    assert values["edge"] == pytest.approx(2 * 0.6 * 0.4 * 0.5)
    assert values["wedge"] == pytest.approx(0.25 * (0.6 * 0.4**2 + 0.4 * 0.6**2))
    assert values["triangle"] == 0.0


def test_three_symmetric_prongs_have_the_correlators_of_the_definition():
    jets = np.zeros((1, 30, 3))
    side = 0.3
    jets[0, :3] = [[0.0, 0.0, 1 / 3], [side, 0.0, 1 / 3], [side / 2, side * np.sqrt(3) / 2, 1 / 3]]
    e2, e3, d2 = energy_flow.energy_correlators(jets)[0]
    assert e2 == pytest.approx(3 * side / 9)
    assert e3 == pytest.approx(side**3 / 27)
    assert d2 == pytest.approx(e3 / e2**3)


# Laws


def tensors(
    jets: np.ndarray, total: np.ndarray | None = None
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    count = (jets[..., 2] > 0).sum(axis=1)
    mass = observables.relative_mass(jets) * 1000.0
    outputs = {
        "jet_eta": torch.linspace(-2.0, 2.0, len(jets), dtype=torch.float64),
        "jet_mass": torch.as_tensor(mass),
        "n_constituents": torch.as_tensor(count),
        "n_constituents_all": torch.as_tensor(count if total is None else total),
        **{f"constituent_{name}_rel": torch.as_tensor(jets[..., i]) for i, name in enumerate(("eta", "phi", "pt"))},
    }
    return outputs, {"jet_pt": torch.full((len(jets),), 1000.0, dtype=torch.float64)}


def test_each_law_sees_its_own_violation():
    outputs, conditions = tensors(random_jets(), np.full(40, 60))
    outputs["n_constituents_all"] = torch.where(outputs["n_constituents"] == 30, 60, outputs["n_constituents"])
    outputs = laws.project(outputs)
    outputs["jet_mass"] = outputs["jet_mass"] * 2 + 1.0
    for law in LAWS:
        assert float(law.residual(outputs, conditions).max()) <= law.tolerance, law.name
    pt, eta = outputs["constituent_pt_rel"], outputs["constituent_eta_rel"]
    broken = {
        "counts": {"n_constituents": outputs["n_constituents"] + 1},
        "padding": {"constituent_eta_rel": eta + 0.1},
        "ordering": {"constituent_pt_rel": pt.flip(-1)},
        "axis_momentum": {"constituent_pt_rel": pt * 1.5},
        "mass_bound": {"jet_mass": outputs["jet_mass"] * 0.1},
        "complete_momentum": {"constituent_eta_rel": torch.where(pt > 0, eta + 0.1, eta)},
    }
    for law in LAWS:
        assert float(law.residual({**outputs, **broken[law.name]}, conditions).max()) > max(law.tolerance, 1e-3), (
            law.name
        )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0.01, 0.4))
def test_projection_puts_complete_jets_on_momentum_conservation(seed, spread):
    outputs, conditions = tensors(random_jets(20, seed=seed, spread=spread))
    projected = laws.project(outputs)
    assert float(laws.complete_momentum(projected, conditions).max()) < 1e-12
    again = laws.project(projected)
    torch.testing.assert_close(again["constituent_eta_rel"], projected["constituent_eta_rel"], atol=1e-9, rtol=0)


def test_projection_and_residuals_have_finite_gradients():
    outputs, conditions = tensors(random_jets(10))
    leaves = [outputs[f"constituent_{name}_rel"].requires_grad_() for name in ("eta", "phi", "pt")]
    projected = laws.project(outputs)
    loss = sum(law.residual(projected, conditions).sum() for law in LAWS)
    loss = loss + projected["constituent_eta_rel"].square().sum()
    for gradient in torch.autograd.grad(loss, leaves):
        assert torch.isfinite(gradient).all()


# Distances


def test_wasserstein_by_hand_and_of_unequal_sizes():
    assert measures.wasserstein(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == pytest.approx(2.0)
    assert measures.wasserstein(np.array([0.0]), np.array([0.0, 1.0])) == pytest.approx(0.5)
    stats = pytest.importorskip("scipy.stats")
    a, b = np.random.default_rng(0).normal(size=101), np.random.default_rng(1).exponential(size=64)
    assert measures.wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)


def test_w1_of_a_shifted_feature_is_the_shift_over_three():
    jets = random_jets(200)
    jets[:, :, 2] = np.where(jets[:, :, 2] > 0, 0.01, 0.0)
    moved = jets.copy()
    moved[..., 0] += np.where(moved[..., 2] > 0, 5.0, 0.0)
    value, deviation = measures.w1_constituents(jets, moved, batches=3)
    assert value == pytest.approx(5.0 / 3, rel=0.05)
    assert 0 < deviation < 0.1


def test_w1_mass_and_energy_flow_grow_when_jets_are_widened():
    jets, other = random_jets(400, seed=1), random_jets(400, seed=2)
    wide = other * np.array([1.5, 1.5, 1.0])
    for distance in (measures.w1_mass, measures.w1_energy_flow):
        assert distance(jets, wide)[0] > 3 * distance(jets, other)[0]


def test_frechet_distance_of_gaussians_by_hand():
    mean, shifted = np.zeros(2), np.array([3.0, 4.0])
    assert measures.frechet_distance(mean, np.eye(2), shifted, np.eye(2)) == pytest.approx(25.0)
    assert measures.frechet_distance(mean, np.diag([4.0, 1.0]), mean, np.eye(2)) == pytest.approx(1.0)


def test_extrapolation_takes_the_bias_of_finite_samples_away():
    generator = np.random.default_rng(0)
    a, b = generator.uniform(-1, 1, (2, 20_000, 5))
    few = [x[:200] for x in (a, b)]
    biased = measures.frechet_distance(*(f(x) for x in few for f in (lambda x: x.mean(0), lambda x: np.cov(x.T))))
    value, error = measures.frechet_physics_distance(a, b, min_samples=200, max_samples=2_000, batches=5)
    assert biased > 0.01
    assert value < 0.2 * biased
    assert 0 < error < 0.01
    assert measures.frechet_physics_distance(a, b + 0.3, max_samples=2_000, batches=2)[0] == pytest.approx(
        0.45, rel=0.1
    )


def test_kernel_distance_is_zero_for_equals_and_not_for_others():
    generator = np.random.default_rng(0)
    a, b = generator.uniform(-1, 1, (2, 1_000, 5))
    same, spread = measures.kernel_physics_distance(a, b, batch_size=400)
    assert abs(same) < 5 * spread + 1e-3
    assert measures.kernel_physics_distance(a, b + 0.5, batch_size=400)[0] > 20 * abs(same)


def test_coverage_falls_for_a_memoriser():
    generator = np.random.default_rng(0)
    truth, samples = generator.normal(size=(2, 600, 3))
    assert measures.neighbourhood_coverage(truth, samples) > 0.9
    assert measures.neighbourhood_coverage(truth, np.repeat(samples[:20], 30, axis=0)) < 0.4


def test_energy_movers_distance_of_two_points_by_hand():
    one, other = np.zeros((2, 1, 30, 3))
    one[0, 0] = [0.0, 0.0, 1.0]
    other[0, 0] = [0.3, 0.4, 1.0]
    assert measures.energy_movers_distances(one, other) == pytest.approx(0.5)
    other[0, 0, 2] = 0.7  # 0.7 moves 0.5 far, 0.3 is left over at a cost of 1
    assert measures.energy_movers_distances(one, other) == pytest.approx(0.7 * 0.5 + 0.3)


def test_energy_movers_distance_is_a_close_upper_bound_of_the_linear_programme():
    optimize = pytest.importorskip("scipy.optimize")
    first, second = random_jets(4, m=8, seed=5), random_jets(4, m=8, seed=6)
    found = measures.energy_movers_distances(first, second)
    for row in range(4):
        supply, demand = np.append(first[row, :, 2], 0.0), np.append(second[row, :, 2], 0.0)
        excess = supply.sum() - demand.sum()
        supply[-1], demand[-1] = max(-excess, 0.0), max(excess, 0.0)
        cost = np.ones((9, 9))
        cost[:8, :8] = np.hypot(*(first[row, :, None, k] - second[row, None, :, k] for k in (0, 1)))
        cost[8, 8] = 0.0
        equalities = np.zeros((18, 81))
        for k in range(9):
            equalities[k, 9 * k : 9 * k + 9] = 1.0
            equalities[9 + k, k::9] = 1.0
        exact = optimize.linprog(cost.ravel(), A_eq=equalities, b_eq=np.concatenate([supply, demand])).fun
        assert exact - 1e-9 <= found[row] <= 1.1 * exact


def test_matching_prefers_the_truth_to_a_single_jet():
    truth, samples = random_jets(60, m=10, seed=1), random_jets(60, m=10, seed=2)
    (coverage, _), (matching, _) = measures.coverage_and_matching(truth, samples, batches=1, batch_size=30)
    (alone, _), (far, _) = measures.coverage_and_matching(truth, samples[:1].repeat(60, 0), batches=1, batch_size=30)
    assert coverage > 3 * alone
    assert matching < far


# Differentiable substructure


def test_differentiable_shapes_agree_with_the_observables():
    jets = random_jets(60)
    eta, phi, pt = torch.tensor(jets).unbind(-1)
    member = torch.nn.functional.one_hot(torch.arange(30) % 3, 3).double() * (pt > 0)[..., None]
    shapes = dict(zip(substructure.SHAPES, substructure.shapes(eta, phi, pt, member).T.numpy(), strict=True))
    assert shapes["pt_dispersion"] == pytest.approx(observables.pt_dispersion(jets), rel=1e-6)
    assert shapes["girth"] == pytest.approx(observables.girth(jets), abs=1e-4)
    assert shapes["les_houches_angularity"] == pytest.approx(observables.les_houches_angularity(jets), abs=1e-3)
    many = observables.multiplicity(jets) > 3
    e2, e3, _ = energy_flow.energy_correlators(jets).T
    ratio2, ratio3 = np.exp(shapes["log_e2"][many]) / e2[many], np.exp(shapes["log_e3"][many]) / e3[many]
    assert ratio2.std() / ratio2.mean() < 1e-3 and ratio3.std() / ratio3.mean() < 1e-3


def test_subjettiness_of_labelled_prongs_is_the_clustered_one():
    generator = np.random.default_rng(5)
    centres = np.array([[0.4, 0.0], [-0.3, 0.3], [0.0, -0.4]])
    jets = np.zeros((20, 30, 3))
    label = np.arange(30) % 3
    jets[..., :2] = centres[label] + generator.normal(0.0, 0.01, (20, 30, 2))
    jets[..., 2] = np.where(np.arange(30) < 3, 0.2, 0.01)
    member = torch.nn.functional.one_hot(torch.tensor(label), 3).double().expand(20, -1, -1)
    shapes = substructure.shapes(*torch.tensor(jets).unbind(-1), member)
    found = torch.exp(shapes[:, [substructure.SHAPES.index(f"log_tau{n}") for n in (1, 2, 3)]]).numpy()
    assert found == pytest.approx(observables.n_subjettiness(jets), rel=0.02)


def test_substructure_has_finite_gradients_for_any_number_of_constituents():
    jets = torch.tensor(random_jets(40), requires_grad=True)
    member = torch.nn.functional.one_hot(torch.arange(30) % 3, 3).double() * (jets[..., 2] > 0)[..., None]
    substructure.shapes(*jets.unbind(-1), member).sum().backward()
    assert jets.grad is not None and torch.isfinite(jets.grad).all()
