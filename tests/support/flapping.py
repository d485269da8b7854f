"""An hour of a whole balancer in memory whose backends come and go, in virtual time."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

import trio
from support.world import OPTIONS

from trio_balancer.network import PeerReset
from trio_balancer.testing import History, MemoryNetwork, open_balancer, run_in_virtual_time
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from trio_balancer.testing import Harness, MemoryStream
    from trio_balancer.wire.address import InetAddress

HOUR = 3600.0
BACKENDS = [
    inet_address("10.0.1.1", 80),
    inet_address("10.0.1.2", 80),
    inet_address("10.0.1.3", 80),
]
CONFIG = """
[listeners.web]
bind = "10.0.0.1:80"
pool = "app"
[pools.app]
backends = ["10.0.1.1:80", "10.0.1.2:80", "10.0.1.3:80"]
policy = "random"
[pools.app.health]
interval = "10s"
"""


def flapping_hour(*, seed: int, connections: int) -> History:
    """Let so many clients come over an hour, and return all that arrived anywhere."""
    return run_in_virtual_time(partial(_hour, seed, connections), seed=seed)


async def _hour(seed: int, connections: int) -> History:
    history = History()
    network = MemoryNetwork(seed=seed, history=history)
    network.link("127.0.0.1", "10.0.1.1", latency=0.01, loss=0.01)
    async with trio.open_nursery() as nursery:
        for address in BACKENDS:
            await nursery.start(_serve, network, address)
        async with open_balancer(CONFIG, network=network, seed=seed) as lb:
            await _clients(lb, network, random.Random(seed), connections)
        nursery.cancel_scope.cancel()
    return history


async def _clients(
    lb: Harness, network: MemoryNetwork, rng: random.Random, connections: int
) -> None:
    async with (
        lb.backend(0).flap(up=50, down=10),
        lb.backend(1).flap(up=20, down=30),
        trio.open_nursery() as nursery,
    ):
        for _ in range(connections):
            await trio.sleep(rng.expovariate(connections / HOUR))
            nursery.start_soon(_ask, network, rng.randbytes(rng.randrange(1, 400)))


async def _ask(network: MemoryNetwork, question: bytes) -> None:
    stream = await network.connect(inet_address("10.0.0.1", 80), options=OPTIONS)
    try:
        await stream.send_all(question)
        await stream.send_eof()
        while await stream.receive_some():
            pass
    except PeerReset:
        pass  # its backend was killed meanwhile
    finally:
        stream.close()


async def _serve(
    network: MemoryNetwork, address: InetAddress, *, task_status: trio.TaskStatus[None]
) -> None:
    listener = await network.listen(address, backlog=100, options=OPTIONS)
    task_status.started()
    async with trio.open_nursery() as nursery:
        while True:
            await listener.wait_ready()
            nursery.start_soon(_echo, listener.accept_nowait())


async def _echo(stream: MemoryStream) -> None:
    try:
        while data := await stream.receive_some():
            await trio.sleep(0.2)
            await stream.send_all(data)
    except PeerReset:
        pass  # a check, or its backend was killed
    finally:
        stream.close()
