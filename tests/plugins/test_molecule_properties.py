"""molecule-properties: one molecule has one answer however it is written, and what cannot be answered is said."""

import dataclasses
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rdkit", reason="the extra `molecules` is not installed")

import surrogates
from surrogates.contract.errors import SchemaError, SimulatorMissing, SurrogatesError
from surrogates.physics.molecules.descriptors import describe
from surrogates.physics.molecules.laws import interval_order
from surrogates.physics.molecules.simulation import CONVERGED, STATUSES, UNPARSABLE, UNSUPPORTED
from surrogates.physics.molecules.text import from_codes
from surrogates.plugins.molecule_properties import labels as packed
from surrogates.plugins.molecule_properties.codec import PropertyCodec
from surrogates.plugins.molecule_properties.graphs import graph, toolkit
from surrogates.plugins.molecule_properties.measure import FIGURES, heavy_atoms, rank_correlation
from surrogates.plugins.molecule_properties.plugin import PLUGIN
from surrogates.plugins.molecule_properties.recipes import gru
from surrogates.plugins.molecule_properties.variables import CONDITIONS, EXTRAPOLATED, LEARNED, RDKIT, SIMULATED
from surrogates.sampling.reference import ReferenceSimulator
from surrogates.sampling.request import condition_dataset
from surrogates.testing import check_plugin


def few(folder):
    """Some molecules of the packed labels, evenly over QM9's order, so that a test trains in seconds."""
    pools = (packed.labels("train"), 1500), (packed.labels("calibration"), 400)
    return tuple(pool.isel(sample=np.linspace(0, pool.sizes["sample"] - 1, count).astype(int)) for pool, count in pools)


SMALL = dataclasses.replace(PLUGIN, recipes={"gru": dataclasses.replace(gru(150, width=24), data=few, batch_size=96)})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with weights that were trained for some seconds."""
    pytest.importorskip("lightning_fabric", reason="the extra `train` is not installed")
    from surrogates.release.made import new_card
    from surrogates.release.weights import save_release
    from surrogates.training.train import train, trained

    folder = tmp_path_factory.mktemp("run")
    train(SMALL, "gru", folder, device="cpu", progress=False, figure=lambda model, codec: None)
    card = new_card(SMALL, "gru", data=None, run=folder, seed=0)
    save_release(*trained(SMALL, "gru", folder), card, folder / "gru.safetensors")
    return folder


@pytest.fixture(scope="module")
def surrogate(weights):
    from surrogates.sampling.surrogate import Surrogate

    return Surrogate.open(SMALL, weights=weights / "gru.safetensors")


# Molecules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("smiles", "status", "read"),
    [
        ("OCC", CONVERGED, "CCO"),
        ("C1=CC=CC=C1", CONVERGED, "c1ccccc1"),
        ("CC(=O)[O-].[Na+]", CONVERGED, "CC(=O)[O-]"),
        ("O.O.CCN", CONVERGED, "CCN"),
        ("C.N", CONVERGED, "N"),  # equally many heavy atoms: the heavier
        ("C1CC", UNPARSABLE, ""),
        ("C(C)(C)(C)(C)C", UNPARSABLE, ""),
        ("[U]", UNSUPPORTED, "[U]"),
        ("[H+]", CONVERGED, "[H+]"),
        ("[Na+].[Cl-]", CONVERGED, "[Cl-]"),
        ("[U].CC", CONVERGED, "CC"),
    ],
)
def test_a_smiles_stands_for_one_molecule(smiles, status, read):
    found = graph(smiles)
    assert (found.status, found.smiles) == (status, read)
    assert np.isnan(found.molecular_weight) == (status == UNPARSABLE)


def test_weight_and_surface_of_ethanol():
    found = graph("OCC")
    assert found.molecular_weight == pytest.approx(46.069, abs=1e-3)
    assert found.polar_surface_area == pytest.approx(20.23)
    assert found.heavy_atoms == 3


# Labels ------------------------------------------------------------------------------------------------------------


def test_no_molecule_is_in_two_parts():
    parts = {name: from_codes(packed.labels(name)["smiles"].values) for name in packed.PARTS}
    whole = [smiles for molecules in parts.values() for smiles in molecules]
    assert len(set(whole)) == len(whole) == len(packed.packed()["smiles"])
    for name, share in {"test": 0.1, "calibration": 0.1, "train": 0.8}.items():
        assert len(parts[name]) / len(whole) == pytest.approx(share, abs=0.02)
    assert all(graph(smiles).smiles == smiles for smiles in parts["test"][:200])
    assert packed.part("CCO") == packed.part("CCO")


def test_labels_are_physical_and_failures_are_kept():
    data = packed.labels("train")
    failed = data["status"].values != CONVERGED
    assert 0.002 < failed.mean() < 0.03  # about 1 % of QM9 does not embed
    for name in SIMULATED:
        assert np.array_equal(np.isnan(data[name].values), failed)
        assert (data[name].values[~failed] >= 0).all()
    assert 3.0 < np.nanmean(data["gap"].values) < 8.0
    assert PLUGIN.outputs["status"].categories[: len(STATUSES)] == STATUSES


def test_truth_draws_test_molecules_in_an_order_of_its_seed():
    available = packed.labels("test").sizes["sample"]
    whole = packed.truth(available + 7, 3)
    smiles = from_codes(whole["smiles"].values)
    assert sorted(smiles[:available]) == sorted(from_codes(packed.labels("test")["smiles"].values))
    assert len(set(smiles)) == available
    assert from_codes(packed.truth(40, 3)["smiles"].values) == smiles[:40]
    assert from_codes(packed.truth(40, 4)["smiles"].values) != smiles[:40]
    assert all(packed.part(text) == "test" for text in smiles)


# Codec and laws ----------------------------------------------------------------------------------------------------


def fitted():
    codec = PropertyCodec()
    data = packed.labels("train").isel(sample=slice(0, 400))
    codec.fit([{name: torch.from_numpy(np.array(data[name].values)) for name in ("smiles", *LEARNED)}])
    return codec


def encoded(codec, *smiles):
    rows = condition_dataset(CONDITIONS, n=len(smiles), smiles=list(smiles))
    return codec.encode({"smiles": torch.from_numpy(rows["smiles"].values)})


def test_two_ways_to_write_a_molecule_are_one_to_the_network():
    found = encoded(fitted(), "OCC", "CCO", "C(O)C", "CCN")
    assert torch.equal(found["tokens"][0], found["tokens"][1]) and torch.equal(found["tokens"][0], found["tokens"][2])
    assert not torch.equal(found["tokens"][0], found["tokens"][3])


def test_what_training_never_saw_is_said():
    found = encoded(fitted(), "CCCCO", "CCCCCCCCCCCCC", "CC[Br]", "C" * 100, "C1CC", "[U]")
    assert found["status"].tolist() == [CONVERGED, EXTRAPOLATED, UNSUPPORTED, UNSUPPORTED, UNPARSABLE, UNSUPPORTED]
    assert (found["tokens"] != 0).any(1).tolist() == [True, True, False, False, False, False]


def test_molecules_unlike_those_of_training_are_marked():
    released = surrogates.load(PLUGIN.name)
    asked = ["C", "O", "CCO", "N#N", "NN=NN=NN=NN", "CCC(C)CO", "c1ccncc1", "C" * 12]
    found = released.sample(len(asked), seed=1, smiles=asked)
    marked = [smiles for smiles, code in zip(asked, found["status"].values, strict=True) if code == EXTRAPOLATED]
    assert marked == [smiles for smiles in asked if smiles not in ("CCC(C)CO", "c1ccncc1")]
    assert np.isfinite(found["gap"].values).all()


def test_stereochemistry_is_answered_and_said_to_be_ignored():
    released = surrogates.load(PLUGIN.name)
    asked = ["C/C=C/CCC", "C/C=C\\CCC", "CC=CCCC", "C[C@H](O)CCN", "[13CH3]CCCCO"]
    found = released.sample(len(asked), seed=1, smiles=asked)
    assert found["status"].values.tolist() == [CONVERGED] * len(asked)
    labels = PLUGIN.outputs["stereochemistry"].categories
    assert [labels[code] for code in found["stereochemistry"].values] == [
        "ignored",
        "ignored",
        "none",
        "ignored",
        "none",
    ]
    for name in LEARNED:
        np.testing.assert_allclose(found[name].values[:2], found[name].values[2], rtol=1e-5)


def test_the_reference_uses_stereochemistry():
    pytest.importorskip("tblite", reason="the extra `xtb` is not installed")
    found = ReferenceSimulator.open(PLUGIN).sample(2, seed=1, smiles=["F/C=C/F", "F/C=C\\F"])
    assert {PLUGIN.outputs["stereochemistry"].categories[code] for code in found["stereochemistry"].values} == {"used"}
    assert found["dipole"].values[0] < 0.1 < 1.5 < found["dipole"].values[1]  # 0 by symmetry, and 2.42 debye measured


def test_the_package_answers_the_molecules_that_it_makes():
    made = surrogates.load("molecules").sample(60, seed=4)
    found = surrogates.load(PLUGIN.name).sample(made[["smiles"]], seed=1)
    read = found["status"].values != UNPARSABLE
    assert read.mean() > 0.9
    exact = describe(from_codes(made["smiles"].values), RDKIT)
    for place, name in enumerate(RDKIT):
        assert np.isfinite(found[name].values[read]).all()
        unread = found["status"].values == UNSUPPORTED
        np.testing.assert_allclose(found[name].values[unread], exact[unread, place], rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-30, 30), min_size=5, max_size=5), st.floats(0, 50), st.floats(-9, 9, width=32))
def test_intervals_keep_their_order_whatever_the_network_says(mean, width, failed):
    codec = fitted_once()
    answer = {
        "mean": torch.tensor([mean], dtype=torch.float32),
        "half_width": torch.full((1, 2), width, dtype=torch.float32),
        "failed": torch.tensor([failed]),
        **{name: tensor for name, tensor in encoded(codec, "CCO").items() if name != "tokens"},
    }
    outputs = codec.decode(answer, {})
    for name in SIMULATED:
        assert float(interval_order(outputs, {}, of=name)) == 0.0
        assert torch.isnan(outputs[name]).item() == (failed > 0)
    assert 0.0 <= float(outputs["qed"]) <= 1.0 <= float(outputs["synthetic_accessibility"]) <= 10.0
    assert float(outputs["molecular_weight"]) == pytest.approx(46.069, abs=1e-3)


def fitted_once(made=[]):  # noqa: B006
    if not made:
        made.append(fitted())
    return made[0]


def test_a_broken_order_is_noticed():
    outputs = {"gap": [5.0, 5.0, 5.0], "gap_low": [5.5, 4.0, -1.0], "gap_high": [6.0, 4.8, 6.0]}
    residual = interval_order({k: torch.tensor(v, dtype=torch.float64) for k, v in outputs.items()}, {}, of="gap")
    assert residual.tolist() == pytest.approx([0.5, 0.2, 1.0])


# Reference ---------------------------------------------------------------------------------------------------------


def test_the_reference_answers_and_says_what_failed():
    pytest.importorskip("tblite", reason="the extra `xtb` is not installed")
    reference = ReferenceSimulator.open(PLUGIN)
    smiles = ["C=O", "CCO", "C1CC", "[U]", "CC(=O)[O-].[Na+]"]
    found = reference.sample(5, seed=1, smiles=smiles)
    assert found["status"].values.tolist() == [CONVERGED, CONVERGED, UNPARSABLE, UNSUPPORTED, CONVERGED]
    gap, dipole = found["gap"].values, found["dipole"].values
    assert 2.0 < gap[0] < 6.0 and gap[1] > gap[0] + 3.0  # a carbonyl's n -> pi* gap is far below that of an alcohol
    assert dipole[0] == pytest.approx(2.33, abs=0.6)  # formaldehyde, measured (CRC Handbook)
    assert np.isnan(gap[2:4]).all() and np.isfinite(found["molecular_weight"].values[3])
    assert np.array_equal(found["gap_low"].values, gap, equal_nan=True)
    alone = reference.sample(1, seed=1, first=1, smiles="CCO")
    assert alone["gap"].values[0] == gap[1]


def test_ions_atoms_and_hidden_open_shells_have_a_status():
    pytest.importorskip("tblite", reason="the extra `xtb` is not installed")
    asked = ["[H+]", "[Na+]", "[Na+].[Cl-]", "O=O", "[O][O]", "FS(F)(F)(F)(F)F"]
    found = ReferenceSimulator.open(PLUGIN).sample(len(asked), seed=1, smiles=asked)
    said = [PLUGIN.outputs["status"].categories[code] for code in found["status"].values]
    assert said == ["unsupported", "unsupported", "converged", "unsupported", "converged", "converged"]


def test_a_missing_rdkit_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdkit", None)
    toolkit.cache_clear()
    try:
        with pytest.raises(SurrogatesError, match=r"needs rdkit.*pip install 'surrogates\[molecules\]'"):
            graph("CCO")
    finally:
        toolkit.cache_clear()


def test_a_missing_xtb_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblite", None)
    monkeypatch.setitem(sys.modules, "tblite.interface", None)
    with pytest.raises(SimulatorMissing, match=r"tblite.*not installed; pip install 'surrogates\[xtb\]'"):
        ReferenceSimulator.open(PLUGIN)


@pytest.mark.parametrize(
    ("asked", "said"),
    [("C" * 113, "has 113 characters; expected at most 112"), ("CCÖ", "ASCII"), ("", "is empty"), (3, "3; expected")],
)
def test_what_is_no_smiles_is_refused(asked, said):
    with pytest.raises(SchemaError, match=f"^smiles: .*{said}"):
        condition_dataset(CONDITIONS, n=2, smiles=asked)


def test_the_truth_agrees_with_itself():
    truth = packed.truth(300, 1)
    found = FIGURES(truth, truth)
    assert all(value == pytest.approx(0.0, abs=1e-12) for name, value in found.items() if not name.endswith("coverage"))
    assert found["gap_coverage"] == pytest.approx(0.1)  # a point holds itself always, more often than asked


def test_errors_coverage_and_order_are_what_they_say():
    truth = packed.truth(400, 1)
    moved = truth.assign(
        gap=truth["gap"] + 0.3,
        gap_low=truth["gap"] + np.where(np.arange(400) % 4 == 0, 0.1, -0.1),
        gap_high=truth["gap"] + 0.7,
    )
    found = FIGURES(moved, truth)
    assert found["gap_mae"] == pytest.approx(0.3)
    known = np.isfinite(truth["gap"].values)
    held = (np.arange(400) % 4 != 0)[known].mean()
    assert found["gap_coverage"] == pytest.approx(abs(held - 0.9))
    assert found["gap_interval_score"] == pytest.approx(0.8 * held + (1 - held) * (0.6 + 20 * 0.1))
    assert found["gap_rank"] == pytest.approx(0.0, abs=1e-9)
    assert found["9 heavy atoms/gap_mae"] == pytest.approx(0.3)
    assert found["log_p_mae"] == 0.0


def test_ranks_of_ties_are_shared():
    assert rank_correlation(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(np.sqrt(3) / 2)
    assert rank_correlation(np.ones(4), np.arange(4.0)) == 0.0
    assert rank_correlation(np.arange(4.0), -np.arange(4.0)) == pytest.approx(-1.0)


def test_other_molecules_are_not_compared():
    with pytest.raises(ValueError, match="^smiles: samples and truth differ"):
        FIGURES(packed.truth(30, 1), packed.truth(30, 2))


@pytest.mark.parametrize("name", [*PLUGIN.impostors])
def test_an_impostor_misses_a_limit(name):
    truth = packed.truth(400, 5)
    found = FIGURES(PLUGIN.impostors[name](truth, 1), truth)
    limits = {figure: target.at_most for figure, target in PLUGIN.targets.items() if target.at_most is not None}
    assert [figure for figure, value in found.items() if figure in limits and value > limits[figure]]


def test_heavy_atoms_are_counted_in_the_text():
    truth = packed.truth(300, 2)
    expected = [graph(smiles).heavy_atoms for smiles in from_codes(truth["smiles"].values)]
    assert heavy_atoms(truth).tolist() == expected


# A surrogate trained for some seconds ------------------------------------------------------------------------------


def test_training_learns_and_its_intervals_hold_nine_tenths(surrogate):
    truth = packed.truth(500, 1)
    samples = surrogate.sample(truth[["smiles"]], seed=0)
    found, baseline = FIGURES(samples, truth), FIGURES(PLUGIN.impostors["constant mean"](truth, 1), truth)
    assert found["gap_mae"] < 0.6 * baseline["gap_mae"]
    assert found["dipole_mae"] < baseline["dipole_mae"]
    assert found["molecular_weight_mae"] < 1e-6
    assert found["gap_coverage"] < 0.06 and found["dipole_coverage"] < 0.06


def test_the_answer_does_not_depend_on_the_writing_nor_on_the_seed(surrogate):
    found = surrogate.sample(4, seed=1, smiles=["OCC", "CCO", "CCO", "C1CC"])
    assert found["gap"].values[0] == pytest.approx(found["gap"].values[1], rel=1e-5)
    assert np.array_equal(
        found["gap"].values, surrogate.sample(4, seed=2, smiles=["OCC", "CCO", "CCO", "C1CC"])["gap"], equal_nan=True
    )
    assert found["status"].values.tolist() == [EXTRAPOLATED] * 3 + [UNPARSABLE]
    assert np.isnan(found["gap"].values[3]) and np.isnan(found["molecular_weight"].values[3])


@pytest.mark.slow
def test_the_plugin_keeps_the_contract(weights):
    pytest.importorskip("tblite", reason="the extra `xtb` is not installed")
    pytest.importorskip("matplotlib", reason="the extra `validate` is not installed")
    report = check_plugin(SMALL, weights=weights, truth_samples=60, samples=600, measured_samples=300)
    assert len(report.passed) > 30


def test_the_card_names_the_data_and_their_licence(weights):
    from surrogates.release.cards import Card

    card = Card.read(weights / "gru.json")
    assert "QM9" in card.training_data and "Apache-2.0" in card.training_data
    assert card.training_samples == 1900
