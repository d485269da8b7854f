"""Whatever clients and backends do: one record each, and the counts add up."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import attrs
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.reloads import renamed
from support.scale import scaled
from support.world import BACKEND, FRONT, OTHER, THIRD, World, make_config, receive_to_end
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config, Record
from trio_balancer.testing import MemoryStream

ADDRESSES = (BACKEND, OTHER, THIRD)
CHECKS = '[pools.app.health]\ninterval = "1s"\ntimeout = "0.5s"\nfall = 1\nrise = 1\n'
OUTLIER = '[pools.app.outlier]\nfailures = 2\nejection = "2s"\n'

which = st.integers(0, 30)
steps = st.one_of(
    st.tuples(st.just("connect"), st.just(0)),
    st.tuples(st.sampled_from(["finish", "reset", "half-close", "break"]), which),
    st.tuples(st.just("send"), which),
    st.tuples(st.sampled_from(["stop", "start", "crash"]), st.integers(0, 2)),
    st.tuples(st.just("reload"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.integers(1, 4000)),
)


def make(  # noqa: PLR0917  # what hypothesis draws
    policy: str, down: str, limit: int, drop: str, overflow: str, accept: int
) -> Config:
    return make_config(
        balancer=f'overflow = "{overflow}"',
        listener=f'max_connections = {accept}\nidle_timeout = "5s"\nlifetime = "20s"',
        pool=f'policy = "{policy}"\nwhen_down = "{down}"\ndrop_when_down = {drop}\n'
        'queue_limit = 3\nqueue_timeout = "1s"\nslow_start = "3s"\n',
        backends=(),
        more="".join(
            f'[[pools.app.backends]]\naddress = "{address}"\nmax_connections = {limit}\n'
            for address in ADDRESSES
        )
        + CHECKS
        + OUTLIER,
    )


def without(address: object, config: Config) -> Config:
    pool = config.pools["app"]
    kept = tuple(each for each in pool.backends if each.address != address)
    return attrs.evolve(config, pools={"app": attrs.evolve(pool, backends=kept)})


# What is reloaded to: all that may matter to who is under way has changed, names included.
RELOADS = [
    make("round-robin", "fail", 1, "true", "wait", 2),
    without(OTHER, make("least-connections", "hold", 2, "false", "reject", 3)),
    renamed("app", "shop", make("source-hash", "panic", 3, "true", "wait", 12)),
    renamed("web", "site", without(BACKEND, make("random-two", "fail", 4, "false", "reject", 1))),
]
configs = st.builds(
    make,
    st.sampled_from(["round-robin", "least-connections", "random-two", "source-hash"]),
    st.sampled_from(["fail", "panic", "hold"]),
    st.integers(1, 4),
    st.sampled_from(["true", "false"]),
    st.sampled_from(["wait", "reject"]),
    st.integers(1, 12),
)


class Play:
    """Does what a script says, to whoever is there."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def step(self, what: str, which: int) -> None:
        if what == "connect":
            self.world.nursery.start_soon(self._connect)
        elif what == "wait":
            await trio.sleep(which / 1000)
        elif what in ("stop", "start", "crash"):
            await self._change(what, which)
        elif what == "reload":
            await self.world.balancer.reload(RELOADS[which])
        elif self.world.peers:
            client = self.world.peers[which % len(self.world.peers)]
            await self._act(what, client, which)
        await wait_all_tasks_blocked()

    async def _connect(self) -> None:
        gone = (ConnectionRefusedError, trio.BrokenResourceError, trio.ClosedResourceError)
        with suppress(*gone):
            client = await self.world.client(FRONT)
            await receive_to_end(client)

    async def _change(self, what: str, which: int) -> None:
        server = self.world.servers[which]
        listening = server.listener is not None and not server.listener.closed
        if what == "start" and not listening:
            await server.start()
        elif what == "stop":
            server.stop()
        elif what == "crash":
            server.crash()

    async def _act(self, what: str, client: MemoryStream, which: int) -> None:
        if what == "reset":
            client.reset()
        elif what == "break":
            for server in self.world.servers:
                for stream in server.live[:1]:
                    stream.reset()
        else:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._send(client, bytes(which * 7) if what == "send" else b"")
                if what != "send":
                    await client.send_eof()

    @staticmethod
    async def _send(client: MemoryStream, data: bytes) -> None:
        with trio.move_on_after(1):
            await client.send_all(data)


async def play(config: Config, script: list[tuple[str, int]]) -> None:
    async with trio.open_nursery() as nursery:
        world = World(nursery)
        for address in ADDRESSES:
            await world.server(address)
        await world.serve(config)
        actor = Play(world)
        for what, which in script:
            await actor.step(what, which)
        world.balancer.drain(1)
        await trio.sleep(60)
        assert world.returned
        check(world)
        await world.crash_everybody()
        assert world.network.open_streams() == []
        nursery.cancel_scope.cancel()


def check(world: World) -> None:
    world.assert_nothing_is_held()
    traffic = world.balancer.statistics().traffic
    assert traffic.bugs == 0, world.lines("A bug")
    assert traffic.accepted == len(world.records)
    assert traffic.endings == Counter(world.endings())
    assert traffic.refused == world.endings().count("PR")
    assert traffic.bytes_up == sum(record.bytes_up for record in world.records)
    assert traffic.bytes_down == sum(record.bytes_down for record in world.records)
    clients = {client.local_address: client for client in world.peers}
    for record in world.records:
        check_bytes(record, clients[record.client])


def check_bytes(record: Record, client: MemoryStream) -> None:
    # The backends echo.
    assert record.bytes_down <= record.bytes_up <= client.sent
    assert client.received <= record.bytes_down
    if str(record.ending) == "--":
        assert client.received == record.bytes_down == record.bytes_up == client.sent
    if record.attempts == 0:
        assert record.backend is None


@settings(max_examples=scaled(3000), deadline=None)
@given(configs, st.lists(steps, max_size=60))
def test_every_connection_has_one_record_and_the_counts_add_up(
    config: Config, script: list[tuple[str, int]]
) -> None:
    trio.run(play, config, script, clock=MockClock(autojump_threshold=0))
