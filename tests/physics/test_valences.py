"""SMILES with bonds written out: they are the same molecules, and whatever keeps to the valences is one."""

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from surrogates.physics.molecules.descriptors import canonical, parse
from surrogates.physics.molecules.kekule import KekuleError, KekuleVocabulary, started, written_out
from surrogates.physics.molecules.tokens import split
from surrogates.physics.molecules.valence import Writing, atom
from surrogates.physics.molecules.vocabulary import VOCABULARY
from surrogates.plugins.molecules.packaged import qm9_smiles

DRUGS = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",
    "CC[n+]1ccc(-c2ncc(-c3ccc(C(C)(C)C)cc3)o2)cc1",
    "C[S@@](=O)c1ccc2[nH]c(=O)c3cccc1c23",
    "O=S1(=O)N=C(O)c2ccccc21",
    "C/C=C/[C@@H]1CCC[N+]1(C)[O-]",
    "CP(=O)(O)Oc1cn[nH]c1",
)


@pytest.mark.parametrize("smiles", DRUGS)
def test_what_is_written_out_is_the_same_molecule_in_the_same_order(smiles):
    smiles = canonical(smiles)
    text = written_out(smiles)
    assert [token for token in split(text) if token != "="] == [token for token in split(smiles) if token != "="]
    vocabulary = KekuleVocabulary(VOCABULARY)
    assert vocabulary.decode(vocabulary.encode([smiles], 112)) == [smiles]
    writing = Writing().after(split(text))
    assert writing is not None and writing.may_end() and writing.completion() == []
    assert writing.atoms == parse(smiles).molecule.GetNumAtoms()


def test_real_molecules_keep_to_the_valences():
    smiles = qm9_smiles()[::500]
    vocabulary = KekuleVocabulary(VOCABULARY)
    assert vocabulary.decode(vocabulary.encode(smiles, 112)) == list(smiles)
    for text in smiles:
        assert Writing().after(split(written_out(text))).may_end()


@pytest.mark.parametrize(
    ("token", "sums", "most"),
    [
        ("C", (), 4),
        ("n", (), 3),
        ("S", (), 6),
        ("I", (), 1),
        ("[N+]", (4,), 4),
        ("[O-]", (1,), 1),
        ("[nH]", (2,), 2),
        ("[NH2+]", (2,), 2),
        ("[C@@H]", (3,), 3),
        ("[S@]", (2, 4, 6), 6),
        ("[S+]", (3, 5), 5),
    ],
)
def test_valences_of_tokens(token, sums, most):
    found = atom(token)
    assert (found.sums, found.most) == (sums, most)
    assert all(atom(other) is None for other in ("=", "(", "1", "<", "[C][C]", "[Branch1]"))


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("C1CC", {"1": True, "2": True, "C": True, "F": False, ")": False}),  # a fluorine would leave the ring open
        ("C1CC(", {"1": False, "F": True, "=": True, ")": False, "(": False}),
        ("C1", {"1": False, "C": True}),
        ("C1C", {"1": False}),  # already bound
        ("CC=", {"O": True, "F": False, "=": False, "1": True, ")": False}),
        ("CN(C)", {"C": True, "=": False, "#": False}),
        ("C[N+]", {"C": False, "(": True, "=": True, "#": True}),  # it would keep too few bonds
        ("C[N+](=O)", {"[O-]": True, "=": False}),
        ("CO", {"(": True, "=": False}),
        ("FC(F)(F)", {"C": True, "=": False}),
        ("", {"C": True, "(": False, "1": False, "=": False}),
        ("CF", {"C": False, "1": False}),
    ],
)
def test_what_may_follow(text, follows):
    writing = Writing().after(split(text)) if text else Writing()
    assert {token: writing.after([token]) is not None for token in follows} == follows


def test_two_atoms_are_bound_once():
    assert Writing().after(split("C12CCC12")) is None
    assert Writing().after(split("C1CC1")) is not None


def test_only_molecules_may_end():
    starts = ("C", "C1CC", "C(C", "C=", "C[N+]", "C[N+](C)(C)C")
    ends = {text: Writing().after(split(text)).may_end() for text in starts}
    assert ends == {"C": True, "C1CC": False, "C(C": False, "C=": False, "C[N+]": False, "C[N+](C)(C)C": True}


@pytest.mark.parametrize("seed", range(4))
def test_any_walk_within_the_valences_ends_as_a_molecule(seed):
    draws = np.random.default_rng(seed)
    plain = [token for token in VOCABULARY if token in "CNO=#()12"]
    for _ in range(40):
        writing, tokens = Writing(), []
        for _ in range(draws.integers(1, 25)):
            follow = [token for token in (VOCABULARY, plain)[draws.integers(2)] if writing.after([token]) is not None]
            if not follow:
                break
            tokens.append(str(draws.choice(follow)))
            writing = writing.after(tokens[-1:])
        more = writing.completion()
        assert len(more) <= writing.slack()
        vocabulary = KekuleVocabulary(VOCABULARY)
        codes = np.array([[vocabulary.code[token] for token in [*tokens, *more]]])
        assert parse(vocabulary.decode(codes)[0]).molecule is not None, "".join([*tokens, *more])


def test_the_start_of_a_molecule_is_written_out_or_refused():
    assert started("Cc1ccccc1")[0] == written_out("Cc1ccccc1")
    assert started("c1ccc2c(c1)ncn2")[0] == written_out("c1ccc2c(c1)ncn2C")[:-1]  # grows from the nitrogen
    assert started("C1CC(c2ccccc2)CC(")[0] == "C1CC(c2=cc=cc=c2)CC("
    assert [started(text)[0] for text in ("c1ccc(", "c1cc", "C1=", "c1cccc")] == [
        "c1=cc=c(",
        "c1=cc",
        "C1=",
        "c1=cc=cc",
    ]
    for text in ("CF(", "C)C", "F(F)F", "c1cccc1"):
        with pytest.raises(KekuleError, match="begins no molecule"):
            started(text)
    with pytest.raises(KekuleError, match="no Kekule structure"):
        written_out("c1cccc1")
