from __future__ import annotations

from trio_balancer.faults import FaultError, FaultErrorCode


def test_it_says_why_for_machines_and_for_people() -> None:
    error = FaultError(FaultErrorCode.EXISTS, "there is one")
    assert error.code is FaultErrorCode.EXISTS
    assert str(error) == "there is one"
