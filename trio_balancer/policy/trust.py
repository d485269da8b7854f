"""Whose PROXY header is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model_access import NetworkList
from trio_balancer.policy.cidr import NetworkRules

if TYPE_CHECKING:
    from trio_balancer.config.model_proxy import ProxyProtocolConfig
    from trio_balancer.wire.address import SocketAddress


class Trust:
    """The trusted networks of a listener, at the price of one look-up per prefix length."""

    def __init__(self, config: ProxyProtocolConfig) -> None:
        trusted = NetworkList(config.trusted, config.trusts_unix)
        self._rules = NetworkRules(trusted, NetworkList())

    def trusts(self, address: SocketAddress) -> bool:
        """Tell whether the peer at this address, the socket's own, is to be believed."""
        return self._rules.find(address) is not None
