"""Half-close: who has said everything still hears the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shop import SHOP

from trio_balancer.testing import MemoryNetwork, open_balancer
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    import trio
    from trio.testing import MockClock


pytestmark = pytest.mark.trio


async def receive_all(stream: trio.abc.ReceiveStream) -> bytes:
    """Receive up to the end-of-file."""
    received = b""
    while data := await stream.receive_some():
        received += data
    return received


async def count_bytes(stream: trio.abc.Stream) -> None:
    """Answer, when the client has finished, how much it was."""
    await stream.send_all(b"%d bytes" % len(await receive_all(stream)))


async def test_the_answer_comes_after_the_end(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    nursery.start_soon((await network.listen(SHOP)).serve, count_bytes)
    network.link("127.0.0.1", SHOP, latency=0.1, bandwidth=100_000, loss=0.01)
    async with open_balancer([SHOP], network=network) as lb:
        client = await network.connect(inet_address(*lb.address))
        await client.send_all(bytes(200_000))
        await client.send_eof()
        assert await receive_all(client) == b"200000 bytes"
    nursery.cancel_scope.cancel()
