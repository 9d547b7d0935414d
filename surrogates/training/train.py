"""Train a plugin's recipe or any model, and read what was trained.

A run is a function of (data, recipe, seed, number of ranks): batches are drawn by counting, torch is reseeded every
step from (seed, phase, step, rank), and a checkpoint holds weights, averages and optimiser states alone. A run that is
killed and started again ends as the uninterrupted one does, bit for bit on a CPU.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..contract.found import with_found_schemas
from ..io.locks import locked
from ..noise import Noise, fold
from .checkpoints import CHECKPOINT, fill, load_checkpoint, shipped_averages
from .loop import Run, TrainingError
from .pools import (
    Pool,
    PoolError,
    check_pools,
    for_fitting,
    in_doubles,
    naming_what_is_missing,
    pool_from_dataset,
    read_pools,
    read_schemas,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from ..contract.plugin import Plugin
    from ..contract.recipe import Codec, Model, Recipe

PRECISIONS = ("32-true", "bf16-mixed", "64-true")
SIMULATED = "data"
"""Folder of a run that keeps what was simulated or read for it."""
_MARK, _READ = ".made-by-surrogates", ".read-from-data"
_SHOWN = 1 << 17  # numbers in the drawn conditions of a sample figure, at the most


def train(
    plugin: Plugin,
    recipe_name: str,
    run_dir: str | Path,
    *,
    data: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "32-true",
    devices: int = 1,
    checkpoint_minutes: float = 2.0,
    threads: int = 1,
    updates: int | None = None,
    stop_after: int | None = None,
    seconds: float = math.inf,
    begun: Callable[[], None] | None = None,
    ended: Callable[[], None] | None = None,
    figure: Callable[[Any, Any], Any] | None = None,
    progress: bool = True,
) -> Path:
    """Train a plugin's recipe, or go on with the run in `run_dir`.

    Parameters
    ----------
    plugin : Plugin
    recipe_name : str
        A key of ``plugin.recipes``.
    run_dir : path
        Folder of the checkpoint, the log (JSON lines), loss plot and sample figures.
    data : path, optional
        See `training_data`; None simulates and keeps what was simulated under `run_dir`/data.
    options : mapping, optional
        Of the recipe, in place of its defaults; see `Recipe.using`.
    updates : int, optional
        Of all phases together; see `Recipe.shortened`.
    seed : int
    device : {"auto", "cpu", "cuda", "mps"}
    precision : {"32-true", "bf16-mixed", "64-true"}
    devices : int
        Processes, one a device; under torchrun its own number counts.
    checkpoint_minutes : float
    threads : int
        Of each process.
    stop_after : int, optional
        Updates after which this call checkpoints and returns.
    seconds : float
        Wall-clock time of the updates after which it does so too.
    begun : callable, optional
        Called once the training data are there, before the first update, on the first process.
    ended : callable, optional
        Called once the updates are done and their checkpoint is there, on the first process.
    figure : callable, optional
        (model with averaged weights, codec) -> matplotlib Figure; the plugin's own figure by default.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    Path
        The checkpoint; `trained` and `release` read it.
    """
    recipe = _recipe(plugin, recipe_name).using(**(options or {}))
    recipe = recipe if updates is None else recipe.shortened(updates)
    fabric = launch(device, devices, precision)
    torch.set_num_threads(threads)
    with fabric.rank_zero_first():
        plugin, pools = training_data(plugin, recipe, data, run_dir)
    schemas = (plugin.conditions, plugin.outputs)
    check_pools(pools, schemas)
    if begun is not None and fabric.is_global_zero:
        begun()
    codec: Any = (recipe.codec or plugin.codec)()
    fitted = load_checkpoint(run_dir)["codec"] if (Path(run_dir) / CHECKPOINT).exists() else {}
    if fitted:
        fill(codec, fitted)
    else:
        with naming_what_is_missing(schemas):
            codec.fit([for_fitting(pool) for pool in pools])
    torch.manual_seed(fold(seed, "weights"))
    model = recipe.model(codec)
    with naming_what_is_missing(schemas):
        checkpoint = fit(
            model,
            codec,
            pools,
            recipe,
            run_dir,
            seed=seed,
            precision=precision,
            checkpoint_minutes=checkpoint_minutes,
            threads=threads,
            stop_after=stop_after,
            seconds=seconds,
            figure=figure or sample_figure(plugin, pools[0], seed),
            progress=progress,
            fabric=fabric,
        )
    if ended is not None and fabric.is_global_zero:
        ended()
    return checkpoint


def simulated(run_dir: str | Path) -> Path:
    """Folder of a run that keeps what was simulated or read for it, made and marked where it is not there."""
    folder = Path(run_dir) / SIMULATED
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    return folder


def training_pools(plugin: Plugin, recipe: Recipe, data: str | Path | None, run_dir: str | Path) -> tuple[Pool, ...]:
    """The recipe's training pools; see `training_data`."""
    return training_data(plugin, recipe, data, run_dir)[1]


def training_data(
    plugin: Plugin, recipe: Recipe, data: str | Path | None, run_dir: str | Path
) -> tuple[Plugin, tuple[Pool, ...]]:
    """The plugin with what the data say of its schemas, and the recipe's training pools.

    Parameters
    ----------
    plugin : Plugin
    recipe : Recipe
    data : path, optional
        HDF5 as `write_pools` writes it, the `data` folder of another run, or what the recipe itself reads (its
        `layout`); None simulates.
    run_dir : path
        The run, whose `data` folder keeps what is simulated or read; a user's folder is only read.

    Raises
    ------
    PoolError
        Data that are not there, empty, or nothing that this recipe reads; it says what it does read.
    """
    if data is None:
        if recipe.data is None:
            raise PoolError(f"data: the recipe brings none of its own; give --data {_readable(recipe)}")
        return _with_pools(plugin, recipe, recipe.data(simulated(run_dir)))
    path = Path(data)
    if not path.exists():
        raise PoolError(f"data: {path} does not exist; expected {_readable(recipe)}")
    if path.is_file() and path.suffix.lower() not in recipe.reads:
        found = read_schemas(path).get(plugin.name)
        if found is not None:
            plugin = plugin.with_schemas(*found)
        return plugin, read_pools(path, plugin.conditions.names)
    if (path / _READ).exists():
        raise PoolError(f"data: {path} keeps what a run read of a user's own data; give those data again")
    if (path / _MARK).exists() and recipe.data is not None:
        return _with_pools(plugin, recipe, recipe.data(path))
    if recipe.learns is None:
        others = [key for key, other in plugin.recipes.items() if other.learns is not None]
        hint = f" ({', '.join(others)} of {plugin.name} read users' own)" if others else ""
        raise PoolError(f"data: {path}: this recipe reads none but {_readable(recipe)}{hint}; or leave --data out")
    if path.is_dir() and not recipe.folders:
        raise PoolError(f"data: {path} is a folder; expected {_readable(recipe)}")
    try:
        if path.is_dir() and not any(path.iterdir()):
            raise PoolError(f"data: {path} is empty; expected {_readable(recipe)}")
        kept = simulated(run_dir)
        read = recipe.learns(path, kept)
        (kept / _READ).touch()
        return _with_pools(plugin, recipe, read)
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise PoolError(f"data: {path} does not read ({reason}); expected {_readable(recipe)}") from None


def _with_pools(plugin: Plugin, recipe: Recipe, datasets: tuple[Any, ...]) -> tuple[Plugin, tuple[Pool, ...]]:
    plugin = with_found_schemas(plugin, recipe, datasets)
    return plugin, tuple(pool_from_dataset(dataset, plugin.conditions.names) for dataset in datasets)


def _readable(recipe: Recipe) -> str:
    own = f"{recipe.layout}, or " if recipe.layout else ""
    return f"{own}an HDF5 file of training pools"


def fit(
    model: Model,
    codec: Codec,
    pools: Sequence[Pool],
    recipe: Recipe,
    run_dir: str | Path,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "32-true",
    devices: int = 1,
    checkpoint_minutes: float = 2.0,
    threads: int = 1,
    stop_after: int | None = None,
    seconds: float = math.inf,
    figure: Callable[[Any, Any], Any] | None = None,
    figure_minutes: float = 10.0,
    progress: bool = True,
    fabric: Fabric | None = None,
) -> Path:
    """Train a model whose codec is fitted; needs no plugin. See `train` for the parameters.

    Raises
    ------
    TrainingError
        A batch that the ranks cannot share, a private phase, an unknown submodule, or a run that only diverges.
    CheckpointError
        `run_dir` holds a run of other settings.
    """
    if not 0 < checkpoint_minutes < math.inf:
        raise TrainingError(f"minutes: {checkpoint_minutes} between checkpoints; expected a number above 0")
    fabric = fabric or launch(device, devices, precision)
    torch.set_num_threads(threads)
    _keep_freed_memory()
    folder = Path(run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    held = locked(folder / ".run.lock", folder) if fabric.is_global_zero else nullcontext()
    with held:
        run = Run(fabric, model, codec, pools, recipe, folder, seed, precision, checkpoint_minutes * 60.0)
        return run.go(stop_after, figure, figure_minutes * 60.0, progress, seconds)


def trained(plugin: Plugin, recipe_name: str, run_dir: str | Path) -> tuple[Any, Any]:
    """Model with averaged weights and fitted codec of a run, in evaluation mode on the CPU; its options hold."""
    state = load_checkpoint(run_dir)
    recipe = _recipe(plugin, recipe_name).using(**state["fingerprint"].get("options", {}))
    codec: Any = (recipe.codec or plugin.codec)()
    fill(codec, state["codec"])
    model: Any = recipe.model(codec)
    fill(model, {**state["model"], **state["averages"]})
    return model.eval().requires_grad_(False), codec.eval()


def release(run_dir: str | Path) -> dict[str, Tensor]:
    """Averaged weights of the shipped submodules, keys led by the submodule's name."""
    return shipped_averages(load_checkpoint(run_dir))


def launch(device: str, devices: int, precision: str) -> Fabric:
    """Start Fabric; under torchrun with the processes that it made."""
    from lightning_fabric import Fabric

    if precision not in PRECISIONS:
        raise TrainingError(f"precision: {precision!r} does not train; expected one of {', '.join(PRECISIONS)}")
    local = int(os.environ.get("LOCAL_WORLD_SIZE", devices))
    nodes = int(os.environ.get("WORLD_SIZE", local)) // local if "LOCAL_WORLD_SIZE" in os.environ else 1
    try:
        fabric = Fabric(accelerator=device, devices=local, num_nodes=nodes, precision=precision)  # type: ignore[arg-type]
    except Exception as error:  # an absent device raises many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TrainingError(
            f"device: {device!r} is not usable ({reason}); expected auto, cpu, or one that is there"
        ) from None
    fabric.launch()
    return fabric


def _keep_freed_memory() -> None:
    """Have the C library keep freed memory for the next update.

    Otherwise every large array of an update is new memory, which the system has to clear: 17 % of the time of a small
    LSTM's updates (4.3 and 3.6 s each). Where the C library has no such setting, nothing changes.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        for option in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            library.mallopt(option, _KEPT)


_MMAP_THRESHOLD, _TRIM_THRESHOLD, _KEPT = -3, -1, 2**30  # numbers of malloc.h, and bytes


_SHOWN, _LEAST_SHOWN = 2**18, 32  # numbers in the samples of a figure, and samples


def sample_figure(plugin: Plugin, pool: Pool, seed: int, n: int = 2000) -> Callable[[Any, Any], Any]:
    """A figure callable: the plugin's figure of `n` samples, or of fewer where samples are images or volumes.

    They stand at conditions of the pool beside its truth; where the pool holds parts of samples instead of the
    plugin's outputs, at conditions of the prior and alone, and fewer of them where these are fields.
    """
    paired = set(plugin.outputs.names) <= set(pool.outputs)
    numbers = max((tensor[0].numel() for tensor in pool.outputs.values() if len(tensor)), default=1)
    n = min(n, max(_SHOWN // max(numbers, 1), _LEAST_SHOWN))

    def figure(model: Any, codec: Any) -> Any:
        device = next(model.parameters()).device
        conditions = pool.conditions if paired else _drawn_conditions(plugin, n, seed)
        asked = {name: in_doubles(tensor[:n]) for name, tensor in conditions.items()}
        noise = Noise(fold(seed, "figure"), torch.arange(len(next(iter(asked.values())) if asked else range(n))))
        encoded = {k: v.float() if v.is_floating_point() else v for k, v in codec.encode(asked).items()}
        noise.samples = noise.samples.to(device)
        made = model.sample({k: v.to(device) for k, v in encoded.items()}, noise)
        outputs = codec.decode({k: v.cpu() for k, v in made.items()}, asked)
        sides = [{name: tensor.numpy() for name, tensor in outputs.items()}]
        if paired:
            sides.append({name: pool.outputs[name][:n].numpy() for name in plugin.outputs.names})
        datasets = []
        for values in sides:
            samples = plugin.outputs.dataset(values)
            for name, tensor in asked.items():
                variable = plugin.conditions[name]
                samples[name] = (("sample", *variable.dims), tensor.numpy(), variable.attrs())
            datasets.append(samples)
        return plugin.figure(*datasets)

    return figure


def _drawn_conditions(plugin: Plugin, n: int, seed: int) -> dict[str, Tensor]:
    one = plugin.prior(plugin.conditions, 1, fold(seed, "figure"))
    numbers = max(sum(array.size for array in one.data_vars.values()), 1)
    drawn = plugin.prior(plugin.conditions, max(min(n, _SHOWN // numbers), 1), fold(seed, "figure"))
    return dict(pool_from_dataset(drawn, plugin.conditions.names).conditions)


def _recipe(plugin: Plugin, name: str) -> Recipe:
    if name not in plugin.recipes:
        raise TrainingError(f"model: {name!r} is no recipe of {plugin.name}; expected {', '.join(plugin.recipes)}")
    return plugin.recipes[name]
