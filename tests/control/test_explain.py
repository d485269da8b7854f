from __future__ import annotations

import pytest
import trio
from support.commands import operate
from support.world import BACKEND, OTHER, THIRD, World
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import parse_config
from trio_balancer.config.model import Policy
from trio_balancer.control.explain import explain_client, preview
from trio_balancer.control.find import parse_client
from trio_balancer.control.status import Json
from trio_balancer.policy import Unavailable

CLIENT = "192.0.2.9"


def explain(world: World, client: str = CLIENT, server_name: str | None = None) -> Json:
    listener = world.balancer.gates["web"].listener
    return explain_client(world.runtime, listener, parse_client(client), server_name)


async def test_one_who_is_admitted(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    told = explain(world)
    assert (told["client"], told["listener"], told["admitted"]) == (CLIENT, "web", True)
    assert (told["pool"], told["backend"], told["policy"]) == ("app", "one", "round-robin")
    assert (told["access"], told["notes"]) == ("no access rules", [])
    assert told["why"] == "the choice of round-robin"
    backends = told["backends"]
    assert isinstance(backends, list)
    assert backends[1] == {
        "name": "two",
        "state": "up",
        "reason": "",
        "weight": 1,
        "backup": False,
        "active": 0,
        "available": True,
    }
    assert explain(world, f"{CLIENT}:80")["client"] == f"{CLIENT}:80"


async def test_one_who_is_refused(autojump_clock: MockClock, world: World) -> None:
    await operate(world, more='[listeners.web.access]\ndeny = ["192.0.2.0/24"]\n')
    told = explain(world)
    assert (told["admitted"], told["backend"], told["why"]) == (False, None, "it is refused")
    assert told["access"] == "refused by deny 192.0.2.0/24: the client is on the deny list"
    assert explain(world, "192.0.3.1")["admitted"] is True


async def test_nobody_to_serve(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    for name in ("one", "two"):
        await operator.command(f"disable server app/{name}")
    told = explain(world)
    assert (told["backend"], told["why"]) == (None, "no backend of the pool is up")


async def test_everybody_full(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    config = parse_config(
        f'[balancer]\nmax_connections = 1\n[listeners.web]\nbind = "10.0.0.1:80"\npool = "app"\n'
        f'max_connections = 1\n[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = 1\n'
    )
    await world.serve(config)
    await world.client()
    told = explain(world)
    assert told["why"] == "every backend that is up has as many connections as it may have"
    assert told["notes"] == [
        "the listener has as many connections as it may have",
        "the balancer has as many connections as it may have",
    ]


ROUTED = f"""
[listeners.web]
bind = "10.0.0.1:80"
{{default}}
[[listeners.web.routes]]
sni = "a.example"
pool = "a"
[listeners.web.proxy_protocol]
trusted = ["10.0.0.0/8"]
[pools.a]
backends = ["{BACKEND}"]
[pools.rest]
backends = ["{OTHER}"]
"""


@pytest.mark.parametrize(
    ("default", "server_name", "pool"),
    [
        ('pool = "rest"', "a.example", "a"),
        ('pool = "rest"', "b.example", "rest"),
        ('pool = "rest"', None, "rest"),
        ("", "b.example", None),
        ("", None, None),
    ],
)
async def test_routes(
    default: str,
    server_name: str | None,
    pool: str | None,
    autojump_clock: MockClock,
    world: World,
) -> None:
    await world.serve(parse_config(ROUTED.format(default=default)))
    told = explain(world, server_name=server_name)
    assert told["pool"] == pool
    assert told["notes"] == ["the address is the one that a PROXY header announces"]
    if pool is None:
        assert "no route is for" in str(told["why"])


@pytest.mark.parametrize("policy", [policy.value for policy in Policy])
async def test_a_preview_comes_true_and_changes_nothing(
    policy: str, autojump_clock: MockClock, world: World
) -> None:
    addresses = (BACKEND, OTHER, THIRD)
    for address in addresses:
        await world.server(address)
    await operate(world, pool=f'policy = "{policy}"\n', backends=addresses)
    pool = world.runtime.pools["app"]
    for count in range(1, 8):
        client = await world.network.connect(
            parse_client("10.0.0.1:80"),
            options=world.balancer.gates["web"].listener.terms.options,
        )
        expected = preview(pool, client.local_address)
        assert preview(pool, client.local_address) == expected
        await wait_all_tasks_blocked()
        chosen = world.runtime.connections[count].target
        assert chosen is not None
        assert chosen.name == expected


async def test_a_preview_of_nothing(autojump_clock: MockClock, world: World) -> None:
    await operate(world, pool='when_down = "hold"\n', backends=(BACKEND,), more="")
    pool = world.runtime.pools["app"]
    await trio.sleep(10)
    await world.client()
    assert len(pool.line) == 1
    assert preview(pool, parse_client(CLIENT)) is Unavailable.DOWN
    assert len(pool.line) == 1
