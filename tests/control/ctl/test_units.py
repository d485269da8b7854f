from __future__ import annotations

import pytest

from trio_balancer.control.ctl.units import age, size, some, took, whole


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (-1, "0s"),
        (59.9, "59s"),
        (60, "1m 0s"),
        (3599, "59m 59s"),
        (3600, "1h 0m"),
        (86399, "23h 59m"),
        (273600, "3d 4h"),
    ],
)
def test_an_age_has_its_two_largest_units(seconds: float | None, shown: str) -> None:
    assert age(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0, "0.0 ms"),
        (0.00042, "0.4 ms"),
        (0.012, "12 ms"),
        (1.254, "1.25 s"),
        (200, "3m 20s"),
    ],
)
def test_how_long_something_took(seconds: float | None, shown: str) -> None:
    assert took(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1250, "1.25 kB"),
        (999_499, "999 kB"),
        (999_600, "1 MB"),
        (12_500_000, "12.5 MB"),
        (125_000_000_000, "125 GB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_bytes_have_three_digits(count: float | None, shown: str) -> None:
    assert size(count) == shown


def test_counts() -> None:
    assert whole(None) == "–"
    assert whole(3.0) == "3"


def test_a_noun_follows_its_number() -> None:
    assert some(1, "connection") == "1 connection"
    assert some(2, "connection") == "2 connections"
