"""Training data that a cluster's workers make: the same parts, in the same order, an answer where there are none."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pytest

from surrogates import registry
from surrogates.cli.entry import run
from surrogates.contract.errors import SurrogatesError
from surrogates.sampling.training_parts import simulated_by
from surrogates.training.simulated import kept, made_elsewhere
from surrogates.training.train import simulated

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and a worker of this process."""
    options = {"processes": False, "protocol": "tcp", "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(1, threads_per_worker=2, **options) as cluster:
        yield cluster


def drawn(folder: Path, wanted: int):
    """Parts of an endless sequence, until there are enough."""
    shift = 0.5

    def make(n, seed):
        return {"x": np.random.default_rng(seed).normal(size=n) + shift}

    parts = ((f"part_{i}", {"n": 3, "seed": i}) for i in count())
    sequence = kept(folder, parts, make, {"simulator": 1})
    return [next(sequence)["x"].tolist() for _ in range(wanted)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npz"))}


def test_workers_make_the_parts_that_one_process_makes(cluster, tmp_path):
    alone = drawn(tmp_path / "one", 6)
    drawn(tmp_path / "many", 2)  # a run that was interrupted
    plugin = registry.plugin("muon-decay")
    with simulated_by(cluster.scheduler_address, plugin) as made:
        assert drawn(tmp_path / "many", 6) == alone
    assert made.parts == 6  # two of the first four were there; the next four were made ahead
    one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
    assert {name: many[name] for name in one} == one and len(many) == 8
    assert drawn(tmp_path / "one", 7)  # and outside it is as it was


def test_training_on_a_cluster_is_training_on_its_data(cluster, tmp_path, capsys):
    pytest.importorskip("lightning_fabric", reason="the extra `train` is not installed")
    words = ["train", "health-records", "--set", "stays=400", "--updates", "2", "--device", "cpu", "--run"]
    assert run([*words, str(tmp_path / "many"), "--scheduler", cluster.scheduler_address]) == 0
    assert "parts of the training data that the workers made: 1" in capsys.readouterr().err
    assert run([*words, str(tmp_path / "one")]) == 0
    assert contents(tmp_path / "many" / "data") == contents(tmp_path / "one" / "data")
    weights = [next((tmp_path / run).glob("*.safetensors")).read_bytes() for run in ("one", "many")]
    assert weights[0] == weights[1]


def test_data_that_no_worker_makes_are_said_to_be(cluster, tmp_path, capsys):
    pytest.importorskip("lightning_fabric", reason="the extra `train` is not installed")
    words = ["train", "muon-decay", "--updates", "2", "--device", "cpu", "--run", str(tmp_path / "run")]
    assert run([*words, "--scheduler", cluster.scheduler_address]) == 0
    assert "no part of the training data was left for its workers to make" in capsys.readouterr().err
    assert run([*words, "--scheduler", "tcp://127.0.0.1:1", "--data", "mine.h5"]) == 2
    assert "leave it out with --data and with --reweight" in capsys.readouterr().err


def test_what_cannot_be_sent_is_one_line(cluster, tmp_path):
    from threading import Lock

    held = Lock()
    parts = [("part_0", {})]
    with (
        simulated_by(cluster.scheduler_address, registry.plugin("muon-decay")),
        pytest.raises(SurrogatesError, match="cannot be sent to workers .*; leave --scheduler out"),
    ):
        list(kept(tmp_path, parts, lambda: {"x": np.zeros(1 if held.locked() else 2)}, {}))


class Sent(Exception):
    """What is sent has been read back."""


@pytest.mark.parametrize(
    "recipe",
    ["jets", "particle-events", "particle-events/gan", "hadron-interactions", "tissue-segmentation", "lung-ct",
     "ct-to-mri", "galaxy-images/learned", "health-records"],
)  # fmt: skip
def test_what_makes_the_data_of_plugins_can_be_sent(recipe, tmp_path):
    import cloudpickle

    name, _, key = recipe.partition("/")
    plugin = registry.plugin(name)
    chosen = plugin.recipes[key or next(iter(plugin.recipes))]

    def send(folder, parts, make, provenance):
        there, said, some = cloudpickle.loads(cloudpickle.dumps((make, provenance, parts)))
        assert callable(there) and len(some) == len(parts) and set(said) == set(provenance)
        raise Sent

    with made_elsewhere(send, at_once=2), pytest.raises(Sent):
        try:
            chosen.data(simulated(tmp_path))
        except ImportError as error:
            pytest.skip(f"{error.name} is not installed")
