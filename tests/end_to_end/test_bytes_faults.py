"""What faults do over real sockets, whatever moves the bytes."""

from __future__ import annotations

import errno
import math
import socket
import statistics
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, get_args

import attrs
import pytest
import trio
from support.eventually import eventually
from support.joined import Joined, joining
from support.plain import (
    RESETS,
    End,
    clog,
    receive_exactly,
    receive_to_end,
    reset,
    send,
    send_until_broken,
)
from support.scale import scaled

from trio_balancer.config.model_effects import EFFECTS, AtConnect
from trio_balancer.faults import FaultBook, make_fault, on_listener

if TYPE_CHECKING:
    from trio.socket import SocketType

    from trio_balancer.network.seam import Stream

WEB = on_listener("web")
EMPTY: Mapping[str, float] = {}
CHUNK = bytes(64 * 1024)
# Seconds within which a change takes effect.
PROMPT = 0.05


@attrs.define(eq=False)
class Breakable:
    """A connection through a balancer that may break it."""

    joined: Joined
    book: FaultBook
    client: SocketType
    backend: SocketType

    def add(
        self,
        kind: str,
        attributes: Mapping[str, float] = EMPTY,
        *,
        stream: str = "downstream",
        name: str = "fault",
    ) -> None:
        table = {"type": kind, "name": name, "stream": stream, "attributes": dict(attributes)}
        self.book.add(WEB, make_fault(table))

    async def trade(self) -> float:
        """Say something and hear it back; returns how long that took, in seconds."""
        start = trio.current_time()
        await send(self.client, b"ping")
        await send(self.backend, await receive_exactly(self.backend, 4))
        assert await receive_exactly(self.client, 4) == b"ping"
        return trio.current_time() - start

    @property
    def leg(self) -> Stream:
        """Our stream to the client."""
        [connection] = self.joined.balancer.runtime.connections.values()
        return connection.client

    @property
    def in_relay(self) -> list[bool]:
        """Whether the ways up and down are moved by the relay."""
        [connection] = self.joined.balancer.runtime.connections.values()
        assert connection.bridge is not None
        pair = connection.bridge.pair
        return [way.leave_relay is not None for way in (pair.up, pair.down)]


@asynccontextmanager
async def breakable() -> AsyncIterator[Breakable]:
    async with joining(faults=True) as joined:
        book = joined.balancer.faults
        assert book is not None
        client, backend = await joined.connect()
        broken = Breakable(joined, book, client, backend)
        await broken.trade()
        yield broken


async def pour(sink: SocketType) -> None:
    while True:
        await sink.send(CHUNK)


async def drink(source: SocketType, counts: list[int]) -> None:
    while data := await source.recv(1 << 20):
        counts[0] += len(data)


async def test_latency_is_that_and_little_more() -> None:
    times, sleeps = [], []
    async with breakable() as broken:
        broken.add("latency", {"latency": 100})
        for _ in range(scaled(50)):
            times.append(await broken.trade())
            sleeps.append(await long_sleep(0.1))
    assert min(times) >= 0.1
    # Where others keep the machine busy, whoever sleeps so long wakes up late.
    late = statistics.median(sleeps) - 0.1
    assert statistics.median(times) <= 0.11 + late


async def long_sleep(seconds: float) -> float:
    """Sleep; returns how long that took."""
    start = trio.current_time()
    await trio.sleep(seconds)
    return trio.current_time() - start


@pytest.mark.heavy
async def test_bandwidth_is_kept() -> None:
    async with breakable() as broken:
        broken.add("bandwidth", {"rate": 1000})
        size = scaled(5000) * 1000
        async with trio.open_nursery() as nursery:
            start = trio.current_time()
            nursery.start_soon(send, broken.backend, bytes(size))
            await receive_exactly(broken.client, size)
        assert trio.current_time() - start == pytest.approx(size / 1e6, rel=0.05)


@pytest.mark.parametrize("fault", [{"reset": {}}, {"reset_peer": {}}], ids=str)
async def test_reset_is_a_reset(fault: dict[str, dict[str, float]]) -> None:
    [(kind, attributes)] = fault.items()
    async with breakable() as broken:
        broken.add(kind, attributes, stream="upstream")
        await send(broken.client, b"ping")
        assert (await receive_to_end(broken.client)).errno == errno.ECONNRESET
        assert (await receive_to_end(broken.backend)).errno == errno.ECONNRESET
        assert str((await broken.joined.record()).ending) == "PD"


async def test_bytes_before_a_limit_arrive_and_then_a_clean_end() -> None:
    async with breakable() as broken:
        broken.add("limit_data", {"bytes": 300_000})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ignore_resets, broken.backend)
            end = await receive_to_end(broken.client)
        assert (len(end.data), end.errno) == (300_000, 0)


@pytest.mark.parametrize(
    "fault", [{"limit_data": {"bytes": 0}}, {"timeout": {"timeout": 1}}], ids=str
)
async def test_who_answers_an_end_at_once_does_not_hide_whose_it_was(
    fault: dict[str, dict[str, float]],
) -> None:
    [(kind, attributes)] = fault.items()
    async with breakable() as broken:
        broken.add(kind, attributes, name="end")
        await send(broken.backend, b"more")
        await answer_the_end(broken.client)
        await answer_the_end(broken.backend)
        record = await broken.joined.record()
        assert str(record.ending) == "PD"
        assert record.reason.startswith("the fault 'end' closed it")


async def answer_the_end(sock: SocketType) -> None:
    assert (await receive_to_end(sock)).errno == 0
    sock.close()


async def ignore_resets(sink: SocketType) -> None:
    """Send what nobody wants any more."""
    assert await send_until_broken(sink) in RESETS


async def with_all_at_toxicity_0(broken: Breakable) -> None:
    """Add all faults that there are to a connection, which goes on as before."""
    for effect in EFFECTS.values():
        for stream in ("upstream", "downstream"):
            table = {"type": effect.type, "stream": stream, "name": f"{effect.type} {stream}"}
            if effect in get_args(AtConnect):
                del table["stream"]
            broken.book.add(WEB, make_fault({**table, "toxicity": 0}))
    await broken.trade()
    assert broken.in_relay == [True, True]


async def test_toxicity_0_changes_no_close() -> None:
    async with breakable() as broken:
        await with_all_at_toxicity_0(broken)
        broken.client.shutdown(socket.SHUT_WR)
        assert (await receive_to_end(broken.backend)).errno == 0
        broken.backend.shutdown(socket.SHUT_WR)
        assert (await receive_to_end(broken.client)).errno == 0
        assert str((await broken.joined.record()).ending) == "--"


async def test_toxicity_0_changes_no_reset() -> None:
    async with breakable() as broken:
        await with_all_at_toxicity_0(broken)
        reset(broken.backend)
        assert (await receive_to_end(broken.client)).errno == errno.ECONNRESET
        assert str((await broken.joined.record()).ending) == "SD"


async def test_a_fault_takes_effect_at_once_under_any_traffic() -> None:
    async with breakable() as broken, trio.open_nursery() as nursery:
        counts = [0]
        nursery.start_soon(pour, broken.backend)
        nursery.start_soon(drink, broken.client, counts)
        await eventually(lambda: counts[0] > 20_000_000)
        leg = broken.leg
        start = trio.current_time()
        broken.add("stall")
        assert await last_byte(leg) - start < PROMPT
        sent = leg.sent
        broken.book.reset()
        await eventually(lambda: leg.sent > sent + 20_000_000)
        nursery.cancel_scope.cancel()


async def last_byte(leg: Stream) -> float:
    """Wait until a leg has sent nothing for a while; returns when it sent last."""
    sent, changed = -1, trio.current_time()
    while trio.current_time() < changed + 0.2:
        if leg.sent != sent:
            sent, changed = leg.sent, trio.current_time()
        await trio.sleep(0.002)
    return changed


# Taken away while the connection is stuck


@pytest.mark.heavy
@pytest.mark.parametrize(
    "effect",
    [
        {"bandwidth": {}},
        {"stall": {}},
        {"latency": {"latency": 1e9}},
        {"reset_peer": {"timeout": 1e9}},
        {"slow_close": {}},
        {"packet_loss": {"loss_rate": 1}},
        {"slicer": {"average_size": 1, "delay": 1e9}},
    ],
    ids=str,
)
async def test_taking_away_a_fault_never_hangs(effect: dict[str, dict[str, float]]) -> None:
    [(kind, attributes)] = effect.items()
    took = []
    async with breakable() as broken:
        for _ in range(scaled(1000)):
            broken.add(kind, attributes)
            await send(broken.backend, b"stuck")
            start = trio.current_time()
            broken.book.reset()
            assert await receive_exactly(broken.client, 5) == b"stuck"
            took.append(trio.current_time() - start)
    assert percentile_99(took) < PROMPT, took


@pytest.mark.heavy
async def test_taking_away_a_black_hole_never_hangs() -> None:
    took = []
    async with joining(faults=True) as joined:
        book = joined.balancer.faults
        assert book is not None
        for _ in range(scaled(1000)):
            book.add(WEB, make_fault({"type": "timeout"}))
            client, backend = await joined.connect()
            await send(backend, b"lost")
            await eventually(lambda: is_dropped(joined))
            start = trio.current_time()
            book.reset()
            assert await receive_to_end(client) == End(b"")
            took.append(trio.current_time() - start)
            client.close()
            backend.close()
    assert percentile_99(took) < PROMPT, took


def is_dropped(joined: Joined) -> bool:
    """Whether the last connection's bytes have been received from the backend."""
    *_, connection = joined.balancer.runtime.connections.values()
    return connection.backend is not None and connection.backend.received == 4


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["noop", "latency", "bandwidth", "slicer", "stall"])
async def test_taking_away_a_fault_while_the_client_does_not_read(kind: str) -> None:
    took = []
    async with breakable() as broken:
        broken.add("noop")  # out of the relay, for good
        sent = await clog(broken.backend)
        for _ in range(scaled(1000)):
            broken.add(kind, name="stuck")
            start = trio.current_time()
            broken.book.remove(WEB, "stuck")
            await trio.lowlevel.checkpoint()
            took.append(trio.current_time() - start)
        assert await receive_exactly(broken.client, sent) == bytes(sent)
    assert percentile_99(took) < PROMPT, took


def percentile_99(values: list[float]) -> float:
    return sorted(values)[math.ceil(len(values) * 0.99) - 1]
