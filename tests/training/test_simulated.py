"""Training data kept part by part: a killed run goes on, and parts made with other settings are never trained on."""

import subprocess
import sys

import numpy as np
import pytest

from surrogates.contract.errors import SurrogatesError
from surrogates.training.simulated import kept

PARTS = [(f"part_{i}", {"n": 3, "seed": i}) for i in range(4)]
VERSION = {"reference": "simulator 1.0"}


class Simulation:
    """Counts how often it runs, and can be stopped."""

    def __init__(self, stop: int | None = None) -> None:
        self.ran, self.stop = [], stop

    def __call__(self, n, seed):
        if self.stop == seed:
            raise KeyboardInterrupt
        self.ran.append(seed)
        return {"x": np.random.default_rng(seed).normal(size=n), "name": np.array(["a", "b", "c"])}


def values(parts):
    return [part["x"].tolist() for part in parts]


def test_what_is_kept_is_what_was_made(tmp_path):
    first, second = Simulation(), Simulation()
    made, read = (list(kept(tmp_path, PARTS, simulation, VERSION)) for simulation in (first, second))
    assert values(made) == values(read) == values(kept(None, PARTS, Simulation(), VERSION))
    assert first.ran == [0, 1, 2, 3] and second.ran == []
    assert set(read[0]) == {"x", "name"}


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        list(kept(tmp_path, PARTS, Simulation(stop=2), VERSION))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part_0.npz", "part_1.npz"]
    again = Simulation()
    assert len(list(kept(tmp_path, PARTS, again, VERSION))) == 4
    assert again.ran == [2, 3]


def test_parts_are_made_when_they_are_asked_for(tmp_path):
    endless = ((f"part_{i}", {"n": 3, "seed": i}) for i in iter(int, 1))
    simulation = Simulation()
    next(kept(tmp_path, endless, simulation, VERSION))
    assert simulation.ran == [0]


@pytest.mark.parametrize(
    ("parts", "provenance", "message"),
    [
        ([("part_0", {"n": 5, "seed": 0})], VERSION, r"part_0.npz: was made with n = 3, now 5; remove it, or choose"),
        ([("part_0", {"n": 3, "seed": 9})], VERSION, r"was made with seed = 0, now 9"),
        (PARTS, {"reference": "simulator 2.0"}, r"was made with reference = .simulator 1.0., now .simulator 2.0."),
        (PARTS, {**VERSION, "cuts": [1.0]}, r"was made with cuts = None, now \[1.0\]"),
    ],
)
def test_parts_made_with_other_settings_are_refused(tmp_path, parts, provenance, message):
    list(kept(tmp_path, PARTS, Simulation(), VERSION))
    with pytest.raises(SurrogatesError, match=message):
        list(kept(tmp_path, parts, Simulation(), provenance))


def test_a_torn_or_foreign_part_is_named(tmp_path):
    list(kept(tmp_path, PARTS, Simulation(), VERSION))
    whole = (tmp_path / "part_1.npz").read_bytes()
    (tmp_path / "part_1.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SurrogatesError, match="part_1.npz: does not read"):
        list(kept(tmp_path, PARTS, Simulation(), VERSION))
    np.savez(tmp_path / "part_1.npz", x=np.zeros(3))
    with pytest.raises(SurrogatesError, match="part_1.npz: does not say what it was made with"):
        list(kept(tmp_path, PARTS, Simulation(), VERSION))


def test_tau_decays_of_another_number_of_events_are_not_read_as_if_they_were_the_same(tmp_path, monkeypatch):
    from surrogates.plugins.particle_events import training_data, training_pools

    monkeypatch.setattr(training_pools, "decays", lambda fractions, polarisation, n, seed: {"channel": np.zeros(n)})
    monkeypatch.setattr(training_data, "version", lambda package: "8.317")
    monkeypatch.setattr(training_data, "DECAY_GROUPS", (({4: 1.0}, 1),))
    assert [len(part["channel"]) for part in training_data._decay_shards(tmp_path)] == [500, 500]
    monkeypatch.setattr(training_data, "DECAY_EVENTS", 700)
    with pytest.raises(SurrogatesError, match=r"decays_0_000_1.npz: was made with n = 500, now 700"):
        list(training_data._decay_shards(tmp_path))


def test_keeping_parts_needs_no_domain_library():
    code = "import sys, surrogates.training.simulated; print({'xarray', 'h5netcdf', 'pythia8mc'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
