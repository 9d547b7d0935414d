"""The example of library enrichment: both sides are judged alike, and each molecule counts once."""

import importlib.util
import itertools
import sys
from pathlib import Path

import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")


@pytest.fixture(scope="module")
def example():
    source = Path(__file__).parents[3] / "examples" / "library_enrichment.py"
    spec = importlib.util.spec_from_file_location("library_enrichment", source)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_search_counts_what_it_judges_and_stops_when_it_has_enough(example):
    search = example.Search({"molecular_weight": (45.0, 61.0)})
    search.run(["C", "OCC", "CCO", "C1CC", "CCCO", "CCCCO", "CCN"], find=2, seconds=60.0)
    assert list(search.found) == ["CCO", "CCCO"]
    assert search.judged == 3 and search.simulated == 0 and len(search.seen) == 3
    assert "2 found" in example.report("library", search)


def test_molecules_outside_the_window_do_not_match(example):
    search = example.Search({"log_p": (5.0, 6.0)}).run(["CCO", "CCN"], find=1, seconds=60.0)
    assert not search.found and search.judged == 2


def test_the_surrogate_is_asked_within_the_window(example, surrogate):
    window = {"molecular_weight": (90.0, 130.0)}
    found = list(itertools.islice(example.asked(surrogate, window, 1, 32), 64))
    assert len(found) == 64 and len(set(found)) > 10
    search = example.Search(window).run(found, find=1000, seconds=60.0)
    assert 0 < len(search.found) <= search.judged <= 64


def test_a_library_is_screened_in_random_order(example, tmp_path):
    path = tmp_path / "mine.smi"
    path.write_text("\n".join("C" * length for length in range(1, 30)))
    first = example.screened(path, 1)
    assert sorted(first, key=len) == ["C" * length for length in range(1, 30)] != first == example.screened(path, 1)
