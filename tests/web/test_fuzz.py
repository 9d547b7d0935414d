"""Requests drawn from the API's own schema, fitting and not: none ends in a failure that nobody foresaw."""

import json

import pytest

pytest.importorskip("fastapi", reason="needs the extra web")
schemathesis = pytest.importorskip("schemathesis", reason="needs the extra dev")

from hypothesis import HealthCheck, Phase, settings  # noqa: E402
from schemathesis.generation import GenerationMode  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

from surrogates import registry  # noqa: E402
from surrogates.web.app import create_app  # noqa: E402
from surrogates.web.description import request_schema  # noqa: E402
from surrogates.web.settings import Settings  # noqa: E402

MOST = 16
APP = create_app(Settings(most_samples=MOST, most_bytes=2**20, seconds=300))
CLIENT = TestClient(APP, base_url="http://127.0.0.1", raise_server_exceptions=False)
FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def described(plugin: str) -> dict:
    """The application's OpenAPI document about one plugin, with that plugin's own schema of a request."""
    document = json.loads(json.dumps(APP.openapi()))
    own = request_schema(registry.plugin(plugin), MOST)
    paths = {}
    for path, item in document["paths"].items():
        for operation in item.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                body["schema"] = {key: value for key, value in own.items() if not key.startswith("$")}
            kept = [one for one in operation.get("parameters", []) if one["name"] != "name"]
            operation["parameters"] = kept
        paths[path.replace("{name}", plugin)] = item
    return {**document, "openapi": "3.1.0", "paths": paths}


def configured():
    schema = schemathesis.openapi.from_dict(described("muon-decay"))
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    return schema


schema = configured()


@pytest.mark.slow
@schema.parametrize()
@FEW
def test_no_request_ends_in_an_unforeseen_failure(case):
    sent = case.as_transport_kwargs()
    answer = CLIENT.request(sent["method"], case.formatted_path, **_of_the_client(sent))
    assert answer.status_code < 500, (answer.status_code, answer.text, sent)
    if answer.status_code >= 400:
        assert "\n" not in answer.json()["error"] and "Traceback" not in answer.text


def _of_the_client(sent):
    """What the client takes of a drawn request; what the transport itself refuses never reaches a server."""
    given = {key: sent[key] for key in ("json", "data", "files", "params") if sent.get(key) is not None}
    headers = {key: value for key, value in (sent.get("headers") or {}).items() if value.isascii()}
    if isinstance(given.get("data"), (str, bytes)):
        given["content"] = given.pop("data")
    if "json" in given and not isinstance(given["json"], (dict, list, str, int, float, bool, type(None))):
        given["content"] = given.pop("json").value  # already encoded
    elif "json" in given:
        given["content"] = json.dumps(given.pop("json"))
        headers.setdefault("Content-Type", "application/json")
    return {**given, "headers": headers}


@pytest.mark.parametrize(
    "body",
    [
        {"seed": 1, "samples": [2**64], "conditions": {"muon_momentum": 1.0}},
        {"seed": 1, "samples": [-(2**70)], "conditions": {"muon_momentum": 1.0}},
        {"seed": 1, "samples": [], "conditions": {"muon_momentum": [1.0]}},
        {"seed": 1, "n": 2, "first": 2**63 - 1, "conditions": {"muon_momentum": 1.0}},
        {"seed": 1, "conditions": {"muon_momentum": None}},
        {"seed": 1, "conditions": {"muon_momentum": [None]}},
        {"seed": 1, "conditions": {"muon_momentum": [[[[[[[[[[1.0]]]]]]]]]]}},
        {"seed": 1, "conditions": {"muon_momentum": float("nan")}},
        {"seed": 1, "conditions": {"muon_momentum": 10**400}},
        {"seed": 1, "conditions": {"muon_momentum": "1 " + "m" * 5000}},
        {"seed": 1, "conditions": {"muon_momentum": {"upload": ["a"]}}},
        {"seed": 1, "conditions": {"": 1.0}},
        {"seed": 1, "model": "\x00", "conditions": {"muon_momentum": 1.0}},
        {"seed": 1, "format": "../../x", "conditions": {"muon_momentum": 1.0}},
    ],
)
@pytest.mark.parametrize("route", ["arrays", "samples", "figure"])
def test_what_a_fuzzer_seldom_draws_is_refused_in_one_line(body, route):
    answer = CLIENT.post(
        f"/api/v1/plugins/muon-decay/{route}",
        content=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    asked_of_a_file = route != "samples" and "format" in body
    assert answer.status_code == (200 if asked_of_a_file else 422), answer.text
    if answer.status_code == 422:
        assert "\n" not in answer.json()["error"] and len(answer.json()["error"]) < 1000


@pytest.mark.parametrize("depth", [100, 900, 50_000])
def test_a_body_of_nested_lists_is_refused(depth):
    raw = b'{"seed": 1, "conditions": {"muon_momentum": ' + b"[" * depth + b"]" * depth + b"}}"
    answer = CLIENT.post("/api/v1/plugins/muon-decay/arrays", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and "\n" not in answer.json()["error"]
