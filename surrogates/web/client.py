"""A simulator on another machine: the same call, computed by a server of `surrogates serve`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import registry
from ..contract.errors import SchemaError, SurrogatesError
from ..contract.schema import Schema
from ..sampling.request import Request, ask
from .arrays import unpacked
from .settings import ServiceError

if TYPE_CHECKING:
    import httpx
    import xarray as xr

PARTS = 4096
"""Samples that one request to the server asks; a larger call is cut."""

PART_BYTES = 4 * 2**20
"""Bytes of conditions that one request holds, as arrays; in JSON they are some times more."""

TRIES = 8
"""Times that a busy server is asked, a pause as it says between two."""


def connect(
    url: str,
    plugin: str,
    *,
    model: str | None = None,
    token: str | None = None,
    timeout: float = 300.0,
    exact: bool = True,
) -> RemoteSimulator:
    """Open a simulator of a server as if it were here.

    Parameters
    ----------
    url : str
        Of the server, e.g. ``http://127.0.0.1:8000``.
    plugin : str
        Its name; the plugin itself has to be installed here too, for its schema, its weights need not.
    model : str, optional
        Recipe; the plugin's first one by default.
    token : str, optional
        The server's.
    timeout : float
        Seconds that one request may take.
    exact : bool
        Ask for the bits of `Surrogate.sample`. A server with many callers answers small calls sooner where it may
        compute them together, whose numbers then agree to rounding.

    Returns
    -------
    RemoteSimulator

    Raises
    ------
    ServiceError
        No server answers there, or not as this package's does.
    """
    try:
        import httpx
    except ImportError:
        raise ServiceError("connect: httpx is not installed; pip install 'surrogates[web]'") from None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=timeout)
    declared = registry.plugin(plugin)
    simulator = RemoteSimulator(plugin, client, declared.conditions, declared.outputs, model, exact)
    simulator.checked()
    return simulator


@dataclass(frozen=True)
class RemoteSimulator:
    """A `Simulator` whose samples come over HTTP.

    Attributes
    ----------
    plugin : str
    conditions, outputs : Schema
    model : str, optional
    exact : bool
    """

    plugin: str
    client: httpx.Client = field(repr=False)
    conditions: Schema = field(repr=False)
    outputs: Schema = field(repr=False)
    model: str | None = None
    exact: bool = True

    def checked(self) -> None:
        """Raise ServiceError where the server does not know the plugin."""
        self._answer("GET", f"/plugins/{self.plugin}")

    def sample(self, n_or_conditions: int | xr.Dataset, *, seed: int, first: int = 0, **conditions: Any) -> xr.Dataset:
        """Draw samples on the server; the call of `Surrogate.sample`.

        Raises
        ------
        SchemaError
            What the server refuses: its line.
        ServiceError
            No answer, a busy server, or one that does not answer as this package's does.
        """
        request = ask(self.conditions, n_or_conditions, conditions, first=first, outputs=self.outputs)
        size = max(1, min(PARTS, PART_BYTES // max(1, next(request.blocks(1)).nbytes)))
        parts = [self._part(request, rows, seed) for rows in request.blocks(size)]
        if len(parts) == 1:
            return parts[0]
        import xarray as xr

        return xr.concat(
            parts, "sample", combine_attrs="override", data_vars="all", coords="minimal", compat="override"
        )

    def _part(self, request: Request, rows: xr.Dataset, seed: int) -> xr.Dataset:
        import xarray as xr

        given = {}
        for variable in self.conditions:
            values = np.asarray(rows[variable.name].values)
            if variable.text:
                from ..contract.schema import texts

                given[variable.name] = [str(text) for text in np.atleast_1d(texts(values))]
            elif not variable.optional or (values != variable.missing).any() and not _all_missing(values):
                given[variable.name] = _labels(variable.categories, values)
        asked = {"seed": seed, "exact": self.exact, "samples": rows["sample"].values.tolist(), "conditions": given}
        asked |= {"model": self.model} if self.model is not None else {}
        arrays, header = unpacked(self._answer("POST", f"/plugins/{self.plugin}/arrays", asked).content)
        data = {}
        for entry in header["variables"]:
            if entry["name"] == "sample":
                continue
            schema = self.outputs if entry["name"] in self.outputs else self.conditions
            values = arrays[entry["name"]]
            if isinstance(values, list):
                values = _codes(schema, entry["name"], values)
            data[entry["name"]] = xr.Variable(entry["dims"], values, schema[entry["name"]].attrs())
        about = {"long_name": "identity of the sample", "units": "1"}
        coords = {"sample": ("sample", np.asarray(arrays["sample"], dtype=np.int64), about)}
        return xr.Dataset(data, coords=coords, attrs=header["attrs"])

    def _answer(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        import httpx

        for turn in range(TRIES):
            try:
                answer = self.client.request(method, path, json=body)
            except httpx.HTTPError as error:
                raise ServiceError(f"{self.client.base_url}: no answer ({type(error).__name__}: {error})") from None
            if answer.status_code != 429 or turn == TRIES - 1:
                break
            time.sleep(pause(answer.headers.get("retry-after", "")))
        if answer.is_success:
            return answer
        try:
            said = answer.json()
            line = str(said["error"])
        except (ValueError, KeyError, TypeError):
            raise ServiceError(
                f"{self.client.base_url}: status {answer.status_code}, no line of this package"
            ) from None
        kind: type[SurrogatesError] = SchemaError if answer.status_code == 422 else ServiceError
        raise kind(line, variable=said.get("variable"), expected=said.get("expected"))


def pause(said: str) -> float:
    """Seconds that a busy server asks to wait; one, where it says nothing that is a number, and a minute at most."""
    try:
        return min(60.0, max(0.0, float(said)))
    except ValueError:
        return 1.0


def _all_missing(values: np.ndarray) -> bool:
    return values.dtype.kind == "f" and bool(np.isnan(values).all())


def _labels(categories: tuple[str, ...] | None, values: np.ndarray) -> list[Any]:
    if not categories:
        return _nulls(values.tolist()) if values.dtype.kind == "f" and np.isnan(values).any() else values.tolist()
    return [categories[int(code)] if code >= 0 else -1 for code in values]


def _nulls(values: Any) -> Any:
    """Nested lists with null in place of NaN, which JSON has not."""
    if isinstance(values, list):
        return [_nulls(value) for value in values]
    return None if values != values else values


def _codes(schema: Schema, name: str, values: list[str]) -> np.ndarray:
    """Text as the rows of character codes that a schema holds."""
    size = schema.dimension(schema[name].dims[-1]).size or max(map(len, values), default=1)
    packed = np.array([text.encode() for text in values], dtype=f"S{size}")
    return packed.view(np.uint8).reshape(len(values), size)
