"""Whatever two peers do while faults come and go, over every relay: no byte is lost or moved.

The model is two streams of bytes: byte n of a way is always the same, so that one that is lost,
doubled or out of place is seen at once.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.broken import RELAYS, Broken, breakable
from support.scale import scaled

from trio_balancer.relay import Outcome

if TYPE_CHECKING:
    from trio_balancer.network import Stream

DATA = random.Random(1).randbytes(3_000_000)

# Those that lose nothing, but hold and delay as much as they can, and hurry.
EFFECTS: list[dict[str, object]] = [
    {"type": "noop"},
    {"type": "latency", "attributes": {"latency": 2, "jitter": 2}},
    {"type": "latency", "attributes": {"latency": 100_000}},
    {"type": "bandwidth", "attributes": {"rate": 0}},
    {"type": "bandwidth", "attributes": {"rate": 50_000}},
    {"type": "slicer", "attributes": {"average_size": 900, "size_variation": 700}},
    {"type": "slicer", "attributes": {"average_size": 20_000, "delay": 100}},
    {"type": "stall"},
    {"type": "stall", "attributes": {"duration": 3}},
    {"type": "slow_close", "attributes": {"delay": 2}},
    {"type": "packet_loss", "attributes": {"loss_rate": 0.001}},
    {"type": "limit_data", "attributes": {"bytes": 10**9}},
    {"type": "reset_peer", "attributes": {"timeout": 10**9}},
    {"type": "corrupt", "attributes": {"probability": 0}},
    {"type": "stall", "match": {"after_bytes": 5000}},
    {"type": "bandwidth", "match": {"after_bytes": 100_000}, "attributes": {"rate": 1000}},
]


@attrs.frozen
class Say:
    """One side sends, and takes what it can get meanwhile."""

    side: int
    size: int


@attrs.frozen
class Receive:
    """One side takes what has come."""

    side: int


@attrs.frozen
class Add:
    """A fault comes."""

    table: dict[str, object]
    stream: str


@attrs.frozen
class Change:
    """The oldest fault has another toxicity."""

    toxicity: int


@attrs.frozen
class Remove:
    """A fault goes, if there is one."""

    which: int


SIDES = st.integers(0, 1)
STEPS = st.lists(
    st.one_of(
        st.builds(Say, SIDES, st.sampled_from([1, 700, 40_000, 300_000])),
        st.builds(Receive, SIDES),
        st.builds(Add, st.sampled_from(EFFECTS), st.sampled_from(["upstream", "downstream"])),
        st.builds(Change, st.integers(0, 1)),
        st.builds(Remove, st.integers(0, 5)),
    ),
    max_size=25,
)
Step = Say | Receive | Add | Change | Remove


@attrs.define(eq=False)
class Peer:
    """A client or a backend: how far it has come."""

    stream: Stream
    received: bytearray = attrs.field(factory=bytearray)

    async def say(self, size: int) -> None:
        """Send what is taken at once."""
        sent = self.stream.sent
        with trio.move_on_after(0.003):
            await self.stream.send_all(DATA[sent : sent + size])

    async def take(self) -> None:
        """Receive what has come."""
        with trio.move_on_after(0.003):
            while data := await self.stream.receive_some():
                self.received += data

    async def finish(self) -> None:
        """Say that this was all."""
        await self.stream.send_eof()

    async def take_all(self) -> None:
        """Receive to the end."""
        while data := await self.stream.receive_some():
            self.received += data


async def do(step: Step, number: int, peers: list[Peer], broken: Broken) -> None:
    book, listed = broken.book, broken.book.list()
    match step:
        case Say():
            await peers[step.side].say(step.size)
        case Receive():
            await peers[step.side].take()
        case Add():
            others = {key: value for key, value in step.table.items() if key != "type"}
            broken.add(str(step.table["type"]), name=str(number), stream=step.stream, **others)
        case Change() if listed:
            book.update(listed[0].scope, listed[0].fault.name, toxicity=step.toxicity)
        case Remove() if listed:
            chosen = listed[step.which % len(listed)]
            book.remove(chosen.scope, chosen.fault.name)
    for peer, other in (peers, reversed(peers)):
        assert peer.received == DATA[: len(peer.received)]
        assert len(peer.received) <= other.stream.sent


async def play(name: str, steps: list[Step], directory: Path) -> None:
    async with breakable(name, directory) as broken:
        peers = [Peer(broken.ends.client), Peer(broken.ends.backend)]
        for number, step in enumerate(steps):
            await do(step, number, peers, broken)
        broken.book.reset()
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                for peer in peers:
                    nursery.start_soon(peer.finish)
                    nursery.start_soon(peer.take_all)
            await broken.over.wait()
        assert broken.outcomes == {"up": Outcome.FINISHED, "down": Outcome.FINISHED}
        assert broken.cuts == []
        for peer, other in (peers, reversed(peers)):
            assert bytes(peer.received) == DATA[: other.stream.sent]


@pytest.mark.heavy
@pytest.mark.usefixtures("eager_splice")
@pytest.mark.parametrize("name", RELAYS)
def test_two_byte_streams(name: str) -> None:
    @settings(max_examples=scaled(1000), deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def run(steps: list[Step]) -> None:
        with tempfile.TemporaryDirectory() as directory:
            trio.run(play, name, steps, Path(directory))

    run()
