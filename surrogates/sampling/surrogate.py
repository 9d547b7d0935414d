"""Surrogate: a plugin with trained weights, called as the simulator that it stands in for."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..contract.errors import SchemaError, SurrogatesError, WeightsError
from ..contract.recipe import sampler_options
from ..contract.schema import Schema, Variable, gathered, nearest
from ..noise import Noise
from ..provenance import CONVENTIONS, package_version, versions
from ..registry import entry, plugins, portable, resolve
from ..release.made import weights_of
from ..release.weights import load_release, save_release
from .batches import Way, condition_dtype, interleaved, packed, torch_threads
from .reference import ReferenceSimulator, remarked
from .request import Request, ask, check_block, check_limits, check_seed, completed, outside
from .reweighting import Reweighting, changed, checked

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..contract.recipe import Codec, Model, Tensors
    from ..release.cards import Card

__all__ = ["SOURCE", "Surrogate", "save_release"]

SOURCE = Variable(
    "source", "where the sample comes from", dtype="int8", categories=("surrogate", "reference", "extrapolated")
)
BATCHES_A_BLOCK = 8


@dataclass(frozen=True, eq=False, repr=False)
class Surrogate:
    """A trained stand-in for a simulator; open one with `surrogates.load`.

    Attributes
    ----------
    plugin : Plugin
        As the card describes it, with what training found.
    model, codec : nn.Module
    card : Card
    path : Path
        The safetensors file.
    device : str
    threads : int, optional
        Torch threads while sampling.
    extrapolate : bool
        Whether conditions outside the trained range are allowed, and marked.
    fallback : ReferenceSimulator, optional
        Simulates exactly the samples outside the trained range, and they are marked.
    reweighting : Reweighting, optional
        Weighs samples, or chooses among candidates, by a learned likelihood ratio.
    """

    plugin: Plugin
    model: Model
    codec: Codec
    card: Card
    path: Path
    device: str = "cpu"
    threads: int | None = 1
    extrapolate: bool = False
    fallback: ReferenceSimulator | None = None
    reweighting: Reweighting | None = None

    @classmethod
    def open(
        cls,
        plugin: Plugin,
        *,
        model: str | None = None,
        weights: Path | None = None,
        folder: Path | None = None,
        device: str = "cpu",
        threads: int | None = 1,
        extrapolate: bool = False,
        fallback: str | None = None,
    ) -> Surrogate:
        """Load the weights of `plugin`; see `surrogates.load`.

        Parameters
        ----------
        folder : Path, optional
            Released weights of the plugin, ``<recipe>.safetensors`` each.
        """
        if weights is not None and weights.is_dir():
            weights = weights_of(plugin, weights)
        recipe = next(iter(plugin.recipes)) if model is None else model
        if recipe not in plugin.recipes:
            known = ", ".join(plugin.recipes)
            raise WeightsError(
                f"model: {recipe!r} is no recipe of {plugin.name}; expected {known}{nearest(recipe, plugin.recipes)}"
            )
        if fallback not in (None, "reference"):
            raise SchemaError(f"fallback: {fallback!r} is unknown; expected 'reference' or None")
        if fallback is not None and extrapolate:
            raise SchemaError(
                "fallback: 'reference' given with extrapolate=True; choose one for samples outside the trained range"
            )
        if threads is not None and threads < 1:
            raise SchemaError(f"threads: {threads!r} is not a number of threads; expected 1 or more")
        path = weights if weights is not None else _released(plugin, recipe, folder)
        try:
            device = str(torch.empty(0, device=device).device)
        except (RuntimeError, AssertionError) as error:
            raise SurrogatesError(
                f"device: {device!r} is not usable ({str(error).splitlines()[0]}); expected cpu or cuda"
            ) from None
        built, codec, card = load_release(plugin, path, device=device)
        if model is not None and card.recipe != model:
            raise WeightsError(f"{path}: weights of recipe {card.recipe!r}; expected {model!r}")
        reference = ReferenceSimulator.open(card.described(plugin)) if fallback is not None else None
        return cls(
            card.described(plugin), built, codec, card, Path(path), device, threads, bool(extrapolate), reference
        )

    @cached_property
    def conditions(self) -> Schema:
        """What may be asked: the declared conditions, narrowed to what the weights were trained on."""
        return self.plugin.conditions.narrowed(self.card.trained_range)

    @property
    def outputs(self) -> Schema:
        """What comes back."""
        return self.plugin.outputs

    @property
    def batch(self) -> int:
        """Samples computed at a time; sample i always runs in slot ``i % batch``."""
        return self.plugin.recipes[self.card.recipe].sample_batch

    @property
    def options(self) -> dict[str, Any]:
        """The sampler options in force, by name; empty where the model has none."""
        return sampler_options(self.model)

    def using(self, **options: Any) -> Surrogate:
        """A surrogate with other sampler options, e.g. ``using(steps=20)``; they are written to the attributes.

        Parameters
        ----------
        **options
            The model's own; and where `surrogates train NAME --reweight` fitted a likelihood ratio of the reference to
            these weights, ``reweight=True`` gives every sample a `weight` (clipped, of mean 1), and ``candidates=4``
            chooses each sample from four by their weights, at four times the cost.

        Raises
        ------
        SchemaError
            The model has no such option, or not with this value.
        WeightsError
            No likelihood ratio was fitted to these weights.
        """
        reweighting = changed(self.reweighting, self.plugin, self.path, self.card.sha256, options)
        known = list(self.options)
        for name in options:
            if name not in known:
                raise SchemaError(
                    f"{name}: no sampler option of {self.plugin.name}/{self.card.recipe}; "
                    f"expected {', '.join(known) or 'none'}{nearest(name, known)}"
                )
        model: Any = copy.copy(self.model)
        if options:
            try:
                model.options = dataclasses.replace(model.options, **options)
            except (TypeError, ValueError) as error:
                raise SchemaError(f"{self.plugin.name}/{self.card.recipe}: {error}") from error
        return checked(dataclasses.replace(self, model=model, reweighting=reweighting))

    def sample(self, n_or_conditions: int | xr.Dataset, *, seed: int, first: int = 0, **conditions: Any) -> xr.Dataset:
        """Draw samples.

        Parameters
        ----------
        n_or_conditions : int or xarray.Dataset
            Number of samples, or one row of conditions a sample, whose `sample` coordinate identifies it.
        seed : int
            Equal (seed, identity, conditions) give equal bits at equal batch size, device, torch build and
            instruction set, whatever else is asked beside.
        first : int
            Identity of the first of n samples.
        **conditions
            By name: numbers in schema units, text with units, astropy Quantities, labels, or arrays of length n.

        Returns
        -------
        xarray.Dataset
            Conditions and outputs along `sample`; `source` too where extrapolation or a fallback is allowed.

        Raises
        ------
        SchemaError
            Names the variable, its value and what was expected.
        """
        request = self._ask(n_or_conditions, conditions, first)
        return remarked(self.plugin, self._run(request.whole(), check_seed(seed)))

    def stream(
        self,
        n_or_conditions: int | xr.Dataset,
        *,
        seed: int,
        block: int | None = None,
        first: int = 0,
        **conditions: Any,
    ) -> Iterator[xr.Dataset]:
        """Draw samples in blocks at constant memory; their concatenation is what `sample` returns.

        Parameters
        ----------
        block : int, optional
            Samples at a time; some batches by default.
        n_or_conditions, seed, first, **conditions
            As for `sample`.
        """
        request = self._ask(n_or_conditions, conditions, first)
        size, seed = check_block(BATCHES_A_BLOCK * self.batch if block is None else block), check_seed(seed)
        return (self._run(rows, seed) for rows in request.blocks(size))

    def _ask(self, n_or_conditions: Any, conditions: dict[str, Any], first: int) -> Request:
        request = ask(self.conditions, n_or_conditions, conditions, first=first, outputs=self.outputs)
        request.refuse(
            [name for name in self.card.unseen if name in self.conditions],
            f"no training sample of {self.plugin.name}/{self.card.recipe} had it; leave it out or take other weights",
        )
        strict = self.fallback is None and not self.extrapolate
        if not strict:
            request.check(bounded=False)
            return request
        try:
            request.check()
        except SchemaError as error:
            raise error.reworded(f"{error}{self._way_out(request)}") from None
        return request

    def _way_out(self, request: Request) -> str:
        """What would allow values that only the trained range refuses: the reference reaches as far as its own."""

        def within(schema: Schema) -> bool:
            try:
                dataclasses.replace(request, schema=schema).check()
            except SchemaError:
                return False
            return True

        try:
            simulated = self.plugin.reference().conditions if self.plugin.reference is not None else None
        except ImportError:
            simulated = self.plugin.conditions
        ways = [] if simulated is None or not within(simulated) else ["fallback='reference'"]
        ways += ["extrapolate=True"] if ways or within(self.plugin.conditions) else []
        return f", where the weights were trained; load with {' or '.join(ways)} to go beyond" if ways else ""

    def _run(self, conditions: xr.Dataset, seed: int) -> xr.Dataset:
        conditions = completed(self.plugin, self.conditions, conditions, seed)
        check_limits(self.plugin.limits, conditions)
        held = conditions.variables  # quicker than as DataArrays
        asked = {name: np.asarray(held[name].values) for name in self.conditions.names}
        samples = np.asarray(held["sample"].values, dtype=np.int64)
        beyond = self.fallback is not None or self.extrapolate
        far = outside(self.conditions, conditions) if beyond else np.zeros(len(samples), dtype=bool)
        if self.reweighting is None:
            return self._drawn(conditions, asked, samples, far, seed)
        exact = far if self.fallback is not None else np.zeros_like(far)
        return self.reweighting.applied(
            lambda own: self._drawn(conditions, asked, samples, far, own), seed, exact
        ).assign_attrs(seed=seed)

    def _drawn(
        self, conditions: xr.Dataset, asked: dict[str, np.ndarray], samples: np.ndarray, far: np.ndarray, seed: int
    ) -> xr.Dataset:
        """Conditions and outputs of every row; rows that are `far` come from the fallback where there is one."""
        held, beyond = conditions.variables, self.fallback is not None or self.extrapolate
        lengths = self.outputs.lengths(conditions)
        if self.fallback is not None and far.any():
            own = {name: array[~far] for name, array in asked.items()}
            arrays, residuals = self._generate(own, samples[~far], lengths, seed)
            simulated = self.fallback.sample(conditions.isel(sample=np.flatnonzero(far)), seed=seed)
            arrays = {name: interleaved(array, simulated[name].values, far) for name, array in arrays.items()}
        else:
            arrays, residuals = self._generate(asked, samples, lengths, seed)
        data = {name: held[name] for name in self.conditions.names} | self.outputs.labelled(arrays)
        if beyond:
            code = SOURCE.categories.index("reference" if self.fallback is not None else "extrapolated")  # type: ignore[union-attr]
            data |= Schema((SOURCE,)).labelled({SOURCE.name: np.where(far, code, 0)})
        places = self.plugin.conditions.coordinates() | self.plugin.outputs.coordinates()
        return gathered(data, samples, {**self._attrs(seed), **residuals}, places)

    def _generate(
        self,
        conditions: Mapping[str, np.ndarray],
        samples: np.ndarray,
        lengths: Mapping[str, int],
        seed: int,
        way: Way | None = None,
    ) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Output arrays of every row, and the largest residual of each constraint; `way` mixes samples."""
        physical = {
            name: torch.tensor(array, dtype=condition_dtype(self.conditions[name]))
            for name, array in conditions.items()
        }
        identities = torch.tensor(samples)
        arrays = {
            variable.name: np.empty((len(samples), *(lengths[name] for name in variable.dims)), dtype=variable.dtype)
            for variable in self.outputs
        }
        residuals = {f"residual_{constraint.name}": 0.0 for constraint in self.plugin.constraints}
        with torch.no_grad(), torch_threads(self.threads):
            for rows, slots, targets in packed(samples, self.batch, self.plugin.recipes[self.card.recipe].sample_part):
                asked = {name: tensor[rows].to(self.device) for name, tensor in physical.items()}
                given, noise = self.codec.encode(asked), Noise(seed, identities[rows].to(self.device))
                if way is not None:
                    given, noise = way(given, rows)
                encoded = self.model.sample(given, noise)
                outputs = self.codec.decode(encoded, asked)
                for constraint in self.plugin.constraints:
                    worst = float(constraint.residual(outputs, asked)[slots].abs().max())
                    name = f"residual_{constraint.name}"
                    residuals[name] = float(np.maximum(residuals[name], worst))
                self._store(outputs, arrays, slots, targets)
        return arrays, residuals

    def _store(self, outputs: Tensors, arrays: dict[str, np.ndarray], slots: Any, targets: Any) -> None:
        for name, array in arrays.items():
            if name not in outputs or outputs[name].shape[1:] != array.shape[1:]:
                found = tuple(outputs[name].shape[1:]) if name in outputs else "nothing"
                raise SurrogatesError(
                    f"{name}: {self.plugin.name}'s codec decodes {found}; its schema says {array.shape[1:]} a sample"
                )
            array[targets] = outputs[name][slots].cpu().numpy()

    def _attrs(self, seed: int) -> dict[str, Any]:
        name = f"{self.plugin.name}/{self.card.recipe}"
        return {
            "Conventions": CONVENTIONS,
            "plugin": self.plugin.name,
            "recipe": self.card.recipe,
            "weights_sha256": self.card.sha256,
            "batch_size": self.batch,
            "seed": seed,
            **versions(self.plugin),
            "torch_build": str(torch.__version__),
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
            "device": self.device,
            "threads": self.threads or torch.get_num_threads(),
            **{f"sampler_{key}": _attribute(value) for key, value in self.options.items()},
            "history": f"surrogates {package_version('surrogates')}: {name} sampled, seed {seed}",
        }

    def __repr__(self) -> str:
        given = [repr(self.plugin.name), f"model={self.card.recipe!r}"]
        given += (
            [f"weights={str(self.path)!r}"] if self.path != _released_or_none(self.plugin, self.card.recipe) else []
        )
        given += [f"device={self.device!r}"] if self.device != "cpu" else []
        given += [f"threads={self.threads}"] if self.threads != 1 else []
        given += ["extrapolate=True"] if self.extrapolate else []
        given += ["fallback='reference'"] if self.fallback is not None else []
        return f"surrogates.load({', '.join(given)})"

    def __reduce__(self) -> tuple[Any, ...]:
        fallback = "reference" if self.fallback is not None else None
        opened = (
            portable(self.plugin, self.card),
            self.card.recipe,
            None if self.path == _released_or_none(self.plugin, self.card.recipe) else self.path.absolute(),
            self.device,
            self.threads,
            self.extrapolate,
            fallback,
        )
        weighed = {} if self.reweighting is None else {"reweight": True, "candidates": self.reweighting.candidates}
        return _reopen, (*opened, {**self.options, **weighed})


def _reopen(
    plugin: Any,
    model: str,
    weights: Path | None,
    device: str,
    threads: int | None,
    extrapolate: bool,
    fallback: str | None,
    options: Any,
) -> Surrogate:
    opened = Surrogate.open(
        resolve(plugin),
        model=model,
        weights=weights,
        device=device,
        threads=threads,
        extrapolate=extrapolate,
        fallback=fallback,
    )
    return opened.using(**options)


def _released(plugin: Plugin, recipe: str, folder: Path | None) -> Path:
    if folder is None:
        folder = entry(plugin.name).weights
    path = folder / f"{recipe}.safetensors"
    if not path.with_suffix(".json").is_file():
        there = ", ".join(sorted(found.stem for found in folder.glob("*.json"))) or "none"
        raise WeightsError(
            f"model: no released weights of {plugin.name}/{recipe} (released: {there}); "
            f"train them with `surrogates train {plugin.name} --model {recipe}` or give weights=…"
        )
    return path


def _released_or_none(plugin: Plugin, recipe: str) -> Path | None:
    found = {item.name: item for item in plugins()}.get(plugin.name)
    return found.weights / f"{recipe}.safetensors" if found is not None else None


def _attribute(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value if isinstance(value, (int, float, str)) else str(value)
