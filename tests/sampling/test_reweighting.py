"""Weights of samples: a known ratio is found again, one that does not hold is refused, and every path carries them."""

from __future__ import annotations

import dataclasses
import pickle
import shutil

import numpy as np
import pytest

import surrogates
from surrogates import registry
from surrogates.cli.entry import run
from surrogates.contract.errors import SchemaError, SurrogatesError, WeightsError
from surrogates.models.likelihood_ratio import Learning, LikelihoodRatio, effective_share
from surrogates.release.ratios import ratio_file, save_ratio
from surrogates.reporting.reweighting import fitted_ratio
from surrogates.sampling.files import formats_of
from surrogates.sampling.parallel import stream_parallel

N = 3200
LIFE = 0.6
"""Of other muons, in lifetimes."""


def lifetimes(samples) -> np.ndarray:
    return registry.plugin("muon-decay").features.high_level(samples)[0][:, 3]  # type: ignore[union-attr]


def muons(n: int, seed: int, life: float):
    """Decays of muons that live shorter than the surrogate's, which would have to be weighed."""
    found = surrogates.reference("muon-decay").sample(n, seed=seed, muon_momentum=1.0, polarisation=0.0)
    return found.assign(decay_time=found["decay_time"] * life)


@pytest.fixture(scope="module")
def weighed(tmp_path_factory):
    """A copy of the released weights with a ratio beside it, and its card."""
    folder = tmp_path_factory.mktemp("weights")
    released = registry.entry("muon-decay").weights
    for suffix in ("safetensors", "json"):
        shutil.copy(released / f"flow.{suffix}", folder)
    surrogate = surrogates.load("muon-decay", weights=folder / "flow.safetensors")
    ratio, card = fitted_ratio(surrogate, muons(N, 3, LIFE), seed=1, width=24, learning=Learning(epochs=12, batch=256))
    save_ratio(ratio, card, ratio_file(surrogate.path))
    return surrogate, card


def test_a_known_ratio_is_learned_and_a_row_does_not_hang_on_the_others():
    random = np.random.default_rng(0)
    generated = random.normal(size=(3, 4000, 2))
    true = random.normal(size=(3, 4000, 2)) * [1.0, 0.8] + [0.3, 0.0]
    ratio = LikelihoodRatio(2, 24)
    ratio.fit(generated[0], true[0], learning=Learning(epochs=8))
    ratio.calibrate(generated[1], true[1])
    x, weights = generated[2], ratio.weights(generated[2])
    exact = np.exp(-0.5 * ((x[:, 0] - 0.3) ** 2 + (x[:, 1] / 0.8) ** 2) + 0.5 * (x**2).sum(1)) / 0.8
    assert np.corrcoef(weights, exact)[0, 1] > 0.93 and abs(weights.mean() - 1) < 0.03
    assert abs(effective_share(weights) - effective_share(exact)) < 0.05
    assert abs((weights * x[:, 0]).mean() - 0.3) < 0.05
    np.testing.assert_array_equal(ratio.weights(x[100:107]), weights[100:107])
    gain, error = ratio.gain(generated[2], true[2])
    assert gain > 5 * error > 0


def test_weights_and_choice_turn_the_surrogate_into_the_reference(weighed):
    surrogate, card = weighed
    asked = {"seed": 5, "muon_momentum": 1.0, "polarisation": 0.0}
    plain, truth = surrogate.sample(3000, **asked), muons(3000, 8, LIFE)
    heavy = surrogate.using(reweight=True).sample(3000, **asked)
    chosen = surrogate.using(candidates=8).sample(3000, **asked)
    wanted, error = lifetimes(truth).mean(), 3.0 * LIFE / np.sqrt(3000)
    assert abs(lifetimes(plain).mean() - wanted) > 5 * error
    weight = heavy["weight"].values
    assert abs(np.average(lifetimes(heavy), weights=weight) - wanted) < 2 * error
    assert abs(lifetimes(chosen).mean() - wanted) < 2 * error
    np.testing.assert_array_equal(heavy["positron_energy"], plain["positron_energy"])
    assert abs(weight.mean() - 1) < 0.05 and weight.max() <= card.largest * (1 + 1e-12)
    assert heavy.attrs["effective_sample_size"] == pytest.approx(effective_share(weight) * 3000)
    assert 0.6 < card.effective < 0.95 and card.gain > 3 * card.gain_error
    assert card.auc > 0.57 and abs(card.auc_chosen - 0.5) < 0.05
    assert "weight" not in chosen and chosen.attrs["candidates"] == 8 and chosen.attrs["seed"] == 5


def test_every_path_gives_the_same_rows(weighed):
    surrogate, _ = weighed
    asked = {"seed": 5, "muon_momentum": 1.0, "polarisation": 0.0}
    for options in ({"reweight": True}, {"candidates": 3}):
        own = surrogate.using(**options)
        whole = own.sample(600, **asked)
        parts = list(own.stream(600, block=256, **asked))
        again = pickle.loads(pickle.dumps(own)).sample(600, **asked)
        (spread,) = stream_parallel(own, 600, workers=2, block=1024, **asked)
        for name in whole.data_vars:
            for other in (np.concatenate([part[name].values for part in parts]), again[name], spread[name]):
                np.testing.assert_array_equal(whole[name].values, other)
    assert surrogate.using(reweight=True).using(reweight=False).reweighting is None


def test_a_classifier_that_does_not_hold_is_refused(weighed):
    surrogate, _ = weighed
    overfitted = Learning(epochs=12, patience=12, decay=0.0, rate=1e-2, batch=64)
    with pytest.raises(SurrogatesError, match="reweight: on 200 samples .* nothing is written"):
        fitted_ratio(surrogate, muons(800, 4, 1.0), seed=2, learning=overfitted)
    with pytest.raises(SurrogatesError, match="reweight: 50 samples of the reference; expected 400"):
        fitted_ratio(surrogate, muons(50, 4, 1.0))


def test_a_ratio_belongs_to_its_weights_and_their_options(weighed, tmp_path):
    surrogate, card = weighed
    (tmp_path / "plain").touch()
    assert ratio_file(surrogate.path).stat().st_mode == (tmp_path / "plain").stat().st_mode
    with pytest.raises(SchemaError, match="^candidates: 1 is no number of candidates; expected 2 to 64"):
        surrogate.using(candidates=1)
    bare = surrogates.load("muon-decay")
    with pytest.raises(WeightsError, match="no weights of samples; fit them with `surrogates train NAME --reweight`"):
        bare.using(reweight=True)
    ratio = surrogate.using(reweight=True).reweighting.ratio
    for changed, says in (
        ({"sha256": "0" * 64}, "learned for other weights of muon-decay/flow"),
        ({"features": ("x",)}, "do not read"),
        ({"features": ("x", *card.features[1:])}, "its features have changed"),
    ):
        save_ratio(ratio, dataclasses.replace(card, **changed), ratio_file(surrogate.path), overwrite=True)
        with pytest.raises(WeightsError, match=says):
            surrogate.using(reweight=True).sample(2, seed=1, muon_momentum=1.0)
    save_ratio(ratio, card, ratio_file(surrogate.path), overwrite=True)
    other = dataclasses.replace(surrogate.using(reweight=True).reweighting.card, options={"steps": 4})
    with pytest.raises(SchemaError, match="^steps: 2; expected 4, at which weights of samples were fitted"):
        dataclasses.replace(surrogate.using(reweight=True).reweighting, card=other).check({"steps": 2})


def test_the_command_line_fits_and_gives_weights(weighed, tmp_path, capsys):
    surrogate, _ = weighed
    folder = tmp_path / "own"
    folder.mkdir()
    for suffix in ("safetensors", "json", "ratio.safetensors"):
        shutil.copy(surrogate.path.with_suffix(f".{suffix}"), folder)
    base = ["generate", "muon-decay", "--weights", str(folder / "flow.safetensors"), "--muon-momentum", "1GeV"]
    base += ["--polarisation", "0", "-n", "50"]
    assert run([*base, "--reweight", "-o", str(tmp_path / "heavy.nc")]) == 0
    assert run([*base, "--candidates", "4", "-o", str(tmp_path / "chosen.nc")]) == 0
    heavy, chosen = (surrogates.read(tmp_path / f"{name}.nc") for name in ("heavy", "chosen"))
    assert heavy["weight"].dims == ("sample",) and "weight" not in chosen and chosen.sizes["sample"] == 50
    capsys.readouterr()
    assert run([*base, "--reweight", "--candidates", "4", "-o", str(tmp_path / "x.nc")]) == 2
    assert "samples that are chosen count alike" in capsys.readouterr().err
    assert run(["train", "molecules", "--reweight"]) == 2
    assert "--truth: not given, and molecules has no simulator to draw from" in capsys.readouterr().err


def test_weights_go_into_event_files(tmp_path):
    pytest.importorskip("pyhepmc")
    events = surrogates.load("particle-events").sample(4, seed=1, energy="91.2 GeV")
    weight = np.array([0.5, 1.25, 2.0, 0.125])
    heavy = events.assign(weight=("sample", weight, {"units": "1", "long_name": "weight"}))
    plugin = registry.plugin("particle-events")
    for name in ("e.hepmc3", "e.lhe", "e.nc", "e.root"):
        formats_of(plugin).for_path(name).write([heavy], tmp_path / name)
        np.testing.assert_allclose(surrogates.read(tmp_path / name)["weight"], weight, rtol=1e-9)
