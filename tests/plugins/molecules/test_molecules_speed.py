"""The benchmark of molecules: what is counted, what a window costs on both sides, and what is written."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from surrogates.plugins.molecules.enrichment import Search
from surrogates.timing.timings import Benchmark, Timing


@pytest.fixture(scope="module")
def benchmark():
    source = Path(__file__).parents[3] / "benchmarks" / "molecules.py"
    spec = importlib.util.spec_from_file_location("molecules_benchmark", source)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def searched(benchmark):
    generated = Search({}, {"CCO": None, "CCN": None}, judged=10, simulated=10, cpu_seconds=1.0)
    library = Search({}, {"CCC": None}, judged=500, simulated=500, cpu_seconds=6.0)
    return benchmark.Found("tail", (10.4, 10.6), {"generation": generated, "screening": library})


def test_writing_counts_valid_molecules_of_every_side_in_turns(benchmark, surrogate):
    found = benchmark.writing(surrogate, call=64, rounds=2)
    assert [timing.side for timing in found.timings] == ["unguided, bfloat16", "unguided, float32", "guided, bfloat16"]
    for timing in found.timings:
        assert len(timing.rates) == 2 and 0 < timing.samples <= 128 and timing.cores == 1
        assert "% valid" in timing.note
    assert found.speeds()[0].rate > 0.0


def test_what_is_not_valid_is_not_counted(benchmark):
    writer = benchmark.Writer(None, written=["CCO", "C1CC", "CCN", "C"])
    assert writer.validity() == 0.75
    timing = benchmark.valid(Timing("a", 4096, 2.0, 2.0, 1, 512, rates=(2000.0, 2096.0), note="so"), 0.75)
    assert timing.samples == 3072 and timing.rates == (1500.0, 1572.0) and "75.0% valid" in timing.note


def test_a_window_is_searched_on_both_sides(benchmark, surrogate, monkeypatch):
    from surrogates.physics.molecules.simulation import Simulated
    from surrogates.plugins.molecules import enrichment

    gaps = iter(range(10_000))
    monkeypatch.setattr(benchmark, "simulate", lambda smiles, seed: None)
    monkeypatch.setattr(enrichment, "simulate", lambda smiles, seed: Simulated(0, gap=0.1 * (next(gaps) % 20)))
    opened = replace(surrogate, card=replace(surrogate.card, unseen=()), extrapolate=True)
    found = benchmark.search(
        opened, "body", (0.45, 0.75), ["C" * n for n in range(1, 40)], find=3, seconds=60.0, batch=64
    )
    assert [len(side.found) for side in found.searches.values()] == [3, 3]
    assert found.searches["generation"].wall_seconds > 0.0 and found.ratio("generation") > 0.0


def test_the_ratio_is_of_costs_a_match(benchmark):
    item = searched(benchmark)
    assert item.ratio("generation") == pytest.approx(12.0)
    item.searches["screening"] = Search({})
    assert str(item.ratio("generation")) == "nan"


def test_tables_and_files_hold_both_parts(benchmark, tmp_path):
    timing = Timing("unguided, bfloat16", 3072, 2.0, 2.0, 1, 512, rates=(1500.0, 1600.0, 1700.0), note="98% valid")
    written = Benchmark("molecules", "one core", (timing,), "a machine")
    item = searched(benchmark)
    whole = benchmark.with_searches(written, [item])
    assert "as much by screening QM9: 12.0 (generation); 10 asked" in whole.notes[-1]
    text = benchmark.table({"qm9": whole}, [item], "--find 2")
    assert "| qm9 | unguided, bfloat16 | 1,600 | 1,500 to 1,700 | 98% valid |" in text
    assert "| gap 10.4 to 10.6 eV, tail | generation | 2 | 10 | 1.0 | 0.5 | 12.0 |" in text
    whole.write(tmp_path)
    rows = json.loads((tmp_path / "benchmark.json").read_text())["timings"]
    assert [row["samples"] for row in rows] == [3072, 2, 1]
