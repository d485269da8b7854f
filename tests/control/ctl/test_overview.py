from __future__ import annotations

import pytest
from support.control_server import Request, backend_of, pool_of, status_of

from trio_balancer.control.ctl.columns import Backend
from trio_balancer.control.ctl.overview import backends_of, describe, describe_pool
from trio_balancer.control.ctl.terminal import Style


def test_a_balancer_in_two_lines() -> None:
    assert list(describe(status_of())) == [
        ("trio-balancer 0.1.0, pid 4711, up 1d 2h, ready, /etc/balancer.toml", Style.BOLD),
        (
            "120/4000 connections, 35/s (max 120), 12345 accepted, 12 refused, ↑1.2 MB ↓3.4 GB",
            Style.PLAIN,
        ),
    ]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"ready": False, "draining": True}, "draining"),
        ({"ready": False, "draining": False}, "not ready"),
    ],
)
def test_a_balancer_that_is_not_ready(changes: Request, state: str) -> None:
    (line, _), *_ = describe(status_of() | {"config_file": None} | changes)
    assert line == f"trio-balancer 0.1.0, pid 4711, up 1d 2h, {state}"


def test_trouble_is_told_in_a_line_of_its_own() -> None:
    troubled = status_of(
        reloads={"last_error": "there is no pool 'ap'\nno such key"},
        connections={"accept_errors": 1, "bugs": 2, "filter_errors": 3, "limit": None},
        log={"dropped": 4},
    )
    *_, (does, _), (trouble, style) = describe(troubled)
    assert does.startswith("0 connections, ")
    assert style is Style.BAD
    assert trouble == (
        "the last reload changed nothing: there is no pool 'ap'; no such key;"
        " 1 failed accept; 2 bugs; 3 failed filters; 4 log lines dropped"
    )


def test_the_backends_of_a_pool_know_its_name() -> None:
    [backend] = backends_of(pool_of([backend_of(1)]))
    assert (backend.pool, backend.name) == ("app", "s1")
    assert isinstance(backend, Backend)


def test_a_pool_in_one_line() -> None:
    pool = pool_of([backend_of(1), backend_of(2, state="down")])
    assert describe_pool(pool | {"queued": 2, "held": 1}) == (
        "round-robin, 1 of 2 backends up, 120 active, 3 waiting, connects in 0.4 ms, p99 12 ms"
    )


def test_a_pool_that_has_dialled_nobody_yet() -> None:
    pool = pool_of([backend_of(1)]) | {"connect_p50": None, "connect_p99": None}
    assert describe_pool(pool) == "round-robin, 1 of 1 backend up, 120 active"
