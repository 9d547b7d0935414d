"""Two hundred clients at once against a server on this machine: what is answered, how soon, and what it costs.

    python benchmarks/service_load.py                        five minutes batched, five minutes unbatched
    python benchmarks/service_load.py --minutes 1 --plugin jets -n 4

A server is started on a free port of 127.0.0.1 and ended. Every client sends one request after another, each with a
seed of its own, and waits as long as a 429 says. Beside them some callers misbehave: they send half a request and
stall, or leave before the answer. An answer counts as accepted where its body is whole and holds the seed that was
asked; every answer must be that, or a 429 with Retry-After. Exit code 1 where one is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

HOST = "127.0.0.1"
MOST_CLIENTS, MOST_MINUTES = 500, 60.0
WARM_SECONDS = 5.0
COMPARED = 24
"""Answers of a run that are held against `surrogates.load(...).sample`."""
MISBEHAVING = 4
PATIENCE = 90.0
"""Seconds after which a request without an answer counts as failed."""


@dataclass
class Seen:
    """What the clients of one run saw."""

    seconds: list[float] = field(default_factory=list)
    busy: int = 0
    failed: list[str] = field(default_factory=list)
    kept: list[tuple[str, int, bytes]] = field(default_factory=list)
    left: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Load:
    """One run."""

    exact: bool
    clients: int
    took: float
    seen: Seen
    rss: tuple[float, float]
    cpu: float
    own: float
    deviation: float

    def row(self) -> tuple[str, ...]:
        """A row of the table."""
        seconds, before, after = np.array(self.seen.seconds or [np.nan]), *self.rss
        return (
            "unbatched" if self.exact else "batched",
            f"{self.clients}",
            f"{self.took:.0f}",
            f"{len(self.seen.seconds):,}",
            f"{len(self.seen.seconds) / self.took:.0f}",
            f"{self.seen.busy:,}",
            f"{len(self.seen.failed)}",
            f"{np.percentile(seconds, 50):.2f}",
            f"{np.percentile(seconds, 95):.2f}",
            f"{1000 * self.cpu / max(1, len(self.seen.seconds)):.1f}",
            f"{self.cpu / self.took:.2f} / {self.own / self.took:.2f}",
            f"{before:.0f} → {after:.0f} ({100 * (after / before - 1):+.1f} %)",
            f"{self.deviation:.0e}" if self.deviation else "0",
        )


HEAD = (
    "requests",
    "clients",
    "seconds",
    "accepted",
    "accepted a second",
    "429",
    "failed",
    "p50 [s]",
    "p95 [s]",
    "server's CPU each [ms]",
    "cores: server / clients",
    "memory [MB]",
    "from `sample` [spreads]",
)


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes, method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """Send one request on an open connection and read its whole answer."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:]) if value}
    return int(lines[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


def whole(body: bytes, seed: int) -> bool:
    """Whether the arrays are all there, of the seed that was asked."""
    try:
        (length,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + length])
        ends = [
            entry["offset"] + np.dtype(entry["dtype"]).itemsize * int(np.prod(entry["shape"]))
            for entry in header["variables"]
            if "offset" in entry
        ]
        return header["attrs"]["seed"] == seed and 4 + length + max(ends) <= len(body)
    except (struct.error, ValueError, KeyError, TypeError):
        return False


async def client(port: int, asked: list[tuple[str, dict[str, Any]]], seeds: count, end: float, seen: Seen) -> None:
    """Ask one request after another until the time is over."""
    reader, writer = await asyncio.open_connection(HOST, port, limit=2**20)
    while time.perf_counter() < end:
        seed = next(seeds)
        path, body = asked[seed % len(asked)]
        begun = time.perf_counter()
        try:
            status, headers, got = await asyncio.wait_for(
                answer(reader, writer, path, json.dumps({**body, "seed": seed}).encode()), PATIENCE
            )
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            seen.failed.append(f"{type(error).__name__}: {error}")
            writer.close()
            reader, writer = await asyncio.open_connection(HOST, port, limit=2**20)
            continue
        if status == 429 and re.fullmatch(r"\d+", headers.get("retry-after", "")):
            seen.busy += 1
            await asyncio.sleep(float(headers["retry-after"]))
        elif status == 200 and whole(got, seed):
            seen.seconds.append(time.perf_counter() - begun)
            seen.bytes += len(got)
            if len(seen.kept) < COMPARED or seed % 997 == 0:
                seen.kept.append((path, seed, got))
        else:
            seen.failed.append(f"status {status}, {len(got)} bytes: {got[:120]!r}")
    writer.close()


async def misbehaving(port: int, asked: list[tuple[str, dict[str, Any]]], number: int, end: float, seen: Seen) -> None:
    """Send half a request and stall, or a whole one and leave."""
    path, body = asked[number % len(asked)]
    raw = json.dumps({**body, "seed": 1}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    while time.perf_counter() < end:
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write(head.encode() + (raw[: len(raw) // 2] if number % 2 else raw))
        await writer.drain()
        await asyncio.sleep(max(0.0, min(20.0 if number % 2 else 0.02, end - time.perf_counter())))
        writer.transport.abort()
        seen.left += 1
        await asyncio.sleep(0.5)


async def crowd(port: int, asked: list[tuple[str, dict[str, Any]]], clients: int, seconds: float, first: int) -> Seen:
    """So many clients for so long, and some who misbehave."""
    seen, seeds, end = Seen(), count(first), time.perf_counter() + seconds
    others = [asyncio.create_task(misbehaving(port, asked, number, end, seen)) for number in range(MISBEHAVING)]
    await asyncio.gather(*(client(port, asked, seeds, end, seen) for _ in range(clients)))
    await asyncio.gather(*others, return_exceptions=True)
    return seen


async def examples(port: int, plugins: list[str], n: int, exact: bool) -> list[tuple[str, dict[str, Any]]]:
    """Path and body of a request to each plugin, with the conditions of the page's first picture."""
    reader, writer = await asyncio.open_connection(HOST, port)
    found = []
    for name in plugins:
        base = f"/api/v1/plugins/{name}"
        status, _, got = await answer(reader, writer, f"{base}/example", b'{"seed": 1}')
        if status != 200:
            raise SystemExit(f"{name}: {got.decode()}")
        body = {"n": n, "exact": exact, "conditions": json.loads(got)["conditions"]}
        found.append((f"{base}/arrays", body))
        await answer(reader, writer, f"{base}/arrays", json.dumps({**body, "seed": 1}).encode())
    writer.close()
    return found


def memory(process: int) -> float:
    """Resident memory [MB]."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024


def processor(process: int) -> float:
    """Processor seconds that a process has had."""
    with open(f"/proc/{process}/stat", encoding="ascii") as about:
        fields = about.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def deviation(kept: list[tuple[str, int, bytes]], asked: list[tuple[str, dict[str, Any]]]) -> float:
    """Largest distance of a number from that of `sample`, in spreads of its variable over the answers compared."""
    import surrogates
    from surrogates.web.arrays import unpacked

    bodies, worst = dict(asked), 0.0
    for path, body in bodies.items():
        name = path.split("/")[-2]
        simulator = surrogates.load(name)
        chosen = [(seed, raw) for where, seed, raw in kept if where == path][:COMPARED]
        pairs: dict[str, list[tuple[Any, Any]]] = {}
        for seed, raw in chosen:
            arrays, _ = unpacked(raw)
            own = simulator.sample(body["n"], seed=seed, **body["conditions"])
            for variable in simulator.outputs:
                if not variable.text and variable.categories is None:
                    pair = arrays[variable.name], own[variable.name].values
                    pairs.setdefault(variable.name, []).append(pair)
        for both in pairs.values():
            ours, theirs = (np.concatenate([np.ravel(pair[side]).astype(float) for pair in both]) for side in range(2))
            spread = float(np.nanstd(theirs)) or 1.0
            worst = max(worst, float(np.nanmax(np.abs(ours - theirs))) / spread)
    return worst


def server() -> tuple[subprocess.Popen[str], int]:
    """A server of its own, and its port."""
    command = [sys.executable, "-m", "surrogates", "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr or ():
        found = re.search(rf"serving on http://{re.escape(HOST)}:(\d+)/", line)
        if found:
            return process, int(found.group(1))
    raise SystemExit(f"the server did not start (exit code {process.wait()})")


def run(plugins: list[str], n: int, clients: int, seconds: float, exact: bool) -> Load:
    """Start a server, load it, and end it."""
    process, port = server()
    try:
        asked = asyncio.run(examples(port, plugins, n, exact))
        asyncio.run(crowd(port, asked, clients, min(WARM_SECONDS, seconds), 10**6))
        before, spent, begun = memory(process.pid), processor(process.pid), time.perf_counter()
        own = time.process_time()
        seen = asyncio.run(crowd(port, asked, clients, seconds, 1))
        took, after, spent = time.perf_counter() - begun, memory(process.pid), processor(process.pid) - spent
        own = time.process_time() - own
        return Load(exact, clients, took, seen, (before, after), spent, own, deviation(seen.kept, asked))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--plugin", action="append", help="may be repeated; requests go to each in turn")
    parser.add_argument("-n", type=int, default=1, help="samples a request")
    parser.add_argument("--only", choices=("batched", "unbatched"))
    given = parser.parse_args(arguments)
    if not (0 < given.minutes <= MOST_MINUTES and 0 < given.clients <= MOST_CLIENTS and given.n > 0):
        parser.error(f"at most {MOST_MINUTES:g} minutes and {MOST_CLIENTS} clients, and one sample or more")
    plugins = given.plugin or ["particle-events"]
    modes = [exact for exact in (False, True) if given.only in (None, "unbatched" if exact else "batched")]
    loads = [run(plugins, given.n, given.clients, 60 * given.minutes, exact) for exact in modes]
    print(f"{', '.join(plugins)}, {given.n} a request, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    for row in (HEAD, ("---",) * len(HEAD), *(load.row() for load in loads)):
        print("| " + " | ".join(row) + " |")
    for load in loads:
        for line in sorted(set(load.seen.failed))[:5]:
            print(f"failed: {line}", file=sys.stderr)
        print(f"{load.row()[0]}: {load.seen.left} callers left or stalled beside them", file=sys.stderr)
    return int(any(load.seen.failed or not load.seen.seconds for load in loads))


if __name__ == "__main__":
    sys.exit(main())
