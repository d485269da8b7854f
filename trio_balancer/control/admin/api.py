"""The JSON API: every path is one operation of the control room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from starlette.responses import JSONResponse

from trio_balancer.control.admin.body import read_body
from trio_balancer.control.admin.errors import RequestError
from trio_balancer.control.admin.event_response import EventResponse
from trio_balancer.control.admin.events import EventHub
from trio_balancer.control.operations import Operations

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


#: How many connections or endings a list has where nobody says, and at most.
USUAL, MOST = 100, 1000


@attrs.frozen
class Api:
    """What answers under /api."""

    operations: Operations
    hub: EventHub

    async def status(self, _request: Request) -> Response:
        """Tell everything at this moment."""
        return JSONResponse(self.operations.status())

    async def connections(self, request: Request) -> Response:
        """List live connections, oldest first."""
        return JSONResponse(self.operations.connections(_limit(request)))

    async def endings(self, request: Request) -> Response:
        """List the latest finished connections, newest first."""
        return JSONResponse(self.operations.endings(_limit(request)))

    async def history(self, _request: Request) -> Response:
        """List the samples of the last minutes, oldest first."""
        return JSONResponse(self.hub.history.samples())

    async def events(self, _request: Request) -> EventResponse:
        """Tell what happens for as long as somebody listens."""
        self.hub.check_room()
        return EventResponse(self.hub)

    async def drain_backend(self, request: Request) -> Response:
        """Give a backend no new connection."""
        body = await read_body(request, "over")
        pool, backend = _names(request)
        over = body.seconds("over")
        return JSONResponse(self.operations.drain(pool=pool, backend=backend, over=over))

    async def ready(self, request: Request) -> Response:
        """Let a backend take connections again."""
        await read_body(request)
        return JSONResponse(self.operations.ready(*_names(request)))

    async def maintenance(self, request: Request) -> Response:
        """Take a backend out of service."""
        await read_body(request)
        return JSONResponse(self.operations.maintenance(*_names(request)))

    async def weight(self, request: Request) -> Response:
        """Set a backend's weight."""
        body = await read_body(request, "weight")
        weight = body.weight("weight")
        return JSONResponse(self.operations.set_weight(*_names(request), weight))

    async def drain_pool(self, request: Request) -> Response:
        """Drain every backend of a pool."""
        body = await read_body(request, "over")
        pool = request.path_params["pool"]
        return JSONResponse(self.operations.drain(pool=pool, over=body.seconds("over")))

    async def reload(self, request: Request) -> Response:
        """Read the configuration again."""
        await read_body(request)
        return JSONResponse(await self.operations.reload())

    async def drain(self, request: Request) -> Response:
        """Stop accepting, let the connections finish, and end the process."""
        body = await read_body(request, "over")
        return JSONResponse(self.operations.shutdown(over=body.seconds("over")))


def _names(request: Request) -> tuple[str, str]:
    return request.path_params["pool"], request.path_params["backend"]


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST))):
        raise RequestError(400, "bad-value", f"limit is not a whole number of at most {MOST}.")
    return min(int(text), MOST)
