"""Figures onto a card, and the truth that is made where none is given; for a third party's plugin as for ours."""

import json
import shutil

import pytest

import surrogates
from surrogates import registry
from surrogates.cli.entry import run
from surrogates.contract.errors import SimulatorMissing
from surrogates.release.cards import Card
from surrogates.reporting.held_out import held_out

pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
NAME = "muon-decay"


def call(*words: object) -> int:
    return run([str(word) for word in words])


@pytest.fixture
def weights(tmp_path):
    """A copy of the released weights, whose card may be written."""
    released = registry.entry(NAME).weights
    for name in ("flow.safetensors", "flow.json"):
        shutil.copy(released / name, tmp_path / name)
    return tmp_path / "flow.safetensors"


def test_a_card_is_measured_on_test_sets(weights, tmp_path, capsys):
    for name, seed in (("truth", 1), ("second", 2), ("slow", 3)):
        more = ("--muon-momentum", 0.01) if name == "slow" else ("--prior",)
        assert call("reference", NAME, "-n", 3000, *more, "--seed", seed, "-o", tmp_path / f"{name}.nc") == 0
    asked = ("--truth", tmp_path / "truth.nc", "--second", tmp_path / "second.nc", "--note", "a remark", "--quick")
    before = Card.read(weights.with_suffix(".json"))
    section = ("--section", f"slow={tmp_path / 'slow.nc'}", "--plain", "slow")
    assert call("card", NAME, "--weights", weights, *asked, *section) == 0
    after = Card.read(weights.with_suffix(".json"))
    assert (after.sha256, after.trained_range, after.title) == (before.sha256, before.trained_range, before.title)
    names = [finding.name for finding in after.findings]
    assert {"energy_w1", "lifetime_w1", "slow/energy_w1"} <= set(names)
    assert all(finding.floor is not None for finding in after.findings)
    assert "unpolarised" in after.baselines and "slow/unpolarised" not in after.baselines
    assert after.laws["mass_shell"][0] <= after.laws["mass_shell"][1] == 1e-9
    assert "a remark" in after.notes and any(note.startswith("slow: ") for note in after.notes)
    assert "figures" in capsys.readouterr().out


def test_a_card_takes_the_held_out_truth_where_none_is_given(weights, capsys):
    assert call("card", NAME, "--weights", weights, "-n", 2000, "--quick", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["findings"] and printed["sha256"] == Card.read(weights.with_suffix(".json")).sha256
    assert {row["n"] for row in printed["findings"]} == {2000}


def test_validation_without_a_reference_runs_it_at_the_samples_own_conditions(tmp_path, capsys):
    samples = tmp_path / "samples.nc"
    assert call("generate", NAME, "-n", 3000, "--muon-momentum", "2GeV", "--polarisation", 0.7, "-o", samples) == 0
    capsys.readouterr()
    call("validate", NAME, samples, "--quick", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["reference"] is None and {row["n"] for row in found["findings"]} == {3000}
    assert found["remarks"] == ["3,000 of the samples against as many of the reference at their own conditions"]
    assert not {"energy_w1", "asymmetry"} & set(found["unmet"])
    assert call("validate", NAME, samples, "--second-reference", samples) == 2


def test_the_held_out_truth_is_new_and_at_the_samples_rows(tmp_path):
    plugin = registry.plugin(NAME)
    samples = surrogates.load(NAME).sample(1000, seed=4, muon_momentum=1.0)
    kept, truth, second = held_out(plugin, samples, seed=0, n=100)
    assert kept.sizes["sample"] == truth.sizes["sample"] == second.sizes["sample"] == 100
    assert (truth["sample"] == kept["sample"]).all() and (truth["muon_momentum"] == 1.0).all()
    assert (truth["positron_pz"] != second["positron_pz"]).all()
    from dataclasses import replace

    drawn = held_out(replace(plugin, reference=None), samples, seed=0, n=100)[1]
    assert drawn["muon_momentum"].std() > 1.0
    with pytest.raises(SimulatorMissing, match="give --reference FILE"):
        held_out(replace(plugin, reference=None, stochastic=False), samples, seed=0)
    assert len(held_out(replace(plugin, stochastic=False), samples, seed=0, n=10)) == 2
