from __future__ import annotations

import pytest
from support.ctl_bench import Bench

WEB = "listeners.web"
FAULT = {
    "on": WEB,
    "name": "slow",
    "type": "latency",
    "stream": "upstream",
    "attributes": {"latency": 100, "jitter": 0},
    "toxicity": 0.5,
}


def test_list(ctl: Bench) -> None:
    ctl.will("faults", [FAULT])
    assert ctl("fault", "list") == 0
    assert ctl.said == f"{WEB} slow latency upstream latency=100 jitter=0 toxicity=0.5\n"
    assert ctl("fault", "list", "--json") == 0
    assert ctl.said.startswith("[")


def test_add(ctl: Bench) -> None:
    ctl.will("add_fault", FAULT)
    words = ["--name", "slow", "-a", "latency=100", "--attribute", "jitter=5", "--upstream"]
    assert ctl("fault", "add", WEB, "latency", *words, "--toxicity", "0.5") == 0
    assert ctl.asked == {
        "do": "add_fault",
        "on": WEB,
        "fault": {
            "type": "latency",
            "attributes": {"latency": 100, "jitter": 5},
            "name": "slow",
            "toxicity": 0.5,
            "stream": "upstream",
        },
    }
    assert ctl.said == f"{WEB} has the fault slow\n"


def test_add_for_some_connections(ctl: Bench) -> None:
    ctl.will("add_fault", FAULT)
    match = ["--match", "nth=3", "--match", "client=10.0.0.0/8", "--match", "backend=one"]
    assert ctl("fault", "add", WEB, "reset", "-n", "third", "-u", *match) == 0
    assert ctl.asked["fault"] == {
        "type": "reset",
        "attributes": {},
        "name": "third",
        "match": {"nth": 3, "client": "10.0.0.0/8", "backend": "one"},
        "stream": "upstream",
    }
    ctl.will("faults", [{**FAULT, "match": {"nth": 3, "client": "10.0.0.0/8"}}])
    assert ctl("fault", "list") == 0
    assert ctl.said.endswith(" toxicity=0.5 match.nth=3 match.client=10.0.0.0/8\n")


def test_add_with_all_defaults(ctl: Bench) -> None:
    ctl.will("add_fault", FAULT)
    assert ctl("fault", "add", "pools.app", "refuse") == 0
    assert ctl.asked["fault"] == {"type": "refuse", "attributes": {}}


def test_remove(ctl: Bench) -> None:
    ctl.will("remove_fault", FAULT)
    assert ctl("fault", "remove", WEB, "slow") == 0
    assert ctl.asked == {"do": "remove_fault", "on": WEB, "name": "slow"}
    assert ctl.said == f"{WEB} has the fault slow no more\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", WEB], "and its type"),
        (["remove"], "and its name"),
        (["add", WEB, "latency", "-a", "latency"], "expected KEY=NUMBER"),
        (["add", WEB, "latency", "-a", "latency=long"], "expected KEY=NUMBER"),
        (["add", WEB, "latency", "-a", "=1"], "expected KEY=NUMBER"),
        (["add", WEB, "latency", "--match", "nth"], "expected KEY=VALUE"),
        (["add", WEB, "latency", "--match", "nth="], "expected KEY=VALUE"),
        (["toggle"], "invalid choice"),
    ],
)
def test_what_makes_no_sense(ctl: Bench, words: list[str], said: str) -> None:
    assert ctl("fault", *words) == 2
    assert said in ctl.complained
