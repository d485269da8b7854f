"""What a request carries: a small JSON object, its members one by one."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING

import attrs
import trio
from starlette.requests import ClientDisconnect

from trio_balancer.control.admin.errors import RequestError
from trio_balancer.control.parameters import a_duration

if TYPE_CHECKING:
    from starlette.requests import Request

MOST_BYTES = 64 * 1024
#: Seconds within which all of it must be there.
PATIENCE = 5.0


async def read_body(request: Request, *known: str) -> Body:
    """Read the JSON object of a request; none at all is an empty one.

    Raises RequestError when it is no object, has members other than the known ones, is too large
    or comes too slowly.
    """
    members = _parse(await _receive(request))
    for name in members:
        if name not in known:
            expected = ", ".join(known) or "nothing"
            raise _bad(f"The body has a member that is not known here; it may have: {expected}.")
    return Body(members)


async def _receive(request: Request) -> bytes:
    try:
        return await _receive_all(request)
    except ClientDisconnect:
        # Nobody hears it: the client has gone, or what it sent is no HTTP.
        raise _bad("The body was not whole.") from None


async def _receive_all(request: Request) -> bytes:
    body = bytearray()
    with trio.move_on_after(PATIENCE):
        async with aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > MOST_BYTES:
                    raise RequestError(413, "too-large", f"A body has at most {MOST_BYTES} bytes.")
        return bytes(body)
    raise RequestError(408, "too-slow", f"The body was not there after {PATIENCE:g} seconds.")


def _parse(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise _bad("The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise _bad("The body is not a JSON object.")
    return parsed


def _bad(message: str) -> RequestError:
    return RequestError(400, "bad-value", message)


@attrs.frozen
class Body:
    """The members of a JSON object."""

    members: dict[str, object]

    def seconds(self, name: str) -> float | None:
        """Return a duration in seconds, which may be written as "60s"; None where there is none."""
        value = self.members.get(name)
        if value is None:
            return None
        try:
            return a_duration(value)
        except ValueError as error:
            raise _bad(f"{name}: {error}.") from None

    def weight(self, name: str) -> int | str:
        """Return a weight: a whole number, or a percentage like "50%"."""
        value = self.members.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise _bad(f'{name} is neither a whole number nor a percentage like "50%".')
        return value
