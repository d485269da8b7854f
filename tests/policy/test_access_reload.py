from __future__ import annotations

import attrs
from support.access import (
    ALICE,
    BOB,
    CAROL,
    NIGHT,
    NOON,
    OPEN_AT_NIGHT,
    admitted,
    burst_of,
    listed,
    start,
)

from trio_balancer.config.model_access import AccessConfig
from trio_balancer.policy.access import Access, AccessStatistics
from trio_balancer.policy.refusal import Refusal
from trio_balancer.wire.address import inet_address


def test_new_rules_hold_at_once_and_cut_nobody() -> None:
    access = start()
    assert [access.admit(ALICE, 0.0, NOON) for _ in range(3)] == [None] * 3
    strict = AccessConfig(
        deny=listed("192.0.2.2"), hours=(OPEN_AT_NIGHT,), max_per_client=3, rate=burst_of(2)
    )
    access.reconfigure(strict, 0.0)
    assert access.statistics().connections == 3
    assert access.admit(BOB, 0.0, NIGHT) is Refusal.DENIED
    assert access.admit(CAROL, 0.0, NOON) is Refusal.OUTSIDE_HOURS
    assert access.admit(ALICE, 0.0, NIGHT) is Refusal.PER_CLIENT_LIMIT
    access.leave(ALICE)
    assert access.admit(ALICE, 0.0, NIGHT) is None
    assert admitted(access, CAROL) == 1


def test_buckets_are_kept_unless_their_rate_is_another() -> None:
    config = AccessConfig(rate_per_client=burst_of(3), rate=burst_of(5))
    access = Access(config, 0.0)
    assert admitted(access, ALICE) == 3
    access.reconfigure(attrs.evolve(config, max_per_client=100), 0.0)
    assert (admitted(access, ALICE), admitted(access, BOB)) == (0, 2)
    access.reconfigure(attrs.evolve(config, rate=burst_of(6)), 0.0)
    assert (admitted(access, ALICE), admitted(access, BOB), admitted(access, CAROL)) == (0, 1, 3)
    access.reconfigure(attrs.evolve(config, rate_per_client=burst_of(1), rate=None), 0.0)
    assert admitted(access, ALICE) == 1
    access.reconfigure(AccessConfig(), 0.0)
    assert access.statistics().buckets == 0


def test_a_smaller_table_holds_at_once() -> None:
    config = AccessConfig(rate_per_client=burst_of(1))
    access = Access(config, 0.0)
    for client in (ALICE, BOB, CAROL):
        access.admit(client, 0.0, NOON)
    access.reconfigure(attrs.evolve(config, max_clients=2), 0.0)
    assert access.statistics() == AccessStatistics(3, 3, 2, 2)


def test_when_an_ipv6_client_becomes_a_larger_network_all_in_it_are_counted() -> None:
    one, other = (inet_address(host, 1) for host in ("2001:db8::1", "2001:db8:0:1::1"))
    config = AccessConfig(max_per_client=2)
    access = Access(config, 0.0)
    assert [access.admit(client, 0.0, NOON) for client in (one, other)] == [None, None]
    access.reconfigure(attrs.evolve(config, ipv6_prefix=48), 0.0)
    assert access.admit(one, 0.0, NOON) is Refusal.PER_CLIENT_LIMIT
    access.leave(other)
    assert access.admit(one, 0.0, NOON) is None
