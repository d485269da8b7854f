from __future__ import annotations

import errno
import os
import socket
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import SocketListener, SocketNetwork, SocketOptions
from trio_balancer.network.inherited import InheritedSockets
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import UnixAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

OPTIONS = SocketOptions(keepalive=30)


@pytest.fixture
def inherited() -> Iterator[socket.socket]:
    """A listening socket that somebody else has opened."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(5)
        yield sock


def network_of(*socks: socket.socket, name: str = "web") -> SocketNetwork:
    return SocketNetwork(InheritedSockets({sock.fileno(): name for sock in socks}))


async def test_it_accepts_as_any_listener(inherited: socket.socket) -> None:
    listener = await network_of(inherited).adopt("web", backlog=10, options=OPTIONS)
    with closing(listener), socket.create_connection(inherited.getsockname()) as client:
        assert listener.address == inet_address(*inherited.getsockname())
        await listener.wait_ready()
        stream = listener.accept_nowait()
        client.sendall(b"hello")
        assert await stream.receive_some() == b"hello"
        assert stream.socket is not None
        assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        stream.close()


async def test_it_may_be_named_by_its_number(inherited: socket.socket) -> None:
    network = network_of(inherited)
    listener = await network.adopt(str(inherited.fileno()), backlog=10, options=OPTIONS)
    listener.close()


async def test_it_goes_on_listening_when_we_have_closed_it(inherited: socket.socket) -> None:
    network = network_of(inherited)
    (await network.adopt("web", backlog=10, options=OPTIONS)).close()
    with socket.create_connection(inherited.getsockname()):
        again = await network.adopt("web", backlog=10, options=OPTIONS)
        await again.wait_ready()
        again.accept_nowait().close()
        again.close()


@asynccontextmanager
async def adopted(sock: socket.socket) -> AsyncIterator[tuple[SocketListener, list[int]]]:
    """A listener, and a number for each client that it has accepted."""
    listener = await network_of(sock).adopt("web", backlog=10, options=OPTIONS)
    accepted: list[int] = []

    async def accept() -> None:
        with suppress(trio.ClosedResourceError):
            while True:
                await listener.wait_ready()
                listener.accept_nowait().close()
                accepted.append(len(accepted))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        await wait_all_tasks_blocked()
        yield listener, accepted
        listener.close()


async def turned_away(address: object) -> bool:
    """Connect; whether that ended in a reset."""
    with trio.fail_after(10), trio.socket.socket() as client:
        try:
            # The reset may be there before the answer to the dial was read.
            await client.connect(address)
            return await client.recv(1) != b""
        except ConnectionResetError:
            return True


async def test_a_paused_one_resets_clients_and_then_accepts_again(
    inherited: socket.socket,
) -> None:
    address = inherited.getsockname()
    async with adopted(inherited) as (listener, accepted):
        assert not await turned_away(address)
        listener.pause()
        listener.pause()
        with pytest.raises(BlockingIOError):
            listener.accept_nowait()
        assert [await turned_away(address) for _ in range(3)] == [True] * 3
        listener.resume()
        listener.resume()
        assert not await turned_away(address)
        assert accepted == [0, 1]


async def test_its_owner_does_not_notice_a_pause(inherited: socket.socket) -> None:
    async with adopted(inherited) as (listener, _accepted):
        listener.pause()
    assert inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    with pytest.raises(trio.ClosedResourceError):
        listener.pause()
    with pytest.raises(trio.ClosedResourceError):
        listener.resume()


async def test_a_paused_one_can_be_closed_while_it_turns_clients_away(
    inherited: socket.socket,
) -> None:
    async with adopted(inherited) as (listener, accepted):
        listener.pause()
        assert await turned_away(inherited.getsockname())
        await wait_all_tasks_blocked()
        listener.close()
    assert accepted == []


async def test_a_failure_to_accept_while_paused_is_tried_again(
    inherited: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError(errno.EMFILE, "Too many open files")]
    accept = socket.socket.accept

    def fail_once(sock: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return accept(sock)

    async with adopted(inherited) as (listener, accepted):
        listener.pause()
        monkeypatch.setattr(socket.socket, "accept", fail_once)
        assert await turned_away(inherited.getsockname())
    assert (failures, accepted) == ([], [])


async def test_the_path_of_a_unix_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        listener = await network_of(sock).adopt("web", backlog=1, options=OPTIONS)
        assert listener.address == UnixAddress(str(path))
        listener.close()
        assert path.is_socket()


async def refusal(network: SocketNetwork, name: str = "web") -> str:
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208  # a count, not paths
    with pytest.raises(OSError, match=r".") as caught:
        await network.adopt(name, backlog=1, options=OPTIONS)
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208
    return caught.value.strerror or ""


async def test_nobody_has_handed_over_anything() -> None:
    assert "has inherited no sockets" in await refusal(SocketNetwork())


async def test_an_unknown_name(inherited: socket.socket) -> None:
    number = inherited.fileno()
    assert f"there are web (fd@{number})" in await refusal(network_of(inherited), "wbe")


async def test_a_name_that_two_have(inherited: socket.socket) -> None:
    with inherited.dup() as other:
        said = await refusal(network_of(inherited, other))
        assert said.endswith(f"write fd@{inherited.fileno()} or fd@{other.fileno()}")


async def test_a_file(tmp_path: Path) -> None:
    number = os.open(tmp_path, os.O_RDONLY)
    said = await refusal(SocketNetwork(InheritedSockets({number: "web"})))
    assert said == f"descriptor {number} is no socket"
    os.close(number)


async def test_a_datagram_socket() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        assert "neither TCP nor a Unix stream" in await refusal(network_of(sock))


async def test_a_connection(inherited: socket.socket) -> None:
    with socket.create_connection(inherited.getsockname()) as sock:
        assert "does not listen" in await refusal(network_of(sock))


async def test_options_that_the_kernel_refuses(
    inherited: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(sock: socket.socket, options: SocketOptions) -> None:
        raise OSError(errno.ENOPROTOOPT, "Protocol not available")

    monkeypatch.setattr("trio_balancer.network.sockets.set_options", refuse)
    assert await refusal(network_of(inherited)) == "Protocol not available"


async def test_a_network_without_a_system_has_none() -> None:
    with pytest.raises(OSError, match="no inherited sockets"):
        await MemoryNetwork().adopt("web", backlog=1, options=OPTIONS)
