from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.network import PeerReset, SocketOptions
from trio_balancer.testing import MemoryListener, MemoryNetwork, MemoryStream, memory_network
from trio_balancer.wire.address import NamedAddress, SocketAddress, UnixAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Awaitable

OPTIONS = SocketOptions()
WEB = inet_address("127.0.0.1", 80)


@pytest.fixture
def network() -> MemoryNetwork:
    return MemoryNetwork()


def listen(
    network: MemoryNetwork, address: SocketAddress = WEB, *, backlog: int = 10, v6only: bool = False
) -> Awaitable[MemoryListener]:
    return network.listen(address, backlog=backlog, v6only=v6only, options=OPTIONS)


def dial(network: MemoryNetwork, address: SocketAddress = WEB) -> Awaitable[MemoryStream]:
    return network.connect(address, options=OPTIONS)


async def test_bytes_go_both_ways(network: MemoryNetwork) -> None:
    listener = await listen(network)
    client = await dial(network)
    server = listener.accept_nowait()
    await client.send_all(b"ping")
    assert await server.receive_some() == b"ping"
    await server.send_all(b"pong")
    assert await client.receive_some() == b"pong"


async def test_nobody_listens(network: MemoryNetwork) -> None:
    with pytest.raises(ConnectionRefusedError) as excinfo:
        await dial(network)
    assert excinfo.value.errno == errno.ECONNREFUSED


async def test_closed_listener_frees_its_address(network: MemoryNetwork) -> None:
    listener = await listen(network)
    with pytest.raises(OSError, match="in use") as excinfo:
        await listen(network)
    assert excinfo.value.errno == errno.EADDRINUSE
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        await dial(network)
    assert await listen(network) is network.listener_at(WEB)


async def test_unspecified_address_answers_every_host(network: MemoryNetwork) -> None:
    listener = await listen(network, inet_address("::", 80))
    await dial(network, inet_address("192.0.2.7", 80))
    server = listener.accept_nowait()
    assert server.local_address == inet_address("192.0.2.7", 80)
    with pytest.raises(OSError, match="in use"):
        await listen(network, inet_address("0.0.0.0", 80))


@pytest.mark.parametrize("order", [1, -1])
async def test_v6only_leaves_the_port_to_ipv4(network: MemoryNetwork, order: int) -> None:
    first, second = [inet_address("::", 80), inet_address("0.0.0.0", 80)][::order]
    await listen(network, first, v6only=True)
    ours = await listen(network, second, v6only=True)
    assert network.listener_at(second) is ours


async def test_wider_address_cannot_take_over_a_narrower_one(network: MemoryNetwork) -> None:
    await listen(network)
    with pytest.raises(OSError, match="in use"):
        await listen(network, inet_address("0.0.0.0", 80))


async def test_port_0_picks_the_same_ports_every_time(network: MemoryNetwork) -> None:
    await listen(network, inet_address("127.0.0.1", 20001))
    picked = [await listen(network, inet_address("127.0.0.1", 0)) for _ in range(2)]
    assert [str(listener.address) for listener in picked] == ["127.0.0.1:20000", "127.0.0.1:20002"]


async def test_ports_run_out(network: MemoryNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_network, "LISTENER_PORTS", range(20000, 20001))
    await listen(network, inet_address("127.0.0.1", 0))
    with pytest.raises(OSError, match="in use"):
        await listen(network, inet_address("127.0.0.1", 0))


async def test_clients_come_from_port_after_port(network: MemoryNetwork) -> None:
    await listen(network)
    await listen(network, inet_address("::1", 80))
    await listen(network, UnixAddress("/run/web.sock"))
    dialled = (WEB, WEB, inet_address("::1", 80), UnixAddress("/run/web.sock"))
    clients = [await dial(network, address) for address in dialled]
    assert [str(client.local_address) for client in clients] == [
        *("127.0.0.1:32768", "127.0.0.1:32769", "[::1]:32770", "unix:"),
    ]
    assert [client.remote_address for client in clients] == list(dialled)


async def test_client_ports_are_used_again(
    network: MemoryNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_network, "CLIENT_PORTS", range(50000, 50001))
    await listen(network)
    clients = [await dial(network) for _ in range(2)]
    assert [str(client.local_address) for client in clients] == ["127.0.0.1:50000"] * 2


async def test_client_can_come_from_anywhere(network: MemoryNetwork) -> None:
    listener = await listen(network)
    source = inet_address("203.0.113.9", 1234)
    await network.connect(WEB, options=OPTIONS, source=source)
    assert listener.accept_nowait().remote_address == source


async def test_full_backlog_keeps_dials_waiting(network: MemoryNetwork) -> None:
    listener = await listen(network, backlog=0)
    await dial(network)
    connected: list[MemoryStream] = []

    async def connect() -> None:
        connected.append(await dial(network))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        nursery.start_soon(connect)
        await wait_all_tasks_blocked()
        assert not connected
        listener.accept_nowait()
        await wait_all_tasks_blocked()
        assert len(connected) == 1
        listener.accept_nowait()


async def test_closing_a_full_backlog_refuses_who_dials(network: MemoryNetwork) -> None:
    listener = await listen(network, backlog=1)
    waiting = await dial(network)

    async def connect() -> None:
        with pytest.raises(ConnectionRefusedError):
            await dial(network)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        await wait_all_tasks_blocked()
        listener.close()
    with pytest.raises(PeerReset):
        await waiting.receive_some()


async def test_black_hole_answers_only_when_healed(network: MemoryNetwork) -> None:
    listener = await listen(network)
    network.blackhole(WEB)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dial, network)
        await wait_all_tasks_blocked()
        with pytest.raises(BlockingIOError):
            listener.accept_nowait()
        network.heal(inet_address("192.0.2.1", 80))
        await wait_all_tasks_blocked()
        network.heal(WEB)
    listener.accept_nowait()


async def test_cancelled_dial_leaves_nothing_open(network: MemoryNetwork) -> None:
    await listen(network)
    network.blackhole(WEB)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(dial, network)
            await wait_all_tasks_blocked()
            scope.cancel()
    assert network.open_streams() == []


async def test_dial_into_a_black_hole_times_out_in_no_time(
    network: MemoryNetwork, autojump_clock: MockClock
) -> None:
    network.blackhole(WEB)
    with pytest.raises(trio.TooSlowError), trio.fail_after(3600):
        await dial(network)
    assert trio.current_time() == pytest.approx(3600)


async def test_open_streams_are_those_that_nobody_closed(network: MemoryNetwork) -> None:
    listener = await listen(network)
    client = await dial(network)
    server = listener.accept_nowait()
    assert network.open_streams() == [client, server]
    client.close()
    assert network.open_streams() == [server]
    server.reset()
    assert network.open_streams() == []


async def test_window_is_every_connections(network: MemoryNetwork) -> None:
    network = MemoryNetwork(window=10)
    await listen(network)
    client = await dial(network)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, bytes(11))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert client.sent == 10


async def test_names_are_found_with_the_port_that_was_asked(network: MemoryNetwork) -> None:
    network.names["db.example"] = [
        *(inet_address("10.0.0.1", 0), inet_address("10.0.0.1", 9), inet_address("fd00::1", 0)),
    ]
    found = await network.resolve(NamedAddress("db.example", 5432))
    assert found == [inet_address("10.0.0.1", 5432), inet_address("fd00::1", 5432)]


async def test_unknown_name(network: MemoryNetwork) -> None:
    with pytest.raises(socket.gaierror) as excinfo:
        await network.resolve(NamedAddress("no.example", 80))
    assert excinfo.value.errno == socket.EAI_NONAME


async def test_a_dial_may_come_from_another_address_of_this_host(network: MemoryNetwork) -> None:
    await listen(network)
    client = await network.connect(WEB, source=IPv4Address("10.0.0.7"))
    assert str(client.local_address) == "10.0.0.7:32768"
