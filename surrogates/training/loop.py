"""The loop that every recipe trains in: updates, averages, checkpoints, warnings and stopping."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..contract.errors import PluginError, SurrogatesError
from ..noise import Noise, fold
from .checkpoints import CHECKPOINT, check_fingerprint, load_checkpoint, rewind_log, save_checkpoint
from .optimisers import Optimiser, optimiser_of
from .pools import Batches, Pool, digest, encode_pool
from .private import PrivatePhase
from .watch import Log, Progress, Watch, plot_losses

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from ..contract.recipe import Adam, Batch, Codec, Model, Phase, Recipe

_LOG_LINES = 5000  # a phase logs at most about so many of its updates
_BAD_UPDATES = 100  # in a row, after which the run gives up
_PROBED, _LEAST_PROBED = 2**19, 16  # numbers in the samples whose diversity is watched, and samples
_OUT_OF_TIME = 1000  # stands for a signal, and is no number of one


class TrainingError(SurrogatesError, RuntimeError):
    """Training that cannot start or go on; one line that says why and what to do."""


def learning_rate(settings: Adam, step: int, updates: int) -> float:
    """Linear warm-up, then a cosine to `final_fraction` of the rate at the phase's end."""
    warmup = min(settings.warmup, updates // 2)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    turn = math.pi * (step - warmup) / max(updates - warmup, 1)
    fall = 0.5 * (1.0 + math.cos(turn))
    return settings.learning_rate * (settings.final_fraction + (1.0 - settings.final_fraction) * fall)


class Run:
    """One run: what the loop carries from update to update."""

    def __init__(
        self,
        fabric: Fabric,
        model: Model,
        codec: Codec,
        pools: Sequence[Pool],
        recipe: Recipe,
        run_dir: Path,
        seed: int,
        precision: str,
        checkpoint_seconds: float,
    ) -> None:
        if recipe.batch_size % fabric.world_size:
            raise TrainingError(f"batch_size: {recipe.batch_size} is no multiple of {fabric.world_size} processes")
        private = [phase for phase in recipe.phases if phase.privacy is not None]
        if private and (len(recipe.phases) > 1 or len(pools) > 1 or fabric.world_size > 1):
            raise TrainingError("privacy: expected a private phase alone, on one pool and in one process")
        self.private: PrivatePhase | None = None
        self.fabric, self.codec, self.recipe, self.run_dir, self.seed = fabric, codec, recipe, run_dir, seed
        self.checkpoint_seconds = checkpoint_seconds
        dtype = torch.float64 if precision == "64-true" else torch.float32
        run_dir.mkdir(parents=True, exist_ok=True)
        self.model: Any = model
        self.codec_state = {k: v.clone() for k, v in codec.state_dict().items()} if isinstance(codec, nn.Module) else {}
        self.pools = [encode_pool(pool, codec, dtype, fabric.device) for pool in pools]
        self.model.to(fabric.device)
        if dtype is torch.float64:
            self.model.double()
        self.averages: dict[str, Tensor] = {}
        self.begun: dict[str, Tensor] = {}
        self.optimisers: dict[str, Optimiser] = {}
        self.parameters: dict[str, list[nn.Parameter]] = {}
        self.fingerprint = {
            "seed": seed,
            "precision": precision,
            "batch_size": recipe.batch_size,
            "ranks": fabric.world_size,
            "updates": [phase.updates for phase in recipe.phases],
            "samples": [len(pool) for pool in pools],
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "data": digest(pools),
        }
        if recipe.chosen:
            self.fingerprint["options"] = {name: _plain(value) for name, value in recipe.chosen.items()}
        self.asked = 0  # signal that this process got
        self.stop = 0  # signal on which all ranks have agreed
        self.bad = 0

    def go(
        self,
        stop_after: int | None,
        figure: Callable[[Any, Any], Any] | None,
        figure_seconds: float,
        progress: bool,
        seconds: float = math.inf,
    ) -> Path:
        """Train from the checkpoint, if there is one, to the end, or for `stop_after` updates or some seconds."""
        first_phase, first_step, saved = self._resume()
        main = self.fabric.is_global_zero
        phases = self.recipe.phases
        done = sum(phase.updates for phase in phases[:first_phase]) + first_step
        show = Progress(sum(phase.updates for phase in phases), done, progress and main)
        self.log, self.watch, self.show = Log(self.run_dir, main), Watch(), show
        last_checkpoint = last_figure = started = time.monotonic()
        remaining = math.inf if stop_after is None else stop_after
        try:
            with _stop_signals(self):
                for number in range(first_phase, len(phases)):
                    if self.stop or remaining <= 0:
                        break
                    phase = phases[number]
                    step = first_step if number == first_phase else 0
                    self.watch.phase()
                    self._begin(phase, step, saved if number == first_phase else None)
                    self.private = PrivatePhase.of(phase, len(self.pools[0]), self.recipe.batch_size, self.run_dir)
                    step = step if self.private is None else self.private.goes_on_at(step)
                    ranks = self.fabric.global_rank, self.fabric.world_size
                    batches = Batches(
                        self.pools, self.recipe.batch_size, self.seed, number, *ranks, alike=self.recipe.alike
                    )
                    every = max(phase.updates // _LOG_LINES, 1)
                    critic = any(word in name for name in phase.optimisers for word in ("discriminator", "critic"))
                    while step < phase.updates and remaining > 0 and not self.stop:
                        batch = batches[step]
                        update = self._update if self.private is None else self._private_update
                        losses, norms = update(phase, batch, step)
                        if main and step % every == 0:
                            self._record(phase, number, batch, losses, norms)
                        if main and critic and step % max(phase.updates // 40, 1) == 0:
                            self._record_diversity(number, step)
                        step, done, remaining = step + 1, done + 1, remaining - 1
                        now = time.monotonic()
                        if now - started > seconds:
                            self.asked = self.asked or _OUT_OF_TIME
                        if show.due():
                            values = {name: float(loss) for name, loss in losses.items()}
                            show.show(done, f"phase {number + 1}/{len(phases)}", values)
                        if now - last_checkpoint > self.checkpoint_seconds and step < phase.updates:
                            self._save(number, step)
                            last_checkpoint = time.monotonic()
                        if figure is not None and now - last_figure > figure_seconds:
                            self._draw(figure, number, step)
                            last_figure = time.monotonic()
                    if step < phase.updates:
                        self._save(number, step)
                        break
                    self._end(phase)
                    self._save(number + 1, 0)
                    self._draw(figure, number, step)
        finally:
            self.log.close()
            show.close()
        self.fabric.barrier()
        if self.stop and self.stop != _OUT_OF_TIME:
            if main:
                print(f"stopped; run again with {self.run_dir} to go on", file=sys.stderr, flush=True)
            raise SystemExit(128 + self.stop)
        return self.run_dir / CHECKPOINT

    def _resume(self) -> tuple[int, int, dict[str, Any] | None]:
        path = self.run_dir / CHECKPOINT
        if not path.exists():
            if self.fabric.is_global_zero:
                rewind_log(self.run_dir, 0, 0)
            self.fabric.barrier()
            self._save(0, 0)  # what was fitted to the data outlasts a kill too
            return 0, 0, None
        state = load_checkpoint(self.run_dir, self.fabric.device)
        check_fingerprint(path, state["fingerprint"], self.fingerprint)
        for name, tensor in state["codec"].items():
            if name not in self.codec_state or not torch.equal(tensor.cpu(), self.codec_state[name].cpu()):
                raise TrainingError(f"{path}: the data's codec differs in {name!r}; resume with the same data")
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise TrainingError(f"{path}: another network's ({str(error).splitlines()[0]}); train anew") from None
        self.averages = state["averages"]
        if self.fabric.is_global_zero:
            rewind_log(self.run_dir, state["phase"], state["step"])
        self.fabric.barrier()
        return state["phase"], state["step"], state

    def _begin(self, phase: Phase, step: int, saved: Mapping[str, Any] | None) -> None:
        """Optimisers and averages of a phase, fresh or as saved."""
        if step == 0 and phase.start is not None:
            phase.start(self.model)
        self.model.train()
        self.optimisers, self.parameters = {}, {}
        for name, settings in phase.optimisers.items():
            try:
                module = self.model.get_submodule(name)
            except AttributeError:
                known = ", ".join(child for child, _ in self.model.named_children())
                raise TrainingError(f"optimisers: the model has no submodule {name!r}; expected {known}") from None
            self.parameters[name] = [p for p in module.parameters() if p.requires_grad]
            try:
                fused = self.fabric.device.type in ("cpu", "cuda")
                self.optimisers[name] = optimiser_of(module, settings, fused=fused)
            except PluginError as error:
                raise TrainingError(f"optimisers: {name}: {error}") from None
        prefixes = tuple(f"{name}." for name in (*self.model.ships, *phase.optimisers))
        averaged = {name: p for name, p in self.model.named_parameters() if name.startswith(prefixes)}
        if step == 0 or saved is None:
            self.averages = {name: p.detach().clone() for name, p in averaged.items()}
            self.begun = {name: p.clone() for name, p in self.averages.items()} if phase.kept != 1.0 else {}
        else:
            self.begun = saved["begun"]
            for name, optimiser in self.optimisers.items():
                optimiser.load_state_dict(saved["optimisers"][name])
        self.averaged = [averaged[name] for name in self.averages]

    def _update(self, phase: Phase, batch: Batch, step: int) -> tuple[dict[str, Tensor], dict[str, float]]:
        """One batch through the phase's steps: one update for each loss that they yield."""
        losses: dict[str, Tensor] = {}
        norms: dict[str, float] = {}
        generator = iter(phase.steps(self.model, batch))
        while True:
            with self.fabric.autocast():
                item = next(generator, None)
            if item is None:
                break
            name, loss = item
            if name not in self.optimisers:
                raise TrainingError(f"steps: yielded {name!r}; the phase optimises {', '.join(self.optimisers)}")
            losses[name], norms[name] = self._optimise(name, phase, loss.mean(), step)
        self._average(phase, step)
        if self.fabric.world_size == 1:
            self.stop = self.asked
        return losses, norms

    def _average(self, phase: Phase, step: int) -> None:
        with torch.no_grad():
            decay = min(phase.average, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(self.averages.values()), [p.detach() for p in self.averaged], 1.0 - decay)  # pyright: ignore[reportPrivateImportUsage]

    def _private_update(self, phase: Phase, batch: Batch, step: int) -> tuple[dict[str, Tensor], dict[str, float]]:
        """One private update; what it gives back to be logged are norms with their noise."""
        del batch  # drawn by a seed that is kept
        assert self.private is not None
        (name,) = phase.optimisers
        norm = self.private.set_gradients(self.model, self.parameters[name], self.pools[0], step)
        self.optimisers[name].step(learning_rate(phase.optimisers[name], step, phase.updates))
        self._average(phase, step)
        self.stop = self.asked
        return {name: norm}, {name: float(norm)}

    def _optimise(self, name: str, phase: Phase, loss: Tensor, step: int) -> tuple[Tensor, float]:
        settings, optimiser, parameters = phase.optimisers[name], self.optimisers[name], self.parameters[name]
        self.fabric.backward(loss, inputs=parameters)
        loss = loss.detach()
        if self.fabric.world_size > 1:
            loss = self._share_gradients(parameters, loss)
        gradients = [p.grad for p in parameters if p.grad is not None]
        norms = torch._foreach_norm(gradients)  # pyright: ignore[reportPrivateImportUsage]
        norm = float(torch.linalg.vector_norm(torch.stack(norms)))
        if math.isfinite(norm):
            self.bad = 0
            if norm > settings.clip > 0:
                torch._foreach_mul_(gradients, settings.clip / norm)  # pyright: ignore[reportPrivateImportUsage]
            optimiser.step(learning_rate(settings, step, phase.updates))
        else:
            self.bad += 1
            if self.bad >= _BAD_UPDATES:
                raise TrainingError(f"{name}: {self.bad} gradients in a row are not finite; lower the learning rate")
        for parameter in parameters:
            parameter.grad = None
        return loss, norm

    def _share_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Average the gradients over ranks in one flat all-reduce; the loss and a wish to stop travel along."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        sizes = [p.numel() for p in parameters]
        tail = torch.stack((loss, loss.new_tensor(float(self.asked)))).to(parameters[0].dtype)
        flat = torch.cat([p.grad.flatten() for p in parameters] + [tail])  # type: ignore[union-attr]
        flat = self.fabric.all_reduce(flat, reduce_op="mean")
        assert isinstance(flat, Tensor)
        *parts, tail = flat.split([*sizes, 2])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)
        if float(tail[1]) > 0:
            late = float(tail[1]) * self.fabric.world_size >= _OUT_OF_TIME
            self.stop = _OUT_OF_TIME if late else signal.SIGTERM
        return tail[0]

    def _end(self, phase: Phase) -> None:
        """Trained submodules go on from their averages, so that a student learns from an averaged teacher."""
        with torch.no_grad():
            for name, before in self.begun.items():
                self.averages[name].copy_(before.lerp(self.averages[name], phase.kept))
            for parameter, average in zip(self.averaged, self.averages.values(), strict=True):
                parameter.copy_(average)

    def _record(
        self, phase: Phase, number: int, batch: Batch, losses: Mapping[str, Tensor], norms: Mapping[str, float]
    ) -> None:
        step = batch.step
        values = {name: float(loss) for name, loss in losses.items()}
        rates = {name: learning_rate(phase.optimisers[name], step, phase.updates) for name in losses}
        record = {"phase": number, "step": step, "losses": values, "gradient_norms": norms, "learning_rates": rates}
        notes = {name: float(value) for name, value in batch.notes.items()}
        self.log.write({**record, **({"notes": notes} if notes else {}), "time": round(time.time(), 3)})
        warnings = self.watch.losses(values)
        if "separation" in notes:
            warnings += self.watch.separation(notes["separation"])
        if "distinct" in notes:
            warnings += self.watch.diversity(notes["distinct"])
        for warning in warnings:
            self._warn(number, step, warning)

    def _record_diversity(self, number: int, step: int) -> None:
        """Spread of a batch of samples in units of the data's, where one pool's conditions can be sampled.

        Logged are the spread over all conditions, and that between two draws at each condition.
        """
        pool = self.pools[0]
        if len(self.pools) > 1 or not any(tensor.is_floating_point() for tensor in pool.outputs.values()):
            return
        largest = max(tensor[:1].numel() for tensor in pool.outputs.values())
        n = min(256, len(pool), max(_PROBED // largest, _LEAST_PROBED))
        conditions = {name: tensor[:n] for name, tensor in pool.conditions.items()}
        identities = torch.arange(n, device=self.fabric.device)
        self.model.eval()
        with torch.no_grad():
            first, second = (
                self.model.sample(conditions, Noise(fold(self.seed, draw), identities))
                for draw in ("diversity", "second draw")
            )
        self.model.train()
        names = [name for name in first if name in pool.outputs and first[name].is_floating_point()]
        if not names:
            return
        scale = {name: pool.outputs[name][:n].double().std(0).mean().clamp_min(1e-12) for name in names}
        whole = sum(float(first[name].double().std(0).mean() / scale[name]) for name in names) / len(names)
        apart = [(first[name].double() - second[name].double()).square().mean(0).div(2.0).sqrt() for name in names]
        within = max(float(part.mean() / scale[name]) for part, name in zip(apart, names, strict=True))
        self.log.write({"phase": number, "step": step, "diversity": whole, "diversity_at_a_condition": within})
        for warning in self.watch.diversity(whole, within):
            self._warn(number, step, warning)

    def _warn(self, number: int, step: int, text: str) -> None:
        self.log.write({"phase": number, "step": step, "warning": text})
        self.show.warn(f"phase {number + 1}, update {step}: {text}")

    def _save(self, number: int, step: int) -> None:
        if not self.fabric.is_global_zero:
            return
        save_checkpoint(
            self.run_dir,
            {
                "phase": number,
                "step": step,
                "fingerprint": self.fingerprint,
                "ships": list(self.model.ships),
                "model": self.model.state_dict(),
                "averages": self.averages,
                "begun": self.begun,
                "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
                "codec": self.codec_state,
            },
        )
        if self.private is not None:
            self.private.settle(step or self.private.updates)

    def _draw(self, figure: Callable[[Any, Any], Any] | None, number: int, step: int) -> None:
        """Loss plot and sample figure; what fails here is a warning, for the training goes on."""
        if not self.fabric.is_global_zero:
            return
        try:
            plot_losses(self.run_dir)
            if figure is not None:
                with self._averaged_weights(), torch.no_grad():
                    drawn = figure(self.model, self.codec)
                drawn.savefig(self.run_dir / f"samples-{number + 1}-{step:06d}.png", dpi=110)
        except Exception as error:
            self._warn(number, step, f"figure: {type(error).__name__}: {error}")

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        own = [p.detach().clone() for p in self.averaged]
        self.model.eval()
        with torch.no_grad():
            for parameter, average in zip(self.averaged, self.averages.values(), strict=True):
                parameter.copy_(average)
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(self.averaged, own, strict=True):
                    parameter.copy_(value)
            self.model.train()


@contextmanager
def _stop_signals(run: Run) -> Iterator[None]:
    """On SIGTERM, SIGUSR1 or Ctrl-C finish the update, checkpoint and leave."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        run.asked = number

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
