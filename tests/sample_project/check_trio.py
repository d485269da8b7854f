"""Tests with trio: the balancer is in the test's own loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from trio_balancer.network import SocketOptions
from trio_balancer.testing import Harness, MemoryNetwork
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio.testing import MockClock

pytestmark = pytest.mark.trio


async def ask(address: tuple[str, int], text: bytes = b"hello") -> bytes:
    async with await trio.open_tcp_stream(*address) as client:
        await client.send_all(text)
        return bytes(await client.receive_some())


async def test_everybody_gets_the_same(balancer: Harness) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(9):
            nursery.start_soon(ask, balancer.address)
    balancer.assert_distribution({0: 3, 1: 3, 2: 3})


async def ask_again_and_again(address: tuple[str, int]) -> bytes:
    while True:
        try:
            return await ask(address)
        except trio.BrokenResourceError:
            continue


async def test_a_client_that_asks_again_survives_a_flapping_backend(balancer: Harness) -> None:
    async with balancer.backend(0).flap(up=0.02, down=0.02):
        await balancer.wait(lambda lb: sum(e.kind == "fault removed" for e in lb.events) >= 3)
        for _ in range(9):
            assert await ask_again_and_again(balancer.address)


async def test_a_queue_in_virtual_time(
    balancer_factory: Callable[..., Awaitable[Harness]], autojump_clock: MockClock
) -> None:
    network = MemoryNetwork()
    lb = await balancer_factory(["10.0.0.1:80"], network=network)
    async with lb.backend(0).partition():
        began = trio.current_time()
        host, port = lb.address
        client = await network.connect(inet_address(host, port), options=SocketOptions())
        await lb.wait(lambda lb: lb.connections and not lb.connections[0].live, timeout=100)
        client.close()
    # Three attempts of 5 s, with pauses in between.
    assert trio.current_time() - began == pytest.approx(15.75)
