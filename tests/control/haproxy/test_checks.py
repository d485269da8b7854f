from __future__ import annotations

import pytest

from trio_balancer.config.model_health import CheckType
from trio_balancer.control.haproxy.checks import check_columns, check_status
from trio_balancer.policy import LastCheck


@pytest.mark.parametrize(
    ("kind", "passed", "detail", "status"),
    [
        (CheckType.TCP, True, "connected", "L4OK"),
        (CheckType.TCP, False, "Connection refused", "L4CON"),
        (CheckType.TCP, False, "connected to itself", "L4CON"),
        (CheckType.TCP, False, "timeout after 1s", "L4TOUT"),
        (CheckType.HTTP, True, "status 200", "L7OK"),
        (CheckType.HTTP, False, "status 503", "L7STS"),
        (CheckType.HTTP, False, "Connection refused", "L4CON"),
        (CheckType.HTTP, False, "name does not resolve", "L4CON"),
        (CheckType.HTTP, False, "timeout after 1s", "L7TOUT"),
        (CheckType.HTTP, False, "no HTTP", "L7RSP"),
        (CheckType.EXPECT, True, "got +PONG", "L7OK"),
        (CheckType.EXPECT, False, "expected +PONG, got -ERR", "L7RSP"),
    ],
)
def test_results_have_haproxys_codes(
    kind: CheckType, *, passed: bool, detail: str, status: str
) -> None:
    assert check_status(kind, LastCheck(passed, detail, duration=0.1, at=1.0)).name == status


def test_before_the_first_check() -> None:
    assert check_columns(CheckType.TCP, None) == {
        "check_status": "INI",
        "check_desc": "Initializing",
    }


def test_columns_of_a_passed_check() -> None:
    assert check_columns(
        CheckType.TCP, LastCheck(passed=True, detail="connected", duration=0.0124, at=1.0)
    ) == {
        "check_status": "L4OK",
        "check_desc": "Layer4 check passed",
        "check_duration": 12,
    }


def test_columns_of_a_failed_check() -> None:
    assert check_columns(
        CheckType.HTTP, LastCheck(passed=False, detail="status 503", duration=0.0, at=1.0)
    ) == {
        "check_status": "L7STS",
        "check_desc": "Layer7 wrong status",
        "check_duration": 0,
        "check_code": 503,
        "last_chk": "status 503",
    }
