from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import pytest

from trio_balancer.config.model_effects import (
    EFFECTS,
    PARSE,
    Bandwidth,
    Corrupt,
    Effect,
    Latency,
    LimitData,
    PacketLoss,
    Slicer,
    amount,
)


def test_types_by_name() -> None:
    assert list(EFFECTS) == [
        *("latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"),
        *("packet_loss", "corrupt", "reset", "half_close", "stall", "refuse", "delay", "noop"),
    ]


@pytest.mark.parametrize("kind", EFFECTS.values(), ids=str)
def test_each_attribute_has_a_parser_that_takes_its_default(kind: type[Effect]) -> None:
    for field in attrs.fields(kind):
        assert field.metadata[PARSE](field.default) == field.default


@pytest.mark.parametrize("value", [0, 1, 100.5, 1e12])
def test_amounts_stay_as_they_are_given(value: float) -> None:
    assert amount(value) == value
    assert type(amount(value)) is type(value)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, 1e13, True, "1", None])
def test_what_is_no_amount(value: object) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        amount(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Latency(-1),
        lambda: Bandwidth(math.nan),
        lambda: Slicer(average_size=-1),
        lambda: LimitData(-1),
        lambda: PacketLoss(1.1),
        lambda: Corrupt(bits=9),
        lambda: Corrupt(probability=2),
    ],
)
def test_no_effect_has_impossible_attributes(make: Callable[[], Effect]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make()
