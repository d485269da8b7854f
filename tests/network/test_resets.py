from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import resets
from trio_balancer.network.resets import ResetWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Connect = Callable[[], tuple[socket.socket, socket.socket]]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make connected pairs (peer, ours), closed at the end."""
    made: list[socket.socket] = []

    def make() -> tuple[socket.socket, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            peer = socket.create_connection(listener.getsockname())
            ours, _address = listener.accept()
        made.extend((peer, ours))
        return peer, ours

    yield make
    for sock in made:
        sock.close()


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


async def run_until_idle(watcher: ResetWatcher) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(watcher.run)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_resets_from_before_the_run_are_told_once(connect: Connect) -> None:
    watcher, told = ResetWatcher(), []
    (peer, ours), (_other_peer, other) = connect(), connect()
    watcher.watch(ours, lambda: told.append("ours"))
    watcher.watch(other, lambda: told.append("other"))
    reset(peer)
    async with trio.open_nursery() as nursery:
        await nursery.start(watcher.run)
        await wait_all_tasks_blocked()
        watcher.watch(ours, lambda: told.append("again"))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert told == ["ours", "again"]


async def test_callback_may_take_back_a_wish_of_the_same_batch(connect: Connect) -> None:
    watcher, told = ResetWatcher(), []
    pairs = [connect(), connect()]

    def call(mine: socket.socket, other: socket.socket) -> None:
        told.append(mine)
        watcher.forget(other)

    (first_peer, first), (second_peer, second) = pairs
    watcher.watch(first, lambda: call(first, second))
    watcher.watch(second, lambda: call(second, first))
    reset(first_peer)
    reset(second_peer)
    await run_until_idle(watcher)
    assert len(told) == 1


async def test_number_used_again_within_a_batch_is_not_confused(connect: Connect) -> None:
    watcher, told = ResetWatcher(), []
    _new_peer, new = connect()
    (first_peer, first), (second_peer, second) = connect(), connect()

    def replace(other: socket.socket) -> None:
        number = other.fileno()
        watcher.forget(other)
        # The other socket's number now belongs to a connection that is well.
        os.dup2(new.fileno(), number)
        watcher.watch(other, lambda: told.append("wrong"))
        told.append("first")

    watcher.watch(first, lambda: replace(second))
    watcher.watch(second, lambda: replace(first))
    reset(first_peer)
    reset(second_peer)
    await run_until_idle(watcher)
    assert told == ["first"]


async def test_end_of_run_forgets_all(connect: Connect) -> None:
    watcher, told = ResetWatcher(), []
    peer, ours = connect()
    watcher.watch(ours, lambda: told.append("too late"))
    await run_until_idle(watcher)
    reset(peer)
    watcher.forget(ours)
    await run_until_idle(watcher)
    assert not told


async def test_watcher_that_never_ran_lets_go(connect: Connect) -> None:
    watcher = ResetWatcher()
    _peer, ours = connect()
    watcher.forget(ours)
    watcher.watch(ours, lambda: pytest.fail("nothing was reset"))
    watcher.forget(ours)


async def test_second_run_at_the_same_time_is_refused() -> None:
    watcher = ResetWatcher()
    with pytest.RaisesGroup(trio.BusyResourceError):
        async with trio.open_nursery() as nursery:
            await nursery.start(watcher.run)
            nursery.start_soon(watcher.run)


async def test_without_epoll_nobody_is_called(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resets, "HAVE_EPOLL", False)
    watcher, told = ResetWatcher(), []
    peer, ours = connect()
    watcher.watch(ours, lambda: told.append("reset"))
    reset(peer)
    await run_until_idle(watcher)
    watcher.forget(ours)
    assert not told


async def test_closing_epoll_twice_is_harmless() -> None:
    watcher = ResetWatcher()
    watcher._close_epoll()
    watcher._close_epoll()
