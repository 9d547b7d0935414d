"""The figures of molecules: known values, and fakes that each fail where they should."""

import numpy as np
import pytest

from surrogates.measuring import impostors as fakes


@pytest.fixture(scope="module")
def passed(plugin, truths):
    return plugin.measure(plugin.measure.reduce(truths[0]), truths[1])


def figures(plugin, truths, samples):
    return plugin.measure(samples, truths[1])


def made(smiles, **asked):
    from surrogates.plugins.molecules.library import to_dataset

    return to_dataset(smiles, {name: np.asarray(values, dtype=float) for name, values in asked.items()})


def test_the_truth_meets_its_conditions_and_is_valid(passed):
    assert passed["invalid"] == passed["duplicate"] == 0.0
    assert passed["log_p_error"] < 1e-5 and passed["molecular_weight_error"] < 1e-3 and passed["joint_error"] < 1e-4
    assert "gap_error" not in passed


def test_figures_count_validity_before_anything_is_filtered(plugin, truths):
    found = figures(plugin, truths, made(["CCO", "OCC", "C1CC", "c1ccccc1"]))
    assert found["invalid"] == 0.25
    assert found["duplicate"] == pytest.approx(1 / 3)


def test_errors_are_of_found_against_asked_where_it_is_asked(plugin):
    from surrogates.plugins.molecules.measure import condition_errors, reduce

    two = made(["CCO", "CCO", "C1CC"], molecular_weight=[50.0, np.nan, 10.0], qed=[0.5, 0.5, 0.5])
    found = condition_errors(reduce(two))
    assert found["molecular_weight_error"] == pytest.approx(50.0 - 46.069, abs=1e-3)
    assert found["qed_error"] == pytest.approx(0.5 - 0.4068, abs=1e-3)
    assert "log_p_error" not in found


def test_molecules_of_the_training_split_are_known(plugin, passed, truths):
    fake = plugin.impostors["training molecules"](truths[0], 1)
    assert figures(plugin, truths, fake)["known"] == 1.0
    assert passed["known"] < 0.1  # another tautomer of a training molecule has its InChIKey


def test_added_carbon_is_valid_and_new_but_weighs_a_carbon_more(plugin, passed, truths):
    found = figures(plugin, truths, plugin.impostors["added carbon"](truths[0], 1))
    assert found["invalid"] == 0.0 and found["duplicate"] < 0.02
    assert found["molecular_weight_error"] == pytest.approx(14.03, abs=0.1)
    assert found["fcd"] > 1.2 * passed["fcd"]


def test_random_chains_are_valid_and_near_their_weight_but_no_molecules(plugin, passed, truths):
    found = figures(plugin, truths, plugin.impostors["random chains"](truths[0], 1))
    assert found["invalid"] == 0.0 and found["molecular_weight_error"] < 10.0
    assert found["fcd"] > 5.0 * passed["fcd"] and found["fragments"] > 2.0 * passed["fragments"]


def test_a_memoriser_repeats_itself_and_a_shuffler_misses_its_conditions(plugin, truths):
    assert figures(plugin, truths, fakes.memoriser(plugin, truths[0], 1))["duplicate"] > 0.8
    wrong = figures(plugin, truths, fakes.wrong_condition(plugin, truths[0], 1))
    assert wrong["log_p_error"] > 0.5 and wrong["joint_error"] > 1.0


def test_without_two_valid_molecules_there_is_no_distance(plugin, truths):
    found = figures(plugin, truths, made(["C1CC", "C1CC", "CCO"], qed=[0.5, 0.5, 0.5]))
    assert np.isnan(found["fcd"]) and found["invalid"] == pytest.approx(2 / 3)


def test_similarity_to_training_tells_copies_from_strangers(plugin, truths):
    copied = plugin.measure(truths[0], truths[1], truths[0])["nearest_training"]
    honest = plugin.measure(truths[0], truths[1], plugin.truth(300, 9))["nearest_training"]
    assert copied > 10 * honest


def test_features_leave_out_conditions_and_mark_what_is_not_valid(plugin, truths):
    from surrogates.plugins.molecules.measure import features, reduce

    two = made(["CCO", "C1CC"], qed=[0.1, 0.2])
    table, names = features(two)
    assert table.shape == (2, len(names)) == (2, 11)
    assert table[0, names.index("heavy_atoms")] == 3 and np.isnan(table[1]).all()
    np.testing.assert_array_equal(features(reduce(two))[0], table)


def test_packaged_numbers_give_the_figures_without_the_molecules(plugin, truths):
    from surrogates.contract.errors import SchemaError
    from surrogates.plugins.molecules.packaged_figures import figures_against

    reduced = plugin.measure.reduce(truths[0])
    near, far = figures_against(reduced, "qm9"), figures_against(reduced, "zinc")
    assert near["fcd"] < 0.2 * far["fcd"] and near["kl_properties"] < 0.1 < far["kl_properties"]
    assert near["invalid"] == near["duplicate"] == 0.0 and near["qed_error"] < 1e-5
    assert far["known"] < near["known"] < 0.1  # small molecules are not in ZINC; tautomers are in QM9
    with pytest.raises(SchemaError, match="'zink' is no packaged data set.*did you mean 'zinc'"):
        figures_against(reduced, "zink")
