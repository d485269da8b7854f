from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scale import scaled

from trio_balancer.config.model_access import RateLimit
from trio_balancer.policy.client_buckets import ClientBuckets
from trio_balancer.policy.client_key import address_key
from trio_balancer.policy.rate import TokenBucket
from trio_balancer.wire.address import inet_address

VICTIM = 10**9


def take(buckets: ClientBuckets, client: int, now: float) -> bool:
    """Take a token of the client's if there is one."""
    there = buckets.has_token(client, now)
    if there:
        buckets.take(client, now)
    return there


def drain(buckets: ClientBuckets, client: int, now: float) -> int:
    """Take all that a client has; return how many tokens that was."""
    tokens = 0
    while take(buckets, client, now):
        tokens += 1
    return tokens


def crowd(buckets: ClientBuckets, clients: range, now: float) -> None:
    """Let each of many clients take a token."""
    for client in clients:
        assert take(buckets, client, now)


def test_each_client_has_a_bucket_of_its_own() -> None:
    buckets = ClientBuckets(RateLimit(1, 1.0, 3), 64, 10)
    assert [drain(buckets, client, 0.0) for client in (1, 2, 1)] == [3, 3, 0]
    assert [drain(buckets, client, 1.0) for client in (1, 2)] == [1, 1]


def test_an_ipv6_network_has_one() -> None:
    buckets = ClientBuckets(RateLimit(1, 1.0, 1), 64, 10)
    hosts = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    keys = [address_key(inet_address(host, 1)) for host in hosts]
    buckets.take(keys[0], 0.0)
    assert [buckets.has_token(key, 0.0) for key in keys] == [False, False, True]


def test_who_only_asks_is_not_remembered() -> None:
    buckets = ClientBuckets(RateLimit(1, 1.0, 1), 64, 10)
    assert buckets.has_token(1, 0.0)
    assert len(buckets) == 0


def test_full_buckets_are_dropped_as_others_come() -> None:
    buckets = ClientBuckets(RateLimit(1, 1.0, 1), 64, 1000)
    crowd(buckets, range(100), now=0.0)
    crowd(buckets, range(100, 200), now=0.5)
    assert len(buckets) == 200
    crowd(buckets, range(200, 300), now=1.2)
    assert len(buckets) == 200
    assert not any(buckets.has_token(client, 1.2) for client in range(100, 300))


@pytest.mark.heavy
@pytest.mark.parametrize("rate", [RateLimit(1000, 1.0, 1000), RateLimit(1, 3600.0, 5)])
def test_a_million_clients_stay_within_bounds(rate: RateLimit) -> None:
    buckets = ClientBuckets(rate, 64, 1000)
    most = 0
    for client in range(scaled(1_000_000)):
        buckets.take(client, client * 1e-4)
        most = max(most, len(buckets))
    assert most <= 1000


@pytest.mark.heavy
def test_a_crowd_does_not_make_a_drained_bucket_forgotten() -> None:
    buckets = ClientBuckets(RateLimit(1, 3600.0, 10), 64, 100)
    assert drain(buckets, VICTIM, 0.0) == 10
    crowd(buckets, range(scaled(1_000_000)), now=1.0)
    assert not buckets.has_token(VICTIM, 1.0)


def test_to_be_forgotten_again_takes_many_others() -> None:
    """Everybody takes all there is, so that the one is worth no more than the others."""
    size = 400
    buckets = ClientBuckets(RateLimit(1, 3600.0, 10), 64, size)
    drain(buckets, VICTIM, 0.0)
    forgotten_after, others = [], 0
    for client in range(20 * size):
        drain(buckets, client, 1.0)
        others += 1
        if drain(buckets, VICTIM, 1.0):
            forgotten_after.append(others)
            others = 0
    assert forgotten_after
    assert min(forgotten_after) >= size // 4


def test_a_smaller_table_forgets_at_once() -> None:
    buckets = ClientBuckets(RateLimit(1, 3600.0, 10), 64, 100)
    crowd(buckets, range(100), now=0.0)
    drain(buckets, 50, 0.0)
    buckets.resize(7, 0.0)
    assert (len(buckets), buckets.max_clients) == (7, 7)
    assert not buckets.has_token(50, 0.0)
    buckets.resize(200, 0.0)
    crowd(buckets, range(1000, 1193), now=0.0)
    assert len(buckets) == 200


LIMITS = st.builds(RateLimit, st.integers(1, 50), st.sampled_from([1.0, 60.0]), st.integers(1, 5))
STEPS = st.lists(st.tuples(st.integers(0, 9), st.floats(0.0, 2.0)), max_size=150)


@given(LIMITS, STEPS)
def test_with_room_for_all_nobody_notices_that_full_buckets_are_dropped(
    limit: RateLimit, steps: list[tuple[int, float]]
) -> None:
    buckets, now = ClientBuckets(limit, 64, 10), 0.0
    model = {client: TokenBucket(limit.burst, now) for client in range(10)}
    for client, step in steps:
        now += step
        there = model[client].has_token(limit, now)
        assert take(buckets, client, now) is there
        if there:
            model[client].take(limit, now)
