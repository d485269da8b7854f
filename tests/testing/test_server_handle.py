from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio
from support import sample_server
from support.eventually import eventually

from trio_balancer.testing import Harness, ServerError, ServerHandle, open_balancer

COMMAND = [sys.executable, "-I", sample_server.__file__, "{port}"]


@pytest.fixture
async def lb() -> AsyncIterator[Harness]:
    async with open_balancer() as lb:
        yield lb


def runs(server: ServerHandle) -> bool:
    """Ask anew: a type checker takes a property for a constant."""
    return server.running


async def greeting(lb: Harness) -> int:
    """Connect through the balancer, and return the number of the process that answers."""
    async with await trio.open_tcp_stream(*lb.address) as client:
        return int(await client.receive_some())


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def test_killed_its_process_is_gone_and_another_one_comes(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    first, address = await greeting(lb), server.address
    async with server.kill():
        assert not runs(server)
        with pytest.raises(trio.BrokenResourceError):
            await greeting(lb)
    assert runs(server)
    assert server.address == address
    assert await greeting(lb) != first
    assert server.output().count("serving") == 2


async def test_restarted_it_is_another_process(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    first = await greeting(lb)
    await server.restart()
    assert await greeting(lb) != first


async def test_killed_twice_it_comes_back_once(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    async with server.kill():
        async with server.kill():
            pass
        assert not runs(server), "the outer block has not ended"
    assert server.output().count("serving") == 2


async def test_paused_its_process_is_stopped(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    pid = await greeting(lb)
    async with server.pause():
        await eventually(lambda: is_stopped(pid))
        async with server.pause():
            pass
        assert is_stopped(pid), "the outer block has not ended"
    await eventually(lambda: not is_stopped(pid))
    assert await greeting(lb) == pid


async def test_what_comes_back_in_a_pause_is_stopped_too(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    async with server.pause():
        await server.restart()
        with trio.move_on_after(0.2) as patience:
            await greeting(lb)
        assert patience.cancelled_caught
    assert await greeting(lb)


async def test_it_heals_also_when_the_block_is_cancelled(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    with trio.CancelScope() as scope:
        async with server.kill():
            scope.cancel()
            await trio.sleep_forever()
    assert await greeting(lb)


async def test_one_that_changes_its_port_is_followed(lb: Harness) -> None:
    [server] = await lb.spawn([*COMMAND, "exclusive"])
    before = server.address
    async with server.kill():
        server._process._offer_another_port()
    assert server.address != before
    assert await greeting(lb)


async def test_flapping_kills_it_again_and_again(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    async with server.flap(up=0.01, down=0.01):
        await lb.wait(lambda _lb: server.output().count("serving") >= 3)
    assert await greeting(lb)


async def test_one_that_does_not_come_back_is_told(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    with pytest.raises(ServerError, match="No such file"):
        async with server.kill():
            server._process._command = ["/nowhere/at-all"]
    with pytest.raises(ServerError, match="No such file"):
        async with server.flap(up=0.01, down=0.01):
            await lb.wait(lambda lb: sum(e.kind == "fault removed" for e in lb.events) == 2)


async def test_the_network_verbs_are_there_too(lb: Harness) -> None:
    [server] = await lb.spawn(COMMAND)
    assert isinstance(server, ServerHandle)
    async with server.slow(latency=0.2):
        began = trio.current_time()
        await greeting(lb)
        assert trio.current_time() - began >= 0.2


async def test_it_stays_dead_where_the_balancer_has_ended() -> None:
    async with AsyncExitStack() as stack, open_balancer() as lb:
        [server] = await lb.spawn(COMMAND)
        await stack.enter_async_context(server.kill())
        await stack.enter_async_context(server.pause())
    assert not server.running
