"""What a valid configuration says of the PROXY protocol, as frozen values."""

from __future__ import annotations

from enum import Enum

import attrs

from trio_balancer.config.networks import IPNetwork


class ProxyVersion(Enum):
    """The version of the headers that are sent; both are always understood."""

    V1 = "v1"
    V2 = "v2"


class SendProxyOption(Enum):
    """What a header of version 2 says beside the addresses."""

    CRC32C = "crc32c"
    AUTHORITY = "authority"
    ALPN = "alpn"
    UNIQUE_ID = "unique-id"
    SSL = "ssl"


@attrs.frozen
class ProxyProtocolConfig:
    """`[listeners.NAME.proxy_protocol]`: who must send a header, and is believed.

    `trusted` are the networks of the list, and `trusts_unix` says whether it has "unix:", which
    stands for all clients without an IP address.
    """

    trusted: tuple[IPNetwork, ...]
    trusts_unix: bool = False


@attrs.frozen
class SendProxyConfig:
    """`send_proxy` and `send_proxy_options` of a pool: the headers that its backends get."""

    version: ProxyVersion
    options: frozenset[SendProxyOption] = frozenset()
