"""Cancelled at any scheduling step of its life, a connection leaks nothing and has one record.

An Instrument counts the steps of all tasks and cancels at step k; the scenario runs again for
every k. Counting the connection's own steps alone would miss what happens while it is parked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.certificates import Authority
from support.hellos import hello_with, host_name, server_name
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
    OTHER,
    World,
    echo,
    finish,
    keep,
    make_config,
    receive_to_end,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config
from trio_balancer.config.model import BalancerConfig, ListenerConfig, PoolConfig
from trio_balancer.control.reload import ReloadError
from trio_balancer.faults import make_fault, on_pool
from trio_balancer.network.tls_client import ClientTls
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.network.tls_server import ServerTls
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from pathlib import Path

    from trio_balancer.network.tls_stream import TlsStream
    from trio_balancer.testing import MemoryStream

BOTH = (BACKEND, OTHER)
# Less than any connection takes, however soon it fails.
FEWEST_STEPS = 8


class CancelAtStep(trio.abc.Instrument):
    """Calls `cancel` after step `step`, counted while `running`."""

    world: World

    def __init__(self, step: int, cancel: Callable[[World], None]) -> None:
        self.left = step
        self.running = False
        self.done = False
        self._cancel = cancel

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # all of them
        if not self.running:
            return
        self.left -= 1
        if self.left == 0:
            self.done = True
            self._cancel(self.world)


@attrs.frozen
class Scenario:
    """A connection's life: what the client does, and how it ends where nothing is cancelled."""

    name: str
    ending: str
    play: Callable[[World], Awaitable[None]]
    config: Config
    prepare: Callable[[World], Awaitable[None]]


async def dial_and_finish(world: World) -> None:
    client = await world.client()
    await trade(client)
    await finish(client)


async def dial_only(world: World) -> None:
    client = await world.client()
    await receive_to_end(client)


async def half_close(world: World) -> None:
    client = await world.client()
    await client.send_all(b"question")
    await client.send_eof()
    await receive_to_end(client)
    client.close()


async def reset_in_data(world: World) -> None:
    client = await world.client()
    await trade(client)
    client.reset()
    await wait_all_tasks_blocked()


async def upload(world: World) -> None:
    client = await world.client()
    await client.send_all(bytes(1_000_000))


async def drain(world: World) -> None:
    client = await world.client()
    await trade(client)
    world.balancer.drain(2)
    await trio.sleep(1)
    await trade(client)
    await receive_to_end(client)


async def reload(world: World) -> None:
    client = await world.client()
    await trade(client)
    with suppress(ReloadError):  # too late
        await world.balancer.reload(RELOADED)
    late = await world.client(NARROW)
    await trade(late)
    await trade(client)
    await finish(late)
    await finish(client)


async def break_on_purpose(world: World) -> None:
    """Faults come and go, each of them while bytes wait in it."""
    book = world.balancer.faults
    assert book is not None
    client = await world.client()
    await trade(client)
    for kind in ("latency", "stall"):
        for stream in ("upstream", "downstream"):
            fault = book.add(on_pool("app"), make_fault({"type": kind, "stream": stream}))
            await client.send_all(b"ping")
            await wait_all_tasks_blocked()
            book.remove(on_pool("app"), fault.name)
            await client.receive_some()
    await finish(client)
    book.add(on_pool("app"), make_fault({"type": "limit_data", "attributes": {"bytes": 1}}))
    client = await world.client()
    await client.send_all(b"ping")
    await receive_to_end(client)


async def announced(world: World) -> None:
    client = await world.client()
    await client.send_all(b"PROXY TCP4 198.51.")
    await trio.sleep(0.1)
    await client.send_all(b"100.9 10.0.0.1 1234 80\r\n")
    await trade(client)
    await finish(client)


async def announced_and_refused(world: World) -> None:
    client = await world.client()
    await client.send_all(b"PROXY TCP4 203.0.113.9 10.0.0.1 1234 80\r\n")
    await receive_to_end(client)


async def hello_in_pieces(world: World) -> None:
    hello = hello_with(server_name(host_name(b"a.example")))
    client = await world.client()
    await client.send_all(hello[:20])
    await trio.sleep(0.1)
    await client.send_all(hello[20:])
    received = 0
    while received < len(hello):
        received += len(await client.receive_some())
    await finish(client)


async def nobody(_world: World) -> None:
    """Nobody listens anywhere."""


async def one_echo(world: World) -> None:
    await world.server(BACKEND, echo)


async def echo_after_a_header(world: World) -> None:
    async def behave(stream: MemoryStream) -> None:
        while not (await stream.receive_some()).endswith(b"\r\n"):
            pass
        await echo(stream)

    await world.server(BACKEND, behave)


async def answer_and_end(world: World) -> None:
    async def behave(stream: MemoryStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"answer")
        stream.close()

    await world.server(BACKEND, behave)


async def second_echo(world: World) -> None:
    await world.server(OTHER, echo)


async def breaks_later(world: World) -> None:
    async def reset_soon(stream: MemoryStream) -> None:
        await trio.sleep(1)
        await stream.send_all(b"enough")
        stream.reset()

    await world.server(BACKEND, reset_soon)


async def starts_later(world: World) -> None:
    server = await world.server(BACKEND, echo, listening=False)

    async def start() -> None:
        await trio.sleep(2.5)
        await server.start()

    world.nursery.start_soon(start)


async def full(world: World) -> None:
    """The only slot is taken for a second, by somebody who is no part of the story."""
    server = await world.server(BACKEND, keep)
    first = await world.client()
    server.behave = echo

    async def leave() -> None:
        await trio.sleep(1)
        first.reset()
        server.streams[0].close()

    world.nursery.start_soon(leave)


async def silent(world: World) -> None:
    world.network.blackhole(BACKEND)
    await world.server(OTHER, echo)


ONE_SLOT = f'[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = 1\n'
DELAY = '[[listeners.web.faults]]\ntype = "delay"\nattributes = { delay = 100 }\n'
BREAKABLE = make_config(balancer="faults = true", more=NO_CHECKS + DELAY)
ONE_TOKEN = attrs.evolve(make_config(), balancer=BalancerConfig(max_connections=1))

# Later an address that overlaps, one more, and another pool, whose backend is checked first: all
# that a reload may have to wait for.
NARROW, WIDE = inet_address("10.0.0.1", 8080), inet_address("0.0.0.0", 8080)
BEFORE_RELOAD = attrs.evolve(
    make_config(), listeners={"web": ListenerConfig("web", (NARROW, FRONT), "app")}
)
RELOADED = attrs.evolve(
    make_config(),
    listeners={
        "web": ListenerConfig("web", (WIDE,), "shop"),
        "site": ListenerConfig("site", (FRONT, inet_address("10.0.0.1", 81)), "shop"),
    },
    pools={"shop": PoolConfig("shop", BEFORE_RELOAD.pools["app"].backends)},
)

RULES = 'access = { deny = ["203.0.113.0/24"], max_per_client = 5, tarpit = "1s" }'
TRUSTING = f'proxy_protocol = {{ trusted = ["0.0.0.0/0"] }}\n{RULES}'
ROUTES = '[[listeners.web.routes]]\nsni = ["a.example"]\npool = "app"'
FILTERS = """
[[listeners.web.filters]]
use = "replace"
pattern = "ping!"
with = "pong!"
[[listeners.web.filters]]
use = "bandwidth"
up = "8B/s"
listener_up = "8B/s"
"""

SCENARIOS = [
    Scenario("dial succeeding", "--", dial_and_finish, make_config(), one_echo),
    Scenario("dial failing", "SC", dial_only, make_config(), nobody),
    Scenario(
        "dial timing out, then another backend",
        "--",
        dial_and_finish,
        make_config(backends=BOTH, pool='connect_timeout = "1s"'),
        silent,
    ),
    Scenario(
        "refused, then another backend",
        "--",
        dial_and_finish,
        make_config(backends=BOTH),
        second_echo,
    ),
    Scenario("half-closed", "--", half_close, make_config(), one_echo),
    Scenario("reset in data", "CD", reset_in_data, make_config(), one_echo),
    Scenario("backend breaks under an upload", "SD", upload, make_config(), breaks_later),
    Scenario(
        "queued", "--", dial_and_finish, make_config(backends=(), more=ONE_SLOT + NO_CHECKS), full
    ),
    Scenario(
        "queued for too long",
        "sQ",
        dial_only,
        make_config(backends=(), pool='queue_timeout = "0.5s"', more=ONE_SLOT + NO_CHECKS),
        full,
    ),
    Scenario("held", "--", dial_and_finish, make_config(pool='when_down = "hold"'), starts_later),
    Scenario(
        "idle",
        "cD",
        dial_only,
        make_config(listener='idle_timeout = "4s"'),
        one_echo,
    ),
    Scenario("waiting for a token", "--", dial_and_finish, ONE_TOKEN, full),
    Scenario("broken on purpose", "PD", break_on_purpose, BREAKABLE, one_echo),
    Scenario("draining", "KD", drain, make_config(), one_echo),
    Scenario("reloaded", "--", reload, BEFORE_RELOAD, one_echo),
    Scenario("PROXY header", "--", announced, make_config(listener=TRUSTING), one_echo),
    Scenario("tarpit", "PT", announced_and_refused, make_config(listener=TRUSTING), one_echo),
    Scenario("routed", "--", hello_in_pieces, make_config(listener=ROUTES), one_echo),
    Scenario(
        "PROXY header out",
        "--",
        dial_and_finish,
        make_config(listener=RULES, pool='send_proxy = "v1"'),
        echo_after_a_header,
    ),
    Scenario("filtered", "--", dial_and_finish, make_config(listener=RULES + FILTERS), one_echo),
]


def secured_scenarios(authority: Authority) -> list[Scenario]:
    """Return those with TLS, which need certificates."""
    files = authority.issue("a.example")
    tls = f'tls = {{ certificates = [{{ cert = "{files.cert}", key = "{files.key}" }}] }}'
    trusting = make_config(listener=f"{TRUSTING}\n{tls}")
    originating = f'[pools.app.tls]\nca = "{authority.ca}"\nserver_name = "a.example"\n'
    server, client = ServerTls(authority.listener("a.example")), ClientTls(authority.pool())

    async def connect(world: World) -> TlsStream:
        plain = await world.client()
        await plain.send_all(b"PROXY TCP4 198.51.100.9 10.0.0.1 1234 80\r\n")
        return await client.connect(plain, "a.example")

    async def ask_and_end(world: World) -> None:
        stream = await connect(world)
        await stream.send_all(b"ping")
        await stream.receive_some()
        await stream.aclose()
        await wait_all_tasks_blocked()

    async def go_on_sending(world: World) -> None:
        stream = await connect(world)
        await stream.send_all(b"ping")
        while await stream.receive_some():
            pass
        await stream.send_all(b"still here")
        stream.close()
        await wait_all_tasks_blocked()

    async def secured_echo(world: World) -> None:
        async def behave(plain: MemoryStream) -> None:
            with suppress(TlsError):
                stream = await server.accept(plain)
                while data := await stream.receive_some():
                    await stream.send_all(data)
                await stream.send_eof()
            plain.close()

        await world.server(BACKEND, behave)

    return [
        Scenario("TLS", "--", ask_and_end, trusting, one_echo),
        Scenario("TLS, the backend ends first", "--", go_on_sending, trusting, answer_and_end),
        Scenario(
            "TLS to the backend",
            "--",
            dial_and_finish,
            make_config(listener=RULES, more=originating + NO_CHECKS),
            secured_echo,
        ),
    ]


def cancel_connections(world: World) -> None:
    for connection in list(world.runtime.connections.values()):
        connection.cancel()


def cancel_serve(world: World) -> None:
    world.scope.cancel()


async def _play(scenario: Scenario, world: World, canceller: CancelAtStep) -> None:
    await scenario.prepare(world)
    await wait_all_tasks_blocked()
    canceller.running = True
    # Cut off, or refused because the balancer is gone.
    with suppress(trio.BrokenResourceError, ConnectionRefusedError):
        await scenario.play(world)
    canceller.running = False


async def _run_once(scenario: Scenario, canceller: CancelAtStep) -> list[str]:
    """Play a scenario, cancelled at some step; returns the endings that it left."""
    async with trio.open_nursery() as nursery:
        world = World(nursery)
        await world.serve(scenario.config)
        canceller.world = world
        await _play(scenario, world, canceller)
        await world.crash_everybody()
        world.assert_nothing_is_held()
        assert world.balancer.faults is None or not world.balancer.faults._live
        assert world.network.open_streams() == []
        nursery.cancel_scope.cancel()
    return world.endings()


@pytest.mark.parametrize("cancel", [cancel_connections, cancel_serve])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nothing_leaks_wherever_it_is_cancelled(
    scenario: Scenario, cancel: Callable[[World], None]
) -> None:
    _cancel_everywhere(scenario, cancel)


@pytest.mark.parametrize("cancel", [cancel_connections, cancel_serve])
def test_nothing_leaks_with_tls(tmp_path: Path, cancel: Callable[[World], None]) -> None:
    for scenario in secured_scenarios(Authority(tmp_path)):
        _cancel_everywhere(scenario, cancel)


def _cancel_everywhere(scenario: Scenario, cancel: Callable[[World], None]) -> None:
    for step in count(1):
        canceller = CancelAtStep(step, cancel)
        clock = MockClock(autojump_threshold=0)
        endings = trio.run(_run_once, scenario, canceller, clock=clock, instruments=[canceller])
        if not canceller.done:
            break
    assert scenario.ending in endings
    assert step > FEWEST_STEPS
