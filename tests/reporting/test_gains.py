"""Gains of augmentation: right items beside few real ones help, wrong ones are seen to harm."""

import dataclasses
import json

import numpy as np
import pytest

import surrogates
from surrogates.cli.entry import run
from surrogates.contract.errors import SchemaError
from surrogates.measuring.label_classifier import Beside, Scale, balanced_accuracy, trained_on
from surrogates.reporting.augmentation import REAL, gains, gains_figure
from surrogates.sampling.augmentation import labelled_rows


def pictures(n, seed, turned=False):
    """Two labels: a bright upper or lower half in noise."""
    generator = np.random.default_rng(seed)
    codes = np.arange(n) % 2
    images = generator.normal(size=(n, 1, 8, 8)).astype(np.float32)
    for image, code in zip(images, codes ^ turned, strict=True):
        image[0, 4 * code : 4 * code + 4] += 0.3
    return images, codes


def test_good_items_beside_few_real_ones_help_and_wrong_ones_harm():
    test, truth = pictures(200, 1)
    real, codes = pictures(4, 2)
    scores = {}
    for name, beside in {"alone": None, "good": pictures(200, 3), "wrong": pictures(200, 3, turned=True)}.items():
        told = None if beside is None else Beside(beside[0], np.eye(2, dtype=np.float32)[beside[1]])
        found = trained_on(real, codes, test, labels=2, beside=told, updates=60, width=8)
        scores[name] = balanced_accuracy(found == truth, truth)
    assert scores["good"] > scores["alone"] + 0.03 and scores["wrong"] < scores["good"] - 0.1


def test_columns_and_changed_items_are_learned_too():
    generator = np.random.default_rng(4)
    codes = np.arange(120) % 3
    columns = (generator.normal(size=(120, 5)) + 3.0 * np.eye(3, 5)[codes]).astype(np.float32)
    found = trained_on(columns[:60], codes[:60], columns[60:], labels=3, plain=True, updates=80)
    assert balanced_accuracy(found == codes[60:], codes[60:]) > 0.8
    images, labels = pictures(60, 5)
    assert trained_on(images, labels, images[:7], labels=2, plain=True, updates=2).shape == (7,)


@pytest.fixture(scope="module")
def jets():
    surrogate = surrogates.load("jets", threads=1)
    counts = {"gluon": 20, "light_quark": 20, "top": 20}
    real, test = (surrogate.sample(labelled_rows(surrogate, "jet_type", counts, seed=k), seed=k) for k in (1, 2))
    return surrogate, real, test


def test_every_way_is_trained_at_every_share(jets):
    surrogate, real, test = jets
    told = []
    found = gains(surrogate, real, test, shares=(0.05, 1.0), generated=12, seeds=2, updates=3,
                  progress=lambda done, total, what: told.append((done, total)))  # fmt: skip
    assert [row.items for row in found.rows] == [3] * 5 + [60] * 5
    assert found.rows[0].way == REAL and found.majority == pytest.approx(1 / 3) and found.generated == 12
    assert all(0.0 <= row.balanced <= 1.0 and row.error > 0.0 for row in found.rows)
    assert told[-1] == (24, 24) and json.dumps(found.to_json())
    assert len(gains_figure(found, "jets").axes) == 2
    sure = dataclasses.replace(found.rows[1], gain=-0.2, error=0.1)
    assert sure.verdict == "loss" and dataclasses.replace(sure, error=0.3).verdict == "no difference"


def test_what_is_seen_is_of_order_one_and_missing_numbers_count_as_the_mean(jets):
    surrogate, real, _ = jets
    scale = Scale.fit(surrogate.outputs, real)
    seen = scale(real)
    assert not scale.pictures and seen.shape[0] == 60 and np.isfinite(seen).all() and np.abs(seen).mean() < 3.0
    galaxies = surrogates.load("galaxy-images", model="gan").sample(4, seed=1)
    shape = Scale.fit(surrogates.load("galaxy-images", model="gan").outputs, galaxies)(galaxies).shape
    assert shape == (4, 3, 32, 32)


def test_real_items_without_labels_are_named(jets):
    surrogate, real, test = jets
    with pytest.raises(SchemaError, match="jet_type: not among the test items' variables"):
        gains(surrogate, real, test.drop_vars("jet_type"))
    with pytest.raises(SchemaError, match="no real item of top"):
        gains(surrogate, real.isel(sample=real["jet_type"].values < 2), test)


def test_the_command_prints_a_table_and_where_its_items_come_from(jets, tmp_path, capsys):
    from surrogates.io import NETCDF

    _, real, test = jets
    for name, side in (("real.nc", real), ("test.nc", test)):
        NETCDF.write([side], tmp_path / name)
    words = ["augment", "jets", "--data", str(tmp_path / "real.nc"), "--test", str(tmp_path / "test.nc"),
             "--generated", "12", "--repeats", "2", "--updates", "2", "-o", str(tmp_path / "gain.png")]  # fmt: skip
    assert run(words) == 0
    said = capsys.readouterr().out
    assert "may have learned from some of them" in said and "test.nc" in said and said.count("between labels") == 4
    assert (tmp_path / "gain.png").exists()
    assert run(words) == 2 and "exists already" in capsys.readouterr().err
