from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trio_balancer.config.model_health import HealthConfig
from trio_balancer.health.target import target_of
from trio_balancer.wire.address import Address, InetAddress, NamedAddress, parse_address

if TYPE_CHECKING:
    import trio

    from trio_balancer.flow.names import Names
    from trio_balancer.testing import MemoryNetwork


@pytest.mark.parametrize(
    ("health", "backend", "asked", "host"),
    [
        (HealthConfig(), "192.0.2.1:80", "192.0.2.1:80", "192.0.2.1:80"),
        (HealthConfig(), "[fe80::1%eth0]:80", "[fe80::1%eth0]:80", "[fe80::1]:80"),
        (HealthConfig(), "db.example:80", "db.example:80", "db.example:80"),
        (HealthConfig(port=81), "192.0.2.1:80", "192.0.2.1:80", "192.0.2.1:81"),
        (HealthConfig(port=81), "db.example:80", "db.example:80", "db.example:81"),
        (HealthConfig(address="::1"), "192.0.2.1:80", "[::1]:80", "[::1]:80"),
        (HealthConfig(address="a.example"), "192.0.2.1:80", "a.example:80", "a.example:80"),
        (HealthConfig(address="::1", port=81), "a.example:80", "[::1]:81", "[::1]:81"),
        (HealthConfig(), "unix:/run/app", "unix:/run/app", "localhost"),
        (HealthConfig(port=81), "unix:/run/app", "unix:/run/app", "localhost"),
        (HealthConfig(address="::1"), "unix:/run/app", "unix:/run/app", "localhost"),
        (HealthConfig(address="::1", port=81), "unix:/run/app", "[::1]:81", "[::1]:81"),
    ],
)
def test_where_a_backend_is_checked(
    health: HealthConfig, backend: str, asked: str, host: str
) -> None:
    target = target_of(health, parse_address(backend))
    assert str(target.address) == asked
    assert target.http_host() == host


@pytest.mark.parametrize(
    ("health", "backend", "dialled"),
    [
        (HealthConfig(), "192.0.2.1:80", ["192.0.2.1:80"]),
        (HealthConfig(port=81), "192.0.2.1:80", ["192.0.2.1:81"]),
        (HealthConfig(), "unix:/run/app", ["unix:/run/app"]),
        (HealthConfig(port=81), "unix:/run/app", ["unix:/run/app"]),
        (HealthConfig(), "db.example:80", ["192.0.2.1:80", "[2001:db8::1]:80"]),
        (HealthConfig(port=81), "db.example:80", ["192.0.2.1:81", "[2001:db8::1]:81"]),
        (HealthConfig(), "other.example:80", []),
    ],
)
async def test_what_is_dialled(  # noqa: PLR0917 - fixtures and a table
    network: MemoryNetwork,
    names: Names,
    nursery: trio.Nursery,
    health: HealthConfig,
    backend: str,
    dialled: list[str],
) -> None:
    network.names["db.example"] = [_inet("192.0.2.1:1"), _inet("[2001:db8::1]:1")]
    name = parse_address("db.example:80")
    assert isinstance(name, NamedAddress)
    await nursery.start(names.keep_resolving, name, 30.0)
    target = target_of(health, parse_address(backend))
    assert [str(address) for address in target.socket_addresses(names)] == dialled
    nursery.cancel_scope.cancel()


def _inet(text: str) -> InetAddress:
    address: Address = parse_address(text)
    assert isinstance(address, InetAddress)
    return address
