from __future__ import annotations

import errno

import pytest
import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from trio_balancer.network import PeerReset
from trio_balancer.testing import MemoryListener, MemoryStream, memory_connection
from trio_balancer.testing.memory_listener import overlap
from trio_balancer.wire.address import NamedAddress, SocketAddress, UnixAddress, parse_address


def address(text: str) -> SocketAddress:
    parsed = parse_address(text)
    assert not isinstance(parsed, NamedAddress)
    return parsed


def make_listener(backlog: int = 1) -> tuple[MemoryListener, list[MemoryListener]]:
    closed: list[MemoryListener] = []
    listener = MemoryListener(
        address("127.0.0.1:80"), backlog=backlog, v6only=False, on_close=closed.append
    )
    return listener, closed


def connection() -> tuple[MemoryStream, MemoryStream]:
    return memory_connection(UnixAddress(""), UnixAddress("/run/x"))


async def test_first_come_first_accepted() -> None:
    listener, _closed = make_listener(backlog=2)
    first, second = connection()[1], connection()[1]
    full = []
    for stream in (first, second):
        listener.offer(stream)
        full.append(listener.is_full)
    assert full == [False, True]
    with assert_checkpoints():
        await listener.wait_ready()
    assert listener.accept_nowait() is first
    assert listener.accept_nowait() is second
    with pytest.raises(BlockingIOError) as excinfo:
        listener.accept_nowait()
    assert excinfo.value.errno == errno.EAGAIN


async def test_arrival_wakes_who_waits() -> None:
    listener, _closed = make_listener()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.wait_ready)
        await wait_all_tasks_blocked()
        listener.offer(connection()[1])


async def test_accepting_makes_space() -> None:
    listener, _closed = make_listener()
    listener.offer(connection()[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.wait_space)
        await wait_all_tasks_blocked()
        listener.accept_nowait()


async def test_failures_leave_the_waiting_where_they_are() -> None:
    listener, _closed = make_listener()
    listener.offer(connection()[1])
    listener.fail_accepts(OSError(errno.EMFILE, "Too many open files"), times=2)
    for _ in range(2):
        with pytest.raises(OSError, match="Too many open files"):
            listener.accept_nowait()
        await listener.wait_ready()
    listener.accept_nowait()


async def test_closing_resets_the_waiting_and_wakes_everybody() -> None:
    listener, closed = make_listener()

    async def wait() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await listener.wait_ready()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(listener.wait_space)
        await wait_all_tasks_blocked()
        client, server = connection()
        listener.offer(server)
        listener.close()
    listener.close()
    assert closed == [listener]
    with pytest.raises(PeerReset):
        await client.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        await listener.wait_ready()
    with pytest.raises(trio.ClosedResourceError):
        listener.accept_nowait()


@pytest.mark.parametrize(
    ("bound", "other", "expected"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "127.0.0.1:81", False),
        ("127.0.0.1:80", "127.0.0.2:80", False),
        ("0.0.0.0:80", "127.0.0.1:80", True),
        ("0.0.0.0:80", "127.0.0.1:81", False),
        ("0.0.0.0:80", "[::1]:80", False),
        ("[::]:80", "[::1]:80", True),
        ("[::]:80", "127.0.0.1:80", True),
        ("unix:/a", "unix:/a", True),
        ("unix:/a", "unix:/b", False),
        ("0.0.0.0:80", "unix:/a", False),
    ],
)
def test_unspecified_addresses_take_in_others(bound: str, other: str, *, expected: bool) -> None:
    assert overlap(address(bound), address(other), v6only=False) is expected


def test_v6only_keeps_ipv4_out() -> None:
    assert not overlap(address("[::]:80"), address("127.0.0.1:80"), v6only=True)
    assert overlap(address("[::]:80"), address("[::1]:80"), v6only=True)


def test_listener_answers_what_its_address_takes_in() -> None:
    listener, _closed = make_listener()
    assert listener.answers(address("127.0.0.1:80"))
    assert not listener.answers(address("127.0.0.1:81"))


async def test_serving_until_closed() -> None:
    listener, _closed = make_listener(backlog=2)
    served: list[bytes] = []

    async def handle(stream: MemoryStream) -> None:
        served.append(await stream.receive_some())

    (client, first), (other, second) = connection(), connection()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.serve, handle)
        listener.offer(first)
        listener.offer(second)
        await client.send_all(b"ping")
        other.reset()
        await wait_all_tasks_blocked()
        listener.close()
    assert served == [b"ping"]
    assert first.closed
    assert second.closed


async def test_who_comes_too_late_is_reset() -> None:
    listener, _closed = make_listener()
    listener.close()
    client, server = connection()
    listener.offer(server)
    with pytest.raises(PeerReset):
        await client.receive_some()
