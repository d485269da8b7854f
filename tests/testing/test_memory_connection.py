from __future__ import annotations

import trio
from trio.testing import MockClock

from trio_balancer.testing import History, MemoryStream, memory_connection
from trio_balancer.testing.memory_courier import Courier
from trio_balancer.testing.memory_wire import Wire
from trio_balancer.testing.virtual_link import VirtualLink
from trio_balancer.testing.virtual_links import VirtualLinks
from trio_balancer.wire.address import inet_address

A, B = inet_address("10.0.0.1", 1), inet_address("10.0.0.2", 2)


async def test_two_ends_that_know_each_other() -> None:
    closed: list[MemoryStream] = []
    client, server = memory_connection(A, B, on_close=closed.append)
    assert (client.local_address, client.remote_address) == (A, B)
    assert (server.local_address, server.remote_address) == (B, A)
    await client.send_all(b"ping")
    assert await server.receive_some() == b"ping"
    client.close()
    assert closed == [client]


async def test_wires_and_a_history(autojump_clock: MockClock) -> None:
    links, courier, history = VirtualLinks(seed=0), Courier(), History()
    links.add(VirtualLink((None, None), latency=1, bandwidth=1e9, loss=0, retransmit=1))
    wires = Wire(links, courier, A, B, name="up"), Wire(links, courier, B, A, name="down")
    talk = history.begin(A, B)
    client, server = memory_connection(A, B, wires=wires, history=talk)
    await client.send_all(b"ping")
    assert await server.receive_some() == b"ping"
    await server.send_all(b"pong")
    assert await client.receive_some() == b"pong"
    assert [round(moment.time, 3) for moment in talk.up.moments + talk.down.moments] == [1, 2]
    assert trio.current_time() > 2
