"""Makers of impostors: each keeps what it says and loses the rest."""

import numpy as np
import pytest
import xarray as xr

from surrogates.measuring.impostors import ClassMean, PrincipalGaussian, Regression, ShuffledWithin


@pytest.fixture
def truth():
    generator = np.random.default_rng(0)
    kind, heat = generator.integers(0, 2, 600), generator.normal(size=600)
    pixels = (10.0 * kind + heat)[:, None, None] * np.ones((3, 4)) + generator.normal(size=(600, 3, 4))
    pixels[5, 0, 0] = np.nan
    return xr.Dataset(
        {
            "kind": ("sample", kind),
            "heat": ("sample", heat),
            "mass": ("sample", 2.0 * heat + 5.0 * kind),
            "count": ("sample", generator.poisson(4, 600)),
            "image": (("sample", "y", "x"), pixels.astype("float32"), {"units": "nJy"}),
        }
    )


def pairs(side, rows):
    return sorted(zip(side["mass"].values[rows], side["count"].values[rows], strict=True))


def test_outputs_dealt_within_a_class_keep_their_class_and_their_pairs(truth):
    fake = ShuffledWithin(("mass", "count"), by=("kind",))(truth, 1)
    for code in (0, 1):
        rows = truth["kind"].values == code
        assert pairs(truth, rows) == pairs(fake, rows)
        assert abs(np.corrcoef(fake["mass"][rows], fake["heat"][rows])[0, 1]) < 0.2
    assert fake["image"].equals(truth["image"])
    assert sorted(ShuffledWithin(("mass",))(truth, 1)["mass"].values) == sorted(truth["mass"].values)


def test_a_class_mean_has_no_spread_within_its_class(truth):
    fake = ClassMean(("image", "count"), by=("kind",))(truth, 0)
    rows = truth["kind"].values == 1
    assert fake["image"].dtype == np.float32 and fake["image"].attrs == {"units": "nJy"}
    assert np.ptp(fake["image"].values[rows], axis=0).max() == 0.0
    assert np.allclose(fake["image"].values[rows][0], np.nanmean(truth["image"].values[rows], axis=0), rtol=1e-5)
    assert np.isfinite(fake["image"].values).all() and fake["count"].dtype == truth["count"].dtype


def test_a_regression_finds_the_line_and_leaves_out_the_rest(truth):
    fake = Regression(("mass", "image"), on=("heat", "kind"))(truth, 0)
    assert np.allclose(fake["mass"], truth["mass"])
    assert np.isnan(fake["image"].values[5, 0, 0]) and np.isnan(fake["image"].values).sum() == 1
    assert np.nanstd(truth["image"].values - fake["image"].values) == pytest.approx(1.0, abs=0.05)


def test_a_gaussian_keeps_means_and_covariance_of_each_class(truth):
    fake = PrincipalGaussian(("image", "mass"), by=("kind",))(truth, 3)
    for code in (0, 1):
        rows = (truth["kind"].values == code) & (np.arange(600) != 5)
        for name in ("image", "mass"):
            ours, theirs = (side[name].values[rows].reshape(rows.sum(), -1) for side in (fake, truth))
            assert np.allclose(ours.mean(0), theirs.mean(0), atol=0.5)
        linked = [
            np.corrcoef(side["image"].values[rows, 0, 1], side["mass"].values[rows])[0, 1] for side in (fake, truth)
        ]
        assert linked[0] == pytest.approx(linked[1], abs=0.15)
    assert not fake.equals(PrincipalGaussian(("image", "mass"), by=("kind",))(truth, 4))


def test_one_component_leaves_one_direction(truth):
    fake = PrincipalGaussian(("image",), components=1)(truth, 3)["image"].values.reshape(600, -1)
    fake = np.delete(fake, 5, axis=0)
    assert np.linalg.matrix_rank(fake - fake.mean(axis=0), tol=1e-2) == 1
