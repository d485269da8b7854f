"""A connection's boundary: a bug in one is no other's trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from support.world import BACKEND, World, finish, is_reset, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.flow import connection as room
from trio_balancer.flow.bridge import Bridge
from trio_balancer.flow.record import FINISHED, Ending, Who

if TYPE_CHECKING:
    import pytest

    from trio_balancer.flow.live import Connection
    from trio_balancer.policy import Pool


async def test_a_bug_ends_one_connection_only(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    before = await world.client()

    async def buggy(_connection: Connection, _pool: Pool) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(room, "reach_backend", buggy)
        assert await is_reset(await world.client())
    after = await world.client()
    assert [await trade(client) for client in (before, after)] == [b"ping"] * 2
    (record,) = world.records
    assert (str(record.ending), record.reason) == ("IR", "a bug in the balancer")
    assert world.balancer.statistics().traffic.bugs == 1
    (line,) = world.lines("A bug ended a connection")
    assert "ZeroDivisionError: a bug" in line
    assert "connection=2" in line
    await finish(before)
    await finish(after)
    world.assert_nothing_is_held()


async def test_a_bug_in_the_bridge_gives_everything_back(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())

    def buggy(_bridge: Bridge, _way: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Bridge, "_finished", buggy)
    client = await world.client()
    await client.send_eof()
    await wait_all_tasks_blocked()
    assert world.endings() == ["ID"]
    world.assert_nothing_is_held()


async def test_a_bug_during_cancellation_is_counted_too(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes as a group with Cancelled; the rest of the balancer still stops in order."""
    await world.serve(make_config())

    async def buggy(_connection: Connection, _pool: Pool) -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ZeroDivisionError("a bug")

    monkeypatch.setattr(room, "reach_backend", buggy)
    await world.client()
    world.scope.cancel()
    await wait_all_tasks_blocked()
    assert world.endings() == ["IR"]
    assert world.runtime.totals.bugs == 1
    world.assert_nothing_is_held()


async def test_numbers_count_the_accepted(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    for client in await world.clients(3):
        await finish(client)
    assert [record.number for record in world.records] == [1, 2, 3]


async def test_the_record_says_all_that_is_known(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    await trio.sleep(100)
    client = await world.client()
    await trade(client, b"12345")
    await trio.sleep(3)
    await finish(client)
    (record,) = world.records
    assert record.listener == "web"
    assert record.client == client.local_address
    assert str(record.address) == "10.0.0.1:80"
    assert (record.accepted_at, record.total_time) == (100, 3)
    assert (record.pool, record.backend, record.backend_address) == (
        "app",
        str(BACKEND),
        str(BACKEND),
    )
    assert (record.queue_time, record.connect_time, record.attempts) == (0, 0, 1)
    assert (record.bytes_up, record.bytes_down) == (5, 5)
    counts = record.counts
    assert (counts.process, counts.listener, counts.pool, counts.backend) == (1, 1, 1, 1)
    assert len(world.lines("ending=--")) == 1


async def test_who_ended_it_first_is_believed_though_the_bridge_finished(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())

    async def finish_too_late(_bridge: Bridge) -> Ending:
        world.runtime.connections[1].end(Who.DOWN, "went down")
        return FINISHED

    monkeypatch.setattr(Bridge, "finish", finish_too_late)
    client = await world.client()
    await finish(client)
    assert world.endings() == ["DD"]
