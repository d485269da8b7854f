"""The ordinary loop, between streams in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import PeerReset
from trio_balancer.relay import Outcome, Pair, copy, discard
from trio_balancer.testing import MemoryStream, memory_connection
from trio_balancer.testing.memory_stream import WINDOW
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from trio_balancer.network import Stream

CLIENT, LISTENER = inet_address("192.0.2.1", 1111), inet_address("192.0.2.2", 80)
BALANCER, BACKEND = inet_address("192.0.2.2", 2222), inet_address("192.0.2.3", 8080)
PAYLOAD = bytes(range(251)) * 4000


@attrs.frozen
class Ends:
    """The client and the backend, and the pair of legs between them."""

    client: MemoryStream
    pair: Pair
    backend: MemoryStream


def join() -> Ends:
    client, client_leg = memory_connection(CLIENT, LISTENER)
    backend_leg, backend = memory_connection(BALANCER, BACKEND)
    return Ends(client, Pair(client_leg, backend_leg), backend)


async def receive_to_end(stream: Stream) -> bytes:
    received = bytearray()
    while data := await stream.receive_some():
        received += data
    return bytes(received)


async def say_all(stream: Stream, data: bytes) -> None:
    await stream.send_all(data)
    await stream.send_eof()


async def test_every_byte_then_the_end_of_file() -> None:
    ends = join()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say_all, ends.client, PAYLOAD)
        nursery.start_soon(copy, ends.pair.up)
        assert await receive_to_end(ends.backend) == PAYLOAD
    assert ends.pair.up.finished
    assert not ends.pair.down.finished
    assert ends.pair.spoke_last is ends.pair.client


async def test_outcome_of_an_end_of_file() -> None:
    ends = join()
    await ends.client.send_eof()
    assert await copy(ends.pair.up) is Outcome.FINISHED
    assert ends.pair.spoke_last is None


async def test_prefix_goes_first() -> None:
    ends = join()
    await say_all(ends.client, b" and then the rest")
    assert await copy(ends.pair.up, b"what was already read") is Outcome.FINISHED
    assert await receive_to_end(ends.backend) == b"what was already read and then the rest"


async def test_reader_that_stops_stops_the_writer() -> None:
    ends = join()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(copy, ends.pair.up)
        nursery.start_soon(say_all, ends.client, PAYLOAD)
        await wait_all_tasks_blocked()
        assert ends.pair.up.sending
        held = ends.pair.client.received - ends.pair.backend.sent
        assert 0 < held <= WINDOW
        assert await receive_to_end(ends.backend) == PAYLOAD
    assert not ends.pair.up.sending


async def test_source_that_resets() -> None:
    ends = join()
    await ends.client.send_all(b"delivered before")
    ends.client.reset()
    assert await copy(ends.pair.up) is Outcome.SOURCE_BROKE
    assert await ends.backend.receive_some() == b"delivered before"
    assert not ends.pair.up.finished


async def test_sink_that_resets_while_sending() -> None:
    ends = join()
    ends.backend.reset()
    await ends.client.send_all(b"too late")
    assert await copy(ends.pair.up) is Outcome.SINK_BROKE
    # Said until the pair is done: somebody's bytes did not arrive.
    assert ends.pair.up.sending


async def test_sink_that_resets_before_the_end_of_file() -> None:
    ends = join()
    ends.backend.reset()
    await ends.client.send_eof()
    assert await copy(ends.pair.up) is Outcome.SINK_BROKE
    assert not ends.pair.up.finished


@pytest.mark.parametrize(
    ("broken", "outcome"), [("client", Outcome.SOURCE_BROKE), ("backend", Outcome.SINK_BROKE)]
)
async def test_end_of_file_on_a_broken_pair_is_not_passed_on(broken: str, outcome: Outcome) -> None:
    ends = join()
    ends.pair.mark_broken(getattr(ends.pair, broken))
    await ends.client.send_eof()
    assert await copy(ends.pair.up) is outcome
    assert not ends.pair.up.finished
    with trio.move_on_after(0) as nothing_came:
        await ends.backend.receive_some()
    assert nothing_came.cancelled_caught


async def test_cancelled_copy_leaves_both_streams_open() -> None:
    ends = join()
    with trio.CancelScope() as scope:
        scope.cancel()
        await copy(ends.pair.up)
    assert scope.cancelled_caught
    await ends.client.send_all(b"still here")
    assert await ends.pair.client.receive_some() == b"still here"
    await ends.pair.backend.send_all(b"as well")
    assert await ends.backend.receive_some() == b"as well"


async def test_discard_takes_everything_to_the_end() -> None:
    ends = join()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say_all, ends.client, PAYLOAD)
        assert await discard(ends.pair.up)
    assert ends.pair.client.received == len(PAYLOAD)
    assert ends.pair.backend.sent == 0
    assert ends.pair.broken is None


async def test_discard_says_that_the_source_broke() -> None:
    ends = join()
    await ends.client.send_all(b"x")
    ends.client.reset()
    assert not await discard(ends.pair.up)
    assert ends.pair.broken is ends.pair.client


async def test_discard_does_not_blame_who_broke_second() -> None:
    ends = join()
    ends.pair.mark_broken(ends.pair.backend)
    ends.client.reset()
    assert not await discard(ends.pair.up)
    assert ends.pair.broken is ends.pair.backend
    with pytest.raises(PeerReset):
        await ends.pair.client.send_all(b"x")


@attrs.define(eq=False)
class Diversion:
    """An outlet that keeps what it is given."""

    taken: list[bytes] = attrs.field(factory=list)
    finished: bool = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self.taken.append(bytes(data))

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        self.finished = True


async def test_an_outlet_is_given_what_the_sink_would_be() -> None:
    ends, outlet = join(), Diversion()
    await ends.client.send_all(b"data")
    await ends.client.send_eof()
    assert await copy(ends.pair.up, b"prefix", outlet) is Outcome.FINISHED
    assert outlet.taken == [b"prefix", b"data"]
    assert outlet.finished
    assert ends.pair.up.sink.sent == 0
