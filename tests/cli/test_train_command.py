"""Training from the command line: within a number of updates or a time, and sampled before it ends."""

import json

import numpy as np
import pytest

pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
pytest.importorskip("lightning_fabric", reason="the extra `train` is not installed")

import surrogates
from surrogates.cli.entry import run
from surrogates.contract.errors import SurrogatesError
from surrogates.release.cards import Card
from surrogates.training.checkpoints import read_log

NAME = "muon-decay"


def train(folder, *more):
    return run(["train", NAME, "--run", str(folder), "--device", "cpu", "--json", *map(str, more)])


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run that had time for some updates of its thousands."""
    folder = tmp_path_factory.mktemp("run")
    assert train(folder, "--time-limit", "1s", "--updates", 100_000) == 0
    return folder


def test_so_many_updates_are_made(tmp_path, capsys):
    assert train(tmp_path, "--updates", 7) == 0
    made = json.loads(capsys.readouterr().out)
    assert max(line["step"] for line in read_log(tmp_path)) == 6
    assert not any("not finished" in note for note in made["notes"])
    assert (tmp_path / "flow.safetensors").is_file()


def test_time_ends_a_run_that_says_so_and_goes_on(interrupted, capsys):
    first = Card.read(interrupted / "flow.json")
    (note,) = (note for note in first.notes if note.startswith("training is not finished: "))
    done = int(note.split(": ")[1].split(" of ")[0].replace(",", ""))
    assert 0 < done < 100_000
    assert train(interrupted, "--time-limit", "0.01min", "--updates", 100_000) == 0
    (later,) = (note for note in json.loads(capsys.readouterr().out)["notes"] if "not finished" in note)
    assert int(later.split(": ")[1].split(" of ")[0].replace(",", "")) > done


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n", "500"), "-n is of weights of samples; give it with --reweight"),
        (("--truth", "truth.nc"), "--truth is of weights of samples; give it with --reweight"),
        (("--reweight",), "--run trains a recipe; leave it out with --reweight"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(words, said, tmp_path, capsys):
    assert train(tmp_path / "run", *words) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_a_run_is_sampled_from_its_newest_checkpoint(interrupted, tmp_path):
    path = tmp_path / "decays.nc"
    command = ["generate", NAME, "--weights", str(interrupted), "-n", "20", "--muon-momentum", "1", "-o", str(path)]
    assert run(command) == 0
    opened = surrogates.load(NAME, weights=interrupted)
    assert opened.card.recipe == "flow" and any("not finished" in note for note in opened.card.notes)
    released = surrogates.load(NAME).sample(20, seed=0, muon_momentum=1.0)["positron_energy"].values
    found = opened.sample(20, seed=0, muon_momentum=1.0)["positron_energy"].values
    assert np.isfinite(found).all() and not np.array_equal(found, released)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(SurrogatesError, match="holds no run with a checkpoint"):
        surrogates.load(NAME, weights=tmp_path)


@pytest.mark.parametrize("said", ["soon", "10", "-1h", "0s", "3 days"])
def test_what_is_no_time_is_refused(tmp_path, said, capsys):
    assert train(tmp_path, f"--time-limit={said}") == 2
    assert "90s, 30min or 2h" in capsys.readouterr().err


@pytest.mark.parametrize("holds", [(), ("notes.txt",)])
def test_a_folder_is_refused_by_a_recipe_that_reads_none_and_nothing_is_put_in(tmp_path, holds, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in holds:
        (mine / name).write_text("mine")
    assert train(tmp_path / "run", "--data", mine) == 2
    assert "HDF5 file of training pools" in capsys.readouterr().err
    assert sorted(path.name for path in mine.iterdir()) == sorted(holds)
