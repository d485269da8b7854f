"""The access rules of a listener at work: who is admitted, and who is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.policy.cidr import NetworkRules
from trio_balancer.policy.client_buckets import ClientBuckets
from trio_balancer.policy.client_connections import ClientConnections
from trio_balancer.policy.client_key import address_key
from trio_balancer.policy.hours import Hours
from trio_balancer.policy.rate import TokenBucket
from trio_balancer.policy.refusal import Refusal

if TYPE_CHECKING:
    from trio_balancer.config.model_access import AccessConfig
    from trio_balancer.policy.client_key import Key
    from trio_balancer.wire.address import SocketAddress

# The keys of the configuration behind each refusal that is no rule for a network.
_KEYS = {
    Refusal.NOT_ALLOWED: "allow",
    Refusal.OUTSIDE_HOURS: "hours",
    Refusal.PER_CLIENT_LIMIT: "max_per_client",
    Refusal.PER_CLIENT_RATE: "rate_per_client",
    Refusal.RATE: "rate",
}


@attrs.frozen
class Decision:
    """What would become of a client (None: admitted), and by which rule."""

    refusal: Refusal | None
    rule: str

    def __str__(self) -> str:
        if self.refusal is None:
            return f"admitted by {self.rule}"
        return f"refused by {self.rule}: {self.refusal.sentence}"


@attrs.frozen
class AccessStatistics:
    """One listener's clients at one moment.

    `clients` have `connections`; `buckets` are of those that connected lately, and never more
    than `max_clients`.
    """

    connections: int
    clients: int
    buckets: int
    max_clients: int


class Access:
    """The rules of one listener.

    `now` is monotonic seconds, `wall` Unix seconds. Of who is admitted, `leave` must tell once
    that its connection has ended. A refused client is not counted and takes no token.
    """

    def __init__(self, config: AccessConfig, now: float) -> None:
        self._config = config
        self._rules = NetworkRules(config.allow, config.deny)
        self._hours = Hours(config.hours)
        self._connections = ClientConnections(config.ipv6_prefix)
        self._buckets = _new_buckets(config)
        self._bucket = _new_bucket(config, now)

    def admit(self, client: SocketAddress, now: float, wall: float) -> Refusal | None:
        """Count a client in, or say why it is refused."""
        refusal = self._judge(client, now, wall)
        if refusal is None:
            self._count(address_key(client), now)
        return refusal

    def leave(self, client: SocketAddress) -> None:
        """Count an admitted client out."""
        self._connections.leave(address_key(client))

    def explain(self, client: SocketAddress, now: float, wall: float) -> Decision:
        """Say what `admit` would do, and by which rule; nothing is counted."""
        refusal = self._judge(client, now, wall)
        if refusal in _KEYS:
            return Decision(refusal, _KEYS[refusal])
        return Decision(refusal, str(self._rules.find(client) or "default: no rule matches"))

    def is_open(self, wall: float) -> bool:
        """Whether the hours allow clients at this moment."""
        return self._hours.is_open(wall)

    def next_change(self, wall: float) -> float | None:
        """Return when the hours next begin or end (Unix seconds).

        None where they do not for more than a year.
        """
        return self._hours.next_change(wall)

    def reconfigure(self, config: AccessConfig, now: float) -> None:
        """Go by another configuration; nobody who was admitted is cut.

        Connections stay counted. Buckets are new and full where their rate is another, or the
        network that counts as one client.
        """
        old, self._config = self._config, config
        if (old.allow, old.deny) != (config.allow, config.deny):
            self._rules = NetworkRules(config.allow, config.deny)
        self._hours = Hours(config.hours)
        if old.rate != config.rate:
            self._bucket = _new_bucket(config, now)
        self._reconfigure_clients(old, config, now)

    def _reconfigure_clients(self, old: AccessConfig, new: AccessConfig, now: float) -> None:
        if old.ipv6_prefix != new.ipv6_prefix:
            self._connections.regroup(new.ipv6_prefix)
        if (old.ipv6_prefix, old.rate_per_client) != (new.ipv6_prefix, new.rate_per_client):
            self._buckets = _new_buckets(new)
        elif self._buckets is not None:
            self._buckets.resize(new.max_clients, now)

    def statistics(self) -> AccessStatistics:
        """Take a snapshot."""
        return AccessStatistics(
            connections=self._connections.total,
            clients=len(self._connections),
            buckets=0 if self._buckets is None else len(self._buckets),
            max_clients=self._config.max_clients,
        )

    def _judge(self, client: SocketAddress, now: float, wall: float) -> Refusal | None:
        """Return the first reason against a client; the listener's own rate is asked last."""
        return (
            self._judge_address(client)
            or self._judge_hours(wall)
            or self._judge_client(address_key(client), now)
            or self._judge_rate(now)
        )

    def _judge_address(self, client: SocketAddress) -> Refusal | None:
        rule = self._rules.find(client)
        if rule is None:
            return None if self._config.allow is None else Refusal.NOT_ALLOWED
        return None if rule.allow else Refusal.DENIED

    def _judge_hours(self, wall: float) -> Refusal | None:
        return None if self._hours.is_open(wall) else Refusal.OUTSIDE_HOURS

    def _judge_client(self, address: Key, now: float) -> Refusal | None:
        most = self._config.max_per_client
        if most is not None and self._connections.of(address) >= most:
            return Refusal.PER_CLIENT_LIMIT
        if self._buckets is not None and not self._buckets.has_token(address, now):
            return Refusal.PER_CLIENT_RATE
        return None

    def _judge_rate(self, now: float) -> Refusal | None:
        limit = self._config.rate
        if limit is None or self._bucket.has_token(limit, now):
            return None
        return Refusal.RATE

    def _count(self, address: Key, now: float) -> None:
        self._connections.join(address)
        if self._buckets is not None:
            self._buckets.take(address, now)
        if self._config.rate is not None:
            self._bucket.take(self._config.rate, now)


def _new_buckets(config: AccessConfig) -> ClientBuckets | None:
    if config.rate_per_client is None:
        return None
    return ClientBuckets(config.rate_per_client, config.ipv6_prefix, config.max_clients)


def _new_bucket(config: AccessConfig, now: float) -> TokenBucket:
    return TokenBucket(0 if config.rate is None else config.rate.burst, now)
