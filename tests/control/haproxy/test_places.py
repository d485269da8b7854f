from __future__ import annotations

import pytest

from trio_balancer.control.haproxy.places import limit, nothing_after, place, session_number
from trio_balancer.wire.haproxy_reply import CommandError


def test_places() -> None:
    assert place(["app/one", "x"]) == ("app", "one")


@pytest.mark.parametrize("words", [[], [""], ["app"], ["/one"], ["app/"]])
def test_what_is_no_place(words: list[str]) -> None:
    with pytest.raises(CommandError, match="Require 'backend/server'"):
        place(words)


@pytest.mark.parametrize(("word", "number"), [("0x1f", 31), ("31", 31)])
def test_sessions(word: str, number: int) -> None:
    assert session_number([word]) == number


@pytest.mark.parametrize("words", [[], ["x"], ["0xzz"], ["1.5"]])
def test_what_is_no_session(words: list[str]) -> None:
    with pytest.raises(CommandError, match="use 'show sess'"):
        session_number(words)


def test_limits() -> None:
    assert limit(["0"]) == 0
    assert limit(["70"]) == 70


@pytest.mark.parametrize("words", [[], ["x"], ["1x"], [""], ["1.5"]])
def test_what_is_no_limit(words: list[str]) -> None:
    with pytest.raises(CommandError, match="Integer value expected"):
        limit(words)


def test_limits_are_not_below_zero() -> None:
    with pytest.raises(CommandError, match="Value out of range"):
        limit(["-1"])


def test_nothing_may_follow() -> None:
    nothing_after([])
    with pytest.raises(CommandError, match="Unexpected argument 'x'"):
        nothing_after(["x"])
