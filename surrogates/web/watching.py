"""What a server tells of itself: figures for Prometheus, and one line of JSON a request."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LOG = logging.getLogger("surrogates.web")
GONE = 499
"""Status that is noted of a request whose caller went away before an answer."""

_TOLD = ("method", "route", "status", "seconds", "bytes")


class Metrics:
    """What Prometheus reads at `/metrics`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("surrogates_requests", "Requests", ["route", "status"], registry=self.registry)
        self.seconds = Histogram("surrogates_request_seconds", "Seconds a request", ["route"], registry=self.registry)
        self.samples = Counter("surrogates_samples", "Samples made", ["plugin", "side"], registry=self.registry)
        self.batches = Histogram(
            "surrogates_batch_requests",
            "Small requests that shared a batch",
            registry=self.registry,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        )
        self.waiting = Gauge("surrogates_waiting", "Requests that compute or wait", ["queue"], registry=self.registry)


class Watched:
    """ASGI middleware that counts, times and logs every answer, those of the guard too.

    Parameters
    ----------
    app : ASGI application
    metrics : Metrics
    """

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, and note what became of it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun, status, size = time.perf_counter(), GONE, 0

        async def sent(message: MutableMapping[str, Any]) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - begun
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            if LOG.isEnabledFor(logging.INFO):
                told = (scope["method"], route, status, round(seconds, 6), size)
                LOG.info("request", extra=dict(zip(_TOLD, told, strict=True)))


class JsonLines(logging.Formatter):
    """One JSON object a line: when, how grave, what, and what was measured."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _TOLD if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_json() -> None:
    """Have the service's log on stderr as JSON, requests too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name, level in (("surrogates.web", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
