from __future__ import annotations

from trio_balancer.control.history import ReloadHistory


def test_failures_are_counted_and_the_last_error_is_that_of_the_last_reload() -> None:
    history = ReloadHistory()
    history.gave_up(1.0, "no such file")
    assert (history.count, history.failed, history.last_error, history.last_at) == (
        1,
        1,
        "no such file",
        1.0,
    )
    history.succeeded(2.0)
    assert (history.count, history.failed, history.last_error, history.last_at) == (
        2,
        1,
        None,
        2.0,
    )
