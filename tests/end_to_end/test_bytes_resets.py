"""A reset on one side is a reset on the other, whatever else goes on: never a clean end."""

from __future__ import annotations

import errno
import select
import statistics
import sys
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.eventually import eventually
from support.joined import Joined, joining
from support.plain import (
    End,
    all_acknowledged,
    clog,
    is_broken,
    receive_exactly,
    receive_to_end,
    reset,
    send,
    unread,
)
from support.scale import scaled

from trio_balancer.wire.address import UnixAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from trio.socket import SocketType

pytestmark = pytest.mark.skipif(
    not hasattr(select, "epoll"), reason="resets behind back-pressure need epoll"
)

# The relay's goal is 50 ms; a busy test machine is forgiven as much again, on the median.
PROMPT = 0.1
# Seconds that a pair with both ways full may wait for its readers, in these tests.
LINGER = 0.5


@attrs.frozen
class Scene:
    """What went on before the reset, and what the other side must see of it."""

    prepare: Callable[[SocketType, SocketType], Awaitable[int]]
    after_fin: bool = False
    all_arrives: bool = True
    rounds: int = 200
    prompt: float = PROMPT


async def idle(_breaker: SocketType, _observer: SocketType) -> int:
    return 0


async def talking(breaker: SocketType, observer: SocketType) -> int:
    await send(observer, b"question")
    await receive_exactly(breaker, 8)
    await send(breaker, b"half an ans")
    await receive_exactly(observer, 11)
    return 0


async def bytes_in_flight(breaker: SocketType, _observer: SocketType) -> int:
    await send(breaker, bytes(100_000))
    await all_acknowledged(breaker)
    return 100_000


async def observer_blocked(_breaker: SocketType, observer: SocketType) -> int:
    """Leave a chunk with the balancer that it cannot send."""
    await clog(observer)
    return 0


async def breaker_blocked(breaker: SocketType, _observer: SocketType) -> int:
    """Fill the way until the balancer no longer reads the leg that will be reset."""
    return await clog(breaker)


async def both_blocked(breaker: SocketType, observer: SocketType) -> int:
    await clog(observer)
    return await clog(breaker)


async def finished(breaker: SocketType, observer: SocketType) -> int:
    await send(breaker, b"that is all")
    breaker.shutdown(trio.socket.SHUT_WR)
    assert (await receive_to_end(observer)).data == b"that is all"
    return 0


async def finished_and_observer_blocked(breaker: SocketType, observer: SocketType) -> int:
    await finished(breaker, observer)
    await clog(observer)
    return 0


async def observer_finished(breaker: SocketType, observer: SocketType) -> int:
    observer.shutdown(trio.socket.SHUT_WR)
    assert await breaker.recv(1) == b""
    return 0


SCENES = {
    "idle": Scene(idle),
    "talking": Scene(talking),
    "bytes-in-flight": Scene(bytes_in_flight),
    "observer-blocked": Scene(observer_blocked, rounds=40),
    "breaker-blocked": Scene(breaker_blocked, all_arrives=False, rounds=40),
    "both-blocked": Scene(both_blocked, all_arrives=False, rounds=20, prompt=PROMPT + 2 * LINGER),
    "reset-after-fin": Scene(finished, after_fin=True),
    "reset-after-fin-observer-blocked": Scene(
        finished_and_observer_blocked, after_fin=True, rounds=40
    ),
    "reset-after-the-others-fin": Scene(observer_finished),
}


async def one_reset(scene: Scene, breaker: SocketType, observer: SocketType) -> float:
    """Play the scene once; returns after how many seconds the other side knew."""
    owed = await scene.prepare(breaker, observer)
    start = trio.current_time()
    reset(breaker)
    await eventually(lambda: is_broken(observer))
    delay = trio.current_time() - start
    await check_observer(scene, observer, owed)
    observer.close()
    return delay


async def check_observer(scene: Scene, observer: SocketType, owed: int) -> None:
    if scene.after_fin:
        with pytest.raises(BrokenPipeError):
            await observer.send(b"x")
        return
    end = await receive_to_end(observer)
    assert end.errno == errno.ECONNRESET
    assert len(end.data) == owed if scene.all_arrives else len(end.data) <= owed


@pytest.mark.heavy
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("who", ["backend", "client"])
async def test_reset_is_passed_on(who: str, name: str) -> None:
    scene = SCENES[name]
    delays = []
    async with joining(half_close_timeout=LINGER) as joined:
        for number in range(scaled(scene.rounds)):
            client, backend = await joined.connect()
            breaker, observer = (backend, client) if who == "backend" else (client, backend)
            delays.append(await one_reset(scene, breaker, observer))
            record = await joined.record(number)
            assert str(record.ending) == ("SD" if who == "backend" else "CD")
    assert statistics.median(delays) < scene.prompt


@pytest.mark.parametrize("who", ["backend", "client"])
async def test_reset_is_passed_on_over_ipv6(who: str) -> None:
    loopback = inet_address("::1", 0)
    async with joining(loopback, loopback) as joined:
        client, backend = await joined.connect()
        breaker, observer = (backend, client) if who == "backend" else (client, backend)
        await talking(breaker, observer)
        reset(breaker)
        assert (await receive_to_end(observer)).errno == errno.ECONNRESET


async def test_reset_toward_a_unix_socket_is_a_close(tmp_path: Path) -> None:
    async with joining(backend=UnixAddress(str(tmp_path / "backend"))) as joined:
        client, backend = await joined.connect()
        reset(client)
        assert await backend.recv(1) == b""
        assert str((await joined.record()).ending) == "CD"


async def test_unix_backend_that_closes_with_unread_bytes_resets(tmp_path: Path) -> None:
    async with joining(backend=UnixAddress(str(tmp_path / "backend"))) as joined:
        client, backend = await joined.connect()
        await send(client, b"never read")
        await eventually(lambda: unread(backend) > 0)
        backend.close()
        assert (await receive_to_end(client)).errno == errno.ECONNRESET
        assert str((await joined.record()).ending) == "SD"


# Receives as many bytes as it is told, answers, says so, and waits to be killed.
VICTIM = """
import socket, sys
connection = socket.socket(fileno=int(sys.argv[1]))
connection.setblocking(True)
connection.recv(int(sys.argv[2]), socket.MSG_WAITALL)
connection.sendall(b"half an ans")
print("answered", flush=True)
sys.stdin.read()
"""
QUESTION = b"question"


async def answer_and_be_killed(joined: Joined, *, read: int) -> End:
    """Let a backend process read so much of the question and be killed: what the client gets."""
    client, backend = await joined.connect()
    await send(client, QUESTION)
    await eventually(lambda: unread(backend) == len(QUESTION))
    number = backend.fileno()
    command = [sys.executable, "-c", VICTIM, str(number), str(read)]
    with Popen(  # noqa: ASYNC220 - starting it takes no time worth a thread
        command, stdin=PIPE, stdout=PIPE, pass_fds=[number]
    ) as victim:
        backend.close()
        assert await receive_exactly(client, 11) == b"half an ans"
        victim.kill()
        end = await receive_to_end(client)
    client.close()
    return end


@pytest.mark.heavy
async def test_backend_killed_with_unread_input_resets() -> None:
    async with joining() as joined:
        for number in range(scaled(50)):
            end = await answer_and_be_killed(joined, read=4)
            assert end.errno == errno.ECONNRESET
            assert str((await joined.record(number)).ending) == "SD"


async def test_backend_killed_with_its_input_read_finishes_and_the_record_says_who() -> None:
    async with joining() as joined:
        assert (await answer_and_be_killed(joined, read=len(QUESTION))).errno == 0
        record = await joined.record()
        assert (str(record.ending), record.closed_first) == ("--", "backend")


async def test_connection_killed_by_ss_resets() -> None:
    async with joining() as joined:
        client, backend = await joined.connect()
        await talking(backend, client)
        local, remote = backend.getsockname(), backend.getpeername()
        query = f"src {local[0]}:{local[1]} dst {remote[0]}:{remote[1]}"
        command = ["ss", "-K", "-t", "-H", "state", "established", query]
        await trio.run_process(command, check=False, capture_stdout=True, capture_stderr=True)
        if not is_broken(backend):
            pytest.skip("this kernel does not let `ss -K` kill connections")
        assert (await receive_to_end(client)).errno == errno.ECONNRESET
        assert str((await joined.record()).ending) == "SD"
