"""The service: the same samples as here, one line for every error, and a guard that lets nobody in by mistake."""

import asyncio
import threading
import time

import numpy as np
import pytest
import xarray as xr

pytest.importorskip("fastapi", reason="needs the extra web")

from starlette.testclient import TestClient  # noqa: E402

import surrogates  # noqa: E402
from surrogates import registry  # noqa: E402
from surrogates.cli.entry import run  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.io import NETCDF  # noqa: E402
from surrogates.web.app import create_app  # noqa: E402
from surrogates.web.arrays import packed, unpacked  # noqa: E402
from surrogates.web.client import RemoteSimulator, connect  # noqa: E402
from surrogates.web.settings import ServiceError, Settings  # noqa: E402
from surrogates.web.turns import Busy, Gone, Stop, TooLong, Turns  # noqa: E402

MUON = "/api/v1/plugins/muon-decay"
ASKED = {"n": 3, "seed": 5, "conditions": {"muon_momentum": 2.0}}
WITH_WEIGHTS = [entry.name for entry in registry.plugins() if list(entry.weights.glob("*.json"))]


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(), base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def guarded(**settings) -> TestClient:
    rules = Settings(**settings)
    return TestClient(create_app(rules), base_url="http://127.0.0.1", raise_server_exceptions=False)


def test_every_plugin_is_listed_and_described(client):
    listed = {row["name"]: row for row in client.get("/api/v1/plugins").json()}
    assert set(listed) == {entry.name for entry in registry.plugins()}
    for name in WITH_WEIGHTS:
        assert listed[name]["missing"] is None
        about = client.get(f"/api/v1/plugins/{name}").json()
        declared = registry.plugin(name)
        assert [row["name"] for row in about["conditions"]] == list(declared.conditions.names)
        assert about["models"] and all(len(model["headlines"]) == 5 for model in about["models"])
        schema = client.get(f"/api/v1/plugins/{name}/schema").json()
        assert set(schema["properties"]["conditions"]["properties"]) == set(declared.conditions.names)


def test_samples_have_the_bits_of_a_call_here(client):
    here = surrogates.load("muon-decay").sample(3, seed=5, muon_momentum=2.0)
    arrays, header = unpacked(client.post(f"{MUON}/arrays", json=ASKED).content)
    for name in here.data_vars:
        np.testing.assert_array_equal(arrays[str(name)], here[name].values)
    assert header["attrs"]["weights_sha256"] == here.attrs["weights_sha256"]


def test_a_file_is_what_generate_writes(client, tmp_path):
    answer = client.post(f"{MUON}/samples", json=ASKED)
    (tmp_path / "a.nc").write_bytes(answer.content)
    assert 'filename="muon-decay.nc"' in answer.headers["content-disposition"]
    assert NETCDF.read is not None
    (read,) = NETCDF.read(tmp_path / "a.nc")
    xr.testing.assert_equal(read, surrogates.load("muon-decay").sample(3, seed=5, muon_momentum=2.0))


def test_a_figure_is_a_picture(client):
    answer = client.post(f"{MUON}/figure", json={**ASKED, "n": 50})
    assert answer.headers["content-type"] == "image/png" and answer.content[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("body", "variable", "said"),
    [
        ({"n": -1, "seed": 1}, "n", "greater than or equal to 0"),
        ({"n": 1}, "seed", "required"),
        ({"n": 1, "seed": "1"}, "seed", "integer"),
        ({"n": 1, "seed": 1, "colour": 3}, "colour", "not permitted"),
        ({"n": 10**9, "seed": 1}, "n", "a request"),
        ({"seed": 1, "conditions": {"muon_momentum": "50 GeV"}}, "muon_momentum", "out of range"),
        ({"seed": 1, "conditions": {"muon_momentum": "5 s"}}, "muon_momentum", "GeV"),
        ({"seed": 1, "conditions": {"muon_mometum": 5}}, "muon_mometum", "did you mean 'muon_momentum'"),
        ({"seed": 1, "conditions": {"muon_momentum": [1, [2]]}}, "muon_momentum", "muon_momentum"),
        ({"seed": 1, "conditions": {"muon_momentum": {"upload": "x"}}}, "muon_momentum", "no such upload"),
        ({"seed": 1, "samples": [4, 4], "conditions": {"muon_momentum": 1.0}}, None, "twice"),
        ({"seed": 1, "model": "flo", "conditions": {"muon_momentum": 1.0}}, "model", "did you mean 'flow'"),
        ({}, "muon_momentum", "missing"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_variable(client, body, variable, said):
    answer = client.post(f"{MUON}/arrays", json=body or {"seed": 1})
    assert answer.status_code == 422
    error = answer.json()
    assert said in error["error"] and "\n" not in error["error"] and "Traceback" not in error["error"]
    assert variable is None or error.get("variable") == variable


def test_what_is_no_request_is_refused(client):
    assert client.post("/api/v1/plugins/muon-decoy/arrays", json={"seed": 1}).status_code == 404
    assert client.get("/api/v1/nothing").status_code == 404
    assert client.get(f"{MUON}/arrays").status_code == 405
    for raw in (b"{", b"[]", b"\xff\xfe", b"null"):
        answer = client.post(f"{MUON}/arrays", content=raw)
        assert answer.status_code in (400, 422) and "error" in answer.json()
    answer = client.post(f"{MUON}/samples", json={**ASKED, "format": "netcfd"})
    assert answer.status_code == 422 and "did you mean netcdf" in answer.json()["error"]
    assert client.post("/api/v1/plugins/molecules/reference", json={"seed": 1}).status_code == 422


def test_nothing_is_said_to_other_pages_or_under_other_names(client):
    assert client.get("/api/v1/plugins", headers={"Host": "elsewhere.example"}).status_code == 421
    assert client.post(f"{MUON}/arrays", json=ASKED, headers={"Origin": "http://elsewhere.example"}).status_code == 403
    assert client.post(f"{MUON}/arrays", json=ASKED, headers={"Origin": "http://127.0.0.1"}).status_code == 200
    answer = client.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers and "access-control-allow-origin" not in answer.headers
    assert "http://" not in answer.text and "https://" not in answer.text


def test_another_address_needs_a_token():
    with pytest.raises(ServiceError, match=r"^host: 0\.0\.0\.0 is reached from other machines; expected a token"):
        Settings(host="0.0.0.0")
    with pytest.raises(ServiceError, match="^token: 5 characters"):
        Settings(token="short")
    assert run(["serve", "--host", "0.0.0.0"]) == 2


def test_a_token_is_asked_for_everything_but_the_page():
    opened = guarded(token="a-token-of-this-test")
    for path in ("/", "/static/page.js", "/health"):
        assert opened.get(path).status_code == 200
    for path in ("/api/v1/plugins", "/metrics", "/api/v1/openapi.json"):
        assert opened.get(path).status_code == 401
        assert opened.get(path, headers={"Authorization": "Bearer another-token-here"}).status_code == 401
        assert opened.get(path, headers={"Authorization": "Bearer a-token-of-this-test"}).status_code == 200


def test_a_body_has_a_limit():
    opened = guarded(most_bytes=2000)
    assert opened.post(f"{MUON}/arrays", content=b" " * 3000).status_code == 413
    chunks = (b" " * 500 for _ in range(10))  # sent without its length
    assert opened.post(f"{MUON}/arrays", content=chunks).status_code == 413
    answer = opened.post(f"{MUON}/arrays", json={**ASKED, "n": 1000})
    assert answer.status_code == 422 and "or fewer a request" in answer.json()["error"]


@pytest.mark.parametrize("shown", ["", "/user/me/proxy/8000"])
def test_a_proxy_may_take_its_part_of_the_path_away_or_leave_it(shown):
    opened = guarded(root_path="/user/me/proxy/8000/", hosts=("hub.example",))
    assert 'data-root="/user/me/proxy/8000"' in opened.get(f"{shown}/").text
    assert opened.get(f"{shown}/static/page.js").status_code == 200
    assert opened.get(f"{shown}/health").status_code == 200
    assert opened.post(f"{shown}{MUON}/arrays", json=ASKED).status_code == 200
    assert opened.get("/user/me/proxy/80001/health").status_code == 404
    of_the_proxy = {"Origin": "https://hub.example"}  # which may call the server by another name than its own
    assert opened.post(f"{shown}{MUON}/arrays", json=ASKED, headers=of_the_proxy).status_code == 200
    of_another = {"Origin": "https://hub.example.org"}
    assert opened.post(f"{shown}{MUON}/arrays", json=ASKED, headers=of_another).status_code == 403


async def _never() -> None:
    await asyncio.Event().wait()


def test_turns_send_away_those_who_would_wait_too_long():
    async def tried() -> None:
        turns, free = Turns(Settings(running=1, waiting=1)), threading.Event()
        first = asyncio.create_task(turns.take(lambda _: free.wait(20), _never))
        second = asyncio.create_task(turns.take(lambda _: 2, _never))
        await asyncio.sleep(0.05)
        with pytest.raises(Busy):
            await turns.take(lambda _: 3, _never)
        free.set()
        assert await first and await second == 2
        assert await turns.take(lambda _: 4, _never) == 4
        turns.close()

    asyncio.run(tried())


def test_turns_send_away_those_who_would_wait_too_long_at_the_pace_of_late():
    """Each takes half a second in one thread: two may wait, one more is told to come again when those are through."""

    async def tried() -> list[BaseException | None]:
        turns = Turns(Settings(running=1), patience=1.2)
        await turns.take(lambda _: time.sleep(0.5), _never)
        tasks = [asyncio.create_task(turns.take(lambda _: time.sleep(0.5), _never)) for _ in range(5)]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        turns.close()
        return found

    found = asyncio.run(tried())
    assert [isinstance(answer, Busy) for answer in found] == [False, False, False, True, True]
    assert {answer.seconds for answer in found if isinstance(answer, Busy)} == {2}


def test_a_busy_server_says_when_to_come_again(monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise Busy(6.2)

    monkeypatch.setattr(Turns, "take", full)
    answer = guarded().post(f"{MUON}/samples", json=ASKED)
    assert answer.status_code == 429 and answer.headers["retry-after"] == "7"
    assert "ask again in 7 s" in answer.json()["error"]
    assert (Busy().seconds, Busy(1e6).seconds) == (1, 60)


def test_a_caller_who_goes_away_stops_the_work():
    seen = []

    def blocks():
        for number in range(200):
            seen.append(number)
            time.sleep(0.05)
            yield number

    async def left() -> None:
        while len(seen) <= 2:
            await asyncio.sleep(0.02)

    async def tried() -> None:
        turns = Turns(Settings(running=1))
        with pytest.raises(Gone):
            await turns.take(lambda stop: list(stop.between(blocks())), left)
        with pytest.raises(TooLong):
            await Turns(Settings(running=1, seconds=0.2)).take(lambda stop: list(stop.between(blocks())), _never)
        turns.close()

    asyncio.run(tried())
    time.sleep(0.3)
    ended = len(seen)
    time.sleep(0.3)
    assert len(seen) == ended < 60


def test_stop_ends_at_the_next_block():
    stop = Stop()
    blocks = stop.between(iter(range(3)))
    assert next(blocks) == 0
    stop.now()
    with pytest.raises(Gone):
        next(blocks)


def test_a_remote_simulator_is_a_simulator(client):
    declared = registry.plugin("muon-decay")
    client.base_url = "http://127.0.0.1/api/v1/"
    try:
        remote = RemoteSimulator("muon-decay", client, declared.conditions, declared.outputs)
        here = surrogates.load("muon-decay")
        xr.testing.assert_identical(
            remote.sample(3, seed=5, first=7, muon_momentum="2 GeV").drop_attrs(),
            here.sample(3, seed=5, first=7, muon_momentum="2 GeV").drop_attrs(),
        )
        rows = declared.prior(here.conditions, 4, 1)
        xr.testing.assert_equal(remote.sample(rows, seed=2), here.sample(rows, seed=2))
        with pytest.raises(SchemaError, match="^muon_momentum: 50 GeV is out of range"):
            remote.sample(1, seed=1, muon_momentum=50.0)
    finally:
        client.base_url = "http://127.0.0.1"


def test_a_server_that_is_not_there_is_named():
    with pytest.raises(ServiceError, match=r"^http://127\.0\.0\.1:1/api/v1/: no answer"):
        connect("http://127.0.0.1:1", "muon-decay")


def test_arrays_survive_and_damaged_ones_are_refused():
    data = surrogates.load("muon-decay").sample(2, seed=1, muon_momentum=1.0)
    raw = packed(data)
    arrays, _ = unpacked(raw)
    np.testing.assert_array_equal(arrays["decay_time"], data["decay_time"].values)
    for damaged in (b"", raw[:3], raw[:50], raw[:-16], b"\xff" * 40):
        with pytest.raises(ServiceError, match="^answer: no arrays"):
            unpacked(damaged)


def test_uploads_are_read_elsewhere(client, tmp_path):
    """A field comes by file, in a process of its own; what it says of a bad one is the answer."""
    field = np.zeros((32, 32, 32), dtype=np.float32)
    field[0, 0, 0], field[1, 0, 0] = 1.0, -1.0
    np.save(tmp_path / "a.npy", field)
    path = "/api/v1/plugins/cosmic-web/fields/initial_density"
    sent = client.post(path, files={"file": ("a.npy", (tmp_path / "a.npy").read_bytes())})
    assert sent.status_code == 200 and sent.json()["shape"] == [32, 32, 32]
    bad = client.post(path, files={"file": ("b.npy", b"no array")})
    assert bad.status_code == 422 and bad.json()["error"].startswith("initial_density: ")
    assert "b.npy" in bad.json()["error"] and "/tmp" not in bad.json()["error"]
    assert client.post("/api/v1/plugins/cosmic-web/fields/redshift", files={"file": ("a", b"")}).status_code == 422


def test_units_are_switched_off(client):
    """What a layer's units do is seen without them; an unknown layer or unit is named."""
    known = client.get(f"{MUON.replace('/arrays', '')}/models/flow/layers").json()
    assert known and all(count >= 4 for count in known.values())
    layer, count = next(iter(known.items()))
    whole, _ = unpacked(client.post(f"{MUON}/arrays", json=ASKED).content)
    off = {**ASKED, "ablate": {layer: list(range(count))}}
    without, header = unpacked(client.post(f"{MUON}/arrays", json=off).content)
    assert any(not np.array_equal(whole[name], without[name]) for name in ("positron_energy", "decay_time"))
    assert header["attrs"]["ablated"].startswith(f"{layer}: 0, 1")
    again, _ = unpacked(client.post(f"{MUON}/arrays", json=ASKED).content)
    assert all(np.array_equal(whole[name], again[name]) for name in whole)
    for wrong, said in (({layer: [count]}, f"unit {count} of {layer}"), ({"no.layer": [0]}, "is no layer")):
        answer = client.post(f"{MUON}/arrays", json={**ASKED, "ablate": wrong})
        assert answer.status_code == 422 and said in answer.json()["error"]


def test_health_and_metrics(client):
    assert client.get("/health").json()["status"] == "ok"
    client.post(f"{MUON}/arrays", json=ASKED)
    found = client.get("/metrics").text
    assert 'surrogates_samples_total{plugin="muon-decay",side="surrogate"}' in found
    assert "surrogates_request_seconds_bucket" in found
