"""Names by which somebody chooses: one that is nobody's would choose nothing, for ever.

What a reload has removed may still be named, as long as it has connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.errors import bad_value
from trio_balancer.control.find import find_backend, find_listener, find_pool
from trio_balancer.control.leaving import leaving_json

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.control.status import Json


def check_names(
    balancer: Balancer, listener: str | None, pool: str | None, backend: str | None
) -> None:
    """Raise OperationError where a name is given that nothing has."""
    if pool is None and backend is not None:
        raise bad_value("a backend is named by its pool and its own name")
    leaving = leaving_json(balancer)
    if listener is not None and not _any(leaving, what="listener", name=listener):
        find_listener(balancer, listener)
    if pool is None or _any(leaving, pool=pool, name=backend):
        return
    if backend is not None:
        find_backend(balancer, pool, backend)
    elif not _any(leaving, pool=pool):
        find_pool(balancer, pool)


def _any(leaving: list[Json], **wanted: str | None) -> bool:
    return any(wanted.items() <= each.items() for each in leaving)
