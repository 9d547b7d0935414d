"""Fragments, scaffolds, fingerprints, identities and ChemNet activations of known molecules."""

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from rdkit import Chem

from surrogates.physics.molecules import structure
from surrogates.physics.molecules.distances import similarity

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_scaffold_of_toluene_is_benzene_and_a_chain_has_none():
    assert structure.scaffold(Chem.MolFromSmiles("Cc1ccccc1")) == "c1ccccc1"
    assert structure.scaffold(Chem.MolFromSmiles("CCO")) == ""


def test_brics_cuts_an_ester_and_counts_each_fragment():
    parts = structure.fragments(Chem.MolFromSmiles("CC(=O)Oc1ccccc1"))
    assert sorted(parts) == sorted(["[1*]C(C)=O", "[3*]O[3*]", "[16*]c1ccccc1"])
    assert structure.fragments(Chem.MolFromSmiles("CC")) == ["CC"]


def test_fingerprints_do_not_depend_on_the_writing():
    prints = structure.fingerprints([Chem.MolFromSmiles(text) for text in ("OCC", "CCO", "c1ccccc1")])
    assert prints.shape == (3, structure.BITS // 8)
    found = similarity(prints, prints)
    assert found[0, 1] == pytest.approx(1.0) and found[0, 2] < 0.2


def test_inchi_key_and_counts_of_aspirin():
    aspirin = Chem.MolFromSmiles(ASPIRIN)
    assert structure.inchi_key(aspirin) == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    assert dict(zip(structure.COUNTS, structure.counts(aspirin), strict=True)) == {
        "heavy_atoms": 13,
        "hydrogen_acceptors": 3,
        "hydrogen_donors": 1,
        "rotatable_bonds": 2,
        "aromatic_rings": 1,
        "aliphatic_rings": 0,
    }


def test_labels_are_stable_and_differ():
    assert structure.label("c1ccccc1") == structure.label("c1ccccc1") != structure.label("C1CCCCC1")
    assert 0 <= structure.label("") < 1 << 64


def test_activations_agree_with_fcd_torch_and_do_not_depend_on_the_batch():
    fcd_torch = pytest.importorskip("fcd_torch")
    from surrogates.physics.molecules.chemnet import activations, chemnet_distance

    smiles = [Chem.CanonSmiles(text) for text in (ASPIRIN, "CCO", "c1ccccc1", "CCN", "CCCl", "C1CC1O")]
    found = activations(smiles)
    np.testing.assert_allclose(found, activations(smiles, batch=4), atol=1e-6)
    with pytest.warns(DeprecationWarning):
        theirs = fcd_torch.FCD()
        expected = theirs.metric(theirs.precalc(smiles[:3]), theirs.precalc(smiles[3:]))
    assert chemnet_distance(found[:3], found[3:]) == pytest.approx(expected, rel=1e-3)
    assert np.isnan(chemnet_distance(found[:1], found))
