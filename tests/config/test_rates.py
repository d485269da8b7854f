from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.rates import rate


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("100/s", (100, 1.0)),
        ("20/m", (20, 60.0)),
        ("1000/h", (1000, 3600.0)),
        ("999999999/s", (999_999_999, 1.0)),
    ],
)
def test_rates(text: str, parsed: tuple[int, float]) -> None:
    assert rate(text) == parsed


@pytest.mark.parametrize(
    "value",
    ["", "0/s", "/s", "5", 5, True, "5/d", "5/ s", "1.5/s", "-1/s", "5/s\n", "1000000000/s", "٣/s"],
)
def test_what_is_no_rate(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a rate above zero like \"100/s\""):
        rate(value)


@given(st.text() | st.from_regex(r"[0-9]+/[smhd]"))
def test_any_text_is_a_rate_or_a_value_error(text: str) -> None:
    try:
        events, seconds = rate(text)
    except ValueError:
        return
    assert events > 0
    assert seconds in {1.0, 60.0, 3600.0}
