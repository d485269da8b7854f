from __future__ import annotations

import pytest
import trio
from support.tls import memory_ends
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from trio_balancer.network import PeerReset
from trio_balancer.network.tls_transport import TlsTransport


async def test_what_was_read_before_comes_first() -> None:
    near, far = memory_ends()
    transport = TlsTransport(near, b"before")
    await far.send_all(b"after")
    with assert_checkpoints():
        assert await transport.receive_some() == b"before"
    assert await transport.receive_some() == b"after"


async def test_cancelled_it_keeps_what_was_read_before() -> None:
    transport = TlsTransport(memory_ends()[0], b"before")
    with trio.CancelScope() as scope:
        scope.cancel()
        await transport.receive_some()
    assert transport.prefix == b"before"


async def test_stopped_it_is_at_its_end() -> None:
    near, far = memory_ends()
    transport = TlsTransport(near, b"")

    async def receive() -> None:
        assert await transport.receive_some() == b""

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        transport.stop_receiving()
    await far.send_all(b"late")
    assert await transport.receive_some() == b""


async def test_a_reset_that_a_send_meets_leaves_what_was_delivered() -> None:
    near, far = memory_ends()
    transport = TlsTransport(near, b"")
    await far.send_all(b"alert")
    far.reset()
    await transport.send_all(b"x")
    assert await transport.receive_some() == b"alert"
    with pytest.raises(PeerReset, match="connection broke") as excinfo:
        transport.raise_broken()
    assert isinstance(excinfo.value.__cause__, OSError)


async def test_an_unbroken_transport_raises_nothing() -> None:
    near, far = memory_ends()
    transport = TlsTransport(near, b"")
    await transport.wait_send_all_might_not_block()
    await transport.send_all(b"x")
    transport.raise_broken()
    assert await far.receive_some() == b"x"


async def test_closing_leaves_the_stream_open() -> None:
    near, far = memory_ends()
    with assert_checkpoints():
        await TlsTransport(near, b"").aclose()
    await near.send_all(b"x")
    assert await far.receive_some() == b"x"
