"""Host names, looked up beside the connections and never on their path.

A connection takes what is known at that moment, so that a resolver which is slow, stuck or gone
costs it nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.flow.jitter import jittered
from trio_balancer.network.errors import describe
from trio_balancer.wire.address import Address, NamedAddress, SocketAddress

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from trio_balancer.flow.log import Log
    from trio_balancer.network.seam import Network

#: Addresses kept of one name. A dial tries them in order and comes to few.
MAX_ADDRESSES = 64
#: Seconds until a look-up counts as failed. The system's own limit depends on its servers and
#: search domains, and may be minutes.
LOOKUP_TIMEOUT = 30.0
#: Seconds between look-ups of a name that never resolved: its backend serves nobody until then.
FIRST_RETRY = 1.0


@attrs.define(eq=False)
class _Entry:
    """What is known of one name."""

    addresses: tuple[SocketAddress, ...] = ()
    failing: bool = False
    #: Set with the first answer or failure.
    asked: trio.Event = attrs.Factory(trio.Event)


class Names:
    """The host names of backends and the last good answer for each.

    `keep_resolving` asks, in a task for each name; `lookup` never waits. What is known of a name
    stays when its task ends: a reload may start another one.
    """

    def __init__(self, network: Network, *, rng: random.Random, log: Log) -> None:
        self._network = network
        self._rng = rng
        self._log = log
        self._entries: dict[NamedAddress, _Entry] = {}

    def lookup(self, address: Address) -> Sequence[SocketAddress]:
        """Return the addresses to dial, best first: the last good answer.

        Empty for a name that never resolved. A numeric address or a Unix path is its own answer.
        """
        if not isinstance(address, NamedAddress):
            return (address,)
        entry = self._entries.get(address)
        return entry.addresses if entry is not None else ()

    async def wait_first_answer(self, address: Address) -> None:
        """Wait until a name was looked up once, with or without success.

        The caller bounds the wait, and sees to it that somebody asks (`keep_resolving`).
        """
        if isinstance(address, NamedAddress):
            await self._entry(address).asked.wait()
        else:
            await trio.lowlevel.checkpoint()

    async def keep_resolving(
        self,
        address: NamedAddress,
        interval: float,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Look a name up at once, then every `interval` seconds (10 % jitter); a service.

        Started after the first answer or failure, that is after LOOKUP_TIMEOUT at most.
        """
        entry = self._entry(address)
        await self._resolve(address, entry)
        task_status.started()
        while True:
            pause = interval if entry.addresses else min(interval, FIRST_RETRY)
            await trio.sleep(jittered(pause, self._rng))
            await self._resolve(address, entry)

    def _entry(self, address: NamedAddress) -> _Entry:
        return self._entries.setdefault(address, _Entry())

    async def _resolve(self, address: NamedAddress, entry: _Entry) -> None:
        reason = f"no answer within {LOOKUP_TIMEOUT:g}s"
        found: Sequence[SocketAddress] = ()
        with trio.move_on_after(LOOKUP_TIMEOUT):
            try:
                found = await self._network.resolve(address)
                reason = "the name has no address"
            except OSError as error:
                reason = describe(error)
        if found:
            self._succeeded(address, entry, tuple(found[:MAX_ADDRESSES]))
        else:
            self._failed(address, entry, reason)
        entry.asked.set()

    def _succeeded(
        self, address: NamedAddress, entry: _Entry, found: tuple[SocketAddress, ...]
    ) -> None:
        # Name servers rotate their answers: another order is used, but is no news.
        if entry.failing or set(found) != set(entry.addresses):
            shown = ",".join(map(str, found))
            self._log.info("A host name resolves", host=address.name, addresses=shown)
        entry.addresses = found
        entry.failing = False

    def _failed(self, address: NamedAddress, entry: _Entry, reason: str) -> None:
        if not entry.failing:
            kept = ",".join(map(str, entry.addresses))
            message = "A host name does not resolve"
            self._log.warning(message, host=address.name, reason=reason, kept=kept)
        entry.failing = True
