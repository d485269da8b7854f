from __future__ import annotations

import pytest
from support.commands import operate
from support.world import BACKEND, World
from trio.testing import MockClock

from trio_balancer.control.errors import OperationError
from trio_balancer.control.find import (
    MOST_NAMES,
    find_backend,
    find_connection,
    find_listener,
    find_pool,
    is_client,
    parse_client,
)
from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address


async def test_finds_what_is_there(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await operate(world)
    await world.client()
    balancer = world.balancer
    pool = find_pool(balancer, "app")
    assert pool is world.runtime.pools["app"]
    assert find_backend(balancer, "app", "two") == (pool, pool.backends[1])
    assert find_listener(balancer, "web") is balancer.gates["web"]
    assert find_connection(balancer, 1) is world.runtime.connections[1]


async def test_says_what_is_not_there(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    balancer = world.balancer
    for find, code in (
        (lambda: find_pool(balancer, "ap"), "no-such-pool"),
        (lambda: find_backend(balancer, "ap", "one"), "no-such-pool"),
        (lambda: find_backend(balancer, "app", "three"), "no-such-backend"),
        (lambda: find_listener(balancer, "mail"), "no-such-listener"),
        (lambda: find_connection(balancer, 1), "no-such-connection"),
    ):
        with pytest.raises(OperationError) as caught:
            find()
        assert caught.value.code == code


async def test_says_what_there_is(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    with pytest.raises(
        OperationError, match="pool 'app' has no backend 'x'; there are 'one', 'two'"
    ):
        find_backend(world.balancer, "app", "x")
    pool = world.runtime.pools["app"]
    pool.backends *= MOST_NAMES
    with pytest.raises(OperationError, match=f"'two', and {MOST_NAMES} more"):
        find_backend(world.balancer, "app", "x")


async def test_says_that_there_is_none(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    world.runtime.pools.clear()
    with pytest.raises(OperationError, match="there is no pool 'app'; there is none"):
        find_pool(world.balancer, "app")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("10.0.0.1", inet_address("10.0.0.1", 0)),
        ("10.0.0.1:80", inet_address("10.0.0.1", 80)),
        ("::1", inet_address("::1", 0)),
        ("[::1]", inet_address("::1", 0)),
        ("[::1]:80", inet_address("::1", 80)),
        ("::ffff:10.0.0.1", inet_address("10.0.0.1", 0)),
        ("unix:", UnixAddress("")),
        ("unix:/run/x", UnixAddress("/run/x")),
    ],
)
def test_addresses_of_clients(written: str, address: SocketAddress) -> None:
    assert parse_client(written) == address


@pytest.mark.parametrize("written", ["", "10.0.0", "name.example:80", "10.0.0.1:x", "\n"])
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(OperationError) as caught:
        parse_client(written)
    assert caught.value.code == "bad-value"


def test_a_client_is_wanted_with_or_without_its_port() -> None:
    client = inet_address("10.0.0.1", 4000)
    assert is_client(client, inet_address("10.0.0.1", 0))
    assert is_client(client, client)
    assert not is_client(client, inet_address("10.0.0.1", 4001))
    assert not is_client(client, inet_address("10.0.0.2", 0))
    assert not is_client(UnixAddress(""), inet_address("10.0.0.2", 0))
    assert is_client(UnixAddress("/x"), UnixAddress(""))
    assert not is_client(client, UnixAddress(""))
    assert not is_client(UnixAddress("/x"), UnixAddress("/y"))
