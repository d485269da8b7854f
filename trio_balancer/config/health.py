"""`[pools.NAME.health]` and `[pools.NAME.outlier]`: how backends are found to be down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.addresses import host
from trio_balancer.config.model_health import CheckType, HealthConfig, Initial, OutlierConfig
from trio_balancer.config.values import (
    boolean,
    choice,
    duration,
    http_path,
    number,
    octets,
    status_ranges,
    visible_ascii,
    whole,
)
from trio_balancer.wire.address import MAX_PORT

if TYPE_CHECKING:
    from trio_balancer.config.reader import TableReader

_HEALTH = HealthConfig()
_OUTLIER = OutlierConfig()
_MANY = 1000

# The keys that only one type of check understands.
_OWNERS = {
    "path": CheckType.HTTP,
    "host": CheckType.HTTP,
    "status": CheckType.HTTP,
    "send": CheckType.EXPECT,
    "expect": CheckType.EXPECT,
}


def read_health(section: TableReader) -> HealthConfig:
    """Read `[pools.NAME.health]`."""
    take = section.take
    check = take("type", choice(CheckType), None)
    _report_foreign_keys(section, check)
    health = HealthConfig(
        type=check or _HEALTH.type,
        interval=take("interval", duration(), _HEALTH.interval),
        timeout=take("timeout", duration(), _HEALTH.timeout),
        rise=take("rise", whole(1, _MANY), _HEALTH.rise),
        fall=take("fall", whole(1, _MANY), _HEALTH.fall),
        initial=take("initial", choice(Initial), _HEALTH.initial),
        port=take("port", whole(1, MAX_PORT), None),
        address=take("address", host, None),
        path=take("path", http_path, _HEALTH.path),
        host=take("host", visible_ascii, None),
        status=take("status", status_ranges, _HEALTH.status),
        send=take("send", octets, _HEALTH.send),
        expect=take("expect", octets, _HEALTH.expect),
        tls=take("tls", boolean, None),
        send_proxy=take("send_proxy", boolean, None),
    )
    _report_useless_checks(section, health)
    return health


def _report_foreign_keys(section: TableReader, check: CheckType | None) -> None:
    if check is None and "type" in section:
        return  # a misspelt type says nothing about the other keys
    for key, owner in _OWNERS.items():
        if key in section and owner is not (check or _HEALTH.type):
            section.problem(key, f'is only for a check of type = "{owner.value}"')


def _report_useless_checks(section: TableReader, health: HealthConfig) -> None:
    if health.type is CheckType.EXPECT and "expect" not in section:
        section.problem("expect", "is required, but missing")
    if health.type is CheckType.NONE and health.initial is Initial.DOWN:
        section.problem("initial", "without checks the backends would never come up")


def read_outlier(section: TableReader) -> OutlierConfig:
    """Read `[pools.NAME.outlier]`."""
    take = section.take
    ejection = take("ejection", duration(), None)
    max_ejection = take("max_ejection", duration(off=True), _OUTLIER.max_ejection)
    if ejection is not None and max_ejection < ejection:
        section.problem("max_ejection", 'is shorter than ejection; it is "5m" where not given')
    return OutlierConfig(
        failures=take("failures", whole(1, _MANY), _OUTLIER.failures),
        ejection=ejection or _OUTLIER.ejection,
        max_ejection=max_ejection,
        max_ejected_percent=take(
            "max_ejected_percent", number(0, 100), _OUTLIER.max_ejected_percent
        ),
    )
