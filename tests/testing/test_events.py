from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.testing.events import MAX_EVENTS, Event, EventKind, Timeline


async def test_events_have_the_time_and_equal_their_text(autojump_clock: MockClock) -> None:
    timeline = Timeline()
    await trio.sleep(2)
    timeline.add(EventKind.ENDED, connection=3, backend="app-1", detail="--")
    assert list(timeline) == [Event(trio.current_time(), EventKind.ENDED, 3, "app-1", "--")]
    assert [event.kind for event in timeline] == ["ended"]


async def test_an_event_wakes_who_waits(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    timeline = Timeline()
    woken: list[str] = []

    async def wait(name: str) -> None:
        await timeline.wait_change()
        woken.append(name)

    for name in ("first", "second"):
        nursery.start_soon(wait, name)
    await wait_all_tasks_blocked()
    assert woken == []
    timeline.add(EventKind.BUG)
    await wait_all_tasks_blocked()
    assert sorted(woken) == ["first", "second"]


async def test_a_change_that_is_no_event_wakes_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    timeline = Timeline()
    nursery.start_soon(timeline.wait_change)
    await wait_all_tasks_blocked()
    timeline.stir()
    await wait_all_tasks_blocked()
    assert not nursery.child_tasks
    assert list(timeline) == []


async def test_people_see_times_since_the_start(autojump_clock: MockClock) -> None:
    timeline = Timeline()
    assert timeline.text() == "  (nothing happened)"
    await trio.sleep(1.5)
    timeline.add(EventKind.CHOSEN, connection=1, backend="app-1", detail="at 10.0.0.1:80")
    timeline.add(EventKind.BUG)
    assert timeline.text().splitlines() == [
        "    1.500000 chosen        #1    app-1 at 10.0.0.1:80",
        "    1.500000 bug",
    ]


async def test_people_see_the_last_events_only(autojump_clock: MockClock) -> None:
    timeline = Timeline()
    for number in range(5):
        timeline.add(EventKind.ACCEPTED, connection=number)
    first, *rest = timeline.text(last=2).splitlines()
    assert first == "  (3 earlier events)"
    assert [line.split("#")[1].strip() for line in rest] == ["3", "4"]


async def test_the_oldest_events_are_forgotten(autojump_clock: MockClock) -> None:
    timeline = Timeline()
    for number in range(MAX_EVENTS + 5):
        timeline.add(EventKind.ACCEPTED, connection=number)
    kept = list(timeline)
    assert len(kept) == MAX_EVENTS
    assert kept[0].connection == 5


async def test_nothing_that_is_told_can_forge_a_line(autojump_clock: MockClock) -> None:
    timeline = Timeline()
    timeline.add(EventKind.FAULT_ADDED, backend="a\n  0.0 ended", detail="b\x1b[2J")
    [line] = timeline.text().splitlines()
    assert line.endswith(r"a\n  0.0 ended b\x1b[2J")


def test_it_can_be_told_when_trios_run_is_over() -> None:
    async def begin() -> Timeline:
        await trio.lowlevel.checkpoint()
        return Timeline()

    timeline = trio.run(begin)
    timeline.add(EventKind.ENDED)
    [event] = timeline
    assert event.time >= timeline.began
