"""One way of a connection through its faults, down to the one place that sends to its sink."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, final

import trio

from trio_balancer.faults.outbox import Outbox
from trio_balancer.faults.stages import CHUNK, Cut, End, Item, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.faults.subject import Installed
    from trio_balancer.relay import Way

# How long the bytes before a cut may take to arrive, and how often that is looked at.
_GRACE = 0.03
_POLL = 0.002
# How often something may move before others run: there may be very many slices.
_MOVES = 200


@final
class Lane:
    """Takes bytes as an `Outlet`, leads them through the stages, and sends what comes out.

    At most `buffer` bytes wait in it, and one chunk where no stage delays. Stages come and go at
    any time: what one holds goes on at once then, in its order, and a send that is under way is
    left alone. `cut` is to end the connection.
    """

    def __init__(self, way: Way, buffer: int, cut: End) -> None:
        self._way = way
        self._buffer = buffer
        self._cut = cut
        self._stages: list[tuple[Installed, Stage[Any]]] = []
        # What has passed all stages, and whether something is being sent.
        self._out = Outbox()
        self._is_sending = False
        #: Bytes that have left the last stage.
        self.passed = 0
        #: Whether the sink broke.
        self.broke = False
        self._is_closed = False
        self._changed = trio.lowlevel.ParkingLot()
        self._scope: trio.CancelScope

    # What faults do

    @property
    def stages(self) -> dict[Installed, Stage[Any]]:
        """The stages, in the order in which bytes pass them."""
        return dict(self._stages)

    def insert(self, installed: Installed, stage: Stage[Any]) -> None:
        """Add a stage, behind those of all faults that were added earlier."""
        self._stages.append((installed, stage))
        self._stages.sort(key=lambda each: each[0].serial)
        stage.begin(trio.current_time())

    def remove(self, installed: Installed) -> None:
        """Take a stage out; what it holds goes on."""
        place = [each for each, _ in self._stages].index(installed)
        _, stage = self._stages.pop(place)
        for item in stage.release():
            self._give(place, item, installed)

    def wake(self) -> None:
        """Look again at what can be moved: stages have changed.

        Not here and now: this may be one of very many connections.
        """
        self._changed.unpark_all()

    # What comes in

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Take all of it; raises trio.BrokenResourceError where the sink broke.

        Where no stage may hold it, it is sent then: one chunk in memory is enough.
        """
        view = memoryview(data)
        while view:
            await self._until(lambda: self._room() > 0)
            count = min(len(view), int(min(self._room(), CHUNK)))
            self._take_in(bytes(view[:count]))
            view = view[count:]
        await self._until(lambda: bool(self._stages) or not self._is_busy())

    async def send_eof(self) -> None:
        """Pass the end-of-file on, after all that is on its way; waits until that is done."""
        if not self._way.finished:
            self._take_in(b"")
        await self._until(lambda: self._way.finished)

    def _take_in(self, item: Item) -> None:
        self._give(0, item)
        self._look_again()

    def _look_again(self) -> None:
        self._advance()
        self._changed.unpark_all()

    def _room(self) -> float:
        if not self._stages:
            return 0 if self._is_busy() else CHUNK
        held = self._holds() + self._out.cost
        return min(self._stages[0][1].room(), self._buffer - held)

    def _holds(self) -> int:
        return sum(stage.held for _, stage in self._stages)

    def _is_busy(self) -> bool:
        return self._is_sending or bool(self._out)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            if self.broke or self._is_closed:
                raise trio.BrokenResourceError("the sink broke")
            await self._changed.park()

    # How it moves

    def _advance(self) -> bool:
        """Move what is due from stage to stage, as far as there is room; say whether any was.

        What is left then, `_keep_time` moves.
        """
        now = trio.current_time()
        moved = False
        # From the last to the first, so that there is room; then again, with what has come there.
        places = range(len(self._stages) - 1, -1, -1)
        for _ in range(_MOVES):
            if not any(self._move_from(place, now) for place in places):
                break
            moved = True
        self._way.held = self._holds() > 0 and self._due() < math.inf
        return moved

    def _move_from(self, place: int, now: float) -> bool:
        installed, stage = self._stages[place]
        item = stage.take(now) if self._has_room_behind(place) else None
        if item is None:
            return False
        self._give(place + 1, item, installed)
        return True

    def _has_room_behind(self, place: int) -> bool:
        if place + 1 < len(self._stages):
            return self._stages[place + 1][1].room() > 0
        return not self._out

    def _give(self, place: int, item: Item, giver: Installed | None = None) -> None:
        if isinstance(item, Cut) and item.fault is None and giver is not None:
            item = Cut(item.reason, giver.fault.name)
        if place < len(self._stages):
            self._stages[place][1].put(item, trio.current_time())
            return
        self._out.put(item)
        self.passed += 0 if isinstance(item, Cut) else len(item)

    # What goes out

    def start(self, nursery: trio.Nursery) -> None:
        """Keep the time and send, until the nursery is cancelled; it is where the sink breaks."""
        self._scope = nursery.cancel_scope
        nursery.start_soon(self._keep_time, name="faults: keep the time")
        nursery.start_soon(self._send, name="faults: send")

    async def empty(self) -> None:
        """Wait until what is held has gone, as far as that is a matter of time."""
        with suppress(trio.BrokenResourceError):
            await self._until(lambda: not (self._way.held or self._is_busy()))

    def close(self) -> None:
        """Take nothing any more: nobody sends it."""
        self._is_closed = True
        self._changed.unpark_all()

    async def _keep_time(self) -> None:
        while True:
            if self._advance():
                self._changed.unpark_all()
            resets = [(stage.resets_at, installed) for installed, stage in self._stages]
            for resets_at, installed in resets:
                if resets_at <= trio.current_time():
                    await self._reset(installed)
            with trio.move_on_at(min((self._due(), *(at for at, _ in resets)))):
                await self._changed.park()

    def _due(self) -> float:
        """Return when there is something to move, as far as that is a matter of time."""
        stages = [stage for _, stage in self._stages]
        movable = (stage for place, stage in enumerate(stages) if self._has_room_behind(place))
        return min((stage.due() for stage in movable), default=math.inf)

    async def _send(self) -> None:
        try:
            while True:
                await self._until(lambda: bool(self._out))
                self._is_sending = True
                await self._pass_on(self._out.take())
                self._is_sending = False
                self._look_again()
        except trio.BrokenResourceError:
            self.broke = True
            self._scope.cancel()

    async def _pass_on(self, item: Item) -> None:
        way = self._way
        if isinstance(item, Cut):
            await self._close_both(item)
        elif item and not way.finished:
            await way.sink.send_all(item)
        elif not item:
            await self._finish()

    async def _finish(self) -> None:
        way = self._way
        if way.pair.broken is not None:
            raise trio.BrokenResourceError("what looks like the end of a broken pair is none")
        if not way.finished:
            await way.sink.send_eof()
            way.finished = True

    # How it ends a connection

    async def _close_both(self, cut: Cut) -> None:
        # First: a peer that answers the end at once would else have finished in good order.
        self._cut(f"the fault {cut.fault!r} closed it: {cut.reason}", reset=False)
        with trio.move_on_after(_GRACE, shield=True):
            await self._finish()
            await self._let_arrive(lambda: False)
        await trio.sleep_forever()

    async def _reset(self, installed: Installed) -> None:
        await self._let_arrive(self._is_busy)
        self._cut(f"the fault {installed.fault.name!r} reset it", reset=True)
        await trio.sleep_forever()

    async def _let_arrive(self, is_busy: Callable[[], bool]) -> None:
        """Let the peer have what has passed: a reset throws away what is on its way."""
        with trio.move_on_after(_GRACE):
            while is_busy() or self._way.sink.unsent():  # noqa: ASYNC110 - kernels set no events
                await trio.sleep(_POLL)
