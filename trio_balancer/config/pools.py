"""`[pools.NAME]`: the backends, and how one is chosen among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.addresses import ip
from trio_balancer.config.backends import ORIGINAL_DESTINATION, read_backends
from trio_balancer.config.faults import read_faults
from trio_balancer.config.health import read_health, read_outlier
from trio_balancer.config.model import Policy, PoolConfig, WhenDown
from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.config.proxy_protocol import read_send_proxy
from trio_balancer.config.tls import read_pool_tls
from trio_balancer.config.values import attempts, boolean, choice, duration, whole
from trio_balancer.wire.address import IP, InetAddress, UnixAddress

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader

_DEFAULT = PoolConfig(name="", backends=())


def read_pool(name: str, section: TableReader, base: PurePath) -> PoolConfig:
    """Read one `[pools.NAME]`."""
    take = section.take
    may_be_off = duration(off=True)
    default = _DEFAULT
    backends = read_backends(section, base)
    pool = PoolConfig(
        name=name,
        backends=backends,
        policy=take("policy", choice(Policy), default.policy),
        connect_timeout=take("connect_timeout", duration(), default.connect_timeout),
        connect_attempts=take("connect_attempts", attempts, default.connect_attempts),
        when_down=take("when_down", choice(WhenDown), default.when_down),
        hold_timeout=take("hold_timeout", may_be_off, default.hold_timeout),
        queue_timeout=take("queue_timeout", may_be_off, default.queue_timeout),
        queue_limit=take("queue_limit", whole(0), default.queue_limit),
        slow_start=take("slow_start", duration(zero=True), default.slow_start),
        drop_when_down=take("drop_when_down", boolean, default.drop_when_down),
        required=take("required", boolean, default.required),
        resolve_interval=take("resolve_interval", may_be_off, default.resolve_interval),
        source=_read_source(section),
        send_proxy=read_send_proxy(section),
        tls=read_pool_tls(section.table_at("tls"), base) if "tls" in section else None,
        health=_read_health(section),
        outlier=read_outlier(section.table_at("outlier")) if "outlier" in section else None,
        faults=read_faults(section, backends=[backend.name for backend in backends]),
    )
    _report_useless_hold(section)
    _report_half_an_address(section, pool)
    _report_other_family(section, pool)
    _report_checks_beyond_the_pool(section, pool)
    _report_nameless_tls(section, pool)
    return pool


def _read_source(section: TableReader) -> tuple[IP, ...]:
    """Read the addresses to dial from, one for each IP version at most."""
    found = [section.parse(path, item, ip, None) for path, item in section.items("source")]
    source = tuple(each for each in found if each is not None)
    if len({each.version for each in source}) < len(source):
        section.problem("source", "takes one address of each IP version at most")
    return source


def _read_health(section: TableReader) -> HealthConfig:
    if section.table.get("backends") != ORIGINAL_DESTINATION:
        return read_health(section.table_at("health"))
    if "health" in section:
        section.problem("health", "there is nobody to check: the clients choose the address")
    return HealthConfig(type=CheckType.NONE)


def _report_checks_beyond_the_pool(section: TableReader, pool: PoolConfig) -> None:
    if pool.health.tls and pool.tls is None:
        section.problem("health", "has tls = true, but the pool has no [tls] that says how")
    if pool.health.send_proxy and pool.send_proxy is None:
        section.problem("health", "has send_proxy = true, but the pool has no send_proxy")


def _report_nameless_tls(section: TableReader, pool: PoolConfig) -> None:
    has_path = any(isinstance(backend.address, UnixAddress) for backend in pool.backends)
    if pool.tls is not None and pool.tls.verify and pool.tls.server_name is None and has_path:
        section.problem("tls", "needs a server_name to verify a Unix socket's backend by")


def _report_other_family(section: TableReader, pool: PoolConfig) -> None:
    versions = {ip.version for ip in pool.source}
    for backend in pool.backends if pool.source else ():
        address = backend.address
        if isinstance(address, InetAddress) and address.ip.version not in versions:
            section.problem(
                "source", f"has no IPv{address.ip.version} address to dial {address} from"
            )


def _report_useless_hold(section: TableReader) -> None:
    # Compared with what is written: a misspelt "hold" is one problem, not two.
    says_otherwise = section.table.get("when_down", "fail") in ("fail", "panic")
    if "hold_timeout" in section and says_otherwise:
        section.problem("hold_timeout", 'is only for when_down = "hold"')


def _report_half_an_address(section: TableReader, pool: PoolConfig) -> None:
    # A lone port or address replaces one half of the backend's own, and a path has no halves.
    has_path = any(isinstance(backend.address, UnixAddress) for backend in pool.backends)
    if has_path and (pool.health.port is None) != (pool.health.address is None):
        message = "to check a Unix socket's backend elsewhere, give both port and address"
        section.problem("health", message)
