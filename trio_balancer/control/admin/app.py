"""The admin server's app: which path leads where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from trio_balancer.control.admin.api import Api
from trio_balancer.control.admin.errors import (
    RequestError,
    on_error,
)
from trio_balancer.control.admin.pages import Pages
from trio_balancer.control.admin.probes import Probes
from trio_balancer.control.admin.shield import Shield
from trio_balancer.control.errors import OperationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.control.admin.events import EventHub
    from trio_balancer.control.admin.guard import Guard
    from trio_balancer.control.admin.metrics import Metrics
    from trio_balancer.control.operations import Operations

# A backend without a name of its own is called by its address, and a Unix socket's has slashes.
_BACKEND = "/api/pools/{pool}/backends/{backend:path}"


def make_app(
    operations: Operations, guard: Callable[[], Guard], hub: EventHub, metrics: Metrics
) -> Shield:
    """Put the app together; `guard` gives the rules in force."""
    app = Starlette(
        routes=make_routes(Api(operations, hub), Probes(operations.balancer, metrics), Pages()),
        exception_handlers=dict.fromkeys((OperationError, RequestError, HTTPException), on_error),
    )
    return Shield(app, guard, operations.balancer.log)


def make_routes(api: Api, probes: Probes, pages: Pages) -> list[Route]:
    """List every path."""
    return [
        Route("/", pages.dashboard),
        Route("/static/{name}", pages.static),
        Route("/healthz", probes.healthz),
        Route("/readyz", probes.readyz),
        Route("/metrics", probes.scrape),
        Route("/api/docs", pages.docs),
        Route("/api/openapi.json", pages.openapi),
        Route("/api/status", api.status),
        Route("/api/connections", api.connections),
        Route("/api/endings", api.endings),
        Route("/api/history", api.history),
        Route("/api/events", api.events),
        Route(f"{_BACKEND}/drain", api.drain_backend, methods=["POST"]),
        Route(f"{_BACKEND}/ready", api.ready, methods=["POST"]),
        Route(f"{_BACKEND}/maintenance", api.maintenance, methods=["POST"]),
        Route(f"{_BACKEND}/weight", api.weight, methods=["POST"]),
        Route("/api/pools/{pool}/drain", api.drain_pool, methods=["POST"]),
        Route("/api/reload", api.reload, methods=["POST"]),
        Route("/api/drain", api.drain, methods=["POST"]),
    ]
