"""Molecules: tokens, parsing with its reason, and RDKit's descriptors at known values."""

import math

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from surrogates.physics.molecules.descriptors import DESCRIPTORS, canonical, describe, parse
from surrogates.physics.molecules.merging import learned_merges, merged
from surrogates.physics.molecules.tokens import Vocabulary, split


def test_tokens_are_atoms_not_characters():
    assert split("CC(=O)[C@H](Cl)Br%12") == ["C", "C", "(", "=", "O", ")", "[C@H]", "(", "Cl", ")", "Br", "%12"]


def test_a_character_that_starts_no_token_is_named():
    with pytest.raises(ValueError, match="character 2"):
        split("CCx")


def test_vocabulary_goes_both_ways_and_names_what_it_lacks():
    known = Vocabulary.of(["CCO", "c1ccccc1Cl"])
    codes = known.encode(["CCO", "Clc1ccccc1"], 16)
    assert known.decode(codes) == ["CCO", "Clc1ccccc1"]
    with pytest.raises(ValueError, match=r"'Br'"):
        known.encode(["CBr"], 16)
    with pytest.raises(ValueError, match="at most 4"):
        known.encode(["CCCCC"], 5)


def test_merged_pairs_come_back_as_they_were():
    smiles = ["CCO", "CCCCO", "c1ccccc1CCO", "", "CCCCC", "OCCCl"]
    simple = Vocabulary.of(smiles)
    codes = simple.encode(smiles, 16)
    merges = learned_merges(codes, len(simple), 6)
    known = Vocabulary(simple.tokens[2:], merges)
    assert 0 < len(merges) <= 6 and len(known) == len(simple) + len(merges)
    found = known.encode(smiles, 16)
    assert known.decode(found) == smiles
    assert (found != 0).sum() < 0.7 * (codes != 0).sum()
    parts = known.parts()
    for row, text in enumerate(smiles):
        whole = [part for code in found[row] for part in parts[code] if part]
        assert simple.decode(np.array([[*whole, 0]])) == [text]


def test_the_most_frequent_pair_is_merged_first():
    simple = Vocabulary(("C", "O"))
    merges = learned_merges(simple.encode(["COCOCO", "COCC"], 8), 4, 2)
    assert merges.tolist() == [[2, 3], [4, 4]]  # CO comes four times, then COCO once more than any other
    assert merged(simple.encode(["CCCCC"], 8), np.array([[2, 2]]), 4).tolist() == [[4, 4, 2, 0, 0, 0, 0, 0]]
    assert learned_merges(simple.encode(["C", "O", ""], 8), 4, 5).shape == (0, 2)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [("CCO", ""), ("", "empty"), ("C1CC", "syntax"), ("C(C)(C)(C)(C)C", "AtomValenceException"), ("CC[Xx]", "syntax")],
)
def test_parsing_keeps_the_reason(smiles, reason):
    assert parse(smiles).reason == reason


def test_an_impossible_aromatic_ring_cannot_be_kekulised():
    assert parse("c1cccc1").reason == "KekulizeException"


def test_canonical_smiles_do_not_depend_on_the_writing():
    assert canonical("OCC") == canonical("C(O)C") == "CCO"
    assert canonical("C1CC") is None


def test_descriptors_of_aspirin_and_nothing():
    found = describe(["CC(=O)Oc1ccccc1C(=O)O", "C1CC"])
    values = dict(zip(DESCRIPTORS, found[0], strict=True))
    assert values["molecular_weight"] == pytest.approx(180.159, abs=0.01)
    assert values["polar_surface_area"] == pytest.approx(63.6, abs=0.01)  # two carbonyls, an ester oxygen, a hydroxyl
    assert values["log_p"] == pytest.approx(1.31, abs=0.01)
    assert values["qed"] == pytest.approx(0.55, abs=0.01)
    assert 1.0 < values["synthetic_accessibility"] < 2.0
    assert np.isnan(found[1]).all() and not math.isnan(found[0].sum())
