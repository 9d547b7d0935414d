"""GFN2-xTB stands on geometries that it agrees with; what has none, or no closed shell, is said in words."""

import numpy as np
import pytest

pytest.importorskip("tblite", reason="the extra `xtb` is not installed")
pytest.importorskip("rdkit", reason="the extra `molecules` is not installed")

from rdkit import Chem

from surrogates.physics.molecules import simulation
from surrogates.physics.molecules.geometry import bond_lengths, embedded
from surrogates.physics.molecules.simulation import CONVERGED, NOT_CONVERGED, UNSUPPORTED, simulate


def relaxed(smiles, seed=1):
    molecule = embedded(Chem.MolFromSmiles(smiles), seed)[0]
    assert simulation._relaxed(molecule) is not None
    return molecule


@pytest.mark.parametrize(
    ("smiles", "length", "low", "high"),
    [
        ("O=C=O", 1.160, 8.0, 9.0),  # experimental bond lengths in angstrom (NIST CCCBDB), 0.04 allowed
        ("N#N", 1.098, 3.8, 4.4),
        ("O=S=O", 1.431, 3.3, 3.8),
        ("S=C=S", 1.553, 3.0, 3.5),
        ("FF", 1.412, 4.3, 5.0),
    ],
)
def test_small_molecules_have_the_bonds_that_are_measured(smiles, length, low, high):
    molecule = relaxed(smiles)
    np.testing.assert_allclose(bond_lengths(molecule, molecule.GetConformer().GetPositions()), length, atol=0.04)
    found = simulate(smiles, 1)
    assert found.status == CONVERGED and found.relaxed and low < found.gap < high


@pytest.mark.parametrize("smiles", ["FS(F)(F)(F)(F)F", "F[P-](F)(F)(F)(F)F"])
def test_six_fluorines_stand_at_the_corners_of_an_octahedron(smiles, monkeypatch):
    kept = {}
    monkeypatch.setattr(simulation, "embedded", lambda *given: kept.setdefault("whole", embedded(*given)))
    for seed in range(3):
        kept.clear()
        found = simulate(smiles, seed)
        assert found.status == CONVERGED and found.gap > 7.0
        molecule = kept["whole"][0]
        centre = next(atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetDegree() == 6)
        places = molecule.GetConformer().GetPositions()
        out = np.delete(places, centre, axis=0) - places[centre]
        out /= np.linalg.norm(out, axis=1)[:, None]
        cosines = np.sort((out @ out.T)[np.triu_indices(6, 1)])
        np.testing.assert_allclose(cosines, [-1.0] * 3 + [0.0] * 12, atol=0.03)


def test_a_fluorosulfanyl_benzene_keeps_its_bonds_and_has_a_gap_of_volts():
    found = simulate("FS(F)(F)(F)(F)c1ccccc1", 1)
    assert found.status == CONVERGED and found.gap > 4.0


def test_what_a_force_field_does_well_is_left_alone():
    for smiles in ("C", "CCO", "CS(C)(=O)=O", "O=P(O)(O)O", "CC(=O)Oc1ccccc1C(=O)O"):
        found = simulate(smiles, 1)
        assert found.status == CONVERGED and not found.relaxed


@pytest.mark.parametrize("smiles", ["[H+]", "[Na+]", "[Na+].[Cl-]", "[C]", "*", "[U]", "O=O", "S=S"])
def test_what_has_no_closed_shell_or_no_one_geometry_is_unsupported(smiles):
    found = simulate(smiles, 1)
    assert found.status == UNSUPPORTED and np.isnan(found.gap)


def test_stated_radicals_have_a_gap_by_electron_count():
    triplet = simulate("[O][O]", 1)
    assert triplet.status == CONVERGED and 9.0 < triplet.gap < 12.0  # 19.19 eV one level further up


def test_a_geometry_that_loses_its_bonds_is_a_failure_and_no_value(monkeypatch):
    monkeypatch.setattr(simulation, "_WHOLE", (2.0, 3.0))
    assert simulate("O=C=O", 1).status == NOT_CONVERGED
