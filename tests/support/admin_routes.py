"""What the admin server answers, as "GET /readyz"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.admin import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from unittest.mock import Mock


def paths(anything: Mock) -> Iterator[str]:
    """Iterate over all requests; `anything` stands for the API, the probes and the pages."""
    for route in app.make_routes(anything, anything, anything):
        path = route.path.replace(":path}", "}")
        # Starlette knows a function's method, but not that of a stand-in.
        methods = (route.methods or {"GET"}) - {"HEAD"}
        yield from (f"{method} {path}" for method in methods)
