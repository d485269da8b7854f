"""One direction of an in-memory connection between its two kernels, where time passes."""

from __future__ import annotations

import enum
import random
from collections import deque
from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.testing.memory_courier import Courier
    from trio_balancer.testing.virtual_link import VirtualLink
    from trio_balancer.testing.virtual_links import VirtualLinks
    from trio_balancer.wire.address import SocketAddress

#: The longest pause before what was lost is sent again, in seconds (Linux's TCP_RTO_MAX).
LONGEST_PAUSE = 120.0


class Mark(enum.Enum):
    """What travels besides bytes."""

    FIN = "fin"
    RESET = "reset"


Item = bytes | Mark


@final
class Wire:
    """Brings items to `deliver`, in order, as the link between the two addresses lets it.

    What is on its way counts as unacknowledged until it has arrived; acknowledgements take no
    time. What is lost is sent again after a pause that doubles, and all behind it waits, as the
    receiver of a TCP stream sees it.
    """

    def __init__(
        self,
        links: VirtualLinks,
        courier: Courier,
        source: SocketAddress,
        target: SocketAddress,
        *,
        name: str,
    ) -> None:
        self.deliver: Callable[[Item], None]
        #: Bytes that have not arrived yet.
        self.load = 0
        self._links = links
        self._courier = courier
        self._source = source
        self._target = target
        self._name = name
        self._found: VirtualLink | None = None
        self._version = -1
        self._random: random.Random | None = None
        #: In the sender's kernel; the first is being sent where `_busy`.
        self._waiting: deque[Item] = deque()
        self._busy = False
        self._pause = 0.0
        #: Sent, with the time when each arrives.
        self._flying: deque[tuple[float, Item]] = deque()

    @property
    def is_clear(self) -> bool:
        """Whether nothing is on its way, and nothing would take time."""
        if self._waiting or self._flying or self._busy:
            return False
        link = self._link()
        return link is None or link.is_perfect

    def carry(self, item: Item) -> None:
        """Send, behind all that was sent before."""
        self.load += _size(item)
        self._waiting.append(item)
        self.resume()

    def drop_unsent(self) -> None:
        """Forget what has not left the sender's kernel; what is being sent is sent."""
        kept = [self._waiting[0]] if self._busy and self._waiting else []
        self.load -= sum(map(_size, self._waiting)) - sum(map(_size, kept))
        self._waiting = deque(kept)

    def resume(self) -> None:
        """Send as much as can leave now."""
        while self._waiting and not self._busy:
            link = self._link()
            if link is None:
                self._launch(0.0)
            elif link.is_cut:
                link.wait_turn(self)
                return
            else:
                self._begin(link)

    def _begin(self, link: VirtualLink) -> None:
        """Send the first piece of what waits, or begin to."""
        self._split(link.piece)
        left = link.occupy(self._source, _size(self._waiting[0]))
        if link.loss and self._rng().random() < link.loss:
            self._pause = min(2 * self._pause or link.retransmit, LONGEST_PAUSE)
            self._retry_at(left + self._pause)
        elif left > trio.current_time():
            self._busy = True
            self._courier.call_at(left, self._left)
        else:
            self._launch(link.latency)

    def _split(self, size: int) -> None:
        item = self._waiting[0]
        if isinstance(item, bytes) and len(item) > size:
            self._waiting[0] = item[size:]
            self._waiting.appendleft(item[:size])

    def _retry_at(self, when: float) -> None:
        self._busy = True
        self._courier.call_at(when, self._retry)

    def _retry(self) -> None:
        self._busy = False
        self.resume()

    def _left(self) -> None:
        self._busy = False
        link = self._link()
        if link is None or not link.is_cut:
            self._launch(0.0 if link is None else link.latency)
        self.resume()

    def _launch(self, latency: float) -> None:
        self._pause = 0.0
        earliest = self._flying[-1][0] if self._flying else 0.0
        arrival = max(earliest, trio.current_time() + latency)
        self._flying.append((arrival, self._waiting.popleft()))
        self._courier.call_at(arrival, self._land)

    def _land(self) -> None:
        link = self._link()
        if link is not None and link.is_cut:
            self._take_back()
            link.wait_turn(self)
            return
        now = trio.current_time()
        while self._flying and self._flying[0][0] <= now:
            item = self._flying.popleft()[1]
            self.load -= _size(item)
            self.deliver(item)

    def _take_back(self) -> None:
        """Put what is lost in a partition back to where it came from."""
        while self._flying:
            self._waiting.appendleft(self._flying.pop()[1])

    def _link(self) -> VirtualLink | None:
        if self._version != self._links.version:
            self._version = self._links.version
            self._found = self._links.between(self._source, self._target)
        return self._found

    def _rng(self) -> random.Random:
        # Of its own, so that what is lost here does not depend on what goes on elsewhere; made
        # only where something can be lost.
        if self._random is None:
            self._random = random.Random(f"{self._links.seed}/{self._name}")
        return self._random


def _size(item: Item) -> int:
    return len(item) if isinstance(item, bytes) else 0
