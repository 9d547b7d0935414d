"""The jets reference: Pythia and FastJet behind the call of a surrogate, its truth, prior and figures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import xarray as xr

from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.physics.jets import simulation
from surrogates.plugins.jets import reference
from surrogates.plugins.jets.impostors import IMPOSTORS
from surrogates.plugins.jets.measure import FIGURES, features, figures, flat_low_level, low_level, reduce
from surrogates.plugins.jets.plugin import LAWS
from surrogates.plugins.jets.variables import CONDITIONS, OUTPUTS

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
pytest.importorskip("vector")


@cache
def simulated(jet_type: str = "light_quark") -> simulation.JetSimulation:
    return simulation.JetSimulation(jet_type)


@cache
def jets() -> xr.Dataset:
    """Three jets of each type and more light quarks, straight from the chain."""
    return reference.truth(9, seed=11)


def imitation(n: int, seed: int) -> xr.Dataset:
    """Two-pronged jets, each with a width of its own, without Pythia."""
    generator = np.random.default_rng(seed)
    count = generator.integers(10, 31, n)
    constituents = generator.normal(0.0, 1.0, (n, 30, 3)) * generator.uniform(0.01, 0.3, n)[:, None, None]
    constituents[:, ::2, 0] += generator.uniform(0.1, 0.3, n)[:, None]
    constituents[..., 2] = -np.sort(-generator.exponential(1.0, (n, 30)), axis=1)
    constituents *= (np.arange(30) < count[:, None])[..., None]
    constituents[..., 2] *= 0.9 / constituents[..., 2].sum(axis=1, keepdims=True)
    arrays = simulation.JetArrays(
        jet_pt=generator.uniform(700.0, 1300.0, n),
        jet_eta=generator.normal(0.0, 0.8, n).clip(-2.5, 2.5),
        jet_mass=generator.normal(200.0, 20.0, n),
        n_constituents_all=np.where(count == 30, 45, count),
        n_constituents=count,
        constituents=constituents,
    )
    return reference.to_dataset(arrays, np.arange(n) % 3, arrays.jet_pt, np.arange(n))


def tensors(dataset: xr.Dataset) -> dict[str, torch.Tensor]:
    return {str(name): torch.as_tensor(variable.values) for name, variable in dataset.data_vars.items()}


# Clustering


def test_one_hard_particle_and_its_radiation_make_one_jet_with_the_sum_of_their_momenta():
    momenta = np.array(
        [[900.0, 0.0, 0.0, 900.0], [0.0, 60.0, 0.0, 60.0], [45.0, 9.0, 6.0, 50.0], [-990.0, 0.0, 0.0, 990.0]]
    )
    partons = np.full((1, 2, 4), np.nan)
    partons[0, 0] = [1000.0, 1.0, 0.0, 1000.1]
    kept, origin = simulation.cluster(momenta, np.array([4]), partons, simulation.JetSelection())
    assert len(kept) == 1 and origin.tolist() == [[0, 0]]
    total = momenta[0] + momenta[2]
    assert kept.jet_pt[0] == pytest.approx(np.hypot(total[0], total[1]))
    assert kept.jet_mass[0] == pytest.approx(np.sqrt(total[3] ** 2 - (total[:3] ** 2).sum()))
    assert kept.n_constituents[0] == kept.n_constituents_all[0] == 2
    assert kept.constituents[0, 0, 2] == pytest.approx(900.0 / kept.jet_pt[0])
    assert not kept.constituents[0, 2:].any()


def test_jets_outside_the_window_are_dropped_and_counted():
    momenta = np.array([[900.0, 0.0, 0.0, 900.0], [-1500.0, 0.0, 0.0, 1500.0], [0.0, 800.0, 8000.0, 8040.0]])
    partons = np.stack([momenta, momenta, np.full_like(momenta, np.nan)])[None, 0][:, :3]
    kept, _ = simulation.cluster(momenta, np.array([3]), partons, simulation.JetSelection())
    assert len(kept) == 1
    assert kept.counts["above_window"] == 1 and kept.counts["outside_eta"] == 1


def test_a_block_does_not_depend_on_what_ran_before():
    alone = simulated().block(5, 3, n_events=4)
    simulated().block(5, 9, n_events=3)
    again = simulated().block(5, 3, n_events=4)
    for name in simulation.ARRAYS:
        np.testing.assert_array_equal(getattr(alone, name), getattr(again, name))
    assert not np.array_equal(alone.jet_pt[:2], simulated().block(6, 3, n_events=4).jet_pt[:2])
    assert simulation.block_seed(5, "top", 3) != simulation.block_seed(5, "top", 3, cohort=0)


def test_an_unknown_type_is_named():
    with pytest.raises(ValueError, match="jet_type is 'charm': expected one of gluon, light_quark, top"):
        simulation.JetSimulation("charm")


# Truth


def test_truth_fits_the_schemas_and_keeps_every_law():
    dataset = jets()
    for schema in (CONDITIONS, OUTPUTS):
        for variable in schema:
            assert dataset[variable.name].attrs["units"] == variable.units
            assert not variable.outside(dataset[variable.name].values).any(), variable.name
    assert dataset["jet_type"].values.tolist() == [0, 1, 2] * 3
    for law in LAWS:
        assert float(law.residual(tensors(dataset), tensors(dataset)).max()) <= law.tolerance, law.name


def test_kept_parts_resume_to_the_same_jets(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "PART_BLOCKS", 1)
    monkeypatch.setattr(simulation.JetSimulation.block, "__defaults__", (8, None, None))
    first = reference.natural_jets("light_quark", 20, 7, tmp_path)
    parts = sorted((tmp_path / "light_quark").glob("part-*.npz"))
    assert len(parts) >= 2
    parts[-1].unlink()
    again = reference.natural_jets("light_quark", 20, 7, tmp_path)
    np.testing.assert_array_equal(first.constituents, again.constituents)
    with pytest.raises(SurrogatesError, match="seed = 7, now 8"):
        reference.natural_jets("light_quark", 20, 8, tmp_path)


def test_no_jets_is_a_valid_answer():
    assert reference.truth(0, seed=1).sizes["sample"] == 0
    assert reference.JetsReference().sample(reference.prior(CONDITIONS, 0, 1), seed=1).sizes["sample"] == 0


# Prior


def test_prior_follows_the_tabulated_spectrum_within_bounds():
    drawn = reference.prior(CONDITIONS, 6_000, seed=4)
    for code, name in enumerate(simulation.JET_TYPES):
        pt = drawn["jet_pt"].values[drawn["jet_type"].values == code]
        table = reference.spectrum()[name]
        assert len(pt) == 2_000
        assert np.median(pt) == pytest.approx(table[len(table) // 2], rel=0.02)
        assert (np.diff(table) > 0).all()
    narrow = reference.prior(CONDITIONS.narrowed({"jet_pt": (900.0, 950.0)}), 300, seed=4)["jet_pt"].values
    assert narrow.min() >= 900.0 and narrow.max() <= 950.0
    np.testing.assert_array_equal(reference.prior(CONDITIONS, 10, 4)["jet_pt"], drawn["jet_pt"][:10])


# Asked conditions


def test_reference_serves_the_asked_pt_whatever_the_order_and_the_later_rows():
    asked = CONDITIONS.dataset({"jet_type": np.ones(4), "jet_pt": np.array([900.0, 850.0, 900.0, 1000.0])})
    simulator = reference.JetsReference()
    served = simulator.sample(asked, seed=3)
    np.testing.assert_array_equal(served["jet_pt"], asked["jet_pt"])
    assert served.attrs["largest_pt_offset"] <= 0.01
    assert served.attrs["rejected_jets"] == served.attrs["simulated_kept"] - 4
    assert len(np.unique(served["jet_mass"])) == 4
    for law in LAWS:
        assert float(law.residual(tensors(served), tensors(served)).max()) <= law.tolerance, law.name
    part = simulator.sample(asked.isel(sample=[2, 0, 1]), seed=3)
    xr.testing.assert_equal(part.sortby("sample"), served.isel(sample=slice(0, 3)))


def test_a_pt_that_cannot_be_filled_is_an_error_that_names_it():
    asked = CONDITIONS.dataset({"jet_type": np.full(40, 1), "jet_pt": np.full(40, 1299.9)})
    simulator = replace(reference.JetsReference(), budget=50, budget_a_row=0)
    with pytest.raises(SchemaError, match="jet_pt: 1299.9 GeV has no light_quark jet left within 1% after 50 events"):
        simulator.sample(asked, seed=1)
    with pytest.raises(SchemaError, match="jet_pt: 250 GeV is out of range"):
        simulator.sample(CONDITIONS.dataset({"jet_type": np.ones(1), "jet_pt": np.array([250.0])}), seed=1)


# Figures


def test_figures_are_small_between_truths_and_every_impostor_is_exposed():
    truth, other = imitation(1_200, 1), imitation(1_200, 2)
    floor = FIGURES(reduce(other), reduce(truth))
    assert {"gluon/w1_mass", "top/700-850/w1_constituents", "light_quark/fpd", "gluon/uncovered"} <= set(floor)
    assert all(np.isfinite(value) and value >= 0 for value in floor.values())
    for name, make in IMPOSTORS.items():
        fake = FIGURES(make(other, 0), truth)
        assert fake["gluon/w1_mass"] > 2 * floor["gluon/w1_mass"], name
        assert fake["top/w1_tau21"] > 3 * floor["top/w1_tau21"], name


def test_shuffled_constituents_keep_their_spectra():
    truth = imitation(900, 1)
    fake = FIGURES(IMPOSTORS["shuffled constituents"](truth, 0), truth)
    assert fake["gluon/w1_constituents"] == pytest.approx(0.0, abs=1e-12)
    assert fake["gluon/w1_tau21"] > 0.01


def test_bins_without_jets_have_no_figures():
    found = figures((700.0, 701.0, 1300.0))(imitation(300, 1), imitation(300, 2))
    assert "gluon/700-701/w1_mass" not in found
    assert "gluon/701-1300/w1_mass" in found


def test_classifier_inputs_are_finite_and_masked():
    dataset = imitation(60, 1)
    table, names = features(dataset)
    assert table.shape == (60, len(names)) and np.isfinite(table).all()
    array, mask = low_level(dataset)
    assert array.shape == (60, 30, 6)
    np.testing.assert_array_equal(mask.sum(axis=1), dataset["n_constituents"])
    assert not array[~mask].any()
    assert np.isnan(flat_low_level(dataset)).sum() == 3 * (~mask).sum()


def test_figure_draws_samples_beside_truth(tmp_path):
    pytest.importorskip("matplotlib")
    from surrogates.plugins.jets.figure import figure

    drawn = figure(imitation(200, 1), imitation(200, 2))
    drawn.savefig(tmp_path / "jets.png", dpi=40)
    assert (tmp_path / "jets.png").stat().st_size > 5_000
    assert len(drawn.axes) == 8 + 6 + 1
