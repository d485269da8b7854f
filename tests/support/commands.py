"""An operator at the runtime socket of a balancer in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
from support.world import BACKEND, NO_CHECKS, OPTIONS, OTHER, make_config, receive_to_end

from trio_balancer.wire.address import UnixAddress
from trio_balancer.wire.haproxy_reply import PROMPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.world import World

    from trio_balancer.testing import MemoryStream

SOCKET = UnixAddress("/run/balancer.sock")
NAMED = (
    f'[[pools.app.backends]]\nname = "one"\naddress = "{BACKEND}"\nweight = 10\n'
    f'[[pools.app.backends]]\nname = "two"\naddress = "{OTHER}"\nmax_connections = 7\n'
)


def control_section(level: str = "admin") -> str:
    """Write the section for a socket."""
    return f'[control]\nsocket = "{SOCKET.path}"\nlevel = "{level}"\n'


@attrs.define(eq=False)
class Operator:
    """Someone who gives commands to the balancer of a world."""

    world: World

    async def connect(self) -> MemoryStream:
        """Connect, and say nothing yet."""
        return await self.world.network.connect(SOCKET, options=OPTIONS)

    async def ask(self, line: str) -> str:
        """Send a line and return all that comes back."""
        stream = await self.connect()
        await stream.send_all(f"{line}\n".encode())
        return (await receive_to_end(stream)).decode()

    async def command(self, line: str) -> str:
        """Give one of HAProxy's commands; return the reply without the empty line at its end."""
        reply = await self.ask(line)
        assert reply.endswith("\n")
        return reply[:-1]

    async def request(self, do: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        """Ask in JSON; returns the whole reply."""
        reply = await self.ask(json.dumps({"do": do, **parameters}))
        assert reply.endswith("\n")
        assert reply.count("\n") == 1
        return json.loads(reply)

    async def result(self, do: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        """Ask in JSON for what must succeed."""
        reply = await self.request(do, **parameters)
        assert reply["ok"] is True, reply
        return reply["result"]

    async def error(self, do: str, **parameters: object) -> tuple[str, str]:
        """Ask in JSON for what must fail; returns the code and the message."""
        reply = await self.request(do, **parameters)
        assert reply["ok"] is False, reply
        return reply["error"]["code"], reply["error"]["message"]


async def operate(
    world: World,
    *,
    level: str = "admin",
    listener: str = "",
    pool: str = "",
    more: str = NO_CHECKS,
    backends: Sequence[object] = (),
    balancer: str = "",
) -> Operator:
    """Serve with a runtime socket; without `backends`, two of them are named "one" and "two"."""
    named = "" if backends else NAMED
    config = make_config(
        listener=listener,
        pool=pool,
        balancer=balancer,
        more=f"{named}{more}{control_section(level)}",
        backends=backends,
    )
    await world.serve(config)
    return Operator(world)


class Terminal:
    """A session that goes on: what is sent, and what has come up to a prompt."""

    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream

    async def say(self, line: str, end: str = PROMPT) -> str:
        """Send a line; return what comes before the prompt."""
        await self.stream.send_all(f"{line}\n".encode())
        received = ""
        while not received.endswith(end):
            data = await self.stream.receive_some()
            assert data, f"closed after {received!r}"
            received += bytes(data).decode()
        return received.removesuffix(end)
