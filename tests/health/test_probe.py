from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.health.probe import ProbeResult, Verdict, probe
from trio_balancer.network import Listener, SocketOptions, Stream
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import NamedAddress, SocketAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio.testing import MockClock

    from trio_balancer.flow.names import Names

    Behaviour = Callable[[Stream], Awaitable[None]]
    StartServer = Callable[[SocketAddress, Behaviour], Awaitable[Listener]]

APP = inet_address("192.0.2.1", 80)
OTHER = inet_address("192.0.2.2", 80)
NAME = NamedAddress("app.example", 80)

TCP = HealthConfig()
HTTP = HealthConfig(CheckType.HTTP)
PING = HealthConfig(CheckType.EXPECT, send=b"PING\r\n", expect=b"+PONG")


async def silent(stream: Stream) -> None:
    """Take everything, say nothing."""
    while await stream.receive_some():
        pass


def saying(text: bytes, *, after: float = 0.0) -> Behaviour:
    async def behave(stream: Stream) -> None:
        await stream.receive_some()
        await trio.sleep(after)
        await stream.send_all(text)
        await silent(stream)

    return behave


def trickling(octet: bytes) -> Behaviour:
    async def behave(stream: Stream) -> None:
        while True:
            await stream.send_all(octet)
            await trio.sleep(0.1)

    return behave


async def resets(stream: Stream) -> None:
    await trio.lowlevel.checkpoint()
    stream.reset()


async def test_a_tcp_check_connects_and_resets(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names, start_server: StartServer
) -> None:
    seen: list[object] = []

    async def watch(stream: Stream) -> None:
        try:
            seen.append(await stream.receive_some())
        except trio.BrokenResourceError as error:
            seen.append(type(error).__name__)
        stream.close()

    await start_server(APP, watch)
    result = await probe(network, names, TCP, APP)
    assert result == ProbeResult(Verdict.PASSED, "connected", 0.0)
    assert result.ok
    await trio.testing.wait_all_tasks_blocked()
    assert seen == ["PeerReset"]
    assert network.open_streams() == []


async def test_a_refused_dial_fails_with_the_systems_words(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names
) -> None:
    result = await probe(network, names, TCP, APP)
    assert result == ProbeResult(Verdict.FAILED, "Connection refused", 0.0)
    assert not result.ok


@pytest.mark.parametrize(
    ("health", "behave", "verdict", "reason"),
    [
        (HTTP, saying(b"HTTP/1.1 204 No Content\r\n\r\n"), Verdict.PASSED, "status 204"),
        (HTTP, saying(b"HTTP/1.1 503 Busy\r\n\r\n"), Verdict.FAILED, "status 503"),
        (PING, saying(b"+PONG\r\n"), Verdict.PASSED, "got '+PONG'"),
        (PING, saying(b"-ERR\r\n" * 20000), Verdict.FAILED, "expected '+PONG', got "),
        (PING, resets, Verdict.FAILED, "the connection broke: Connection reset by peer"),
        (HTTP, resets, Verdict.FAILED, "the connection broke: Connection reset by peer"),
    ],
)
async def test_answers_are_judged_at_once(  # noqa: PLR0917 - fixtures and a table
    autojump_clock: MockClock,
    network: MemoryNetwork,
    names: Names,
    start_server: StartServer,
    health: HealthConfig,
    behave: Behaviour,
    verdict: Verdict,
    reason: str,
) -> None:
    await start_server(APP, behave)
    result = await probe(network, names, health, APP)
    assert result.verdict is verdict
    assert result.reason.startswith(reason)
    assert result.duration == 0.0


@pytest.mark.parametrize("health", [HTTP, PING])
@pytest.mark.parametrize(
    "behave",
    [
        silent,
        trickling(b"H"),
        trickling(b"+"),
        saying(b"HTTP/1.1 200 OK", after=0.5),
        saying(b"HTTP/1.1 200 OK\r\n+PONG", after=1.5),
    ],
)
async def test_nothing_a_backend_does_prolongs_a_check(  # noqa: PLR0917 - likewise
    autojump_clock: MockClock,
    network: MemoryNetwork,
    names: Names,
    start_server: StartServer,
    health: HealthConfig,
    behave: Behaviour,
) -> None:
    await start_server(APP, behave)
    result = await probe(network, names, health, APP)
    assert not result.ok
    assert result.duration <= 1.0


async def test_a_trickle_is_cut_at_the_one_deadline(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names, start_server: StartServer
) -> None:
    await start_server(APP, trickling(b"+PON"))
    result = await probe(network, names, PING, APP)
    assert result == ProbeResult(Verdict.FAILED, "timeout after 1s", 1.0)


async def test_a_dial_that_nobody_answers_is_cut_at_the_deadline(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names
) -> None:
    network.blackhole(APP)
    result = await probe(network, names, HealthConfig(timeout=0.25), APP)
    assert result == ProbeResult(Verdict.FAILED, "timeout after 0.25s", 0.25)


async def test_a_backend_that_never_reads_is_cut_at_the_deadline(
    autojump_clock: MockClock, names: Names
) -> None:
    narrow = MemoryNetwork(window=10)
    await narrow.listen(APP, backlog=10, options=SocketOptions())
    result = await probe(narrow, names, HTTP, APP)
    assert result == ProbeResult(Verdict.FAILED, "timeout after 1s", 1.0)


async def test_a_check_elsewhere_does_not_touch_the_backend(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names, start_server: StartServer
) -> None:
    elsewhere = HealthConfig(address="192.0.2.2", port=8080)
    assert not (await probe(network, names, elsewhere, APP)).ok
    await start_server(inet_address("192.0.2.2", 8080), silent)
    assert (await probe(network, names, elsewhere, APP)).ok


async def test_all_addresses_share_the_one_deadline(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork, names: Names
) -> None:
    network.names["app.example"] = [APP, OTHER]
    await nursery.start(names.keep_resolving, NAME, 30.0)
    network.blackhole(APP)
    result = await probe(network, names, TCP, NAME)
    assert result == ProbeResult(Verdict.FAILED, "timeout after 1s", 1.0)


async def test_a_name_that_does_not_resolve_fails(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork, names: Names
) -> None:
    await nursery.start(names.keep_resolving, NAME, 30.0)
    result = await probe(network, names, TCP, NAME)
    assert result == ProbeResult(Verdict.FAILED, "name does not resolve", 0.0)


async def test_a_name_that_nobody_answers_for_fails_at_the_deadline(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names
) -> None:
    result = await probe(network, names, TCP, NAME)
    assert result == ProbeResult(Verdict.FAILED, "name does not resolve", 1.0)


async def test_a_name_that_is_being_looked_up_is_waited_for(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    names: Names,
    start_server: StartServer,
) -> None:
    network.names["app.example"] = [APP]
    await start_server(APP, silent)

    async def resolve_late() -> None:
        await trio.sleep(0.5)
        await names.keep_resolving(NAME, 30.0)

    nursery.start_soon(resolve_late)
    result = await probe(network, names, TCP, NAME)
    assert result == ProbeResult(Verdict.PASSED, "connected", 0.5)


async def test_cancelled_at_any_step_nothing_stays_open(
    network: MemoryNetwork, names: Names, start_server: StartServer
) -> None:
    await start_server(APP, saying(b"HTTP/1.1 200 OK\r\n"))
    done = False
    steps = 0
    while not done:
        steps += 1
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_after, steps, scope)
                done = (await probe(network, names, HTTP, APP)).ok
                nursery.cancel_scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert network.open_streams() == []
    assert steps > 3


async def _cancel_after(steps: int, scope: trio.CancelScope) -> None:
    for _ in range(steps):
        await trio.lowlevel.checkpoint()
    scope.cancel()
