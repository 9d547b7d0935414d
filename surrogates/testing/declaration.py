"""Checks of what a plugin declares: schema, prior, truth, codec, laws, measures and figure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..contract.errors import SchemaError
from ..contract.schema import Schema, Variable
from ..sampling.request import check_limits, outside
from .subject import Skipped, Subject, differing, same_attribute, tensors


def check_schema_units(subject: Subject) -> None:
    """Every variable has a long name and units that astropy reads."""
    from astropy import units as u

    for variable in (*subject.plugin.conditions, *subject.plugin.outputs):
        assert variable.long_name.strip(), f"{variable.name}: no long_name; say in words what it is"
        try:
            u.Unit("" if variable.units == "1" else variable.units)
        except (ValueError, TypeError):
            raise AssertionError(
                f'{variable.name}: units {variable.units!r} are unknown; use "1" or a unit of astropy'
            ) from None


def check_schema_ranges(subject: Subject) -> None:
    """Bounds are ordered and finite, defaults lie within them, codes and counts are integers."""
    for schema in (subject.plugin.conditions, subject.plugin.outputs):
        for variable in schema:
            if variable.bounds is not None:
                low, high = variable.bounds
                assert math.isfinite(low) and math.isfinite(high) and low < high, (
                    f"{variable.name}: bounds {variable.bounds}"
                )
            if variable.categories is not None:
                assert np.dtype(variable.dtype).kind in "iu", (
                    f"{variable.name}: categories in {variable.dtype}; use integers"
                )
                assert len(set(variable.categories)) == len(variable.categories), f"{variable.name}: a category repeats"
                spaced = [label for label in variable.categories if not label or " " in label]
                assert not spaced, f"{variable.name}: category {spaced} has a space; CF flag_meanings are words"
            if variable.default is not None:
                variable.check(variable.convert(variable.default))
        for dimension in schema.dimensions:
            assert dimension.name != "sample", (
                "dimension 'sample' is the leading one of every variable; do not declare it"
            )
            if dimension.count is not None:
                assert dimension.count in schema, f"{dimension.name}: count {dimension.count!r} is no variable"
                assert np.dtype(schema[dimension.count].dtype).kind in "iu", f"{dimension.count}: a count is an integer"


def check_schema_survives_json(subject: Subject) -> None:
    """A schema is plain data."""
    import json

    for schema in (subject.plugin.conditions, subject.plugin.outputs):
        again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
        assert again == schema, "Schema.from_json(to_json()) differs"


def check_prior_is_inside_its_schema(subject: Subject) -> None:
    """The prior fills every condition, inside the bounds that it is given, the same for the same seed."""
    plugin = subject.plugin
    asked = plugin.prior(plugin.conditions, 500, subject.seed)
    assert set(asked.data_vars) == set(plugin.conditions.names), f"prior gives {sorted(map(str, asked.data_vars))}"
    assert asked.sizes["sample"] == 500, f"prior gives {asked.sizes['sample']} rows; 500 were asked"
    for variable in plugin.conditions:
        _in_range(variable, asked[variable.name].values)
    check_limits(plugin.limits, asked)
    narrow = narrowed(plugin.conditions, 0.25, 0.75)
    far = outside(narrow, plugin.prior(narrow, 500, subject.seed))
    assert not far.any(), (
        f"prior ignores the schema that it is given: {int(far.sum())} of 500 rows outside narrower bounds"
    )
    again = differing(asked, plugin.prior(plugin.conditions, 500, subject.seed))
    assert not again, f"prior differs for equal seeds: {again}"
    assert plugin.prior(plugin.conditions, 0, subject.seed).sizes["sample"] == 0, "prior of 0 samples is not empty"


def check_completion_keeps_what_was_asked(subject: Subject) -> None:
    """`complete` fills any subset of what is optional, leaves what was asked, and a row depends on itself alone."""
    plugin, n = subject.plugin, 60
    if plugin.complete is None:
        raise Skipped("the plugin completes no conditions")
    whole = plugin.prior(plugin.conditions, n, subject.seed)
    filled = [v.name for v in plugin.conditions if v.optional and not _missing(v, whole[v.name].values).any()]
    assert filled, "complete: the prior leaves every optional condition missing; fill what is physical"
    kept = np.random.default_rng(subject.seed).random((n, len(filled))) < 0.3
    asked = whole.copy(deep=True)
    for name, keep in zip(filled, kept.T, strict=True):
        asked[name][~keep] = plugin.conditions[name].missing
    full = plugin.complete(plugin.conditions, asked, subject.seed)
    for name, keep in zip(filled, kept.T, strict=True):
        values = full[name].values
        assert np.array_equal(values[keep], whole[name].values[keep]), f"complete changes {name} where it was asked"
        assert not _missing(plugin.conditions[name], values).any(), f"complete leaves {name} missing"
        assert values.dtype == whole[name].dtype, f"complete makes {name} {values.dtype}; expected {whole[name].dtype}"
    again = differing(full, plugin.complete(plugin.conditions, full, subject.seed + 1))
    assert not again, f"complete changes conditions that are complete: {again}"
    order = np.random.default_rng(subject.seed).permutation(n)[:17]
    alone = plugin.complete(plugin.conditions, asked.isel(sample=order), subject.seed)
    problem = differing(full.isel(sample=order), alone)
    assert not problem, f"complete: a row depends on the rows beside it: {problem}"


def _missing(variable: Variable, values: np.ndarray) -> np.ndarray:
    if variable.text:
        return np.asarray(~values.any(axis=-1))
    return values < 0 if variable.categories is not None else np.isnan(values)


def check_truth_follows_schema(subject: Subject) -> None:
    """Truth has the schema's variables, shapes, types, units and bounds, and zeros beyond each count."""
    assert subject.truth.sizes["sample"] == subject.truth_samples, f"truth gives {subject.truth.sizes['sample']} rows"
    follows_schema(subject.truth, subject)


def follows_schema(data: Any, subject: Subject) -> None:
    """Raise AssertionError where `data` does not fit the plugin's schemas."""
    assert data["sample"].dtype.kind in "iu", f"sample: identities of type {data['sample'].dtype}; expected integers"
    for schema in (subject.plugin.conditions, subject.plugin.outputs):
        for variable in schema:
            assert variable.name in data, f"{variable.name}: missing"
            found = data[variable.name]
            _fits(variable, found)
            for name in variable.dims:
                dimension = schema.dimension(name)
                if dimension.size is not None:
                    assert data.sizes[name] == dimension.size, (
                        f"{name}: length {data.sizes[name]}; expected {dimension.size}"
                    )
                if dimension.count is not None:
                    _padded(variable, found, data[dimension.count].values, name)


def _fits(variable: Variable, found: Any) -> None:
    name = variable.name
    assert found.dims == ("sample", *variable.dims), f"{name}: dims {found.dims}; expected {('sample', *variable.dims)}"
    assert found.dtype == np.dtype(variable.dtype), f"{name}: dtype {found.dtype}; expected {variable.dtype}"
    for key, expected in variable.attrs().items():
        assert same_attribute(found.attrs.get(key), expected), (
            f"{name}: attribute {key} is {found.attrs.get(key)!r}; expected {expected!r}"
        )
    values = found.values
    if variable.categories is not None:
        bad = (values < -1) | (values >= len(variable.categories))
        assert not bad.any(), f"{name}: code {values[bad].flat[0]}; expected {variable.describe_range()} or -1"
    else:
        _in_range(variable, values)


def _in_range(variable: Variable, values: np.ndarray) -> None:
    try:
        variable.check(values)
    except SchemaError as error:
        raise AssertionError(str(error)) from None


def _padded(variable: Variable, found: Any, count: np.ndarray, dimension: str) -> None:
    axis = found.dims.index(dimension)
    size = found.shape[axis]
    assert ((count >= 0) & (count <= size)).all(), (
        f"{variable.name}: counts {count.min()} to {count.max()} of {size} entries"
    )
    beyond = np.arange(size) >= count[:, None]
    padding = np.moveaxis(found.values, axis, 1)[beyond]
    blank = (padding == 0) | (padding == variable.missing)
    assert blank.all(), f"{variable.name}: {int((~blank).sum())} values beyond the count of {dimension} are not 0"


def check_truth_is_deterministic(subject: Subject) -> None:
    """Equal seeds give equal truth, other seeds give another."""
    n = min(20, subject.truth_samples)
    first = subject.plugin.truth(n, subject.seed)
    found = differing(first, subject.plugin.truth(n, subject.seed))
    assert not found, f"truth differs for equal seeds: {found}"
    assert differing(first, subject.plugin.truth(n, subject.seed + 1)), "truth is the same for another seed"


def check_codec_round_trip(subject: Subject, recipe: str) -> None:
    """decode(encode(truth)) returns the truth's continuous numbers to a thousandth of their spread.

    Asked where the codec encodes the plugin's outputs, and encodes all that decode needs.
    """
    plugin = subject.plugin
    if recipe in subject.released and recipe not in subject.learned_elsewhere:
        codec: Any = subject.surrogate(recipe).codec
    else:
        codec = (plugin.recipes[recipe].codec or plugin.codec)()
        codec.fit([tensors(subject.truth, (*plugin.conditions.names, *plugin.outputs.names))])
    import torch

    if absent := [name for name in plugin.conditions.names if name not in subject.truth]:
        raise Skipped(f"the plugin's truth does not hold {', '.join(absent)}, which this recipe is asked")
    conditions = tensors(subject.truth, plugin.conditions.names)
    outputs = tensors(subject.truth, plugin.outputs.names)
    with torch.no_grad():
        encoded = codec.encode({**conditions, **outputs})
        if set(encoded) <= {*conditions, *outputs}:
            raise Skipped("the codec encodes the recipe's own pools, which hold more than the outputs")
        try:
            decoded = codec.decode(encoded, conditions)
        except KeyError as drawn:
            assert drawn.args[0] not in encoded, f"decode: KeyError {drawn}"
            raise Skipped(f"the codec leaves out {drawn}, which the model draws anew") from None
    missing = set(plugin.outputs.names) - set(decoded)
    if missing and plugin.recipes[recipe].schema is not None and recipe not in subject.released:
        raise Skipped(f"the recipe says once it is trained whether it serves {', '.join(sorted(missing))}")
    assert not missing, f"decode leaves out {sorted(missing)}"
    for variable in plugin.outputs:
        if np.dtype(variable.dtype).kind != "f":
            continue
        assert decoded[variable.name].dtype == torch.float64, (
            f"{variable.name}: decode gives {decoded[variable.name].dtype}"
        )
        truth, again = outputs[variable.name].numpy(), decoded[variable.name].numpy()
        scale = max(float(np.nanstd(truth)), 1e-12)
        both_missing = np.isnan(truth) & np.isnan(again)
        off = ~((np.abs(truth - again) <= 1e-3 * scale + 1e-9 * np.abs(truth)) | both_missing)
        share = float(off.reshape(len(off), -1).any(axis=1).mean()) if off.size else 0.0
        assert share <= 0.02, f"{variable.name}: {share:.0%} of the truth's rows come back changed from the codec"


def check_residuals_vanish_on_truth(subject: Subject) -> None:
    """Every law holds on the truth to its tolerance, in float64, one value a sample."""
    if not subject.plugin.constraints:
        raise Skipped("the plugin declares no laws")
    import torch

    conditions, outputs = (tensors(subject.truth, s.names) for s in (subject.plugin.conditions, subject.plugin.outputs))
    for constraint in subject.plugin.constraints:
        residual = constraint.residual(outputs, conditions)
        assert residual.shape == (subject.truth_samples,), (
            f"{constraint.name}: shape {tuple(residual.shape)}; one value a sample"
        )
        assert residual.dtype == torch.float64, f"{constraint.name}: {residual.dtype}; expected float64"
        worst = float(residual.abs().max())
        assert worst <= constraint.tolerance, (
            f"{constraint.name}: {worst:.3g} on the truth; its tolerance is {constraint.tolerance:g}"
        )


def check_residuals_are_differentiable(subject: Subject) -> None:
    """A law on continuous numbers has finite gradients, so that training can use it."""
    if not subject.plugin.constraints:
        raise Skipped("the plugin declares no laws")
    import torch

    conditions = tensors(subject.truth, subject.plugin.conditions.names)
    for constraint in subject.plugin.constraints:
        outputs = tensors(subject.truth, subject.plugin.outputs.names)
        moved = {name: (t * (1 + 1e-3)).requires_grad_() for name, t in outputs.items() if t.is_floating_point()}
        residual = constraint.residual({**outputs, **moved}, conditions)
        if not residual.requires_grad:
            continue  # a law on labels and counts alone
        gradients = torch.autograd.grad(residual.sum(), list(moved.values()), allow_unused=True)
        for name, gradient in zip(moved, gradients, strict=True):
            finite = gradient is None or bool(torch.isfinite(gradient).all())
            assert finite, f"{constraint.name}: the gradient by {name} is not finite on nearly lawful samples"


def check_residuals_notice_a_violation(subject: Subject) -> None:
    """Every law is broken by numbers moved by a tenth, of themselves or of their spread, and labels dealt anew."""
    if not subject.plugin.constraints:
        raise Skipped("the plugin declares no laws")
    import torch

    generator = torch.Generator().manual_seed(subject.seed)
    conditions = tensors(subject.truth, subject.plugin.conditions.names)
    scaled, moved = {}, {}
    for name, tensor in tensors(subject.truth, subject.plugin.outputs.names).items():
        if tensor.is_floating_point():
            step = 0.1 * torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            scaled[name] = tensor * (1 + step)
            moved[name] = tensor + step * tensor.std()
        else:
            scaled[name] = moved[name] = tensor[torch.randperm(len(tensor), generator=generator)]
    for constraint in subject.plugin.constraints:
        worst = [float(constraint.residual(broken, conditions).abs().max()) for broken in (scaled, moved)]
        assert any(not value <= constraint.tolerance for value in worst), (
            f"{constraint.name}: {max(worst):.3g} on broken samples; the law notices nothing"
        )


def check_targets_are_measured(subject: Subject) -> None:
    """Targets have a sample size and ask something that a figure can miss."""
    assert subject.plugin.targets, "targets: none; say what each figure should reach"
    for name, target in subject.plugin.targets.items():
        assert target.n > 0, f"{name}: n is {target.n}; fix the sample size of the figure"
        asked = (target.at_most, target.at_least, target.floors)
        assert all(value is None or value >= 0 for value in asked), f"{name}: a limit of {asked} cannot be met"


def check_figure_draws(subject: Subject) -> None:
    """The figure draws samples alone and beside the truth."""
    from matplotlib.figure import Figure

    half = subject.truth_samples // 2
    first, second = subject.truth.isel(sample=slice(0, half)), subject.truth.isel(sample=slice(half, None))
    for drawn in (subject.plugin.figure(first, None), subject.plugin.figure(first, second)):
        assert isinstance(drawn, Figure), f"figure returns a {type(drawn).__name__}; expected matplotlib's Figure"
        assert drawn.axes, "figure returns an empty page"


def narrowed(schema: Schema, low: float, high: float) -> Schema:
    """The part of each bounded condition between two fractions of its range."""
    bounds = {}
    for variable in schema:
        if variable.bounds is not None and variable.categories is None:
            width = variable.bounds[1] - variable.bounds[0]
            bounds[variable.name] = (variable.bounds[0] + low * width, variable.bounds[0] + high * width)
    return schema.narrowed(bounds)
