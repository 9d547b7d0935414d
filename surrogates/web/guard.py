"""The guard before every route: who may ask, from where, and how large a body may be; what every answer says.

The server sets no cookies and allows no other origin. The name in `Host` is checked, so that a page elsewhere cannot
reach a local server under a name of its own (DNS rebinding), and `Origin` on whatever changes or computes something.
"""

from __future__ import annotations

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
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused is not None:
            return await JSONResponse({"error": refused[1]}, refused[0], _more(refused[0]))(scope, receive, _with(send))

        read, whole = 0, True

        async def limited() -> MutableMapping[str, Any]:
            nonlocal read, whole
            message = await receive()
            read += len(message.get("body", b""))
            whole = whole and read <= self.settings.most_bytes
            return message if whole else {"type": "http.disconnect"}

        async def sent(message: MutableMapping[str, Any]) -> None:
            if whole:  # what is said of a body that was cut off is not said
                await _with(send)(message)

        await self.app(scope, limited, sent)
        if not whole:
            await JSONResponse({"error": self._too_large}, 413)(scope, receive, _with(send))

    @property
    def _too_large(self) -> str:
        return f"body: more than {self.settings.most_bytes:,} bytes, which this server does not take"

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self.settings.socket and _hostname(f"//{host}") not in self.settings.names:
            return 421, f"Host: {host or 'nothing'} is no name of this server; start it with --allow-host NAME"
        if scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc != host:
                return 403, f"Origin: {origin} is another page's; this server answers its own page and programs"
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if self.settings.token is not None and not (path == "/" or path.startswith(OPEN[1:])):
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), self.settings.token.encode()):
                return 401, "Authorization: no or another token; send Authorization: Bearer TOKEN"
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return 400, f"Content-Length: {length!r}; expected a number of bytes"
        if int(length) > self.settings.most_bytes:
            return 413, self._too_large
        return None


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
