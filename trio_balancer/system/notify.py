"""Messages to the service manager: systemd's notification protocol.

Source: sd_notify(3). One datagram for each message, `KEY=VALUE` lines, to the Unix socket that
`NOTIFY_SOCKET` names; "@" begins an abstract name.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import trio

if TYPE_CHECKING:
    from collections.abc import MutableMapping

# Seconds that a message waits for room in the manager's queue, which is there within milliseconds.
PATIENCE = 5.0

_MICROSECONDS = 1_000_000


@attrs.frozen
class Notifier:
    """Where to tell what; `watchdog` is the seconds within which the manager wants to hear of us.

    The address is as the kernel takes it, with a zero byte in front of an abstract name.
    """

    address: str
    watchdog: float | None = None

    async def tell(self, **fields: str | int) -> bool:
        """Send a message; return whether it was taken.

        Whoever does not listen any more disturbs nobody.
        """
        lines = (f"{key}={value}" for key, value in fields.items())
        message = "\n".join(lines).encode("utf-8", "backslashreplace")
        with trio.move_on_after(PATIENCE), suppress(OSError):
            await self._send(message)
            return True
        return False

    async def _send(self, message: bytes) -> None:
        # Each message has a socket of its own, as sd_notify(3) does it: a manager that was
        # restarted is found again.
        with trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            await sock.connect(self.address)
            await sock.send(message)


def claim_notifier(environ: MutableMapping[str, str], pid: int) -> Notifier | None:
    """Return how to reach the service manager; None where there is none, or none we know to reach.

    The variables are not passed on to processes that we start.
    """
    address = environ.pop("NOTIFY_SOCKET", "")
    watchdog = _watchdog(environ, pid)
    if address.startswith("@"):
        return Notifier("\0" + address[1:], watchdog)
    return Notifier(address, watchdog) if address.startswith("/") else None


def _watchdog(environ: MutableMapping[str, str], pid: int) -> float | None:
    """Read sd_watchdog_enabled(3)'s variables: seconds, None for no watchdog."""
    time = environ.pop("WATCHDOG_USEC", "")
    receiver = environ.pop("WATCHDOG_PID", str(pid))
    if receiver != str(pid) or not (time.isascii() and time.isdigit()) or int(time) == 0:
        return None
    return int(time) / _MICROSECONDS
