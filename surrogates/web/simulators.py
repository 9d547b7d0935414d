"""What a server computes with: surrogates opened once, and uploads as fields."""

from __future__ import annotations

import math
import secrets
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import registry
from ..contract.errors import SchemaError, WeightsError, nearest
from ..contract.schema import texts
from ..sampling.opening import load
from .description import example_conditions
from .settings import ServiceError, Settings

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..contract.schema import Schema
    from ..sampling.surrogate import Surrogate

KEPT_FIELDS = 32
"""Uploads that are kept, the latest."""


class Simulators:
    """Surrogates by plugin and model, and uploaded fields.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._plugins: dict[str, Plugin] = {}
        self._opened: dict[tuple[str, str], Surrogate] = {}
        self._fields: OrderedDict[str, tuple[str, str, np.ndarray]] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[tuple[str, str], threading.Lock] = {}

    def plugin(self, name: str) -> Plugin:
        """The declaration of a plugin, looked for once: what is installed or removed meanwhile changes nothing."""
        if name not in self._plugins:
            self._plugins[name] = registry.plugin(name)
        return self._plugins[name]

    def surrogate(self, name: str, model: str | None = None) -> Surrogate:
        """The surrogate of a plugin, opened once."""
        plugin = self.plugin(name)
        recipe = model or next(iter(plugin.recipes))
        if recipe not in plugin.recipes:
            known = list(plugin.recipes)
            raise WeightsError(
                f"model: {recipe!r} is no model of {name}; expected {', '.join(known)}{nearest(recipe, known)}",
                variable="model",
                value=recipe,
            )
        with self._lock:
            own = self._opening.setdefault((name, recipe), threading.Lock())
        with own:
            if (name, recipe) not in self._opened:
                self._opened[name, recipe] = load(name, model=recipe)
            return self._opened[name, recipe]

    def opened(self, name: str, model: str | None = None) -> Surrogate | None:
        """The surrogate where it is open already."""
        if model is None and any(name == known for known, _ in self._opened):
            model = next(iter(self.plugin(name).recipes))
        return self._opened.get((name, model or ""))

    def checked(self, outputs: Schema, n: int, fields: Mapping[str, Any]) -> int:
        """`n`, where so many samples fit what one request may make."""
        if not 0 <= n <= self.settings.most_samples:
            raise SchemaError.about("n", f"{n}", f"0 to {self.settings.most_samples:,} samples a request", value=n)
        each = _bytes_each(outputs)
        each = max(each, *(field.nbytes for field in fields.values() if isinstance(field, np.ndarray)), 1)
        if n * each > self.settings.most_bytes:
            most = self.settings.most_bytes // each
            raise SchemaError.about("n", f"{n} samples of {each:,} bytes", f"{most:,} or fewer a request", value=n)
        return n

    def keep(self, plugin: str, condition: str, field: np.ndarray) -> str:
        """Keep an uploaded field, and return the name by which a request gives it."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._fields[name] = (plugin, condition, field)
            while len(self._fields) > KEPT_FIELDS:
                self._fields.popitem(last=False)
        return name

    def keeps(self, plugin: str, condition: str, name: str) -> bool:
        """Whether an uploaded field of that name is held."""
        found = self._fields.get(name)
        return found is not None and found[:2] == (plugin, condition)

    def conditions(self, plugin: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Conditions of a request, uploads in place of their names."""
        given: dict[str, Any] = {}
        for name, value in asked.items():
            if isinstance(value, dict):
                key = value.get("upload") if set(value) == {"upload"} else None
                found = self._fields.get(key) if isinstance(key, str) else None
                if found is None or found[:2] != (plugin, name):
                    raise SchemaError.about(
                        name,
                        "no such upload",
                        'a value, or {"upload": NAME} of a field that was sent',
                        value=str(value),
                    )
                value = found[2]
            if value is not None:
                given[name] = _numbers(value)
        return given

    def example(self, name: str, seed: int) -> dict[str, Any]:
        """Conditions that make a first picture: middles and defaults; what must be a field is drawn from the prior."""
        surrogate, plugin = self.surrogate(name), self.plugin(name)
        found = example_conditions(surrogate.conditions)
        needed = [v.name for v in surrogate.conditions if v.name not in found and not v.optional and v.default is None]
        if needed:
            drawn = plugin.prior(surrogate.conditions, 1, seed)
            for variable in surrogate.conditions:
                values = drawn[variable.name].values[0]
                if variable.text:
                    found[variable.name] = str(np.atleast_1d(texts(values[None]))[0])
                elif variable.dims:
                    found[variable.name] = {"upload": self.keep(name, variable.name, values)}
        return found


@lru_cache(maxsize=64)
def _bytes_each(outputs: Schema) -> int:
    """Bytes of one sample; of a dimension without a declared length, of one entry."""
    sizes = {dim.name: dim.size or 1 for dim in outputs.dimensions}
    return sum(np.dtype(found.dtype).itemsize * math.prod(sizes[dim] for dim in found.dims) for found in outputs)


def _numbers(value: Any, depth: int = 8) -> Any:
    """Nested lists with NaN, what was not asked, in place of null; no field has more axes than are looked at."""
    if not isinstance(value, list) or not depth:
        return value
    return [float("nan") if item is None else _numbers(item, depth - 1) for item in value]


def parsed(plugin: str, condition: str, filename: str, body: bytes, settings: Settings) -> np.ndarray:
    """A field condition from an uploaded file, read in a process with little memory and time.

    Raises
    ------
    SchemaError
        What the reader says of the file, in one line, or that it died of it.
    """
    with TemporaryDirectory(prefix="surrogates-") as folder:
        suffix = "".join(Path(filename).suffixes[-2:])[-16:] or ".bin"
        source, target = Path(folder) / f"upload{suffix}", Path(folder) / "field.npy"
        source.write_bytes(body)
        command = [sys.executable, "-m", "surrogates.web.reading", plugin, condition, str(source), str(target)]
        try:
            ended = subprocess.run(command, capture_output=True, timeout=settings.seconds, text=True, cwd=folder)
        except subprocess.TimeoutExpired:
            raise SchemaError.about(
                condition, f"{filename} was not read in {settings.seconds:g} s", "a smaller file", value=filename
            ) from None
        if ended.returncode != 0 or not target.is_file():
            said = (ended.stderr.strip().splitlines() or ["its reader died of it"])[-1]
            raise SchemaError(
                f"{condition}: {said.replace(str(source), filename)}", variable=condition, value=filename
            ) from None
        return np.load(target, allow_pickle=False)


def rows_of(schema: Schema, samples: list[int], given: Mapping[str, Any]) -> xr.Dataset:
    """Conditions given with an identity each, as rows."""
    import xarray as xr

    identities = np.asarray(samples, dtype=np.int64)
    if len(np.unique(identities)) != len(identities):
        raise SchemaError.about("samples", "an identity twice", "one of its own for each row")
    arrays = {}
    for name, value in given.items():
        variable = schema[name]
        array = np.asarray(value)
        shared = array.ndim == (0 if variable.text else len(variable.dims))
        if not shared and len(array) != len(identities):
            raise SchemaError.about(name, f"{len(array)} values", f"one, or {len(identities)} as `samples` has")
        whole = np.broadcast_to(array, (len(identities), *array.shape)) if shared else array
        arrays[name] = (("sample", *(variable.dims if not variable.text else ())), whole)
    return xr.Dataset(arrays, coords={"sample": identities})


__all__ = ["ServiceError", "Simulators", "parsed", "rows_of"]
