"""Random sequences of reloads, against a model of what must hold after each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scale import scaled
from support.world import OPTIONS, World, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import BindError, Config
from trio_balancer.config.model import (
    BackendConfig,
    BalancerConfig,
    ListenerConfig,
    Policy,
    PoolConfig,
)
from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.wire.address import InetAddress, inet_address

if TYPE_CHECKING:
    from trio_balancer.network.seam import Listener
    from trio_balancer.policy import Backend
    from trio_balancer.testing import MemoryStream

    Step = tuple[str, object]

FRONTS = [inet_address(f"10.0.0.{number}", 80) for number in range(1, 5)]
EVERYWHERE = inet_address("0.0.0.0", 80)
TAKEN = inet_address("10.0.0.9", 81)
BACKENDS = [inet_address("10.0.1.1", port) for port in range(9001, 9005)]

backends = st.lists(
    st.builds(
        lambda number, weight: BackendConfig(f"b{number}", BACKENDS[number], weight),
        st.integers(0, 3),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda backend: backend.name,
)
pools = st.dictionaries(
    st.sampled_from("xyz"),
    st.tuples(
        backends,
        st.sampled_from([Policy.ROUND_ROBIN, Policy.LEAST_CONNECTIONS, Policy.SOURCE_HASH]),
        st.sampled_from([CheckType.TCP, CheckType.NONE]),
    ),
    min_size=1,
)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Make a configuration of up to three listeners, at addresses that do not overlap."""
    made = {
        name: PoolConfig(name, tuple(each), policy=policy, health=HealthConfig(check))
        for name, (each, policy, check) in draw(pools).items()
    }
    at_all = draw(st.booleans()) and draw(st.booleans())
    fronts = [EVERYWHERE] if at_all else draw(st.lists(st.sampled_from(FRONTS), unique=True))
    names = draw(st.permutations("abc"))
    bind: dict[str, tuple[InetAddress, ...]] = {}
    for front in fronts or FRONTS[:1]:
        name = names[draw(st.integers(0, 2))]
        bind[name] = (*bind.get(name, ()), front)
    listeners = {
        name: ListenerConfig(
            name,
            addresses,
            draw(st.sampled_from(sorted(made))),
            max_connections=draw(st.sampled_from([None, 50, 60])),
        )
        for name, addresses in bind.items()
    }
    return Config(listeners, made, BalancerConfig(max_connections=200))


which = st.integers(0, 20)
steps = st.one_of(
    st.tuples(st.just("reload"), configs()),
    st.tuples(st.just("reload"), configs()),
    st.tuples(st.just("fail"), configs()),
    st.tuples(st.sampled_from(["connect", "connect", "finish", "weigh"]), which),
    st.tuples(st.just("wait"), st.integers(1, 5)),
)


@attrs.define(eq=False)
class Model:
    """What a balancer must be like after what was done to it."""

    world: World
    config: Config
    clients: list[MemoryStream] = attrs.Factory(list)
    sockets: Mapping[str, Listener] = attrs.Factory(dict)
    #: What an operator has set, and the file's own value then.
    weights: dict[tuple[str, str], tuple[int, int]] = attrs.Factory(dict)
    leased: dict[Backend, int] = attrs.Factory(dict)

    async def do(self, what: str, how: object) -> None:
        """Take one step."""
        if isinstance(how, Config):
            await (self.reload(how) if what == "reload" else self.fail(how))
        elif isinstance(how, int):
            await self.act(what, how)
        await wait_all_tasks_blocked()

    async def reload(self, config: Config) -> None:
        await self.world.balancer.reload(config)
        self.weights = {
            key: (weight, file)
            for key, (weight, file) in self.weights.items()
            if file == _weights(config).get(key)
        }
        self.config = config

    async def fail(self, config: Config) -> None:
        name, listener = next(iter(config.listeners.items()))
        spoilt = attrs.evolve(listener, bind=(*listener.bind, TAKEN))
        with pytest.raises(BindError):
            await self.world.balancer.reload(
                attrs.evolve(config, listeners={**config.listeners, name: spoilt})
            )

    async def act(self, what: str, number: int) -> None:
        if what == "wait":
            await trio.sleep(number)
        elif what == "connect":
            self.clients.append(await self.connect(number))
        elif what == "weigh":
            self.weigh(number)
        elif self.clients:
            client = self.clients.pop(number % len(self.clients))
            await client.send_eof()
            assert await client.receive_some() == b""
            client.close()

    async def connect(self, number: int) -> MemoryStream:
        """Connect anywhere, and see who serves there."""
        listeners = list(self.config.listeners.values())
        listener = listeners[number % len(listeners)]
        bind = listener.bind[number % len(listener.bind)]
        assert isinstance(bind, InetAddress)
        client = await self.world.client(FRONTS[0] if bind == EVERYWHERE else bind)
        assert await trade(client) == b"ping"
        connection = list(self.world.runtime.connections.values())[-1]
        assert connection.listener.name == listener.name
        assert connection.pool is self.world.runtime.pools[str(listener.pool)]
        assert connection.lease is not None
        assert connection.lease.backend in connection.pool.backends
        return client

    def weigh(self, number: int) -> None:
        names = list(_weights(self.config))
        pool, name = names[number % len(names)]
        found = self.world.runtime.pools[pool]
        backend = next(each for each in found.backends if each.name == name)
        found.set_weight(backend, 1 + number, trio.current_time())
        self.weights[pool, name] = (1 + number, backend.config.weight)

    async def check(self) -> None:
        """Look at everything."""
        assert self.world.balancer.config is self.config
        self.check_sockets()
        self.check_backends()
        for client in self.clients:
            assert await trade(client) == b"ping"
        live = len(self.world.runtime.connections)
        assert live == len(self.clients)
        assert self.world.runtime.limiter.borrowed_tokens == live
        assert self.world.runtime.totals.accepted == live + len(self.world.records)

    def check_sockets(self) -> None:
        """The addresses of the file are those that answer, each with the socket it had."""
        bound = {
            str(address): self.world.network.listener_at(address)
            for listener in self.config.listeners.values()
            for address in listener.bind
            if isinstance(address, InetAddress)
        }
        for address, socket in bound.items():
            assert self.sockets.get(address, socket) is socket
        self.sockets = bound
        bind = {name: each.bind for name, each in self.config.listeners.items()}
        assert self.world.balancer.addresses == bind
        others = [server.listener for server in self.world.servers]
        others.append(self.world.network.listener_at(TAKEN))
        assert len(self.world.network._listeners) == len(bound) + len(others)

    def check_backends(self) -> None:
        """Everybody has what the file says, or the operator; counts grow, and checks are made."""
        runtime = self.world.runtime
        assert list(runtime.pools) == list(self.config.pools)
        everybody = [each for pool in runtime.pools.values() for each in pool.backends]
        for pool in runtime.pools.values():
            assert [each.config for each in pool.backends] == [*pool.config.backends]
            held = [each for each in runtime.connections.values() if each.pool is pool]
            assert pool.active == len(held)
        for backend in everybody:
            weight, _file = self.weights.get((backend.pool, backend.name), (None, None))
            assert backend.weight == (backend.config.weight if weight is None else weight)
            assert backend.leased >= self.leased.get(backend, 0)
            self.leased[backend] = backend.leased
        watches = self.world.balancer._house.watchers._watches
        assert set(watches) == set(everybody)


def _weights(config: Config) -> dict[tuple[str, str], int]:
    return {
        (pool.name, backend.name): backend.weight
        for pool in config.pools.values()
        for backend in pool.backends
    }


async def play(config: Config, script: list[Step]) -> None:
    async with trio.open_nursery() as nursery:
        world = World(nursery)
        for address in BACKENDS:
            await world.server(address)
        await world.serve(config)
        taken = await world.network.listen(TAKEN, backlog=1, options=OPTIONS)
        model = Model(world, config)
        for what, how in script:
            await model.do(what, how)
            await model.check()
        world.balancer.drain(1)
        await trio.sleep(60)
        assert world.returned
        world.assert_nothing_is_held()
        assert world.balancer.statistics().traffic.bugs == 0
        taken.close()
        await world.crash_everybody()
        assert world.network.open_streams() == []
        nursery.cancel_scope.cancel()


@pytest.mark.heavy
@settings(max_examples=scaled(2000), deadline=None)
@given(configs(), st.lists(steps, max_size=25))
def test_whatever_is_reloaded_the_model_holds(config: Config, script: list[Step]) -> None:
    trio.run(play, config, script, clock=MockClock(autojump_threshold=0))
