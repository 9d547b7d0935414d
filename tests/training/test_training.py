"""A training run resumes exactly after any kill, keeps ranks in sync, averages weights and names what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from surrogates.contract.recipe import Adam, Phase, Privacy, Recipe
from surrogates.contract.schema import Schema, Variable
from surrogates.models.flow import Sampler, Target, VelocityField, copy_submodule, distillation_steps, matching_steps
from surrogates.networks.mlp import MLP
from surrogates.noise import Noise
from surrogates.training.checkpoints import CheckpointError, load_checkpoint, read_log
from surrogates.training.loop import TrainingError, learning_rate
from surrogates.training.pools import Order, Pool, PoolError, digest, encode_pool, read_pools, write_pools
from surrogates.training.private import PrivacyError
from surrogates.training.train import fit, release, train
from surrogates.training.watch import Watch

torch.set_num_threads(1)


class Standardised(nn.Module):
    """Codec: zero mean and unit spread of `x`; `shift` is a condition."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(2, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(2, dtype=torch.float64))

    def fit(self, pools) -> None:
        self.mean, self.spread = pools[0]["x"].mean(0), pools[0]["x"].std(0)

    def encode(self, physical: dict[str, Tensor]) -> dict[str, Tensor]:
        out = {"context": physical["shift"].unsqueeze(1)} if "shift" in physical else {}
        return {**out, "encoded": (physical["x"] - self.mean) / self.spread} if "x" in physical else out

    def decode(self, encoded: dict[str, Tensor], conditions: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"x": encoded["encoded"].double() * self.spread + self.mean}


class Cloud(nn.Module):
    """Model: a flow of two dimensions and its student."""

    ships = ("student",)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.teacher = VelocityField(MLP(2, 2, 16, 2, context=9), 8)
        self.student = VelocityField(MLP(2, 2, 16, 2, context=9), 8)
        self.dropout = nn.Dropout(0.1)

    def sample(self, conditions: dict[str, Tensor], noise: Noise) -> dict[str, Tensor]:
        return {"encoded": self.student.one_step(noise.normal((2,), "start").float(), conditions["context"])}


def arrange(model: Cloud, batch) -> Target:
    # dropout draws from torch's own generator: resume must reseed it
    return Target(model.dropout(batch.encoded["encoded"]), batch.conditions["context"])


def cloud_pool(n: int = 300) -> Pool:
    generator = torch.Generator().manual_seed(5)
    shift = torch.randn(n, generator=generator, dtype=torch.float64)
    x = torch.randn(n, 2, generator=generator, dtype=torch.float64) * 0.3 + shift[:, None]
    return Pool({"x": x}, {"shift": shift})


def cloud_recipe(updates: tuple[int, int] = (30, 20), batch_size: int = 32, slow: float = 0.0, **options) -> Recipe:
    distil = distillation_steps(arrange, sampler=Sampler(2), repeats=2)

    def steps(model, batch):
        time.sleep(slow)
        yield from matching_steps(arrange)(model, batch)

    return Recipe(
        data=lambda folder: (),
        model=lambda codec: Cloud(),
        phases=(
            Phase(steps, updates[0], {"teacher": Adam(3e-3, warmup=5)}, **options),
            Phase(distil, updates[1], {"student": Adam(3e-3, warmup=5)}, start=copy_submodule("teacher", "student")),
        ),
        batch_size=batch_size,
    )


def run(folder: Path, recipe: Recipe | None = None, *, dropout: float = 0.1, **options) -> Cloud:
    """Train a new model into `folder`, or go on there; the model as this process holds it."""
    pool, codec, model = cloud_pool(), Standardised(), Cloud()
    model.dropout.p = dropout
    codec.fit([pool.physical])
    fit(model, codec, [pool], recipe or cloud_recipe(), folder, **{"device": "cpu", "progress": False, **options})
    return model


def losses(folder: Path) -> list[tuple[int, int, dict[str, float]]]:
    return [(r["phase"], r["step"], r["losses"]) for r in read_log(folder) if "losses" in r]


def same_weights(a: Path, b: Path) -> bool:
    left, right = load_checkpoint(a), load_checkpoint(b)
    return all(
        torch.equal(left[kind][name], right[kind][name]) for kind in ("model", "averages") for name in left[kind]
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


@pytest.mark.parametrize("stops", [(12,), (30,), (7, 5, 33)])
def test_stopped_run_resumes_to_equal_losses_and_weights(whole: Path, tmp_path: Path, stops: tuple[int, ...]) -> None:
    for stop in stops:
        run(tmp_path, stop_after=stop)
    assert len(losses(tmp_path)) == sum(stops)
    run(tmp_path)
    assert losses(tmp_path) == losses(whole)
    assert same_weights(tmp_path, whole)
    assert len(losses(whole)) == 50


ALONE = """
run(folder, cloud_recipe(slow=0.05), checkpoint_minutes={minutes})
"""

RANKS = """
import os, torch
run(folder)
run(folder / "parts", stop_after=20)
run(folder / "still", dropout=0.0)
model = run(folder / "parts")
torch.save(model.state_dict(), folder / ("rank" + os.environ["RANK"] + ".pt"))
"""


def start(folder: Path, code: str, launcher: tuple[str, ...] = ()) -> subprocess.Popen:
    script = folder.parent / f"{folder.name}.py"
    head = f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]\n"
    head += f"from pathlib import Path\nfrom test_training import cloud_recipe, run\nfolder = Path({str(folder)!r})\n"
    script.write_text(head + code)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *launcher, str(script)], env=environment, stderr=subprocess.PIPE, text=True
    )


def wait_for_step(folder: Path, process: subprocess.Popen, step: int, checkpoint: bool) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        if len(losses(folder)) > step and (not checkpoint or load_checkpoint(folder)["step"]):
            return
        time.sleep(0.05)
    raise AssertionError(f"the run ended early: {process.stderr.read() if process.stderr else ''}")


def test_killed_run_resumes_to_equal_losses_and_weights(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(folder, ALONE.format(minutes=0.002))
    wait_for_step(folder, process, 6, checkpoint=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(losses(folder)) < 50
    run(folder)
    assert losses(folder) == losses(whole)
    assert same_weights(folder, whole)


def test_terminated_run_checkpoints_and_resumes(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(folder, ALONE.format(minutes=100.0))
    wait_for_step(folder, process, 3, checkpoint=False)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 128 + signal.SIGTERM and "to go on" in errors
    assert load_checkpoint(folder)["step"] == len(losses(folder)) > 3
    run(folder)
    assert losses(folder) == losses(whole)
    assert same_weights(folder, whole)


def test_two_ranks_stay_in_sync_and_resume_exactly(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ranks"
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    process = start(folder, RANKS, launcher)
    _, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    assert load_checkpoint(folder)["fingerprint"]["ranks"] == 2
    assert len(losses(folder)) == 50
    assert losses(folder / "parts") == losses(folder)
    assert same_weights(folder / "parts", folder)
    first, second = (torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert losses(folder) != losses(whole)  # dropout draws by rank
    run(tmp_path / "one", dropout=0.0)
    one, both = (
        np.array([list(loss.values()) for *_, loss in losses(at)]) for at in (tmp_path / "one", folder / "still")
    )
    np.testing.assert_allclose(both, one, rtol=1e-4)


def test_release_holds_the_averages_of_what_ships(whole: Path) -> None:
    weights = release(whole)
    assert set(weights) == {f"student.{name}" for name in Cloud().student.state_dict()}
    state = load_checkpoint(whole)
    assert all(torch.equal(weights[name], state["averages"][name]) for name in weights)


def test_trained_submodules_go_on_from_their_averages(tmp_path: Path) -> None:
    run(tmp_path, stop_after=29)
    before = load_checkpoint(tmp_path)
    name = "teacher.network.exit.weight"
    assert not torch.equal(before["model"][name], before["averages"][name])
    run(tmp_path, stop_after=1)
    after = load_checkpoint(tmp_path)
    assert (after["phase"], after["step"]) == (1, 0) and torch.equal(after["model"][name], after["averages"][name])


def test_a_phase_keeps_a_share_of_its_change_also_when_it_is_resumed(tmp_path: Path) -> None:
    def alone(kept: float) -> Recipe:
        recipe = cloud_recipe()
        return replace(recipe, phases=(replace(recipe.phases[0], kept=kept),))

    run(tmp_path / "all", alone(1.0))
    for stop in (0, 11, None):
        run(tmp_path / "part", alone(0.25), stop_after=stop)
        if stop == 0:
            before = load_checkpoint(tmp_path / "part")["model"]
    whole, part = (load_checkpoint(tmp_path / name) for name in ("all", "part"))
    for name, tensor in part["averages"].items():
        assert torch.equal(tensor, before[name].lerp(whole["averages"][name], 0.25))
        assert torch.equal(tensor, part["model"][name])
    assert not torch.equal(*(state["averages"]["teacher.network.exit.weight"] for state in (whole, part)))


def test_run_of_other_settings_is_refused(whole: Path) -> None:
    with pytest.raises(CheckpointError, match="batch_size = 32, now 16"):
        run(whole, cloud_recipe(batch_size=16))
    with pytest.raises(CheckpointError, match="seed"):
        run(whole, seed=1)


def test_wrong_submodules_precision_and_privacy_are_named(tmp_path: Path) -> None:
    def wrong(model, batch):
        yield "critic", batch.encoded["encoded"].sum(1)

    def recipe(optimisers, steps=wrong, **options) -> Recipe:
        return Recipe(lambda folder: (), lambda codec: Cloud(), (Phase(steps, 2, optimisers, **options),), 8)

    with pytest.raises(TrainingError, match="no submodule 'generator'"):
        run(tmp_path / "a", recipe({"generator": Adam()}))
    with pytest.raises(TrainingError, match="yielded 'critic'"):
        run(tmp_path / "b", recipe({"teacher": Adam()}))
    with pytest.raises(TrainingError, match="16-mixed"):
        run(tmp_path / "c", precision="16-mixed")
    with pytest.raises(PrivacyError, match="expected one loss a sample of teacher"):
        run(tmp_path / "d", recipe({"teacher": Adam()}, privacy=Privacy(1.0, 1.0, 1e-5)))


def test_divergence_is_named_in_log_and_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def steps(model, batch):
        loss = model.teacher(batch.encoded["encoded"], torch.zeros(8), batch.conditions["context"]).sum(1)
        yield "teacher", loss * (float("nan") if batch.step >= 3 else 1.0)

    recipe = Recipe(lambda folder: (), lambda codec: Cloud(), (Phase(steps, 6, {"teacher": Adam()}),), 8)
    run(tmp_path, recipe, progress=True)
    warnings = [record["warning"] for record in read_log(tmp_path) if "warning" in record]
    assert len(warnings) == 1 and "diverges" in warnings[0]
    assert "diverges" in capsys.readouterr().err
    assert all(torch.isfinite(tensor).all() for tensor in load_checkpoint(tmp_path)["model"].values())


def test_watch_names_rising_losses_winning_discriminators_and_collapse() -> None:
    watch = Watch()
    small = [watch.losses({"generator": 0.1}) for _ in range(60)]
    watch.phase()
    assert not any(small) and not any(watch.losses({"generator": 5.0}) for _ in range(60))
    watch.phase()
    calm = [watch.losses({"generator": 1.0 + 0.1 * np.sin(i), "discriminator": 0.7}) for i in range(300)]
    assert not any(calm)
    rising = sum((watch.losses({"generator": float(i)}) for i in range(60)), [])
    assert len(rising) == 1 and "rose" in rising[0]
    winning = sum((watch.losses({"discriminator": 1e-4}) for _ in range(150)), [])
    assert len(winning) == 1 and "wins" in winning[0]
    assert not any(watch.diversity(value) for value in (0.2, 0.7, 1.0, 0.8))
    assert "collapses" in watch.diversity(0.3)[0]


def test_every_row_is_drawn_once_an_epoch_whatever_the_ranks() -> None:
    order = Order(10, 4, seed=3)
    drawn = torch.cat([order.rows(step) for step in range(5)])
    assert sorted(drawn[:10].tolist()) == list(range(10)) == sorted(drawn[10:].tolist())
    assert drawn[:10].tolist() != drawn[10:].tolist()
    shared = torch.cat([Order(10, 4, seed=3).rows(step, rank, 2) for step in range(5) for rank in (0, 1)])
    assert torch.equal(shared, drawn)
    assert len(Order(3, 8, seed=0).rows(2)) == 8


def test_rows_that_are_alike_share_a_batch_and_every_row_comes_once_an_epoch():
    lengths = torch.randint(60, (1000,), generator=torch.Generator().manual_seed(0))
    order = Order(1000, 16, seed=3, key=lengths)
    rows = torch.cat([order.rows(step) for step in range(125)])
    assert torch.equal(rows[:1000].sort().values, torch.arange(1000))
    assert torch.equal(rows[1000:].sort().values, torch.arange(1000))
    spreads = [int(lengths[batch].max() - lengths[batch].min()) for batch in rows.split(16)]
    assert np.median(spreads) <= 3
    firsts = [int(lengths[batch].min()) for batch in rows.split(16)]
    assert firsts != sorted(firsts)
    few = Order(32 * 16 + 5, 16, seed=3, key=lengths[: 32 * 16 + 5])  # a last window of less than a batch
    assert sorted(torch.cat([few.rows(step) for step in range(33)])[: 32 * 16 + 5].tolist()) == list(range(32 * 16 + 5))


def test_learning_rate_warms_up_and_falls_to_its_fraction() -> None:
    settings = Adam(1.0, warmup=10, final_fraction=0.1)
    rates = [learning_rate(settings, step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == pytest.approx(1.0) and rates[100] == pytest.approx(0.1)
    assert all(a >= b for a, b in zip(rates[10:], rates[11:], strict=False))


def test_pools_survive_the_carried_file(tmp_path: Path) -> None:
    import h5py

    pool = cloud_pool()
    write_pools(tmp_path / "data.h5", [pool, pool])
    back = read_pools(tmp_path / "data.h5")
    assert len(back) == 2 and torch.equal(back[1].outputs["x"], pool.outputs["x"])
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        file["x"], file["shift"], file["sample"] = (
            pool.outputs["x"].numpy(),
            pool.conditions["shift"].numpy(),
            range(300),
        )
    (flat,) = read_pools(tmp_path / "flat.h5", ("shift",))
    assert set(flat.outputs) == {"x"} and torch.equal(flat.conditions["shift"], pool.conditions["shift"])
    codec = Standardised()
    codec.fit([pool.physical])
    encoded = encode_pool(flat, codec, torch.float32)
    assert set(encoded.outputs) == {"encoded"} and set(encoded.conditions) == {"context"}
    (tmp_path / "broken.h5").write_bytes(b"nothing")
    with pytest.raises(PoolError, match="broken.h5"):
        read_pools(tmp_path / "broken.h5")
    with pytest.raises(PoolError, match="lengths"):
        Pool({"x": torch.zeros(3)}, {"shift": torch.zeros(4)})


def test_data_are_told_apart_by_every_value(tmp_path: Path) -> None:
    pool = cloud_pool()
    other = Pool({"x": pool.outputs["x"].clone()}, pool.conditions)
    assert digest([pool]) == digest([other])
    other.outputs["x"][-1, -1] += 1e-9
    assert len({digest([pool]), digest([other]), digest([pool, pool]), digest([Pool(pool.outputs, {})])}) == 4


def test_what_is_simulated_for_a_run_is_kept_in_it(tmp_path: Path) -> None:
    simulated, fitted = [], []

    class Counted(Standardised):
        def fit(self, pools) -> None:
            fitted.append(len(pools))
            super().fit(pools)

    def data(folder: Path) -> tuple[xr.Dataset, ...]:
        path = folder / "part.npy"
        if not path.exists():
            simulated.append(path)
            np.save(path, cloud_pool().physical["x"].numpy())
        return (xr.Dataset({"x": (("sample", "axis"), np.load(path)), "shift": ("sample", np.zeros(300))}),)

    recipe = replace(cloud_recipe((2, 1)), data=data, codec=lambda: Counted())
    plugin = SimpleNamespace(
        recipes={"cloud": recipe}, conditions=Schema((Variable("shift", "shift"),)), outputs=Schema()
    )
    for stop in (1, None):
        train(plugin, "cloud", tmp_path / "run", device="cpu", progress=False, figure=lambda *_: None, stop_after=stop)
    assert simulated == [tmp_path / "run" / "data" / "part.npy"]
    assert fitted == [1]  # the second call takes the codec from the checkpoint
    np.save(simulated[0], 2.0 * cloud_pool().physical["x"].numpy())
    with pytest.raises(CheckpointError, match=r"checkpoint.pt: was trained with data = '\w{16}', now '\w{16}'"):
        train(plugin, "cloud", tmp_path / "run", device="cpu", progress=False, figure=lambda *_: None)
    with pytest.raises(PoolError, match="nowhere does not exist"):
        train(plugin, "cloud", tmp_path / "run", data=tmp_path / "nowhere", device="cpu")


def test_log_is_json_lines_and_plots_are_drawn(whole: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert {"phase", "step", "losses", "gradient_norms", "learning_rates"} <= set(lines[0])
    assert (whole / "losses.png").stat().st_size > 5000

    def figure(model, codec):
        from matplotlib.figure import Figure

        made = model.sample({"context": torch.zeros(50, 1)}, Noise(0, torch.arange(50)))
        drawn = Figure()
        drawn.subplots().scatter(*codec.decode(made, {})["x"].T)
        return drawn

    run(tmp_path, cloud_recipe((3, 2)), figure=figure)
    assert sorted(path.name for path in tmp_path.glob("samples-*.png")) == [
        "samples-1-000003.png",
        "samples-2-000002.png",
    ]


def test_watch_names_a_discriminator_that_wins_one_that_loses_and_a_generator_that_ignores_its_noise() -> None:
    even = Watch()
    assert not any(even.separation(value) for value in (0.9, 0.6, 0.5, 0.7) * 100)
    wins = [text for _ in range(200) for text in Watch.separation(even, 1.0)]
    assert len(wins) == 1 and "it wins" in wins[0]
    losing = Watch()
    loses = [text for _ in range(200) for text in losing.separation(0.2)]
    assert len(loses) == 1 and "the generator fools it" in loses[0]
    assert not losing.diversity(0.9, 0.2)
    assert "ignores its noise (mode collapse)" in losing.diversity(0.9, 0.001)[0]
