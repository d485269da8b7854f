from __future__ import annotations

import pytest

from trio_balancer.control.ctl.fields import (
    Json,
    all_json,
    amount,
    as_json,
    flag,
    number,
    part,
    parts,
    text,
    texts,
)

DATA: Json = {
    "text": "web",
    "number": 1.5,
    "true": True,
    "part": {"a": 1},
    "parts": [{"a": 1}, "b"],
    "texts": ["a", 1],
    "null": None,
}


def test_what_is_there_is_returned() -> None:
    assert text(DATA, "text") == "web"
    assert number(DATA, "number") == amount(DATA, "number") == 1.5
    assert flag(DATA, "true") is True
    assert part(DATA, "part") == {"a": 1}
    assert parts(DATA, "parts") == [{"a": 1}]
    assert texts(DATA, "texts") == ["a"]


@pytest.mark.parametrize("key", ["null", "absent"])
def test_what_is_not_there_is_not_known(key: str) -> None:
    assert text(DATA, key) == ""
    assert number(DATA, key) is None
    assert amount(DATA, key) == 0
    assert flag(DATA, key) is False
    assert part(DATA, key) == {}
    assert parts(DATA, key) == []
    assert texts(DATA, key) == []


def test_true_is_no_number() -> None:
    assert number(DATA, "true") is None


def test_values_of_another_shape_are_empty() -> None:
    assert as_json([1]) == {}
    assert all_json({"a": 1}) == []
