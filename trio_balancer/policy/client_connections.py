"""How many connections each client has; who has none is not remembered."""

from __future__ import annotations

import attrs

from trio_balancer.policy.client_key import Key, network_key


@attrs.define(eq=False)
class ClientConnections:
    """The connections of one listener; clients are given by the keys of their addresses."""

    ipv6_prefix: int
    total: int = attrs.field(default=0, init=False)
    _by_client: dict[Key, int] = attrs.field(factory=dict, init=False)
    #: What the other is made of anew when an IPv6 client becomes a network of another size.
    _by_address: dict[Key, int] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        """How many clients are connected."""
        return len(self._by_client)

    def of(self, address: Key) -> int:
        """Return how many connections the client has to whom the address belongs."""
        return self._by_client.get(network_key(address, self.ipv6_prefix), 0)

    def join(self, address: Key) -> None:
        """Count a connection."""
        self.total += 1
        _add(self._by_address, address, 1)
        _add(self._by_client, network_key(address, self.ipv6_prefix), 1)

    def leave(self, address: Key) -> None:
        """Count one connection less; it must have joined."""
        _remove(self._by_address, address)
        _remove(self._by_client, network_key(address, self.ipv6_prefix))
        self.total -= 1

    def regroup(self, ipv6_prefix: int) -> None:
        """Count an IPv6 client by a network of another size."""
        self.ipv6_prefix = ipv6_prefix
        self._by_client.clear()
        for address, connections in self._by_address.items():
            _add(self._by_client, network_key(address, ipv6_prefix), connections)


def _add(counts: dict[Key, int], key: Key, count: int) -> None:
    counts[key] = counts.get(key, 0) + count


def _remove(counts: dict[Key, int], key: Key) -> None:
    left = counts[key] - 1
    if left:
        counts[key] = left
    else:
        del counts[key]
