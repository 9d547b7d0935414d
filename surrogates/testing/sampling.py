"""Checks of released weights: schema, laws, equal bits for any split, order and process, marks, card and files."""

from __future__ import annotations

import dataclasses
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SchemaError, WeightsError
from ..release.cards import count_parameters, file_sha256, verify, weights_file
from ..sampling.parallel import joined
from ..sampling.request import outside
from .declaration import follows_schema, narrowed
from .subject import Skipped, Subject, differing

if TYPE_CHECKING:
    import xarray as xr

FEW = 8
"""Rows that are drawn again where any difference shows in a few."""


def check_samples_follow_schema(subject: Subject, recipe: str) -> None:
    """Samples have the truth's variables, shapes, types, units and bounds, and say where they come from."""
    samples = subject.sampled(recipe)
    follows_schema(samples, _as_trained(subject, recipe))
    told = {
        "plugin": subject.plugin.name,
        "recipe": recipe,
        "seed": subject.seed,
        "weights_sha256": subject.surrogate(recipe).card.sha256,
    }
    for name, expected in told.items():
        assert samples.attrs.get(name) == expected, (
            f"attribute {name} is {samples.attrs.get(name)!r}; expected {expected!r}"
        )


def check_laws_hold_on_samples(subject: Subject, recipe: str) -> None:
    """A law kept by construction or projection holds on every sample to its tolerance."""
    if not subject.plugin.constraints:
        raise Skipped("the plugin declares no laws")
    attrs = subject.sampled(recipe).attrs
    for constraint in subject.plugin.constraints:
        worst = attrs[f"residual_{constraint.name}"]
        assert np.isfinite(worst), f"{constraint.name}: residual {worst} on samples"
        if constraint.strength in ("construction", "projection"):
            assert worst <= constraint.tolerance, (
                f"{constraint.name}: {worst:.3g} on samples; its tolerance is {constraint.tolerance:g}"
            )


def check_samples_are_deterministic(subject: Subject, recipe: str) -> None:
    """Equal seeds give equal bits; another seed gives other samples of a stochastic plugin."""
    surrogate, asked = subject.surrogate(recipe), _few(subject, recipe)
    first = subject.sampled(recipe).isel(sample=slice(0, asked.sizes["sample"]))
    found = differing(first, surrogate.sample(asked, seed=subject.seed))
    assert not found, f"samples differ for equal seeds: {found}"
    if subject.plugin.stochastic:
        assert differing(first, surrogate.sample(asked, seed=subject.seed + 1)), "samples are the same for another seed"


def check_conditions_matter(subject: Subject, recipe: str) -> None:
    """Other conditions give other outputs at the same seed and identities."""
    surrogate, asked = subject.surrogate(recipe), _few(subject, recipe)
    n = asked.sizes["sample"]
    other = subject.asked(recipe, n, subject.seed + 1)
    if not differing(asked, other):
        raise Skipped("the plugin's conditions never vary")
    names = list(subject.plugin.outputs.names)
    drawn = subject.sampled(recipe)[names].isel(sample=slice(0, n))
    found = differing(drawn, surrogate.sample(other, seed=subject.seed)[names])
    assert found, "outputs do not depend on the conditions"


def check_split_gives_equal_bits(subject: Subject, recipe: str) -> None:
    """Samples asked in uneven pieces equal those asked at once."""
    whole, surrogate = subject.sampled(recipe), subject.surrogate(recipe)
    cuts = sorted({0, subject.samples // 7, subject.samples // 2 + 1, subject.samples})
    for start, stop in zip(cuts[:-1], cuts[1:], strict=True):
        _equal_rows(subject, surrogate, whole, np.arange(start, stop), f"rows {start} to {stop}")


def check_shuffle_gives_equal_bits(subject: Subject, recipe: str) -> None:
    """Samples asked in another order are the same samples."""
    order = np.random.default_rng(subject.seed).permutation(subject.samples)[: -(-subject.samples // 2)]
    _equal_rows(subject, subject.surrogate(recipe), subject.sampled(recipe), order, "shuffled rows")


def check_subset_gives_equal_bits(subject: Subject, recipe: str) -> None:
    """Scattered samples, and one alone, equal their like among all."""
    generator = np.random.default_rng(subject.seed)
    whole, surrogate = subject.sampled(recipe), subject.surrogate(recipe)
    scattered = generator.choice(subject.samples, subject.samples // 10, replace=False)
    _equal_rows(subject, surrogate, whole, scattered, "scattered rows")
    _equal_rows(subject, surrogate, whole, np.array([subject.samples - 1]), "the last row alone")


def check_stream_equals_sample(subject: Subject, recipe: str) -> None:
    """The blocks of a stream, put together, are the sample."""
    surrogate, asked = subject.surrogate(recipe), _start(subject, recipe, -(-min(subject.samples, 1500) // 2))
    n = asked.sizes["sample"]
    block = max(1, n // 2)
    blocks = list(surrogate.stream(asked, seed=subject.seed, block=block))
    assert len(blocks) == -(-n // block), f"stream gives {len(blocks)} blocks"
    whole = subject.sampled(recipe).isel(sample=slice(0, n))
    found = differing(joined(blocks), whole)
    assert not found, f"stream and sample differ: {found}"


def check_empty_sample(subject: Subject, recipe: str) -> None:
    """No samples give a valid empty Dataset."""
    empty = subject.surrogate(recipe).sample(_start(subject, recipe, 0), seed=subject.seed)
    assert empty.sizes["sample"] == 0, f"{empty.sizes['sample']} samples; none were asked"
    follows_schema(empty, _as_trained(subject, recipe))


def check_spawned_process_gives_equal_bits(subject: Subject, recipe: str) -> None:
    """A surrogate travels to a new process, which knows no plugin yet, and computes the same samples there."""
    surrogate, asked = subject.surrogate(recipe), _few(subject, recipe)
    with ProcessPoolExecutor(1, mp_context=_new_processes()) as pool:
        there = pool.submit(_sample_there, surrogate, asked, subject.seed).result()
    found = differing(subject.sampled(recipe).isel(sample=slice(0, asked.sizes["sample"])), there)
    assert not found, f"a new process differs: {found}"


def _new_processes() -> Any:
    """A context whose processes begin without any plugin: forked from one that has imported torch alone where that is
    possible, which takes a fraction of a second each, or spawned."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "surrogates.sampling.surrogate"])
    return context


def check_out_of_range_is_refused(subject: Subject, recipe: str) -> None:
    """Beyond the trained range is an error that names the variable, its value and the range."""
    surrogate, asked = _half_trained(subject, recipe)
    if not outside(surrogate.conditions, asked).any():
        raise Skipped("no condition has bounds to leave")
    for variable in surrogate.conditions:
        far = variable.outside(asked[variable.name].values)
        if not far.any():
            continue
        row = asked.isel(sample=np.nonzero(far)[0][:1])  # of a field, the first row with a cell beyond
        try:
            surrogate.sample(row, seed=subject.seed)
        except SchemaError as error:
            assert "\n" not in str(error), f"the error has several lines: {error}"
            assert any(v.name in str(error) for v in surrogate.conditions), f"the error names no variable: {error}"
        else:
            raise AssertionError(
                f"{variable.name}: {row[variable.name].values[0]} is outside the trained range and not refused"
            )


def check_extrapolation_is_marked(subject: Subject, recipe: str) -> None:
    """extrapolate=True marks exactly the samples outside the trained range, and changes no other."""
    surrogate, asked = _half_trained(subject, recipe)
    _marks(subject, dataclasses.replace(surrogate, extrapolate=True), asked, subject.sampled(recipe), "extrapolated")


def check_fallback_is_routed_and_marked(subject: Subject, recipe: str) -> None:
    """fallback="reference" simulates exactly the samples outside the trained range, and marks them."""
    if subject.reference is None:
        raise Skipped(subject.without_reference)
    surrogate, asked = _half_trained(subject, recipe)
    routed = dataclasses.replace(surrogate, fallback=subject.reference)
    simulated = subject.reference.sample(asked, seed=subject.seed)
    _marks(subject, routed, asked, simulated, "reference")


def check_unseen_conditions_are_refused(subject: Subject, recipe: str) -> None:
    """What no training sample had is refused with its name, beyond the trained range too."""
    surrogate = subject.surrogate(recipe)
    unseen = [name for name in surrogate.card.unseen if name in surrogate.conditions]
    if not unseen:
        raise Skipped("training saw every condition")
    for name in unseen:
        middle: Any = sum(surrogate.conditions[name].bounds or (0.0, 0.0)) / 2.0
        for opened in (surrogate, dataclasses.replace(surrogate, extrapolate=True)):
            try:
                opened.sample(2, seed=subject.seed, **{name: middle})
            except SchemaError as error:
                assert str(error).startswith(f"{name}:"), f"the error does not lead with {name!r}: {error}"
            else:
                raise AssertionError(f"{name}: no training sample had it, and it is not refused")


def check_card_recomputed(subject: Subject, recipe: str) -> None:
    """A recount of parameters, bytes and SHA-256 gives the card's numbers, and its range is inside the declared one."""
    path = _card(subject, recipe)
    card, weights = verify(path), weights_file(path)
    recounted = {
        "bytes": weights.stat().st_size,
        "sha256": file_sha256(weights),
        "parameters": count_parameters(weights),
    }
    assert subject.plugin.name in card.plugins, f"{path.name}: made for {', '.join(card.plugins)}"
    recounted |= {"recipe": recipe}
    for name, value in recounted.items():
        assert getattr(card, name) == value, (
            f"{path.name}: {name} is {getattr(card, name)!r}; a recount gives {value!r}"
        )
    for name, (low, high) in card.trained_range.items():
        asked = card.described(subject.plugin).conditions
        declared = asked[name].bounds if name in asked else None
        inside = declared is None or (declared[0] <= low <= high <= declared[1])
        assert inside, (
            f"{path.name}: trained range of {name}, {low:g} to {high:g}, is not inside the declared {declared}"
        )
    for finding in card.findings:
        if finding.name.split("/")[0] in set(card.plugins) - {subject.plugin.name}:
            continue  # of the other plugin on the same weights
        known = any(f"/{finding.name}".endswith(f"/{target}") for target in subject.plugin.targets)
        assert known or finding.passed is None, f"{path.name}: {finding.name} has no target"


def check_altered_weights_are_refused(subject: Subject, recipe: str) -> None:
    """One changed byte in the weights is an error of one line."""
    from ..release.weights import load_release

    with TemporaryDirectory() as folder:
        card = Path(shutil.copy(_card(subject, recipe), folder))
        weights = Path(shutil.copy(weights_file(_card(subject, recipe)), folder))
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        try:
            load_release(subject.plugin, weights_file(card))
        except WeightsError as error:
            assert "sha256" in str(error) and "\n" not in str(error), f"unclear error: {error}"
        else:
            raise AssertionError(f"{weights.name}: altered weights were loaded")


def check_reference_keeps_the_call(subject: Subject) -> None:
    """The reference takes the surrogate's call, and a row of it depends on (seed, identity) alone."""
    if subject.reference is None:
        raise Skipped(subject.without_reference)
    asked = subject.plugin.prior(subject.plugin.conditions, 12, subject.seed)
    whole = subject.reference.sample(asked, seed=subject.seed)
    follows_schema(whole, subject)
    order = np.random.default_rng(subject.seed).permutation(12)[:7]
    part = subject.reference.sample(asked.isel(sample=order), seed=subject.seed)
    found = differing(whole.isel(sample=order), part)
    assert not found, f"a row of the reference depends on the rows beside it: {found}"
    assert subject.reference.sample(asked.isel(sample=slice(0, 0)), seed=subject.seed).sizes["sample"] == 0


def _as_trained(subject: Subject, recipe: str) -> Subject:
    """The subject with the schemas that the recipe's training data gave, which its card holds."""
    return dataclasses.replace(subject, plugin=subject.surrogate(recipe).plugin)


def _start(subject: Subject, recipe: str, n: int) -> xr.Dataset:
    return subject.asked(recipe, subject.samples).isel(sample=slice(0, n))


def _few(subject: Subject, recipe: str) -> xr.Dataset:
    """As many rows as show any difference, and no more than half of what is sampled."""
    return _start(subject, recipe, min(FEW, -(-subject.samples // 2)))


def _equal_rows(subject: Subject, surrogate: Any, whole: xr.Dataset, index: np.ndarray, what: str) -> None:
    asked = subject.asked(surrogate.card.recipe, subject.samples).isel(sample=index)
    found = differing(surrogate.sample(asked, seed=subject.seed), whole.isel(sample=index))
    assert not found, f"{what} differ from the same rows among all: {found}"


def _half_trained(subject: Subject, recipe: str) -> tuple[Any, xr.Dataset]:
    """The surrogate as if trained on the middle of its range, and conditions from all of it."""
    surrogate = subject.surrogate(recipe)
    middle = {v.name: v.bounds for v in narrowed(surrogate.conditions, 0.25, 0.75) if v.bounds and not v.categories}
    asked = _start(subject, recipe, min(24, subject.samples))
    return dataclasses.replace(surrogate, card=dataclasses.replace(surrogate.card, trained_range=middle)), asked


def _marks(subject: Subject, surrogate: Any, asked: xr.Dataset, elsewhere: xr.Dataset, label: str) -> None:
    far = outside(surrogate.conditions, asked)
    found = surrogate.sample(asked, seed=subject.seed)
    source = found["source"]
    code = str(source.attrs["flag_meanings"]).split().index(label)
    assert np.array_equal(source.values, np.where(far, code, 0)), (
        f"source marks {source.values}; outside the range are {far}"
    )
    own = subject.sampled(surrogate.card.recipe)
    names = list(subject.plugin.outputs.names)
    for rows, expected in ((~far, own), (far, elsewhere)):
        index = np.flatnonzero(rows)
        problem = differing(found[names].isel(sample=index), expected[names].isel(sample=index))
        assert not problem, f"{label}: {problem}"


def _card(subject: Subject, recipe: str) -> Path:
    assert subject.folder is not None
    return subject.folder / f"{recipe}.json"


def _sample_there(surrogate: Any, asked: xr.Dataset, seed: int) -> xr.Dataset:
    return surrogate.sample(asked, seed=seed)
