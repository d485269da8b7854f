"""What `show servers state`, `show servers conn` and `show backend` tell of running pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.haproxy.checks import check_status
from trio_balancer.control.haproxy.numbers import pool_ids
from trio_balancer.control.haproxy.words import admin_of, operation_of
from trio_balancer.wire.address import InetAddress, NamedAddress
from trio_balancer.wire.haproxy_reply import CommandError
from trio_balancer.wire.haproxy_servers import (
    NO_CHECK,
    CheckResult,
    CheckState,
    ServerConnections,
    ServerState,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_balancer.balancer import Balancer
    from trio_balancer.policy import BackendStatistics, PoolStatistics
    from trio_balancer.wire.address import Address

_CHECKED = CheckState.CONFIGURED | CheckState.ENABLED
_NO_ADDRESS = "-"


def server_states(balancer: Balancer, pool: str | None) -> Iterator[ServerState]:
    """Iterate over the backends of one pool, or of all; raises CommandError."""
    ids = pool_ids(balancer)
    for each in _pools(balancer, pool):
        for number, backend in enumerate(each.backends, 1):
            yield _state(balancer, each, ids[each.name], backend, number)


def server_connections(balancer: Balancer, pool: str | None) -> Iterator[ServerConnections]:
    """Iterate over the backends of one pool, or of all; raises CommandError."""
    ids = pool_ids(balancer)
    for each in _pools(balancer, pool):
        for number, backend in enumerate(each.backends, 1):
            address, port, _name = _place(backend.address)
            yield ServerConnections(
                backend_id=ids[each.name],
                backend=each.name,
                server_id=number,
                server=backend.name,
                address=address,
                port=port,
                used=backend.active,
                used_max=backend.peak_active,
                needed=backend.active,
            )


def _pools(balancer: Balancer, pool: str | None) -> list[PoolStatistics]:
    pools = balancer.statistics().pools
    found = [each for each in pools if pool in (None, each.name)]
    if pool is not None and not found:
        raise CommandError("Can't find backend.")
    return found


def _state(
    balancer: Balancer,
    pool: PoolStatistics,
    pool_id: int,
    backend: BackendStatistics,
    number: int,
) -> ServerState:
    address, port, name = _place(backend.address)
    health = balancer.runtime.pools[pool.name].config.health
    return ServerState(
        backend_id=pool_id,
        backend=pool.name,
        server_id=number,
        server=backend.name,
        address=address,
        port=port,
        operation=operation_of(backend),
        admin=admin_of(backend),
        weight=backend.weight,
        initial_weight=backend.configured_weight,
        since_change=int(backend.in_state_for),
        check_status=check_status(health.type, backend.last_check),
        check_result=_result(backend),
        check_health=backend.health,
        check_state=_CHECKED if backend.checked else NO_CHECK,
        name_resolved=name,
        tls=balancer.runtime.pools[pool.name].config.tls is not None,
        check_port=health.port or 0,
        check_address=health.address or "",
    )


def _result(backend: BackendStatistics) -> CheckResult:
    if backend.last_check is None:
        return CheckResult.UNKNOWN
    return CheckResult.PASSED if backend.last_check.passed else CheckResult.FAILED


def _place(address: Address) -> tuple[str, int, str]:
    """Return the IP address or path, the port, and the name that is resolved."""
    if isinstance(address, InetAddress):
        return address.host, address.port, ""
    if isinstance(address, NamedAddress):
        return _NO_ADDRESS, address.port, address.name
    return str(address), 0, ""
