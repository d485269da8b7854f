from __future__ import annotations

import attrs
import pytest
from support.commands import operate
from support.world import BACKEND, OTHER, World
from trio.testing import MockClock

from trio_balancer.control.choose import choose_connections
from trio_balancer.control.errors import OperationError


def choose(
    world: World,
    number: int | None = None,
    pool: str | None = None,
    backend: str | None = None,
    client: str | None = None,
) -> list[int]:
    found = choose_connections(
        world.balancer, number=number, pool=pool, backend=backend, client=client
    )
    return [connection.number for connection in found]


async def test_all_that_is_given_must_apply(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    await operate(world, pool='policy = "least-connections"\n')
    clients = await world.clients(4)
    addresses = [client.local_address for client in clients]
    assert choose(world, number=3) == [3]
    assert choose(world, pool="app") == [1, 2, 3, 4]
    of_one = choose(world, pool="app", backend="one")
    of_two = choose(world, pool="app", backend="two")
    assert sorted(of_one + of_two) == [1, 2, 3, 4]
    assert of_two
    assert choose(world, client=str(addresses[1])) == [2]
    assert choose(world, number=of_two[0], pool="app", backend="one") == []


async def test_connections_outlive_what_a_reload_removes(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    await operate(world, pool='policy = "least-connections"\n')
    clients = await world.clients(4)
    of_one = choose(world, pool="app", backend="one")
    config = world.balancer.config
    pool, web = config.pools["app"], config.listeners["web"]
    without_one = attrs.evolve(pool, backends=pool.backends[1:])
    await world.balancer.reload(attrs.evolve(config, pools={"app": without_one}))
    assert 0 < len(of_one) < 4
    assert choose(world, pool="app", backend="one") == of_one
    other = attrs.evolve(pool, name="other")
    to_other = attrs.evolve(web, pool="other")
    new = attrs.evolve(config, listeners={"web": to_other}, pools={"other": other})
    await world.balancer.reload(new)
    assert choose(world, pool="app") == [1, 2, 3, 4]
    assert choose(world, pool="app", backend="one") == of_one
    assert len(clients) == 4
    assert choose(world, pool="other") == []
    assert choose(world, pool="other", backend="one") == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "bad-value"),
        ({"backend": "one"}, "bad-value"),
        ({"backend": "one", "client": "10.0.0.1"}, "bad-value"),
        ({"client": "x"}, "bad-value"),
        ({"number": 7}, "no-such-connection"),
        ({"pool": "x"}, "no-such-pool"),
        ({"pool": "app", "backend": "x"}, "no-such-backend"),
    ],
)
async def test_what_cannot_be_chosen(
    given: dict[str, object], code: str, autojump_clock: MockClock, world: World
) -> None:
    await operate(world)
    with pytest.raises(OperationError) as caught:
        choose(world, **given)  # type: ignore[arg-type]  # any of them
    assert caught.value.code == code
