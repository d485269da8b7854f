"""The contract of `copy`, kept with filters in between; in memory and in virtual time."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import trio
from support.filtered import copying, joined, receive, receive_to_end, say, through_made
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.filters import Filter, FilteredConnection
from trio_balancer.network import PeerReset
from trio_balancer.relay import Outcome
from trio_balancer.testing.memory_stream import WINDOW

PAYLOAD = bytes(range(251)) * 4000


class Shout(Filter):
    def from_client(self, data: bytes) -> bytes:
        return data.upper()


class Holding(Filter):
    """Keeps a client's bytes until a line is complete, but no longer than a pause."""

    def __init__(self, connection: FilteredConnection, quiet_after: float = 0.1) -> None:
        super().__init__(connection)
        self.quiet_after = quiet_after
        self.kept = connection.hold()

    def from_client(self, data: bytes) -> bytes:
        self.kept.add(data)
        return self.kept.take(bytes(self.kept).rfind(b"\n") + 1)

    def client_finished(self) -> bytes:
        return self.kept.take() + b"."

    def client_quiet(self) -> bytes:
        return self.kept.take()


class Sleepy(Filter):
    async def from_client(self, data: bytes) -> bytes:
        await trio.sleep(5)
        return data


class Banner(Filter):
    def __init__(self, connection: FilteredConnection) -> None:
        super().__init__(connection)
        connection.reply_to_client(b"welcome ")
        connection.reply_to_backend(b"hello ")


class Answering(Filter):
    """Answers what the client says, and passes on nothing of it."""

    def from_client(self, data: bytes) -> bytes:
        self.connection.reply_to_client(b"you said " + data)
        return b""


def small_chunks(connection: FilteredConnection) -> Filter:
    made = Noting(connection)
    made.client_chunk = 3
    return made


class Noting(Filter):
    def __init__(self, connection: FilteredConnection) -> None:
        super().__init__(connection)
        self.seen: list[bytes] = []

    async def from_client(self, data: bytes) -> bytes:
        self.seen.append(data)
        return b"[" + data + b"]"


async def test_every_byte_then_the_end_of_file_both_ways() -> None:
    async with joined(Filter) as it, trio.open_nursery() as nursery:
        nursery.start_soon(say, it.client, PAYLOAD)
        assert await receive_to_end(it.backend) == PAYLOAD
        assert it.pair.up.finished
        assert not it.pair.down.finished
        assert it.pair.spoke_last is it.pair.client
        nursery.start_soon(say, it.backend, PAYLOAD)
        assert await receive_to_end(it.client) == PAYLOAD
        await wait_all_tasks_blocked()
        assert it.outcomes == {"up": Outcome.FINISHED, "down": Outcome.FINISHED}


async def test_a_filter_changes_bytes_of_one_direction() -> None:
    async with joined(Shout) as it:
        await it.client.send_all(b"abc")
        assert await receive(it.backend, 3) == b"ABC"
        await it.backend.send_all(b"abc")
        assert await receive(it.client, 3) == b"abc"


async def test_prefix_goes_through_the_filters_in_chunks() -> None:
    made: list[Filter] = []

    def make(connection: FilteredConnection) -> Filter:
        made.append(small_chunks(connection))
        return made[0]

    it = through_made(make)
    async with copying(it, b"already"):
        await say(it.client, b"read")
        assert await receive_to_end(it.backend) == b"[alr][ead][y][rea][d]"


async def test_held_bytes_go_before_the_end_of_file() -> None:
    async with joined(Holding) as it:
        await say(it.client, b"one\ntw", b"o")
        assert await receive_to_end(it.backend) == b"one\ntwo."


async def test_held_bytes_go_after_a_pause(mock_clock: MockClock) -> None:
    async with joined(Holding) as it:
        await it.client.send_all(b"login: ")
        await wait_all_tasks_blocked()
        mock_clock.jump(0.0999)
        await wait_all_tasks_blocked()
        assert not it.backend.has_unread()
        mock_clock.jump(0.0001)
        assert await receive(it.backend, 7) == b"login: "


async def test_each_filter_is_told_of_its_own_pause(autojump_clock: MockClock) -> None:
    told: list[tuple[float, str]] = []

    def make(quiet_after: float) -> Callable[[FilteredConnection], Filter]:
        class Told(Filter):
            def client_quiet(self) -> bytes:
                told.append((trio.current_time() - start, f"{quiet_after:g}"))
                return b""

        Told.quiet_after = quiet_after
        return Told

    start = trio.current_time()
    async with joined(make(2), make(1), make(math.inf)) as it:
        await it.client.send_all(b"x")
        await trio.sleep(10)
    assert told == [(1, "1"), (2, "2"), (2, "1")]


async def test_a_reset_tells_what_was_held_first() -> None:
    async with joined(lambda connection: Holding(connection, 60)) as it:
        await it.client.send_all(b"no line")
        await wait_all_tasks_blocked()
        it.client.reset()
        assert await receive(it.backend, 7) == b"no line"
        with pytest.raises(PeerReset):
            await it.backend.receive_some()
    assert it.outcomes == {"up": Outcome.SOURCE_BROKE}


async def test_last_words_do_not_wait_for_a_sink_that_takes_none(
    autojump_clock: MockClock,
) -> None:
    class Flood(Filter):
        quiet_after = 60

        def from_client(self, data: bytes) -> bytes:
            return b""

        def client_quiet(self) -> bytes:
            return bytes(100)

    async with joined(Flood, window=10) as it:
        await it.client.send_all(b"x")
        await wait_all_tasks_blocked()
        it.client.reset()
        await trio.sleep(0.06)
        assert it.outcomes == {"up": Outcome.SOURCE_BROKE}


async def test_a_sink_that_breaks() -> None:
    it = through_made(Filter)
    await it.client.send_all(b"too late")
    it.backend.reset()
    assert await it.chain.copy(it.pair.up) is Outcome.SINK_BROKE
    # Said until the pair is done: somebody's bytes did not arrive.
    assert it.pair.up.sending


async def test_a_sink_that_is_broken_before_the_prefix() -> None:
    it = through_made(Filter)
    it.backend.reset()
    assert await it.chain.copy(it.pair.up, b"prefix") is Outcome.SINK_BROKE


@pytest.mark.parametrize(
    ("broken", "outcome"), [("client", Outcome.SOURCE_BROKE), ("backend", Outcome.SINK_BROKE)]
)
async def test_end_of_file_on_a_broken_pair_is_not_passed_on(
    broken: str, outcome: Outcome, autojump_clock: MockClock
) -> None:
    it = through_made(Filter)
    it.pair.mark_broken(getattr(it.pair, broken))
    await it.client.send_eof()
    assert await it.chain.copy(it.pair.up) is outcome
    assert not it.pair.up.finished
    with trio.move_on_after(1) as nothing_came:
        await it.backend.receive_some()
    assert nothing_came.cancelled_caught


async def test_a_sink_that_breaks_at_the_end_of_file() -> None:
    it = through_made(Filter)
    it.backend.reset()
    await it.client.send_eof()
    assert await it.chain.copy(it.pair.up) is Outcome.SINK_BROKE
    assert not it.pair.up.finished


async def test_reader_that_stops_stops_the_writer() -> None:
    async with joined(Filter) as it, trio.open_nursery() as nursery:
        nursery.start_soon(say, it.client, PAYLOAD)
        await wait_all_tasks_blocked()
        assert it.pair.up.sending
        assert 0 < it.pair.client.received - it.pair.backend.sent <= WINDOW
        assert await receive_to_end(it.backend) == PAYLOAD
        assert not it.pair.up.sending


async def test_a_filter_that_waits_delays_its_connection_alone(autojump_clock: MockClock) -> None:
    start = trio.current_time()
    async with joined(Sleepy) as slow, joined(Filter) as other:
        await slow.client.send_all(b"late")
        await other.client.send_all(b"early")
        assert await receive(other.backend, 5) == b"early"
        assert trio.current_time() == start
        assert await receive(slow.backend, 4) == b"late"
        assert trio.current_time() == start + 5


async def test_replies_made_at_the_start_go_first() -> None:
    async with joined(Banner) as it:
        await it.client.send_all(b"from client")
        await it.backend.send_all(b"from backend")
        assert await receive(it.backend, 17) == b"hello from client"
        assert await receive(it.client, 20) == b"welcome from backend"


async def test_a_reply_while_the_other_copy_is_sending() -> None:
    async with joined(Answering, window=16) as it, trio.open_nursery() as nursery:
        nursery.start_soon(it.backend.send_all, b"a" * 1000)
        await wait_all_tasks_blocked()
        await it.client.send_all(b"x")
        await wait_all_tasks_blocked()
        assert it.pair.down.sending
        received = await receive(it.client, 1010)
        assert received.replace(b"you said x", b"") == b"a" * 1000


async def test_a_reply_after_the_end_of_file_is_dropped() -> None:
    said: list[bool] = []

    class Late(Filter):
        def from_client(self, data: bytes) -> bytes:
            said.append(self.connection.reply_to_client(b"late"))
            return data

    async with joined(Late) as it:
        await it.backend.send_eof()
        assert await it.client.receive_some() == b""
        await it.client.send_all(b"x")
        assert await receive(it.backend, 1) == b"x"
    assert said == [False]


async def test_a_reply_to_a_client_that_is_gone() -> None:
    # Our reply is told of the reset; what is read then looks like an end-of-file.
    it = through_made(Answering)
    await it.client.send_all(b"x")
    it.client.reset()
    assert await it.chain.copy(it.pair.up) is Outcome.SOURCE_BROKE
    assert it.pair.broken is it.pair.client
    assert not it.pair.up.finished


async def test_cancelled_within_a_filter_it_leaves_both_streams_open(
    autojump_clock: MockClock,
) -> None:
    class Asleep(Filter):
        async def from_client(self, data: bytes) -> bytes:
            await trio.sleep(60)
            return data

    it = through_made(Asleep)
    await it.client.send_all(b"x")
    with trio.move_on_after(1) as scope:
        await it.chain.copy(it.pair.up)
    assert scope.cancelled_caught
    await it.client.send_all(b"still here")
    assert await it.pair.client.receive_some() == b"still here"
    await it.pair.backend.send_all(b"as well")
    assert await it.backend.receive_some() == b"as well"
