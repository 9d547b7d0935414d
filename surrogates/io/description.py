"""A Dataset's schema as one line of JSON, for formats that hold numbers but neither units nor dimensions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import SAMPLE, count_variables
from .formats import FileFormatError, FormatError

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "surrogates-dataset"


@dataclass(frozen=True)
class VariableDescription:
    """One variable without its values."""

    dims: tuple[str, ...]
    dtype: np.dtype
    attrs: Mapping[str, Any]
    coordinate: bool = False


@dataclass(frozen=True)
class Description:
    """A Dataset without its values."""

    sizes: Mapping[str, int]
    variables: Mapping[str, VariableDescription]
    attrs: Mapping[str, Any]
    counts: Mapping[str, str]

    def empty(self) -> xr.Dataset:
        """Return a Dataset of no samples."""
        shapes = {
            name: tuple(0 if dim == SAMPLE else self.sizes[dim] for dim in variable.dims)
            for name, variable in self.variables.items()
        }
        return self.dataset({name: np.zeros(shape, self.variables[name].dtype) for name, shape in shapes.items()})

    def dataset(self, values: Mapping[str, np.ndarray]) -> xr.Dataset:
        """Return a Dataset of the described variables that `values` holds, in the described types."""
        import xarray as xr

        data, coordinates = {}, {}
        for name, variable in self.variables.items():
            if name in values:
                made = xr.Variable(variable.dims, values[name].astype(variable.dtype, copy=False), dict(variable.attrs))
                (coordinates if variable.coordinate else data)[name] = made
        return xr.Dataset(data, coordinates, dict(self.attrs))


def describe(block: xr.Dataset) -> Description:
    """Return the description of a Dataset."""
    variables = {
        str(name): VariableDescription(
            tuple(map(str, variable.dims)), variable.dtype, dict(variable.attrs), name in block.coords
        )
        for name, variable in block.variables.items()
    }
    sizes = {str(dim): size for dim, size in block.sizes.items()}
    return Description(sizes, variables, dict(block.attrs), count_variables(block))


def to_json(description: Description) -> str:
    """Return the description as one line of JSON.

    Raises
    ------
    FormatError
        Where an attribute is neither text nor numbers; names it.
    """
    content = {
        "format": FORMAT,
        "sizes": {dim: size for dim, size in description.sizes.items() if dim != SAMPLE},
        "counts": dict(description.counts),
        "attrs": {key: _plain("global", key, value) for key, value in description.attrs.items()},
        "variables": {
            name: {
                "dims": list(variable.dims),
                "dtype": variable.dtype.str,
                "coordinate": variable.coordinate,
                "attrs": {key: _plain(name, key, value) for key, value in variable.attrs.items()},
            }
            for name, variable in description.variables.items()
        },
    }
    return json.dumps(content, separators=(",", ":"))


def from_json(text: str) -> Description:
    """Return the description that :func:`to_json` wrote.

    Raises
    ------
    FileFormatError
        Where the text is something else.
    """
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        sizes = {str(dim): int(size) for dim, size in content["sizes"].items()}
        variables = {
            str(name): VariableDescription(
                tuple(map(str, entry["dims"])),
                np.dtype(entry["dtype"]),
                {key: _array(value) for key, value in entry["attrs"].items()},
                bool(entry["coordinate"]),
            )
            for name, entry in content["variables"].items()
        }
        attrs = {key: _array(value) for key, value in content["attrs"].items()}
        counts = {str(dim): str(name) for dim, name in content["counts"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SyntaxError) as error:
        raise FileFormatError(f"expected the description of a Dataset as JSON; {error}".splitlines()[0]) from None
    for name, variable in variables.items():
        unknown = [dim for dim in variable.dims if dim not in sizes and dim != SAMPLE]
        if unknown or variable.dtype.kind not in "iufbU":
            raise FileFormatError(f"the description of {name} is damaged")
    if any(not 0 <= size <= 1 << 24 for size in sizes.values()):
        raise FileFormatError("the description of the dimensions is damaged")
    return Description(sizes, variables, attrs, counts)


def _plain(owner: str, key: str, value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    flat = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(entry, str | int | float) for entry in flat):
        raise FormatError(f"{owner}: attribute {key!r} is {type(value).__name__}; expected text or numbers")
    return value


def _array(value: Any) -> Any:
    if isinstance(value, list) and not any(isinstance(entry, str) for entry in value):
        return np.array(value)
    if isinstance(value, list | str | int | float):
        return value
    raise ValueError(f"an attribute is {type(value).__name__}")
