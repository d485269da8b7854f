"""Every call and every error of Toxiproxy's API, as its version 2.12.0 answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.api_client import ApiClient

from trio_balancer.testing.toxiproxy import open_toxiproxy

LATENCY = {"type": "latency", "attributes": {"latency": 100}}
TOXIC = {
    "attributes": {"latency": 100, "jitter": 0},
    "name": "latency_downstream",
    "type": "latency",
    "stream": "downstream",
    "toxicity": 1,
}
STREAM = "stream was invalid, can be either upstream or downstream"


@pytest.fixture
async def api() -> AsyncIterator[ApiClient]:
    """A server with one proxy "redis", to which nothing answers, with one toxic."""
    async with open_toxiproxy() as toxiproxy:
        client = ApiClient.of(toxiproxy)
        await client.ask("POST", "/proxies", {"name": "redis", "upstream": "localhost:3306"})
        await client.ask("POST", "/proxies/redis/toxics", LATENCY)
        yield client


NO_PROXY = (404, "proxy not found")
NO_TOXIC = (404, "toxic not found")
ERRORS = [
    ("POST /proxies", {"upstream": "a:1"}, 400, "missing required field: name"),
    ("POST /proxies", {"name": "new"}, 400, "missing required field: upstream"),
    ("POST /proxies", {"name": "redis", "upstream": "a:1"}, 409, "proxy already exists"),
    ("GET /proxies/x", b"", *NO_PROXY),
    ("POST /proxies/x", {}, *NO_PROXY),
    ("PATCH /proxies/x", {}, *NO_PROXY),
    ("DELETE /proxies/x", b"", *NO_PROXY),
    ("GET /proxies/x/toxics", b"", *NO_PROXY),
    ("POST /proxies/x/toxics", LATENCY, *NO_PROXY),
    ("GET /proxies/x/toxics/y", b"", *NO_PROXY),
    ("POST /proxies/x/toxics/y", {}, *NO_PROXY),
    ("DELETE /proxies/x/toxics/y", b"", *NO_PROXY),
    ("GET /proxies/redis/toxics/y", b"", *NO_TOXIC),
    ("PATCH /proxies/redis/toxics/y", {}, *NO_TOXIC),
    ("DELETE /proxies/redis/toxics/y", b"", *NO_TOXIC),
    ("POST /proxies/redis/toxics", LATENCY, 409, "toxic already exists"),
    ("POST /proxies/redis/toxics", {"type": "rot"}, 400, "invalid toxic type"),
    ("POST /proxies/redis/toxics", {}, 400, "invalid toxic type"),
    ("POST /proxies/redis/toxics", {"type": "rot", "stream": "side"}, 400, STREAM),
    ("GET /", b"", 404, "page not found"),
    ("GET /proxies/redis/other", b"", 404, "page not found"),
    ("PATCH /reset", b"", 405, "method not allowed"),
    ("DELETE /version", b"", 405, "method not allowed"),
]


@pytest.mark.parametrize(("call", "body", "status", "text"), ERRORS)
async def test_an_error(api: ApiClient, call: str, body: object, status: int, text: str) -> None:
    before = (await api.ask("GET", "/proxies")).body
    method, path = call.split()
    reply = await api.ask(method, path, body)
    assert (reply.status, reply.json) == (status, {"error": text, "status": status})
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await api.ask("GET", "/proxies")).body == before


BAD = [
    ("/proxies", b"{"),
    ("/proxies", b"\xff"),
    ("/proxies", b"[" * 100_000),
    ("/proxies", []),
    ("/proxies", {"name": 1, "upstream": "a:1"}),
    ("/proxies", {"name": "a b", "upstream": "a:1"}),
    ("/proxies", {"name": "a", "upstream": "a"}),
    ("/proxies", {"name": "a", "upstream": "a:0"}),
    ("/proxies", {"name": "a", "upstream": "a:1,a:1"}),
    ("/proxies", {"name": "a", "upstream": "a:1", "toxics": [1]}),
    ("/populate", {}),
    ("/populate", [1]),
    ("/proxies/redis", {"enabled": 1}),
    ("/proxies/redis/toxics", {"type": "slicer", "attributes": {"average_size": "many"}}),
    ("/proxies/redis/toxics", {"type": "slicer", "attributes": []}),
    ("/proxies/redis/toxics", {"type": "slicer", "toxicity": 2}),
    ("/proxies/redis/toxics/latency_downstream", {"attributes": {"latency": "long"}}),
    ("/proxies/redis/toxics/latency_downstream", {"toxicity": "high"}),
    ("/proxies/redis/toxics/latency_downstream", {"attributes": [1]}),
]


@pytest.mark.parametrize(("path", "body"), BAD)
async def test_a_body_that_makes_no_sense(api: ApiClient, path: str, body: object) -> None:
    reply = await api.ask("POST", path, body)
    assert reply.status == 400
    assert reply.json["error"].startswith("bad request body: ")


async def test_the_version(api: ApiClient) -> None:
    reply = await api.ask("GET", "/version")
    assert (reply.status, reply.body) == (200, b'{"version": "2.12.0"}\n')
    assert reply.headers["content-type"].startswith("application/json")


async def test_every_answer_has_a_number_of_its_own(api: ApiClient) -> None:
    replies = [await api.ask("GET", path) for path in ("/version", "/nothing", "/version")]
    assert len({reply.headers["x-toxiproxy-request-id"] for reply in replies}) == 3


async def test_browsers_are_refused(api: ApiClient) -> None:
    agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
    reply = await api.ask("POST", "/reset", headers=agent)
    assert (reply.status, reply.json["error"]) == (403, "User agent not allowed")


async def test_a_proxy_is_created_and_listed(api: ApiClient) -> None:
    wish = {"name": "new", "listen": "localhost:0", "upstream": "localhost:3306", "enabled": False}
    reply = await api.ask("POST", "/proxies", wish)
    host, port = reply.json["listen"].split(":")
    assert (reply.status, host) == (201, "127.0.0.1")
    assert int(port) > 0
    assert reply.json == {**wish, "listen": f"127.0.0.1:{port}", "toxics": []}
    listed = await api.ask("GET", "/proxies")
    assert listed.status == 200
    assert listed.json["new"] == reply.json
    assert (await api.ask("GET", "/proxies/new")).json == reply.json


async def test_a_proxy_is_enabled_and_listens_somewhere_by_default(api: ApiClient) -> None:
    reply = await api.ask("POST", "/proxies", {"name": "new", "upstream": "a:1", "listen": None})
    assert reply.json["enabled"] is True
    assert reply.json["listen"].startswith("127.0.0.1:")


async def test_an_update_merges(api: ApiClient) -> None:
    before = (await api.ask("GET", "/proxies/redis")).json
    for method, enabled in (("POST", False), ("PATCH", True)):
        reply = await api.ask(method, "/proxies/redis", {"enabled": enabled})
        assert (reply.status, reply.json) == (200, {**before, "enabled": enabled})
    whole = {**before, "upstream": "localhost:1,localhost:2"}
    assert (await api.ask("POST", "/proxies/redis", whole)).json == whole


async def test_an_address_in_use_is_an_error_that_changes_nothing(api: ApiClient) -> None:
    before = (await api.ask("GET", "/proxies")).json
    taken = before["redis"]["listen"]
    wish = {"name": "new", "upstream": "a:1", "listen": taken}
    reply = await api.ask("POST", "/proxies", wish)
    text = f"listen tcp {taken}: bind: address already in use"
    assert (reply.status, reply.json["error"]) == (500, text)
    assert (await api.ask("GET", "/proxies")).json == before


@pytest.mark.parametrize("listen", ["nowhere", "no.such.host.invalid:1"])
async def test_an_address_that_is_none(api: ApiClient, listen: str) -> None:
    wish = {"name": "new", "upstream": "a:1", "listen": listen}
    reply = await api.ask("POST", "/proxies", wish)
    assert reply.status == 500
    assert listen in reply.json["error"]


async def test_a_deleted_proxy_is_gone(api: ApiClient) -> None:
    reply = await api.ask("DELETE", "/proxies/redis")
    assert (reply.status, reply.body) == (204, b"")
    assert (await api.ask("GET", "/proxies")).json == {}
    again = {"name": "redis", "upstream": "localhost:3306"}
    assert (await api.ask("POST", "/proxies", again)).json["toxics"] == []


async def test_a_toxic_with_all_defaults(api: ApiClient) -> None:
    reply = await api.ask("GET", "/proxies/redis/toxics/latency_downstream")
    assert (reply.status, reply.json) == (200, TOXIC)
    listed = await api.ask("GET", "/proxies/redis/toxics")
    assert (listed.status, listed.json) == (200, [TOXIC])
    assert (await api.ask("GET", "/proxies/redis")).json["toxics"] == [TOXIC]


async def test_adding_a_toxic_answers_200(api: ApiClient) -> None:
    wish = {"type": "noop", "name": "", "stream": "UPstream", "toxicity": 0.5}
    reply = await api.ask("POST", "/proxies/redis/toxics", wish)
    told = {**wish, "name": "noop_upstream", "stream": "upstream", "attributes": {}}
    assert (reply.status, reply.json) == (200, told)
    # First what is upstream, whenever it was added.
    listed = (await api.ask("GET", "/proxies/redis/toxics")).json
    assert [each["name"] for each in listed] == ["noop_upstream", "latency_downstream"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_updating_a_toxic_merges_its_attributes(api: ApiClient, method: str) -> None:
    path = "/proxies/redis/toxics/latency_downstream"
    change = {"attributes": {"jitter": 5}, "toxicity": 0.5, "stream": "upstream", "name": "x"}
    reply = await api.ask(method, path, change)
    told = {**TOXIC, "attributes": {"latency": 100, "jitter": 5}, "toxicity": 0.5}
    assert (reply.status, reply.json) == (200, told)


async def test_removing_a_toxic(api: ApiClient) -> None:
    reply = await api.ask("DELETE", "/proxies/redis/toxics/latency_downstream")
    assert (reply.status, reply.body) == (204, b"")
    assert (await api.ask("GET", "/proxies/redis/toxics")).json == []


async def test_a_reset_enables_all_and_takes_all_toxics_away(api: ApiClient) -> None:
    before = (await api.ask("GET", "/proxies/redis")).json
    await api.ask("POST", "/proxies/redis", {"enabled": False})
    reply = await api.ask("POST", "/reset")
    assert (reply.status, reply.body) == (204, b"")
    # On the very same port.
    assert (await api.ask("GET", "/proxies/redis")).json == {**before, "toxics": []}


async def test_populate_touches_only_what_is_different(api: ApiClient) -> None:
    redis = (await api.ask("GET", "/proxies/redis")).json
    other = {"name": "other", "upstream": "localhost:1"}
    reply = await api.ask("POST", "/populate", [redis, other])
    assert reply.status == 201
    assert [each["name"] for each in reply.json["proxies"]] == ["redis", "other"]
    assert reply.json["proxies"][0] == redis
    moved = await api.ask("POST", "/populate", [{**redis, "upstream": "localhost:2", "toxics": []}])
    assert moved.json["proxies"] == [{**redis, "upstream": "localhost:2", "toxics": []}]


async def test_populate_tells_what_was_done_before_an_error(api: ApiClient) -> None:
    wishes = [
        {"name": "good", "upstream": "localhost:1"},
        {"name": "bad", "upstream": "localhost:1", "listen": "nowhere"},
        {"name": "late", "upstream": "localhost:1"},
    ]
    reply = await api.ask("POST", "/populate", wishes)
    assert reply.status == reply.json["status"] == 500
    assert "nowhere" in reply.json["error"]
    assert [each["name"] for each in reply.json["proxies"]] == ["good"]
    assert (await api.ask("GET", "/proxies")).json.keys() == {"redis", "good"}


@pytest.mark.parametrize(
    ("wishes", "text"),
    [
        ([{"name": "a"}], "missing required field: upstream at proxy 1"),
        (
            [{"name": "a", "upstream": "b:1"}, {"upstream": "b:2"}],
            "missing required field: name at proxy 2",
        ),
    ],
)
async def test_populate_makes_nothing_of_a_list_that_makes_no_sense(
    api: ApiClient, wishes: object, text: str
) -> None:
    reply = await api.ask("POST", "/populate", wishes)
    assert (reply.status, reply.json) == (400, {"error": text, "status": 400, "proxies": []})
    assert (await api.ask("GET", "/proxies")).json.keys() == {"redis"}


async def test_a_proxy_is_created_with_its_toxics(api: ApiClient) -> None:
    wish = {"name": "new", "upstream": "localhost:1", "toxics": [LATENCY, {"type": "noop"}]}
    reply = await api.ask("POST", "/proxies", wish)
    assert [each["name"] for each in reply.json["toxics"]] == [
        "latency_downstream",
        "noop_downstream",
    ]
    twins = {**wish, "name": "twins", "toxics": [LATENCY, LATENCY]}
    refused = await api.ask("POST", "/proxies", twins)
    assert (refused.status, refused.json["error"]) == (409, "toxic already exists")


async def test_metrics(api: ApiClient) -> None:
    reply = await api.ask("GET", "/metrics")
    assert reply.status == 200
    assert b'toxiproxy_proxy_sent_bytes_total{direction="upstream",proxy="redis"' in reply.body
