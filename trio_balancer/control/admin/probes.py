"""What orchestrators and monitoring ask: whether it lives, is ready, and how it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from starlette.responses import JSONResponse, Response

from trio_balancer.balancer import Balancer
from trio_balancer.control.admin.metrics import CONTENT_TYPE, Metrics
from trio_balancer.policy.state import State

if TYPE_CHECKING:
    from starlette.requests import Request


UNAVAILABLE = 503


@attrs.frozen
class Probes:
    """What answers /healthz, /readyz and /metrics."""

    balancer: Balancer
    metrics: Metrics

    async def healthz(self, _request: Request) -> Response:
        """Say that the process answers, which its event loop does with this."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Say whether new clients should be sent here; 503 when not, with the reasons."""
        reasons = why_not_ready(self.balancer)
        status = "not ready" if reasons else "ready"
        body = {"status": status, "reasons": reasons}
        return JSONResponse(body, UNAVAILABLE if reasons else 200)

    async def scrape(self, _request: Request) -> Response:
        """Tell the metrics."""
        return Response(await self.metrics.page(), headers={"Content-Type": CONTENT_TYPE})


def why_not_ready(balancer: Balancer) -> list[str]:
    """Tell in sentences why no new client should come; empty: let them come."""
    reasons = [] if balancer.ready else ["the balancer is stopping"]
    for pool in balancer.statistics().pools:
        config = balancer.config.pools.get(pool.name)
        required = config is not None and config.required
        if required and all(backend.state is not State.UP for backend in pool.backends):
            reasons.append(f"no backend of pool {pool.name} is up")
    return reasons
