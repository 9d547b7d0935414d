"""What is open in a SMILES: rings with the atoms on the way round, branches, whatever tokens are merged."""

import numpy as np
import pytest
import torch

from surrogates.networks.stretches import simple_tokens
from surrogates.physics.molecules.merging import learned_merges
from surrogates.physics.molecules.syntax import RINGS, OpenSyntax
from surrogates.physics.molecules.tokens import Vocabulary
from surrogates.physics.molecules.vocabulary import VOCABULARY

SIMPLE = Vocabulary(VOCABULARY)
SMILES = ("CC(C(=O)N1CCOC1)c1ccccc1", "c1cc2c(cc1)[nH]cc2", "CC(C)(C(C(C)C)=O)C1CC12CC2", "O=C1CC12C(O)C2")


def read(vocabulary, tokens, state=None):
    return OpenSyntax(vocabulary)(*simple_tokens(tokens, torch.from_numpy(vocabulary.parts())), state)


def told(smiles, vocabulary=SIMPLE):
    codes = torch.from_numpy(vocabulary.encode([smiles], 80))
    return read(vocabulary, codes[:, : int((codes != 0).sum())])[0][0]


@pytest.mark.parametrize(
    ("smiles", "digit", "atoms", "aromatic", "donors"),
    [
        ("C1CC", 1, 3, 0, 0),
        ("CC1CCC(CC)C", 1, 5, 0, 0),  # the branch is not on the way
        ("c1cc(C)cc", 1, 5, 5, 0),
        ("c1cc2c(cc1)[nH]c", 2, 4, 4, 1),
        ("C1CC2C(C", 1, 5, 0, 0),
        ("o1cc", 1, 3, 3, 1),
        ("CC(c1c[nH]", 1, 3, 3, 1),
    ],
)
def test_the_atoms_of_a_ring_that_would_close_here(smiles, digit, atoms, aromatic, donors):
    last = told(smiles)[-1]
    since = last[RINGS + 3 * (digit - 1) : RINGS + 3 * digit] * 4.0
    assert last[digit - 1] == 1.0
    assert since.tolist() == [atoms, aromatic, donors]


def test_open_rings_and_branches_are_counted():
    rows = told("C1C(C(C2")
    assert (rows[:, -2] * 2).tolist() == [0, 1, 1, 1, 1, 1, 1, 2]
    torch.testing.assert_close(rows[:, -1] * 3, torch.tensor([0.0, 0, 0, 1, 1, 2, 2, 2]))
    for smiles in SMILES:
        assert (told(smiles)[-1] == 0).all()


def test_merged_tokens_and_steps_tell_the_same():
    codes = SIMPLE.encode(SMILES, 80)
    merged = Vocabulary(VOCABULARY, learned_merges(np.concatenate([codes] * 2), len(SIMPLE), 12))
    for smiles in SMILES:
        simple, joined = told(smiles), told(smiles, merged)
        places = (merged.parts()[merged.encode([smiles], 80)[0]] != 0).sum(1).cumsum()[: len(joined)] - 1
        torch.testing.assert_close(joined, simple[places])
    tokens, state, parts = torch.from_numpy(merged.encode(SMILES, 80))[:, :24], None, []
    for part in tokens.split([1, 1, 5, 17], dim=1):
        found, state = read(merged, part, state)
        parts.append(found)
    torch.testing.assert_close(torch.cat(parts, dim=1), read(merged, tokens)[0])


def test_nothing_opens_in_another_language():
    other = Vocabulary(("[C]", "[Branch1]", "[Ring1]"))
    found, _ = read(other, torch.tensor([[2, 3, 2, 4]]))
    assert (found == 0).all()
