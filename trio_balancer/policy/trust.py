"""Whose PROXY header is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    from trio_balancer.config.model_proxy import ProxyProtocolConfig
    from trio_balancer.wire.address import SocketAddress


class Trust:
    """The trusted networks of a listener, at the price of one look-up per prefix length."""

    def __init__(self, config: ProxyProtocolConfig) -> None:
        self._trusts_unix = config.trusts_unix
        # The leading bits of each network, by IP version and the number of bits after them.
        self._networks: dict[tuple[int, int], set[int]] = {}
        for each in config.trusted:
            rest = each.max_prefixlen - each.prefixlen
            leading = int(each.network_address) >> rest
            self._networks.setdefault((each.version, rest), set()).add(leading)

    def trusts(self, address: SocketAddress) -> bool:
        """Tell whether the peer at this address, the socket's own, is to be believed."""
        if not isinstance(address, InetAddress):
            return self._trusts_unix
        bits, ip_version = int(address.ip), address.ip.version
        return any(
            version == ip_version and bits >> rest in leading
            for (version, rest), leading in self._networks.items()
        )
