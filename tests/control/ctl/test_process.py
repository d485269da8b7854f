from __future__ import annotations

import pytest
from support.ctl_bench import Bench


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"changes": "listeners +1 ~0 -0"}, "reloaded: listeners +1 ~0 -0\n"),
        ({}, "reloaded\n"),
    ],
)
def test_reload(ctl: Bench, result: object, said: str) -> None:
    ctl.will("reload", result)
    assert ctl("reload") == 0
    assert ctl.asked == {"do": "reload"}
    assert ctl.said == said


@pytest.mark.parametrize(
    ("words", "asked", "limit", "said"),
    [
        (["--listener", "web", "9"], {"listener": "web", "value": 9}, 9, "web has at most 9"),
        (
            ["--backend", "app/s1", "9"],
            {"pool": "app", "backend": "s1", "value": 9},
            9,
            "app/s1 has at most 9",
        ),
        (["--all", "9"], {"value": 9}, 9, "the balancer has at most 9"),
        (["--all", "off"], {"value": "off"}, 4000, "the balancer has at most 4000"),
    ],
)
def test_limit(
    ctl: Bench, words: list[str], asked: dict[str, object], limit: int, said: str
) -> None:
    ctl.will("set_max_connections", {"max_connections": limit})
    assert ctl("limit", *words) == 0
    assert ctl.asked == {"do": "set_max_connections", **asked}
    assert ctl.said == f"{said} connections\n"


def test_no_limit(ctl: Bench) -> None:
    ctl.will("set_max_connections", {"max_connections": None})
    assert ctl("limit", "--listener", "web", "off") == 0
    assert ctl.said == "web has no limit of its own\n"


def test_a_limit_is_a_number(ctl: Bench) -> None:
    assert ctl("limit", "--all", "many") == 2
    assert "expected a number of connections, or \"off\", got 'many'" in ctl.complained


@pytest.mark.parametrize("word", ["enable", "disable"])
def test_enable_and_disable(ctl: Bench, word: str) -> None:
    ctl.will(f"{word}_listener", {"listener": "web"})
    assert ctl(word, "web") == 0
    assert ctl.asked == {"do": f"{word}_listener", "name": "web"}
    assert ctl.said == f"listener web is {word}d\n"
