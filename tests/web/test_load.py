"""Many callers: small requests share batches, who goes or fails harms nobody else, and nobody waits without end."""

import asyncio
import os
import signal
import threading
import time

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs the extra web")

import httpx  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

import surrogates  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.sampling.together import BESIDE, RELATIVE, call  # noqa: E402
from surrogates.web.app import create_app  # noqa: E402
from surrogates.web.arrays import unpacked  # noqa: E402
from surrogates.web.batching import Batching  # noqa: E402
from surrogates.web.guard import Guard  # noqa: E402
from surrogates.web.settings import Settings  # noqa: E402
from surrogates.web.turns import Busy, Gone, Stop, TooLong, Turns  # noqa: E402
from surrogates.web.workers import Died, References  # noqa: E402

ARRAYS = "/api/v1/plugins/muon-decay/arrays"


@pytest.fixture(scope="module")
def muons():
    return surrogates.load("muon-decay")


async def _never() -> None:
    await asyncio.Event().wait()


def held(muons, settings, started, free):
    """A queue whose first batch waits for `free`, so that what comes after gathers."""
    batches = []
    batching = Batching(settings, batches.append)

    def asked(seed, momentum=1.0, hold=False, gone=_never):
        def prepare():
            if hold:
                started.set()
                free.wait(20)
            return call(muons, 1, seed=seed, muon_momentum=momentum)

        return batching.take(muons, 1, prepare, lambda data: data["decay_time"].values.tobytes(), gone)

    return batching, batches, asked


def test_what_gathers_is_one_batch_and_a_bad_request_is_refused_alone(muons):
    started, free = threading.Event(), threading.Event()

    async def tried():
        batching, batches, asked = held(muons, Settings(running=1), started, free)
        first = asyncio.create_task(asked(0, hold=True))
        await asyncio.to_thread(started.wait, 20)
        others = [asyncio.create_task(asked(seed, momentum=99.0 if seed == 3 else 1.0)) for seed in range(1, 6)]
        await asyncio.sleep(0)
        free.set()
        answers = await asyncio.gather(first, *others, return_exceptions=True)
        batching.close()
        return answers, batches, batching.waiting

    answers, batches, waiting = asyncio.run(tried())
    assert isinstance(answers[3], SchemaError) and "muon_momentum" in str(answers[3])
    times = {seed: np.frombuffer(answer)[0] for seed, answer in enumerate(answers) if isinstance(answer, bytes)}
    for seed, found in times.items():
        own = muons.sample(1, seed=seed, muon_momentum=1.0)["decay_time"].values[0]
        assert found == pytest.approx(own, rel=RELATIVE)
    assert set(times) == {0, 1, 2, 4, 5} and len(set(times.values())) == 5
    assert batches == [1, 5] and waiting == 0


def test_a_full_queue_sends_away_and_one_who_goes_is_not_computed(muons):
    started, free, left = threading.Event(), threading.Event(), []

    async def gone():
        while not left:
            await asyncio.sleep(0.02)

    async def tried():
        batching, batches, asked = held(muons, Settings(running=1, batching=3), started, free)
        first = asyncio.create_task(asked(0, hold=True))
        await asyncio.to_thread(started.wait, 20)
        second, third = asyncio.create_task(asked(1)), asyncio.create_task(asked(2, gone=gone))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await asked(4)
        left.append(True)
        with pytest.raises(Gone):
            await third
        free.set()
        await asyncio.gather(first, second)
        assert await asked(5)  # there is room again
        batching.close()
        return batches

    assert asyncio.run(tried()) == [1, 1, 1]


def test_who_would_wait_too_long_is_told_when_to_come_again(muons):
    """A batch takes about a second: at that pace nine more would take longer than two."""

    async def tried():
        batching = Batching(Settings(running=1, patience=2.0))

        def asked(seed, seconds=0.0):
            def prepare():
                time.sleep(seconds)
                return call(muons, 1, seed=seed, muon_momentum=1.0)

            return batching.take(muons, 1, prepare, lambda data: data["decay_time"].values.tobytes(), _never)

        await asked(0, seconds=0.5)
        tasks = [asyncio.create_task(asked(seed, seconds=0.3)) for seed in range(1, 10)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Busy)]
        assert await asked(20)  # an idle model serves whoever comes
        batching.close()
        return [answer for answer in answers if isinstance(answer, bytes)], refused

    begun = time.monotonic()
    answered, refused = asyncio.run(tried())
    assert len(answered) + len(refused) == 9 and 4 <= len(answered) <= 5
    assert {answer.seconds for answer in refused} == {3}
    assert time.monotonic() - begun < 10


def test_who_never_came_to_be_computed_is_busy_and_not_too_long(muons):
    started, free = threading.Event(), threading.Event()

    async def tried():
        batching, _, asked = held(muons, Settings(running=1, seconds=0.3), started, free)
        turns = Turns(Settings(running=1, seconds=0.3))
        first = asyncio.create_task(asked(0, hold=True))
        turned = asyncio.create_task(turns.take(lambda _: free.wait(20), _never))
        await asyncio.to_thread(started.wait, 20)
        others = [asyncio.create_task(asked(1)), asyncio.create_task(turns.take(lambda _: 1, _never))]
        found = await asyncio.gather(first, turned, *others, return_exceptions=True)
        free.set()
        batching.close()
        turns.close()
        return [type(error) for error in found]

    assert asyncio.run(tried()) == [TooLong, TooLong, Busy, Busy]


def test_answers_over_http_are_those_of_sample(muons):
    """Eight at once share batches; each has its own seed and conditions, and `exact` has the bits."""

    async def tried():
        app = create_app(Settings(running=1))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            bodies = [
                {"n": 2, "seed": seed, "exact": seed == 7, "conditions": {"muon_momentum": 1 + seed / 8}}
                for seed in range(8)
            ]
            await client.post(ARRAYS, json=bodies[0])
            return [answer.content for answer in await asyncio.gather(*(client.post(ARRAYS, json=b) for b in bodies))]

    beside = []
    for seed, raw in enumerate(asyncio.run(tried())):
        arrays, header = unpacked(raw)
        own = muons.sample(2, seed=seed, muon_momentum=1 + seed / 8)
        for name in own.data_vars:
            np.testing.assert_allclose(np.asarray(arrays[str(name)]), own[name].values, rtol=RELATIVE, atol=1e-6)
            if BESIDE not in header["attrs"]:
                np.testing.assert_array_equal(arrays[str(name)], own[name].values)
        beside.append(header["attrs"].get(BESIDE, 0))
    assert beside[7] == 0 and max(beside) >= 2


def test_a_killed_reference_ends_one_request_and_the_next_is_answered():
    references = References()
    asked = ("muon-decay", 2, 1, 0, {"muon_momentum": 1.0})
    try:
        body = references.arrays(*asked, Stop())
        (process,) = references.processes
        os.kill(process, signal.SIGKILL)  # idle: nobody sees it
        deadline = time.monotonic() + 20
        while _alive(process) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert references.arrays(*asked, Stop()) == body
        failed = []

        def long():
            try:
                references.arrays("muon-decay", 2_000_000, 1, 0, {"muon_momentum": 1.0}, Stop())
            except Died as error:
                failed.append(error)

        (process,) = references.processes
        thread = threading.Thread(target=long)
        thread.start()
        time.sleep(0.05)
        os.kill(process, signal.SIGKILL)  # at work
        thread.join(60)
        assert [str(error) for error in failed] == ["muon-decay"]
        assert references.arrays(*asked, Stop()) == body
        with pytest.raises(SchemaError, match="^muon_momentum: 500 GeV"):
            references.arrays("muon-decay", 2, 1, 0, {"muon_momentum": 500.0}, Stop())
        stop = Stop()
        stop.now()
        with pytest.raises(Gone):
            references.arrays("muon-decay", 2_000_000, 1, 0, {"muon_momentum": 1.0}, stop)
        assert references.processes == []
    finally:
        references.close()


def _alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as about:
            return about.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_request_whose_reference_dies_is_told_so(monkeypatch):
    def arrays(*_):
        raise Died("muon-decay")

    monkeypatch.setattr(References, "arrays", arrays)
    with TestClient(create_app(), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        answer = client.post("/api/v1/plugins/muon-decay/reference", json={"seed": 1})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert answer.json()["error"].startswith("muon-decay: the process of the reference simulator ended")


@pytest.mark.parametrize("side", ["body", "answer"])
def test_a_caller_who_stalls_is_let_go(side):
    """A body that never ends is answered by 408; an answer that nobody takes ends with its connection."""
    said = []

    async def app(scope, receive, send):
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.request":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x"})

    async def receive():
        if side == "body" and said:
            await asyncio.sleep(30)
        said.append(None)
        return {"type": "http.request", "body": b"{", "more_body": side == "body"}

    sent = []

    async def send(message):
        sent.append(message)
        if side == "answer" and message["type"] == "http.response.body":
            await asyncio.sleep(30)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"127.0.0.1")]}
    asyncio.run(Guard(app, Settings(seconds=0.2))(scope, receive, send))
    assert sent[0]["status"] == (408 if side == "body" else 200)
