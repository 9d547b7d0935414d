"""Set networks see sets, not sequences or padding; perceptrons see their context."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from surrogates.networks.mlp import MLP
from surrogates.networks.sets import SetClassifier, SetGenerator
from surrogates.networks.time import fourier_features


def ragged(n: int = 7, k: int = 9) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    counts = torch.randint(0, k + 1, (n,), generator=generator)
    mask = torch.arange(k)[None] < counts[:, None]
    return torch.randn(n, k, 3, generator=generator), torch.randn(n, 4, generator=generator), mask


@pytest.fixture(params=["plain", "conditional"])
def networks(request: pytest.FixtureRequest) -> tuple[SetGenerator, SetClassifier, int]:
    torch.manual_seed(0)
    context = 4 if request.param == "conditional" else 0
    sizes = {"width": 16, "global_width": 8, "layers": 2}
    return SetGenerator(3, 2, context=context, **sizes), SetClassifier(3, 2, context=context, **sizes), context


def test_generator_is_equivariant_and_classifier_invariant_under_permutation(networks) -> None:
    generator, classifier, context = networks
    x, c, mask = ragged()
    c = c if context else None
    order = torch.randperm(mask.shape[1])
    moved = generator(x[:, order], c, mask[:, order])
    assert torch.allclose(moved, generator(x, c, mask)[:, order], atol=1e-5)
    assert moved.std() > 1e-3
    assert torch.allclose(classifier(x[:, order], c, mask[:, order]), classifier(x, c, mask), atol=1e-5)


def test_padding_changes_nothing_and_comes_out_zero(networks) -> None:
    generator, classifier, context = networks
    x, c, mask = ragged()
    c = c if context else None
    other = torch.where(mask.unsqueeze(-1), x, torch.full_like(x, 50.0))
    assert torch.equal(generator(other, c, mask), generator(x, c, mask))
    assert torch.equal(classifier(other, c, mask), classifier(x, c, mask))
    assert torch.all(generator(x, c, mask)[~mask] == 0)
    longer = torch.cat((x, torch.randn(len(x), 4, 3)), 1)
    longer_mask = torch.cat((mask, torch.zeros(len(x), 4, dtype=torch.bool)), 1)
    assert torch.allclose(generator(longer, c, longer_mask)[:, : mask.shape[1]], generator(x, c, mask), atol=1e-5)


def test_elements_talk_and_the_context_is_heard() -> None:
    torch.manual_seed(0)
    generator = SetGenerator(3, 2, context=4, width=16, layers=2)
    x, c, mask = ragged()
    mask = torch.ones_like(mask)
    changed = x.clone()
    changed[:, 0] += 1.0
    assert not torch.allclose(generator(changed, c, mask)[:, 1:], generator(x, c, mask)[:, 1:], atol=1e-5)
    assert not torch.allclose(generator(x, c + 1, mask), generator(x, c, mask), atol=1e-5)
    with pytest.raises(ValueError, match="context: None given"):
        generator(x, None, mask)


def test_chunks_without_gradients_give_the_same_sets() -> None:
    torch.manual_seed(0)
    generator = SetGenerator(3, 3, context=4, width=16, layers=2)
    x, c, mask = torch.randn(500, 20, 3), torch.randn(500, 4), torch.rand(500, 20) > 0.2
    together = generator(x, c, mask)
    with torch.no_grad():
        assert torch.allclose(generator(x, c, mask), together.detach(), atol=1e-5)


def test_every_parameter_of_the_set_networks_learns(networks) -> None:
    generator, classifier, context = networks
    x, c, mask = ragged()
    for network in (generator, classifier):
        network(x, c if context else None, mask).square().sum().backward()
        unused = [name for name, p in network.named_parameters() if p.grad is None]
        assert all("layers.1" not in name or "update_global" not in name for name in unused)
        assert not unused


@pytest.mark.parametrize("residual", [False, True])
def test_perceptron_hears_its_context_and_can_start_at_zero(residual: bool) -> None:
    torch.manual_seed(0)
    network = MLP(3, 2, 16, 3, context=4, residual=residual)
    x, c = torch.randn(5, 3), torch.randn(5, 4)
    assert network(x, c).shape == (5, 2)
    assert not torch.allclose(network(x, c), network(x, c + 1))
    assert torch.all(MLP(3, 2, 16, residual=residual, zero_output=True)(x) == 0)
    with pytest.raises(ValueError, match="context"):
        network(x)
    with pytest.raises(ValueError, match="activation: 'swish'"):
        MLP(3, 2, activation="swish")


def test_time_features_tell_times_apart() -> None:
    time = torch.linspace(0, 1, 101)
    features = fourier_features(time, 16)
    assert features.shape == (101, 16) and float(features.abs().max()) <= 1.0
    distance = torch.cdist(features, features) + 10 * torch.eye(101)
    assert float(distance.min()) > 0.05
    with pytest.raises(ValueError, match="features: 3"):
        fourier_features(time, 3)


def test_first_and_second_derivatives_match_finite_differences() -> None:
    torch.manual_seed(0)
    classifier = SetClassifier(2, 1, context=2, width=4, global_width=3, layers=1).double()
    mask = torch.tensor([[True, True, False], [True, True, True]])
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    c = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, c: classifier(x, c, mask), (x, c))
    assert torch.autograd.gradgradcheck(lambda x, c: classifier(x, c, mask).square(), (x, c))
