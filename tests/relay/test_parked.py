"""How a way enters the relay and leaves it, whoever moves its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import outcome
import pytest
import trio
from support.eventually import eventually
from support.plain import is_broken
from support.rig import Ends, Rig, nothing_comes, open_rig, receive_exactly, receive_to_end, say
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import SocketStream
from trio_balancer.relay import Outcome
from trio_balancer.relay.parked import Parked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from trio_balancer.relay import Way


class Resting(Parked):
    """Moves nothing."""

    prefix = b""
    let_go = 0

    def _start(self, prefix: bytes) -> None:
        self.prefix = prefix

    def _take_unsent(self) -> bytes:
        return self.prefix

    def _let_go(self) -> None:
        self.let_go += 1


class OverAtOnce(Resting):
    def _start(self, prefix: bytes) -> None:
        self._finish(Outcome.FINISHED)


class Buggy(Resting):
    def _start(self, prefix: bytes) -> None:
        self._settle(outcome.Error(ZeroDivisionError()))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig("portable-ipv4", tmp_path) as made:
        yield made


@pytest.fixture
async def ends(rig: Rig) -> Ends:
    return await rig.join()


def park(ends: Ends, kind: type[Resting] = Resting) -> Resting:
    client, backend = ends.pair.client, ends.pair.backend
    assert isinstance(client, SocketStream)
    assert isinstance(backend, SocketStream)
    return kind(ends.pair.up, client, backend)


async def outcome_of(parked: Resting, act: Callable[[], None]) -> Outcome:
    """Run until it is over, which `act` sees to as soon as the task sleeps."""
    result: list[Outcome] = []

    async def run() -> None:
        result.append(await parked.run(b"unsent"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await wait_all_tasks_blocked()
        act()
    return result[0]


async def test_sleeps_until_it_is_over(ends: Ends) -> None:
    parked = park(ends)
    assert await outcome_of(parked, lambda: parked._finish(Outcome.FINISHED)) is Outcome.FINISHED
    assert parked.let_go == 1
    assert ends.pair.up.leave_relay is None


async def test_over_before_it_sleeps(ends: Ends) -> None:
    assert await park(ends, OverAtOnce).run(b"") is Outcome.FINISHED
    assert ends.pair.up.leave_relay is None


async def test_bug_is_raised_in_its_own_task(ends: Ends) -> None:
    with pytest.raises(ZeroDivisionError):
        await park(ends, Buggy).run(b"")


async def test_cancelled_it_lets_go(ends: Ends) -> None:
    parked = park(ends)
    with trio.move_on_after(0):
        await parked.run(b"")
    assert parked.let_go == 1
    assert ends.pair.up.leave_relay is None


async def test_leaving_goes_on_with_what_was_not_sent(rig: Rig, ends: Ends) -> None:
    parked = park(ends)
    rig.nursery.start_soon(say, ends.client, b" and the rest")

    def leave() -> None:
        assert ends.pair.up.leave_relay is not None
        ends.pair.up.leave_relay()

    assert await outcome_of(parked, leave) is Outcome.FINISHED
    assert await receive_to_end(ends.backend) == b"unsent and the rest"


async def test_an_heir_goes_on_with_it(ends: Ends) -> None:
    inherited = []

    async def inherit(way: Way, unsent: bytes) -> Outcome:
        await trio.lowlevel.checkpoint()
        inherited.append((way, unsent))
        return Outcome.SINK_BROKE

    ends.pair.up.heir = inherit
    parked = park(ends)
    assert await outcome_of(parked, parked._hand_back) is Outcome.SINK_BROKE
    assert inherited == [(ends.pair.up, b"unsent")]


@pytest.mark.parametrize(("leg", "expected"), [(0, Outcome.SOURCE_BROKE), (1, Outcome.SINK_BROKE)])
async def test_broken_leg_is_known_before_the_task_runs(
    ends: Ends, leg: int, expected: Outcome
) -> None:
    parked = park(ends)
    broken = (parked._source, parked._sink)[leg]

    def break_it() -> None:
        parked._broke(broken)
        assert ends.pair.broken is broken

    assert await outcome_of(parked, break_it) is expected


async def test_end_is_passed_on(ends: Ends) -> None:
    parked = park(ends)
    assert await outcome_of(parked, parked._end) is Outcome.FINISHED
    assert ends.pair.up.finished
    assert await receive_exactly(ends.backend, 1) == b""


@pytest.mark.parametrize("leg", [0, 1])
async def test_end_of_a_pair_that_broke_is_not(ends: Ends, leg: int) -> None:
    parked = park(ends)
    ends.pair.mark_broken((parked._source, parked._sink)[leg])
    expected = (Outcome.SOURCE_BROKE, Outcome.SINK_BROKE)[leg]
    assert await outcome_of(parked, parked._end) is expected
    assert not ends.pair.up.finished
    assert await nothing_comes(ends.backend)


async def test_end_that_meets_a_reset(ends: Ends) -> None:
    ends.backend.reset()
    parked = park(ends)
    await eventually(lambda: is_broken(parked._sink.socket))
    assert await outcome_of(parked, parked._end) is Outcome.SINK_BROKE
    assert ends.pair.broken is ends.pair.backend
