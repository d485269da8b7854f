"""What a reload has removed, and who is still there: they are in no other list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.live import Runtime
    from trio_balancer.policy import Backend

Json = dict[str, object]


def leaving_json(balancer: Balancer) -> list[Json]:
    """Describe the listeners and backends that are gone but for their last connections."""
    return [*_listeners(balancer), *_backends(balancer.runtime)]


def _listeners(balancer: Balancer) -> Iterator[Json]:
    # By name: one that has come back counts those who came before, too.
    active = {
        gate.listener.name: gate.listener.active
        for gate in balancer.leaving
        if gate.listener.name not in balancer.gates
    }
    for name in sorted(name for name in active if active[name]):
        yield _told("listener", name, active[name])


def _backends(runtime: Runtime) -> Iterator[Json]:
    for pool in (*runtime.pools.values(), *runtime.departed.values()):
        is_gone = pool.name not in runtime.pools
        for backend in (*pool.departed, *(pool.backends if is_gone else ())):
            if backend.active:
                yield _backend(pool.name, backend)


def _backend(pool: str, backend: Backend) -> Json:
    address = str(backend.address)
    return _told("backend", backend.name, backend.active, pool=pool, address=address)


def _told(
    what: str, name: str, active: int, *, pool: str | None = None, address: str | None = None
) -> Json:
    return {"what": what, "name": name, "pool": pool, "address": address, "active": active}
