"""Goal-directed generation: the score rises, calls are counted, and the surrogate stays what it was."""

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from surrogates.contract.errors import SurrogatesError
from surrogates.plugins.molecules.optimisation import Scorer, log_likelihood, optimise

asked: list[str] = []


def shortness(smiles):
    """Best for methanol's length."""
    asked.extend(smiles)
    return [1.0 / len(text) for text in smiles]


def test_a_molecule_is_scored_once_and_what_is_none_not_at_all():
    calls = []
    scorer = Scorer(lambda smiles: calls.append(list(smiles)) or [0.5] * len(smiles), most=3)
    np.testing.assert_array_equal(scorer(["C", None, "C", "CC"]), [0.5, 0.0, 0.5, 0.5])
    np.testing.assert_array_equal(scorer(["CC", "CCC", "CCCC"]), [0.5, 0.5, 0.0])
    assert calls == [["C", "CC"], ["CCC"]] and scorer.calls == 3


@pytest.mark.parametrize("bad", [[1.0], [float("nan"), 1.0]])
def test_a_function_that_does_not_score_is_an_error(bad):
    with pytest.raises(SurrogatesError, match="expected one finite number each"):
        Scorer(lambda smiles: bad, most=5)(["C", "CC"])


def test_the_search_raises_the_score_and_leaves_the_surrogate_alone(surrogate):
    before = {name: tensor.clone() for name, tensor in surrogate.model.network.state_dict().items()}
    asked.clear()
    found = optimise(
        surrogate, shortness, calls=10_000, batch=48, learning_rate=5e-3, strength=40.0, seed=1, most_steps=25
    )
    assert found.calls == len(asked) == len(set(asked)) == len(found.smiles)
    assert found.history[-5:, 1].mean() > 1.2 * found.history[:3, 1].mean()
    assert (np.diff(found.scores) <= 0).all() and found.scores[0] == shortness([found.smiles[0]])[0]
    after = surrogate.model.network.state_dict()
    assert all((before[name] == after[name]).all() for name in before)


def test_a_search_ends_when_its_calls_are_spent(surrogate):
    found = optimise(surrogate, lambda smiles: [0.0] * len(smiles), calls=20, batch=32, seed=2)
    assert found.calls == 20 and len(found.history) < 20
    with pytest.raises(SurrogatesError, match="calls, batch: 0, 64"):
        optimise(surrogate, shortness, calls=0)


def test_likelihoods_of_single_tokens_sum_to_one(surrogate):
    import torch

    model = surrogate.model
    size = len(model.vocabulary)
    tokens = torch.zeros((size, 3), dtype=torch.int64)
    tokens[:, 0] = torch.arange(size)
    first = log_likelihood(model, tokens[:1], torch.zeros((1, 14)))  # the empty molecule
    context = torch.zeros((size, 14))
    logits = model.network(torch.ones((1, 1), dtype=torch.int64), context[:1])[0, 0]
    expected = torch.log_softmax(logits, dim=-1)
    assert float(first) == pytest.approx(float(expected[0]), abs=1e-5)
    ended = log_likelihood(model, tokens, context)
    assert (ended[1:] <= expected[1:] + 1e-5).all()
