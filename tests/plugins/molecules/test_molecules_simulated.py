"""Asked gaps and dipoles are judged by GFN2-xTB: how many molecules, what fails, and what is said without tblite."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")
pytest.importorskip("fcd_torch", reason="the extra 'molecules' is not installed")

from surrogates.plugins.molecules import simulated
from surrogates.plugins.molecules.library import to_dataset
from surrogates.plugins.molecules.measure import MoleculeMeasure, reduce
from surrogates.plugins.molecules.simulated import simulation_errors

WRITTEN = ["CCO", "C1CC", "OCC", "CCN", "CC=O"]


def asked(**properties):
    return to_dataset(WRITTEN, {name: np.array(values, dtype=float) for name, values in properties.items()})


def test_found_gaps_are_the_simulators_and_repeat():
    pytest.importorskip("tblite", reason="the extra 'xtb' is not installed")
    samples = asked(gap=[10.0, 10.0, 12.0, np.nan, 3.0])
    reduced = reduce(samples)
    found = reduced["found_gap"].values
    assert reduced["simulation"].values.tolist() == [0, -1, 0, -1, 0]
    assert found[0] == found[2] and np.isnan(found[[1, 3]]).all()  # one molecule, written twice
    assert 8.0 < found[0] < 16.0 and found[4] < found[0]  # a carbonyl's gap is smaller
    figures = simulation_errors(reduced)
    wanted = np.mean([abs(found[0] - 10.0), abs(found[2] - 12.0), abs(found[4] - 3.0)])
    assert figures == {"simulation_failed": 0.0, "gap_error": pytest.approx(wanted)}
    assert reduce(samples).equals(reduced)


def test_no_more_are_simulated_than_the_measure_says(monkeypatch):
    monkeypatch.setattr(simulated, "find_spec", lambda name: True)
    monkeypatch.setattr(simulated, "simulated", lambda smiles: simulated.Simulated(0, gap=7.0, dipole=1.0))
    samples = asked(gap=[7.5] * 5, dipole=[np.nan, 2.0, np.nan, 3.0, 1.0])
    measure = MoleculeMeasure(simulated=3)
    reduced = measure.reduce(samples)
    assert reduced["simulation"].values.tolist() == [0, -1, 0, 0, -1]
    figures = measure(reduced, reduced)
    assert figures["gap_error"] == 0.5 and figures["dipole_error"] == 2.0 and figures["simulation_failed"] == 0.0


def test_failures_are_counted_and_left_out(monkeypatch):
    ends = {"CCO": simulated.Simulated(0, gap=8.0, dipole=1.0), "CCN": simulated.Simulated(2)}
    monkeypatch.setattr(simulated, "find_spec", lambda name: True)
    monkeypatch.setattr(simulated, "simulated", lambda smiles: ends.get(smiles, simulated.Simulated(4)))
    figures = simulation_errors(reduce(asked(gap=[9.0] * 5)))
    assert figures == {"simulation_failed": 0.5, "gap_error": 1.0}


def test_without_tblite_one_line_says_what_is_not_measured(monkeypatch):
    monkeypatch.setattr(simulated, "find_spec", lambda name: None)
    with pytest.warns(UserWarning, match=r"gap_error and dipole_error are not measured: tblite.*surrogates\[xtb\]"):
        reduced = reduce(asked(gap=[9.0] * 5))
    assert "simulation" not in reduced and simulation_errors(reduced) == {}


def test_truths_of_the_gap_are_the_labelled_molecules():
    source = Path(__file__).parents[3] / "benchmarks" / "molecule_truths.py"
    spec = importlib.util.spec_from_file_location("molecule_truths", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    whole = asked(gap=[9.0, np.nan, 8.0, np.nan, 7.0], dipole=[1.0] * 5, qed=[0.5] * 5)
    chosen = module.gap_asked(whole)
    assert chosen["gap"].values.tolist() == [9.0, 8.0, 7.0]
    assert np.isnan(chosen["dipole"].values).all() and np.isnan(chosen["qed"].values).all()
    for name in ("one", "none"):
        assert np.isnan(module.SETS[name](whole)["gap"].values).all()
    assert module.gap_asked(module.none_asked(whole)).sizes["sample"] == 0
