"""One HTTP health check on the wire: the request, and the status of its response.

Sans-I/O. Format: RFC 9112, sections 3 (request line) and 4 (status line).
"""

from __future__ import annotations

import re
from typing import NoReturn

# What a response may need before its final status is known: its interim responses and a status
# line. Web servers keep to the same bound for one header line.
MAX_RESPONSE = 8192

_SHOWN = 40

_HTTP = b"HTTP/1."
# RFC 9112 asks for a space after the code even when no reason follows; servers leave it out.
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9]{2})(?: .*)?\Z", re.DOTALL)
_TOKEN = re.compile(r"[!-~]+\Z")
# The last response of an HTTP/1.1 connection, unlike the other 1xx ones.
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL = 200


class HttpCheckError(ValueError):
    """What arrived is no HTTP response; the message is a sentence for people."""


def check_request(path: str, host: str) -> bytes:
    """Build the request (bytes on the wire) that asks `host` for `path`.

    Raises ValueError when either is empty or holds a space, a control character or anything
    beyond ASCII: it would end the line that it stands on.
    """
    for text in (path, host):
        if not _TOKEN.match(text):
            raise ValueError(f"{text!r} cannot stand in an HTTP request")
    return (
        f"GET {path} HTTP/1.1\r\n"
        f"Host: {host}\r\n"
        "User-Agent: trio-balancer\r\n"
        "Accept: */*\r\n"
        "Connection: close\r\n"
        "\r\n"
    ).encode("ascii")


class StatusParser:
    """Finds the status of a response, however it is cut into pieces.

    Interim responses (1xx) are passed over, as RFC 9110, section 15.2, asks of every client.
    """

    def __init__(self) -> None:
        self._unparsed = bytearray()
        self._taken = 0
        self._in_interim = False

    def feed(self, data: bytes) -> int | None:
        """Take the next bytes; return the status (100 to 999), or None when more are needed.

        What follows the status line is ignored. Raises HttpCheckError when this is no HTTP/1
        response, or when no status came within MAX_RESPONSE bytes.
        """
        data = data[: MAX_RESPONSE - self._taken]
        self._taken += len(data)
        self._unparsed += data
        status = self._parse_lines()
        if status is None and self._taken == MAX_RESPONSE:
            raise HttpCheckError(f"no HTTP status within {MAX_RESPONSE} bytes")
        return status

    def finish(self) -> NoReturn:
        """Say that the response ended before its status was known: raises HttpCheckError."""
        raise HttpCheckError("the connection ended before an HTTP status came")

    def _parse_lines(self) -> int | None:
        while (end := self._unparsed.find(b"\n")) >= 0:
            line = bytes(self._unparsed[:end]).removesuffix(b"\r")
            del self._unparsed[: end + 1]
            status = self._parse_line(line)
            if status is not None:
                return status
        if not self._in_interim:
            _refuse_other_protocols(self._unparsed)
        return None

    def _parse_line(self, line: bytes) -> int | None:
        """Return the status when this is the status line of a final response."""
        if self._in_interim:
            # An empty line ends the interim response, and the next status line follows.
            self._in_interim = line != b""
            return None
        status = _parse_status_line(line)
        self._in_interim = status < _FIRST_FINAL and status != _SWITCHING_PROTOCOLS
        return None if self._in_interim else status


def _refuse_other_protocols(beginning: bytes | bytearray) -> None:
    """Raise HttpCheckError as soon as a line cannot become a status line any more.

    A server of another protocol may greet us and then wait for ever.
    """
    if not beginning.startswith(_HTTP[: len(beginning)]):
        raise HttpCheckError(f"expected an HTTP response, got {_show(beginning)}")


def _parse_status_line(line: bytes) -> int:
    _refuse_other_protocols(line)
    match = _STATUS_LINE.match(line)
    if match is None:
        raise HttpCheckError(f"{_show(line)} is no HTTP status line")
    return int(match[1])


def _show(data: bytes | bytearray) -> str:
    """Write what a peer sent on one line, in ASCII, at most _SHOWN bytes of it."""
    return repr(bytes(data[:_SHOWN]))[1:]
