from __future__ import annotations

from trio_balancer.policy.state import Admin, State, Unavailable


def test_what_an_operator_may_ask_for_is_also_what_people_see() -> None:
    states = {state.value for state in State}
    assert {admin.value for admin in Admin} - states == {"ready"}
    assert states == {"up", "down", "drain", "maintenance"}


def test_the_two_reasons_for_no_lease() -> None:
    assert [reason.value for reason in Unavailable] == ["down", "full"]
