from __future__ import annotations

import json
import os
from typing import Any

import trio
import trio.lowlevel
from support.commands import operate
from support.world import BACKEND, OTHER, World, finish, is_reset, keep, make_config, trade
from trio.testing import MockClock

import trio_balancer
from trio_balancer.control.history import ReloadHistory
from trio_balancer.control.status import listener_state, take_status


def status(world: World) -> dict[str, Any]:
    taken = take_status(world.balancer, world.balancer.reloads, "/etc/balancer.toml")
    assert json.loads(json.dumps(taken)) == taken
    return taken


async def test_the_process(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    await trio.sleep(12.5)
    told = status(world)
    assert (told["version"], told["pid"]) == (trio_balancer.__version__, os.getpid())
    assert (told["uptime"], told["ready"], told["draining"]) == (12.5, True, False)
    assert told["config_file"] == "/etc/balancer.toml"
    assert told["reloads"] == {"count": 0, "failed": 0, "last_error": None, "last_at": None}
    assert told["log"] == {"written": len(world.sink.lines), "dropped": 0, "suppressed": 0}


async def test_connections_and_listeners(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await operate(world, listener="max_connections = 7", backends=(BACKEND,))
    first, _second = await world.clients(2)
    await trade(first, b"12345")
    await finish(first)
    told = status(world)
    traffic = {
        "peak": 2,
        "accepted": 2,
        "refused": 0,
        "accept_errors": 0,
        "bytes_up": 5,
        "bytes_down": 5,
        "rate": 2,
        "rate_max": 2,
        "endings": {"--": 1},
        "refusals": {},
    }
    assert told["connections"] == {
        "active": 1,
        "limit": 100,
        "bugs": 0,
        "filter_errors": 0,
        **traffic,
    }
    assert told["listeners"] == [
        {
            "name": "web",
            "addresses": ["10.0.0.1:80"],
            "pool": "app",
            "state": "open",
            "active": 1,
            "limit": 7,
            **traffic,
        }
    ]


async def test_a_pool_and_its_backends(autojump_clock: MockClock, world: World) -> None:
    world.wall_start = 1_000_000.0
    await world.server(BACKEND)
    await operate(world, more="", pool='policy = "first"\nrequired = true\n')
    await world.client()
    await trio.sleep(5.25)
    (pool,) = status(world)["pools"]
    one, two = pool.pop("backends")
    assert pool == {
        "name": "app",
        "policy": "first",
        "required": True,
        "active": 1,
        "queued": 0,
        "held": 0,
        "queue_limit": 1000,
        "peak": 1,
        "total": 1,
        "rate": 0,
        "rate_max": 1,
        "bytes_up": 0,
        "bytes_down": 0,
        "connect_p50": None,
        "connect_p99": None,
        "endings": {},
    }
    check = one.pop("check")
    assert (check["type"], check["passed"], check["detail"]) == ("tcp", True, "connected")
    assert 1_000_000 < check["at"] <= 1_000_005.25
    assert one == {
        "name": "one",
        "address": str(BACKEND),
        "state": "up",
        "admin": "ready",
        "reason": "",
        "since": 1_000_000.0,
        "in_state_for": 5.25,
        "weight": 10,
        "configured_weight": 10,
        "effective_weight": 10.0,
        "max_connections": None,
        "backup": False,
        "active": 1,
        "dials": 1,
        "dial_failures": 0,
        "resets": 0,
        "peak": 1,
        "total": 1,
        "rate": 0,
        "rate_max": 1,
        "bytes_up": 0,
        "bytes_down": 0,
        "connect_p50": None,
        "connect_p99": None,
        "endings": {},
        "ejected": False,
        "ejection_ends_in": None,
        "times_down": 0,
        "downtime": 0.0,
    }
    assert (two["state"], two["reason"]) == ("down", "Connection refused")
    assert (two["check"]["passed"], two["max_connections"]) == (False, 7)
    assert two["in_state_for"] == two["downtime"] == 5.25


async def test_without_checks_none_has_passed(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    (pool,) = status(world)["pools"]
    assert pool["backends"][0]["check"] == {
        "type": "none",
        "passed": None,
        "detail": None,
        "duration": None,
        "at": None,
    }


async def test_states_of_a_listener(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    operator = await operate(world, listener="max_connections = 1", backends=(BACKEND,))
    assert listener_state(world.balancer, "web") == "open"
    client = await world.client()
    assert listener_state(world.balancer, "web") == "full"
    await operator.command("disable frontend web")
    assert listener_state(world.balancer, "web") == "closed"
    world.balancer.drain(30)
    await trio.lowlevel.checkpoint()
    assert listener_state(world.balancer, "web") == "draining"
    told = status(world)
    assert (told["ready"], told["draining"]) == (False, True)
    assert await is_reset(client)


async def test_a_balancer_without_a_file_and_no_limit(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config(backends=(BACKEND, OTHER)))
    told = take_status(world.balancer, ReloadHistory(), None)
    assert told["config_file"] is None
    (listener,) = status(world)["listeners"]
    assert listener["limit"] is None
