"""Variable: one named quantity, and how a user's value of it becomes an array in its units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..io.conventions import FLAG_NAMES, TEXT_COMMENT, UNITS_NAME
from ..io.packing import is_packed, unpacked
from .errors import PluginError, SchemaError, SurrogatesError, nearest

NOT_ASKED = "not_asked"  # the last flag of an optional category, of code -1


def texts(codes: np.ndarray) -> np.ndarray:
    """Text of ASCII codes (…, length) padded with 0, an array (…) of str."""
    rows = np.ascontiguousarray(codes, dtype=np.uint8)
    return rows.view(f"S{rows.shape[-1]}")[..., 0].astype(np.str_)


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
        Labels of an integer code, stored as CF flags; an empty tuple where training finds them in its data.
    optional : bool
        May be left out (NaN or -1 = not asked).
    default : optional
        Value when the user leaves it out.
    text : bool
        ASCII characters along the last of `dims`, as uint8 codes padded with 0; a user gives and reads text.
    brought : str
        ``package.module:name`` of a function that brings a field as a user has it (a DataArray on another grid, an
        array) to an array over `dims` in `units`; it raises SchemaError.
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
    brought: str = ""

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
            codes = [*range(len(self.categories)), *([-1] if self.optional else [])]
            attrs["flag_values"] = np.array(codes, dtype=self.dtype)
            attrs["flag_meanings"] = " ".join([*self.categories, *([NOT_ASKED] if self.optional else [])])
        elif self.text:
            attrs["comment"] = TEXT_COMMENT
        elif self.optional and np.dtype(self.dtype).kind == "f":
            attrs["missing_value"] = np.nan
        return attrs

    def describe_range(self) -> str:
        """The accepted values in words."""
        if self.categories == ():
            return "one of the labels that training finds"
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
            float64, whole where the dtype is; integer codes for categories; for text uint8 codes with one more axis as
            long as the longest.

        Raises
        ------
        SchemaError
            Wrong unit dimension, unknown label, text that is no number, a character that is not ASCII, or a value that
            is masked.
        """
        try:
            return self._converted(_decoded(self, value))
        except SurrogatesError:
            raise
        except Exception as error:  # anything may be passed, and what cannot be converted fails in many ways
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            found = f"a {type(value).__name__} does not convert ({why})"
            raise SchemaError.about(self.name, found, self.describe_range(), value=value) from None

    def _converted(self, value: Any) -> np.ndarray:
        if self.text:
            return self._characters(value)
        if self.categories is not None:
            return self._codes(value)
        numbers = self._numbers(value)
        return self._whole(numbers) if np.dtype(self.dtype).kind in "iu" else numbers

    def _whole(self, numbers: np.ndarray) -> np.ndarray:
        if self.optional:
            numbers = np.where(np.isnan(numbers), self.missing, numbers)
        if np.any(bad := ~np.isfinite(numbers)):
            raise self._refused(numbers[bad].flat[0], f"is not finite{self._row(bad)}")
        if np.any(bad := numbers != np.round(numbers)):
            raise self._refused(numbers[bad].flat[0], f"is not a whole number{self._row(bad)}")
        return numbers

    def _row(self, bad: np.ndarray) -> str:
        """Where the first bad value stands, in words; nothing for a single value."""
        if bad.ndim <= len(self.dims) - int(self.text) or len(bad) < 2:
            return ""
        return f" in row {int(np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))[0])}"

    def _codes(self, value: Any) -> np.ndarray:
        assert self.categories is not None
        if hasattr(value, "attrs") and hasattr(value, "values"):
            meanings = value.attrs.get(FLAG_NAMES, value.attrs.get("flag_meanings"))
            value = value.values
            labels = tuple(label for label in str(meanings).split() if label != NOT_ASKED)
            if meanings is not None and labels != self.categories:
                value = np.array([-1 if v < 0 else labels[int(v)] for v in value.ravel()], object).reshape(value.shape)
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
                raise self._refused(array[bad].flat[0], f"is not a category code{self._row(bad)}")
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
                raise self._refused(key, f"is unknown{self._row(array == label)}", hint=nearest(key, self.categories))
            out[array == label] = code
        return out

    def _characters(self, value: Any) -> np.ndarray:
        array = np.asarray(value)
        if array.dtype.kind in "iu" and array.ndim >= len(self.dims):
            if np.any((array < 0) | (array > 127)):
                found = f"codes {array.min()} to {array.max()}"
                raise SchemaError.about(self.name, found, "ASCII, 0 to 127", value=array)
            return array.astype(self.dtype)
        for item in array.ravel().tolist():
            if not isinstance(item, str) or not item.isascii() or "\0" in item:
                raise SchemaError.about(self.name, repr(item), self.describe_range(), value=item)
        texts = array.astype("S")
        return np.frombuffer(texts.tobytes(), dtype=np.uint8).reshape(*texts.shape, texts.itemsize)

    def _numbers(self, value: Any) -> np.ndarray:
        if hasattr(value, "attrs") and hasattr(value, "values") and not hasattr(value, "unit"):
            units = value.attrs.get(UNITS_NAME, value.attrs.get("units", self.units))
            return self._scale(_floats(self, value.values), str(units))
        if hasattr(value, "unit") and hasattr(value, "to_value"):
            return self._quantity(value)
        if isinstance(value, (list, tuple)) and any(hasattr(v, "unit") for v in value):
            return np.stack([self._numbers(v) for v in value])
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
            raise self._refused(text, "is not a number")
        units = text[number:].strip()
        if units and not (units[0].isalpha() or units[0] in "%°µ("):
            raise self._refused(text, "is not one number with a unit")
        return float(self._scale(np.float64(text[:number]), units)) if units else float(text[:number])

    def _scale(self, array: np.ndarray | np.float64, units: str) -> np.ndarray:
        if units in (self.units, ""):
            return np.asarray(array, dtype=np.float64)
        from astropy import units as u

        try:
            unit = u.Unit(units)
        except (ValueError, TypeError):
            raise SchemaError.about(self.name, f"unit {units!r} is unknown", self.units, value=units) from None
        return self._quantity(np.asarray(array, dtype=np.float64) * unit)

    def _quantity(self, quantity: Any) -> np.ndarray:
        from astropy import units as u

        try:
            return np.asarray(quantity.to_value(u.Unit("" if self.units == "1" else self.units)), dtype=np.float64)
        except u.UnitConversionError:
            shown = str(quantity) if np.ndim(quantity) == 0 else f"{np.shape(quantity)} values in {quantity.unit}"
            found = f"{shown} has units of {quantity.unit.physical_type}"
            raise SchemaError.about(self.name, found, self.units, value=quantity) from None

    def check(self, values: np.ndarray) -> None:
        """Raise SchemaError for NaN, infinite or out-of-range values (NaN passes where `optional`)."""
        if self.categories is not None:
            return
        if self.text:
            if not self.optional and not np.any(values, axis=-1).all():
                raise self._refused("", "is empty")
            return
        values = np.asarray(values, dtype=np.float64)
        bad = ~np.isfinite(values)
        if self.optional:
            bad &= ~np.isnan(values)
        if np.any(bad):
            raise self._refused(values[bad].flat[0], f"is not finite{self._row(bad)}")
        outside = self.outside(values)
        if np.any(outside):
            units = "" if self.units == "1" else f" {self.units}"
            found = f"{values[outside].flat[0]:g}{units} is out of range{self._row(outside)}"
            raise SchemaError.about(self.name, found, self.describe_range(), value=values[outside].flat[0])

    def _refused(self, value: Any, why: str, *, hint: str = "") -> SchemaError:
        shown = repr(value) if isinstance(value, str) else f"{value}"
        return SchemaError.about(self.name, f"{shown} {why}", self.describe_range(), value=value, hint=hint)

    def outside(self, values: np.ndarray) -> np.ndarray:
        """Boolean array: finite values outside `bounds`."""
        values = np.asarray(values)
        if self.bounds is None or self.categories is not None:
            return np.zeros(values.shape, dtype=bool)
        low, high = self.bounds
        slack = 1e-12 * max(abs(low), abs(high))
        far = (values < low - slack) | (values > high + slack)
        return far & (values != self.missing) if self.optional and np.dtype(self.dtype).kind in "iu" else far


def _decoded(variable: Variable, value: Any) -> Any:
    """What a packed array stands for; raises SchemaError for a masked value."""
    masked = isinstance(value, np.ma.MaskedArray)
    if masked or hasattr(value, "unmasked"):
        mask = np.ma.getmaskarray(value) if masked else np.asarray(value.mask)
        if mask.any():
            where = int(np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1))[0]) if mask.ndim else 0
            found = f"the value in row {where} is masked" if mask.ndim else "the value is masked"
            raise SchemaError.about(variable.name, found, f"{variable.describe_range()} in every row", value=None)
        return value.data if masked else value.unmasked
    if hasattr(value, "attrs") and hasattr(value, "values") and is_packed(value.attrs):
        numbers, attrs = unpacked(np.asarray(value.values), value.attrs)
        return value.copy(data=numbers).drop_attrs().assign_attrs(attrs)
    return value


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
        found = f"{values!r} is not a number"
        raise SchemaError.about(variable.name, found, variable.describe_range(), value=values) from None
