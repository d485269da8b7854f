from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from trio_balancer.config.model import CheckType, HealthConfig
from trio_balancer.health.probe import ProbeResult, Verdict, probe
from trio_balancer.network import Listener, Network, SocketNetwork, SocketOptions, Stream
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import (
    InetAddress,
    NamedAddress,
    SocketAddress,
    UnixAddress,
    inet_address,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from trio.testing import MockClock

    from trio_balancer.flow.names import Names

    Behaviour = Callable[[Stream], Awaitable[None]]
    StartServer = Callable[[SocketAddress, Behaviour], Awaitable[Listener]]

APP = inet_address("192.0.2.1", 80)
OTHER = inet_address("192.0.2.2", 80)
NAME = NamedAddress("app.example", 80)

EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")

TCP = HealthConfig()
HTTP = HealthConfig(CheckType.HTTP)
PING = HealthConfig(CheckType.EXPECT, send=b"PING\r\n", expect=b"+PONG")


@attrs.define(eq=False)
class Faulty(Network):
    """Dials that fail with a given errno, or reach a given stream; all else as in memory."""

    memory: MemoryNetwork
    dials: dict[SocketAddress, int | Stream]
    dialled: list[SocketAddress] = attrs.Factory(list)

    async def connect(self, address: SocketAddress, *, options: SocketOptions) -> Stream:
        self.dialled.append(address)
        outcome = self.dials.get(address)
        if isinstance(outcome, Stream):
            return outcome
        if outcome is not None:
            raise OSError(outcome, os.strerror(outcome))
        return await self.memory.connect(address, options=options)

    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool = False,
        mode: int | None = None,
        options: SocketOptions,
    ) -> Listener:
        raise NotImplementedError

    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        return await self.memory.resolve(address)


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


@pytest.mark.parametrize(
    "code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL]
)
async def test_local_trouble_says_nothing_of_the_backend(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names, code: int
) -> None:
    result = await probe(Faulty(network, {APP: code}), names, TCP, APP)
    assert result == ProbeResult(Verdict.INCONCLUSIVE, os.strerror(code), 0.0)
    assert not result.ok


@pytest.mark.parametrize(
    ("first", "second", "verdict", "dials"),
    [
        (errno.ECONNREFUSED, None, Verdict.PASSED, 2),
        (errno.ECONNREFUSED, errno.EHOSTUNREACH, Verdict.FAILED, 2),
        (errno.ECONNREFUSED, errno.EMFILE, Verdict.INCONCLUSIVE, 2),
        (errno.EMFILE, None, Verdict.INCONCLUSIVE, 1),
        (errno.EMFILE, errno.ECONNREFUSED, Verdict.INCONCLUSIVE, 1),
        # No IPv6 on this machine, and the name's first address is one.
        (errno.EADDRNOTAVAIL, None, Verdict.PASSED, 2),
        (errno.EADDRNOTAVAIL, errno.ECONNREFUSED, Verdict.FAILED, 2),
        (None, errno.ECONNREFUSED, Verdict.PASSED, 1),
    ],
)
async def test_the_addresses_of_a_name_are_tried_as_the_dial_does(  # noqa: PLR0917 - likewise
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    names: Names,
    start_server: StartServer,
    first: int | None,
    second: int | None,
    verdict: Verdict,
    dials: int,
) -> None:
    network.names["app.example"] = [APP, OTHER]
    await nursery.start(names.keep_resolving, NAME, 30.0)
    for address in (APP, OTHER):
        await start_server(address, silent)
    codes: dict[SocketAddress, int | None] = {APP: first, OTHER: second}
    faulty = Faulty(network, {at: code for at, code in codes.items() if code is not None})
    result = await probe(faulty, names, TCP, NAME)
    assert result.verdict is verdict
    assert faulty.dialled == [APP, OTHER][:dials]


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


async def test_a_stream_that_reached_itself_is_a_failure(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names
) -> None:
    await network.listen(APP, backlog=1, options=SocketOptions())
    own = await network.connect(APP, source=APP, options=SocketOptions())
    result = await probe(Faulty(network, {APP: own}), names, TCP, APP)
    assert result == ProbeResult(Verdict.FAILED, "connected to itself", 0.0)
    assert own.closed


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


@pytest.mark.parametrize("kind", ["ipv4", "unix"])
async def test_a_real_socket_is_checked(names: Names, tmp_path: Path, kind: str) -> None:
    address: SocketAddress = inet_address("127.0.0.1", 0)
    if kind == "unix":
        address = UnixAddress(str(tmp_path / "app.sock"))
    network = SocketNetwork()
    listener = await network.listen(address, backlog=10, options=SocketOptions())
    result = await probe(network, names, TCP, listener.address)
    listener.close()
    assert (result.verdict, result.reason) == (Verdict.PASSED, "connected")
    result = await probe(network, names, TCP, listener.address)
    assert result.verdict is Verdict.FAILED


async def test_a_real_server_sees_the_check_end_in_a_reset(names: Names) -> None:
    network = SocketNetwork()
    address = inet_address("127.0.0.1", 0)
    listener = await network.listen(address, backlog=10, options=SocketOptions())
    assert (await probe(network, names, TCP, listener.address)).ok
    await listener.wait_ready()
    stream = listener.accept_nowait()
    with pytest.raises(trio.BrokenResourceError):
        await stream.receive_some()
    stream.close()
    listener.close()


@pytest.fixture
def ephemeral_ports() -> tuple[int, int]:
    """Return the first and the last port that the kernel dials from."""
    if not EPHEMERAL_PORTS.exists():
        pytest.skip("only Linux says which ports it dials from")
    low, high = map(int, EPHEMERAL_PORTS.read_text().split())
    return low, high


async def test_a_dead_port_never_passes_by_reaching_itself(
    names: Names, ephemeral_ports: tuple[int, int]
) -> None:
    """Dial a dead loopback port until the kernel dials from that very port.

    Linux dials from the even ports of its ephemeral range in turn, so that it must come by.
    """
    low, high = ephemeral_ports
    dead = inet_address("127.0.0.1", (low + high) // 4 * 2)
    network = SocketNetwork()
    reached_itself = False
    for _ in range(high - low):
        result = await probe(network, names, TCP, dead)
        assert result.verdict is Verdict.FAILED
        reached_itself = "itself" in result.reason
        if reached_itself:
            break
    assert reached_itself
