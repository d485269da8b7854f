from __future__ import annotations

from trio_balancer.faults import on_listener, on_pool


def test_a_listener_and_a_pool_of_one_name_are_two() -> None:
    assert on_listener("app") != on_pool("app")
    assert str(on_listener("app")) == "listeners.app"
    assert str(on_pool("app")) == "pools.app"
