"""Library enrichment and its example: both sides are judged alike, and each molecule counts once."""

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")


import surrogates
from surrogates.contract.errors import SchemaError
from surrogates.plugins.molecules import enrichment
from surrogates.plugins.molecules.enrichment import asked


def test_a_search_counts_what_it_judges_and_stops_when_it_has_enough():
    search = enrichment.Search({"molecular_weight": (45.0, 61.0)})
    search.run(["C", "OCC", "CCO", "C1CC", "CCCO", "CCCCO", "CCN"], find=2, seconds=60.0)
    assert list(search.found) == ["CCO", "CCCO"]
    assert search.judged == 3 and search.simulated == 0 and len(search.seen) == 3
    assert "2 found" in enrichment.report("library", search)


def test_molecules_outside_the_window_do_not_match():
    search = enrichment.Search({"log_p": (5.0, 6.0)}).run(["CCO", "CCN"], find=1, seconds=60.0)
    assert not search.found and search.judged == 2


@pytest.mark.slow
def test_the_surrogate_is_asked_within_the_window(surrogate):
    window = {"molecular_weight": (90.0, 130.0)}
    found = list(itertools.islice(enrichment.asked(surrogate, window, 1, 32), 64))
    assert len(found) == 64 and len(set(found)) > 10
    search = enrichment.Search(window).run(found, find=1000, seconds=60.0)
    assert 0 < len(search.found) <= search.judged <= 64


def test_a_library_is_screened_in_random_order(tmp_path):
    path = tmp_path / "mine.smi"
    path.write_text("\n".join("C" * length for length in range(1, 30)))
    first = enrichment.screened(path, 1)
    assert sorted(first, key=len) == ["C" * length for length in range(1, 30)] != first == enrichment.screened(path, 1)


def test_gaps_are_those_of_the_simulator(monkeypatch):
    from surrogates.physics.molecules.simulation import Simulated

    gaps = {"CCO": 9.0, "CCN": 8.0, "CC": 12.0}
    monkeypatch.setattr(enrichment, "simulate", lambda smiles, seed: Simulated(0, gap=gaps[smiles]))
    search = enrichment.Search({"gap": (8.5, 9.5), "molecular_weight": (40.0, 60.0)})
    search.run(["CC", "CCN", "OCC"], find=5, seconds=60.0)
    assert list(search.found) == ["CCO"] and search.judged == 3 and search.simulated == 2
    assert search.each == search.cpu_seconds
    assert enrichment.Search({}).each == float("inf")


def test_the_example_prints_both_sides_and_writes_what_it_found(surrogate, library, tmp_path, monkeypatch, capsys):
    source = Path(__file__).parents[3] / "examples" / "library_enrichment.py"
    spec = importlib.util.spec_from_file_location("library_enrichment", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.surrogates, "load", lambda name, model: surrogate)
    written = tmp_path / "found.smi"
    options = f"--window molecular_weight 90 130 --find 3 --batch 32 --library {library} --write {written}"
    monkeypatch.setattr("sys.argv", ["library_enrichment.py", *options.split()])
    module.main()
    said = capsys.readouterr().out
    assert said.count("3 found") == 2 and "times as much by screening" in said
    assert len(written.read_text().split()) == 3


def test_ranked_candidates_are_those_expected_in_the_window_nearest_first():
    class Expecting:
        """Expects a gap of as many electronvolts as a SMILES has characters."""

        def sample(self, n, *, seed, smiles):
            assert n == len(smiles)
            gaps = [np.nan if text == "N" else float(len(text)) for text in smiles]
            return xr.Dataset({"gap": ("sample", gaps)})

    candidates = ["C1C", "C", "CCC", "N", "CCCC", "CCCCC", "CCCCCCCC", "CC", "OCCC"]
    found = list(enrichment.ranked(candidates, {"gap": (2.0, 5.0)}, Expecting()))
    assert found == [
        "CCC",
        "CCCC",
        "OCCC",
        "CCCCC",
        "CC",
    ]
    assert list(enrichment.ranked(candidates, {"gap": (2.0, 5.0)}, Expecting(), block=1))[-1] == "OCCC"


def test_a_window_beyond_the_trained_range_is_asked_as_far_as_it_goes():
    surrogate = surrogates.load("molecules")
    candidates = asked(surrogate, {"qed": (0.85, 1.0), "log_p": (2.0, 2.4)}, 1, 8)
    assert all(isinstance(next(candidates), str) for _ in range(8))
    with pytest.raises(SchemaError, match="qed: no window from 1.5 to 2"):
        asked(surrogate, {"qed": (1.5, 2.0)}, 1, 8)
    with pytest.raises(SchemaError, match="weight: no property.*expected one of"):
        asked(surrogate, {"weight": (1.5, 2.0)}, 1, 8)
