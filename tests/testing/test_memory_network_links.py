"""What a test author sees of links: exact times, order, endings and nothing lost."""

from __future__ import annotations

import errno

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.network import PeerReset, SocketOptions
from trio_balancer.network.seam import DialTimeoutError
from trio_balancer.testing import MemoryNetwork, MemoryStream, VirtualLink, run_in_virtual_time
from trio_balancer.wire.address import inet_address

OPTIONS = SocketOptions()
WEB = inet_address("10.0.0.1", 80)


@attrs.define(eq=False)
class Pair:
    """A connection over a link, with the seconds that have passed since."""

    network: MemoryNetwork
    link: VirtualLink
    client: MemoryStream
    server: MemoryStream
    start: float

    def elapsed(self) -> float:
        return trio.current_time() - self.start


async def join(*, seed: int = 0, window: int = 65536) -> Pair:
    network = MemoryNetwork(seed=seed, window=window)
    listener = await network.listen(WEB, backlog=10, options=OPTIONS)
    client = await network.connect(WEB, options=OPTIONS)
    link = network.link("127.0.0.1", "10.0.0.1")
    return Pair(network, link, client, listener.accept_nowait(), trio.current_time())


@pytest.fixture
async def pair(autojump_clock: MockClock) -> Pair:
    return await join()


async def receive_all(stream: MemoryStream) -> bytes:
    received = bytearray()
    while data := await stream.receive_some():
        received += data
    return bytes(received)


async def test_latency_is_added_exactly(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(latency=0.1)
    await pair.client.send_all(b"ping")
    assert pair.client.unsent() == 4
    assert await pair.server.receive_some() == b"ping"
    assert pair.elapsed() == 0.1
    assert pair.client.unsent() == 0
    await pair.server.send_all(b"pong")
    assert await pair.client.receive_some() == b"pong"
    assert pair.elapsed() == 0.2


async def test_what_comes_together_arrives_together(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(latency=0.1)
    for byte in (b"a", b"b", b"c"):
        await pair.client.send_all(byte)
    await pair.client.send_eof()
    assert await receive_all(pair.server) == b"abc"
    assert pair.elapsed() == 0.1


async def test_a_shorter_latency_overtakes_nothing(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(latency=1)
    await pair.client.send_all(b"a")
    pair.link.change(latency=0)
    await pair.client.send_all(b"b")
    assert await pair.server.receive_some() == b"ab"
    assert pair.elapsed() == 1


async def test_bandwidth_is_exact(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(bandwidth=100_000, latency=0.5)
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await pair.client.send_all(bytes(500_000))
            await pair.client.send_eof()

        nursery.start_soon(send)
        assert len(await receive_all(pair.server)) == 500_000
    assert pair.elapsed() == pytest.approx(5.5)


async def test_connections_share_the_bandwidth(autojump_clock: MockClock, pair: Pair) -> None:
    other = await pair.network.connect(WEB, options=OPTIONS)
    server = pair.network.listener_at(WEB).accept_nowait()
    pair.link.change(bandwidth=10_000)
    for stream in (pair.client, other):
        await stream.send_all(bytes(20_000))
        await stream.send_eof()
    ends = []
    for stream in (pair.server, server):
        assert len(await receive_all(stream)) == 20_000
        ends.append(pair.elapsed())
    # They take turns: neither is done much before the other.
    assert ends == [pytest.approx(4, abs=0.2), pytest.approx(4)]


async def test_the_window_holds_what_is_on_its_way(autojump_clock: MockClock) -> None:
    pair = await join(window=10)
    pair.link.change(latency=1)
    with trio.move_on_after(0.5):
        await pair.client.send_all(bytes(11))
    assert (pair.client.sent, pair.client.unsent()) == (10, 10)


async def test_a_dial_takes_a_round_trip(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(latency=0.1)
    await pair.network.connect(WEB, options=OPTIONS)
    assert pair.elapsed() == pytest.approx(0.2)
    listener = pair.network.listener_at(WEB)
    await listener.wait_ready()
    assert pair.elapsed() == pytest.approx(0.3)
    with pytest.raises(ConnectionRefusedError):
        await pair.network.connect(inet_address("10.0.0.1", 81), options=OPTIONS)
    assert pair.elapsed() == pytest.approx(0.5)


async def test_a_listener_that_closes_resets_who_is_on_the_way(
    autojump_clock: MockClock, pair: Pair
) -> None:
    pair.link.change(latency=0.1)
    client = await pair.network.connect(WEB, options=OPTIONS)
    pair.network.listener_at(WEB).close()
    with pytest.raises(PeerReset):
        await client.receive_some()
    assert pair.elapsed() == pytest.approx(0.4)


async def test_a_dial_through_a_partition_times_out(autojump_clock: MockClock, pair: Pair) -> None:
    with pair.link.partition(), pytest.raises(DialTimeoutError) as caught:
        await pair.network.connect(WEB, options=OPTIONS, deadline=3)
    assert caught.value.errno == errno.ETIMEDOUT
    assert pair.elapsed() == 3


async def test_a_partition_holds_everything_until_it_heals(
    autojump_clock: MockClock, pair: Pair
) -> None:
    pair.link.change(latency=0.1)
    await pair.client.send_all(b"on its way,")
    with pair.link.partition():
        await pair.client.send_all(b"waiting,")
        with trio.move_on_after(60):
            await pair.server.receive_some()
        await pair.client.send_all(b"last")
        await pair.client.send_eof()
        assert pair.client.unsent() == 23
    assert await receive_all(pair.server) == b"on its way,waiting,last"
    assert pair.elapsed() == pytest.approx(60.1)


async def test_a_partition_while_bytes_leave(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(bandwidth=1000)
    await pair.client.send_all(bytes(1000))
    await trio.sleep(0.5)
    with pair.link.partition():
        await trio.sleep(10)
    assert await pair.server.receive_some() == bytes(1000)
    assert pair.elapsed() == pytest.approx(11.5)


async def test_a_reset_arrives_later_behind_what_was_sent(
    autojump_clock: MockClock, pair: Pair
) -> None:
    told: list[float] = []
    pair.link.change(latency=0.1)
    pair.server.call_on_reset(lambda: told.append(pair.elapsed()))
    await pair.client.send_all(b"bye")
    pair.client.reset()
    assert await pair.server.receive_some() == b"bye"
    with pytest.raises(PeerReset):
        await pair.server.receive_some()
    assert pair.elapsed() == 0.1
    assert pair.network.open_streams() == [pair.server]


async def test_who_reads_nothing_is_called_back(autojump_clock: MockClock, pair: Pair) -> None:
    told: list[float] = []
    pair.link.change(latency=0.1)
    pair.server.call_on_reset(lambda: told.append(pair.elapsed()))
    pair.client.reset()
    await trio.sleep(1)
    assert told == [0.1]


async def test_a_reset_drops_what_has_not_left(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(bandwidth=1000, latency=1)
    await pair.client.send_all(bytes(14_600))
    pair.client.reset()
    assert len(await pair.server.receive_some()) == 1460  # the piece that was leaving
    with pytest.raises(PeerReset):
        await pair.server.receive_some()
    assert pair.elapsed() == pytest.approx(2.46)


async def test_bytes_to_who_has_closed_are_answered_with_a_reset(
    autojump_clock: MockClock, pair: Pair
) -> None:
    pair.link.change(latency=0.1)
    pair.server.close()
    await pair.client.send_all(b"hello?")
    await pair.client.send_all(b"hello?")
    await trio.sleep(0.15)
    assert await pair.client.receive_some() == b""
    await trio.sleep(0.1)
    with pytest.raises(PeerReset):
        await pair.client.send_all(b"hello?")


async def test_a_close_that_is_partitioned_arrives_when_it_heals(
    autojump_clock: MockClock, pair: Pair
) -> None:
    with pair.link.partition():
        pair.client.close()
        with trio.move_on_after(5) as silence:
            await pair.server.receive_some()
        assert silence.cancelled_caught
    assert await pair.server.receive_some() == b""


async def test_loss_stalls_and_loses_nothing(autojump_clock: MockClock, pair: Pair) -> None:
    pair.link.change(loss=0.5, retransmit=0.25)
    data = bytes(range(256)) * 100
    await pair.client.send_all(data)
    await pair.client.send_eof()
    assert await receive_all(pair.server) == data
    assert pair.elapsed() > 0
    assert pair.elapsed() % 0.25 == 0


async def test_a_link_that_replaces_another_takes_what_is_waiting(
    autojump_clock: MockClock, pair: Pair
) -> None:
    pair.link.change(bandwidth=1000)
    await pair.client.send_all(bytes(14_600))
    pair.network.link("*")
    assert await pair.server.receive_some(1) == b"\0"
    assert pair.elapsed() == 1.46
    await wait_all_tasks_blocked()
    assert pair.client.unsent() == 0


async def test_other_places_have_no_link(autojump_clock: MockClock, pair: Pair) -> None:
    pair.network.link("10.9.9.9", latency=5)
    await pair.client.send_all(b"ping")
    assert await pair.server.receive_some() == b"ping"
    assert pair.elapsed() == 0


chunks = st.lists(st.binary(min_size=1, max_size=4000), max_size=5)


@given(
    chunks,
    st.floats(0, 0.5),
    st.floats(0, 0.7),
    st.sampled_from([500.0, 1e5, 1e9]),
    st.integers(0, 2),
)
def test_whatever_the_link_does_bytes_arrive_in_order(
    sent: list[bytes], latency: float, loss: float, bandwidth: float, partitions: int
) -> None:
    async def talk() -> bytes:
        pair = await join(window=2000, seed=3)
        pair.link.change(latency=latency, loss=loss, bandwidth=bandwidth)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_send, pair.client, sent)
            for _ in range(partitions):
                nursery.start_soon(_cut, pair.link)
            return await receive_all(pair.server)

    assert run_in_virtual_time(talk) == b"".join(sent)


async def _send(stream: MemoryStream, chunks: list[bytes]) -> None:
    for chunk in chunks:
        await stream.send_all(chunk)
    await stream.send_eof()


async def _cut(link: VirtualLink) -> None:
    await trio.sleep(0.3)
    with link.partition():
        await trio.sleep(3)
