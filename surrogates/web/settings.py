"""What a server may do: where it listens, who may ask, and how much at a time."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field

from ..contract.errors import SurrogatesError


class ServiceError(SurrogatesError):
    """A server that cannot run as asked, or a remote one that does not answer as it should."""


@dataclass(frozen=True)
class Settings:
    """Limits and guards of a server.

    Attributes
    ----------
    host : str
        Address to listen on; another than this machine's own needs a token.
    port : int
        0 takes a free one.
    token : str, optional
        What a caller has to send, as ``Authorization: Bearer TOKEN``.
    root_path : str
        Where a proxy shows the server, e.g. ``/user/me/proxy/8000``.
    hosts : tuple of str
        Further names by which callers may address the server, a proxy's for one.
    socket : str
        A Unix socket in place of host and port.
    most_samples : int
        Of one request.
    most_bytes : int
        Of the body of a request, and of what one request may make in memory.
    seconds : float
        One request may take.
    running, waiting : int
        Requests that are computed at once, and that wait for their turn; others are told to come again.
    patience : float
        Seconds that a request for samples may be expected to wait at the pace of late; others are told to come again,
        and when.
    batching : int
        Small requests that are computed together or wait for that; others are told to come again.
    most_json : int
        Bytes of a request's body that is no file.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    root_path: str = ""
    hosts: tuple[str, ...] = ()
    socket: str = ""
    most_samples: int = 100_000
    most_bytes: int = 256 * 2**20
    seconds: float = 60.0
    running: int = field(default_factory=lambda: max(1, os.cpu_count() or 1))
    waiting: int = 64
    patience: float = 2.0
    batching: int = 256
    most_json: int = 32 * 2**20

    def __post_init__(self) -> None:
        if not self.socket and not self.local and not self.token:
            raise ServiceError(
                f"host: {self.host} is reached from other machines; expected a token as well (--token-file FILE), "
                "or 127.0.0.1",
                variable="host",
                value=self.host,
            )
        if self.token is not None and len(self.token) < 16:
            raise ServiceError(
                f"token: {len(self.token)} characters; expected 16 or more", variable="token", value=len(self.token)
            )

    @property
    def local(self) -> bool:
        """Whether only this machine reaches the server."""
        return is_loopback(self.host)

    @property
    def names(self) -> frozenset[str]:
        """Names by which callers may address the server."""
        return frozenset({self.host, *self.hosts, *(("localhost", "127.0.0.1", "::1") if self.local else ())})


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
