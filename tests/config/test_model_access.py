from __future__ import annotations

import datetime as dt

import pytest

from trio_balancer.config.model_access import RateLimit, Window


@pytest.mark.parametrize(("seconds", "per_second"), [(1.0, 30.0), (60.0, 0.5), (3600.0, 30 / 3600)])
def test_a_rate_per_second(seconds: float, per_second: float) -> None:
    assert RateLimit(30, seconds, 1).per_second == per_second


@pytest.mark.parametrize(
    ("start", "end", "crosses"),
    [(480, 1080, False), (0, 1440, False), (1320, 120, True), (480, 0, True)],
)
def test_what_ends_before_it_starts_ends_on_the_next_day(
    start: int,
    end: int,
    crosses: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert Window(frozenset({0}), start, end, dt.UTC).crosses_midnight is crosses
