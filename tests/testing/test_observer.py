from __future__ import annotations

import json

import attrs
from support.harness_site import Site, settle
from support.world import BACKEND, OTHER, THIRD, finish
from trio.testing import MockClock

from trio_balancer.control.faults import add_fault, remove_fault
from trio_balancer.testing import MemoryNetwork, open_balancer
from trio_balancer.testing.observer import MAX_FINISHED, MAX_LINES, Observer


def kinds(site: Site) -> list[tuple[str, int | None, str | None]]:
    return [
        (str(event.kind), event.connection, event.backend)
        for event in site.lb.events
        if event.kind != "added"
    ]


async def test_the_story_of_a_connection(autojump_clock: MockClock, site: Site) -> None:
    await finish(await site.client())
    assert kinds(site) == [
        ("accepted", 1, None),
        ("chosen", 1, str(BACKEND)),
        ("connected", 1, str(BACKEND)),
        ("ended", 1, str(BACKEND)),
    ]


async def test_the_story_of_one_that_had_to_try_twice(
    autojump_clock: MockClock, site: Site
) -> None:
    site.servers[0].stop()
    client = await site.client()
    assert kinds(site) == [
        ("accepted", 1, None),
        ("chosen", 1, str(BACKEND)),
        ("dial failed", 1, str(BACKEND)),
        ("chosen", 1, str(OTHER)),
        ("connected", 1, str(OTHER)),
    ]
    assert "Connection refused" in site.lb.events[-3].detail
    client.close()


async def test_numbers_follow_the_arrival(autojump_clock: MockClock, site: Site) -> None:
    for _ in range(3):
        await finish(await site.client())
    accepted = [event.connection for event in site.lb.events if event.kind == "accepted"]
    assert accepted == [each.number for each in site.lb.connections] == [1, 2, 3]


async def test_two_addresses_of_one_backend_are_one_choice(
    autojump_clock: MockClock, site: Site
) -> None:
    site.world.network.names["app.example"] = [THIRD, OTHER]
    site.servers[2].stop()
    await site.lb.add_backend(("app.example", OTHER.port), name="named")
    async with site.lb.backend(0).drain(), site.lb.backend(1).drain(), site.lb.backend(2).drain():
        await finish(await site.client())
    news = [kind for kind, number, _backend in kinds(site) if number == 1]
    assert news == ["accepted", "chosen", "dial failed", "connected", "ended"]


async def test_a_backend_that_goes_down_and_comes_up(autojump_clock: MockClock, site: Site) -> None:
    async with site.lb.backend(1).drain():
        await settle()
    details = [(e.backend, e.detail) for e in site.lb.events if e.kind == "backend"]
    assert details[0] == (str(OTHER), "drain set to drain by the operator")
    assert details[1][1].startswith("up ")


async def test_finished_connections_are_forgotten_some_day(
    autojump_clock: MockClock, site: Site
) -> None:
    await finish(await site.client())
    observer = site.lb._observer
    [record] = observer.finished
    for _ in range(MAX_FINISHED + 5):
        observer.ended(record)
    assert len(observer.finished) == MAX_FINISHED


async def test_so_are_lines_of_the_log(autojump_clock: MockClock) -> None:
    observer = Observer()
    for number in range(MAX_LINES + 1):
        observer.put(json.dumps({"message": f"line {number}"}))
    assert len(observer.lines) <= MAX_LINES
    assert json.loads(observer.lines[-1]) == {"message": f"line {MAX_LINES}"}


async def test_a_bug_is_kept_with_its_trace(autojump_clock: MockClock) -> None:
    observer = Observer()
    trace = "Traceback\n  File x\nZeroDivisionError: oh\n"
    observer.put(json.dumps({"message": "A bug ended a connection", "trace": trace}))
    assert observer.bugs == [trace]
    assert [event.detail for event in observer.timeline] == ["ZeroDivisionError: oh"]


async def test_before_anything_runs_nothing_is_there(autojump_clock: MockClock) -> None:
    observer = Observer()
    assert observer.connections() == ()
    assert observer.accepted(BACKEND) == 1
    observer.dialling(1, BACKEND)
    observer.dialled(1, BACKEND)
    observer.dial_failed(1, BACKEND, OSError())
    assert [str(event.kind) for event in observer.timeline] == ["accepted"]


CONFIG = """
[listeners.web]
bind = "10.0.0.1:80"
pool = "app"
[pools.app]
backends = ["10.0.1.1:80"]
health = { type = "none" }
[[pools.app.faults]]
type = "latency"
backend = "10.0.1.1:80"
attributes = { latency = 5 }
"""


async def test_the_faults_that_are_there_and_what_becomes_of_them(
    autojump_clock: MockClock,
) -> None:
    async with open_balancer(CONFIG, network=MemoryNetwork()) as lb:
        balancer = lb._runner.balancer
        add_fault(balancer, "listeners.web", {"type": "noop"})  # as the control socket does
        remove_fault(balancer, "listeners.web", "noop_downstream")
        await balancer.reload(attrs.evolve(balancer.config, pools={}, listeners={}))
        told = [(e.kind, e.backend, e.detail) for e in lb.events if e.kind.startswith("fault ")]
    latency, noop = "latency_downstream on pools.app", "noop_downstream on listeners.web"
    assert told == [
        ("fault added", str(BACKEND), f"{latency}: latency(latency=5, jitter=0) downstream"),
        ("fault added", None, f"{noop}: noop() downstream"),
        ("fault removed", None, noop),
        ("fault removed", str(BACKEND), latency),
    ]
