"""The nursery tree of a running balancer: start, drain, stop.

services nursery            network, sweepers, log, health           (cancelled last)
└─ a gate per listener      its connections; deadline set on drain
   └─ accepting nursery     one accept loop per address              (cancelled first)
"""

from __future__ import annotations

import math
import os
import random
import resource
import time
from functools import partial
from typing import TYPE_CHECKING

import trio

from trio_balancer.balancer import Balancer
from trio_balancer.config import fit_max_connections
from trio_balancer.flow.bind import bind_all, close_all
from trio_balancer.flow.changes import announce
from trio_balancer.flow.filtering import surroundings_of
from trio_balancer.flow.gate import Gate
from trio_balancer.flow.hours import keep_hours
from trio_balancer.flow.live import ListenerState, Runtime
from trio_balancer.flow.log import Log
from trio_balancer.flow.log_sink import LogSink, open_sink
from trio_balancer.flow.names import Names
from trio_balancer.health.ejections import Wakeup
from trio_balancer.health.service import run_health
from trio_balancer.network import SocketNetwork
from trio_balancer.policy import Change, Pool
from trio_balancer.policy.access import Access
from trio_balancer.policy.routes import Routes
from trio_balancer.policy.trust import Trust
from trio_balancer.prepare import close_all_filters, open_all_filters, prepare
from trio_balancer.relay import Sweepers, make_relay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trio_balancer.config.model import Config, ListenerConfig
    from trio_balancer.filters import ListenerFilters
    from trio_balancer.flow.record import Record
    from trio_balancer.network.seam import Listener, Network
    from trio_balancer.prepare import Prepared


async def serve(
    config: Config,
    *,
    network: Network | None = None,
    wall_clock: Callable[[], float] = time.time,
    rng: random.Random | None = None,
    log_sink: LogSink | None = None,
    on_record: Callable[[Record], None] | None = None,
    task_status: trio.TaskStatus[Balancer] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a balancer until it is drained (`Balancer.drain`) or cancelled.

    Use it with `nursery.start`: it hands over a `Balancer` once it serves, that is once every
    listener is bound and each backend was checked once. Cancelled, it resets every connection.

    `network` is where connections come from and go to (the kernel's sockets by default), `rng`
    what every random choice is drawn from, `wall_clock` gives Unix seconds for the log.
    `on_record` is called with each finished connection; it must not raise. `log_sink` takes the
    log instead of what the configuration says. Nothing global is touched: no signal, no limit.

    Raises ConfigError when `max_connections` does not fit into the limit of open files, or when a
    certificate or a filter cannot be loaded, BindError (an OSError) when an address cannot be
    bound, OSError when the log cannot be opened.
    """
    limit = fit_max_connections(config, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    prepared = prepare(config)
    network = SocketNetwork() if network is None else network
    log = Log(
        config.log, log_sink or open_sink(config.log.file), wall_clock=wall_clock, pid=os.getpid()
    )
    filters: dict[str, ListenerFilters] = {}
    try:
        filters = open_all_filters(config, surroundings_of(log, wall_clock))
        relay = make_relay(config.balancer.relay, network, splice=config.balancer.splice)
        # Bound before any nursery opens, so that the error reaches the caller bare.
        bound = await bind_all(network, config.listeners.values(), config.balancer.backlog)
        try:
            async with trio.open_nursery() as services:
                rng = random.Random() if rng is None else rng
                runtime = Runtime(
                    network=network,
                    pools={},
                    names=Names(network, rng=rng, log=log),
                    sweepers=Sweepers(services),
                    limiter=trio.CapacityLimiter(limit),
                    log=log,
                    rng=rng,
                    wall_clock=wall_clock,
                    overflow=config.balancer.overflow,
                    relay=relay,
                    legs=dict(prepared.legs),
                    observers=() if on_record is None else (on_record,),
                )
                await _start_services(services, runtime, config)
                gates = _make_gates(runtime, config, prepared, filters, bound)
                services.start_soon(keep_hours, runtime, gates)
                await _serve_listeners(runtime, config, gates, task_status)
                services.cancel_scope.cancel()
        finally:
            relay.close()
            close_all(bound)
    finally:
        close_all_filters(filters)
        log.close()


async def _start_services(services: trio.Nursery, runtime: Runtime, config: Config) -> None:
    """Start all that connections rely on; one round of health checks is done then."""
    changed = Wakeup()

    def notify(change: Change) -> None:
        announce(runtime, change)
        changed.wake()

    now = trio.current_time()
    for pool in config.pools.values():
        runtime.pools[pool.name] = Pool(pool, now=now, rng=runtime.rng, notify=notify)
    if runtime.relay is not None:
        splice = runtime.relay.pipes is not None
        runtime.log.info("Relay chosen", relay=runtime.relay.kind, splice=splice)
    await services.start(runtime.network.run)
    await services.start(runtime.log.run)
    health = partial(
        run_health,
        network=runtime.network,
        names=runtime.names,
        rng=runtime.rng,
        log=runtime.log,
        legs=runtime.legs,
        changed=changed,
    )
    await services.start(health, runtime.pools.values())


def _make_gates(
    runtime: Runtime,
    config: Config,
    prepared: Prepared,
    filters: Mapping[str, ListenerFilters],
    bound: Mapping[str, list[Listener]],
) -> dict[str, Gate]:
    gates = {}
    for name, sockets in bound.items():
        listener = _listener_state(config.listeners[name], prepared, filters.get(name))
        gates[name] = Gate(runtime, listener, sockets)
    return gates


def _listener_state(
    config: ListenerConfig, prepared: Prepared, filters: ListenerFilters | None
) -> ListenerState:
    limit = math.inf if config.max_connections is None else config.max_connections
    return ListenerState(
        config,
        trio.CapacityLimiter(limit),
        access=None if config.access is None else Access(config.access, trio.current_time()),
        trust=None if config.proxy_protocol is None else Trust(config.proxy_protocol),
        tls=prepared.tls.get(config.name),
        routes=Routes(config.routes) if config.routes else None,
        filters=filters,
    )


async def _serve_listeners(
    runtime: Runtime,
    config: Config,
    gates: Mapping[str, Gate],
    task_status: trio.TaskStatus[Balancer],
) -> None:
    """Accept and serve until every listener is drained and its last connection has ended."""
    async with trio.open_nursery() as listeners:
        for name, gate in gates.items():
            listeners.start_soon(gate.run, name=f"listener {name}")
            for socket in gate.sockets:
                pool = gate.listener.config.pool
                runtime.log.info("Listening", listener=name, address=socket.address, pool=pool)
        task_status.started(Balancer(runtime, gates, config))
    runtime.log.info("Stopped", accepted=runtime.totals.accepted)
