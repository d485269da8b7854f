from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_health import CheckType, HealthConfig, Initial
from trio_balancer.policy.rise_fall import RiseFall

CONFIG = HealthConfig(rise=2, fall=3)


def run(counter: RiseFall, checks: str) -> str:
    """Feed checks (+ passed, - failed); return the states after each (U up, d down)."""
    states = ""
    for check in checks:
        if check == "+":
            counter.passed()
        else:
            counter.failed()
        states += "U" if counter.up else "d"
    return states


@pytest.mark.parametrize(
    ("initial", "checks", "states"),
    [
        (Initial.UP, "-", "d"),  # the first check decides
        (Initial.DOWN, "+", "U"),
        (Initial.UP, "+---", "UUUd"),  # then it takes three in a row
        (Initial.UP, "+--+--", "UUUUUU"),
        (Initial.UP, "-++", "ddU"),  # and two to come back
        (Initial.UP, "-+-+-+", "dddddd"),
        (Initial.DOWN, "-++", "ddU"),
    ],
)
def test_checks_in_a_row_change_the_state(initial: Initial, checks: str, states: str) -> None:
    assert run(RiseFall.start(attrs.evolve(CONFIG, initial=initial)), checks) == states


def test_the_numbers_are_haproxys() -> None:
    counter = RiseFall.start(CONFIG)
    values = [counter.value]
    for check in "+--+---++":
        run(counter, check)
        values.append(counter.value)
    assert values == [2, 4, 3, 2, 4, 3, 2, 0, 1, 4]


def test_without_checks_it_is_always_up() -> None:
    counter = RiseFall.start(HealthConfig(type=CheckType.NONE, initial=Initial.DOWN))
    assert run(counter, "---") == "UUU"


@given(rise=st.integers(1, 9), fall=st.integers(1, 9), checks=st.text("+-", max_size=60))
def test_it_agrees_with_a_model_that_counts_rows(rise: int, fall: int, checks: str) -> None:
    counter = RiseFall.start(HealthConfig(rise=rise, fall=fall))
    run(counter, "+")
    up, row = True, 0
    for check in checks:
        row = 0 if (check == "+") is up else row + 1
        if row == (fall if up else rise):
            up, row = not up, 0
        assert run(counter, check) == ("U" if up else "d")
        assert 0 <= counter.value <= rise + fall - 1


def test_new_numbers_keep_the_state() -> None:
    up, down = RiseFall.start(CONFIG), RiseFall.start(CONFIG)
    down.failed()
    for counter in (up, down):
        counter.configure(HealthConfig(rise=1, fall=2))
    assert run(up, "--") == "Ud"
    assert run(down, "+") == "U"


def test_a_backend_whose_checks_are_taken_away_is_up() -> None:
    counter = RiseFall.start(CONFIG)
    counter.failed()
    counter.configure(HealthConfig(type=CheckType.NONE))
    assert counter.up
