"""`[listeners.NAME.proxy_protocol]`, and `send_proxy` of a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model_proxy import (
    ProxyProtocolConfig,
    ProxyVersion,
    SendProxyConfig,
    SendProxyOption,
)
from trio_balancer.config.networks import IPNetwork, network
from trio_balancer.config.values import choice

if TYPE_CHECKING:
    from trio_balancer.config.reader import TableReader

_UNIX = "unix:"


def read_proxy_protocol(section: TableReader) -> ProxyProtocolConfig:
    """Read one `[listeners.NAME.proxy_protocol]`; without `trusted` it would believe nobody."""
    items = section.items("trusted")
    if not items:
        section.problem("trusted", "at least one network is needed: whose headers are believed")
    parsed = [section.parse(path, item, _network_or_unix, None) for path, item in items]
    networks = tuple(one for one in parsed if one is not None and not isinstance(one, str))
    return ProxyProtocolConfig(networks, trusts_unix=_UNIX in parsed)


def _network_or_unix(value: object) -> IPNetwork | str:
    return _UNIX if value == _UNIX else network(value)


def read_send_proxy(section: TableReader) -> SendProxyConfig | None:
    """Read the two keys from `[pools.NAME]`; None where no headers are sent."""
    version = section.take("send_proxy", choice(ProxyVersion), None)
    parse = choice(SendProxyOption)
    items = section.items("send_proxy_options")
    parsed = [section.parse(path, item, parse, None) for path, item in items]
    _report_useless_options(section)
    if version is None:
        return None
    return SendProxyConfig(version, frozenset(one for one in parsed if one is not None))


def _report_useless_options(section: TableReader) -> None:
    # Compared with what is written: a misspelt version is one problem, not two.
    cannot_carry = section.table.get("send_proxy", "v1") == "v1"
    if "send_proxy_options" in section and cannot_carry:
        section.problem("send_proxy_options", 'are only for send_proxy = "v2"')
