"""Training that cannot succeed ends with one line: bad data, absent devices, full disks, damaged checkpoints."""

from __future__ import annotations

import json
import multiprocessing
import resource
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from muon_decay.plugin import PLUGIN

from surrogates.cli.entry import run
from surrogates.contract.recipe import Phase
from surrogates.training.checkpoints import CHECKPOINT, LOG, CheckpointError, load_checkpoint, rewind_log
from surrogates.training.loop import TrainingError
from surrogates.training.pools import PoolError, check_pools, pool_from_dataset
from surrogates.training.train import train, training_data

FEW = PLUGIN.truth(2_500, 1)


def short(updates: int = 3):
    recipe = PLUGIN.recipes["flow"]
    phases = tuple(replace(phase, updates=updates) for phase in recipe.phases)
    assert isinstance(phases[0], Phase)
    return replace(PLUGIN, recipes={"flow": replace(recipe, phases=phases, batch_size=100)})


def data_file(path, **changed):
    with h5py.File(path, "w") as file:
        for name in FEW.data_vars:
            values = changed.get(str(name), FEW[name].values)
            if values is not None:
                file[str(name)] = values
    return path


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf")])
def test_one_value_that_is_no_number_among_many_is_named(tmp_path, value, shown):
    energy = FEW["positron_energy"].values.copy()
    energy[1712] = value
    path = data_file(tmp_path / "data.h5", positron_energy=energy)
    with pytest.raises(PoolError, match=f"positron_energy: {shown} in row 1712 of the training data; expected finite"):
        train(short(), "flow", tmp_path / "run", data=path, progress=False)
    assert not (tmp_path / "run" / CHECKPOINT).exists()


@pytest.mark.parametrize("name", ["positron_pz", "muon_momentum"])
def test_a_missing_variable_is_named(tmp_path, name):
    path = data_file(tmp_path / "data.h5", **{name: None})
    with pytest.raises(PoolError, match=f"{name}: missing from the training data"):
        train(short(), "flow", tmp_path / "run", data=path, progress=False)


def test_a_code_beyond_the_categories_is_named():
    from surrogates.contract.schema import Schema, Variable

    schema = Schema((Variable("kind", "kind", dtype="int8", categories=("gluon", "top")),))
    pool = pool_from_dataset(schema.dataset({"kind": np.array([0, 1, 7])}), ("kind",))
    with pytest.raises(PoolError, match="kind: 7 in row 2 of the training data; expected codes 0 to 1"):
        check_pools([pool], (schema,))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_absent_is_named(tmp_path):
    with pytest.raises(TrainingError, match="device: 'cuda' is not usable"):
        train(short(), "flow", tmp_path / "run", data=data_file(tmp_path / "data.h5"), device="cuda", progress=False)


@pytest.mark.parametrize("minutes", ["-1", "0", "nan"])
def test_minutes_that_are_no_time_are_refused(tmp_path, capsys, minutes):
    path = data_file(tmp_path / "data.h5")
    arguments = ["train", "muon-decay", "--data", str(path), "--run", str(tmp_path / "run"), f"--minutes={minutes}"]
    assert run(arguments) == 2
    assert "minutes" in capsys.readouterr().err


def limited(folder, data, results) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))
    try:
        train(short(), "flow", folder, data=data, progress=False)
    except CheckpointError as error:
        results.put(str(error))
    except BaseException as error:
        results.put(repr(error))


def test_a_full_disk_at_a_checkpoint_is_one_line(tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    process = context.Process(target=limited, args=(tmp_path / "run", data_file(tmp_path / "data.h5"), results))
    process.start()
    process.join(120)
    message = results.get()
    assert message.startswith(f"cannot write {tmp_path / 'run' / CHECKPOINT}: ") and "\n" not in message
    assert not list((tmp_path / "run").glob(".checkpoint*"))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(3000)], ids=["empty", "text", "zeros"])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{CHECKPOINT}: does not read"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("state", [{}, [1], {"phase": 0, "step": 0}, {"state_dict": {}}], ids=repr)
def test_a_foreign_checkpoint_is_named(tmp_path, state):
    torch.save(state, tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match=f"{CHECKPOINT}: no checkpoint of ours"):
        load_checkpoint(tmp_path)


def test_a_damaged_log_loses_its_damaged_lines_alone(tmp_path):
    lines = [b'{"phase": 0, "step": 1}', b"[1]", b'{"phase": 0}', b"\xff\xfe", b"[" * 5000, b'{"phase": 0, "step": 2}']
    (tmp_path / LOG).write_bytes(b"\n".join(lines))
    rewind_log(tmp_path, 0, 2)
    assert [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()] == [{"phase": 0, "step": 1}]


def test_two_trainings_into_one_folder_exclude_each_other(tmp_path):
    from surrogates.io import OutputError
    from surrogates.io.locks import locked

    path = data_file(tmp_path / "data.h5")
    (tmp_path / "run").mkdir()
    with locked(tmp_path / "run" / ".run.lock", tmp_path / "run"), pytest.raises(OutputError, match="has been writing"):
        train(short(), "flow", tmp_path / "run", data=path, progress=False)
    train(short(), "flow", tmp_path / "run", data=path, progress=False)
    assert not (tmp_path / "run" / ".run.lock").exists()


def test_fields_of_users_stay_float32_and_train_on_the_same_numbers():
    """A quarter of a million pictures fit a machine: one array in float32, encoded a part at a time."""
    import torch

    from surrogates.training import pools

    class Halves(torch.nn.Module):
        def encode(self, physical):
            assert all(t.dtype == torch.float64 for t in physical.values() if t.is_floating_point())
            assert len(physical["size"]) <= 40
            return {name: tensor / 3.0 for name, tensor in physical.items()}

    chance = np.random.default_rng(1)
    image = chance.normal(size=(100, 3, 32, 32)).astype(np.float32)
    pool = pools.pool_from_arrays({"image": image, "size": chance.normal(size=100)}, ("size",))
    double = pools.pool_from_arrays(
        {"image": image.astype(np.float64), "size": pool.conditions["size"].numpy()}, ("size",)
    )
    assert pool.outputs["image"].dtype == torch.float32 and double.outputs["image"].dtype == torch.float64
    assert np.shares_memory(pool.outputs["image"].numpy(), image)
    assert pools.digest([pool]) == pools.digest([double])  # runs begun on either go on
    assert pools.for_fitting(pool)["image"].dtype == torch.float64
    before = pools._LARGE
    pools._LARGE = 40 * 8 * 3 * 32 * 32
    try:
        found = pools.encode_pool(pool, Halves(), torch.float32)
        assert pools.for_fitting(pool)["image"].dtype == torch.float32
        again = pools.encode_pool(double, Halves(), torch.float32)
    finally:
        pools._LARGE = before
    assert torch.equal(found.outputs["image"], again.outputs["image"]) and found.outputs["image"].dtype == torch.float32
    np.testing.assert_array_equal(found.conditions["size"].numpy(), (double.conditions["size"] / 3.0).float().numpy())


def test_what_a_run_read_of_a_users_data_is_not_taken_for_simulated_data(tmp_path):
    """A recipe that simulates and reads would simulate anew, in place of what the other run had learned from."""
    recipe = replace(PLUGIN.recipes["flow"], learns=lambda path, kept: (FEW,))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "events.csv").write_text("mine")
    _, (pool,) = training_data(PLUGIN, recipe, tmp_path / "own", tmp_path / "one")
    assert len(pool) == FEW.sizes["sample"]
    with pytest.raises(PoolError, match="keeps what a run read of a user's own data; give those data again"):
        training_data(PLUGIN, recipe, tmp_path / "one" / "data", tmp_path / "two")
