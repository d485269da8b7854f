from __future__ import annotations

import errno
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import (
    SocketListener,
    SocketNetwork,
    SocketOptions,
    SocketStream,
    sockets,
)
from trio_balancer.wire.address import InetAddress, NamedAddress, UnixAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPTIONS = SocketOptions()
ANY_PORT = inet_address("127.0.0.1", 0)


@pytest.fixture
def network() -> SocketNetwork:
    return SocketNetwork()


@pytest.fixture
async def listener(network: SocketNetwork) -> AsyncIterator[SocketListener]:
    listener = await network.listen(ANY_PORT, backlog=10, options=OPTIONS)
    yield listener
    listener.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def port_of(listener: SocketListener) -> int:
    assert isinstance(listener.address, InetAddress)
    return listener.address.port


async def accept(listener: SocketListener) -> SocketStream:
    await listener.wait_ready()
    return listener.accept_nowait()


async def test_both_ends_have_the_options(network: SocketNetwork) -> None:
    options = SocketOptions(keepalive=42.0, user_timeout=1.5)
    listener = await network.listen(ANY_PORT, backlog=10, options=options)
    client = await network.connect(listener.address, options=options)
    server = await accept(listener)
    for stream in (client, server):
        assert stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        tcp = [
            stream.socket.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                *(socket.TCP_NODELAY, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL),
                *(socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT),
            )
        ]
        assert tcp == [1, 42, 10, 3, 1500]
        assert not stream.socket.getblocking()
        assert not stream.socket.get_inheritable()
        stream.close()
    listener.close()


@pytest.mark.parametrize("v6only", [False, True])
async def test_dual_stack_is_as_told(network: SocketNetwork, *, v6only: bool) -> None:
    everything = inet_address("::", 0)
    listener = await network.listen(everything, backlog=10, v6only=v6only, options=OPTIONS)
    dialled = inet_address("127.0.0.1", port_of(listener))
    if v6only:
        with pytest.raises(ConnectionRefusedError):
            await network.connect(dialled, options=OPTIONS)
    else:
        client = await network.connect(dialled, options=OPTIONS)
        server = await accept(listener)
        assert server.remote_address == client.local_address
        assert str(server.remote_address).startswith("127.0.0.1:")
        client.close()
        server.close()
    listener.close()


async def test_address_in_use(network: SocketNetwork, listener: SocketListener) -> None:
    with pytest.raises(OSError, match="in use") as excinfo:
        await network.listen(listener.address, backlog=10, options=OPTIONS)
    assert excinfo.value.errno == errno.EADDRINUSE


async def test_dial_is_refused(network: SocketNetwork, listener: SocketListener) -> None:
    listener.close()
    before = open_descriptors()
    with pytest.raises(ConnectionRefusedError, match="Connection refused") as excinfo:
        await network.connect(listener.address, options=OPTIONS)
    assert excinfo.value.errno == errno.ECONNREFUSED
    assert open_descriptors() == before


async def test_cancelled_dial_leaves_nothing_open(network: SocketNetwork) -> None:
    # A full backlog: the kernel answers no further dial.
    listener = await network.listen(ANY_PORT, backlog=0, options=OPTIONS)
    first = await network.connect(listener.address, options=OPTIONS)
    before = open_descriptors()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: network.connect(listener.address, options=OPTIONS))
        await wait_all_tasks_blocked()
        assert open_descriptors() == before + 1
        nursery.cancel_scope.cancel()
    assert open_descriptors() == before
    first.close()
    listener.close()


async def test_connection_to_itself_is_refused(
    network: SocketNetwork, listener: SocketListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener.close()
    free_port = port_of(listener)
    # The kernel picks the dialled port as ours only now and then: here it has no choice.
    monkeypatch.setattr(
        sockets, "set_options", lambda sock, _options: sock.bind(("127.0.0.1", free_port))
    )
    with pytest.raises(ConnectionRefusedError, match="reached only itself"):
        await network.connect(listener.address, options=OPTIONS)


async def test_equal_ports_of_two_hosts_are_no_loop(
    network: SocketNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = await network.listen(inet_address("127.0.0.2", 0), backlog=10, options=OPTIONS)
    monkeypatch.setattr(
        sockets, "set_options", lambda sock, _options: sock.bind(("127.0.0.1", port_of(listener)))
    )
    client = await network.connect(listener.address, options=OPTIONS)
    client.close()
    listener.close()


async def test_unix_ends_know_their_addresses(network: SocketNetwork, tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "socket"))
    listener = await network.listen(address, backlog=10, options=OPTIONS)
    assert listener.address == address
    with trio.fail_after(5):
        client = await network.connect(address, options=OPTIONS)
    server = await accept(listener)
    assert client.remote_address == server.local_address == address
    assert client.local_address == server.remote_address == UnixAddress("")
    client.close()
    server.close()
    listener.close()
    assert not (tmp_path / "socket").exists()


async def test_unix_dial_fails_with_its_errno(network: SocketNetwork, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await network.connect(UnixAddress(str(tmp_path / "nothing")), options=OPTIONS)
    with pytest.raises(OSError, match="at most 107 bytes") as excinfo:
        await network.connect(UnixAddress("/" + "x" * 200), options=OPTIONS)
    assert excinfo.value.errno == errno.ENAMETOOLONG


async def test_name_is_resolved_without_doubles(
    network: SocketNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def getaddrinfo(host: str, port: int, **_kinds: int) -> list[tuple[Any, ...]]:
        assert (host, port) == ("db.example", 5432)
        threads.append(threading.current_thread().name)
        inet, inet6 = socket.AF_INET, socket.AF_INET6
        return [
            (inet6, socket.SOCK_STREAM, 6, "", ("fd00::1", 5432, 0, 0)),
            (inet, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 5432)),
            (inet6, socket.SOCK_STREAM, 6, "", ("::ffff:10.0.0.1", 5432, 0, 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = await network.resolve(NamedAddress("db.example", 5432))
    assert found == [inet_address("fd00::1", 5432), inet_address("10.0.0.1", 5432)]
    assert threads == ["trio-balancer-resolve-db.example"]


async def test_localhost_is_this_machine(network: SocketNetwork) -> None:
    found = await network.resolve(NamedAddress("localhost", 80))
    assert found
    assert all(address.ip.is_loopback and address.port == 80 for address in found)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError()])
async def test_unknown_name_is_an_oserror(
    network: SocketNetwork, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def getaddrinfo(*_args: object, **_kinds: int) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(socket.gaierror) as excinfo:
        await network.resolve(NamedAddress("no.example", 80))
    assert excinfo.value.errno == socket.EAI_NONAME


async def test_cancelled_lookup_waits_for_no_thread(
    network: SocketNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = trio.Event(), threading.Event()
    token = trio.lowlevel.current_trio_token()

    def getaddrinfo(*_args: object, **_kinds: int) -> list[tuple[Any, ...]]:
        token.run_sync_soon(asked.set)
        answer.wait(timeout=10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(network.resolve, NamedAddress("slow.example", 80))
        await asked.wait()
        nursery.cancel_scope.cancel()
    assert not answer.is_set()
    answer.set()


async def test_without_epoll_there_is_nothing_to_run(
    network: SocketNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HAVE_EPOLL", False)
    monkeypatch.delattr(select, "epoll", raising=False)
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)


def test_the_package_can_be_imported_without_epoll() -> None:
    program = "import select, trio; vars(select).pop('epoll', None); import trio_balancer"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
