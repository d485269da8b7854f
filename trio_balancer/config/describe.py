"""What a configuration would run, as text for people: the answer of `--check`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trio_balancer.config.model import (
    ORIGINAL_DESTINATION_BACKEND,
    BackendConfig,
    BalancerConfig,
    Config,
    ListenerConfig,
    Overflow,
    PoolConfig,
    WhenDown,
)
from trio_balancer.config.model_health import CheckType, HealthConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trio_balancer.config.model_faults import Fault
    from trio_balancer.config.model_routes import RouteConfig


def describe(config: Config, max_connections: int) -> str:
    """Describe a configuration whose limit of connections was found to be `max_connections`."""
    lines = [_balancer(config.balancer, max_connections)]
    for listener in config.listeners.values():
        lines += ["", *_listener(listener)]
    for pool in config.pools.values():
        lines += ["", *_pool(pool)]
    return "\n".join(lines)


def _balancer(balancer: BalancerConfig, max_connections: int) -> str:
    drain = _duration(balancer.drain_timeout)
    limit = f"at most {_count(max_connections, 'connection')}"
    return f"{limit}{_overflow(balancer.overflow)}; drain timeout {drain}"


def _overflow(overflow: Overflow | None) -> str:
    # A listener without a word on it does as the whole process does.
    if overflow is None:
        return ""
    return ", others wait" if overflow is Overflow.WAIT else ", others are reset"


def _listener(listener: ListenerConfig) -> Iterator[str]:
    limit = ""
    if listener.max_connections is not None:
        limit = f", at most {_count(listener.max_connections, 'connection')}"
    details = limit + _overflow(listener.overflow)
    yield f"listener {listener.name} -> {_pool_of(listener)}{details}"
    for address in listener.bind:
        yield f"  {address}"
    for route in listener.routes:
        yield f"  {_route(route)} -> pool {route.pool}"
    yield from _asked_of_clients(listener)


def _pool_of(listener: ListenerConfig) -> str:
    if listener.pool is not None:
        return f"pool {listener.pool}"
    return "its routes, all others are refused"


def _route(route: RouteConfig) -> str:
    if route.plain:
        return "no TLS"
    asked = [f"name {' or '.join(route.sni)}"] if route.sni else []
    if route.alpn:
        asked.append(f"protocol {b' or '.join(route.alpn).decode('ascii', 'backslashreplace')}")
    return ", ".join(asked)


def _asked_of_clients(listener: ListenerConfig) -> Iterator[str]:
    """Say what clients must pass before they get to a pool, and what their bytes pass."""
    if listener.proxy_protocol is not None:
        yield "  a PROXY header from trusted peers, all others are refused"
    if listener.access is not None:
        yield "  access rules"
    if listener.tls is not None:
        yield f"  TLS, {_count(len(listener.tls.certificates), 'certificate')}"
    if listener.filters:
        yield f"  {_count(len(listener.filters), 'filter')}"
    yield from _faults(listener.faults)


def _faults(faults: Sequence[Fault]) -> Iterator[str]:
    for fault in faults:
        share = "" if fault.toxicity == 1 else f", toxicity {fault.toxicity:g}"
        yield f"  broken on purpose: {fault.name!r} ({fault.type}){share}"


def _pool(pool: PoolConfig) -> Iterator[str]:
    yield f"pool {pool.name}: {pool.policy.value}, {_when_down(pool)}"
    yield f"  health: {_health(pool.health)}"
    if pool.outlier is not None:
        failures = _count(pool.outlier.failures, "failure")
        yield f"  outlier: {failures} in a row, then ejected for {_duration(pool.outlier.ejection)}"
    if pool.send_proxy is not None:
        yield f"  sends a PROXY header, {pool.send_proxy.version.value}"
    if pool.tls is not None:
        yield "  speaks TLS" if pool.tls.verify else "  speaks TLS, verifies nobody"
    for ip in pool.source:
        yield f"  dials from {ip}"
    yield from _faults(pool.faults)
    for backend in pool.backends:
        yield f"  {_backend(backend)}"


def _when_down(pool: PoolConfig) -> str:
    timeout = f" for {_duration(pool.hold_timeout)}" if pool.when_down is WhenDown.HOLD else ""
    return f"{pool.when_down.value}{timeout} when all are down"


def _health(health: HealthConfig) -> str:
    if health.type is CheckType.NONE:
        return "no checks"
    request = f" {health.path}" if health.type is CheckType.HTTP else ""
    elsewhere = "".join(
        f", {key} {value}"
        for key, value in (("address", health.address), ("port", health.port))
        if value is not None
    )
    often = f"every {_duration(health.interval)}, timeout {_duration(health.timeout)}"
    return (
        f"{health.type.value}{request}{elsewhere} {often}, rise {health.rise}, fall {health.fall}"
    )


def _backend(backend: BackendConfig) -> str:
    if backend is ORIGINAL_DESTINATION_BACKEND:
        return "wherever each client was going"
    address = str(backend.address)
    title = address if backend.name == address else f"{backend.name} at {address}"
    limit = ""
    if backend.max_connections is not None:
        limit = f", at most {_count(backend.max_connections, 'connection')}"
    backup = ", backup" if backend.backup else ""
    return f"{title}, weight {backend.weight}{limit}{backup}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _duration(seconds: float) -> str:
    if seconds == math.inf:
        return "off"
    return f"{seconds:g}s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:g}ms"
