from __future__ import annotations

import pytest
import trio
from support.admin import LOCAL, TOKEN, Desk, open_desk
from support.world import BACKEND, OTHER, World, finish, make_config, trade
from trio.testing import MockClock

from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.control.admin.events import MOST_SUBSCRIBERS, Subscriber
from trio_balancer.policy import State

TWO = make_config(backends=(BACKEND, OTHER))
PATH = f"/api/pools/app/backends/{BACKEND}"


def state(desk: Desk) -> State:
    return desk.world.runtime.pools["app"].backends[0].state


async def test_status(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.get("/api/status")
    assert answer.status_code == 200
    assert answer.json() == desk.operations.status()


async def test_live_connections(autojump_clock: MockClock, world: World) -> None:
    await world.server()
    desk = await open_desk(world)
    clients = await world.clients(3)
    numbers = [each["number"] for each in (await desk.get("/api/connections")).json()]
    assert numbers == [1, 2, 3]
    assert len((await desk.get("/api/connections?limit=2")).json()) == 2
    for client in clients:
        await finish(client)


async def test_the_last_endings(autojump_clock: MockClock, world: World) -> None:
    await world.server()
    desk = await open_desk(world)
    for client in await world.clients(3):
        await finish(client)
    endings = (await desk.get("/api/endings?limit=2")).json()
    assert [(each["number"], each["ending"]) for each in endings] == [(3, "--"), (2, "--")]


@pytest.mark.parametrize("limit", ["", "x", "-1", "1.5", "٣", "10000"])
async def test_limits_that_are_none(autojump_clock: MockClock, world: World, limit: str) -> None:
    desk = await open_desk(world)
    for path in ("/api/connections", "/api/endings"):
        answer = await desk.get(f"{path}?limit={limit}")
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "bad-value"


async def test_the_last_minutes(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    await trio.sleep(12)
    samples = (await desk.get("/api/history")).json()
    assert [sample["at"] for sample in samples] == [0, 5, 10]


async def test_a_backend_is_drained_and_comes_back(autojump_clock: MockClock, world: World) -> None:
    await world.server()
    desk = await open_desk(world, TWO)
    client = await world.client()
    answer = await desk.post(f"{PATH}/drain")
    assert (answer.status_code, state(desk)) == (200, State.DRAIN)
    assert await trade(client) == b"ping"
    assert (await desk.post(f"{PATH}/ready")).json()["state"] == "up"
    assert state(desk) is State.UP
    await finish(client)


async def test_a_backend_goes_to_maintenance(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world, TWO)
    assert (await desk.post(f"{PATH}/maintenance")).json()["state"] == "maintenance"
    assert state(desk) is State.MAINTENANCE


async def test_a_backend_is_drained_over_some_time(autojump_clock: MockClock, world: World) -> None:
    await world.server()
    desk = await open_desk(world)
    await world.clients(4)
    await desk.post(f"{PATH}/drain", {"over": 20})
    await trio.sleep(21)
    assert world.endings() == ["KD"] * 4


async def test_a_backend_is_weighed(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    assert (await desk.post(f"{PATH}/weight", {"weight": 7})).json()["weight"] == 7
    assert world.runtime.pools["app"].backends[0].weight == 7


async def test_a_pool_is_drained(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world, TWO)
    await desk.post("/api/pools/app/drain")
    states = {backend.state for backend in world.runtime.pools["app"].backends}
    assert states == {State.DRAIN}


async def test_a_backend_whose_name_has_slashes(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world, make_config(backends=["unix:/run/app.sock"]))
    answer = await desk.post("/api/pools/app/backends/unix:%2Frun%2Fapp.sock/drain")
    assert answer.json()["backend"] == "unix:/run/app.sock"


@pytest.mark.parametrize("path", ["/api/pools/app/backends/none", "/api/pools/none/backends/none"])
@pytest.mark.parametrize("verb", ["drain", "ready", "maintenance"])
async def test_what_is_not_there(
    autojump_clock: MockClock, world: World, path: str, verb: str
) -> None:
    desk = await open_desk(world)
    answer = await desk.post(f"{path}/{verb}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"].startswith("no-such-")


async def test_what_makes_no_sense(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    assert (await desk.post(f"{PATH}/weight", {"weight": 257})).status_code == 400
    assert (await desk.post(f"{PATH}/drain", {"over": "soon"})).status_code == 400
    assert (await desk.send(f"{PATH}/drain", b"{")).status_code == 400
    assert state(desk) is State.UP


async def test_a_reload_that_fails_says_why(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.post("/api/reload")
    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "code": "reload-failed",
        "message": "there is no file to reload",
    }


async def test_the_balancer_is_drained(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    assert (await desk.post("/api/drain")).status_code == 200
    assert not desk.operations.balancer.ready


async def test_events_are_for_a_few(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    desk.hub.subscribers.update(Subscriber() for _ in range(MOST_SUBSCRIBERS))
    answer = await desk.get("/api/events")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "too-many"
    desk.hub.subscribers.clear()


async def test_nothing_without_the_token(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world, admin=AdminConfig(LOCAL.bind, token=TOKEN))
    assert (await desk.get("/api/status")).status_code == 401
    assert (await desk.post(f"{PATH}/drain")).status_code == 401
    assert state(desk) is State.UP
    assert (await desk.get("/api/status", authorization=f"Bearer {TOKEN}")).status_code == 200
    assert (await desk.get("/healthz")).status_code == 200


async def test_another_site_changes_nothing(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.post(f"{PATH}/drain", origin="http://evil.example")
    assert (answer.status_code, state(desk)) == (403, State.UP)
    answer = await desk.send(f"{PATH}/drain", b"{}", content_type="text/plain")
    assert (answer.status_code, state(desk)) == (415, State.UP)
    answer = await desk.post(f"{PATH}/drain", host="evil.example")
    assert (answer.status_code, state(desk)) == (403, State.UP)
