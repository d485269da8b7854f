"""A sample program to be tested: a shop, and two clients for it, one of which has a bug.

A client sends "ORDER id item" as a line, and the shop answers "OK item". Two orders with the same
id are one.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import trio

from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_balancer.testing import MemoryNetwork
    from trio_balancer.wire.address import InetAddress

    Connect = Callable[[], Awaitable[trio.abc.HalfCloseableStream]]

SHOP = inet_address("10.0.1.1", 80)
SECOND_SHOP = inet_address("10.0.1.2", 80)
ATTEMPTS = 3
PATIENCE = 1.0  # seconds until a client tries again

_ids = count(1)


class OrderFailedError(Exception):
    """No attempt was answered."""


class Shop:
    """The server: it keeps what was ordered, by id."""

    def __init__(self) -> None:
        self.orders: dict[str, str] = {}

    async def serve(
        self,
        network: MemoryNetwork,
        address: InetAddress = SHOP,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Answer orders until cancelled."""
        listener = await network.listen(address)
        task_status.started()
        try:
            await listener.serve(self._answer)
        finally:
            listener.close()

    async def _answer(self, stream: trio.abc.Stream) -> None:
        words = (await receive_line(stream)).split()
        if len(words) == len(["ORDER", "id", "item"]):
            self.orders[words[1]] = words[2]
            await stream.send_all(f"OK {words[2]}\n".encode())


async def order_carelessly(connect: Connect, item: str) -> str:
    """Order, with a bug: each attempt is an order of its own."""
    for _ in range(ATTEMPTS):
        answer = await _attempt(connect, f"ORDER {next(_ids)} {item}\n")
        if answer is not None:
            return answer
    raise OrderFailedError(item)


async def order(connect: Connect, item: str) -> str:
    """Order, as it should be: all attempts are the same order."""
    line = f"ORDER {next(_ids)} {item}\n"
    for _ in range(ATTEMPTS):
        answer = await _attempt(connect, line)
        if answer is not None:
            return answer
    raise OrderFailedError(item)


async def _attempt(connect: Connect, line: str) -> str | None:
    with trio.move_on_after(PATIENCE):
        try:
            stream = await connect()
            async with stream:
                await stream.send_all(line.encode())
                return await receive_line(stream) or None
        except (OSError, trio.BrokenResourceError):
            return None
    return None


async def receive_line(stream: trio.abc.ReceiveStream) -> str:
    """Receive up to a line feed; "" where the peer ends before."""
    received = b""
    while not received.endswith(b"\n"):
        data = await stream.receive_some()
        if not data:
            return ""
        received += data
    return received.decode().strip()
