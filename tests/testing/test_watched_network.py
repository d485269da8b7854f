from __future__ import annotations

import socket

import attrs
import pytest
import trio
from support.world import BACKEND, FRONT, OPTIONS, OTHER
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.network import PeerReset
from trio_balancer.network.seam import DialTimeoutError
from trio_balancer.testing import MemoryListener, MemoryNetwork, memory_connection
from trio_balancer.testing.link import Condition
from trio_balancer.testing.watched_network import WatchedNetwork
from trio_balancer.testing.watched_stream import WatchedStream
from trio_balancer.wire.address import NamedAddress, SocketAddress

KILL = Condition(refuses=True)
CUT = Condition(stalls=True, unreachable=True)


@attrs.define(eq=False)
class Told:
    """A watcher that writes everything down."""

    news: list[str] = attrs.field(factory=list)

    def accepted(self, client: SocketAddress) -> int:
        self.news.append(f"accepted {type(client).__name__}")
        return 41

    def dialling(self, connection: int | None, address: SocketAddress) -> None:
        self.news.append(f"{connection} dialling {address}")

    def dialled(self, connection: int | None, address: SocketAddress) -> None:
        self.news.append(f"{connection} dialled {address}")

    def dial_failed(self, connection: int | None, address: SocketAddress, error: OSError) -> None:
        self.news.append(f"{connection} failed {address} {type(error).__name__}")

    def moved(self) -> None:
        self.news.append("moved")


@attrs.define(eq=False)
class Net:
    """A watched network over a network in memory, where somebody listens at BACKEND."""

    inner: MemoryNetwork
    told: Told
    network: WatchedNetwork
    listener: MemoryListener

    async def dial(self, deadline: float = float("inf")) -> WatchedStream:
        return await self.network.connect(BACKEND, options=OPTIONS, deadline=deadline)


@pytest.fixture
async def net() -> Net:
    inner, told = MemoryNetwork(), Told()
    listener = await inner.listen(BACKEND, backlog=100, options=OPTIONS)
    return Net(inner, told, WatchedNetwork(inner, told), listener)


async def test_a_dial_is_told_and_watched(autojump_clock: MockClock, net: Net) -> None:
    stream = await net.dial()
    assert net.told.news == [f"None dialling {BACKEND}", f"None dialled {BACKEND}"]
    assert list(net.network.streams) == [stream]
    await stream.send_all(b"x")
    assert net.told.news[-1] == "moved"
    stream.close()
    assert list(net.network.streams) == []


async def test_a_failed_dial_is_told(autojump_clock: MockClock, net: Net) -> None:
    with pytest.raises(ConnectionRefusedError):
        await net.network.connect(OTHER, options=OPTIONS)
    assert net.told.news[-1] == f"None failed {OTHER} ConnectionRefusedError"


async def test_a_client_and_the_dials_for_it_belong_together(
    autojump_clock: MockClock, net: Net, nursery: trio.Nursery
) -> None:
    front = await net.network.listen(FRONT, backlog=10, options=OPTIONS)
    client = await net.inner.connect(FRONT, options=OPTIONS)
    nursery.start_soon(_accept_one, net, front)
    await wait_all_tasks_blocked()
    await net.dial()
    assert net.told.news == [
        "accepted InetAddress",
        f"41 dialling {BACKEND}",
        f"41 dialled {BACKEND}",
        f"None dialling {BACKEND}",
        f"None dialled {BACKEND}",
    ]
    client.close()


async def _accept_one(net: Net, front: object) -> None:
    # As the accept loop does: a task for each client, started in the same step.
    [listener] = net.network.listeners
    assert listener is front
    await listener.wait_ready()
    async with trio.open_nursery() as connections:
        listener.accept_nowait()
        connections.start_soon(net.dial)


async def test_a_listener_is_watched_until_it_is_closed(
    autojump_clock: MockClock, net: Net
) -> None:
    listener = await net.network.listen(FRONT, backlog=10, options=OPTIONS)
    assert listener.address == FRONT
    assert list(net.network.listeners) == [listener]
    with pytest.raises(BlockingIOError):
        listener.accept_nowait()
    listener.close()
    listener.close()
    assert list(net.network.listeners) == []
    with pytest.raises(trio.ClosedResourceError):
        await listener.wait_ready()


async def test_a_listener_is_paused_and_configured_below(
    autojump_clock: MockClock, net: Net
) -> None:
    listener = await net.network.listen(FRONT, backlog=10, options=OPTIONS)
    listener.configure(backlog=1, options=OPTIONS)
    listener.pause()
    with pytest.raises(ConnectionRefusedError):
        await net.inner.connect(FRONT, options=OPTIONS)
    listener.resume()
    (await net.inner.connect(FRONT, options=OPTIONS)).close()


async def test_killed_it_refuses(autojump_clock: MockClock, net: Net) -> None:
    link = net.network.link(BACKEND)
    live = await net.dial()
    link.impose(KILL)
    with pytest.raises(PeerReset):
        await live.receive_some()
    with pytest.raises(ConnectionRefusedError):
        await net.dial()
    link.lift(KILL)
    await net.dial()


async def test_killed_while_it_is_dialled_it_refuses(
    autojump_clock: MockClock, net: Net, nursery: trio.Nursery
) -> None:
    net.inner.blackhole(BACKEND)
    nursery.start_soon(_expect_refused, net)
    await wait_all_tasks_blocked()
    net.network.link(BACKEND).impose(KILL)
    net.inner.heal(BACKEND)


async def _expect_refused(net: Net) -> None:
    with pytest.raises(ConnectionRefusedError):
        await net.dial()


async def test_cut_off_a_dial_times_out(autojump_clock: MockClock, net: Net) -> None:
    net.network.link(BACKEND).impose(CUT)
    with pytest.raises(DialTimeoutError):
        await net.dial(deadline=3)
    assert trio.current_time() == 3


async def test_cut_off_a_dial_goes_on_when_it_heals(
    autojump_clock: MockClock, net: Net, nursery: trio.Nursery
) -> None:
    net.network.link(BACKEND).impose(CUT)
    nursery.start_soon(net.dial)
    await trio.sleep(2)
    assert not net.network.streams
    net.network.link(BACKEND).lift(CUT)
    await wait_all_tasks_blocked()
    assert len(net.network.streams) == 1


async def test_retargeted_a_dial_goes_elsewhere(autojump_clock: MockClock, net: Net) -> None:
    await net.inner.listen(OTHER, backlog=10, options=OPTIONS)
    net.network.link(BACKEND).target = OTHER
    stream = await net.dial()
    assert stream.remote_address == OTHER


async def test_a_name_and_its_addresses_are_one_way(autojump_clock: MockClock, net: Net) -> None:
    name = NamedAddress("app.example", BACKEND.port)
    net.inner.names["app.example"] = [BACKEND]
    assert await net.network.resolve(name) == [BACKEND]
    net.network.link(name).impose(KILL)
    with pytest.raises(ConnectionRefusedError):
        await net.dial()
    with pytest.raises(socket.gaierror):
        await net.network.resolve(NamedAddress("nobody.example", 1))


async def test_in_the_end_everything_can_be_closed(autojump_clock: MockClock, net: Net) -> None:
    await net.network.listen(FRONT, backlog=10, options=OPTIONS)
    lost, pending = await net.dial(), await net.dial()
    net.network.link(BACKEND).impose(CUT)
    pending.close()
    net.network.close_unreachable()
    assert list(net.network.streams) == [lost]
    net.network.abandon()
    assert not net.network.streams
    assert not net.network.listeners


async def test_the_original_destination_is_asked_of_the_stream_below(
    autojump_clock: MockClock, net: Net
) -> None:
    stream = await net.dial()
    assert net.network.original_destination(stream) == BACKEND
    foreign, _peer = memory_connection(FRONT, BACKEND)
    with pytest.raises(FileNotFoundError):
        net.network.original_destination(foreign)


async def test_it_serves_the_needs_of_the_network_below(
    autojump_clock: MockClock, net: Net, nursery: trio.Nursery
) -> None:
    await nursery.start(net.network.run)
