"""Lines that a control client sends, however they are cut into pieces."""

from __future__ import annotations

from trio_balancer.wire.haproxy_cli import MAX_LINE


class LineTooLongError(Exception):
    """A line had more than MAX_LINE bytes; the message says so."""


class LineBuffer:
    """Collects bytes and hands out whole lines; holds at most MAX_LINE bytes of a broken one."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that are whole, without their ends.

        Raises LineTooLongError; nothing is kept then.
        """
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = b""
        if any(len(line) > MAX_LINE for line in (*lines, rest)):
            raise LineTooLongError(f"A line may have at most {MAX_LINE} bytes.")
        self._rest = rest
        return [line.removesuffix(b"\r") for line in lines]
