"""What a lane promises of bytes, seen from both ends of a connection in virtual time."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio
from support.faulty import APP, WEB, faulty_world, how_it_ends
from support.stages import stage_of
from support.world import BACKEND, finish, keep, receive_to_end, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.config.model_effects import Latency, Slicer
from trio_balancer.faults import make_fault
from trio_balancer.faults.lane import Lane
from trio_balancer.faults.subject import Installed
from trio_balancer.network.seam import PeerReset
from trio_balancer.relay import Pair
from trio_balancer.testing import MemoryStream, memory_connection


async def timed_trade(client: MemoryStream, data: bytes = b"ping") -> float:
    start = trio.current_time()
    assert await trade(client, data) == data
    return trio.current_time() - start


async def say(stream: MemoryStream, data: bytes) -> None:
    await stream.send_all(data)
    await stream.send_eof()


async def clog(stream: MemoryStream) -> int:
    """Send until nothing more is taken; returns how much was."""
    before = stream.sent
    with trio.move_on_after(30), suppress(PeerReset):
        await stream.send_all(bytes(50_000_000))
    return stream.sent - before


def legs() -> tuple[MemoryStream, MemoryStream]:
    """Return our ends of two connections."""
    return memory_connection(BACKEND, BACKEND)[0], memory_connection(BACKEND, BACKEND)[0]


def never(reason: str, *, reset: bool) -> None:
    """Be told of no end."""
    raise AssertionError(f"nothing ends it, but {reason} ({reset=})")


def installed(serial: int) -> Installed:
    return Installed(WEB, make_fault({"type": "noop"}), serial)


async def test_latency_adds_exactly_that(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("latency", latency=100)
        assert await timed_trade(client) == pytest.approx(0.1, abs=1e-9)


async def test_two_latencies_add_up(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("latency", latency=100, name="one")
        world.add("latency", latency=100, name="two")
        assert await timed_trade(client) == pytest.approx(0.2, abs=1e-9)


async def test_latencies_of_both_ways_and_of_both_scopes_add_up(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("latency", latency=100)
        world.add("latency", APP, latency=20, stream="upstream")
        assert await timed_trade(client) == pytest.approx(0.12, abs=1e-9)


async def test_latency_is_no_bandwidth(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("latency", latency=1000)
        assert await timed_trade(client, bytes(4_000_000)) == pytest.approx(1)


async def test_the_end_is_as_late_as_the_bytes(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("latency", latency=100)
        start = trio.current_time()
        await finish(client)
        assert trio.current_time() - start == pytest.approx(0.1)
        assert world.endings() == ["--"]


async def test_bandwidth_in_virtual_time(autojump_clock: MockClock) -> None:
    async with faulty_world(keep) as world, trio.open_nursery() as nursery:
        client = await world.client()
        world.add("bandwidth", rate=100)
        start = trio.current_time()
        nursery.start_soon(say, world.server_of_all.streams[0], bytes(500_000))
        assert await receive_to_end(client) == bytes(500_000)
        assert trio.current_time() - start == pytest.approx(5, rel=0.001)


async def test_the_buffer_bounds_what_is_held(autojump_clock: MockClock) -> None:
    async with faulty_world(keep, balancer='fault_buffer = "1MB"') as world:
        client = await world.client()
        world.add("latency", latency=1e9, stream="upstream")
        sent = await clog(client)
    assert 1_000_000 - 70_000 <= sent <= 1_000_000 + 4 * 65536


async def test_tiny_pieces_count_for_more_than_their_bytes(autojump_clock: MockClock) -> None:
    async with faulty_world(keep, balancer='fault_buffer = "1MB"') as world:
        client = await world.client()
        world.add("latency", latency=1e9, stream="upstream")
        start = world.server_of_all.streams[0].received
        for _ in range(6000):
            await client.send_all(b"x")
            await wait_all_tasks_blocked()
        [connection] = world.runtime.connections.values()
        assert connection.client.received < 6000
        assert world.server_of_all.streams[0].received == start


@pytest.mark.parametrize(
    "effect", [{"stall": {}}, {"bandwidth": {}}, {"reset_peer": {"timeout": 1e9}}], ids=str
)
async def test_what_holds_bytes_back_makes_the_sender_wait(
    autojump_clock: MockClock, effect: dict[str, dict[str, float]]
) -> None:
    [(kind, attributes)] = effect.items()
    async with faulty_world(keep) as world:
        client = await world.client()
        world.add(kind, WEB, stream="upstream", **attributes)
        assert await clog(client) <= 4 * 65536


@pytest.mark.parametrize("kind", ["noop", "slow_close", "corrupt", "slicer"])
async def test_what_does_not_delay_holds_a_chunk_at_most(
    autojump_clock: MockClock, kind: str
) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        world.add(kind, stream="upstream")
        # The windows of both connections, a chunk that is sent, one that is next, one held.
        assert await clog(client) <= 6 * 65536


async def test_very_many_slices_let_others_run(autojump_clock: MockClock) -> None:
    lane = Lane(Pair(*legs()).up, 100_000_000, never)
    slow = stage_of(Latency(latency=1e9))
    lane.insert(installed(1), stage_of(Slicer(average_size=1)))
    lane.insert(installed(2), slow)
    async with trio.open_nursery() as nursery:
        lane.start(nursery)
        await lane.send_all(bytes(40_000))
        assert len(slow.waiting) < 1000
        await wait_all_tasks_blocked()
        assert len(slow.waiting) == 40_000
        nursery.cancel_scope.cancel()


async def test_what_was_held_comes_at_once_and_in_order(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("stall", name="first", stream="upstream")
        world.add("latency", name="second", stream="upstream", latency=5000)
        world.add("stall", name="third", stream="upstream")
        data = bytes(range(256)) * 400
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_all, data)
            await wait_all_tasks_blocked()
            start = trio.current_time()
            for name in ("third", "first", "second"):
                world.book.remove(WEB, name)
            received = b""
            while len(received) < len(data):
                received += await client.receive_some()
        assert received == data
        assert trio.current_time() == start


async def test_faults_that_go_together_do_nothing_to_what_they_held(
    autojump_clock: MockClock,
) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("stall", stream="upstream")
        for number in range(5):
            world.add("corrupt", name=str(number), stream="upstream", probability=1)
        await client.send_all(b"whole")
        await wait_all_tasks_blocked()
        world.book.reset()
        assert await client.receive_some() == b"whole"


async def test_a_fault_that_is_taken_away_leaves_a_send_alone(autojump_clock: MockClock) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        server = world.server_of_all.streams[0]
        world.add("noop", stream="upstream")
        data = bytes(range(251)) * 2000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_all, data)
            await wait_all_tasks_blocked()  # the server reads nothing
            world.book.reset()
            await wait_all_tasks_blocked()
            received = b""
            while len(received) < len(data):
                received += await server.receive_some()
        assert received == data


async def test_reset_resets_both_sides(autojump_clock: MockClock) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        world.add("reset", name="boom")
        assert await how_it_ends(client) == (b"", "reset")
        assert await how_it_ends(world.server_of_all.streams[0]) == (b"", "reset")
        await wait_all_tasks_blocked()
        assert world.endings() == ["PD"]
        assert world.records[0].reason == "the fault 'boom' reset it"


async def test_reset_after_a_time(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        start = trio.current_time()
        world.add("reset", timeout=300)
        await trade(client)
        assert (await how_it_ends(client))[1] == "reset"
        assert trio.current_time() - start == pytest.approx(0.3)


async def test_reset_after_bytes_lets_these_arrive(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        await trade(client, b"12345")
        world.add("reset", match={"after_bytes": 10})
        await trade(client, b"67")
        await client.send_all(b"89abcdef")
        assert await how_it_ends(client) == (b"89a", "reset")


async def test_reset_comes_although_nobody_reads(autojump_clock: MockClock) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clog, client)
            await wait_all_tasks_blocked()
            start = trio.current_time()
            world.add("reset", stream="upstream")
            await world.until(lambda: bool(world.records), within=0.05)
            assert trio.current_time() - start < 0.05
            nursery.cancel_scope.cancel()
        assert world.endings() == ["PD"]


async def test_reset_comes_behind_a_stall(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("reset", timeout=100)
        world.add("stall")
        await client.send_all(b"abc")
        assert await how_it_ends(client) == (b"", "reset")


async def test_limit_data_closes_both_sides_behind_the_last_byte(autojump_clock: MockClock) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        world.add("limit_data", bytes=5, name="limit")
        await world.server_of_all.streams[0].send_all(b"1234567")
        assert await how_it_ends(client) == (b"12345", "finished")
        assert await how_it_ends(world.server_of_all.streams[0]) == (b"", "finished")
        assert world.endings() == ["PD"]
        assert world.records[0].reason == "the fault 'limit' closed it: 5 bytes had passed"


async def test_a_close_behind_an_end_that_was_sent(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("limit_data", bytes=0)
        world.add("half_close")
        assert await client.receive_some() == b""
        await client.send_all(b"over")
        await world.until(lambda: bool(world.records))
        assert world.endings() == ["PD"]


async def test_closed_it_takes_nothing(autojump_clock: MockClock) -> None:
    lane = Lane(Pair(*legs()).up, 1000, never)
    lane.close()
    with pytest.raises(trio.BrokenResourceError):
        await lane.send_eof()


async def test_a_close_waits_for_faults_behind_it(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("limit_data", bytes=5)
        world.add("latency", latency=500)
        start = trio.current_time()
        await client.send_all(b"1234567")
        assert await how_it_ends(client) == (b"12345", "finished")
        assert trio.current_time() - start == pytest.approx(0.5)


async def test_timeout_that_is_taken_away_closes(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("timeout", name="hole")
        await client.send_all(b"abc")
        await wait_all_tasks_blocked()
        world.book.remove(WEB, "hole")
        assert await how_it_ends(client) == (b"", "finished")
        await world.until(lambda: world.endings() == ["PD"])
        assert "'hole' closed it" in world.records[0].reason


async def test_half_close_ends_one_way_and_leaves_the_other(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        await trade(client)
        world.add("half_close")
        assert await client.receive_some() == b""
        await client.send_all(b"still")
        await client.send_eof()
        await world.until(lambda: bool(world.records))
        assert world.endings() == ["--"]
        assert world.records[0].bytes_up == len(b"pingstill")
        assert world.records[0].bytes_down == len(b"ping")


async def test_an_end_that_was_sent_stays_one(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("half_close", name="half")
        assert await client.receive_some() == b""
        world.book.remove(WEB, "half")
        await client.send_all(b"echoed to nobody")
        await wait_all_tasks_blocked()
        await client.send_eof()
        await world.until(lambda: bool(world.records))
        assert world.endings() == ["--"]
        assert world.records[0].bytes_down == 0


async def test_a_slow_close(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("slow_close", delay=2000)
        await client.send_all(b"abc")
        await client.send_eof()
        start = trio.current_time()
        assert await receive_to_end(client) == b"abc"
        assert trio.current_time() - start == pytest.approx(2)


async def test_what_was_delivered_before_a_reset_comes_and_then_the_reset(
    autojump_clock: MockClock,
) -> None:
    async def answer_and_reset(stream: MemoryStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"answer")
        await wait_all_tasks_blocked()
        stream.reset()

    async with faulty_world(answer_and_reset) as world:
        client = await world.client()
        world.add("latency", latency=500)
        start = trio.current_time()
        await client.send_all(b"question")
        assert await how_it_ends(client) == (b"answer", "reset")
        assert trio.current_time() - start == pytest.approx(0.5, abs=0.05)
        await world.until(lambda: world.endings() == ["SD"])


async def test_a_reset_does_not_wait_for_a_stall(autojump_clock: MockClock) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        world.add("stall")
        server = world.server_of_all.streams[0]
        await server.send_all(b"answer")
        await wait_all_tasks_blocked()
        server.reset()
        assert await how_it_ends(client) == (b"", "reset")
        assert world.endings() == ["SD"]


async def test_an_end_that_is_late_is_none_when_the_pair_broke_meanwhile(
    autojump_clock: MockClock,
) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        server = world.server_of_all.streams[0]
        world.add("latency", latency=500, stream="upstream")
        await client.send_eof()
        await wait_all_tasks_blocked()
        client.reset()
        assert await how_it_ends(server) == (b"", "reset")


async def test_the_same_seed_breaks_the_same(autojump_clock: MockClock) -> None:
    async def play() -> tuple[bytes, float]:
        async with faulty_world() as world:
            await world.client()  # of number 1: what is drawn goes by the number
            client = await world.client()
            world.add("corrupt", probability=0.1)
            world.add("packet_loss", loss_rate=0.5)
            world.add("latency", latency=100, jitter=90)
            world.add("slicer", average_size=50, size_variation=40, delay=1000)
            start = trio.current_time()
            return await trade(client, bytes(1000)), trio.current_time() - start

    (data, seconds), (data_again, seconds_again) = await play(), await play()
    assert data == data_again
    assert seconds == pytest.approx(seconds_again, abs=1e-9)


async def test_a_sink_that_breaks_while_bytes_are_held(autojump_clock: MockClock) -> None:
    async with faulty_world(keep) as world:
        client = await world.client()
        server = world.server_of_all.streams[0]
        world.add("latency", latency=500, stream="upstream")
        await client.send_all(b"abc")
        await wait_all_tasks_blocked()
        server.reset()
        assert (await how_it_ends(client))[1] == "reset"
        await world.until(lambda: world.endings() == ["SD"])
