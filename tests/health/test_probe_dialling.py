"""Checks that meet the errors of a network, in memory and on real sockets."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from trio_balancer.config.model_health import HealthConfig
from trio_balancer.health.probe import ProbeResult, Verdict, probe
from trio_balancer.network import Listener, Network, SocketNetwork, SocketOptions, Stream
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import (
    IP,
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


@attrs.define(eq=False)
class Faulty(Network):
    """Dials that fail with a given errno, or reach a given stream; all else as in memory."""

    memory: MemoryNetwork
    dials: dict[SocketAddress, int | Stream]
    dialled: list[SocketAddress] = attrs.Factory(list)

    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions,
        deadline: float = math.inf,
        source: IP | None = None,
    ) -> Stream:
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
async def test_the_addresses_of_a_name_are_tried_as_the_dial_does(  # noqa: PLR0917 - fixtures and a table
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


async def test_a_stream_that_reached_itself_is_a_failure(
    autojump_clock: MockClock, network: MemoryNetwork, names: Names
) -> None:
    await network.listen(APP, backlog=1, options=SocketOptions())
    own = await network.connect(APP, source=APP, options=SocketOptions())
    result = await probe(Faulty(network, {APP: own}), names, TCP, APP)
    assert result == ProbeResult(Verdict.FAILED, "connected to itself", 0.0)
    assert own.closed


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

    Linux dials from the even ports of its ephemeral range in turn, so that it must come by; but
    for one that somebody else has bound, so that several are tried.
    """
    low, high = ephemeral_ports
    middle = (low + high) // 4 * 2
    results = [await _reaches_itself(names, port, high - low) for port in (middle, middle + 10)]
    assert any(results)


async def _reaches_itself(names: Names, port: int, dials: int) -> bool:
    network = SocketNetwork()
    for _ in range(dials):
        result = await probe(network, names, TCP, inet_address("127.0.0.1", port))
        assert result.verdict is Verdict.FAILED
        if "itself" in result.reason:
            return True
    return False
