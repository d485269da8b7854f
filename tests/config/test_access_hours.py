from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.access_hours import read_hours
from trio_balancer.config.model_access import Window
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader

DAILY = frozenset(range(7))


def read(**table: object) -> tuple[tuple[Window, ...], list[str]]:
    section = TableReader(table, ("access",), Report(""))
    windows = read_hours(section)
    section.report_unknown_keys()
    return windows, [str(problem) for problem in section.report.problems]


def window(**settings: object) -> dict[str, object]:
    return {"from": "08:00", "to": "18:00", **settings}


def test_neither_window_nor_problem() -> None:
    assert read() == ((), [])


def test_a_window() -> None:
    hours = [{"days": "mon-fri", "from": "08:00", "to": "18:30", "timezone": "Europe/Berlin"}]
    berlin = ZoneInfo("Europe/Berlin")
    assert read(hours=hours) == ((Window(frozenset(range(5)), 480, 1110, berlin),), [])


def test_it_is_daily_and_in_utc_by_default() -> None:
    assert read(hours=window()) == ((Window(DAILY, 480, 1080, dt.UTC),), [])


def test_several_windows() -> None:
    windows, problems = read(hours=[window(), window(days="sun")])
    assert [each.days for each in windows] == [DAILY, {6}]
    assert not problems


def test_an_empty_array_is_a_mistake() -> None:
    assert read(hours=[]) == ((), ["access.hours: at least one window is needed"])


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        ("daily", DAILY),
        ("mon", {0}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("mon,wed,sat-sun", {0, 2, 5, 6}),
        ("mon, wed", {0, 2}),
        ("fri-mon", {4, 5, 6, 0}),
        ("sun-sun", {6}),
        ("tue-mon", DAILY),
    ],
)
def test_days(days: str, numbers: set[int]) -> None:
    [window_], problems = read(hours=window(days=days))
    assert window_.days == numbers
    assert not problems


@pytest.mark.parametrize(
    "days", ["", "monday", "Mon", "mon-", "mon-fri-sun", "mon,,tue", "xyz", "mon-xyz", 1, ["mon"]]
)
def test_what_are_no_days(days: object) -> None:
    [problem] = read(hours=window(days=days))[1]
    assert problem.startswith('access.hours.days: expected days like "mon-fri", ')


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("00:00", "24:00", (0, 1440)),
        ("22:00", "06:00", (1320, 360)),
        ("00:01", "00:00", (1, 0)),
        ("23:59", "24:00", (1439, 1440)),
    ],
)
def test_times(start: str, end: str, minutes: tuple[int, int]) -> None:
    [window_], problems = read(hours={"from": start, "to": end})
    assert ((window_.start, window_.end), problems) == (minutes, [])


@pytest.mark.parametrize("key", ["from", "to"])
@pytest.mark.parametrize(
    "value", ["8:00", "24:01", "25:00", "12:60", "08:00:00", "", 8, "\u0660\u0668:\u0660\u0660"]
)
def test_what_are_no_times(key: str, value: object) -> None:
    windows, [problem] = read(hours=window(**{key: value}))
    assert problem.startswith(f'access.hours.{key}: expected a time of day like "08:00", ')
    assert windows == ()


def test_no_day_begins_at_its_end() -> None:
    [problem] = read(hours=window(**{"from": "24:00"}))[1]
    assert problem.startswith("access.hours.from: ")


def test_a_window_has_both_times() -> None:
    assert read(hours=[{}])[1] == [
        "access.hours[0].from: is required, but missing",
        "access.hours[0].to: is required, but missing",
    ]


@pytest.mark.parametrize("time", ["00:00", "08:00"])
def test_a_window_has_a_length(time: str) -> None:
    assert read(hours={"from": time, "to": time})[1] == [
        'access.hours.to: is the same as from; a whole day is from "00:00" to "24:00"'
    ]


def test_other_mistakes() -> None:
    assert read(hours=["08:00"])[1][0] == "access.hours[0]: expected a table, got '08:00'"
    assert read(hours=window(day="mon"))[1] == [
        "access.hours.day: unknown key; did you mean 'days'?"
    ]


def test_a_misspelt_time_zone() -> None:
    [problem] = read(hours=window(timezone="Europe/Berln"))[1]
    assert problem == (
        'access.hours.timezone: expected an IANA time zone like "Europe/Berlin" or "UTC", '
        "got 'Europe/Berln'; did you mean 'Europe/Berlin'?"
    )


@pytest.mark.parametrize("zone", ["Europe", "/etc/hostname", "../x", "", "a\0b", 1, "x" * 5000])
def test_what_are_no_time_zones(zone: object) -> None:
    [problem] = read(hours=window(timezone=zone))[1]
    assert problem.startswith("access.hours.timezone: expected an IANA time zone like ")


def test_a_system_without_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(key: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(key)

    monkeypatch.setattr("trio_balancer.config.access_hours.available_timezones", set)
    monkeypatch.setattr("trio_balancer.config.access_hours.ZoneInfo", missing)
    assert read(hours=window(timezone="UTC"))[1] == []
    [problem] = read(hours=window(timezone="Europe/Berlin"))[1]
    assert problem.endswith(
        "got 'Europe/Berlin'; this system has no time zones: \"pip install tzdata\" brings them"
    )


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("days", "from", "to"), st.text())))
def test_any_text_is_a_window_or_a_problem(table: dict[str, object]) -> None:
    windows, problems = read(hours=table)
    assert windows or problems
