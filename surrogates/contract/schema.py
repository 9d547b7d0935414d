"""Dimension, Variable, Schema, Limit: names, dimensions, units and bounds of what goes in and comes out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import PluginError, SchemaError

if TYPE_CHECKING:
    import xarray as xr


def nearest(name: str, known: Any) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name closest to `name`, or an empty string."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.4)
    return f" (did you mean {close[0]!r}?)" if close else ""


TEXT_COMMENT = "text: ASCII codes, padded with 0"  # the attribute that marks text in a Dataset


def texts(codes: np.ndarray) -> np.ndarray:
    """Text of ASCII codes (…, length) padded with 0, an array (…) of str."""
    rows = np.ascontiguousarray(codes, dtype=np.uint8)
    return rows.view(f"S{rows.shape[-1]}")[..., 0].astype(np.str_)


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
    """

    name: str
    size: int | None = None
    count: str | None = None
    of: str | None = None
    scale: int = 1
    multiple: int = 1


@dataclass(frozen=True)
class Variable:
    """One named quantity.

    Attributes
    ----------
    name, long_name : str
    units : str
        CF units string; "1" for a pure number.
    dims : tuple of str
        Axes beside `sample`.
    dtype : str
    bounds : (float, float), optional
        Inclusive range in `units`.
    categories : tuple of str, optional
        Labels of an integer code, stored as CF flags.
    optional : bool
        May be left out (NaN or -1 = not asked).
    default : optional
        Value when the user leaves it out.
    text : bool
        ASCII characters along the last of `dims`, as uint8 codes padded with 0; a user gives and reads text.
    """

    name: str
    long_name: str
    units: str = "1"
    dims: tuple[str, ...] = ()
    dtype: str = "float64"
    bounds: tuple[float, float] | None = None
    categories: tuple[str, ...] | None = None
    optional: bool = False
    default: Any = None
    text: bool = False

    def __post_init__(self) -> None:
        if self.text and (not self.dims or self.dtype != "uint8"):
            raise PluginError(f"variable {self.name!r} holds text; give it a dimension of characters and dtype uint8")

    @property
    def missing(self) -> float | int:
        """The value that stands for "not asked"; 0 of text, which is the empty one."""
        if self.text:
            return 0
        return -1 if self.categories is not None or np.dtype(self.dtype).kind in "iu" else np.nan

    def attrs(self) -> dict[str, Any]:
        """CF attributes of this variable in a Dataset."""
        attrs: dict[str, Any] = {"units": self.units, "long_name": self.long_name}
        if self.categories is not None:
            attrs["flag_values"] = np.arange(len(self.categories), dtype=self.dtype)
            attrs["flag_meanings"] = " ".join(self.categories)
        elif self.text:
            attrs["comment"] = TEXT_COMMENT
        elif self.optional and np.dtype(self.dtype).kind == "f":
            attrs["missing_value"] = np.nan
        return attrs

    def describe_range(self) -> str:
        """The accepted values in words."""
        if self.categories is not None:
            return "one of " + ", ".join(self.categories)
        if self.text:
            return "text of ASCII characters"
        if self.bounds is None:
            return "any finite value"
        units = "" if self.units == "1" else f" {self.units}"
        return f"{self.bounds[0]:g} to {self.bounds[1]:g}{units}"

    def convert(self, value: Any) -> np.ndarray:
        """Convert a user's value to an array in schema units.

        Parameters
        ----------
        value : number, str, astropy Quantity, xarray.DataArray or array-like
            ``91.2``, ``"91.2 GeV"``, ``0.0912 * u.TeV``, a label, a text, an array of any of them.

        Returns
        -------
        numpy.ndarray
            float64, integer codes for categories, or for text uint8 codes with one more axis as long as the longest.

        Raises
        ------
        SchemaError
            Wrong unit dimension, unknown label, text that is no number, or a character that is not ASCII.
        """
        if self.text:
            return self._characters(value)
        return self._codes(value) if self.categories is not None else self._numbers(value)

    def _codes(self, value: Any) -> np.ndarray:
        assert self.categories is not None
        if hasattr(value, "attrs") and hasattr(value, "values"):
            meanings = value.attrs.get("flag_meanings")
            value = value.values
            if meanings is not None and tuple(str(meanings).split()) != self.categories:
                value = np.array(
                    [-1 if v < 0 else str(meanings).split()[int(v)] for v in value.ravel()], object
                ).reshape(value.shape)
        array = np.asarray(value)
        if array.dtype.kind == "b":
            array = array.astype(np.int64)
        if array.dtype.kind in "iuf":
            if array.dtype.kind == "f":
                array = np.where(np.isnan(array), -1, array)
            bad = (array != np.round(array)) | (array < -1) | (array >= len(self.categories))
            if not self.optional:
                bad |= array < 0
            if np.any(bad):
                raise SchemaError(
                    f"{self.name}: {array[bad].flat[0]} is not a category code; expected {self.describe_range()}"
                )
            return array.astype(self.dtype)
        table = {label: code for code, label in enumerate(self.categories)}
        out = np.empty(array.shape, dtype=self.dtype)
        for label in set(array.ravel().tolist()):
            key = str(label).strip()
            if key == "" and self.optional:
                code = -1
            elif key in table:
                code = table[key]
            elif key.lower() in {"true", "false", "yes", "no", "1", "0"} and self.categories == ("off", "on"):
                code = int(key.lower() in {"true", "yes", "1"})
            else:
                raise SchemaError(
                    f"{self.name}: {key!r} is unknown; expected {self.describe_range()}{nearest(key, self.categories)}"
                )
            out[array == label] = code
        return out

    def _characters(self, value: Any) -> np.ndarray:
        array = np.asarray(value)
        if array.dtype.kind in "iu" and array.ndim >= len(self.dims):
            if np.any((array < 0) | (array > 127)):
                raise SchemaError(f"{self.name}: codes {array.min()} to {array.max()}; expected ASCII, 0 to 127")
            return array.astype(self.dtype)
        for item in array.ravel().tolist():
            if not isinstance(item, str) or not item.isascii() or "\0" in item:
                raise SchemaError(f"{self.name}: {item!r}; expected {self.describe_range()}")
        texts = array.astype("S")
        return np.frombuffer(texts.tobytes(), dtype=np.uint8).reshape(*texts.shape, texts.itemsize)

    def _numbers(self, value: Any) -> np.ndarray:
        if hasattr(value, "attrs") and hasattr(value, "values") and not hasattr(value, "unit"):
            units = value.attrs.get("units", self.units)
            return self._scale(_floats(self, value.values), str(units))
        if hasattr(value, "unit") and hasattr(value, "to_value"):
            return self._quantity(value)
        if isinstance(value, (list, tuple)) and value and all(hasattr(v, "unit") for v in value):
            return np.array([float(self._quantity(v)) for v in value])
        array = np.asarray(value)
        if array.dtype.kind in "iufb":
            return array.astype(np.float64)
        parsed = np.array([self._text(str(item)) for item in array.ravel().tolist()], dtype=np.float64)
        return parsed.reshape(array.shape)

    def _text(self, text: str) -> float:
        text = text.strip()
        if text == "" and self.optional:
            return np.nan
        number = len(text)
        while number and not _is_number(text[:number]):
            number -= 1
        if number == 0:
            raise SchemaError(f"{self.name}: {text!r} is not a number; expected {self.describe_range()}")
        units = text[number:].strip()
        return float(self._scale(np.float64(text[:number]), units)) if units else float(text[:number])

    def _scale(self, array: np.ndarray | np.float64, units: str) -> np.ndarray:
        if units in (self.units, ""):
            return np.asarray(array, dtype=np.float64)
        from astropy import units as u

        try:
            unit = u.Unit(units)
        except (ValueError, TypeError):
            raise SchemaError(f"{self.name}: unit {units!r} is unknown; expected {self.units}") from None
        return self._quantity(np.asarray(array, dtype=np.float64) * unit)

    def _quantity(self, quantity: Any) -> np.ndarray:
        from astropy import units as u

        try:
            return np.asarray(quantity.to_value(u.Unit("" if self.units == "1" else self.units)), dtype=np.float64)
        except u.UnitConversionError:
            raise SchemaError(
                f"{self.name}: {quantity} has units of {quantity.unit.physical_type}; expected {self.units}"
            ) from None

    def check(self, values: np.ndarray) -> None:
        """Raise SchemaError for NaN, infinite or out-of-range values (NaN passes where `optional`)."""
        if self.categories is not None:
            return
        if self.text:
            if not self.optional and not np.any(values, axis=-1).all():
                raise SchemaError(f"{self.name}: '' is empty; expected {self.describe_range()}")
            return
        values = np.asarray(values, dtype=np.float64)
        bad = ~np.isfinite(values)
        if self.optional:
            bad &= ~np.isnan(values)
        if np.any(bad):
            raise SchemaError(f"{self.name}: {values[bad].flat[0]} is not finite; expected {self.describe_range()}")
        outside = self.outside(values)
        if np.any(outside):
            units = "" if self.units == "1" else f" {self.units}"
            raise SchemaError(
                f"{self.name}: {values[outside].flat[0]:g}{units} is out of range; expected {self.describe_range()}"
            )

    def outside(self, values: np.ndarray) -> np.ndarray:
        """Boolean array: finite values outside `bounds`."""
        values = np.asarray(values)
        if self.bounds is None or self.categories is not None:
            return np.zeros(values.shape, dtype=bool)
        low, high = self.bounds
        slack = 1e-12 * max(abs(low), abs(high))
        return (values < low - slack) | (values > high + slack)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _floats(variable: Variable, values: Any) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise SchemaError(
            f"{variable.name}: {values!r} is not a number; expected {variable.describe_range()}"
        ) from None


@dataclass(frozen=True)
class Limit:
    """A joint infeasibility that bounds on one variable cannot say.

    Attributes
    ----------
    variables : tuple of str
    allows : callable
        Mapping of arrays -> boolean array, True where the combination is feasible.
    expected : str or callable
        What holds for feasible combinations, in words; or mapping of one row's values -> words.
    """

    variables: tuple[str, ...]
    allows: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    expected: str | Callable[[Mapping[str, Any]], str]

    def check(self, conditions: xr.Dataset) -> None:
        """Raise SchemaError naming the first infeasible row."""
        values = {name: np.asarray(conditions[name].values) for name in self.variables}
        bad = ~np.asarray(self.allows(values))
        if np.any(bad):
            row = int(np.flatnonzero(bad)[0])
            parts = [(name, _shown(conditions[name], row)) for name in self.variables]
            shown = ", ".join(f"{name} = {value}" for name, value in parts if value != "nan")
            of_row = {name: value[row] for name, value in values.items()}
            expected = self.expected if isinstance(self.expected, str) else self.expected(of_row)
            raise SchemaError(f"{shown}: infeasible{' together' * (len(self.variables) > 1)}; expected {expected}")


def _shown(variable: xr.DataArray, row: int) -> str:
    """One row of a condition in a message: a label, a number, or the shape of a field."""
    value, labels = variable.values[row], str(variable.attrs.get("flag_meanings", "")).split()
    if variable.attrs.get("comment") == TEXT_COMMENT:
        return repr(str(texts(value)))
    if np.ndim(value):
        return f"{np.shape(value)} values"
    if labels:
        return labels[int(value)] if 0 <= value < len(labels) else "none"
    return f"{value:g}" if isinstance(value, np.floating) else str(value)


@dataclass(frozen=True)
class Schema:
    """An ordered set of variables over declared dimensions."""

    variables: tuple[Variable, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
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
            raise SchemaError(
                f"{name}: no such variable; expected one of {', '.join(self.names)}{nearest(name, self.names)}"
            )
        return self._index[name]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __iter__(self):
        return iter(self.variables)

    def dimension(self, name: str) -> Dimension:
        """The dimension called `name`."""
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    def narrowed(self, bounds: Mapping[str, tuple[float, float]]) -> Schema:
        """A copy whose named variables have these bounds."""
        return replace_variables(self, {name: replace(self[name], bounds=tuple(pair)) for name, pair in bounds.items()})

    def dataset(self, values: Mapping[str, np.ndarray], samples: np.ndarray | None = None, **attrs: Any) -> xr.Dataset:
        """Build a Dataset of these variables along `sample` with schema attributes and dtypes.

        Parameters
        ----------
        values : mapping
            Arrays in schema units, leading axis `sample`.
        samples : numpy.ndarray, optional
            The `sample` coordinate; 0..n-1 by default.
        """
        import xarray as xr

        data = {
            name: (
                ("sample", *self[name].dims),
                np.asarray(array).astype(self[name].dtype, copy=False),
                self[name].attrs(),
            )
            for name, array in values.items()
        }
        length = len(next(iter(values.values()))) if values else 0
        coordinate = np.arange(length, dtype=np.int64) if samples is None else np.asarray(samples, dtype=np.int64)
        coords = {"sample": ("sample", coordinate, {"long_name": "identity of the sample", "units": "1"})}
        return xr.Dataset(data, coords=coords, attrs=attrs)

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back."""
        return {
            "variables": [asdict(variable) for variable in self.variables],
            "dimensions": [asdict(dimension) for dimension in self.dimensions],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """Read what `to_json` wrote."""
        tuples = ("dims", "bounds", "categories")
        variables = []
        for item in data["variables"]:
            fields: dict[str, Any] = {k: tuple(v) if k in tuples and v is not None else v for k, v in item.items()}
            variables.append(Variable(**fields))
        return cls(tuple(variables), tuple(Dimension(**item) for item in data["dimensions"]))


def replace_variables(schema: Schema, changed: Mapping[str, Variable]) -> Schema:
    """A copy of `schema` with some variables replaced."""
    return Schema(tuple(changed.get(v.name, v) for v in schema.variables), schema.dimensions)
