from __future__ import annotations

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
