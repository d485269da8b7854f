from __future__ import annotations

from trio_balancer.flow.log_limit import LineLimiter


def test_the_first_line_passes_and_the_next_second_tells_what_it_missed() -> None:
    limiter = LineLimiter()

    assert limiter.admit("accept", 10.0) == 0
    assert limiter.admit("accept", 10.0) is None
    assert limiter.admit("accept", 10.9) is None
    assert limiter.admit("accept", 11.0) == 2
    assert limiter.admit("accept", 12.0) == 0
    assert limiter.suppressed == 2


def test_kinds_do_not_hold_each_other_back() -> None:
    limiter = LineLimiter()

    assert limiter.admit("accept", 10.0) == 0
    assert limiter.admit("refused", 10.0) == 0


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    limiter = LineLimiter()

    assert limiter.admit("accept", 5000.0) == 0
    assert limiter.admit("accept", 5000.5) is None
    assert limiter.admit("accept", 100.0) == 1
    assert limiter.admit("accept", 100.5) is None
