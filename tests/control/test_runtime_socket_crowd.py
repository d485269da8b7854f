from __future__ import annotations

import pytest
import trio
from support.commands import Operator, operate
from support.world import World, receive_to_end
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.control.operations import Operations
from trio_balancer.control.runtime_socket import GRACE, MOST_CLIENTS
from trio_balancer.testing import MemoryStream


async def test_more_clients_than_places(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    silent = []
    for _ in range(MOST_CLIENTS):
        silent.append(await operator.connect())
        await trio.sleep(GRACE / 100)
    assert await operator.command("show version") != ""
    # The one that was silent for the longest time had to go, and no other.
    assert await receive_to_end(silent[0]) == b""
    assert trio.current_time() < 2 * GRACE
    await silent[1].send_all(b"get weight app/one\n")
    assert await receive_to_end(silent[1]) == b"10 (initial 10)\n\n"


async def _tail(operator: Operator) -> MemoryStream:
    stream = await operator.connect()
    await stream.send_all(b'{"do": "tail"}\n')
    await wait_all_tasks_blocked()
    return stream


async def test_who_is_silent_goes_before_who_is_served(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    following = await _tail(operator)
    silent = [await operator.connect() for _ in range(MOST_CLIENTS - 1)]
    await wait_all_tasks_blocked()
    assert await operator.command("show version") != ""
    assert await receive_to_end(silent[0]) == b""
    with trio.move_on_after(1) as still_there:
        await following.receive_some()
    assert still_there.cancelled_caught


async def test_streams_do_not_keep_an_operator_out(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    following = [await _tail(operator) for _ in range(MOST_CLIENTS)]
    assert await operator.command("show version") != ""
    # The oldest had to go, and no other.
    assert await receive_to_end(following[0]) == b""
    with trio.move_on_after(1) as still_there:
        await following[1].receive_some()
    assert still_there.cancelled_caught


async def test_a_crowd_waits_and_everybody_is_served(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    served = []

    async def ask() -> None:
        served.append(await operator.command("get weight app/one"))

    async with trio.open_nursery() as nursery:
        for _ in range(10 * MOST_CLIENTS):
            nursery.start_soon(ask)
    assert served == ["10 (initial 10)\n"] * 10 * MOST_CLIENTS
    assert trio.current_time() < GRACE


async def test_who_trickles_does_not_keep_others_out(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)

    async def trickle() -> None:
        stream = await operator.connect()
        while True:
            await stream.send_all(b"x")
            await trio.sleep(GRACE / 4)

    async with trio.open_nursery() as nursery:
        for _ in range(MOST_CLIENTS - 1):
            nursery.start_soon(trickle)
        await trio.sleep(GRACE)
        with trio.fail_after(2 * GRACE):
            for _ in range(3):
                assert await operator.command("show version") != ""
        nursery.cancel_scope.cancel()


async def test_who_is_being_served_is_not_sent_away(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = await operate(world)
    reloaded = trio.Event()

    async def slow_reload(_operations: Operations) -> str:
        await reloaded.wait()
        return "done"

    monkeypatch.setattr(Operations, "reload", slow_reload)
    async with trio.open_nursery() as nursery:
        for _ in range(MOST_CLIENTS):
            nursery.start_soon(operator.result, "reload")
        await trio.sleep(GRACE)
        with trio.move_on_after(10 * GRACE) as waiting:
            await operator.command("show version")
        assert waiting.cancelled_caught
        reloaded.set()
    assert await operator.command("show version") != ""


async def test_who_takes_nothing_is_sent_away(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    for _ in range(MOST_CLIENTS):
        stream = await operator.connect()
        await stream.send_all(b";".join([b"help"] * 1000) + b"\n")
    await trio.sleep(GRACE)
    with trio.fail_after(GRACE):
        assert await operator.command("show version") != ""
