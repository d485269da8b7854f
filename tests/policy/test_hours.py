from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_balancer.config.model_access import Window
from trio_balancer.policy.hours import Hours

DAY = 24 * 60
UTC = dt.UTC
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
SAMOA = ZoneInfo("Pacific/Apia")
DAILY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))

# Moments around which the clocks change, and one around which a Friday was left out (Samoa).
CHANGES = {
    "Europe/Berlin spring": (BERLIN, "2024-03-31T01:00Z"),
    "Europe/Berlin autumn": (BERLIN, "2024-10-27T01:00Z"),
    "America/New_York spring": (NEW_YORK, "2025-03-09T07:00Z"),
    "America/New_York autumn": (NEW_YORK, "2025-11-02T06:00Z"),
    "Australia/Lord_Howe spring": (LORD_HOWE, "2024-10-05T15:30Z"),
    "Australia/Lord_Howe autumn": (LORD_HOWE, "2024-04-06T15:00Z"),
    "Pacific/Apia without a Friday": (SAMOA, "2011-12-30T10:00Z"),
}


def unix(text: str) -> int:
    """Return the Unix seconds of an ISO date and time; without a zone it is UTC."""
    moment = dt.datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def clock(text: str) -> int:
    """Return the minutes after midnight of "08:00"."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def window(start: str, end: str, days: frozenset[int] = DAILY, zone: dt.tzinfo = UTC) -> Window:
    return Window(days, clock(start), clock(end), zone)


@cache
def local_time(minute: int, zone: dt.tzinfo) -> dt.datetime:
    """Return what the clock there shows, as a bare date and time."""
    return dt.datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None)


def is_open(windows: Sequence[Window], minute: int) -> bool:
    """Decide by dates: is there a day on which a window began, and has not ended yet?"""
    return any(
        day.weekday() in each.days
        and dt.timedelta(minutes=each.start)
        <= local - day
        < dt.timedelta(minutes=each.end, days=each.end < each.start)
        for each in windows
        for local in [local_time(minute, each.zone)]
        for midnight in [local.replace(hour=0, minute=0)]
        for day in (midnight, midnight - dt.timedelta(days=1))
    )


@st.composite
def windows_of(draw: st.DrawFn, zone: dt.tzinfo) -> Window:
    start = draw(st.integers(0, DAY - 1) | st.integers(0, 4 * 60))
    end = draw((st.integers(0, DAY) | st.integers(0, 4 * 60)).filter(lambda end: end != start))
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return Window(days, start, end, draw(st.sampled_from([zone, zone, UTC])))


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_minute_by_minute_around_a_change_of_the_clocks(change: str, data: st.DataObject) -> None:
    zone, moment = CHANGES[change]
    windows = data.draw(st.lists(windows_of(zone), min_size=1, max_size=3))
    first = unix(moment) // 60 - 2 * DAY
    minutes = range(first, first + 4 * DAY)
    expected = [is_open(windows, minute) for minute in minutes]
    hours = Hours(windows)
    assert [hours.is_open(minute * 60) for minute in minutes] == expected

    changes = [m for m, a, b in zip(minutes[1:], expected, expected[1:], strict=False) if a != b]
    found, at = [], first * 60.0
    while (change_at := Hours(windows).next_change(at)) is not None:
        if change_at > minutes[-1] * 60:
            break
        found.append(change_at)
        at = change_at
    assert found == [minute * 60 for minute in changes]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(windows_of(BERLIN), min_size=1, max_size=2),
    st.floats(unix("2024-01-01T00:00"), unix("2026-01-01T00:00")),
)
def test_the_next_change_is_the_first_moment_that_differs(
    windows: list[Window], wall: float
) -> None:
    now = Hours(windows).is_open(wall)
    change = Hours(windows).next_change(wall)
    if change is None:
        week = range(int(wall) // 60, int(wall) // 60 + 7 * DAY, 7)
        assert {is_open(windows, minute) for minute in week} == {now}
    else:
        assert change > wall
        assert Hours(windows).is_open(change) is not now
        assert Hours(windows).is_open(max(change - 0.001, wall)) is now
        between = range(int(wall) // 60 + 1, int(change) // 60, 7)
        assert {is_open(windows, minute) for minute in between} <= {now}


def test_without_windows_it_is_always_open() -> None:
    assert Hours(()).is_open(0.0)
    assert Hours(()).next_change(0.0) is None


@pytest.mark.parametrize(
    "windows",
    [
        [window("00:00", "24:00")],
        [window("00:00", "12:00"), window("12:00", "24:00")],
        [window("08:00", "00:00"), window("22:00", "08:00")],
    ],
)
def test_what_is_always_open_never_changes(windows: list[Window]) -> None:
    hours = Hours(windows)
    assert hours.is_open(1e9)
    assert hours.next_change(1e9) is None
    assert hours.next_change(3e9) is None


def test_the_start_belongs_to_it_and_the_end_does_not() -> None:
    hours = Hours([window("08:00", "18:00", WEEKDAYS)])
    friday = "2024-06-07"
    assert not hours.is_open(unix(f"{friday}T08:00") - 0.001)
    assert hours.is_open(unix(f"{friday}T08:00"))
    assert hours.is_open(unix(f"{friday}T18:00") - 0.001)
    assert not hours.is_open(unix(f"{friday}T18:00"))


def test_over_midnight_it_belongs_to_the_day_on_which_it_starts() -> None:
    hours = Hours([window("22:00", "02:00", frozenset({4}))])
    friday, saturday = "2024-06-07", "2024-06-08"
    assert not hours.is_open(unix(f"{friday}T01:00"))
    assert hours.is_open(unix(f"{friday}T23:00"))
    assert hours.is_open(unix(f"{saturday}T01:59"))
    assert not hours.is_open(unix(f"{saturday}T22:30"))
    assert hours.next_change(unix(f"{friday}T23:00")) == unix(f"{saturday}T02:00")


def test_windows_add_up() -> None:
    hours = Hours([window("08:00", "12:00"), window("11:00", "14:00")])
    assert hours.next_change(unix("2024-06-07T08:30")) == unix("2024-06-07T14:00")


def test_what_begins_in_the_hour_that_is_left_out_begins_after_it() -> None:
    hours = Hours([window("02:30", "05:00", zone=BERLIN)])
    assert hours.next_change(unix("2024-03-31T00:00")) == unix("2024-03-31T01:00")
    assert hours.next_change(unix("2024-03-31T01:00")) == unix("2024-03-31T03:00")


def test_what_lies_in_the_hour_that_is_left_out_is_left_out() -> None:
    hours = Hours([window("02:10", "02:50", frozenset({6}), BERLIN)])
    assert hours.next_change(unix("2024-03-31T00:00")) == unix("2024-04-07T00:10")


def test_the_hour_that_comes_twice_counts_twice() -> None:
    hours = Hours([window("02:10", "02:50", zone=BERLIN)])
    times = [unix("2024-10-27T00:00")]
    for _ in range(4):
        change = hours.next_change(times[-1])
        assert change is not None
        times.append(int(change))
    assert times[1:] == [unix(f"2024-10-27T{at}") for at in ("00:10", "00:50", "01:10", "01:50")]


def test_a_gap_that_only_summer_time_opens_is_found_half_a_year_before() -> None:
    half_of_the_day = window("06:00", "18:00", zone=BERLIN)
    the_other_half = window("17:00", "05:00")
    hours = Hours([half_of_the_day, the_other_half])
    assert hours.next_change(unix("2024-11-01T12:00")) == unix("2025-03-30T16:00")


def test_an_answer_is_remembered_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = Hours([window("08:00", "18:00")])
    morning, noon, evening = (unix(f"2024-06-07T{at}") for at in ("08:00", "12:00", "18:00"))
    assert hours.is_open(morning)
    with monkeypatch.context() as patch:
        patch.setattr("trio_balancer.policy.hours._is_open", None)
        assert hours.is_open(noon)
        assert hours.next_change(evening - 0.001) == evening
    assert not hours.is_open(evening)


def test_a_clock_that_is_set_back_is_believed() -> None:
    hours = Hours([window("08:00", "18:00")])
    assert hours.is_open(unix("2024-06-07T12:00"))
    assert not hours.is_open(unix("2024-06-07T07:59"))
    assert hours.is_open(unix("2024-06-07T08:00"))
