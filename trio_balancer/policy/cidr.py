"""Allow and deny rules by network: the longest matching prefix wins, at equal length deny does.

There is one dict per prefix length that occurs, so a look-up costs the same with ten rules as
with a hundred thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_access import UNIX
from trio_balancer.config.networks import IPNetwork
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trio_balancer.config.model_access import NetworkList
    from trio_balancer.wire.address import SocketAddress

    # Pairs, the longest prefix first: how many bits of an address are no part of the prefix, and
    # the rules by the bits that are.
    Table = Sequence[tuple[int, dict[int, "Rule"]]]

_IPV4 = 4


@attrs.frozen
class Rule:
    """An entry of one of the lists; `network` is None for the word "unix:"."""

    allow: bool
    network: IPNetwork | None

    def __str__(self) -> str:
        return f"{'allow' if self.allow else 'deny'} {self.network or UNIX}"


class NetworkRules:
    """Both lists, ready to be searched; `allow` is None where there is no such list."""

    def __init__(self, allow: NetworkList | None, deny: NetworkList) -> None:
        # Deny comes last, and so replaces what allow says of the same network.
        rules = [*_rules(allow, allow=True), *_rules(deny, allow=False)]
        self._ipv4 = _table(rules, 4)
        self._ipv6 = _table(rules, 6)
        self._unix = next((rule for rule in reversed(rules) if rule.network is None), None)

    def find(self, client: SocketAddress) -> Rule | None:
        """Return the rule that decides about a client; None where none matches."""
        if isinstance(client, UnixAddress):
            return self._unix
        table = self._ipv4 if client.ip.version == _IPV4 else self._ipv6
        bits = int(client.ip)
        for rest, rules in table:
            rule = rules.get(bits >> rest)
            if rule is not None:
                return rule
        return None


def _rules(entries: NetworkList | None, *, allow: bool) -> Iterator[Rule]:
    if entries is None:
        return
    for network in entries.networks:
        yield Rule(allow, network)
    if entries.unix:
        yield Rule(allow, None)


def _table(rules: Iterable[Rule], version: int) -> Table:
    by_rest: dict[int, dict[int, Rule]] = {}
    for rule in rules:
        network = rule.network
        if network is not None and network.version == version:
            rest = network.max_prefixlen - network.prefixlen
            by_rest.setdefault(rest, {})[int(network.network_address) >> rest] = rule
    return sorted(by_rest.items())
