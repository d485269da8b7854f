"""One attempt to reach a backend."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.flow.record import Who
from trio_balancer.network.errors import describe, is_local_trouble
from trio_balancer.network.seam import DialTimeoutError
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.network.seam import Network, SocketOptions, Stream
    from trio_balancer.wire.address import IP, SocketAddress


@attrs.frozen
class DialFailure:
    """Why an attempt failed; `who` is to blame. Expected, and so a value.

    `hopeless` where another attempt would fail too, whatever the backend.
    """

    who: Who
    reason: str
    hopeless: bool = False


_UNRESOLVED = DialFailure(Who.BACKEND, "its name does not resolve")


async def dial(
    network: Network,
    addresses: Sequence[SocketAddress],
    within: float,
    options: SocketOptions,
    sources: Sequence[IP] = (),
) -> Stream | DialFailure:
    """Try a backend's addresses in turn, all `within` so many seconds.

    Each has an equal share of the time that is left: one that is silent leaves the others some.
    It is dialled from that of the `sources` which has its IP version, if there is one.
    """
    failure = _UNRESOLVED
    now = trio.current_time()
    end = now + within
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        deadline = now + (end - now) / left
        source = _source_for(address, sources) if sources else None
        try:
            return await network.connect(address, options=options, deadline=deadline, source=source)
        except DialTimeoutError:
            failure = DialFailure(Who.BACKEND_TIMEOUT, f"no answer within {within:g} s")
        except OSError as error:
            failure = _failure(error)
        if failure.hopeless:
            break
        now = trio.current_time()
    return failure


def _source_for(address: SocketAddress, sources: Sequence[IP]) -> IP | None:
    if isinstance(address, UnixAddress):
        return None
    return next((ip for ip in sources if ip.version == address.ip.version), None)


def _failure(error: OSError) -> DialFailure:
    if not is_local_trouble(error):
        return DialFailure(Who.BACKEND, describe(error))
    # A port is missing for one destination only; a descriptor or memory for all of them.
    return DialFailure(Who.RESOURCE, describe(error), hopeless=error.errno != errno.EADDRNOTAVAIL)
