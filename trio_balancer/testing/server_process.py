"""A real server, started for a test on a port of its own, and never left behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.seam import SocketOptions
from trio_balancer.testing import guard
from trio_balancer.testing.ports import port_of, reserve_port
from trio_balancer.wire.address import InetAddress, inet_address

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from trio_balancer.network.seam import Network

# How programs of every language say that a port is taken.
_IN_USE = re.compile(r"EADDRINUSE|address (is )?already in use", re.IGNORECASE)
#: Ports that a server is offered, where it finds one in use.
OFFERS = 5
#: Seconds between two looks whether a server serves: the kernel tells nobody.
LOOK = 0.01
#: Characters of a server's output that an error's text shows.
SHOWN = 2000
#: Seconds in which a killed server must be gone.
PATIENCE = 10.0


class ServerError(RuntimeError):
    """A server did not start, or did not serve in time; the text has what it printed."""


@final
class ServerProcess:
    """One server process, from start to start on the same address.

    `command` is told the port: "{port}" in it is replaced, and PORT is set in its environment.
    `timeout` is how long it may take until it serves, in seconds.
    """

    def __init__(
        self, command: Sequence[str], network: Network, *, env: dict[str, str], timeout: float
    ) -> None:
        self._command = command
        self._network = network
        self._env = env
        self._timeout = timeout
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as this does
        self._guard: trio.Process | None = None
        #: Whether it has been stopped for good.
        self.closed = False
        #: One question to the guard at a time.
        self._asking = trio.Lock()
        #: Holds the port between two runs of the server, and during them.
        self._reserved: socket.socket | None = reserve_port()
        self.port = port_of(self._reserved)

    @property
    def address(self) -> InetAddress:
        """Where it serves."""
        return inet_address("127.0.0.1", self.port)

    @property
    def running(self) -> bool:
        """Whether its process is there, be it paused."""
        return self._guard is not None and self._guard.returncode is None

    def output(self) -> str:
        """Return what it has printed so far, in all its runs."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    async def start(self) -> None:
        """Start it, and wait until it serves; raises ServerError."""
        for _ in range(OFFERS):
            before = len(self.output())
            await self._launch()
            if await self._serves():
                return
            if not _IN_USE.search(self.output()[before:]):
                break
            self._offer_another_port()
        raise self._error("ended before it served")

    async def _launch(self) -> None:
        port = str(self.port)
        command = [part.replace("{port}", port) for part in self._command]
        self._guard = await trio.lowlevel.open_process(
            [sys.executable, "-I", "-S", guard.__file__, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output.fileno(),
            env={**os.environ, **self._env, "PORT": port},
            start_new_session=True,  # Ctrl-C is for the test, which ends the guard
        )
        answer = await self._answer(self._guard)
        if answer != "ready":
            await self.stop()
            raise ServerError(answer.removeprefix("error "))

    async def _serves(self) -> bool:
        """Wait until somebody can connect (True) or the process is gone (False)."""
        with trio.move_on_after(self._timeout):
            while self.running:
                if await self._answers():
                    return True
                await trio.sleep(LOOK)
            return False
        await self.stop()
        raise self._error(f"did not serve within {self._timeout:g} s")

    async def _answers(self) -> bool:
        try:
            stream = await self._network.connect(self.address, options=SocketOptions())
        except OSError:
            return False
        stream.close()
        # While the port was not held for it, that may have been somebody else.
        return self.running

    def _offer_another_port(self) -> None:
        """Take another port, free a moment ago: this server wants it all to itself."""
        self._release()
        with reserve_port() as sock:
            self.port = port_of(sock)

    def _release(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    async def signal(self, name: str) -> None:
        """Send a signal ("SIGSTOP") to it and its children; harmless when it is gone."""
        process = self._guard
        if process is None or process.stdin is None or not self.running:
            return
        async with self._asking:
            try:
                await process.stdin.send_all(f"{name}\n".encode())
                await self._answer(process)
            except trio.BrokenResourceError:
                return  # it ended meanwhile

    async def _answer(self, process: trio.Process) -> str:
        """Read a line of the guard's; empty when it has ended."""
        answer = bytearray()
        while process.stdout is not None and not answer.endswith(b"\n"):
            data = await process.stdout.receive_some()
            if not data:
                break
            answer += data
        return answer.decode(errors="replace").strip()

    async def stop(self) -> None:
        """Kill it and its children, and wait until they are gone; idempotent."""
        process = self._guard
        if process is None or process.stdin is None or process.stdout is None:
            return
        with trio.move_on_after(PATIENCE, shield=True):
            await process.stdin.aclose()
            await process.wait()
            await process.stdout.aclose()

    async def close(self) -> None:
        """Stop it for good, and let go of its port."""
        self.closed = True
        await self.stop()
        self._release()
        self._output.close()

    def _error(self, what: str) -> ServerError:
        status = "" if self._guard is None else f" (exit status {self._guard.returncode})"
        printed = self.output()[-SHOWN:].strip() or "nothing"
        return ServerError(f"{self._command[0]} {what}{status}; it printed:\n{printed}")
