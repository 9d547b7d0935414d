"""Splines and spline coupling flows are bijections with the log-determinant that they state."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from surrogates.models.coupling import SplineCoupling, coupling_masks
from surrogates.models.splines import bin_sizes, left_edges, rational_quadratic


def rough_flow(d: int, context: int = 3, **options) -> SplineCoupling:
    """A flow in float64 whose splines are far from the identity."""
    torch.manual_seed(0)
    flow = SplineCoupling(d, context, 16, 2, 4, 6, **options).double()
    with torch.no_grad():
        for last in flow.exit:
            last.weight.normal_(std=0.6)  # type: ignore[union-attr,operator]
            last.bias.normal_(std=0.6)  # type: ignore[union-attr,operator]
    return flow


def circle_distance(a: Tensor, b: Tensor) -> Tensor:
    return torch.abs(torch.remainder(a - b + 0.5, 1.0) - 0.5)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 12), st.integers(0, 2**31), st.floats(0.1, 4.0))
def test_spline_is_increasing_and_its_inverse_undoes_it(bins: int, seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3 * bins + 1, 200, generator=generator, dtype=torch.float64) * scale
    parts = logits[:bins], logits[bins : 2 * bins], logits[2 * bins :]
    x = torch.linspace(0, 1, 200, dtype=torch.float64)
    y, log_derivative = rational_quadratic(x, *parts)
    back, log_inverse = rational_quadratic(y, *parts, inverse=True)
    assert torch.allclose(back, x, atol=1e-9)
    assert torch.allclose(log_inverse, -log_derivative, atol=1e-6)
    one = tuple(part[:, :1].expand(-1, 200) for part in parts)
    assert torch.all(torch.diff(rational_quadratic(x, *one)[0]) > 0)


def test_zero_logits_are_the_identity() -> None:
    x = torch.rand(50, dtype=torch.float64)
    y, log_derivative = rational_quadratic(x, torch.zeros(5, 50), torch.zeros(5, 50), torch.zeros(6, 50))
    assert torch.allclose(y, x, atol=1e-6)
    assert torch.allclose(log_derivative, torch.zeros_like(x), atol=1e-5)


def test_bins_fill_the_unit_interval() -> None:
    sizes = bin_sizes(torch.randn(7, 40, dtype=torch.float64) * 5)
    edges = left_edges(sizes)
    assert torch.allclose(sizes.sum(0), torch.ones(40, dtype=torch.float64))
    assert torch.allclose(edges[1:], torch.cumsum(sizes, 0)[:-1])
    assert float(sizes.min()) >= 1e-3


@pytest.mark.parametrize(
    ("d", "options"), [(4, {}), (4, {"periodic": (1, 3)}), (3, {"support": "real"}), (1, {}), (2, {"periodic": (0, 1)})]
)
def test_flow_inverse_and_log_det_match_the_autograd_jacobian(d: int, options: dict) -> None:
    flow = rough_flow(d, **options)
    context = torch.randn(6, 3, dtype=torch.float64)
    x = torch.rand(6, d, dtype=torch.float64)
    x = x * 14 - 7 if options.get("support") == "real" else x
    u, log_det = flow(x, context)
    back, log_inverse = flow.inverse(u, context)
    assert torch.allclose(back, x, atol=1e-8)
    assert torch.allclose(log_inverse, -log_det, atol=1e-6)
    for row in range(len(x)):
        jacobian = torch.autograd.functional.jacobian(lambda v, r=row: flow(v[None], context[r : r + 1])[0][0], x[row])
        assert math.isclose(float(torch.linalg.slogdet(jacobian)[1]), float(log_det[row].detach()), abs_tol=1e-8)


@pytest.mark.parametrize("options", [{}, {"periodic": (1,)}, {"support": "real"}])
def test_density_integrates_to_one(options: dict) -> None:
    flow = rough_flow(2, **options)
    half, points = (8.0, 450) if options.get("support") == "real" else (0.5, 500)
    axis = (torch.arange(points, dtype=torch.float64) + 0.5) / points * 2 * half
    axis = axis - half if options.get("support") == "real" else axis
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        density = flow.log_prob(grid, torch.ones(1, 3, dtype=torch.float64).expand(len(grid), 3)).exp()
    assert math.isclose(float(density.sum()) * (2 * half / points) ** 2, 1.0, abs_tol=3e-3)


def test_density_of_an_angle_is_continuous_around_the_circle() -> None:
    flow = rough_flow(2, periodic=(0, 1))
    context = torch.zeros(40, 3, dtype=torch.float64)
    other = torch.rand(40, dtype=torch.float64)
    low = flow.log_prob(torch.stack((torch.full_like(other, 1e-9), other), 1), context)
    high = flow.log_prob(torch.stack((torch.full_like(other, 1 - 1e-9), other), 1), context)
    assert torch.allclose(low, high, atol=1e-5)
    step = flow(torch.stack((torch.full_like(other, 1e-9), other), 1), context)[0]
    back = flow(torch.stack((torch.full_like(other, 1 - 1e-9), other), 1), context)[0]
    assert float(circle_distance(step, back).max()) < 1e-6


def test_unused_dimensions_pass_unchanged_count_nothing_and_are_not_seen() -> None:
    flow = rough_flow(5)
    context = torch.randn(8, 3, dtype=torch.float64)
    x = torch.rand(8, 5, dtype=torch.float64)
    used = torch.tensor([True, False, True, True, False]).expand(8, 5)
    other = torch.where(used, x, torch.rand_like(x))
    u, log_det = flow(x, context, used)
    v, log_other = flow(other, context, used)
    assert torch.equal(u[~used], x[~used])
    assert torch.equal(u[used], v[used])
    assert torch.equal(log_det, log_other)
    assert not torch.allclose(u[used], x[used], atol=1e-2)
    assert torch.equal(flow(x, context, torch.zeros_like(used))[1], torch.zeros(8, dtype=torch.float64))


def test_balanced_masks_separate_every_pair_of_dimensions_and_move_each() -> None:
    for d in (2, 3, 5, 8, 20):
        masks = coupling_masks(d, 2 * math.ceil(math.log2(d)) + 2)
        for i in range(d):
            assert any(mask[i] for mask in masks)
            for j in range(d):
                assert i == j or any(mask[i] and not mask[j] for mask in masks)
    assert coupling_masks(4, 3, kind="alternating")[0] == (False, True, False, True)
    complement = coupling_masks(6, 2, kind="random")
    assert all(a != b for a, b in zip(*complement, strict=True))


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="support: 'cube'"):
        SplineCoupling(2, 0, support="cube")
    with pytest.raises(ValueError, match="periodic"):
        SplineCoupling(2, 0, periodic=(2,))
    with pytest.raises(ValueError, match="context"):
        SplineCoupling(2, 3)(torch.rand(4, 2))


def test_flow_learns_a_conditional_density_in_seconds() -> None:
    torch.manual_seed(1)
    flow = SplineCoupling(2, 1, 32, 2, 4, 8, periodic=(1,))

    def draw(n: int) -> tuple[Tensor, Tensor]:
        context = torch.rand(n, 1)
        first = 0.5 + 0.35 * (2 * context[:, 0] - 1) + 0.05 * torch.randn(n)
        second = torch.remainder(first * 1.5 - 0.2 + 0.05 * torch.randn(n), 1.0)
        return torch.stack((first.clamp(0.001, 0.999), second), 1), context

    optimiser = torch.optim.Adam(flow.parameters(), 5e-3, fused=True)
    for _ in range(200):
        optimiser.zero_grad()
        (-flow.log_prob(*draw(512)).mean()).backward()
        optimiser.step()
    with torch.no_grad():
        x, context = draw(4096)
        entropy = -2 * (math.log(0.05) + 0.5 * math.log(2 * math.pi * math.e))
        learned = float(flow.log_prob(x, context).mean())
        assert entropy - 0.3 < learned < entropy + 0.05  # the uniform baseline has 0
        sampled = flow.sample(context, torch.rand(4096, 2, dtype=torch.float64))
        assert abs(float((sampled[:, 0] - (0.5 + 0.35 * (2 * context[:, 0] - 1))).std()) - 0.05) < 0.015
