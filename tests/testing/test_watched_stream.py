from __future__ import annotations

from functools import partial

import attrs
import pytest
import trio
from trio.testing import MockClock, check_half_closeable_stream, wait_all_tasks_blocked

from trio_balancer.network import PeerReset
from trio_balancer.testing import MemoryStream, memory_connection
from trio_balancer.testing.link import Condition, Link
from trio_balancer.testing.watched_stream import WatchedStream
from trio_balancer.wire.address import inet_address

CLIENT, SERVER = inet_address("10.0.0.9", 40000), inet_address("10.0.1.1", 80)

PAUSE = Condition(stalls=True)
CUT = Condition(stalls=True, unreachable=True)
KILL = Condition(refuses=True)


@attrs.define(eq=False)
class Wire:
    """A watched stream, its link, its peer, and what it has told."""

    link: Link
    stream: WatchedStream
    peer: MemoryStream
    told: list[str]


def make_wire(window: int = 65536, nursery: trio.Nursery | None = None) -> Wire:
    """Make a wire; what is to have a latency needs a nursery."""
    link = Link()
    told: list[str] = []
    inner, peer = memory_connection(CLIENT, SERVER, window=window)
    stream = WatchedStream(
        inner,
        link,
        on_moved=partial(told.append, "moved"),
        on_closed=lambda _stream: told.append("closed"),
        spawn=lambda function: nursery.start_soon(function) if nursery else None,
    )
    return Wire(link, stream, peer, told)


async def received(wire: Wire) -> bytes:
    return await wire.stream.receive_some()


async def elapsed_until_received(wire: Wire) -> tuple[float, bytes]:
    began = trio.current_time()
    data = await wire.stream.receive_some()
    return trio.current_time() - began, data


async def test_it_is_a_stream_like_any_other(autojump_clock: MockClock) -> None:
    async def make() -> tuple[WatchedStream, WatchedStream]:
        await trio.lowlevel.checkpoint()
        one, two = memory_connection(CLIENT, SERVER, window=4096)
        watch = partial(
            WatchedStream,
            on_moved=lambda: None,
            on_closed=lambda _stream: None,
            spawn=lambda _function: None,
        )
        return watch(one, Link()), watch(two, Link())

    await check_half_closeable_stream(make, None)


async def test_it_tells_what_the_stream_below_knows(autojump_clock: MockClock) -> None:
    wire = make_wire(window=100)
    assert wire.stream.socket is None
    assert (wire.stream.local_address, wire.stream.remote_address) == (CLIENT, SERVER)
    await wire.stream.send_all(bytes(80))
    await wire.peer.send_all(b"abc")
    assert wire.stream.has_unread()
    assert wire.stream.unsent() == 30
    assert await wire.stream.receive_some(2) == b"ab"
    assert await received(wire) == b"c"
    assert (wire.stream.sent, wire.stream.received, wire.stream.moved()) == (80, 3, 83)
    assert wire.told == ["moved"] * 3


async def test_closed_it_leaves_its_link_once(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.stream.close()
    await wire.stream.aclose()
    wire.stream.abandon()
    assert wire.told == ["closed"]
    assert list(wire.link.streams) == []
    assert await wire.peer.receive_some() == b""
    with pytest.raises(trio.ClosedResourceError):
        await received(wire)
    with pytest.raises(trio.ClosedResourceError):
        await wire.stream.send_all(b"x")


async def test_closing_wakes_who_receives(autojump_clock: MockClock) -> None:
    wire = make_wire()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_closed, wire)
        await wait_all_tasks_blocked()
        wire.stream.close()


async def _expect_closed(wire: Wire) -> None:
    with pytest.raises(trio.ClosedResourceError):
        await received(wire)


# Stalled


@pytest.mark.parametrize("condition", [PAUSE, CUT])
async def test_stalled_nothing_comes_until_it_heals(
    autojump_clock: MockClock, nursery: trio.Nursery, condition: Condition
) -> None:
    wire = make_wire()
    wire.link.impose(condition)
    await wire.peer.send_all(b"late")
    nursery.start_soon(_heal_after, wire, condition, 5)
    assert await elapsed_until_received(wire) == (5, b"late")


async def _heal_after(wire: Wire, condition: Condition, seconds: float) -> None:
    await trio.sleep(seconds)
    wire.link.lift(condition)


async def test_what_came_in_before_a_cancel_is_not_lost(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.link.impose(PAUSE)
    await wire.peer.send_all(b"kept")
    with trio.move_on_after(1):
        await received(wire)
    assert wire.stream.has_unread()
    wire.link.lift(PAUSE)
    assert await wire.stream.receive_some(3) == b"kep"
    assert await received(wire) == b"t"


async def test_an_end_of_file_is_held_up_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    wire = make_wire()
    wire.link.impose(PAUSE)
    await wire.peer.send_eof()
    nursery.start_soon(_heal_after, wire, PAUSE, 3)
    assert await elapsed_until_received(wire) == (3, b"")


@pytest.mark.parametrize("send", ["bytes", "end-of-file", "wait"])
async def test_stalled_nothing_goes_until_it_heals(
    autojump_clock: MockClock, nursery: trio.Nursery, send: str
) -> None:
    wire = make_wire()
    wire.link.impose(PAUSE)
    nursery.start_soon(_heal_after, wire, PAUSE, 4)
    if send == "bytes":
        await wire.stream.send_all(b"x")
    elif send == "end-of-file":
        await wire.stream.send_eof()
    else:
        await wire.stream.wait_send_all_might_not_block()
    assert trio.current_time() == 4


async def test_closed_while_stalled_sending_ends(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.link.impose(PAUSE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_closed, wire)
        nursery.start_soon(_expect_closed_sending, wire)
        await wait_all_tasks_blocked()
        wire.stream.close()
    assert wire.told == ["closed"], "a paused process's kernel still takes a FIN"


async def _expect_closed_sending(wire: Wire) -> None:
    with pytest.raises(trio.ClosedResourceError):
        await wire.stream.send_all(b"x")


async def test_a_reset_is_held_up_and_not_lost(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    wire = make_wire()
    wire.stream.call_on_reset(partial(wire.told.append, "reset"))
    wire.link.impose(CUT)
    wire.peer.reset()
    with trio.move_on_after(1):
        await received(wire)
    assert wire.told == []
    wire.link.lift(CUT)
    with pytest.raises(PeerReset):
        await received(wire)


async def test_whoever_watches_for_a_reset_hears_of_it_when_it_arrives(
    autojump_clock: MockClock,
) -> None:
    wire = make_wire()
    wire.stream.call_on_reset(partial(wire.told.append, "reset"))
    wire.link.impose(CUT)
    wire.link.impose(PAUSE)
    wire.peer.reset()
    await wait_all_tasks_blocked()
    wire.link.lift(CUT)
    assert wire.told == []
    wire.link.lift(PAUSE)
    assert wire.told == ["reset"]


async def test_a_reset_is_told_at_once_where_nothing_is_in_its_way(
    autojump_clock: MockClock,
) -> None:
    wire = make_wire()
    wire.stream.call_on_reset(partial(wire.told.append, "reset"))
    wire.peer.reset()
    await wait_all_tasks_blocked()
    assert wire.told == ["reset"]


async def test_nobody_is_told_who_takes_the_wish_back(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.stream.call_on_reset(partial(wire.told.append, "reset"))
    wire.stream.call_on_reset(None)
    wire.peer.reset()
    await wait_all_tasks_blocked()
    assert wire.told == []


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_peer_that_cannot_be_reached_hears_of_the_end_later(
    autojump_clock: MockClock, how: str
) -> None:
    wire = make_wire()
    wire.link.impose(CUT)
    getattr(wire.stream, how)()
    assert wire.stream.closed
    with trio.move_on_after(10) as patience:
        await wire.peer.receive_some()
    assert patience.cancelled_caught
    wire.link.lift(CUT)
    if how == "close":
        assert await wire.peer.receive_some() == b""
    else:
        with pytest.raises(PeerReset):
            await wire.peer.receive_some()
    assert wire.told == ["closed"]


async def test_abandoned_it_is_closed_whatever_is_in_the_way(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.link.impose(CUT)
    wire.stream.close()
    wire.stream.abandon()
    assert wire.told == ["closed"]
    with pytest.raises(PeerReset):
        await wire.peer.receive_some()


# Killed


async def test_killed_both_sides_see_a_reset(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.stream.call_on_reset(partial(wire.told.append, "reset"))
    wire.link.impose(KILL)
    assert wire.told == ["reset"]
    with pytest.raises(PeerReset):
        await wire.peer.receive_some()
    with pytest.raises(PeerReset):
        await received(wire)
    with pytest.raises(PeerReset):
        await wire.stream.send_all(b"x")
    wire.stream.call_on_reset(None)
    wire.stream.kill()
    wire.stream.close()
    assert wire.told == ["reset", "closed"]


async def test_killed_whoever_waits_hears_of_it(autojump_clock: MockClock) -> None:
    wire = make_wire(window=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_reset_receiving, wire)
        nursery.start_soon(_expect_reset_sending, wire)
        await wait_all_tasks_blocked()
        wire.link.impose(KILL)


async def test_killed_while_stalled_whoever_waits_hears_of_it(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.link.impose(PAUSE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_reset_receiving, wire)
        nursery.start_soon(_expect_reset_sending, wire)
        await wait_all_tasks_blocked()
        wire.link.impose(KILL)


async def _expect_reset_receiving(wire: Wire) -> None:
    with pytest.raises(PeerReset):
        await received(wire)


async def _expect_reset_sending(wire: Wire) -> None:
    with pytest.raises(PeerReset):
        await wire.stream.send_all(bytes(1000))


# Slow


async def test_a_latency_is_added_to_everything_that_comes(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    wire = make_wire(nursery=nursery)
    wire.link.impose(Condition(latency=2))
    for _ in range(2):
        nursery.start_soon(_send_after, wire, 1, b"burst")
        assert await elapsed_until_received(wire) == (3, b"burst")
    await wire.peer.send_all(b"there before anybody asked")
    await trio.sleep(1.5)
    assert (await elapsed_until_received(wire))[0] == pytest.approx(0.5)
    await wire.peer.send_eof()
    assert await elapsed_until_received(wire) == (2, b"")


async def test_a_latency_is_no_rate(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """What comes while earlier bytes are under way is under way as well."""
    wire = make_wire(nursery=nursery)
    wire.link.impose(Condition(latency=2))
    for seconds in (1, 2, 2.5):
        nursery.start_soon(_send_after, wire, seconds, b"x")
    seen = []
    for _ in range(3):
        await received(wire)
        seen.append(trio.current_time())
    assert seen == [3, 4, 4.5]


async def _send_after(wire: Wire, seconds: float, data: bytes) -> None:
    await trio.sleep(seconds)
    await wire.peer.send_all(data)


async def test_a_latency_of_a_stream_that_is_new(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    link = Link()
    link.impose(Condition(latency=2))
    inner, peer = memory_connection(CLIENT, SERVER)
    stream = WatchedStream(
        inner,
        link,
        on_moved=lambda: None,
        on_closed=lambda _stream: None,
        spawn=nursery.start_soon,
    )
    await peer.send_all(b"greeting")
    assert await stream.receive_some() == b"greeting"
    assert trio.current_time() == 2


async def test_a_latency_that_heals_holds_nobody_any_longer(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    wire = make_wire(nursery=nursery)
    slow = Condition(latency=100)
    wire.link.impose(slow)
    nursery.start_soon(_send_after, wire, 1, b"burst")
    nursery.start_soon(_heal_after, wire, slow, 3)
    assert await elapsed_until_received(wire) == (3, b"burst")


async def test_a_rate_holds_for_each_direction(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    wire = make_wire()
    wire.link.impose(Condition(rate=1000))
    nursery.start_soon(_drain, wire.peer)
    began = trio.current_time()
    await wire.stream.send_all(bytes(5000))
    assert trio.current_time() - began == pytest.approx(5, rel=0.02)
    await wire.peer.send_all(bytes(3000))
    began, count = trio.current_time(), 0
    while count < 3000:
        data = await received(wire)
        assert len(data) <= 50
        count += len(data)
    assert trio.current_time() - began == pytest.approx(3, rel=0.02)


async def _drain(stream: MemoryStream) -> None:
    while await stream.receive_some():
        pass


async def test_a_rate_that_heals_holds_nobody_any_longer(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    wire = make_wire()
    slow = Condition(rate=1)
    wire.link.impose(slow)
    nursery.start_soon(_drain, wire.peer)
    nursery.start_soon(_heal_after, wire, slow, 10)
    await wire.stream.send_all(bytes(1000))
    assert trio.current_time() == 10


async def test_killed_while_it_is_slow(autojump_clock: MockClock) -> None:
    wire = make_wire()
    wire.link.impose(Condition(rate=1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_reset_sending, wire)
        await wait_all_tasks_blocked()
        wire.link.impose(KILL)
