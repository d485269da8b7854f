from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trio_balancer.config.model_access import RateLimit
from trio_balancer.policy.rate import TokenBucket

LIMITS = st.builds(
    RateLimit,
    events=st.integers(1, 1000),
    seconds=st.sampled_from([1.0, 60.0, 3600.0]),
    burst=st.integers(1, 20),
)


def full(limit: RateLimit, now: float) -> TokenBucket:
    return TokenBucket(limit.burst, now)


def take(bucket: TokenBucket, limit: RateLimit, now: float) -> bool:
    """Take a token if there is one."""
    there = bucket.has_token(limit, now)
    if there:
        bucket.take(limit, now)
    return there


def taken(bucket: TokenBucket, limit: RateLimit, now: float, tries: int) -> int:
    """Return how many of so many tries at one moment succeed."""
    return sum(take(bucket, limit, now) for _ in range(tries))


@pytest.mark.parametrize("now", [0.0, 0.1, 1e6 + 1 / 3, 1e9])
@pytest.mark.parametrize("burst", [1, 3, 5000])
def test_a_full_bucket_holds_the_burst(now: float, burst: int) -> None:
    limit = RateLimit(3, 1.0, burst)
    assert taken(full(limit, now), limit, now, 10_000) == burst


def test_tokens_come_back_one_by_one() -> None:
    limit = RateLimit(10, 1.0, 2)
    bucket = full(limit, 5.0)
    assert taken(bucket, limit, 5.0, 9) == 2
    # A tenth of a second is no exact float, and three of them are not 0.3.
    assert [taken(bucket, limit, 5.0 + tick * 0.1, 9) for tick in range(1, 50)] == [1] * 49
    assert [taken(bucket, limit, 10.0 + tick * 0.05, 9) for tick in range(5)] == [1, 0, 1, 0, 1]


def test_while_the_time_stands_still_nothing_comes_back() -> None:
    limit = RateLimit(1000, 1.0, 1)
    assert taken(full(limit, 1e6), limit, 1e6, 1000) == 1


def test_a_time_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    limit = RateLimit(1, 1.0, 3)
    bucket = full(limit, 10.0)
    assert take(bucket, limit, 10.0)
    assert take(bucket, limit, 5.0)
    assert bucket.holds(limit, 10.0) == 1.0


@pytest.mark.parametrize("gap", [3600.0, 1e9])
def test_after_a_long_time_there_is_no_more_than_the_burst(gap: float) -> None:
    limit = RateLimit(100, 1.0, 7)
    bucket = full(limit, 1.0)
    assert taken(bucket, limit, 1.0, 100) == 7
    assert taken(bucket, limit, 1.0 + gap, 100) == 7


def test_it_does_not_drift() -> None:
    limit = RateLimit(3, 60.0, 1)
    bucket = full(limit, 1e6)
    minutes = 1000
    assert sum(take(bucket, limit, 1e6 + second) for second in range(60 * minutes)) == 3 * minutes


def test_what_is_taken_early_is_missing_later() -> None:
    limit = RateLimit(1, 1.0, 1)
    bucket = full(limit, 0.0)
    early = [0.9995 * tick for tick in range(10_000)]
    assert sum(take(bucket, limit, now) for now in early) <= early[-1] + 2


def test_asking_takes_nothing() -> None:
    limit = RateLimit(1, 1.0, 1)
    bucket = full(limit, 1.0)
    assert bucket.has_token(limit, 1.0)
    assert bucket.holds(limit, 1.0) == 1.0


@given(LIMITS, st.lists(st.integers(0, 5000), max_size=200))
def test_it_agrees_with_a_model_that_counts_fractions(limit: RateLimit, steps: list[int]) -> None:
    """The steps are milliseconds."""
    now = Fraction(1_000_000)
    bucket, tokens = full(limit, float(now)), Fraction(limit.burst)
    for step in steps:
        now += Fraction(step, 1000)
        tokens += Fraction(step, 1000) * limit.events / int(limit.seconds)
        tokens = min(tokens, Fraction(limit.burst))
        # At the very edge of what is still taken early, floats may round to either side.
        assume(abs(tokens - Fraction(999, 1000)) > Fraction(1, 10**6))
        assert take(bucket, limit, float(now)) is (tokens > Fraction(999, 1000))
        tokens -= tokens > Fraction(999, 1000)
