from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio
from support import sample_server
from support.eventually import eventually

from trio_balancer.network import SocketNetwork
from trio_balancer.testing import ServerError
from trio_balancer.testing.server_process import OFFERS, ServerProcess

Make = Callable[..., ServerProcess]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[ServerProcess] = []

    def make_one(*words: str, timeout: float = 10, **env: str) -> ServerProcess:
        command = [sys.executable, "-I", sample_server.__file__, "{port}", *words]
        process = ServerProcess(command, SocketNetwork(), env=env, timeout=timeout)
        made.append(process)
        return process

    yield make_one
    for process in made:
        await process.close()


def runs(process: ServerProcess) -> bool:
    """Ask anew: a type checker takes a property for a constant."""
    return process.running


async def pid_of(process: ServerProcess) -> int:
    """Ask a server for its process number."""
    async with await trio.open_tcp_stream("127.0.0.1", process.port) as client:
        return int(await client.receive_some())


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def test_started_it_serves_at_its_own_port(make: Make) -> None:
    process = make()
    assert not runs(process)
    await process.start()
    assert runs(process)
    assert str(process.address) == f"127.0.0.1:{process.port}"
    assert state(await pid_of(process)) in {"S", "R"}
    assert process.output() == f"serving at {process.port}, PORT={process.port}\n"


async def test_stopped_it_is_gone_and_its_port_is_kept(make: Make) -> None:
    process = make()
    await process.start()
    first, port = await pid_of(process), process.port
    await process.stop()
    assert not runs(process)
    await eventually(lambda: state(first) in {"", "Z"})
    with pytest.raises(OSError, match="failed"):
        await trio.open_tcp_stream("127.0.0.1", port)
    await process.start()
    assert process.port == port
    assert await pid_of(process) != first
    assert process.output().count("serving") == 2


async def test_it_is_told_what_is_in_its_environment() -> None:
    code = "import os, sys; sys.exit(os.environ['SAMPLE'] + os.environ['PORT'])"
    process = ServerProcess(
        [sys.executable, "-c", code], SocketNetwork(), env={"SAMPLE": "port "}, timeout=10
    )
    with pytest.raises(ServerError, match=rf"exit status 1\); it printed:\nport {process.port}"):
        await process.start()
    await process.close()


async def test_signals_reach_it(make: Make) -> None:
    process = make()
    await process.signal("SIGSTOP")  # harmless: it does not run
    await process.start()
    pid = await pid_of(process)
    await process.signal("SIGSTOP")
    await eventually(lambda: state(pid) == "T")
    await process.signal("SIGCONT")
    await eventually(lambda: state(pid) != "T")
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: state(pid) in {"", "Z"})
    await process.signal("SIGCONT")
    await eventually(lambda: not process.running or state(pid) == "")


async def test_a_paused_one_can_be_stopped(make: Make) -> None:
    process = make()
    await process.start()
    pid = await pid_of(process)
    await process.signal("SIGSTOP")
    await process.stop()
    await eventually(lambda: state(pid) in {"", "Z"})


async def test_one_that_wants_its_port_to_itself_gets_another(make: Make) -> None:
    process = make("exclusive")
    held = process.port
    await process.start()
    assert process.port != held
    assert await pid_of(process)
    port = process.port
    await process.stop()
    await process.start()
    assert process.port == port


async def test_offers_are_not_without_end(make: Make) -> None:
    process = make("busy")
    with pytest.raises(ServerError, match="Address already in use"):
        await process.start()
    assert process.output().count("serving at") == OFFERS


async def test_one_that_ends_is_told_with_what_it_printed(make: Make) -> None:
    process = make()
    process._command = [sys.executable, "-c", "print('out of luck'); exit(5)"]
    with pytest.raises(ServerError, match=r"ended before it served \(exit status 5\)") as caught:
        await process.start()
    assert str(caught.value).endswith("it printed:\nout of luck")


async def test_one_that_says_nothing(make: Make) -> None:
    process = make()
    process._command = ["false"]
    with pytest.raises(ServerError, match="it printed:\nnothing"):
        await process.start()


async def test_there_may_be_no_such_command(make: Make) -> None:
    process = make()
    process._command = ["/nowhere/at-all"]
    with pytest.raises(ServerError, match="No such file or directory: /nowhere/at-all"):
        await process.start()
    assert not runs(process)


async def test_one_that_never_serves_is_given_up_and_killed(make: Make) -> None:
    process = make("deaf", timeout=0.5)
    with pytest.raises(ServerError, match=r"did not serve within 0\.5 s"):
        await process.start()
    assert not runs(process)


async def test_cancelled_while_it_starts_it_can_be_closed(make: Make) -> None:
    process = make("deaf", timeout=1000)
    with trio.move_on_after(0.5):
        await process.start()
    assert runs(process)
    await process.close()
    assert not runs(process)
