"""The demo: it leaves a page, samples, figures and timings, and never empties a folder that is not its own."""

import json
from dataclasses import replace

import pytest

from surrogates import registry
from surrogates.cli.demo import LARGEST, SMALLEST, _sampled, truth_size
from surrogates.cli.entry import run
from surrogates.contract.errors import SurrogatesError
from surrogates.release.cards import Speed


def test_truth_takes_about_the_asked_time():
    speeds = (Speed("surrogate", 1000, 0.01, 0.01), Speed("reference", 1250, 10.0, 10.0))
    assert truth_size(speeds, seconds=40, workers=2) == 10_000
    assert truth_size(speeds, seconds=1e-3, workers=2) == SMALLEST
    assert truth_size(speeds, seconds=1e6, workers=2, asked=2_000) == 200
    assert truth_size(speeds, seconds=1e6, workers=2) == LARGEST


def test_foreign_folder_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert run(["demo", "--out", str(tmp_path)]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").exists()


def test_demo_without_anything_to_show_fails(tmp_path, capsys):
    assert run(["demo", "--out", str(tmp_path / "demo"), "--plugin", "no-such-plugin"]) == 1
    assert "no-such-plugin: unknown plugin" in capsys.readouterr().err


def test_a_quick_look_draws_samples_beside_the_cards_figures(tmp_path):
    pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
    out = tmp_path / "demo"
    assert run(["demo", "--out", str(out), "--plugin", "muon-decay"]) == 0
    assert {path.name for path in (out / "muon-decay").iterdir()} >= {"samples.nc", "samples.h5", "figure-0.png"}
    page = (out / "report.html").read_text()
    assert page.index("<img") < page.index("required figures met")
    assert "kept" in page


def test_an_unknown_plugin_to_compare_is_named_before_anything_runs(tmp_path, capsys):
    assert run(["demo", "--out", str(tmp_path / "demo"), "--compare", "muon-dekay"]) == 2
    assert "muon-dekay: unknown plugin" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_demo_leaves_report_samples_figures_and_timings(tmp_path, capsys):
    pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
    out = tmp_path / "demo"
    assert run(["demo", "--out", str(out), "--plugin", "muon-decay", "--compare", "all", "--truth-seconds", "1"]) == 0
    assert capsys.readouterr().out.strip() == str((out / "report.html").resolve())
    left = {path.name for path in (out / "muon-decay").iterdir()}
    assert left >= {"samples.h5", "reference.nc", "benchmark.json", "benchmark.png", "figure-0.png", "findings.json"}
    timings = json.loads((out / "muon-decay" / "benchmark.json").read_text())["timings"]
    assert {timing["side"] for timing in timings} == {"reference", "surrogate"}
    assert "muon-decay" in (out / "report.html").read_text()


def test_a_plugin_without_a_reference_is_shown_beside_its_truth(tmp_path, monkeypatch):
    pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
    alone = replace(registry.plugin("muon-decay"), reference=None)
    monkeypatch.setattr(registry, "plugin", lambda name: alone)
    truth = alone.truth(50, 3)
    surrogate, samples = _sampled(alone, truth)
    assert surrogate.card.recipe == "flow" and samples.sizes["sample"] == 50
    assert (samples["muon_momentum"].values == truth["muon_momentum"].values).all()
    beyond = truth.assign(muon_momentum=truth["muon_momentum"] * 100.0)
    with pytest.raises(SurrogatesError, match=r"no model fits the truth \(muon_momentum"):
        _sampled(alone, beyond)
