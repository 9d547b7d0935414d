"""Mixtures as conditional densities: density and samples agree, and samples follow their draws."""

from __future__ import annotations

import math

import torch

from surrogates.models.mixture import bin_angle, log_density, mixture_sample


def test_one_component_is_a_gaussian():
    raw = torch.tensor([[0.0, 0.5, math.log(2.0)]])  # mean 3 * 0.5, width 2
    found = log_density(raw, torch.tensor([2.5]))
    expected = -0.5 * 0.25 - math.log(2.0) - 0.5 * math.log(2.0 * math.pi)
    assert abs(float(found) - expected) < 1e-6
    drawn = mixture_sample(raw, torch.tensor([[0.3, 0.8413447]], dtype=torch.float64))
    assert abs(float(drawn) - 3.5) < 1e-4


def test_samples_of_a_mixture_have_its_density():
    raw = torch.tensor([[0.0, 1.0, -0.6, 0.5, -0.3, 0.4]]).expand(40_000, -1)
    drawn = mixture_sample(
        raw, torch.rand((40_000, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )
    edges = torch.linspace(-8.0, 8.0, 33)
    counts = torch.histogram(drawn.float(), edges).hist / 40_000 / 0.5
    middle = 0.5 * (edges[1:] + edges[:-1])
    density = torch.exp(log_density(raw[:32], middle))
    assert float((counts - density).abs().max()) < 0.015


def test_angles_follow_their_histogram():
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.125, 0.125]])).expand(3, -1)
    found = bin_angle(logits, torch.tensor([0.25, 0.5, 0.9375], dtype=torch.float64))
    assert torch.allclose(found, torch.tensor([0.125, 0.25, 0.875], dtype=torch.float64) * math.pi, atol=1e-6)
