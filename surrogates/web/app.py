"""The service: one FastAPI application; every route answers with data, or with one line that names what was wrong."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, File, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import generate_latest
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from ..contract.errors import PluginError, SchemaError, SimulatorMissing, SurrogatesError
from ..provenance import package_version
from ..sampling.ablation import layers, without
from ..sampling.files import formats_of
from ..sampling.outputs import write_options
from ..sampling.together import call, most_together
from .arrays import MEDIA_TYPE, packed
from .batching import Batching
from .description import described, listed, request_schema
from .guard import Guard
from .settings import Settings
from .simulators import Simulators, parsed, rows_of
from .turns import COME_AGAIN, Busy, Gone, Stop, TooLong, Turns
from .watching import GONE, Metrics, Watched
from .workers import Died, References

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from ..contract.schema import Schema

API = "/api/v1"
STATIC = Path(__file__).parent / "static"
LOG = logging.getLogger("surrogates.web")
_MOST_SEED = 2**63 - 1
_LONGEST_LINE = 600  # of an error, which may hold a value that was sent
IN_MEMORY = 256 * 2**10
"""Bytes of an answer above which it waits for its caller on the disk."""


class Asked(BaseModel):
    """The body of a request for samples; `description.request_schema` has it plugin by plugin."""

    model_config = ConfigDict(extra="forbid", strict=True)

    n: int = Field(1, ge=0)
    seed: int = Field(ge=0, le=_MOST_SEED)
    first: int = Field(0, ge=-_MOST_SEED, le=_MOST_SEED)
    samples: list[Annotated[int, Field(ge=-_MOST_SEED, le=_MOST_SEED)]] | None = None
    model: str | None = None
    format: str = "netcdf"
    exact: bool = False
    ablate: dict[str, list[int]] = {}
    conditions: dict[str, Any] = {}

    def marked(self, found: xr.Dataset) -> xr.Dataset:
        """Samples that say which units of the network were off."""
        off = "; ".join(f"{name}: {', '.join(map(str, units))}" for name, units in self.ablate.items() if units)
        return found.assign_attrs(ablated=off) if off else found

    def rows(self, schema: Schema, given: dict[str, Any]) -> tuple[int | xr.Dataset, dict[str, Any], dict[str, Any]]:
        """What `sample` takes: a number or rows, keywords for a number alone, and conditions by name."""
        if self.samples is None:
            return self.n, {"first": self.first}, given
        return rows_of(schema, self.samples, given), {}, {}

    @property
    def count(self) -> int:
        """Samples asked."""
        return self.n if self.samples is None else len(self.samples)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application of a server.

    Parameters
    ----------
    settings : Settings
    """
    rules = settings or Settings()
    simulators, references, metrics = Simulators(rules), References(), Metrics()
    small = Batching(rules, metrics.batches.observe)
    turns = Turns(rules, patience=rules.patience)
    aside = Turns(rules)  # references and uploads, whose work is in other processes, and takes long
    drawing = Turns(rules, running=1)  # matplotlib draws one figure at a time
    for name, queue in (("samples", turns), ("aside", aside), ("figures", drawing)):
        metrics.waiting.labels(name).set_function(lambda queue=queue: queue.asked)
    metrics.waiting.labels("small").set_function(lambda: small.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(listed)  # declarations are imported before the server says that it is ready
        yield
        references.close()
        for part in (small, turns, aside, drawing):
            part.close()

    app = FastAPI(
        title="surrogates",
        version=package_version("surrogates"),
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        lifespan=lifespan,
    )
    app.state.simulators = simulators

    _errors(app)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page(request: Request) -> HTMLResponse:
        text = (STATIC / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(text.replace("{root}", request.scope.get("root_path", "").rstrip("/")))

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": package_version("surrogates")}

    @app.get("/metrics", response_class=PlainTextResponse)
    async def scraped() -> PlainTextResponse:
        return PlainTextResponse(generate_latest(metrics.registry).decode())

    @app.get(f"{API}/plugins")
    async def plugins() -> list[dict[str, Any]]:
        return await asyncio.to_thread(listed)

    @app.get(f"{API}/plugins/{{name}}")
    async def one(name: str) -> dict[str, Any]:
        return await asyncio.to_thread(described, name)

    @app.get(f"{API}/plugins/{{name}}/schema")
    async def schema(name: str) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: request_schema(simulators.plugin(name), rules.most_samples))

    @app.get(f"{API}/plugins/{{name}}/models/{{model}}/layers")
    async def units(name: str, model: str, request: Request) -> dict[str, int]:
        return await turns.take(lambda _: layers(simulators.surrogate(name, model)), left(request))

    @app.post(f"{API}/plugins/{{name}}/example")
    async def example(name: str, asked: Asked, request: Request) -> dict[str, Any]:
        found = await turns.take(lambda _: simulators.example(name, asked.seed), left(request))
        return {"conditions": found}

    def prepared(name: str, asked: Asked) -> tuple[Any, Any, dict[str, Any], dict[str, Any]]:
        surrogate = simulators.surrogate(name, asked.model)
        given = simulators.conditions(name, asked.conditions)
        simulators.checked(surrogate.outputs, asked.count, given)
        return without(surrogate, asked.ablate), *asked.rows(surrogate.conditions, given)

    @app.post(f"{API}/plugins/{{name}}/samples")
    async def samples(name: str, asked: Asked, request: Request) -> FileResponse:
        def make(stop: Stop) -> tuple[Path, str]:
            surrogate, rows, more, given = prepared(name, asked)
            chosen = formats_of(simulators.plugin(name)).named(asked.format)
            if chosen.one_sample_a_file and asked.count != 1:
                raise SchemaError.about("n", f"{asked.count}", f"1, as {chosen.name} holds one sample a file")
            blocks = surrogate.stream(rows, seed=asked.seed, **more, **given)
            path = Path(mkdtemp(prefix="surrogates-")) / f"{name}{chosen.suffixes[0]}"
            try:
                options = write_options(chosen, compression=None)
                chosen.write(map(asked.marked, stop.between(blocks)), path, overwrite=False, **options)
            except BaseException:
                _remove(path)
                raise
            return path, chosen.name

        path, _ = await turns.take(make, left(request))
        metrics.samples.labels(name, "surrogate").inc(asked.count)
        return FileResponse(path, filename=path.name, background=BackgroundTask(_remove, path))

    @app.post(f"{API}/plugins/{{name}}/arrays")
    async def arrays(name: str, asked: Asked, request: Request) -> Response:
        surrogate = simulators.opened(name, asked.model)
        if surrogate is None:
            surrogate = await turns.take(lambda _: simulators.surrogate(name, asked.model), left(request))

        def finish(found: xr.Dataset) -> bytes:
            return packed(found, surrogate.conditions, surrogate.outputs)

        def make(stop: Stop) -> bytes:
            opened, rows, more, given = prepared(name, asked)
            return finish(asked.marked(opened.sample(rows, seed=asked.seed, **more, **given)))

        def prepare() -> Any:
            opened, rows, more, given = prepared(name, asked)
            return call(opened, rows, seed=asked.seed, **more, **given)

        if asked.exact or asked.ablate or not 0 < asked.count <= most_together(surrogate):
            body = await turns.take(make, left(request))
        else:
            body = await small.take(surrogate, asked.count, prepare, finish, left(request))
        metrics.samples.labels(name, "surrogate").inc(asked.count)
        return await _arrays(body)

    @app.post(f"{API}/plugins/{{name}}/reference")
    async def reference(name: str, asked: Asked, request: Request) -> Response:
        def make(stop: Stop) -> bytes:
            plugin = simulators.plugin(name)
            if plugin.reference is None:
                raise SimulatorMissing(f"{name}: no reference simulator that runs forward from these conditions")
            given = simulators.conditions(name, asked.conditions)
            simulators.checked(plugin.outputs, asked.count, given)
            rows, more, given = asked.rows(plugin.conditions, given)
            return references.arrays(name, rows, asked.seed, more.get("first", 0), given, stop)

        body = await aside.take(make, left(request))
        metrics.samples.labels(name, "reference").inc(asked.count)
        return await _arrays(body)

    @app.post(f"{API}/plugins/{{name}}/figure", response_class=Response)
    async def figure(name: str, asked: Asked, request: Request) -> Response:
        def make(stop: Stop) -> bytes:
            surrogate, rows, more, given = prepared(name, asked)
            drawn = simulators.plugin(name).figure(surrogate.sample(rows, seed=asked.seed, **more, **given), None)
            return png(drawn)

        return Response(await drawing.take(make, left(request)), media_type="image/png")

    @app.post(f"{API}/plugins/{{name}}/fields/{{condition}}")
    async def field(name: str, condition: str, file: Annotated[UploadFile, File()], request: Request) -> dict[str, Any]:
        body, filename = await file.read(), Path(file.filename or "upload").name
        plugin = await asyncio.to_thread(simulators.plugin, name)
        if not plugin.conditions[condition].dims or plugin.conditions[condition].text:
            raise SchemaError.about(condition, "no field", "a number or a label in the request itself")

        def make(stop: Stop) -> Any:
            return parsed(name, condition, filename, body, rules)

        found = await aside.take(make, left(request))
        return {"upload": simulators.keep(name, condition, found), "shape": list(found.shape)}

    @app.get(f"{API}/plugins/{{name}}/fields/{{condition}}/{{upload}}")
    async def held(name: str, condition: str, upload: str) -> dict[str, bool]:
        return {"kept": simulators.keeps(name, condition, upload)}

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guard, settings=rules)
    app.add_middleware(Watched, metrics=metrics)
    return app


def left(request: Request) -> Callable[[], Awaitable[None]]:
    """What returns once the caller of a request, whose body is read, went away."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return gone


async def _arrays(body: bytes) -> Response:
    """An answer of arrays; a large one waits on the disk, so that slow callers fill no memory."""
    if len(body) <= IN_MEMORY:
        return Response(body, media_type=MEDIA_TYPE)

    def stored() -> Path:
        path = Path(mkdtemp(prefix="surrogates-")) / "arrays"
        path.write_bytes(body)
        return path

    path = await asyncio.to_thread(stored)
    return FileResponse(path, media_type=MEDIA_TYPE, background=BackgroundTask(_remove, path))


def png(drawn: Figure) -> bytes:
    """A figure as PNG; it is closed."""
    from matplotlib import pyplot

    picture = io.BytesIO()
    drawn.savefig(picture, dpi=110, format="png")
    pyplot.close(drawn)
    return picture.getvalue()


def _errors(app: FastAPI) -> None:
    """Every error as one line of JSON: 404, 422 with the variable named, 429, 503, 500."""

    def answer(status: int, line: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
        line = line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE // 2]} … {line[-_LONGEST_LINE // 2 :]}"
        return JSONResponse({"error": line, **{k: str(v) for k, v in more.items() if v is not None}}, status, headers)

    @app.exception_handler(SurrogatesError)
    async def refused(_: Request, error: SurrogatesError) -> JSONResponse:
        status = 404 if isinstance(error, PluginError) else 422
        return answer(status, f"{error}", variable=error.variable, expected=error.expected)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
        return answer(422, f"{place}: {first['msg']}", variable=place)

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(ImportError)
    async def missing(_: Request, error: ImportError) -> JSONResponse:
        return answer(422, f"{error.name or error}: not installed on this server; install the plugin's extra")

    @app.exception_handler(Busy)
    async def busy(_: Request, error: Busy) -> JSONResponse:
        line = f"busy: as many requests wait as can be answered soon; ask again in {error.seconds} s"
        return answer(429, line, {"Retry-After": str(error.seconds)})

    @app.exception_handler(TooLong)
    async def slow(_: Request, error: TooLong) -> JSONResponse:
        return answer(503, "the request took longer than this server allows; ask for less")

    @app.exception_handler(Gone)
    async def gone(_: Request, error: Gone) -> JSONResponse:
        return answer(GONE, "the caller went away")

    @app.exception_handler(Died)
    async def died(_: Request, error: Died) -> JSONResponse:
        line = f"{error}: the process of the reference simulator ended before it answered; ask again, or for less"
        return answer(503, line, {"Retry-After": str(COME_AGAIN)})

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        LOG.exception("unexpected", exc_info=error)
        return answer(500, "an unexpected failure, which is a bug; the server's log has it")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.parent.rmdir()
