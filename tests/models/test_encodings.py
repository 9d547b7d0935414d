"""Encodings undo themselves, spread classes evenly, and leave what is missing missing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.contract.errors import PluginError
from surrogates.contract.schema import Dimension, Schema, Variable
from surrogates.models.encodings import EDGE, QuantileCodec, Quantiles, Scores, context, context_width


def numbers(n=2000, columns=2, seed=0):
    return torch.randn(n, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).exp()


def test_scores_have_no_mean_and_one_spread_and_return():
    values = numbers() * torch.tensor([1.0, 1e6]) + torch.tensor([0.0, 3e7])
    values[5, 1] = torch.nan
    scores = Scores(2)
    scores.fit(values)
    found = scores.encode(values)
    assert found[5, 1].isnan() and not found[5, 0].isnan()
    known = found[~found[:, 1].isnan()]
    assert known.mean(0).abs().max() < 0.01 and (known.std(0) - 1).abs().max() < 0.01
    assert torch.allclose(scores.decode(found), values, rtol=1e-12, equal_nan=True)
    constant = Scores(1)
    constant.fit(torch.full((5, 1), 2.0))
    assert constant.encode(torch.full((1, 1), 2.0)).item() == 0.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_quantiles_return_what_they_were_given(seed, classes):
    values, label = numbers(600, seed=seed), torch.arange(600) % classes
    values = values * (1 + label[:, None])
    quantiles = Quantiles(2, classes)
    quantiles.fit(values, label)
    found = quantiles.encode(values, label)
    again = quantiles.decode(found, label)
    inside = (found > EDGE) & (found < 1.0 - EDGE)
    assert inside.double().mean() > 0.98
    assert torch.allclose(again[inside], values[inside], rtol=1e-6)


def test_every_class_is_spread_evenly():
    label = torch.arange(4000) % 2
    values = numbers(4000) * torch.where(label == 0, 1.0, 100.0)[:, None]
    quantiles = Quantiles(2, 2)
    quantiles.fit(values, label)
    found = quantiles.encode(values, label)
    for code in (0, 1):
        levels = torch.quantile(found[label == code, 0], torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64))
        assert torch.allclose(levels, torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64), atol=0.01)


def test_counts_that_repeat_take_the_middle_of_their_share():
    counts = torch.tensor([0.0] * 50 + [1.0] * 50, dtype=torch.float64)[:, None]
    quantiles = Quantiles(1, knots=101)
    quantiles.fit(counts)
    found = quantiles.encode(torch.tensor([[0.0], [1.0], [torch.nan]], dtype=torch.float64))[:, 0]
    assert found[0].item() == pytest.approx(0.25, abs=0.01) and found[1].item() == pytest.approx(0.75, abs=0.01)
    assert found[2].isnan()
    assert quantiles.decode(found[:, None])[:2, 0].tolist() == [0.0, 1.0]
    assert quantiles.decode(found[:, None])[2, 0].isnan()


def test_a_class_without_samples_is_named():
    with pytest.raises(PluginError, match="quantiles: column 0 of class 1 has no two different values among 0"):
        Quantiles(2, 2).fit(numbers(), torch.zeros(2000, dtype=torch.int64))


CONDITIONS = Schema(
    (
        Variable("kind", "kind", dtype="int8", categories=("a", "b", "c")),
        Variable("energy", "energy", "GeV", bounds=(10.0, 30.0)),
        Variable("angle", "angle", "rad", bounds=(0.0, 2.0), optional=True),
    )
)
OUTPUTS = Schema((Variable("mass", "mass", "GeV"), Variable("time", "time", "s")))


def test_a_context_says_what_is_asked():
    physical = {
        "kind": torch.tensor([2, -1]),
        "energy": torch.tensor([30.0, 20.0], dtype=torch.float64),
        "angle": torch.tensor([1.0, torch.nan], dtype=torch.float64),
    }
    found = context(CONDITIONS, physical)
    assert found.tolist() == [[0, 0, 1, 0.5, 0, 1], [0, 0, 0, 0, 0, 0]]
    assert found.shape[1] == context_width(CONDITIONS)


def test_a_codec_of_numbers_is_made_from_its_schemas():
    codec = QuantileCodec(CONDITIONS, OUTPUTS, by="kind")
    values = numbers(300)
    physical = {"mass": values[:, 0], "time": values[:, 1], "kind": torch.arange(300) % 3}
    physical |= {"energy": torch.full((300,), 20.0), "angle": torch.full((300,), torch.nan)}
    codec.fit([physical])
    encoded = codec.encode(physical)
    assert encoded["values"].dtype == torch.float32 and encoded["context"].shape == (300, 6)
    again = codec.decode(encoded, physical)
    assert torch.allclose(again["mass"], physical["mass"], rtol=1e-3) and again["mass"].dtype == torch.float64
    assert set(codec.encode({name: physical[name] for name in CONDITIONS.names})) == {"context"}
    assert set(codec.state_dict()) == {"quantiles.table"}


def test_outputs_that_are_no_single_numbers_need_a_codec_of_their_own():
    ragged = Schema((Variable("hits", "hits", dims=("hit",)),), dimensions=(Dimension("hit", size=4),))
    with pytest.raises(PluginError, match="hits: not a single number"):
        QuantileCodec(CONDITIONS, ragged)
