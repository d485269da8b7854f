from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from support.commands import Operator, operate
from support.world import BACKEND, World, keep
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.control.errors import OperationError
from trio_balancer.control.operations import Operations
from trio_balancer.control.streams import MOST_WAITING, SHORTEST_INTERVAL, Filter, Waiting, watch
from trio_balancer.testing import MemoryStream


class Follower:
    """Reads the lines of a stream."""

    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream
        self._rest = b""

    async def next(self) -> Any:  # noqa: ANN401 - JSON
        while b"\n" not in self._rest:
            data = await self.stream.receive_some()
            if not data:
                return None
            self._rest += bytes(data)
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)


async def follow(operator: Operator, do: str, **parameters: object) -> Follower:
    stream = await operator.connect()
    await stream.send_all(json.dumps({"do": do, **parameters}).encode() + b"\n")
    await wait_all_tasks_blocked()
    return Follower(stream)


async def end(world: World, count: int = 1) -> None:
    """Let so many connections come and go."""
    for _ in range(count):
        (await world.client()).reset()
        await wait_all_tasks_blocked()


async def test_tail_tells_each_ending(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    operator = await operate(world, backends=(BACKEND,))
    tail = await follow(operator, "tail")
    await end(world, 2)
    first, second = await tail.next(), await tail.next()
    assert (first["number"], first["ending"], first["listener"]) == (1, "CD", "web")
    assert second["number"] == 2
    tail.stream.close()
    await wait_all_tasks_blocked()
    assert len(world.runtime.observers) == 2  # the world's own, and the control room's


async def test_tail_has_filters(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    operator = await operate(world, backends=(BACKEND,))
    tail = await follow(operator, "tail", ending="K", pool="app", min_duration=1)
    await end(world)
    await world.client()
    await trio.sleep(1)
    await operator.result("kick", pool="app")
    assert (await tail.next())["ending"] == "KD"


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        ({}, True),
        ({"listener": "web"}, True),
        ({"listener": "mail"}, False),
        ({"backend": "one"}, False),
        ({"ending": "C"}, True),
        ({"ending": "CD"}, True),
        ({"ending": "D"}, False),
        ({"client": "10.0.0.1"}, False),
        ({"min_duration": 0.1}, False),
    ],
)
async def test_filters(
    given: dict[str, Any], *, passes: bool, autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await operate(world, backends=(BACKEND,))
    await end(world)
    (record,) = world.records
    assert Filter(**given).lets_through(record) is passes
    assert Filter(client=str(record.client)).lets_through(record)


async def test_watch_tells_the_status_again_and_again(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    stream = await follow(operator, "watch", interval=2)
    began = trio.current_time()
    uptimes = [(await stream.next())["uptime"] for _ in range(3)]
    assert uptimes == [began, began + 2, began + 4]


async def test_watch_does_not_hurry(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    lines: list[float] = []

    async def send(_line: str) -> None:
        lines.append(trio.current_time())
        await trio.lowlevel.checkpoint()

    with trio.move_on_after(1):
        await watch(Operations(world.balancer), send, interval=0.0)
    assert len(lines) <= 1 / SHORTEST_INTERVAL + 1


async def test_a_stream_ends_with_the_clients_end(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    tail = await follow(operator, "tail")
    await tail.stream.send_all(b"whatever\n")
    await tail.stream.send_eof()
    assert await tail.next() is None


@pytest.mark.parametrize("do", ["tail", "watch"])
async def test_a_client_that_is_gone_is_forgotten(
    do: str, autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    operator = await operate(world, backends=(BACKEND,))
    stream = await follow(operator, do)
    stream.stream.reset()
    await end(world)
    assert len(world.runtime.observers) == 2
    assert world.lines("A bug") == []


@pytest.mark.parametrize(
    ("do", "parameters", "code"),
    [
        ("tail", {"client": "x"}, "bad-value"),
        ("tail", {"min_duration": "x"}, "bad-value"),
        ("tail", {"ending": "XD"}, "bad-value"),
        ("tail", {"listener": "mail"}, "no-such-listener"),
        ("tail", {"pool": "ap"}, "no-such-pool"),
        ("tail", {"pool": "app", "backend": "x"}, "no-such-backend"),
        ("watch", {"every": 1}, "bad-value"),
    ],
)
async def test_what_is_refused(
    do: str,
    parameters: dict[str, object],
    code: str,
    autojump_clock: MockClock,
    world: World,
) -> None:
    operator = await operate(world)
    assert (await operator.error(do, **parameters))[0] == code


async def test_levels(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world, level="user")
    assert (await operator.error("tail"))[0] == "not-allowed"
    assert (await (await follow(operator, "watch")).next())["ready"] is True


async def test_a_slow_reader_misses_some_and_is_told(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    operator = await operate(world, backends=(BACKEND,))
    await end(world)
    tail = await follow(operator, "tail")
    # More than what waits, and what fits into the stream, in one step.
    for _ in range(2 * MOST_WAITING):
        for observe in world.runtime.observers[2:]:
            observe(world.records[0])
    # One is handed over at once.
    told = [await tail.next() for _ in range(MOST_WAITING + 2)]
    assert [each["dropped"] for each in told if "dropped" in each] == [MOST_WAITING - 1]


def test_what_waits_is_bounded() -> None:
    waiting = Waiting(Filter())
    assert (waiting.dropped, waiting.take_dropped()) == (0, 0)


def test_a_filter_needs_a_real_address() -> None:
    with pytest.raises(OperationError):
        Filter(client="nobody")


async def test_who_follows_and_does_not_read_is_sent_away(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    stream = await follow(operator, "watch", interval=0.1)
    await trio.sleep(60)
    lines = 0
    while await stream.next() is not None:
        lines += 1
    assert 0 < lines < 300
