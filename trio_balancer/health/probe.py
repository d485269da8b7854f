"""One check of one backend: connect, ask, judge, reset."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.flow.dial import DialFailure, dial
from trio_balancer.flow.record import Who
from trio_balancer.health.questions import WrongAnswerError, ask
from trio_balancer.health.target import Target, target_of
from trio_balancer.network.seam import Network, SocketOptions, Stream
from trio_balancer.network.tls_errors import TlsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.config.model_health import HealthConfig
    from trio_balancer.flow.leg import Leg
    from trio_balancer.flow.names import Names
    from trio_balancer.wire.address import IP, Address

# A check ends long before the first keepalive would be sent.
_OPTIONS = SocketOptions(keepalive=math.inf)
_UNRESOLVED = "name does not resolve"


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
    network: Network,
    names: Names,
    health: HealthConfig,
    backend: Address,
    *,
    leg: Leg | None = None,
    sources: Sequence[IP] = (),
) -> ProbeResult:
    """Check the backend that serves at this address, within `health.timeout` seconds in all.

    Nothing that the backend does prolongs that, and a name that was never looked up is waited
    for within the same time. The addresses of a name are tried as they are for a client: in
    order until one connects, whose answer counts. The connection is reset in the end: it leaves
    no TIME_WAIT on either side, and a check of "tcp" no end-of-file for a server to wonder at.

    `leg` is how clients' connections begin (PROXY header, TLS), and `sources` are the addresses
    they come from: a check takes the same way.
    """
    began = trio.current_time()
    target = target_of(health, backend)
    with trio.move_on_after(health.timeout) as scope:
        verdict, reason = await _check(network, names, health, target, leg, sources)
    if scope.cancelled_caught:
        verdict, reason = Verdict.FAILED, _why_late(names, health, target)
    return ProbeResult(verdict, reason, trio.current_time() - began)


def _why_late(names: Names, health: HealthConfig, target: Target) -> str:
    if not names.lookup(target.address):
        return _UNRESOLVED
    return f"timeout after {health.timeout:g}s"


async def _check(  # noqa: PLR0917  # what `probe` is given
    network: Network,
    names: Names,
    health: HealthConfig,
    target: Target,
    leg: Leg | None,
    sources: Sequence[IP],
) -> tuple[Verdict, str]:
    await names.wait_first_answer(target.address)
    addresses = target.socket_addresses(names)
    if not addresses:
        return Verdict.FAILED, _UNRESOLVED
    stream = await dial(network, addresses, math.inf, _OPTIONS, sources)
    if isinstance(stream, DialFailure):
        local = stream.who is Who.RESOURCE
        return Verdict.INCONCLUSIVE if local else Verdict.FAILED, stream.reason
    try:
        _refuse_own_end(stream)
        begun: Stream = stream
        if leg is not None:
            begun = await leg.begin(stream, leg.header_of_check(stream), target.address)
        return Verdict.PASSED, await ask(begun, health, target.http_host())
    except (WrongAnswerError, TlsError, trio.BrokenResourceError) as error:
        return Verdict.FAILED, str(error)
    finally:
        stream.reset()


def _refuse_own_end(stream: Stream) -> None:
    # The network should see to this. But a dead backend that checks itself would be up for ever.
    if stream.local_address == stream.remote_address:
        raise WrongAnswerError("connected to itself")
