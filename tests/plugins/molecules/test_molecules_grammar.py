"""Sequences drawn within the valences end as molecules, however few tokens or atoms there may be."""

import numpy as np
import pytest
import torch

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from surrogates.models.autoregressive import Sampler, draw
from surrogates.physics.molecules.descriptors import parse
from surrogates.physics.molecules.kekule import KekuleVocabulary, started
from surrogates.physics.molecules.merging import learned_merges
from surrogates.physics.molecules.vocabulary import VOCABULARY
from surrogates.plugins.molecules.codec import START
from surrogates.plugins.molecules.grammar import Valences
from surrogates.plugins.molecules.packaged import qm9_smiles

SIMPLE = KekuleVocabulary(VOCABULARY)


@pytest.fixture(scope="module")
def merged():
    return KekuleVocabulary(VOCABULARY, learned_merges(SIMPLE.encode(qm9_smiles()[::100], 40), len(SIMPLE), 60))


class Anything:
    """Any token, each as likely as any other."""

    def __init__(self, size, value=0.0):
        self.size, self.value = size, value

    def step(self, tokens, context, state):
        return torch.full((len(tokens), 1, self.size), self.value), state

    def select(self, state, rows):
        return state


def drawn(vocabulary, count, length, most=0, prefix="", network=None):
    uniform = torch.rand(count, length, generator=torch.Generator().manual_seed(length + most), dtype=torch.float64)
    begun = torch.from_numpy(vocabulary.begun(prefix, 112))
    grammar = Valences(vocabulary, count, length, most)
    network = network or Anything(len(vocabulary))
    tokens = draw(network, torch.zeros(count, 1), uniform, START, Sampler(), prefix=begun[begun != 0], grammar=grammar)
    return [parse(text) for text in vocabulary.decode(tokens.numpy())]


@pytest.mark.parametrize(("length", "most"), [(1, 0), (12, 0), (30, 3), (14, 8)])
@pytest.mark.parametrize("kind", ["simple", "merged"])
def test_whatever_is_drawn_is_a_molecule_within_its_limits(kind, length, most, merged):
    found = drawn(SIMPLE if kind == "simple" else merged, 8, length, most)
    assert [parsed.reason for parsed in found] == [""] * 8
    sizes = [parsed.molecule.GetNumAtoms() for parsed in found]
    assert max(sizes) <= (most or np.inf)
    assert len(set(sizes)) > 1 or 1 in (length, most)


@pytest.mark.parametrize("prefix", ["c1ccccc1", "C12CC34CC56CC7", "C(C(C(C(", "[N+]=13[S@@+]", "C[N+]", "c1cc2c(cc1"])
@pytest.mark.parametrize("spare", [0, 2])
def test_a_prefix_is_ended_with_as_little_as_it_takes(prefix, spare):
    text, begun = started(prefix)
    plan = begun.completion()
    length = int((SIMPLE.begun(prefix, 112) != 0).sum()) + len(plan) + spare
    found = drawn(SIMPLE, 6, length, begun.atoms + plan.count("C") + spare, prefix)
    assert [parsed.reason for parsed in found] == [""] * 6, text
    assert all(parsed.molecule.GetNumAtoms() >= begun.atoms for parsed in found)


def test_logits_that_are_no_numbers_end_the_drawing():
    with pytest.raises(ArithmeticError, match="not finite"):
        drawn(SIMPLE, 4, 12, network=Anything(len(SIMPLE), torch.nan))
