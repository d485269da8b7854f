from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from support.filtered import BALANCER, CLIENT, lone_connection
from trio.testing import wait_all_tasks_blocked

from trio_balancer.filters import Filter, HoldFullError
from trio_balancer.filters.interface import CHUNK
from trio_balancer.filters.lane import Event, FilterError, Lane, News, OverError, step
from trio_balancer.network import PeerReset
from trio_balancer.testing import memory_connection


class Mark(Filter):
    """Says what went through, in which order."""

    def __init__(self, mark: bytes) -> None:
        super().__init__(lone_connection())
        self.mark = mark

    def from_client(self, data: bytes) -> bytes:
        return self.mark + data

    def client_finished(self) -> bytes:
        return self.mark


def make_lane(*filters: object, buffer: int = 100) -> Lane:
    lane = Lane(buffer, lambda: False)
    lane.use([step(each, "client") for each in filters])
    return lane


async def out_of(lane: Lane) -> bytes:
    """Send what has come through, and return it."""
    near, far = memory_connection(CLIENT, BALANCER)
    await lane.send(near)
    return await far.receive_some() if far.has_unread() else b""


async def test_steps_in_their_order() -> None:
    lane = make_lane(Mark(b"a"), Mark(b"b"))
    await lane.lead(News(data=b"x"))
    assert await out_of(lane) == b"bax"


async def test_replies_enter_where_they_belong() -> None:
    lane = make_lane(Mark(b"a"), Mark(b"b"))
    assert lane.reply(0, b"0")
    assert lane.reply(2, b"2")
    assert lane.reply(1, b"1")
    assert lane.reply(1, b"1")
    assert lane.has_replies
    await lane.lead(News())
    assert await out_of(lane) == b"2b11a0"
    assert not lane.has_replies


async def test_an_empty_reply_is_none() -> None:
    lane = make_lane()
    assert lane.reply(0, b"")
    assert not lane.has_replies


async def test_replies_are_bounded() -> None:
    lane = make_lane(buffer=3)
    assert lane.reply(0, b"ab")
    with pytest.raises(HoldFullError):
        lane.reply(1, b"cd")


def test_a_reply_is_bytes() -> None:
    with pytest.raises(TypeError):
        make_lane().reply(0, 5)  # type: ignore[arg-type]  # the mistake


async def test_last_bytes_of_each_step_go_through_the_next() -> None:
    lane = make_lane(Mark(b"a"), Mark(b"b"))
    await lane.lead(News(Event.FINISHED))
    assert lane.finished
    assert not lane.reply(0, b"late")
    assert await out_of(lane) == b"bab"


async def test_a_reply_that_comes_too_late_is_forgotten() -> None:
    class Replying(Filter):
        def client_finished(self) -> bytes:
            lane.reply(0, b"behind me")
            return b""

    lane = make_lane(Replying(lone_connection()))
    await lane.lead(News(Event.FINISHED))
    await lane.lead(News())
    assert not lane.has_replies
    assert await out_of(lane) == b""


async def test_any_object_may_be_a_filter() -> None:
    class Own:
        client_chunk = 7

        async def from_client(self, data: bytes) -> bytes:
            return data[::-1]

    lane = make_lane(Own())
    await lane.lead(News(data=b"abc"))
    assert await out_of(lane) == b"cba"
    assert (lane.max_chunk, lane.pauses) == (7, ())
    assert make_lane().max_chunk == CHUNK


@pytest.mark.parametrize("answer", [bytearray(b"x"), memoryview(b"x")])
async def test_what_is_like_bytes_is_taken(answer: object) -> None:
    lane = make_lane(_answering(answer))
    await lane.lead(News(data=b"abc"))
    assert await out_of(lane) == b"x"


@pytest.mark.parametrize("answer", [None, "x", 1])
async def test_what_is_no_bytes_is_a_mistake(answer: object) -> None:
    lane = make_lane(_answering(answer))
    with pytest.raises(FilterError, match="from_client failed") as caught:
        await lane.lead(News(data=b"abc"))
    assert isinstance(caught.value.__cause__, TypeError)
    assert "it returned " in str(caught.value.__cause__)


def _answering(answer: object) -> object:
    class Own:
        def from_client(self, data: bytes) -> object:
            return answer

    return Own()


async def test_a_method_without_a_name_can_fail() -> None:
    class Nameless:
        def __call__(self, data: bytes) -> bytes:
            raise RuntimeError

    class Own:
        from_client = Nameless()

    with pytest.raises(FilterError, match="Nameless failed"):
        await make_lane(Own()).lead(News(data=b"abc"))


async def test_nothing_is_passed_on_once_it_is_over() -> None:
    over: list[bool] = []

    class Ending(Filter):
        def from_client(self, data: bytes) -> bytes:
            over.append(True)
            return data

    lane = Lane(100, lambda: bool(over))
    lane.use([step(Ending(lone_connection()), "client")])
    with pytest.raises(OverError):
        await lane.lead(News(data=b"x"))
    assert not lane.reply(0, b"x")
    assert await out_of(lane) == b""


async def test_bytes_that_have_come_through_are_not_sent_once_it_is_over() -> None:
    over: list[bool] = []
    lane = Lane(100, lambda: bool(over))
    await lane.lead(News(data=b"x"))
    over.append(True)
    assert await out_of(lane) == b""


async def test_two_tasks_send_one_after_the_other() -> None:
    near, far = memory_connection(CLIENT, BALANCER, window=10)
    lane = make_lane()
    async with trio.open_nursery() as nursery:
        for letter in (b"a", b"b"):
            await lane.lead(News(data=letter * 100))
            nursery.start_soon(lane.send, near)
            await wait_all_tasks_blocked()
        nursery.start_soon(lane.send_eof, near)
        received = bytearray()
        while data := await far.receive_some():
            received += data
    assert received == b"a" * 100 + b"b" * 100


async def test_a_broken_sink_is_told() -> None:
    near, far = memory_connection(CLIENT, BALANCER)
    far.reset()
    lane = make_lane()
    await lane.lead(News(data=b"x"))
    with pytest.raises(PeerReset):
        await lane.send(near)


async def test_a_failure_lets_others_pass() -> None:
    failing: list[Callable[[bytes], bytes]] = []

    class Own:
        def from_client(self, data: bytes) -> bytes:
            return failing[0](data) if failing else data

    def fail(data: bytes) -> bytes:
        raise ValueError(data)

    lane = make_lane(Own())
    failing.append(fail)
    with pytest.raises(FilterError):
        await lane.lead(News(data=b"x"))
    failing.clear()
    await lane.lead(News(data=b"y"))
    assert await out_of(lane) == b"y"
