"""Dimension and Schema: names, dimensions, units and bounds of what goes in and comes out.

Variable and Limit stand in files of their own and are imported from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..io.conventions import TEXT_COMMENT
from .errors import PluginError, SchemaError, nearest
from .limits import Limit
from .variables import Variable, texts

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "TEXT_COMMENT",
    "Coordinate",
    "Dimension",
    "Limit",
    "Schema",
    "Variable",
    "nearest",
    "one_length",
    "replace_variables",
    "texts",
]


@dataclass(frozen=True)
class Coordinate:
    """Where the entries along an axis lie: latitudes, wavelengths, bin centres.

    Attributes
    ----------
    values : tuple of float
        One an entry, in order.
    units : str
        CF units string.
    long_name : str
    standard_name, axis : str
        Of CF where it has one (`latitude` and `Y`, say), empty otherwise.
    """

    values: tuple[float, ...]
    units: str
    long_name: str
    standard_name: str = ""
    axis: str = ""

    def attrs(self) -> dict[str, str]:
        """CF attributes of the coordinate variable."""
        named = {"standard_name": self.standard_name, "axis": self.axis}
        return {"units": self.units, "long_name": self.long_name} | {key: text for key, text in named.items() if text}


@dataclass(frozen=True)
class Dimension:
    """An axis beside `sample`.

    Attributes
    ----------
    name : str
    size : int, optional
        Fixed length, or the padded capacity when `count` is given.
    count : str, optional
        Variable that counts the valid entries of each sample (ragged sets).
    of : str, optional
        Dimension whose length this one follows, times `scale` (super-resolution).
    multiple : int
        Lengths must be a multiple of it.
    length : str, optional
        Integer condition that is the length, times `scale`; one value for all samples of a call. An axis with none of
        `size`, `of` and `length` is as long as the fields that are asked, or, of outputs alone, as training finds it.
    coordinate : Coordinate, optional
        Where its entries lie, of an axis of fixed `size`; every Dataset and file that has the axis carries it.
    """

    name: str
    size: int | None = None
    count: str | None = None
    of: str | None = None
    scale: int = 1
    multiple: int = 1
    length: str | None = None
    coordinate: Coordinate | None = None

    def __post_init__(self) -> None:
        if self.coordinate is not None and len(self.coordinate.values) != self.size:
            raise PluginError(
                f"dimension {self.name!r}: {len(self.coordinate.values)} coordinates; expected its size, {self.size}"
            )
        ways = [name for name in ("size", "of", "length") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise PluginError(
                f"dimension {self.name!r}: {' and '.join(ways)} both give its length; expected one of them"
            )
        if self.multiple < 1 or self.scale < 1 or (self.size or 0) % self.multiple:
            raise PluginError(
                f"dimension {self.name!r}: size {self.size}, scale {self.scale}, multiple {self.multiple}; "
                "expected a size that is a multiple, and positive numbers"
            )

    def check(self, variable: str, found: int) -> None:
        """Raise SchemaError where `variable`, a field that is asked, cannot have `found` entries along this axis."""
        if self.size is not None and found != self.size:
            raise SchemaError.about(variable, f"{found} along {self.name}", str(self.size), value=found)
        if found % self.multiple or not found:
            below = found // self.multiple * self.multiple
            fits = f"{below} or {below + self.multiple}" if below else f"{self.multiple} at the least"
            raise SchemaError.about(
                variable, f"{found} along {self.name}", f"a multiple of {self.multiple} ({fits})", value=found
            )


@dataclass(frozen=True)
class Schema:
    """An ordered set of variables over declared dimensions.

    Attributes
    ----------
    variables : tuple of Variable
    dimensions : tuple of Dimension
    source : str
        Of a schema found in data: the text of the file that describes them, where a plugin needs more of it than
        variables say; see `Plugin.found`.
    """

    variables: tuple[Variable, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    source: str = ""
    _index: Mapping[str, Variable] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {variable.name: variable for variable in self.variables}
        if len(index) != len(self.variables):
            raise PluginError("a schema names each variable once")
        known = {dimension.name for dimension in self.dimensions}
        for variable in self.variables:
            unknown = set(variable.dims) - known
            if unknown:
                raise PluginError(f"variable {variable.name!r} has undeclared dimensions {sorted(unknown)}")
        object.__setattr__(self, "_index", index)

    @property
    def names(self) -> tuple[str, ...]:
        """Variable names in order."""
        return tuple(self._index)

    def __getitem__(self, name: str) -> Variable:
        if name not in self._index:
            expected = f"one of {', '.join(self.names)}"
            raise SchemaError.about(name, "no such variable", expected, hint=nearest(name, self.names))
        return self._index[name]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __iter__(self):
        return iter(self.variables)

    def dimension(self, name: str) -> Dimension:
        """The dimension called `name`."""
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    def lengths(self, conditions: xr.Dataset) -> dict[str, int]:
        """Length of every dimension of these outputs for `conditions`, all of one call.

        Raises
        ------
        SchemaError
            Rows that ask for different lengths, or one that is no multiple of what the dimension says.
        """
        found: dict[str, int] = {}
        for dimension in self.dimensions:
            name = dimension.name
            if dimension.size is not None:
                found[name] = dimension.size
            elif dimension.length is not None:
                found[name] = dimension.scale * one_length(dimension, conditions[dimension.length].values)
            elif dimension.of is not None:
                followed = found.get(dimension.of)
                found[name] = dimension.scale * (followed if followed is not None else conditions.sizes[dimension.of])
            elif name in conditions.sizes:
                found[name] = int(conditions.sizes[name])
            else:
                raise PluginError(
                    f"dimension {name!r} has no length: neither a condition nor the weights' card gives one; "
                    "declare its size, of or length"
                )
        return found

    def narrowed(self, bounds: Mapping[str, tuple[float, float]]) -> Schema:
        """A copy whose variables have these bounds; names of other variables are ignored."""
        there = {name: pair for name, pair in bounds.items() if name in self}
        return replace_variables(self, {name: replace(self[name], bounds=tuple(pair)) for name, pair in there.items()})

    def dataset(self, values: Mapping[str, np.ndarray], samples: np.ndarray | None = None, **attrs: Any) -> xr.Dataset:
        """Build a Dataset of these variables along `sample` with schema attributes and dtypes.

        Parameters
        ----------
        values : mapping
            Arrays in schema units, leading axis `sample`.
        samples : numpy.ndarray, optional
            The `sample` coordinate; 0..n-1 by default.
        """
        length = len(next(iter(values.values()))) if values else 0
        rows = np.arange(length) if samples is None else samples
        return gathered(self.labelled(values), rows, attrs, self.coordinates())

    def coordinates(self) -> dict[str, xr.Variable]:
        """The coordinate variables of the axes that have one."""
        from xarray import Variable as Labelled

        return {
            dimension.name: Labelled((dimension.name,), np.array(found.values), found.attrs())
            for dimension in self.dimensions
            if (found := dimension.coordinate) is not None
        }

    def labelled(self, values: Mapping[str, np.ndarray]) -> dict[str, xr.Variable]:
        """Arrays along `sample` as xarray variables with this schema's attributes and dtypes."""
        from xarray import Variable as Labelled

        return {
            name: Labelled(
                ("sample", *self[name].dims),
                np.asarray(array).astype(self[name].dtype, copy=False),
                self[name].attrs(),
                fastpath=True,
            )
            for name, array in values.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back."""
        return {
            "variables": [asdict(variable) for variable in self.variables],
            "dimensions": [asdict(dimension) for dimension in self.dimensions],
            **({"source": self.source} if self.source else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """Read what `to_json` wrote."""
        tuples = ("dims", "bounds", "categories")
        variables = []
        for item in data["variables"]:
            fields: dict[str, Any] = {k: tuple(v) if k in tuples and v is not None else v for k, v in item.items()}
            variables.append(Variable(**fields))
        dimensions = tuple(_dimension(item) for item in data["dimensions"])
        return cls(tuple(variables), dimensions, str(data.get("source", "")))


def _dimension(item: Mapping[str, Any]) -> Dimension:
    place = item.get("coordinate")
    if place is None:
        return Dimension(**item)
    return Dimension(**{**item, "coordinate": Coordinate(**{**place, "values": tuple(place["values"])})})


def gathered(
    data: Mapping[str, xr.Variable],
    samples: np.ndarray,
    attrs: Mapping[str, Any],
    coordinates: Mapping[str, xr.Variable] | None = None,
) -> xr.Dataset:
    """A Dataset of variables along `sample`, built once.

    Parameters
    ----------
    data : mapping
        As `Schema.labelled` gives them.
    samples : numpy.ndarray
        The `sample` coordinate.
    attrs : mapping
    coordinates : mapping, optional
        Of further axes; those of axes that no variable has are left out.
    """
    import xarray as xr

    about = {"long_name": "identity of the sample", "units": "1"}
    coords = {"sample": xr.Variable(("sample",), np.asarray(samples, dtype=np.int64), about, fastpath=True)}
    if coordinates:
        there = {dim for variable in data.values() for dim in variable.dims}
        coords |= {name: place for name, place in coordinates.items() if name in there}
    return _assembled(data, coords, attrs)


def with_values(dataset: xr.Dataset, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """A copy of a Dataset in which some variables have other values of the same shapes, kept in their own dtypes."""
    import xarray as xr

    held = dataset.variables
    changed = {
        name: xr.Variable(held[name].dims, array.astype(held[name].dtype, copy=False), held[name].attrs, fastpath=True)
        for name, array in values.items()
    }
    data = {name: changed.get(str(name), held[name]) for name in held if name not in dataset.coords}
    return _assembled(data, {name: held[name] for name in dataset.coords}, dataset.attrs)


def _assembled(data: Mapping[Any, xr.Variable], coords: Mapping[Any, xr.Variable], attrs: Mapping[Any, Any]) -> Any:
    """What ``xr.Dataset(data, coords, attrs)`` is, without its merging, which costs more than many a model's sample.

    xarray's own shortcut is taken where it is there and every coordinate lies along the dimension of its name.
    """
    import pandas as pd  # which xarray has loaded
    import xarray as xr
    from xarray.indexes import PandasIndex

    direct = getattr(xr.Dataset, "_construct_direct", None)
    if direct is None or any(place.dims != (name,) for name, place in coords.items()):
        return xr.Dataset(data, coords=coords, attrs=dict(attrs))
    indexes = {name: PandasIndex(pd.Index(place.values), name) for name, place in coords.items()}
    places = {name: indexes[name].create_variables({name: place})[name] for name, place in coords.items()}
    return direct({**data, **places}, set(places), attrs=dict(attrs), indexes=indexes)


def replace_variables(schema: Schema, changed: Mapping[str, Variable]) -> Schema:
    """A copy of `schema` with some variables replaced."""
    return replace(schema, variables=tuple(changed.get(v.name, v) for v in schema.variables))


def one_length(dimension: Dimension, asked: Any) -> int:
    """The one value of the condition that is the length of `dimension`; the least where there is no sample.

    Raises
    ------
    SchemaError
        Several values in one call, a negative one, or one that breaks the dimension's multiple.
    """
    assert dimension.length is not None
    values = np.unique(np.asarray(asked))
    if len(values) > 1:
        raise SchemaError.about(
            dimension.length,
            f"{values[0]:g} and {values[-1]:g} in one call",
            f"one value for all samples, the length of {dimension.name}; make a call for each",
            value=values.tolist(),
        )
    length = int(values[0]) if len(values) else dimension.multiple
    if length < 1 or dimension.scale * length % dimension.multiple:
        expected = "1 or more" if dimension.multiple == 1 else f"a multiple of {dimension.multiple}"
        raise SchemaError.about(
            dimension.length, f"{length}", f"{expected}, the length of {dimension.name}", value=length
        )
    return length
