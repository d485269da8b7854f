"""The nursery tree of a running balancer: start, drain, stop.

services nursery            network, sweepers, log, health           (cancelled last)
└─ a gate per listener      its connections; deadline set on drain
   └─ accepting nursery     one accept loop per address              (cancelled first)
"""

from __future__ import annotations

import os
import random
import resource
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import trio

from trio_balancer.balancer import Balancer
from trio_balancer.config import fit_max_connections
from trio_balancer.control.admin import open_admin
from trio_balancer.control.house import House
from trio_balancer.control.operations import Operations
from trio_balancer.control.runtime_socket import open_runtime_socket
from trio_balancer.flow.bind import Place, bind_all, close_all
from trio_balancer.flow.changes import announce
from trio_balancer.flow.faulting import make_fault_book
from trio_balancer.flow.filtering import surroundings_of
from trio_balancer.flow.gates import Gates
from trio_balancer.flow.hours import keep_hours
from trio_balancer.flow.live import Runtime
from trio_balancer.flow.log import Log
from trio_balancer.flow.log_sink import LogSink, open_sink
from trio_balancer.flow.names import Names
from trio_balancer.flow.terms import Terms
from trio_balancer.health.ejections import Wakeup
from trio_balancer.health.service import Watchers
from trio_balancer.network import SocketNetwork
from trio_balancer.network.real_time import check_real_time
from trio_balancer.policy import Change, Pool
from trio_balancer.prepare import close_all_filters, open_all_filters, prepare
from trio_balancer.relay import Sweepers, make_relay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trio_balancer.config.model import Config, PoolConfig
    from trio_balancer.filters import ListenerFilters
    from trio_balancer.flow.bind import Bound
    from trio_balancer.flow.record import Record
    from trio_balancer.network.seam import Network
    from trio_balancer.prepare import Prepared


async def serve(
    config: Config,
    *,
    network: Network | None = None,
    wall_clock: Callable[[], float] = time.time,
    rng: random.Random | None = None,
    log_sink: LogSink | None = None,
    on_record: Callable[[Record], None] | None = None,
    load: Callable[[], Config] | None = None,
    faults: bool = False,
    stay: bool = False,
    config_file: str | None = None,
    on_bound: Callable[[], None] | None = None,
    task_status: trio.TaskStatus[Balancer] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a balancer until it is drained (`Balancer.drain`) or cancelled.

    Use it with `nursery.start`: it hands over a `Balancer` once it serves, that is once every
    listener is bound and each backend was checked once. Cancelled, it resets every connection.

    `network` is where connections come from and go to (the kernel's sockets by default), `rng`
    what every random choice is drawn from, `wall_clock` gives Unix seconds for the log.
    `on_record` is called with each finished connection; it must not raise. `log_sink` takes the
    log instead of what the configuration says. `load` reads the configuration once more, for
    `Balancer.reload`, and raises ConfigError; `config_file` is its path, for people. `on_bound` is
    called once every address is bound and every file open, before anybody is dialled or accepted;
    what it raises is raised here. With `faults`, connections may be broken on purpose (by
    `Balancer.faults`), also where the configuration does not say so. With `stay`, it serves on
    where there is no listener, or none any more. Nothing global is touched: no signal, no limit.

    Raises ConfigError when `max_connections` does not fit into the limit of open files, or when a
    certificate, a filter or the extra `admin` cannot be loaded, BindError (an OSError) when an
    address cannot be bound, OSError when the log cannot be opened, RuntimeError for real sockets
    under a MockClock.
    """
    limit = fit_max_connections(config, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    rng = random.Random() if rng is None else rng
    fault_book = make_fault_book(config, rng, wanted=faults)
    prepared = prepare(config)
    network = SocketNetwork() if network is None else network
    check_real_time(network)
    sink = log_sink or open_sink(config.log.file)
    with ExitStack() as closing:
        log = Log(config.log, sink, wall_clock=wall_clock, pid=os.getpid())
        closing.callback(log.close)
        filters = open_all_filters(config, surroundings_of(log, wall_clock))
        closing.callback(close_all_filters, filters)
        relay = make_relay(config.balancer.relay, network, splice=config.balancer.splice)
        closing.callback(relay.close)
        # Bound before any nursery opens, so that the error reaches the caller bare.
        places = [place for each in config.listeners.values() for place in Place.of(each)]
        bound = await bind_all(network, places, config.balancer.backlog)
        closing.callback(close_all, bound)
        runtime_socket = await open_runtime_socket(network, config.control)
        closing.callback(runtime_socket.close)
        admin = await open_admin(config)
        closing.callback(admin.close)
        if on_bound is not None:
            on_bound()
        async with trio.open_nursery() as services:
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
                faults=fault_book,
                observers=() if on_record is None else (on_record,),
            )
            async with trio.open_nursery() as listeners:
                house = _build(runtime, listeners, limit, owns_log=log_sink is None)
                closing.callback(house.gates.close_filters)
                await _start_services(services, house, config, prepared)
                _open_gates(house, config, prepared, filters, bound)
                if stay:
                    house.gates.stay()
                balancer = Balancer(house, config, services, load)
                operations = Operations(balancer, config_file=config_file)
                services.start_soon(runtime_socket.run, operations)
                services.start_soon(admin.run, operations)
                task_status.started(balancer)
            log.info("Stopped", accepted=runtime.totals.accepted)
            services.cancel_scope.cancel()


def _build(runtime: Runtime, listeners: trio.Nursery, limit: int, *, owns_log: bool) -> House:
    """Put together what a reload changes; nothing runs yet."""
    changed = Wakeup()
    gates = Gates(runtime, listeners)

    def notify(change: Change) -> None:
        announce(runtime, change)
        changed.wake()
        gates.follow_pools()

    def make_pool(config: PoolConfig) -> Pool:
        return Pool(config, now=trio.current_time(), rng=runtime.rng, notify=notify)

    watchers = Watchers(
        runtime.pools.values(),
        network=runtime.network,
        names=runtime.names,
        rng=runtime.rng,
        log=runtime.log,
        legs=runtime.legs,
        changed=changed,
    )
    return House(runtime, gates, watchers, make_pool, limit=limit, owns_log=owns_log)


async def _start_services(
    services: trio.Nursery, house: House, config: Config, prepared: Prepared
) -> None:
    """Start all that connections rely on; one round of health checks is done then."""
    runtime = house.runtime
    house.files = prepared.files
    for pool in config.pools.values():
        house.found_pool(pool, prepared.legs)
    if runtime.relay is not None:
        splice = runtime.relay.pipes is not None
        runtime.log.info("Relay chosen", relay=runtime.relay.kind, splice=splice)
    await services.start(runtime.network.run)
    await services.start(runtime.log.run)
    await services.start(house.watchers.run)
    services.start_soon(keep_hours, runtime, house.gates.in_force)


def _open_gates(
    house: House,
    config: Config,
    prepared: Prepared,
    filters: Mapping[str, ListenerFilters],
    bound: Sequence[Bound],
) -> None:
    """Accept and serve, until every listener is drained and its last connection has ended."""
    pools = dict(house.runtime.pools)
    for name, listener in config.listeners.items():
        terms = Terms(listener, pools, tls=prepared.tls.get(name), filters=filters.get(name))
        sockets = [each for each in bound if each.place.listener == name]
        house.gates.open(house.gates.listener(terms), sockets)
        for each in sockets:
            house.runtime.log.info(
                "Listening", listener=name, address=each.socket.address, pool=listener.pool
            )
    house.gates.follow_pools()
