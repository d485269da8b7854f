"""A balancer under test as asyncio tests have it, and a client for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from trio_balancer.testing import AsyncioHarness, open_balancer_asyncio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Test = Callable[[AsyncioHarness], Awaitable[None]]


def in_asyncio(test: Test) -> Callable[[list[int]], None]:
    """Make a plain test of an asyncio one: pytest-trio would take it for its own."""

    def run(ports: list[int]) -> None:
        asyncio.run(_with_balancer(test, ports))

    return run


async def _with_balancer(test: Test, ports: list[int]) -> None:
    async with open_balancer_asyncio([("127.0.0.1", port) for port in ports]) as lb:
        await test(lb)


async def ask(lb: AsyncioHarness, text: bytes = b"hello") -> bytes:
    """Send one request on a connection of its own, finish, and return the answer."""
    reader, writer = await asyncio.open_connection(*lb.address)
    try:
        writer.write(text)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
