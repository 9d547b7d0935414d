"""What may be asked of molecules: packaged tables, joint draws, and combinations that no molecule has."""

import numpy as np
import pytest

from surrogates.contract.errors import SchemaError
from surrogates.sampling.request import condition_dataset
from surrogates.testing.declaration import narrowed

NAMES = ("log_p", "qed", "molecular_weight", "polar_surface_area", "synthetic_accessibility")


def test_packaged_tables_are_whole():
    from surrogates.plugins.molecules.packaged import NAMES, data_set, known_keys, qm9_smiles

    assert len(qm9_smiles()) == len(set(qm9_smiles())) == 133_729
    for name, training in zip(NAMES, (197_509, 106_729), strict=True):
        held = data_set(name)
        assert held.properties.shape == (25_000, 5) and np.isfinite(held.properties).all()
        assert 0.9 * training < len(held.training_keys) <= training
        assert (np.diff(held.training_keys) > 0).all() and held.training_keys[-1] < 1 << 40
        np.testing.assert_array_equal(held.covariance, held.covariance.T)
        assert np.linalg.eigvalsh(held.covariance).min() > -1e-6
        assert np.isin(held.training_keys, known_keys()).all()


def test_packaged_arrays_read_back_as_they_were_written(tmp_path, monkeypatch):
    from surrogates.plugins.molecules import packaged

    generator = np.random.default_rng(1)
    root = generator.normal(size=(6, 6))
    written = packaged.DataSet(
        generator.normal(size=(9, 5)), np.array([3, 7, 1 << 39]), generator.normal(size=6), root @ root.T
    )
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="expected sorted keys"):
        packaged.save_data_set("small", written, tmp_path)  # a step of 2^39 does not fit
    written = packaged.DataSet(written.properties, np.array([3, 7, 1 << 31]), written.mean, written.covariance)
    packaged.save_data_set("small", written, tmp_path)
    again = packaged.data_set.__wrapped__("small")
    for name in ("properties", "training_keys", "mean", "covariance"):
        np.testing.assert_allclose(getattr(again, name), getattr(written, name), rtol=1e-6)


def test_keys_are_of_the_inchi_key_or_the_smiles():
    from surrogates.plugins.molecules.packaged import key

    assert key("LFQSCWFLJHTTHZ-UHFFFAOYSA-N", "CCO") == key("LFQSCWFLJHTTHZ-UHFFFAOYSA-N", "OCC") < 1 << 40
    assert key("", "CCO") != key("", "CCN")


def test_the_prior_draws_rows_of_one_molecule(plugin):
    from surrogates.plugins.molecules.packaged import data_set

    drawn = plugin.prior(plugin.conditions, 200, 1)
    rows = np.stack([drawn[name].values for name in NAMES], axis=-1)
    known = {row.tobytes() for row in data_set("zinc").properties}
    assert all(row.tobytes() in known for row in rows)
    again = plugin.prior(plugin.conditions, 500, 1).isel(sample=slice(0, 200))
    assert again.equals(drawn)


def test_the_prior_of_small_molecules_comes_from_qm9(plugin):
    small = plugin.conditions.narrowed({"molecular_weight": (10.0, 130.0)})
    drawn = plugin.prior(small, 300, 1)["molecular_weight"].values
    assert 100.0 < drawn.mean() <= drawn.max() <= 130.0
    none = plugin.conditions.narrowed({"molecular_weight": (10.0, 12.0)})
    assert (plugin.prior(none, 5, 1)["molecular_weight"].values == 12.0).all()
    half = narrowed(plugin.conditions, 0.25, 0.75)
    drawn = plugin.prior(half, 300, 1)
    for name in NAMES:
        low, high = half[name].bounds
        assert ((drawn[name].values >= low) & (drawn[name].values <= high)).all()


def check(plugin, **asked):
    limit = plugin.limits[0]
    limit.check(condition_dataset(plugin.conditions, n=1, **asked))


def test_what_molecules_have_together_is_allowed(plugin):
    truth = plugin.truth(2000, 3)
    limit = plugin.limits[0]
    assert {len(truth[name]) for name in NAMES} == {2000}
    limit.check(truth)
    check(plugin, log_p=2.5, molecular_weight=330.0, qed=0.8)
    check(plugin, qed=0.9)
    check(plugin)


def test_a_contradiction_names_the_nearest_molecule(plugin):
    with pytest.raises(SchemaError) as error:
        check(plugin, qed=0.93, molecular_weight=500.0)
    text = str(error.value)
    assert "qed = 0.93" in text and "nan" not in text
    assert "infeasible together" in text and "the nearest known has qed = 0." in text and "\n" not in text


def test_the_nearest_feasible_values_are_feasible(plugin):
    from surrogates.plugins.molecules.limits import feasible, nearest_feasible

    asked = {**dict.fromkeys(NAMES, np.nan), "qed": 0.93, "molecular_weight": 500.0}
    found = nearest_feasible(asked)
    assert set(found) == {"qed", "molecular_weight"}
    row = {name: np.array([found.get(name, np.nan)]) for name in NAMES}
    assert feasible(row).all()
    assert not feasible({name: np.array([value]) for name, value in asked.items()}).any()


def test_rows_are_judged_by_themselves(plugin):
    from surrogates.plugins.molecules.limits import feasible

    drawn = plugin.prior(plugin.conditions, 60, 2)
    values = {name: drawn[name].values.copy() for name in NAMES}
    values["qed"][::3], values["log_p"][1::3] = 0.94, np.nan
    whole = feasible(values)
    assert 0 < whole.sum() < 60
    for row in range(60):
        assert feasible({name: column[row : row + 1] for name, column in values.items()})[0] == whole[row]


def test_more_truth_than_there_is_is_refused(plugin):
    from surrogates.plugins.molecules.library import LibraryError

    with pytest.raises(LibraryError, match="25001 molecules asked; expected at most the 25000"):
        plugin.truth(25_001, 1)
    assert plugin.truth(0, 1).sizes["sample"] == 0


def test_truth_of_a_users_file_is_its_held_out_part(plugin, tmp_path):
    from surrogates.plugins.molecules.library import read_library, splits
    from surrogates.plugins.molecules.measure import texts
    from surrogates.plugins.molecules.truth import training_of, truth_of

    path = tmp_path / "mine.smi"
    path.write_text("\n".join("C" * length + "O" for length in range(1, 41)))
    library = read_library(path)
    held = truth_of(path, 8, 1)
    parts = splits(library.smiles)
    assert sorted(texts(held)) == sorted(library.smiles[i] for i in parts["test"])
    learned = training_of(library)
    assert not set(texts(held)) & set(texts(learned))
    assert learned["molecular_weight"].values[0] == pytest.approx(32.04, abs=0.01)
