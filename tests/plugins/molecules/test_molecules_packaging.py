"""Labels of QM9: packaged in its order, and asked where they are known."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from surrogates.plugins.molecules import packaged, truth
from surrogates.plugins.molecules.library import Library, splits


def test_labels_follow_the_molecules_however_they_were_written(tmp_path):
    source = Path(__file__).parents[3] / "scripts" / "package_molecules.py"
    spec = importlib.util.spec_from_file_location("package_molecules", source)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    np.savez(
        tmp_path / "shard-0.npz",
        smiles=np.array(["OCC", "C", "[Xx]", "CCCCCCCCCCC"]),
        status=np.array([0, 4, 1, 0]),
        gap=np.array([8.5, np.nan, np.nan, 1.0]),
        dipole=np.array([1.7, np.nan, np.nan, 2.0]),
    )
    gap, dipole = script.labelled(tmp_path, ("C", "CCN", "CCO"))
    np.testing.assert_array_equal(gap, [np.nan, np.nan, 8.5])
    path = packaged.save_labels(gap, dipole, tmp_path / "labels.npz")
    again = packaged.qm9_labels(path)
    np.testing.assert_allclose(again["gap"], gap)
    np.testing.assert_allclose(again["dipole"], dipole, rtol=1e-3)
    assert packaged.qm9_labels(tmp_path / "none.npz") == {}


def test_training_molecules_are_asked_their_labels():
    smiles = tuple("C" * length for length in range(1, 31))
    labels = {"gap": np.arange(30.0) / 2.0}
    learned = truth.training_of(Library(smiles, np.zeros((30, 5))), labels)
    rows = splits(smiles)["training"]
    np.testing.assert_array_equal(learned["gap"].values, labels["gap"][rows])
    assert np.isnan(learned["dipole"].values).all()
