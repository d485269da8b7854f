"""The outermost layer of the app: the guard, headers for browsers, and the last line for bugs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Send

from trio_balancer.control.admin.errors import RequestError, error_response, report_bug
from trio_balancer.control.admin.guard import Asked, Guard
from trio_balancer.control.turns import Turns
from trio_balancer.flow.log import Log

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope


_HEADERS = {
    "Cache-Control": "no-store",
    # Nothing from elsewhere runs here or is asked for, and nobody frames the buttons.
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@attrs.frozen
class Shield:
    """An ASGI app around `app`: refuses what the guard refuses, and lets no bug out.

    `guard` gives the rules in force, which a reload may change.
    """

    app: ASGIApp
    guard: Callable[[], Guard]
    log: Log
    turns: Turns = attrs.Factory(Turns)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; there are no WebSockets here."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        answer = _Answer(send)
        try:
            self.guard().check(_asked(scope))
            await self.turns.wait()
            await self.app(scope, receive, answer.send)
        except RequestError as error:
            await error.response()(scope, receive, answer.send)
        except Exception as bug:  # noqa: BLE001 - the balancer goes on whatever breaks in here
            report_bug(self.log, bug)
            if not answer.begun:
                response = error_response(500, "internal", "This is a bug; the log says more.")
                await response(scope, receive, answer.send)


@attrs.define(eq=False)
class _Answer:
    """Sends an answer with the headers that each one has."""

    _send: Send
    begun: bool = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _asked(scope: Scope) -> Asked:
    return Asked(
        method=scope["method"],
        path=scope["path"],
        headers=_first_of_each(Headers(scope=scope)),
        client=_host_of(scope.get("client")),
        server=_host_of(scope.get("server")),
    )


def _first_of_each(headers: Headers) -> dict[str, str]:
    """Read all of them at once: asked for one by one, thousands take the square of their time."""
    return dict(reversed(headers.items()))


def _host_of(address: tuple[str, int] | None) -> str:
    return "" if address is None else address[0]
