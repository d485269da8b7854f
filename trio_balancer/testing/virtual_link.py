"""What lies between two places of an in-memory network: a delay, a rate, losses, a cut."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, final

import trio

from trio_balancer.wire.address import IP, InetAddress, SocketAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

#: One end of a link: addresses with or without a port; None is everywhere.
Place = frozenset[IP | SocketAddress] | None

#: Bytes of the smallest piece that is sent, delayed or lost as one: an Ethernet frame's.
SEGMENT = 1460
# How long a piece takes to leave at most, so that connections of one link take turns.
_TURN = 0.01


class Waiter(Protocol):
    """Whoever has something to send over a link that is cut."""

    def resume(self) -> None:
        """Try again: the link is whole."""
        ...


@final
class VirtualLink:
    """Made by `MemoryNetwork.link`; changes hold at once, for live connections too."""

    def __init__(
        self,
        ends: tuple[Place, Place],
        *,
        latency: float,
        bandwidth: float,
        loss: float,
        retransmit: float,
    ) -> None:
        self._ends = ends
        self.latency = 0.0
        self.bandwidth = math.inf
        self.loss = 0.0
        self.retransmit = 0.2
        self.change(latency=latency, bandwidth=bandwidth, loss=loss, retransmit=retransmit)
        self._cuts = 0
        #: When each direction has sent what it is sending (trio's clock).
        self._free_at = [-math.inf, -math.inf]
        #: A dict for its order: a set's would differ from run to run.
        self._waiters: dict[Waiter, None] = {}
        self._healed = trio.lowlevel.ParkingLot()

    def change(
        self,
        *,
        latency: float | None = None,
        bandwidth: float | None = None,
        loss: float | None = None,
        retransmit: float | None = None,
    ) -> None:
        """Change what is given, as in `MemoryNetwork.link`; raises ValueError, and changes nothing.

        What is on its way already arrives as it would have.
        """
        latency = self.latency if latency is None else latency
        bandwidth = self.bandwidth if bandwidth is None else bandwidth
        loss = self.loss if loss is None else loss
        retransmit = self.retransmit if retransmit is None else retransmit
        _check(latency, bandwidth, loss, retransmit)
        self.latency, self.bandwidth = latency, bandwidth
        self.loss, self.retransmit = loss, retransmit

    @contextmanager
    def partition(self) -> Iterator[None]:
        """Let nothing arrive meanwhile; partitions may be nested.

        Dials wait; bytes, ends-of-file and resets are sent again, in order, when it heals: at
        once, where a kernel would take up to its retransmission timeout.
        """
        self._cuts += 1
        try:
            yield
        finally:
            self._cuts -= 1
            if not self._cuts:
                self._heal()

    def _heal(self) -> None:
        self._healed.unpark_all()
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters:
            waiter.resume()

    @property
    def is_cut(self) -> bool:
        """Whether it is partitioned now."""
        return self._cuts > 0

    @property
    def is_perfect(self) -> bool:
        """Whether what is sent arrives in the same moment."""
        return not (self.latency or self.loss or self.is_cut) and self.bandwidth == math.inf

    def joins(self, source: SocketAddress, target: SocketAddress) -> bool:
        """Say whether a connection between these, in either direction, goes over this link."""
        one, other = self._ends
        there = _is_at(source, one) and _is_at(target, other)
        return there or (_is_at(source, other) and _is_at(target, one))

    # For those who send over it

    @property
    def piece(self) -> int:
        """How many bytes to send at a time."""
        if self.loss:
            return SEGMENT
        return int(min(max(SEGMENT, self.bandwidth * _TURN), 1 << 30))

    def occupy(self, source: SocketAddress, size: int) -> float:
        """Begin to send so many bytes as soon as may be, and return when that will be done."""
        direction = 0 if _is_at(source, self._ends[0]) else 1
        start = max(self._free_at[direction], trio.current_time())
        self._free_at[direction] = start + size / self.bandwidth
        return self._free_at[direction]

    def wait_turn(self, waiter: Waiter) -> None:
        """Tell the waiter when the link is whole again; once, however often it asks."""
        self._waiters[waiter] = None

    async def wait_healed(self) -> None:
        """Wait while the link is cut."""
        while self.is_cut:
            await self._healed.park()


def _is_at(address: SocketAddress, place: Place) -> bool:
    if place is None or address in place:
        return True
    return isinstance(address, InetAddress) and address.ip in place


def _check(latency: float, bandwidth: float, loss: float, retransmit: float) -> None:
    if not 0 <= latency < math.inf:
        raise ValueError("latency is in seconds, 0 or more, and finite")
    if not bandwidth > 0:
        raise ValueError("bandwidth is in bytes a second, above 0; partition() stops it all")
    if not 0 <= loss < 1:
        raise ValueError("loss is a share, from 0 to below 1; partition() loses it all")
    if not 0 < retransmit < math.inf:
        raise ValueError("retransmit is in seconds, above 0, and finite")
