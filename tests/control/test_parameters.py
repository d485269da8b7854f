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
    a_weight,
    text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("parse", [text, a_count, a_duration, a_weight])
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
    assert a_weight(5) == 5
    assert a_weight("50%") == "50%"


@pytest.mark.parametrize("value", [True, -1, "3", None, math.nan, math.inf, 10**30, []])
def test_what_is_no_number_of_seconds(value: object) -> None:
    with pytest.raises(ValueError, match="expected a number of seconds"):
        a_duration(value)


@pytest.mark.parametrize("value", [True, -1, 1.0, "3", None, 2**63])
def test_what_is_no_count(value: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number"):
        a_count(value)


def test_what_is_missing() -> None:
    with pytest.raises(OperationError, match="pool is required, but missing"):
        Parameter("pool", text, REQUIRED).read({})


def test_what_may_be_missing() -> None:
    parameter = Parameter("pool", text)
    assert not parameter.is_needed({})
    assert parameter.is_needed({"pool": "app"})
