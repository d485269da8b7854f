from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.control.errors import OperationError
from trio_balancer.control.parameters import (
    REQUIRED,
    Parameter,
    a_count,
    a_duration,
    a_limit,
    a_weight,
    an_ending,
    text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("parse", [text, a_count, a_duration, a_limit, a_weight, an_ending])
@given(value=JSON)
def test_any_value_is_parsed_or_refused(parse: object, value: object) -> None:
    parameter = Parameter("x", parse, REQUIRED)  # type: ignore[arg-type]  # one of the parsers
    with suppress(OperationError):
        parameter.read({"x": value})


def test_values() -> None:
    assert text("") == ""
    assert a_count(0) == 0
    assert a_duration(60) == 60.0
    assert a_duration(0.5) == 0.5
    assert a_duration("1.5m") == 90.0
    assert a_duration("0s") == 0.0
    assert a_limit(5) == 5
    assert a_limit("off") is None
    assert a_limit(None) is None
    assert a_weight(5) == 5
    assert a_weight("50%") == "50%"


@pytest.mark.parametrize("value", [True, -1, "3", "-1s", None, math.nan, math.inf, 10**30, []])
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        a_duration(value)


@pytest.mark.parametrize("value", [True, -1, 1.0, "3", None, 2**63])
def test_what_is_no_count(value: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number"):
        a_count(value)


@pytest.mark.parametrize("value", [True, -1, 1.0, "3", "none", []])
def test_what_is_no_limit(value: object) -> None:
    with pytest.raises(ValueError, match=r'expected a whole number .*; "off" is no limit'):
        a_limit(value)


@pytest.mark.parametrize("value", ["", "-", "--", "K", "sQ", "PT"])
def test_endings(value: str) -> None:
    assert an_ending(value) == value


@pytest.mark.parametrize("value", ["k", "X", "-K", "--x", "D ", 3])
def test_what_is_no_ending(value: object) -> None:
    with pytest.raises(ValueError, match=r"no ending has .* there, but one of |expected"):
        an_ending(value)


def test_what_is_missing() -> None:
    with pytest.raises(OperationError, match="pool is required, but missing"):
        Parameter("pool", text, REQUIRED).read({})


def test_what_may_be_missing() -> None:
    parameter = Parameter("pool", text)
    assert not parameter.is_needed({})
    assert not parameter.is_needed({"pool": None})
    assert parameter.is_needed({"pool": "app"})
