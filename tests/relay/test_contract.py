"""What holds for every way of moving bytes: order, ends, back-pressure and counters."""

from __future__ import annotations

import random

import pytest
import trio
from support.eventually import eventually
from support.rig import (
    Copying,
    Ends,
    Rig,
    clog,
    nothing_comes,
    receive_exactly,
    receive_to_end,
    say,
)

from trio_balancer.network import Stream
from trio_balancer.relay import Outcome

PAYLOAD = random.Random(1).randbytes(600_000)
OTHER = random.Random(2).randbytes(400_000)


async def say_in_pieces(stream: Stream, data: bytes) -> None:
    """Send pieces from one byte to much more than any buffer, with pauses in between."""
    rng, done = random.Random(3), 0
    while done < len(data):
        piece = data[done : done + rng.choice([1, 100, 4096, 5000, 100_000])]
        await stream.send_all(piece)
        await trio.lowlevel.checkpoint()
        done += len(piece)
    await stream.send_eof()


async def test_every_byte_in_order_then_the_end_of_file(rig: Rig) -> None:
    ends = await rig.join()
    copying = rig.copy(ends.pair.up)
    rig.nursery.start_soon(say_in_pieces, ends.client, PAYLOAD)
    assert await receive_to_end(ends.backend) == PAYLOAD
    assert await copying.wait() is Outcome.FINISHED
    assert ends.pair.up.finished
    assert not ends.pair.up.sending
    assert not ends.pair.down.finished
    assert ends.pair.spoke_last is ends.pair.client
    assert ends.pair.broken is None


async def test_small_messages_each_arrive_at_once(rig: Rig) -> None:
    ends = await rig.join()
    rig.copy(ends.pair.up)
    rig.copy(ends.pair.down)
    for number in range(50):
        message = bytes([number]) * 100
        await ends.client.send_all(message)
        assert await receive_exactly(ends.backend, 100) == message
        await ends.backend.send_all(message)
        assert await receive_exactly(ends.client, 100) == message


async def test_both_ways_at_once(rig: Rig) -> None:
    ends = await rig.join()
    copies = [rig.copy(ends.pair.up), rig.copy(ends.pair.down)]
    received: dict[Stream, bytes] = {}

    async def receive(stream: Stream) -> None:
        received[stream] = await receive_to_end(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, ends.client, PAYLOAD)
        nursery.start_soon(say, ends.backend, OTHER)
        nursery.start_soon(receive, ends.client)
        nursery.start_soon(receive, ends.backend)
    assert received == {ends.backend: PAYLOAD, ends.client: OTHER}
    assert [await copying.wait() for copying in copies] == [Outcome.FINISHED] * 2
    assert ends.pair.progress() == 2 * (len(PAYLOAD) + len(OTHER))


@pytest.mark.parametrize("first", ["client", "backend"])
async def test_other_way_goes_on_after_an_end_of_file(rig: Rig, first: str) -> None:
    ends = await rig.join()
    copies = {"client": rig.copy(ends.pair.up), "backend": rig.copy(ends.pair.down)}
    one, other = ends.client, ends.backend
    if first == "backend":
        one, other = other, one
    rig.nursery.start_soon(say, one, b"that is all")
    assert await receive_to_end(other) == b"that is all"
    assert await copies.pop(first).wait() is Outcome.FINISHED
    [(_, still)] = copies.items()
    rig.nursery.start_soon(say, other, PAYLOAD)
    assert await receive_to_end(one) == PAYLOAD
    assert await still.wait() is Outcome.FINISHED


async def test_end_of_file_that_comes_later_and_alone(rig: Rig) -> None:
    ends = await rig.join()
    copying = rig.copy(ends.pair.up)
    await ends.client.send_all(b"first the bytes")
    assert await receive_exactly(ends.backend, 15) == b"first the bytes"
    await ends.client.send_eof()
    assert await receive_to_end(ends.backend) == b""
    assert await copying.wait() is Outcome.FINISHED


@pytest.mark.parametrize("data", [b"", b"short", PAYLOAD[:20_000]])
async def test_bytes_and_end_of_file_that_were_there_before(rig: Rig, data: bytes) -> None:
    """Whoever copies later finds both in one event, or in none that is told again."""
    ends = await rig.join()
    await say(ends.client, data)
    copying = rig.copy(ends.pair.up)
    assert await receive_to_end(ends.backend) == data
    assert await copying.wait() is Outcome.FINISHED


async def test_bytes_and_end_of_file_that_nobody_read_when_they_were_told(rig: Rig) -> None:
    """A leg is watched for resets, and so perhaps told of, long before a copy begins."""
    ends = await rig.join()
    ends.pair.client.call_on_reset(lambda: None)
    await say(ends.client, b"told before")
    await eventually(ends.pair.client.has_unread)
    assert await nothing_comes(ends.backend)
    copying = rig.copy(ends.pair.up)
    assert await receive_to_end(ends.backend) == b"told before"
    assert await copying.wait() is Outcome.FINISHED


@pytest.mark.parametrize("size", [1, 5000, 3_000_000])
async def test_prefix_goes_first(rig: Rig, size: int) -> None:
    """The last one is larger than any buffer of the kernel's."""
    ends = await rig.join()
    prefix = random.Random(4).randbytes(size)
    copying = rig.copy(ends.pair.up, prefix)
    rig.nursery.start_soon(say, ends.client, b" and then the rest")
    assert await receive_to_end(ends.backend) == prefix + b" and then the rest"
    assert await copying.wait() is Outcome.FINISHED
    assert ends.pair.client.received == len(b" and then the rest")
    assert ends.pair.backend.sent == size + len(b" and then the rest")


@pytest.mark.parametrize("size", [5, 3_000_000])
async def test_prefix_before_what_nobody_read_when_it_was_told(rig: Rig, size: int) -> None:
    ends = await rig.join()
    ends.pair.client.call_on_reset(lambda: None)
    await say(ends.client, b"and the end")
    await eventually(ends.pair.client.has_unread)
    assert await nothing_comes(ends.backend)
    copying = rig.copy(ends.pair.up, bytes(size))
    assert await receive_to_end(ends.backend) == bytes(size) + b"and the end"
    assert await copying.wait() is Outcome.FINISHED


async def stall(rig: Rig, ends: Ends) -> tuple[Copying, int]:
    """Send up to the last byte that is taken, in vain; returns how many bytes those are."""
    copying = rig.copy(ends.pair.up)
    return copying, await clog(ends.client, bytes(100) + PAYLOAD * 20)


async def test_reader_that_stops_stops_the_writer(rig: Rig) -> None:
    ends = await rig.join()
    copying, sent = await stall(rig, ends)
    legs = ends.pair.client, ends.pair.backend
    assert ends.pair.up.sending
    assert 0 < legs[0].received - legs[1].sent <= rig.most_held
    assert sent < len(PAYLOAD) * 20
    before = legs[0].received
    await clog(ends.client, PAYLOAD)
    assert legs[0].received == before
    copying.scope.cancel()
    await copying.wait()


async def test_stalled_way_goes_on_when_its_reader_does(rig: Rig) -> None:
    ends = await rig.join()
    _copying, sent = await stall(rig, ends)
    before, received = ends.pair.backend.sent, 0
    # What the kernel takes of a chunk counts, though the rest still waits.
    while ends.pair.backend.sent == before:
        received += len(await ends.backend.receive_some(5000))
    assert received < sent
    await receive_exactly(ends.backend, sent - received)
    assert ends.pair.client.received == ends.pair.backend.sent == sent
    await eventually(lambda: not ends.pair.up.sending)
    await ends.client.send_all(b"as if nothing had been")
    assert await receive_exactly(ends.backend, 22) == b"as if nothing had been"


async def test_end_of_file_behind_a_stalled_way(rig: Rig) -> None:
    """Held by us are bytes that the sink does not take; the end comes after all of them."""
    ends = await rig.join()
    copying, sent = await stall(rig, ends)
    await ends.client.send_eof()
    assert len(await receive_to_end(ends.backend)) == sent
    assert await copying.wait() is Outcome.FINISHED


async def test_stalled_way_does_not_stall_the_other(rig: Rig) -> None:
    ends = await rig.join()
    _copying, _sent = await stall(rig, ends)
    down = rig.copy(ends.pair.down)
    rig.nursery.start_soon(say, ends.backend, PAYLOAD)
    assert await receive_to_end(ends.client) == PAYLOAD
    assert await down.wait() is Outcome.FINISHED


async def test_reader_of_a_few_bytes_at_a_time_gets_them_all(rig: Rig) -> None:
    ends = await rig.join()
    rig.copy(ends.pair.up)
    rig.nursery.start_soon(say, ends.client, PAYLOAD)
    received = bytearray()
    while data := await ends.backend.receive_some(1500):
        received += data
    assert received == PAYLOAD


async def test_idle_copies_cost_nothing(rig: Rig) -> None:
    """After both ends-of-file, and with bytes that nobody takes, nobody goes round in circles."""
    ends = await rig.join()
    for way, stream in ((ends.pair.up, ends.client), (ends.pair.down, ends.backend)):
        copying = rig.copy(way)
        await stream.send_eof()
        await copying.wait()
    stalled = await rig.join()
    await stall(rig, stalled)
    assert await quiet_steps() < 20


async def quiet_steps() -> int:
    """Count the task steps of a tenth of a second."""
    counter = StepCounter()
    trio.lowlevel.add_instrument(counter)
    await trio.sleep(0.1)
    trio.lowlevel.remove_instrument(counter)
    return counter.steps


class StepCounter(trio.abc.Instrument):
    def __init__(self) -> None:
        self.steps = 0

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1
