r"""Asks a running balancer over its runtime socket.

A request is one line, `{"do": "status", …}`. The reply is one line as well: `{"ok": true,
"result": …}` or `{"ok": false, "error": {"code": …, "message": …}}`. Streams send one object per
line until either side closes. Any other line is one of HAProxy's commands, answered with text.
"""

from __future__ import annotations

import errno
import json
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from trio_balancer.control.ctl.errors import ControlError
from trio_balancer.control.ctl.fields import Json, flag, part, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

#: The longest line that a balancer may send: enough for the status of 50 000 backends.
MOST_BYTES = 64 * 1024 * 1024

# Seconds between two tries to connect.
_PAUSE = 0.05

_WHY = {
    errno.ENOENT: "there is no such socket; is the balancer running, with this [control] socket?",
    errno.ECONNREFUSED: "nobody listens there; the balancer does not run any more",
    errno.EACCES: "only the user whom the balancer runs as may use it, or whom [control] mode lets",
    errno.ENOTSOCK: "it is not a socket",
}


@attrs.frozen
class Client:
    """A runtime socket at `path`; `timeout` is the patience for a reply, in seconds.

    Each request has a connection of its own. All methods raise ControlError.
    """

    path: str
    timeout: float

    def ask(self, do: str, **parameters: object) -> object:
        """Let the balancer do something, and return the result."""
        with self._send(_request(do, parameters)) as (_, stream):
            return _result(_object(stream.readline(MOST_BYTES)))

    def follow(self, do: str, **parameters: object) -> Iterator[Json]:
        """Return what a stream sends, until the balancer closes it."""
        with self._send(_request(do, parameters)) as (sock, stream):
            # From here on silence only means that nothing happens.
            sock.settimeout(None)
            while line := stream.readline(MOST_BYTES):
                yield _event(_object(line))

    def pass_on(self, line: str) -> Iterator[str]:
        """Send a line as it is, and return the lines of the reply."""
        with self._send(line) as (sock, stream):
            # Nothing more comes: an interactive reply ends as well.
            sock.shutdown(socket.SHUT_WR)
            while reply := stream.readline(MOST_BYTES):
                yield reply.decode("utf-8", "replace").removesuffix("\n")

    @contextmanager
    def _send(self, line: str) -> Iterator[tuple[socket.socket, BufferedReader]]:
        """Send a line; an error of the socket is a sentence for as long as the reply lasts."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(self.timeout)
            try:
                self._connect(sock)
                sock.sendall(f"{line}\n".encode("utf-8", "surrogateescape"))
                with sock.makefile("rb") as stream:
                    yield sock, stream
            except TimeoutError:
                sentence = f"the balancer at {self.path} did not answer in {self.timeout:g} s"
                raise ControlError(sentence) from None
            except OSError as error:
                why = _WHY.get(error.errno or 0, error.strerror or str(error))
                raise ControlError(f"cannot reach the balancer at {self.path}: {why}") from None

    def _connect(self, sock: socket.socket) -> None:
        """Connect; where many others wait for the balancer already, wait with them."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                return sock.connect(self.path)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError from None
            time.sleep(_PAUSE)


def _request(do: str, parameters: Json) -> str:
    given = {key: value for key, value in parameters.items() if value is not None}
    return json.dumps({"do": do, **given})


def _object(line: bytes) -> Json:
    if not line.endswith(b"\n"):
        raise ControlError("the balancer closed the connection before its answer was complete")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ControlError("this is no runtime socket of trio-balancer: its answer is no JSON")
    return value


def _result(reply: Json) -> object:
    if not flag(reply, "ok"):
        raise _refusal(reply)
    return reply.get("result")


def _event(event: Json) -> Json:
    if event.get("ok") is False:
        raise _refusal(event)
    return event


def _refusal(reply: Json) -> ControlError:
    error = part(reply, "error")
    message = text(error, "message") or "the balancer refused, and did not say why"
    return ControlError(message, text(error, "code") or None)
