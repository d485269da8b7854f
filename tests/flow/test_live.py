from __future__ import annotations

from support.world import BACKEND, OTHER, World, finish, keep, make_config
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.flow.record import Record, Who
from trio_balancer.network.seam import SocketOptions


async def test_knows_who_is_on_which_backend(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    await world.server(OTHER, keep)
    await world.serve(make_config(backends=(BACKEND, OTHER)))
    await world.clients(3)
    first, second = world.runtime.pools["app"].backends
    numbers = [
        [connection.number for connection in world.runtime.on_backend(backend)]
        for backend in (first, second)
    ]
    assert numbers == [[1, 3], [2]]


async def test_who_waits_is_on_no_backend(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config(pool='when_down = "hold"'))
    await world.client()
    assert len(world.runtime.connections) == 1
    assert world.runtime.on_backend(world.runtime.pools["app"].backends[0]) == []


async def test_the_first_to_end_a_connection_is_believed(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.client()
    (connection,) = world.runtime.connections.values()
    connection.end(Who.POLICY, "first")
    connection.end(Who.KILLED, "second")
    await wait_all_tasks_blocked()
    (record,) = world.records
    assert (str(record.ending), record.reason) == ("PD", "first")


async def test_both_legs_are_given_the_listeners_options(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config(listener='keepalive = "9s"\nuser_timeout = "7s"'))
    listener = world.balancer.gates["web"].listener
    assert listener.terms.options == SocketOptions(keepalive=9, user_timeout=7)


async def test_totals_only_grow(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    for number in range(1, 4):
        client = await world.client()
        await client.send_all(b"12345")
        await finish(client)
        totals = world.runtime.totals
        assert (totals.accepted, totals.bytes_up, totals.bytes_down) == (
            number,
            5 * number,
            5 * number,
        )
        assert dict(totals.endings) == {"--": number}


async def test_whoever_wishes_sees_finished_connections(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    seen: list[Record] = []
    world.runtime.observe(seen.append)
    await finish(await world.client())
    world.runtime.stop_observing(seen.append)
    world.runtime.stop_observing(seen.append)
    await finish(await world.client())
    assert seen == world.records[:1]
    assert len(world.records) == 2


async def test_the_most_at_once_and_in_a_second(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    for client in await world.clients(3):
        await finish(client)
    totals = world.runtime.totals
    assert (totals.peak, totals.rate.highest) == (3, 3)
    totals.clear_peaks()
    assert (totals.peak, totals.rate.highest, totals.accepted) == (0, 0, 3)
