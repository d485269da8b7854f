"""A network whose dials fail as a test wishes, around another one."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from trio_balancer.network.kernel import os_error
from trio_balancer.network.seam import Listener, Network, SocketOptions, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio_balancer.wire.address import IP, InetAddress, NamedAddress, SocketAddress


class TroubledNetwork(Network):
    """Passes everything on, but for what `fail` and `fail_next` say."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._codes: dict[SocketAddress, int] = {}
        self._next: deque[int] = deque()
        #: Every dial, in order.
        self.dialled: list[SocketAddress] = []
        #: Called with each dial.
        self.on_dial: Callable[[], None] = lambda: None

    def fail(self, address: SocketAddress, code: int) -> None:
        """Let every dial to this address fail with an errno."""
        self._codes[address] = code

    def fail_next(self, code: int, *, times: int = 1) -> None:
        """Let the next dials fail, wherever they go."""
        self._next.extend([code] * times)

    def heal(self) -> None:
        """Fail no more."""
        self._codes.clear()
        self._next.clear()

    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool = False,
        mode: int | None = None,
        options: SocketOptions,
    ) -> Listener:
        return await self._network.listen(
            address, backlog=backlog, v6only=v6only, mode=mode, options=options
        )

    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions,
        deadline: float = math.inf,
        source: IP | None = None,
    ) -> Stream:
        self.dialled.append(address)
        self.on_dial()
        code = self._next.popleft() if self._next else self._codes.get(address)
        if code is not None:
            raise os_error(code)
        return await self._network.connect(
            address, options=options, deadline=deadline, source=source
        )

    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        return await self._network.resolve(address)
