from __future__ import annotations

import errno
import os
import socket
import struct
import time
import types
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network.poller import VISIT, Poller, Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    Connect = Callable[[], tuple[socket.socket, socket.socket]]


@attrs.define(eq=False)
class Probe:
    """Notes what the poller tells, as stream, reader and writer in one."""

    told: list[str] = attrs.Factory(list)
    on_broken: Callable[[], None] = lambda: None
    reader: Reader | None = None
    writer: Writer | None = None
    missed: int = 0

    def listen(self) -> Probe:
        self.reader = self.writer = self
        return self

    def readable(self, *, ended: bool) -> None:
        self.told.append("ended" if ended else "readable")

    def writable(self) -> None:
        self.told.append("writable")

    def broken(self) -> None:
        self.told.append("broken")
        self.on_broken()


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


async def run_until_idle(poller: Poller) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(poller.run)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_what_was_ready_before_is_told(connect: Connect) -> None:
    poller, probe = Poller(), Probe().listen()
    peer, ours = connect()
    peer.send(b"x")
    poller.register(ours.fileno(), probe)
    await run_until_idle(poller)
    assert probe.told == ["readable", "writable"]


async def test_end_of_file_is_told_with_the_data_before_it(connect: Connect) -> None:
    poller, probe = Poller(), Probe().listen()
    peer, ours = connect()
    peer.send(b"x")
    peer.shutdown(socket.SHUT_WR)
    poller.register(ours.fileno(), probe)
    await run_until_idle(poller)
    assert probe.told == ["ended", "writable"]


async def test_end_of_both_sides_is_told_once_and_is_no_reset(connect: Connect) -> None:
    poller, probe = Poller(), Probe().listen()
    peer, ours = connect()
    async with trio.open_nursery() as nursery:
        await nursery.start(poller.run)
        poller.register(ours.fileno(), probe)
        await wait_all_tasks_blocked()
        probe.told.clear()
        peer.shutdown(socket.SHUT_WR)
        ours.shutdown(socket.SHUT_WR)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert "ended" in probe.told
    assert "broken" not in probe.told
    assert len(probe.told) <= 4


@pytest.mark.parametrize("before", ["nothing", "data", "peer's FIN", "our FIN", "both FINs"])
async def test_reset_is_told_whatever_came_before(connect: Connect, before: str) -> None:
    poller, probe = Poller(), Probe()
    peer, ours = connect()
    poller.register(ours.fileno(), probe)
    if before == "data":
        peer.send(b"x")
    if before == "our FIN":
        ours.shutdown(socket.SHUT_WR)
    if before == "peer's FIN":
        peer.shutdown(socket.SHUT_WR)
    if before == "both FINs":
        # Nothing is left to be reset then.
        peer.shutdown(socket.SHUT_WR)
        ours.shutdown(socket.SHUT_WR)
    reset(peer)
    await run_until_idle(poller)
    assert probe.told == ([] if before == "both FINs" else ["broken"])


async def test_reset_that_recv_has_told_is_no_news(connect: Connect) -> None:
    poller, probe = Poller(), Probe()
    peer, ours = connect()
    poller.register(ours.fileno(), probe)
    reset(peer)
    with pytest.raises(ConnectionResetError):
        ours.recv(1)
    await run_until_idle(poller)
    assert probe.told == []


async def test_unregistered_in_the_same_batch_is_not_told(connect: Connect) -> None:
    poller = Poller()
    (first_peer, first), (second_peer, second) = connect(), connect()
    told: list[str] = []

    def forget(other: socket.socket) -> None:
        told.append("broken")
        poller.unregister(other.fileno())

    poller.register(first.fileno(), Probe(on_broken=lambda: forget(second)))
    poller.register(second.fileno(), Probe(on_broken=lambda: forget(first)))
    reset(first_peer)
    reset(second_peer)
    await run_until_idle(poller)
    assert told == ["broken"]


async def test_number_used_again_within_a_batch_is_not_confused(connect: Connect) -> None:
    poller = Poller()
    _new_peer, new = connect()
    (first_peer, first), (second_peer, second) = connect(), connect()
    newcomers: list[Probe] = []

    def replace(other: socket.socket) -> None:
        number = other.fileno()
        poller.unregister(number)
        os.dup2(new.fileno(), number)
        newcomers.append(Probe())
        poller.register(number, newcomers[0])

    poller.register(first.fileno(), Probe(on_broken=lambda: replace(second)))
    poller.register(second.fileno(), Probe(on_broken=lambda: replace(first)))
    reset(first_peer)
    reset(second_peer)
    await run_until_idle(poller)
    assert newcomers[0].told == []


class Eager:
    """Uses up its share every time."""

    def __init__(self, poller: Poller) -> None:
        self.poller = poller
        self.turns = 0

    def go_on(self) -> None:
        self.turns += 1
        self.poller.again(self)


async def test_who_goes_on_for_ever_lets_other_tasks_run() -> None:
    poller = Poller()
    eager = Eager(poller)
    poller.again(eager)
    async with trio.open_nursery() as nursery:
        await nursery.start(poller.run)
        start = trio.current_time()
        turns = 0
        while eager.turns < 20_000:
            await trio.lowlevel.checkpoint()
            turns += 1
        visits = (trio.current_time() - start) / VISIT
        nursery.cancel_scope.cancel()
    assert turns > 1
    assert turns < visits * 10


async def test_who_asks_for_a_turn_while_nothing_happens_has_it() -> None:
    poller = Poller()
    turn = trio.Event()

    class Once:
        def go_on(self) -> None:
            turn.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(poller.run)
        for _ in range(3):
            await wait_all_tasks_blocked()
            turn = trio.Event()
            poller.again(Once())
            with trio.fail_after(10):
                await turn.wait()
        nursery.cancel_scope.cancel()


def use_up_a_visit() -> None:
    end = time.perf_counter() + 2 * VISIT
    while time.perf_counter() < end:
        pass


async def longest_wait(poller: Poller, done: Callable[[], int]) -> int:
    """Count how much was done at most between two turns of another task."""
    longest = before = 0
    async with trio.open_nursery() as nursery:
        await nursery.start(poller.run)
        with trio.fail_after(10):
            while before < 30:
                longest, before = max(longest, done() - before), done()
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    return longest


async def test_many_long_turns_do_not_add_up_to_one_long_visit() -> None:
    poller = Poller()
    turns: list[Long] = []

    class Long:
        def go_on(self) -> None:
            turns.append(self)
            use_up_a_visit()
            poller.again(self)

    everybody = [Long() for _ in range(10)]
    for each in everybody:
        poller.again(each)
    # One in a visit; two visits may follow each other.
    assert await longest_wait(poller, lambda: len(turns)) <= 2
    assert turns[:20] == everybody * 2


async def test_many_long_reads_do_not_add_up_to_one_long_visit(connect: Connect) -> None:
    poller = Poller()
    read: list[Slow] = []

    class Slow(Probe):
        def readable(self, *, ended: bool) -> None:
            read.append(self)
            use_up_a_visit()

    probes = [Slow() for _ in range(30)]
    for probe in probes:
        probe.listen()
        peer, ours = connect()
        peer.send(b"x")
        poller.register(ours.fileno(), probe)
    assert await longest_wait(poller, lambda: len(read)) <= 2
    assert set(read) == set(probes)


async def test_a_socket_that_cannot_be_watched_needs_no_unregistering(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    _peer, ours = connect()
    poller, probe = Poller(), Probe()
    full = types.SimpleNamespace(register=refuse)
    monkeypatch.setattr(poller, "_epoll", full)
    with pytest.raises(OSError, match="no room"):
        poller.register(ours.fileno(), probe)
    poller.unregister(ours.fileno())


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no room for another watch")


async def test_poller_can_run_again(connect: Connect) -> None:
    poller, probe = Poller(), Probe()
    await run_until_idle(poller)
    peer, ours = connect()
    poller.register(ours.fileno(), probe)
    reset(peer)
    await run_until_idle(poller)
    assert probe.told == ["broken"]


async def test_unregistering_after_the_run_is_harmless(connect: Connect) -> None:
    poller = Poller()
    _peer, ours = connect()
    poller.register(ours.fileno(), Probe())
    await run_until_idle(poller)
    poller.unregister(ours.fileno())
