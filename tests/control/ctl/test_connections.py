from __future__ import annotations

import json

import pytest
from support.ctl_bench import Bench

LIVE = {
    "number": 17,
    "client": "10.0.0.5:4242",
    "listener": "web",
    "pool": "app",
    "backend": "s1",
    "phase": "data",
    "age": 93784.0,
    "bytes_up": 12,
    "bytes_down": 1_234_567,
}
WAITING = LIVE | {"number": 18, "backend": None, "phase": "waiting"}
GREETING = LIVE | {"number": 19, "backend": None, "pool": None, "phase": "greeting"}


def test_live_connections_are_listed(ctl: Bench) -> None:
    ctl.will("connections", [LIVE, WAITING, GREETING])
    assert ctl("connections", "--limit", "3") == 0
    assert ctl.asked == {"do": "connections", "limit": 3}
    head, live, waiting, greeting = ctl.said.splitlines()
    assert " ".join(head.split()) == (
        "NUMBER CLIENT LISTENER POOL/BACKEND PHASE AGE BYTES UP BYTES DOWN"
    )
    assert " ".join(live.split()) == "17 10.0.0.5:4242 web app/s1 data 1d 2h 12 B 1.23 MB"
    assert waiting.split()[3] == "app"
    assert greeting.split()[3] == "–"


def test_the_list_as_json(ctl: Bench) -> None:
    ctl.will("connections", [LIVE])
    assert ctl("connections", "--json") == 0
    assert json.loads(ctl.said) == [LIVE]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["17"], {"connection": 17}),
        (["--pool", "app"], {"pool": "app"}),
        (["--backend", "app/s1"], {"pool": "app", "backend": "s1"}),
        (["--client", "::1", "--pool", "app"], {"client": "::1", "pool": "app"}),
    ],
)
def test_kick(ctl: Bench, words: list[str], asked: dict[str, object]) -> None:
    ctl.will("kick", {"ended": 2})
    assert ctl("kick", *words) == 0
    assert ctl.asked == {"do": "kick", **asked}
    assert ctl.said == "ended 2 connections\n"


def test_nobody_is_kicked_by_accident(ctl: Bench) -> None:
    assert ctl("kick") == 2
    assert "kick whom? Say a connection, --pool" in ctl.complained


def test_rebalance(ctl: Bench) -> None:
    ctl.will("rebalance", {"pool": "app", "over": 60.0})
    assert ctl("rebalance", "app", "--over", "60s") == 0
    assert ctl.asked == {"do": "rebalance", "pool": "app", "over": 60.0}
    assert ctl.said == "pool app is rebalanced over 60 s\n"
