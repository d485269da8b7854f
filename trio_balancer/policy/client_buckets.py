"""A token bucket for each client, within bounds, however many clients there are.

A full bucket is what a stranger has, so it need not be kept: with each token taken, the next two
buckets in turn are looked at, and the full ones dropped. Where more than `max_clients` are left
even so, one is forgotten for each newcomer: the fullest of the next four.

So a crowd in which everybody comes once makes itself forgotten, not those who came often. Who is
forgotten may use a whole burst again; it takes a quarter of `max_clients` connections of others,
at the least, before that can happen again. Against more addresses than that there is `rate`.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs

from trio_balancer.config.model_access import RateLimit
from trio_balancer.policy.client_key import Key, network_key
from trio_balancer.policy.rate import TokenBucket

# Two for one that may have been added, so that the look-out keeps up.
_LOOKS = 2
_LOOKS_WHEN_FULL = 4


@attrs.define(eq=False)
class ClientBuckets:
    """The buckets of one listener; `now` is monotonic seconds.

    Clients are given by the keys of their addresses.
    """

    limit: RateLimit
    ipv6_prefix: int
    max_clients: int
    #: In the order in which they are looked at.
    _buckets: OrderedDict[Key, TokenBucket] = attrs.field(factory=OrderedDict, init=False)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._buckets)

    def has_token(self, address: Key, now: float) -> bool:
        """Whether a client may take a token; who only asks is not remembered."""
        key = network_key(address, self.ipv6_prefix)
        bucket = self._buckets.get(key) or self._new(now)
        return bucket.has_token(self.limit, now)

    def take(self, address: Key, now: float) -> None:
        """Take a client's token, which must be there."""
        key = network_key(address, self.ipv6_prefix)
        bucket = self._buckets.get(key)
        if bucket is None:
            self._buckets[key] = bucket = self._new(now)
        bucket.take(self.limit, now)
        self._tidy(now)

    def resize(self, max_clients: int, now: float) -> None:
        """Keep no more than so many from now on."""
        self.max_clients = max_clients
        while len(self) > max_clients:
            self._tidy(now)

    def _new(self, now: float) -> TokenBucket:
        return TokenBucket(self.limit.burst, now)

    def _tidy(self, now: float) -> None:
        """Look at the next few buckets: drop the full ones; forget one where that is not enough."""
        too_many = len(self) > self.max_clients
        looks = min(_LOOKS_WHEN_FULL if too_many else _LOOKS, len(self))
        seen = dict(self._buckets.popitem(last=False) for _ in range(looks))
        held = {key: bucket.holds(self.limit, now) for key, bucket in seen.items()}
        kept = {key: seen[key] for key in seen if held[key] < self.limit.burst}
        if too_many and len(kept) == len(seen):
            del kept[max(kept, key=held.__getitem__)]
        self._buckets.update(kept)
