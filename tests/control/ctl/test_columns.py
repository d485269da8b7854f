from __future__ import annotations

import pytest
from support.control_server import Request, backend_of, status_of

from trio_balancer.control.ctl.columns import BACKENDS, LISTENERS, NAME, Backend, why
from trio_balancer.control.ctl.fields import parts
from trio_balancer.control.ctl.table import write_table
from trio_balancer.control.ctl.terminal import Terminal


def row_of(backend: Request) -> str:
    _, [line] = write_table((NAME, *BACKENDS), [Backend("app", backend)], Terminal())
    return " ".join(line.split())


def test_a_backend_in_a_row() -> None:
    assert row_of(backend_of(1)) == (
        "s1 10.0.0.1:9000 up 1d 2h 10 1/200 0 999 0 0.4 ms 12 ms 1 kB 2 MB"
    )


def test_a_backend_that_an_operator_changed_and_that_fails() -> None:
    changed = backend_of(1, weight=5, max_connections=None, dial_failures=2, resets=1)
    assert " 5 (10) 1 0 999 3 " in row_of(changed)


def test_an_address_that_is_the_name_is_not_repeated() -> None:
    assert row_of(backend_of(1, name="10.0.0.1:9000")).count("10.0.0.1:9000") == 1


def test_what_an_older_balancer_does_not_tell_is_unknown() -> None:
    assert row_of({"name": "s1"}) == "s1 – – – – – 0 – – – –"


FAILING = {"check": {"passed": False, "detail": "timeout"}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ""),
        ({"reason": "connection refused"}, "connection refused"),
        ({"backup": True}, "backup"),
        ({"backup": True, "reason": "timeout"}, "backup; timeout"),
        (FAILING, "check failed: timeout"),
        ({"reason": "drained by the operator"} | FAILING, "drained by the operator"),
    ],
)
def test_why_a_backend_is_as_it_is(changes: Request, told: str) -> None:
    assert why(backend_of(1, **changes)) == told


def test_a_listener_in_a_row() -> None:
    _, [line] = write_table(LISTENERS, parts(status_of(), "listeners"), Terminal())
    assert " ".join(line.split()) == (
        "web 127.0.0.1:8080 [::1]:8080 app open 120/1000 35 12345 12 1.2 MB 3.4 GB"
    )
