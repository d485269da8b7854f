from __future__ import annotations

import json

from support.control_server import Request
from support.ctl_bench import Bench

ADMITTED: Request = {
    "client": "10.0.0.5:0",
    "listener": "web",
    "admitted": True,
    "access": "no access rules",
    "notes": ["the listener has as many connections as it may have"],
    "pool": "app",
    "policy": "round-robin",
    "backend": "s2",
    "why": "the choice of round-robin",
    "backends": [
        {
            "name": "s1",
            "state": "down",
            "reason": "connection refused",
            "weight": 1,
            "backup": False,
            "active": 0,
            "available": False,
        },
        {
            "name": "s2",
            "state": "up",
            "reason": "",
            "weight": 2,
            "backup": True,
            "active": 7,
            "available": True,
        },
    ],
}


def test_an_admitted_client_and_its_backend(ctl: Bench) -> None:
    ctl.will("explain", ADMITTED)
    assert ctl("explain", "10.0.0.5", "web", "--server-name", "a.example") == 0
    assert ctl.asked == {
        "do": "explain",
        "client": "10.0.0.5",
        "listener": "web",
        "server_name": "a.example",
    }
    assert ctl.said == (
        "10.0.0.5:0 at listener web: admitted\n"
        "  access: no access rules\n"
        "  pool: app, round-robin\n"
        "  backend: s2, the choice of round-robin\n"
        "  note: the listener has as many connections as it may have\n"
        "\n"
        "   BACKEND  STATE  TAKES MORE  WEIGHT  ACTIVE          WHY\n"
        "   s1       down   no               1       0          connection refused\n"
        "→  s2       up     yes              2       7  backup\n"
    )


def test_a_refused_client(ctl: Bench) -> None:
    refused = {"client": "10.6.6.6:0", "listener": "web", "admitted": False}
    ctl.will("explain", refused | {"access": "denied by 10.6.6.0/24", "notes": []})
    assert ctl("explain", "10.6.6.6", "web") == 0
    assert ctl.said == "10.6.6.6:0 at listener web: refused\n  access: denied by 10.6.6.0/24\n"


def test_a_client_whom_no_backend_can_take(ctl: Bench) -> None:
    ctl.will("explain", ADMITTED | {"backend": None, "why": "no backend of the pool is up"})
    assert ctl("explain", "10.0.0.5", "web") == 0
    assert "  backend: none, no backend of the pool is up\n" in ctl.said
    assert "→" not in ctl.said


def test_explained_as_json(ctl: Bench) -> None:
    ctl.will("explain", ADMITTED)
    assert ctl("explain", "10.0.0.5", "web", "--json") == 0
    assert json.loads(ctl.said) == ADMITTED
