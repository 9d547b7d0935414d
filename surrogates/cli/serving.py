"""`serve`: the page and the service, on this machine alone unless a token is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import uvicorn


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address; another machine's needs a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--socket", type=click.Path(), default="", help="A Unix socket in place of host and port.")
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False), help="File whose first line is the token.")
@click.option("--root-path", default="", help="Where a proxy shows the server, e.g. /user/me/proxy/8000.")
@click.option("--allow-host", "hosts", multiple=True, help="A further name of this server, a proxy's; may be repeated.")
@click.option("--most-samples", type=click.IntRange(1), default=100_000, show_default=True, help="Of one request.")
@click.option("--seconds", type=click.FloatRange(0.1), default=60.0, show_default=True, help="One request may take.")
@click.option("--json-log", is_flag=True, help="A line of JSON a request on stderr.")
def serve_command(
    host: str,
    port: int,
    socket: str,
    token_file: str | None,
    root_path: str,
    hosts: tuple[str, ...],
    most_samples: int,
    seconds: float,
    json_log: bool,
) -> None:
    """Open every installed simulator in a browser, and over HTTP.

    surrogates serve

    The page builds its controls from each simulator's schema; /api/v1 answers the same to programs, and
    surrogates.connect("http://127.0.0.1:8000", "jets") is a simulator to call. Nothing asks another host.
    """
    from ..contract.errors import SurrogatesError

    try:
        import uvicorn
        from uvicorn.config import LOGGING_CONFIG

        from ..web.app import create_app
        from ..web.settings import Settings
    except ImportError as error:
        raise SurrogatesError(f"serve: {error.name} is not installed; pip install 'surrogates[web]'") from None

    token = Path(token_file).read_text(encoding="utf-8").partition("\n")[0].strip() if token_file else None
    settings = Settings(
        host=host,
        port=port,
        token=token,
        root_path=root_path,
        hosts=hosts,
        socket=socket,
        most_samples=most_samples,
        seconds=seconds,
    )
    if json_log:
        from ..web.watching import log_as_json

        log_as_json()
    place = {"uds": socket} if socket else {"host": host, "port": port}
    config = uvicorn.Config(
        create_app(settings),
        **place,  # type: ignore[arg-type]
        log_level="warning",
        log_config=None if json_log else LOGGING_CONFIG,
        access_log=False,
        server_header=False,
        timeout_keep_alive=10,
        limit_concurrency=1000,
    )
    announcing(config).run()


def _announced(server: object) -> str:
    """The address that was bound, a free port found."""
    sockets = [bound for part in getattr(server, "servers", ()) for bound in part.sockets]
    if not sockets:
        return "serving"
    name = sockets[0].getsockname()
    return f"serving on http://{name[0]}:{name[1]}/" if isinstance(name, tuple) else f"serving on {name}"


def announcing(config: uvicorn.Config) -> uvicorn.Server:
    """A server that prints where it listens once it does."""
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list | None = None) -> None:
            await super().startup(sockets)
            if config.uds and not self.should_exit:
                os.chmod(config.uds, 0o600)  # who may connect: its owner
            if not self.should_exit:
                click.echo(f"{_announced(self)}; Ctrl-C ends it", err=True)

    return Announcing(config)
