from __future__ import annotations

import json

from hypothesis import given
from support.any_json import strange
from support.control_server import Request, backend_of, pool_of, status_of
from support.ctl_bench import Bench

from trio_balancer.control.ctl.status import write_status
from trio_balancer.control.ctl.terminal import Terminal


def test_the_status_is_a_table_for_people(ctl: Bench) -> None:
    ctl.will("status", status_of())
    assert ctl("status") == 0
    lines = ctl.said.splitlines()
    assert lines[0].startswith("trio-balancer 0.1.0, pid 4711")
    assert lines[3].startswith("LISTENER  ADDRESS")
    assert lines[6] == (
        "pool app: round-robin, 3 of 3 backends up, 120 active, connects in 0.4 ms, p99 12 ms"
    )
    assert [line.split()[0] for line in lines[7:]] == ["BACKEND", "s1", "s2", "s3"]


def test_what_was_removed_has_a_table_of_its_own(ctl: Bench) -> None:
    listener = {"what": "listener", "name": "old", "pool": None, "address": None, "active": 2}
    backend = {"what": "backend", "name": "s9", "pool": "app", "address": "10.0.0.9:9000"}
    ctl.will("status", status_of(leaving=[listener, {**backend, "active": 1}]))
    assert ctl("status") == 0
    assert ctl.said.splitlines()[-4:] == [
        "",
        "REMOVED       ADDRESS        STILL ACTIVE",
        "listener old                            2",
        "app/s9        10.0.0.9:9000             1",
    ]


def test_the_status_is_json_for_programs(ctl: Bench) -> None:
    ctl.will("status", status_of())
    assert ctl("status", "--json") == 0
    assert json.loads(ctl.said) == status_of()


def test_names_cannot_drive_the_terminal() -> None:
    hostile = pool_of([backend_of(1, name="\x1b[2J")]) | {"name": "\u202e"}
    told = list(write_status(status_of(pools=[hostile]), Terminal()))
    assert all(line.isprintable() for line in told)


@given(strange())
def test_the_status_of_another_version_is_no_traceback(status: Request) -> None:
    assert all(line.isprintable() for line in write_status(status, Terminal(width=80)))


def test_a_status_of_nothing_is_no_traceback() -> None:
    first, *_ = write_status({}, Terminal(width=40))
    assert first == "trio-balancer , pid 0, up –, not ready"
