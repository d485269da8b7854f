"""One check of one backend: connect, ask, judge, reset."""

from __future__ import annotations

import errno
import math
from enum import Enum
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.health.questions import WrongAnswerError, ask
from trio_balancer.health.target import Target, target_of
from trio_balancer.network.errors import describe, is_local_trouble
from trio_balancer.network.seam import Network, SocketOptions, Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.config.model import HealthConfig
    from trio_balancer.flow.names import Names
    from trio_balancer.wire.address import Address, SocketAddress

# A check ends long before the first keepalive would be sent.
_OPTIONS = SocketOptions(keepalive=math.inf)


class Verdict(Enum):
    """What a check says of its backend."""

    PASSED = "passed"
    FAILED = "failed"
    #: This machine ran out of something: nothing was learnt of the backend.
    INCONCLUSIVE = "inconclusive"


@attrs.frozen
class ProbeResult:
    """`reason` is for people: "status 200", "Connection refused"; `duration` is in seconds."""

    verdict: Verdict
    reason: str
    duration: float

    @property
    def ok(self) -> bool:
        """Whether the check passed."""
        return self.verdict is Verdict.PASSED


async def probe(
    network: Network, names: Names, health: HealthConfig, backend: Address
) -> ProbeResult:
    """Check the backend that serves at this address, within `health.timeout` seconds in all.

    Nothing that the backend does prolongs that. A name that was never looked up is waited for
    within the same time. The connection is reset in the end: it leaves no TIME_WAIT on either
    side, and a check of "tcp" no end-of-file for a server to wonder at.
    """
    began = trio.current_time()
    target = target_of(health, backend)
    with trio.move_on_after(health.timeout) as scope:
        verdict, reason = await _check(network, names, health, target)
    if scope.cancelled_caught:
        verdict, reason = Verdict.FAILED, _why_late(names, health, target)
    return ProbeResult(verdict, reason, trio.current_time() - began)


def _why_late(names: Names, health: HealthConfig, target: Target) -> str:
    if not names.lookup(target.address):
        return "name does not resolve"
    return f"timeout after {health.timeout:g}s"


async def _check(
    network: Network, names: Names, health: HealthConfig, target: Target
) -> tuple[Verdict, str]:
    await names.wait_first_answer(target.address)
    addresses = target.socket_addresses(names)
    if not addresses:
        return Verdict.FAILED, "name does not resolve"
    try:
        stream = await _connect_any(network, addresses)
    except OSError as error:
        local = is_local_trouble(error)
        return Verdict.INCONCLUSIVE if local else Verdict.FAILED, describe(error)
    try:
        return Verdict.PASSED, await ask(stream, health, target.http_host())
    except (WrongAnswerError, trio.BrokenResourceError) as error:
        return Verdict.FAILED, str(error)
    finally:
        stream.reset()


async def _connect_any(network: Network, addresses: Sequence[SocketAddress]) -> Stream:
    """Try the addresses of one backend in order, as the dial does, until one connects.

    Raises the OSError of the last one tried; a shortage of this machine ends the attempts.
    """
    *others, last = addresses
    for address in others:
        try:
            return await _connect(network, address)
        except OSError as error:
            # EADDRNOTAVAIL is also what a machine without IPv6 says of ::1. That must not hide
            # what the other addresses say.
            if is_local_trouble(error) and error.errno != errno.EADDRNOTAVAIL:
                raise
    return await _connect(network, last)


async def _connect(network: Network, address: SocketAddress) -> Stream:
    stream = await network.connect(address, options=_OPTIONS)
    # The network should see to this. But a dead backend that checks itself would be up for ever.
    if stream.local_address == stream.remote_address:
        stream.reset()
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself")
    return stream
