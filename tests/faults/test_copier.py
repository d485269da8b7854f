"""When a connection's bytes leave the relay, and when they do not; with filters, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.broken import PLAIN, RELAYS, breakable
from support.eventually import eventually
from support.faulty import faulty_world, how_it_ends
from support.rig import receive_exactly, receive_to_end, say
from support.world import finish, keep
from trio.testing import wait_all_tasks_blocked

from trio_balancer.relay import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

    from trio_balancer.network import Stream
    from trio_balancer.testing import MemoryStream

DATA = bytes(range(251)) * 1000


async def check_trade(client: Stream, backend: Stream, data: bytes = b"ping") -> None:
    """Send something up and down."""
    for source, sink in ((client, backend), (backend, client)):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.send_all, data)
            assert await receive_exactly(sink, len(data)) == data


@pytest.mark.parametrize("name", PLAIN)
async def test_without_a_fault_it_stays_in_the_relay(name: str, tmp_path: Path) -> None:
    async with breakable(name, tmp_path) as broken:
        await check_trade(broken.ends.client, broken.ends.backend, DATA)
        assert broken.in_relay == [True, True]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    "table",
    [
        {"type": "reset_peer", "toxicity": 0},
        {"type": "reset", "match": {"nth": 2}},
        {"type": "reset", "match": {"client": "10.0.0.8"}},
        {"type": "reset", "match": {"backend": "another"}},
        {"type": "refuse"},
        {"type": "delay", "attributes": {"delay": 1000}},
    ],
    ids=str,
)
async def test_a_fault_that_does_not_hit_it_changes_nothing(
    name: str, table: dict[str, object], tmp_path: Path
) -> None:
    async with breakable(name, tmp_path) as broken:
        kind = str(table["type"])
        broken.add(kind, **{key: value for key, value in table.items() if key != "type"})
        await check_trade(broken.ends.client, broken.ends.backend)
        assert broken.in_relay == [True, True]


@pytest.mark.parametrize("name", PLAIN)
async def test_only_the_way_that_it_is_on_leaves_the_relay(name: str, tmp_path: Path) -> None:
    async with breakable(name, tmp_path) as broken:
        broken.add("noop")
        await eventually(lambda: broken.in_relay == [True, False])
        await check_trade(broken.ends.client, broken.ends.backend, DATA)
        broken.add("noop", stream="upstream")
        await eventually(lambda: broken.in_relay == [False, False])
        await check_trade(broken.ends.client, broken.ends.backend, DATA)


@pytest.mark.parametrize("name", PLAIN)
async def test_a_fault_that_comes_and_goes_leaves_it_in_the_relay(
    name: str, tmp_path: Path
) -> None:
    async with breakable(name, tmp_path) as broken:
        broken.add("stall")
        broken.book.reset()
        await check_trade(broken.ends.client, broken.ends.backend)
        assert broken.in_relay == [True, True]


@pytest.mark.parametrize("name", RELAYS)
async def test_a_fault_that_was_there_before(name: str, tmp_path: Path) -> None:
    async with breakable(name, tmp_path, prefix=b"first ", before="noop") as broken:
        client, backend = broken.ends.client, broken.ends.backend
        assert broken.in_relay[1] is False
        await client.send_all(b"and then")
        assert await receive_exactly(backend, 14) == b"first and then"


@pytest.mark.parametrize("name", RELAYS)
async def test_to_the_end_with_faults(name: str, tmp_path: Path) -> None:
    async with breakable(name, tmp_path) as broken:
        broken.add("latency", attributes={"latency": 1})
        broken.add("slicer", stream="upstream", attributes={"average_size": 1000})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say, broken.ends.client, DATA)
            nursery.start_soon(say, broken.ends.backend, DATA)
            assert await receive_to_end(broken.ends.backend) == DATA
            assert await receive_to_end(broken.ends.client) == DATA
        with trio.fail_after(5):
            await broken.over.wait()
        assert broken.outcomes == {"up": Outcome.FINISHED, "down": Outcome.FINISHED}
        assert broken.cuts == []


@pytest.mark.parametrize("name", RELAYS)
async def test_bytes_before_it_began_count(name: str, tmp_path: Path) -> None:
    async with breakable(name, tmp_path) as broken:
        client, backend = broken.ends.client, broken.ends.backend
        await client.send_all(b"1234567")
        assert await receive_exactly(backend, 7) == b"1234567"
        broken.add("reset", stream="upstream", match={"after_bytes": 10})
        await client.send_all(b"89abcdef")
        assert await receive_exactly(backend, 3) == b"89a"
        with trio.fail_after(5):
            await broken.over.wait()
        assert broken.cuts == [("the fault 'reset_upstream' reset it", True)]


@pytest.mark.parametrize("name", RELAYS)
async def test_a_sink_that_breaks(name: str, tmp_path: Path) -> None:
    async with breakable(name, tmp_path, before="noop") as broken:
        client, backend = broken.ends.client, broken.ends.backend
        client.reset()
        await eventually(lambda: broken.outcomes.get("up") is not None)
        await backend.send_all(b"too late")
        await eventually(lambda: broken.outcomes.get("down") is not None)
        assert broken.outcomes == {"up": Outcome.SOURCE_BROKE, "down": Outcome.SINK_BROKE}


@pytest.mark.parametrize("name", RELAYS)
async def test_an_end_that_is_late_is_none_when_the_pair_broke_meanwhile(
    name: str, tmp_path: Path
) -> None:
    async with breakable(name, tmp_path) as broken:
        broken.add("slow_close", stream="upstream", attributes={"delay": 100})
        await broken.ends.client.send_eof()
        await wait_all_tasks_blocked(0.01)
        broken.ends.pair.mark_broken(broken.ends.pair.client)
        await eventually(lambda: "up" in broken.outcomes)
        assert broken.outcomes == {"up": Outcome.SOURCE_BROKE}


# With filters: source, filters, faults, sink


SHOUTS = 'filters = [{ use = "support.faulty:Shout" }]'


async def test_without_a_fault_filters_work_as_ever(autojump_clock: MockClock) -> None:
    async with faulty_world(listener=SHOUTS) as world:
        client = await world.client()
        assert await ask(client, b"ping") == b"PING"
        await finish(client)
        assert world.endings() == ["--"]


async def test_faults_come_behind_filters(autojump_clock: MockClock) -> None:
    async with faulty_world(listener=SHOUTS) as world:
        client = await world.client()
        world.add("latency", latency=100)
        world.add("latency", stream="upstream", latency=10)
        start = trio.current_time()
        assert await ask(client, b"ping") == b"PING"
        assert trio.current_time() - start == pytest.approx(0.11)


async def test_what_filters_reply_is_late_too(autojump_clock: MockClock) -> None:
    async with faulty_world(listener=SHOUTS) as world:
        client = await world.client()
        world.add("latency", latency=100)
        start = trio.current_time()
        assert await ask(client, b"who?") == b"me"
        assert trio.current_time() - start == pytest.approx(0.1)


async def test_a_backend_that_resets_behind_filters_and_faults(autojump_clock: MockClock) -> None:
    async with faulty_world(keep, listener=SHOUTS) as world:
        client = await world.client()
        world.add("latency", stream="upstream", latency=100)
        world.server_of_all.streams[0].reset()
        assert (await how_it_ends(client))[1] == "reset"
        assert world.endings() == ["SD"]


async def test_replies_toward_who_has_broken_are_dropped(autojump_clock: MockClock) -> None:
    async with faulty_world(keep, listener=SHOUTS) as world:
        client = await world.client()
        world.add("latency", latency=100)
        await client.send_all(b"who?")
        client.reset()
        await world.until(lambda: bool(world.records))
        assert world.endings() == ["CD"]


async def ask(client: MemoryStream, question: bytes) -> bytes:
    """Send, and receive the next that comes."""
    await client.send_all(question)
    return await client.receive_some()
