"""A service manager that a test plays: the socket that `NOTIFY_SOCKET` names."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

from support.process import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Manager:
    """Takes messages at a path, or at an abstract name behind a zero byte."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def read(self, within: float = PATIENCE) -> dict[str, str]:
        """Return the next message; raises TimeoutError when there is none in time."""
        self._socket.settimeout(within)
        lines = self._socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def read_until(self, wanted: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        """Return the first message that is wanted, and forget those before it."""
        while not wanted(message := self.read()):
            pass
        return message

    def read_all(self) -> list[dict[str, str]]:
        """Return what has come up to now."""
        messages = []
        try:
            while True:
                messages.append(self.read(within=0))
        except BlockingIOError:
            return messages
