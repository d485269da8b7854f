from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trio
from support.world import BACKEND, FRONT, OPTIONS
from trio.testing import MockClock

from trio_balancer.testing import LeakError, MemoryNetwork, leaks
from trio_balancer.testing.harness_config import make_config
from trio_balancer.testing.leaks import find_leaks, lookups_running
from trio_balancer.testing.observer import Observer
from trio_balancer.testing.runner import Runner
from trio_balancer.testing.server_process import ServerProcess
from trio_balancer.testing.watched_network import WatchedNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator


def make_parts() -> tuple[Runner, WatchedNetwork]:
    observer = Observer()
    network = WatchedNetwork(MemoryNetwork(), observer)
    return Runner(make_config(()), network, observer, seed=7), network


@contextmanager
def thread_named(name: str) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name=name)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def test_a_stopped_balancer_leaves_nothing(autojump_clock: MockClock) -> None:
    runner, network = make_parts()
    await runner.start()
    await runner.stop()
    assert await find_leaks(runner, network, [], lookups_running()) == []


async def test_tasks_that_go_on(autojump_clock: MockClock) -> None:
    runner, network = make_parts()
    await runner.start()
    found = await find_leaks(runner, network, [], lookups_running())
    assert "its tasks go on although they were cancelled" in found
    assert any(leak.startswith("a listener at 127.0.0.1:") for leak in found)
    await runner.stop()


async def test_listeners_and_connections_that_are_open(autojump_clock: MockClock) -> None:
    runner, network = make_parts()
    await runner.start()
    await runner.stop()
    await network.listen(FRONT, backlog=1, options=OPTIONS)
    await network.inner.listen(BACKEND, backlog=1, options=OPTIONS)
    stream = await network.connect(BACKEND, options=OPTIONS)
    assert await find_leaks(runner, network, [], set()) == [
        f"a listener at {FRONT} is open",
        f"a connection between {stream.local_address} and {BACKEND} is open",
    ]


async def test_a_server_that_runs(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, network = make_parts()
    await runner.start()
    await runner.stop()
    server = ServerProcess(["true"], network, env={}, timeout=1)
    monkeypatch.setattr(ServerProcess, "running", True)
    found = await find_leaks(runner, network, [server], set())
    assert found == [f"the server on port {server.port} runs"]
    await server.close()


async def test_a_look_up_that_never_comes_back(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, network = make_parts()
    await runner.start()
    await runner.stop()
    with thread_named("trio-balancer-resolve-stuck.example"):
        found = await find_leaks(runner, network, [], set())
        assert found == ["thread trio-balancer-resolve-stuck.example runs"]
        assert trio.current_time() == leaks.PATIENCE
        assert await find_leaks(runner, network, [], lookups_running()) == [], "it was there before"
    with thread_named("somebody-elses"):
        assert await find_leaks(runner, network, [], set()) == []


def test_a_leak_is_a_failed_assertion() -> None:
    assert issubclass(LeakError, AssertionError)
