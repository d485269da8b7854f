"""Filters of a connection: what they are told of it, and how they end it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.world import BACKEND, FRONT, World, is_reset, keep, make_config, trade
from trio.testing import MockClock

from trio_balancer.config.model import LogConfig
from trio_balancer.filters import (
    ConnectionInfo,
    FilterChain,
    FilteredConnection,
    ListenerFilters,
    Surroundings,
)
from trio_balancer.flow.filtering import open_filters, surroundings_of
from trio_balancer.flow.live import Connection, Greeting
from trio_balancer.flow.log import Log
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.wire.address import inet_address
from trio_balancer.wire.proxy_protocol import ProxyHeader, Tlvs

Maker = Callable[[FilteredConnection], object]


def nothing(*_told: object, **_fields: object) -> None:
    pass


def listener_filters(*makers: Maker) -> ListenerFilters:
    surroundings = Surroundings(log=nothing, warn=nothing, wall_clock=lambda: 0.0)
    return ListenerFilters(makers, (), 1000, surroundings)


async def joined_connection(world: World) -> Connection:
    """Connect a client through to its backend."""
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.client()
    return world.runtime.connections[1]


def opened(connection: Connection, *makers: Maker) -> FilterChain:
    """Make filters for a connection that is joined already."""
    assert connection.backend is not None
    return open_filters(connection, connection.backend, listener_filters(*makers))


def info_of(connection: Connection) -> ConnectionInfo:
    """Return what filters are told."""
    told: list[ConnectionInfo] = []
    opened(connection, lambda filtered: told.append(filtered.info)).close()
    return told[0]


async def test_filters_know_whose_connection_it_is(world: World, autojump_clock: MockClock) -> None:
    connection = await joined_connection(world)
    assert info_of(connection) == ConnectionInfo(
        number=1,
        listener="web",
        pool="app",
        backend=str(BACKEND),
        backend_address=BACKEND,
        client=connection.client.remote_address,
        local=FRONT,
    )


async def test_filters_know_what_the_client_has_told(
    world: World, autojump_clock: MockClock
) -> None:
    connection = await joined_connection(world)
    tlvs = Tlvs(unique_id=b"id-1")
    connection.client_address = inet_address("203.0.113.9", 1234)
    connection.greeting = Greeting(
        header=ProxyHeader(2, 0, tlvs=tlvs), server_name="a.example", alpn=(b"h2", b"\xff")
    )
    info = info_of(connection)
    assert (info.client, info.tlvs) == (connection.client_address, tlvs)
    assert (info.server_name, info.alpn) == ("a.example", "h2,\\xff")


async def test_a_greeting_that_said_nothing(world: World, autojump_clock: MockClock) -> None:
    connection = await joined_connection(world)
    without = info_of(connection)
    connection.greeting = Greeting()
    assert info_of(connection) == without


async def test_a_connection_to_nowhere_in_particular(
    world: World, autojump_clock: MockClock
) -> None:
    connection = await joined_connection(world)
    pool, target, connection.pool, connection.target = (
        connection.pool,
        connection.target,
        None,
        None,
    )
    info = info_of(connection)
    connection.pool, connection.target = pool, target
    assert (info.pool, info.backend) == ("", "")


@pytest.mark.parametrize(("bug", "ending"), [(False, "PD"), (True, "ID")])
async def test_a_filter_ends_its_connection(
    world: World, autojump_clock: MockClock, ending: str, *, bug: bool
) -> None:
    def refuse(filtered: FilteredConnection) -> object:
        if bug:
            raise ZeroDivisionError
        filtered.end("it had its reasons")
        return object()

    connection = await joined_connection(world)
    opened(connection, refuse).close()

    assert await is_reset(world.peers[0])
    assert world.endings() == [ending]
    wanted = "a filter failed: ZeroDivisionError" if bug else "it had its reasons"
    assert world.records[0].reason == wanted


async def test_the_others_go_on(world: World, autojump_clock: MockClock) -> None:
    await world.server()
    await world.serve(make_config())
    _, other = await world.clients(2)
    opened(world.runtime.connections[1], lambda filtered: filtered.end("enough")).close()
    assert await trade(other) == b"ping"


def test_filters_write_into_the_log_of_the_balancer() -> None:
    sink = MemorySink()
    log = Log(LogConfig(), sink, wall_clock=lambda: 7.0, pid=1)
    surroundings = surroundings_of(log, lambda: 8.0)
    surroundings.log("A filter saw something", bytes=3)
    for number in (1, 2):
        surroundings.warn("a kind", "A filter is in trouble", connection=number)
    seen, warned = sink.lines  # at most one warning of its kind a second
    assert seen.endswith(" info A filter saw something bytes=3")
    assert warned.endswith(" warning A filter is in trouble connection=1")
    assert surroundings.wall_clock() == 8.0
