from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from support.admin import Desk, open_desk
from support.world import BACKEND, OTHER, World, finish, make_config
from trio.testing import MockClock

from trio_balancer.control.admin.api import Api
from trio_balancer.control.admin.app import make_routes
from trio_balancer.control.admin.openapi import document
from trio_balancer.control.admin.pages import Pages
from trio_balancer.control.admin.probes import Probes

DOCUMENT: Mapping[str, Any] = document()
PATHS: Mapping[str, Any] = DOCUMENT["paths"]
CHECKED = make_config(
    backends=(BACKEND, OTHER), more='[pools.app.health]\ninterval = "1s"\nfall = 1\n'
)
BACKEND_PATH = f"/api/pools/app/backends/{BACKEND}"
PAGES = {"/", "/static/{name}", "/api/docs", "/api/openapi.json"}


def test_it_is_an_openapi_document() -> None:
    validate(dict(DOCUMENT))


async def test_it_has_every_path(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    api = Api(desk.operations, desk.hub)
    routes = make_routes(api, Probes(desk.operations.balancer, desk.metrics), Pages())
    served = {
        (re.sub(r":path\b", "", route.path), method.lower())
        for route in routes
        for method in (route.methods or set()) - {"HEAD"}
        if route.path not in PAGES
    }
    described = {(path, method) for path, methods in PATHS.items() for method in methods}
    assert served == described


def check(path: str, method: str, status: int, answer: object) -> None:
    """Compare an answer with what the document says of it."""
    described = PATHS[path][method]["responses"][str(status)]
    schema = described["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(
        answer
    )


async def busy_desk(world: World) -> Desk:
    """Have everything there is: a live connection, a finished one, and a backend that is down."""
    await world.server(BACKEND)
    desk = await open_desk(world, CHECKED)
    first, _second = await world.clients(2)
    await finish(first)
    await world.until(lambda: '"down"' in str(desk.operations.status()).replace("'", '"'))
    return desk


@pytest.mark.parametrize(
    "path",
    [
        "/api/status",
        "/api/connections",
        "/api/endings",
        "/api/history",
        "/healthz",
        "/readyz",
    ],
)
async def test_answers_have_their_shapes(
    autojump_clock: MockClock, world: World, path: str
) -> None:
    desk = await busy_desk(world)
    answer = await desk.get(path)
    assert answer.json()
    check(path, "get", 200, answer.json())


@pytest.mark.parametrize("verb", ["drain", "ready", "maintenance"])
async def test_changes_have_their_shapes(
    autojump_clock: MockClock, world: World, verb: str
) -> None:
    desk = await busy_desk(world)
    path = "/api/pools/{pool}/backends/{backend}/" + verb
    check(path, "post", 200, (await desk.post(f"{BACKEND_PATH}/{verb}")).json())
    missing = await desk.post(f"/api/pools/none/backends/none/{verb}")
    check(path, "post", 404, missing.json())


async def test_errors_have_their_shape(autojump_clock: MockClock, world: World) -> None:
    desk = await busy_desk(world)
    check("/api/reload", "post", 409, (await desk.post("/api/reload")).json())
    check("/api/endings", "get", 400, (await desk.get("/api/endings?limit=x")).json())
    desk.operations.balancer.drain()
    check("/readyz", "get", 503, (await desk.get("/readyz")).json())


async def test_status_has_no_member_that_is_not_described(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await busy_desk(world)
    schemas = DOCUMENT["components"]["schemas"]
    status: Any = (await desk.get("/api/status")).json()
    pool = status["pools"][0]
    for name, told in (
        ("Status", status),
        ("Process", status["connections"]),
        ("Listener", status["listeners"][0]),
        ("Pool", pool),
        ("Backend", pool["backends"][0]),
    ):
        assert set(told) - set(schemas[name]["properties"]) == set()


async def test_the_document_is_served(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    assert (await desk.get("/api/openapi.json")).json() == DOCUMENT
