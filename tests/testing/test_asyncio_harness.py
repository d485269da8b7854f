from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from support import sample_server
from support.servers import echo_server

from trio_balancer import ConfigError
from trio_balancer.policy import State
from trio_balancer.testing import AsyncioHarness, open_balancer_asyncio

COMMAND = [sys.executable, "-I", sample_server.__file__, "{port}"]
Test = Callable[[AsyncioHarness], Awaitable[None]]


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with echo_server() as one, echo_server() as two:
        yield [one, two]


def in_asyncio(test: Test) -> Callable[[list[int]], None]:
    """Make a plain test of an asyncio one: pytest-trio would take it for its own."""

    def run(ports: list[int]) -> None:
        asyncio.run(_with_balancer(test, ports))

    return run


async def _with_balancer(test: Test, ports: list[int]) -> None:
    async with open_balancer_asyncio([("127.0.0.1", port) for port in ports]) as lb:
        await test(lb)


async def ask(lb: AsyncioHarness, text: bytes = b"hello") -> bytes:
    reader, writer = await asyncio.open_connection(*lb.address)
    try:
        writer.write(text)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def all_ended(lb: AsyncioHarness) -> bool:
    return all(not each.live for each in lb.connections)


def test_it_serves_and_nothing_is_left() -> None:
    async def main() -> tuple[str, int]:
        async with open_balancer_asyncio() as lb:
            return lb.address

    host, port = asyncio.run(main())
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncio.open_connection(host, port))
    assert [t for t in threading.enumerate() if t.name.startswith("trio-balancer-")] == []


@in_asyncio
async def test_what_went_through_it(lb: AsyncioHarness) -> None:
    assert await asyncio.gather(*[ask(lb) for _ in range(4)]) == [b"hello"] * 4
    await lb.wait(all_ended)
    lb.assert_distribution({0: 2, 1: 2})
    with pytest.raises(AssertionError, match="still not so"):
        await lb.wait(lambda _lb: lb.connections == (), timeout=0.05)


@in_asyncio
async def test_the_loop_goes_on_while_it_waits(lb: AsyncioHarness) -> None:
    waiting = asyncio.create_task(lb.wait(lambda lb: lb.connections))
    await ask(lb)
    await waiting


@in_asyncio
async def test_killed_slow_and_drained(lb: AsyncioHarness) -> None:
    first, second = lb.backends
    async with first.kill():
        await ask(lb)
        await ask(lb)
    lb.assert_distribution({0: 0, 1: 2})
    async with second.drain(), first.slow(latency=0.1):
        assert second.state is State.DRAIN
        began = time.monotonic()
        await ask(lb)
        assert time.monotonic() - began >= 0.1


@in_asyncio
async def test_paused_cut_off_and_flapping(lb: AsyncioHarness) -> None:
    for block in (lb.backend(0).pause(), lb.backend(0).partition()):
        async with lb.backend(1).drain():
            async with block:
                asking = asyncio.create_task(ask(lb))
                await lb.wait(lambda lb: lb.connections and lb.connections[-1].live)
                assert not asking.done()
            assert await asking == b"hello"
    async with lb.backend(0).flap(up=0.01, down=0.01):
        await lb.wait(lambda lb: lb.events[-1].kind == "fault added")
    assert await ask(lb) == b"hello"


@in_asyncio
async def test_it_heals_also_when_the_task_is_cancelled(lb: AsyncioHarness) -> None:
    killed = asyncio.Event()

    async def kill() -> None:
        async with lb.backend(0).kill():
            killed.set()
            await asyncio.sleep(1000)

    task = asyncio.create_task(kill())
    await killed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ask(lb)
    lb.assert_distribution({0: 1})


@in_asyncio
async def test_it_heals_also_when_it_is_cancelled_while_it_heals(lb: AsyncioHarness) -> None:
    [server] = await lb.spawn(COMMAND)
    healing = asyncio.Event()

    async def kill() -> None:
        async with server.kill():
            healing.set()

    task = asyncio.create_task(kill())
    await healing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.running


@in_asyncio
async def test_real_servers_and_others(lb: AsyncioHarness) -> None:
    [server] = await lb.spawn(COMMAND, name="real")
    await server.restart()
    assert server.output().count("serving") == 2
    added = await lb.add_backend("127.0.0.1:1", name="late")
    await lb.retarget("late", str(server.address))
    assert added.address == server.address
    await lb.drain(timeout=0)
    with pytest.raises(ConnectionRefusedError):
        await ask(lb)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3)])
def test_what_the_block_raises_leaves_it_as_it_is(error: BaseException) -> None:
    seen: list[BaseException] = []

    async def main() -> None:
        try:
            async with open_balancer_asyncio():
                raise error  # noqa: TRY301 - the very point
        except BaseException as raised:  # noqa: BLE001  # the very point
            seen.append(raised)

    asyncio.run(main())
    assert seen == [error]
    assert not hasattr(error, "__notes__")


def test_one_that_cannot_serve_says_why() -> None:
    async def main() -> None:
        async with open_balancer_asyncio(["nonsense"]):
            pass

    with pytest.raises(ConfigError):
        asyncio.run(main())
