"""The guard before every route: who may ask, from where, and how large a body may be; what every answer says.

The server sets no cookies and allows no other origin. The name in `Host` is checked, so that a page elsewhere cannot
reach a local server under a name of its own (DNS rebinding), and `Origin` on whatever changes or computes something.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse

from .settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

OPEN = ("/", "/static/", "/health")
"""Paths that need no token: they say nothing of the simulators."""


class Guard:
    """ASGI middleware of the rules above.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    """

    def __init__(self, app: Any, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused; pass on the rest, with headers on the answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        root = self.settings.root_path.rstrip("/")
        if root:  # a proxy may take its own part of the path away, or leave it
            scope["root_path"] = root
            if not f"{scope['path']}/".startswith(f"{root}/"):
                scope["path"] = root + scope["path"]
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused is not None:
            return await JSONResponse({"error": refused[1]}, refused[0], _more(refused[0]))(scope, receive, _with(send))

        most, read, cut = self._most(headers), 0, 0
        ended = scope["method"] in ("GET", "HEAD")  # nothing more is to come

        async def limited() -> MutableMapping[str, Any]:
            nonlocal read, ended, cut
            try:
                message = await (receive() if ended else asyncio.wait_for(receive(), self.settings.seconds))
            except TimeoutError:
                cut, message = 408, {"type": "http.disconnect"}
            ended = ended or not message.get("more_body", False)
            read += len(message.get("body", b""))
            cut = 413 if read > most else cut
            return {"type": "http.disconnect"} if cut else message

        async def sent(message: MutableMapping[str, Any]) -> None:
            if not cut:  # what is said of a body that was cut off is not said
                await asyncio.wait_for(_with(send)(message), self.settings.seconds)

        try:
            await self.app(scope, limited, sent)
        except TimeoutError:  # a caller who takes nothing: what was left of the answer goes with the connection
            return
        if cut:
            line = _too_large(most) if cut == 413 else f"body: not whole after {self.settings.seconds:g} s"
            await JSONResponse({"error": line}, cut)(scope, receive, _with(send))

    def _most(self, headers: dict[str, str]) -> int:
        """Bytes that a body may have: a file more than a request."""
        files = headers.get("content-type", "").startswith("multipart/")
        return self.settings.most_bytes if files else min(self.settings.most_bytes, self.settings.most_json)

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self.settings.socket and _hostname(f"//{host}") not in self.settings.names:
            return 421, f"Host: {host or 'nothing'} is no name of this server; start it with --allow-host NAME"
        if scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin is not None and _netloc(origin) != host and _hostname(origin) not in self.settings.hosts:
                return 403, f"Origin: {origin} is another page's; this server answers its own page and programs"
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if self.settings.token is not None and not (path == "/" or path.startswith(OPEN[1:])):
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), self.settings.token.encode()):
                return 401, "Authorization: no or another token; send Authorization: Bearer TOKEN"
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return 400, f"Content-Length: {length!r}; expected a number of bytes"
        if int(length) > self._most(headers):
            return 413, _too_large(self._most(headers))
        return None


def _too_large(most: int) -> str:
    return f"body: more than {most:,} bytes, which this server does not take"


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _more(status: int) -> dict[str, str]:
    return {"WWW-Authenticate": "Bearer"} if status == 401 else {}


def _with(send: Send) -> Send:
    """`send` that puts the guard's headers on every answer."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            present = {key.lower() for key, _ in message.get("headers", [])}
            more = [
                (key.encode(), value.encode()) for key, value in HEADERS.items() if key.lower().encode() not in present
            ]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return sent
