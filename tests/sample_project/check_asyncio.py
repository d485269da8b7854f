"""Tests with asyncio: the balancer is in a thread, and its calls are awaited."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_balancer.testing import AsyncioHarness

pytestmark = pytest.mark.asyncio


async def ask(address: tuple[str, int], text: bytes = b"hello") -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(text)
        return await reader.read(1024)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_everybody_gets_the_same(balancer: AsyncioHarness) -> None:
    await asyncio.gather(*[ask(balancer.address) for _ in range(9)])
    balancer.assert_distribution({0: 3, 1: 3, 2: 3})


async def test_a_slow_backend_is_slow(balancer: AsyncioHarness) -> None:
    async with (
        balancer.backend(0).slow(latency=0.2),
        balancer.backend(1).drain(),
        balancer.backend(2).kill(),
    ):
        began = time.monotonic()
        await ask(balancer.address)
        assert time.monotonic() - began >= 0.2


async def test_a_silent_backend_is_silent_until_it_heals(balancer: AsyncioHarness) -> None:
    backend = balancer.backend(0)
    async with backend.pause():
        silent = asyncio.create_task(ask(balancer.address))
        await balancer.wait(lambda lb: lb.distribution()[backend.name] == 1)
        assert not silent.done()
    assert (await silent).endswith(b"hello")


async def test_several_balancers_at_once(
    balancer_factory: Callable[..., Awaitable[AsyncioHarness]], services: list[tuple[str, int]]
) -> None:
    balancers = [await balancer_factory([service]) for service in services]
    answers = await asyncio.gather(*[ask(each.address) for each in balancers])
    assert [int(answer.split()[0]) for answer in answers] == [port for _host, port in services]
