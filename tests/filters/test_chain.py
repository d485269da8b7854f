from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from support.filtered import Around, Filtered, joined, receive, say, through_made
from trio.testing import wait_all_tasks_blocked

from trio_balancer.filters import Filter, FilteredConnection
from trio_balancer.network import PeerReset


class Mark(Filter):
    def __init__(self, connection: FilteredConnection, mark: bytes) -> None:
        super().__init__(connection)
        self.mark = mark
        self.times_closed = 0

    def from_client(self, data: bytes) -> bytes:
        if data == self.mark:
            self.connection.reply_to_client(b"to client ")
            self.connection.reply_to_backend(b"to backend ")
        return self.mark + data

    def from_backend(self, data: bytes) -> bytes:
        return data + self.mark

    def closed(self) -> None:
        self.times_closed += 1


def marking(mark: bytes, made: list[Mark] | None = None) -> Callable[[FilteredConnection], Mark]:
    def make(connection: FilteredConnection) -> Mark:
        mark_filter = Mark(connection, mark)
        if made is not None:
            made.append(mark_filter)
        return mark_filter

    return make


class Failing(Filter):
    def from_client(self, data: bytes) -> bytes:
        raise ValueError(f"cannot do {data!r}")


class FailingLater(Filter):
    async def from_client(self, data: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        raise ValueError(data)


class Ending(Filter):
    def from_client(self, data: bytes) -> bytes:
        self.connection.end("enough")
        self.connection.end("more than enough")
        return data


class Greedy(Filter):
    def __init__(self, connection: FilteredConnection) -> None:
        super().__init__(connection)
        self.kept = connection.hold()

    def from_client(self, data: bytes) -> bytes:
        self.kept.add(data)
        return b""


async def assert_reset(it: Filtered) -> None:
    for peer in (it.client, it.backend):
        with pytest.raises(PeerReset):
            await peer.receive_some()


async def test_the_first_filter_is_the_outermost() -> None:
    async with joined(marking(b"1"), marking(b"2")) as it:
        await it.client.send_all(b"x")
        assert await receive(it.backend, 3) == b"21x"
        await it.backend.send_all(b"x")
        assert await receive(it.client, 3) == b"x21"


async def test_replies_pass_the_filters_on_their_way() -> None:
    async with joined(marking(b"1"), marking(b"12"), marking(b"3")) as it:
        # The middle one replies, when it sees this.
        await it.client.send_all(b"2")
        assert await receive(it.client, 11) == b"to client 1"
        assert await receive(it.backend, 16) == b"3to backend 1212"


async def test_a_filter_that_fails_ends_its_connection_and_no_other() -> None:
    around = Around()
    async with joined(Failing, around=around) as it, joined(Filter, around=around) as other:
        await it.client.send_all(b"this")
        await assert_reset(it)
        assert it.ended == [("a filter failed: ValueError", True)]
        assert it.filters.statistics().failures == 1
        await other.client.send_all(b"fine")
        assert await receive(other.backend, 4) == b"fine"
    [(kind, message, fields)] = around.warnings
    assert (kind, message) == ("filter web", "A filter failed, which ended its connection")
    assert (fields["listener"], fields["connection"]) == ("web", 1)
    assert "cannot do b'this'" in str(fields["trace"])


async def test_a_coroutine_that_fails() -> None:
    async with joined(FailingLater) as it:
        await it.client.send_all(b"this")
        await assert_reset(it)
    assert it.ended == [("a filter failed: ValueError", True)]


async def test_a_filter_ends_the_connection() -> None:
    async with joined(Ending) as it:
        await it.client.send_all(b"secret")
        await assert_reset(it)
    assert it.ended == [("enough", False)]
    assert it.filters.statistics().failures == 0
    assert it.pair.backend.sent == 0


async def test_a_filter_that_holds_too_much() -> None:
    async with joined(Greedy, buffer=10) as it:
        await it.client.send_all(b"x" * 11)
        await assert_reset(it)
    assert it.ended == [("a filter held more than filter_buffer, 10 bytes", False)]


async def test_a_filter_that_cannot_be_made() -> None:
    def fail(connection: FilteredConnection) -> Filter:
        raise ValueError(connection.info.number)

    made: list[Mark] = []
    it = through_made(marking(b"1", made), fail, marking(b"3", made))
    assert it.ended == [("a filter failed: ValueError", True)]
    await it.client.send_all(b"x")
    await it.run(b"prefix")
    assert it.pair.client.received == it.pair.backend.sent == 0
    assert [each.times_closed for each in made] == [1]


async def test_a_filter_that_says_too_much_when_it_is_made() -> None:
    def chatter(connection: FilteredConnection) -> Filter:
        connection.reply_to_client(bytes(11))
        return Filter(connection)

    it = through_made(chatter, buffer=10)
    assert it.ended == [("a filter held more than filter_buffer, 10 bytes", False)]


async def test_a_filter_that_ends_the_connection_when_it_is_made() -> None:
    def end(connection: FilteredConnection) -> Filter:
        connection.end("not you")
        assert not connection.reply_to_client(b"x")
        return Filter(connection)

    it = through_made(end, Failing)
    assert it.ended == [("not you", False)]


async def test_closed_is_called_once() -> None:
    made: list[Mark] = []
    async with joined(marking(b"1", made), marking(b"2", made)) as it:
        await say(it.client)
        await say(it.backend)
    it.chain.close()
    assert [each.times_closed for each in made] == [1, 1]
    assert [each.connection.reset_by for each in made] == ["", ""]


@pytest.mark.parametrize("peer", ["client", "backend"])
async def test_closed_knows_who_has_reset(peer: str) -> None:
    made: list[Mark] = []
    async with joined(marking(b"1", made)) as it:
        await wait_all_tasks_blocked()
        getattr(it, peer).reset()
        await wait_all_tasks_blocked()
    assert made[0].connection.reset_by == peer


async def test_a_filter_needs_no_closed() -> None:
    class Own:
        def __init__(self, connection: FilteredConnection) -> None:
            self.connection = connection

    async with joined(Own) as it:
        await it.client.send_all(b"x")
        assert await receive(it.backend, 1) == b"x"
    assert it.filters.statistics().failures == 0


async def test_a_failure_in_closed_leaves_the_others_alone() -> None:
    class BadlyClosed(Filter):
        def closed(self) -> None:
            raise ValueError("now what")

    class Waiting(Filter):
        async def closed(self) -> None:  # type: ignore[override]  # the mistake
            await trio.sleep(1)

    made: list[Mark] = []
    around = Around()
    async with joined(BadlyClosed, Waiting, marking(b"1", made), around=around) as it:
        await wait_all_tasks_blocked()
    assert [each.times_closed for each in made] == [1]
    assert it.ended == []
    assert it.filters.statistics().failures == 2
    assert "now what" in str(around.warnings[0][2]["trace"])
    assert "`closed` must be no coroutine" in str(around.warnings[1][2]["trace"])


async def test_a_failure_behind_the_end_is_told_but_ends_nothing() -> None:
    class EndsThenFails(Filter):
        def from_client(self, data: bytes) -> bytes:
            self.connection.end("enough")
            raise ValueError(data)

    async with joined(EndsThenFails) as it:
        await it.client.send_all(b"x")
        await assert_reset(it)
    assert it.ended == [("enough", False)]
    assert it.filters.statistics().failures == 1
