from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from support.filtered import (
    Around,
    Filtered,
    configured,
    copying,
    listener,
    receive,
    through,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.config.model_filters import BandwidthFilterConfig
from trio_balancer.filters import load_filters
from trio_balancer.network import Stream

SECONDS = 5


async def flood(stream: Stream) -> None:
    while True:
        await stream.send_all(bytes(1 << 16))


async def drain(stream: Stream, counts: list[int], index: int) -> None:
    while data := await stream.receive_some():
        counts[index] += len(data)


async def throughput(ways: Sequence[tuple[Stream, Stream]]) -> list[int]:
    """Return how many bytes arrive on each way in `SECONDS` of sending as fast as possible."""
    counts = [0] * len(ways)
    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for index, (sender, receiver) in enumerate(ways):
                nursery.start_soon(flood, sender)
                nursery.start_soon(drain, receiver, counts, index)
    return counts


@pytest.mark.parametrize("rate", [2_000.0, 1e6, 20e6])
async def test_both_ways_keep_to_their_rates(autojump_clock: MockClock, rate: float) -> None:
    config = BandwidthFilterConfig("f", up=rate, down=2 * rate)
    async with configured(config) as it:
        up, down = await throughput([(it.client, it.backend), (it.backend, it.client)])
    assert up == pytest.approx(rate * SECONDS, rel=0.05)
    assert down == pytest.approx(2 * rate * SECONDS, rel=0.05)


async def test_a_burst_comes_on_top(autojump_clock: MockClock) -> None:
    config = BandwidthFilterConfig("f", up=1000, burst=3000)
    async with configured(config) as it:
        [up] = await throughput([(it.client, it.backend)])
    assert up == pytest.approx(1000 * SECONDS + 3000, rel=0.05)


async def test_connections_share_a_listeners_rate_equally(autojump_clock: MockClock) -> None:
    config = BandwidthFilterConfig("f", listener_up=1e6)
    filters = load_filters(listener(config), Around().surroundings)
    connections = [through(filters) for _ in range(4)]
    async with trio.open_nursery() as nursery:
        for each in connections:
            nursery.start_soon(each.run)
        counts = await throughput([(each.client, each.backend) for each in connections])
        nursery.cancel_scope.cancel()
    assert sum(counts) == pytest.approx(1e6 * SECONDS, rel=0.05)
    for count in counts:
        assert count == pytest.approx(sum(counts) / 4, rel=0.05)


async def test_a_slow_connection_leaves_the_listeners_rate_to_others(
    autojump_clock: MockClock,
) -> None:
    slow = BandwidthFilterConfig("f", up=1000, listener_up=1e6)
    filters = load_filters(listener(slow), Around().surroundings)
    it = through(filters)
    async with copying(it):
        [count] = await throughput([(it.client, it.backend)])
    assert count == pytest.approx(1000 * SECONDS, rel=0.05)


async def test_those_who_leave_the_line_keep_nobody_waiting(autojump_clock: MockClock) -> None:
    config = BandwidthFilterConfig("f", listener_up=100_000)
    filters = load_filters(listener(config), Around().surroundings)
    for _ in range(100):  # each asks for 10 ms of it, and is gone before its turn
        gone = through(filters)
        async with copying(gone):
            await gone.client.send_all(bytes(1000))
            await wait_all_tasks_blocked()
    it = through(filters)
    async with copying(it):
        start = trio.current_time()
        await it.client.send_all(bytes(1000))
        await receive(it.backend, 1000)
    # Their bursts, and the slice of whoever was first in line.
    assert trio.current_time() - start < 0.1


async def test_big_chunks_arrive_in_slices(autojump_clock: MockClock) -> None:
    async with configured(BandwidthFilterConfig("f", up=10_000)) as it:
        await it.client.send_all(bytes(5000))
        start = trio.current_time()
        await receive(it.backend, 1000)
        assert trio.current_time() - start < 0.11


async def test_cancelled_while_it_waits(autojump_clock: MockClock) -> None:
    it: Filtered
    async with configured(BandwidthFilterConfig("f", up=1.0)) as it:
        await it.client.send_all(bytes(100))
        await trio.sleep(10)
    assert it.pair.backend.sent <= 11
