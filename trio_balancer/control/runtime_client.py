"""One client of the runtime socket: it sends lines, and gets an answer to each.

A line that begins with "{" is a command in JSON, any other one of HAProxy's. As in HAProxy, the
connection ends after the answer to the first line, unless the client asked for a `prompt`.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import trio

from trio_balancer.control.errors import OperationError
from trio_balancer.control.haproxy.commands import execute
from trio_balancer.control.haproxy.session import Session
from trio_balancer.control.json_commands import answer, error_line, ok_line, parse_request
from trio_balancer.control.lines import LineBuffer, LineTooLongError
from trio_balancer.control.streams import STREAMS, open_stream
from trio_balancer.wire.haproxy_cli import CommandReader
from trio_balancer.wire.haproxy_reply import PAYLOAD_PROMPT, PROMPT, CommandError, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_balancer.config.model_control import ControlConfig
    from trio_balancer.control.operations import Operations
    from trio_balancer.control.streams import Stream
    from trio_balancer.control.turns import Turns
    from trio_balancer.network.seam import Stream as ByteStream
    from trio_balancer.wire.haproxy_cli import Command

#: Seconds that a client may be silent, which is HAProxy's `stats timeout`, and that it may take
#: for a piece of an answer.
PATIENCE = 10.0
#: Who has a prompt is a person, who thinks before typing.
PATIENCE_AT_PROMPT = 600.0
#: How a client is gone: it has broken the connection, or does not take what it is sent.
GONE = (trio.BrokenResourceError, trio.TooSlowError)
#: Bytes of an answer that are sent at a time.
PIECE = 64 * 1024


class RuntimeClient:
    """One client, and its session; `turns` is what all clients of a balancer share."""

    def __init__(
        self, stream: ByteStream, operations: Operations, config: ControlConfig, turns: Turns
    ) -> None:
        path = str(config.socket).removeprefix("unix:")
        self.is_stream = False
        self._scope = trio.CancelScope()
        # When it came, or when its last command was done (trio's clock).
        self._served_at = trio.current_time()
        # Whether it is waited for: it may send something, or must take what it is sent.
        self._is_waited_for = False
        self._stream = stream
        self._operations = operations
        self._turns = turns
        self._session = Session(operations, path, config.level)
        self._lines = LineBuffer()
        self._reader = CommandReader()

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is done for it, by trio's clock; None while something is."""
        return self._served_at if self._is_waited_for else None

    def send_away(self) -> None:
        """End its session."""
        self._scope.cancel()

    async def serve(self) -> None:
        """Answer until it has enough, or we have."""
        try:
            with self._scope:
                await self._converse()
        except GONE:
            self._stream.reset()
        finally:
            self._stream.close()

    async def _converse(self) -> None:
        while not self._session.over:
            data = await self._receive()
            if not data:
                return
            await self._take(data)

    async def _receive(self) -> bytes:
        """Return what it sends; nothing once it has finished, or has been silent for too long."""
        default = PATIENCE_AT_PROMPT if self._session.interactive else PATIENCE
        patience = self._session.timeout or default
        with self._waiting(), trio.move_on_after(patience):
            return bytes(await self._stream.receive_some())
        return b""

    async def _take(self, data: bytes) -> None:
        try:
            lines = self._lines.feed(data)
        except LineTooLongError as error:
            await self._refuse(str(error))
            return
        for line in lines:
            if line.startswith(b"{") and not self._reader.in_payload:
                await self._answer_json(line)
            else:
                await self._answer_commands(line)
            if self._session.over:
                return

    async def _refuse(self, text: str) -> None:
        self._session.over = True
        await self._send(frame(self._session.tell_error(CommandError(text))))

    # Commands in JSON

    async def _answer_json(self, line: bytes) -> None:
        try:
            request = parse_request(line)
            if request.do in STREAMS:
                await self._follow(open_stream(self._operations, request, self._session.level))
                return
            await self._turns.wait()
            reply = ok_line(await answer(self._operations, request, self._session.level))
        except OperationError as error:
            reply = error_line(error)
        self._session.over = not self._session.interactive
        await self._send_line(reply)
        if self._session.interactive:
            await self._send(PROMPT.encode())

    async def _follow(self, stream: Stream) -> None:
        """Send what is followed until the client has gone, or has finished."""
        self._session.over = self.is_stream = self._is_waited_for = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._wait_for_end, nursery.cancel_scope)
            with suppress(*GONE):
                await stream(self._send_line)
            nursery.cancel_scope.cancel()

    async def _wait_for_end(self, scope: trio.CancelScope) -> None:
        with suppress(*GONE):
            while await self._stream.receive_some():
                pass  # what it says meanwhile is of no interest
        scope.cancel()

    async def _send_line(self, line: str) -> None:
        await self._send(f"{line}\n".encode())

    # HAProxy's commands

    async def _answer_commands(self, line: bytes) -> None:
        for command in self._reader.feed(line + b"\n"):
            await self._answer(command)
            if self._session.over:
                return
        if self._reader.problem is not None:
            await self._refuse(self._reader.problem)
        elif self._reader.in_payload and self._session.interactive:
            await self._send(PAYLOAD_PROMPT.encode())

    async def _answer(self, command: Command) -> None:
        await self._turns.wait()
        reply = await execute(self._session, command)
        if not self._session.over:
            await self._send(frame(reply, interactive=self._session.interactive))
            self._session.over = command.ends_line and not self._session.interactive

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._is_waited_for = True
        try:
            yield
        finally:
            self._is_waited_for = self.is_stream

    async def _send(self, data: bytes) -> None:
        """Send an answer; raises trio.TooSlowError when the client does not take it."""
        if not self.is_stream:
            self._served_at = trio.current_time()
        for start in range(0, len(data), PIECE):
            with self._waiting(), trio.fail_after(PATIENCE):
                await self._stream.send_all(data[start : start + PIECE])
