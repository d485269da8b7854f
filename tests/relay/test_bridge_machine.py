"""Whatever two peers do, in any order, over every relay: a bridge against a model of two streams.

The model is a number of bytes each way: byte n of a way is always the same, so that one that is
lost, doubled or out of place is seen at once.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs
import pytest
import trio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.rig import Ends, Rig, open_rig
from support.scale import scaled

from trio_balancer.flow.bridge import Bridge, Timeouts
from trio_balancer.flow.record import FINISHED, Ending, Phase, Who
from trio_balancer.network import PeerReset, Stream
from trio_balancer.relay import Sweepers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

CYCLE = 65_521
PATTERN = random.Random(1).randbytes(CYCLE) * 10
# Bytes of the kernel's own buffers.
BUFFERS = 1 << 18
# Seconds that a bridge waits for a peer that neither takes nor sends anything, once it broke.
PATIENCE = 5
SIDES = st.sampled_from([0, 1])


def part(start: int, size: int) -> bytes:
    """Return bytes `start` to `start + size` of a way, fewer when those are too many."""
    begin = start % CYCLE
    return PATTERN[begin : begin + size]


@attrs.define(eq=False)
class Peer:
    """A client or a backend: what it has done, and what it has seen."""

    stream: Stream
    received: int = 0
    finished: bool = False
    has_reset: bool = False
    saw_end: bool = False
    saw_reset: bool = False

    @property
    def sent(self) -> int:
        return self.stream.sent

    @property
    def can_send(self) -> bool:
        return not (self.finished or self.has_reset or self.saw_reset)

    @property
    def can_receive(self) -> bool:
        return not (self.has_reset or self.saw_end or self.saw_reset)


@attrs.define(eq=False)
class Scene:
    """A bridge that runs, in a thread with a trio of its own: a state machine is synchronous."""

    rig: Rig
    ends: Ends
    bridge: Bridge
    token: trio.lowlevel.TrioToken
    over: trio.Event = attrs.field(factory=trio.Event)
    ending: Ending | None = None
    stop: trio.Event = attrs.field(factory=trio.Event)

    async def run(self) -> None:
        """Join the two legs, and close them as a connection would."""
        legs = self.ends.pair.client, self.ends.pair.backend
        try:
            async with trio.open_nursery() as nursery:
                self.bridge.start(nursery)
            self.ending = await self.bridge.finish()
        finally:
            self.bridge.release()
            for leg in legs:
                leg.close() if self.ending == FINISHED else leg.reset()
            self.over.set()


class Stage:
    """The thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._directory = Path(tempfile.mkdtemp())
        self._ready = threading.Event()
        self._scene: list[Scene] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait()
        self.scene = self._scene[0]

    def do(self, act: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run an async function there."""
        return trio.from_thread.run(act, *args, trio_token=self.scene.token)

    def close(self) -> None:
        """End it; raises what went wrong in there."""
        trio.from_thread.run_sync(self.scene.stop.set, trio_token=self.scene.token)
        self._thread.join()
        shutil.rmtree(self._directory)
        for error in self._errors:
            raise error

    def _run(self) -> None:
        try:
            trio.run(self._play)
        except BaseException as error:  # noqa: BLE001 - raised by `close`
            self._errors.append(error)
        finally:
            self._ready.set()

    async def _play(self) -> None:
        async with open_rig(self._name, self._directory) as rig, trio.open_nursery() as services:
            ends = await rig.join(buffers=BUFFERS)
            timeouts = Timeouts(half_close=PATIENCE)
            client, backend = ends.pair.client, ends.pair.backend
            bridge = Bridge(client, backend, timeouts, Sweepers(services), rig.relay)
            rig.ways[:] = [bridge.pair.up, bridge.pair.down]
            ends = Ends(ends.client, bridge.pair, ends.backend)
            token = trio.lowlevel.current_trio_token()
            scene = Scene(rig, ends, bridge, token)
            self._scene.append(scene)
            services.start_soon(scene.run)
            self._ready.set()
            await scene.stop.wait()
            services.cancel_scope.cancel()


class BridgeMachine(RuleBasedStateMachine):
    """Two peers who do as they like, and now and then somebody who interferes."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.stage = Stage(name)
        self.scene = self.stage.scene
        self.peers = [Peer(self.scene.ends.client), Peer(self.scene.ends.backend)]
        self.cancelled = False

    @property
    def broken(self) -> bool:
        """Whether bytes may be missing at an end, which is then no clean one."""
        return self.cancelled or any(peer.has_reset for peer in self.peers)

    # What the peers do

    @rule(side=SIDES, size=st.integers(1, 3000))
    def send(self, side: int, size: int) -> None:
        self._send(side, size)

    @rule(side=SIDES, pieces=st.integers(1, 40))
    def send_bulk(self, side: int, pieces: int) -> None:
        for _ in range(pieces):
            self._send(side, CYCLE)

    @rule(side=SIDES, size=st.sampled_from([1, 1000, 20_000]), times=st.integers(1, 10))
    def receive(self, side: int, size: int, times: int) -> None:
        """Take a little; not to take anything is to stop reading."""
        for _ in range(times):
            if self._owed(side):
                self._receive(side, size)

    @rule(side=SIDES)
    def receive_all(self, side: int) -> None:
        while self._owed(side):
            self._receive(side, 1 << 20)

    @rule(side=SIDES)
    def finish(self, side: int) -> None:
        peer = self.peers[side]
        if peer.can_send:
            peer.saw_reset = not self.stage.do(self._finish, peer)
            peer.finished = True

    @precondition(lambda self: not self.broken)
    @rule(side=SIDES, really=st.integers(0, 4))
    def reset(self, side: int, really: int) -> None:
        """Seldom, for a bridge that is broken has little more to show."""
        if really == 0:
            self.stage.do(self._reset, self.peers[side])

    # What we do

    @rule(way=SIDES)
    def leave_the_relay(self, way: int) -> None:
        self.stage.do(self._leave, way)

    @precondition(lambda self: not self.broken)
    @rule(really=st.integers(0, 9))
    def cancel(self, really: int) -> None:
        if really == 0:
            self.cancelled = True
            self.stage.do(self._cancel)

    # What is to be seen

    @precondition(lambda self: not self.broken)  # or else bytes are taken and dropped
    @invariant()
    def a_way_holds_no_more_than_it_may(self) -> None:
        pair = self.scene.ends.pair
        for way in (pair.up, pair.down):
            assert 0 <= way.source.received - way.sink.sent <= self.scene.rig.most_held

    def teardown(self) -> None:
        """Let both finish and see everything; then nothing may be left."""
        try:
            self._end()
            self.stage.do(self._wait_over)
            self._check_ending()
            self.scene.rig.assert_nothing_is_left()
        finally:
            self.stage.close()

    def _end(self) -> None:
        for side in (0, 1):
            self.finish(side)
        while any(peer.can_receive for peer in self.peers):
            for side, peer in enumerate(self.peers):
                if peer.can_receive:
                    self._receive(side, 1 << 20)
        for side, peer in enumerate(self.peers):
            assert peer.received <= self.peers[1 - side].sent
            if not self.broken:
                assert not peer.saw_reset
                assert peer.received == self.peers[1 - side].sent

    def _check_ending(self) -> None:
        pair, ending = self.scene.ends.pair, self.scene.ending
        if not self.broken:
            assert ending == FINISHED
            assert pair.up.finished
            assert pair.down.finished
            assert pair.client.received == pair.backend.sent
            assert pair.backend.received == pair.client.sent
        elif not self.cancelled and ending != FINISHED:
            who = Who.CLIENT if self.peers[0].has_reset else Who.BACKEND
            assert ending == Ending(who, Phase.DATA)

    # Steps

    def _owed(self, side: int) -> bool:
        peer = self.peers[side]
        return peer.can_receive and peer.received < self.peers[1 - side].sent

    def _send(self, side: int, size: int) -> None:
        peer = self.peers[side]
        if peer.can_send:
            peer.saw_reset = not self.stage.do(self._send_some, peer, size)
            assert self.broken or not peer.saw_reset

    async def _send_some(self, peer: Peer, size: int) -> bool:
        """Send what is taken; say whether the connection lives."""
        try:
            with trio.move_on_after(0.005):
                await peer.stream.send_all(part(peer.sent, size))
        except PeerReset:
            return False
        return True

    async def _finish(self, peer: Peer) -> bool:
        try:
            await peer.stream.send_eof()
        except PeerReset:
            return False
        return True

    def _receive(self, side: int, size: int) -> None:
        """Receive what is owed: bytes, the end-of-file, or a reset where there was one."""
        peer, other = self.peers[side], self.peers[1 - side]
        data = self.stage.do(self._receive_some, peer, size)
        if data is None:
            assert self.broken
            peer.saw_reset = True
        elif data:
            assert data == part(peer.received, len(data))
            peer.received += len(data)
            assert peer.received <= other.sent
        else:
            # A reset may hide bytes, but never behind a clean end.
            assert other.finished
            assert peer.received == other.sent
            peer.saw_end = True

    async def _receive_some(self, peer: Peer, size: int) -> bytes | None:
        with trio.fail_after(10):
            try:
                return bytes(await peer.stream.receive_some(min(size, 8 * CYCLE)))
            except PeerReset:
                return None

    async def _reset(self, peer: Peer) -> None:
        peer.stream.reset()
        peer.has_reset = True
        # Over before the next step, or a peer that does not read might see it much later.
        await trio.lowlevel.checkpoint()

    async def _leave(self, number: int) -> None:
        pair = self.scene.ends.pair
        leave = (pair.up, pair.down)[number].leave_relay
        if leave is not None:
            leave()

    async def _cancel(self) -> None:
        self.scene.bridge.scope.cancel()

    async def _wait_over(self) -> None:
        with trio.fail_after(10):
            await self.scene.over.wait()


@pytest.mark.heavy
@pytest.mark.usefixtures("eager_splice")
@pytest.mark.parametrize(
    "name", ["memory", "streams-ipv4", "portable-ipv4", "epoll-ipv4", "splice-ipv4", "splice-ipv6"]
)
def test_two_byte_streams(name: str) -> None:
    run_state_machine_as_test(
        lambda: BridgeMachine(name),  # type: ignore[arg-type] # a factory is taken too
        settings=settings(
            max_examples=scaled(120),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
