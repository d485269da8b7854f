from __future__ import annotations

import pytest
from support.ctl_bench import Bench

APP_S1 = {"pool": "app", "backend": "s1"}


@pytest.mark.parametrize(
    ("words", "asked", "said"),
    [
        (["app/s1"], APP_S1, "app/s1 drains\n"),
        (["app"], {"pool": "app"}, "app drains\n"),
        (["app", "--over", "60s"], {"pool": "app", "over": 60.0}, "app drains over 60 s\n"),
        (["--all"], {}, "the balancer drains\n"),
        (["--all", "--over", "5s"], {"over": 5.0}, "the balancer drains over 5 s\n"),
    ],
)
def test_drain(ctl: Bench, words: list[str], asked: dict[str, object], said: str) -> None:
    ctl.will("drain", {})
    assert ctl("drain", *words) == 0
    assert ctl.asked == {"do": "drain", **asked}
    assert ctl.said == said


def test_the_whole_balancer_is_not_drained_by_accident(ctl: Bench) -> None:
    assert ctl("drain") == 2
    assert "one of the arguments POOL[/BACKEND] --all is required" in ctl.complained


@pytest.mark.parametrize(
    ("state", "said"), [("up", "app/s1 is ready\n"), ("down", "app/s1 is ready, but down\n")]
)
def test_ready(ctl: Bench, state: str, said: str) -> None:
    ctl.will("ready", {**APP_S1, "state": state})
    assert ctl("ready", "app/s1") == 0
    assert ctl.asked == {"do": "ready", **APP_S1}
    assert ctl.said == said


def test_ready_of_a_whole_pool(ctl: Bench) -> None:
    ctl.will("ready", {"pool": "app", "backend": None, "state": None})
    assert ctl("ready", "app") == 0
    assert ctl.asked == {"do": "ready", "pool": "app"}
    assert ctl.said == "app is ready\n"


def test_maint(ctl: Bench) -> None:
    ctl.will("maintenance", {**APP_S1, "state": "maintenance"})
    assert ctl("maint", "app/s1") == 0
    assert ctl.asked == {"do": "maintenance", **APP_S1}
    assert ctl.said == "app/s1 is in maintenance\n"


@pytest.mark.parametrize(("word", "weight"), [("5", 5), ("50%", "50%")])
def test_weight(ctl: Bench, word: str, weight: object) -> None:
    ctl.will("set_weight", {**APP_S1, "weight": 5})
    assert ctl("weight", "app/s1", word) == 0
    assert ctl.asked == {"do": "set_weight", **APP_S1, "weight": weight}
    assert ctl.said == "app/s1 has weight 5\n"


@pytest.mark.parametrize("word", ["", "%", "five", "\N{ARABIC-INDIC DIGIT FIVE}", "5%%"])
def test_a_weight_that_is_none(ctl: Bench, word: str) -> None:
    assert ctl("weight", "app/s1", word) == 2
    assert "expected a weight from 0 to 256" in ctl.complained


def test_the_result_as_json(ctl: Bench) -> None:
    ctl.will("ready", {"state": "up"})
    assert ctl("ready", "app/s1", "--json") == 0
    assert ctl.said == '{\n  "state": "up"\n}\n'
